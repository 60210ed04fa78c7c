/** What two runners may do that both believe to have a partition, on each kind of storage. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as TestClock from "effect/testing/TestClock"
import * as JobStore from "../src/internal/jobStore.ts"
import * as LedgerStore from "../src/internal/ledgerStore.ts"
import * as RateStore from "../src/internal/rateStore.ts"
import * as Sqlite from "../src/internal/sqlite.ts"
import { StorageFailed } from "../src/JobError.ts"
import * as Postgres from "./support/postgres.ts"
import { passing } from "./support/passing.ts"

const job = { job: "load", id: "1" }
const key = { ...job, partition: "a", generation: 1 }
const counts = { before: 0, written: 5, rejected: 0, unknown: 0, deadLettered: 0 }

const makeStore = Effect.gen(function* () {
  const store = yield* JobStore.make
  // Tests share a database.
  const sql = yield* SqlClient.SqlClient
  for (const table of ["jobs", "partitions", "ledgers", "rates"]) yield* sql`DELETE FROM ${sql(`connectors_${table}`)}`
  yield* store.create(job, [{ partition: "a", value: '"a"' }])
  return store
})

/** Nobody waits for who was silent. */
const begin = (store: JobStore.JobStore, runner: string) =>
  Effect.map(store.begin(key, runner, 0), (begun) => {
    if (begun._tag !== "Begun") throw new Error("it was settled")
    return { ...key, attempt: begun.attempt }
  })

const suite = (storage: Layer.Layer<SqlClient.SqlClient, SqlError>) => {
  it.effect("a run has ended once, whatever comes late", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const first = yield* begin(store, "one")
      const second = yield* begin(store, "two")
      yield* store.finish(second, "completed", counts, null)
      const ended = yield* store.job(job)
      assert.isDefined(ended?.finishedAt)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* store.finish(first, "failed", counts, "late"), "stale")
      assert.deepStrictEqual(yield* store.job(job), ended)
    }).pipe(Effect.provide(storage))
  )

  it.effect("listens to the last one who began a partition, and tells the other one", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const first = yield* begin(store, "one")
      const mine = LedgerStore.make(store, first)
      yield* mine.set("ledger", "first")
      const second = yield* begin(store, "two")

      const refused = yield* Effect.flip(mine.set("ledger", "late"))
      assert.include(refused.message, "another runner has taken this partition over")
      assert.strictEqual(yield* LedgerStore.make(store, second).get("ledger"), "first")
      assert.deepStrictEqual(
        yield* store.report([
          [first, { ...counts, written: 1_000 }],
          [second, counts]
        ]),
        ["stale", "go on"]
      )
      assert.strictEqual(yield* store.finish(first, "completed", counts, null), "stale")
      assert.strictEqual((yield* store.job(job))?.state, "running")
      assert.strictEqual((yield* store.partitions(job, ["running"], 10))[0]?.written, 5)

      assert.strictEqual(yield* store.finish(second, "completed", counts, null), "settled")
      assert.strictEqual((yield* store.job(job))?.state, "completed")
      assert.deepStrictEqual(yield* store.begin(key, "three", 0), { _tag: "Settled" })
    }).pipe(Effect.provide(storage))
  )

  it.effect("lets nobody take a partition from who reported just now, unless that one releases it", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const first = yield* begin(store, "one")
      const hour = 3_600_000
      assert.deepStrictEqual(yield* store.begin(key, "two", hour), { _tag: "Taken" })
      assert.deepStrictEqual(yield* store.report([[first, counts]]), ["go on"])

      // A runner does not wait for itself, as when it was started anew.
      assert.deepStrictEqual(yield* store.begin(key, "one", hour), { _tag: "Begun", attempt: 2, value: '"a"' })
      yield* store.release(first, { ...counts, written: 1_000 })
      assert.deepStrictEqual(yield* store.begin(key, "two", hour), { _tag: "Taken" })
      const second = { ...key, attempt: 2 }
      yield* store.release(second, counts)
      assert.isFalse(yield* store.ledger.set(second, "ledger", "late"))
      assert.deepStrictEqual(yield* store.begin(key, "two", hour), { _tag: "Begun", attempt: 3, value: '"a"' })
      assert.strictEqual((yield* store.totals(job))[0]?.sentEarlier, 10)
    }).pipe(Effect.provide(storage))
  )

  it.effect("stores a run once that several start at the same time", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const partitions = Array.from({ length: 120 }, (_, n) => ({ partition: String(n), value: String(n) }))
      for (const id of ["2", "3", "4"]) {
        const rows = yield* Effect.all(
          Array.from({ length: 4 }, () => store.create({ job: "load", id }, partitions)),
          { concurrency: "unbounded" }
        )
        for (const row of rows) assert.deepInclude(row, { generation: 1, state: "running", partitions: 120 })
        assert.lengthOf(yield* store.values({ job: "load", id }), 120)
      }
    }).pipe(Effect.provide(storage))
  )

  it.effect("cancels a job while its attempts report", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const names = Array.from({ length: 8 }, (_, n) => String(n))
      for (let run = 0; run < 8; run++) {
        const key = { job: "load", id: `cancelled ${run}` }
        yield* store.create(
          key,
          names.map((partition) => ({ partition, value: "1" }))
        )
        const attempts = yield* Effect.forEach(names, (partition) =>
          Effect.as(store.begin({ ...key, partition, generation: 1 }, "one", 0), {
            ...key,
            partition,
            generation: 1,
            attempt: 1
          })
        )
        const progress = attempts.toReversed().map((attempt) => [attempt, counts] as const)
        yield* Effect.all([store.report(progress), store.report(progress), store.cancel(key)], {
          concurrency: "unbounded"
        })
        assert.strictEqual((yield* store.job(key))?.state, "cancelled")
        assert.strictEqual((yield* store.totals(key))[0]?.partitions, 8)
      }
    }).pipe(Effect.provide(storage))
  )

  it.effect("lets nobody work on what was cancelled, or belongs to another generation", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const first = yield* begin(store, "one")
      assert.strictEqual((yield* store.cancel(job))?.state, "cancelled")
      assert.deepStrictEqual(yield* store.report([[first, counts]]), ["settled"])
      assert.isDefined(yield* Effect.flip(LedgerStore.make(store, first).set("ledger", "late")))
      assert.strictEqual(yield* store.finish(first, "completed", counts, null), "settled")
      assert.strictEqual((yield* store.job(job))?.state, "cancelled")

      assert.strictEqual((yield* store.reopen(job))?.generation, 2)
      assert.deepStrictEqual(yield* store.begin(key, "one", 0), { _tag: "Settled" })
      assert.strictEqual((yield* store.begin({ ...key, generation: 2 }, "two", 0))._tag, "Begun")
      assert.deepStrictEqual(yield* store.report([[first, counts]]), ["stale"])
    }).pipe(Effect.provide(storage))
  )

  it.effect("keeps the counts that an attempt ended with, also when an older report comes late", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const first = yield* begin(store, "one")
      yield* store.finish(first, "completed", { ...counts, written: 60 }, null)
      assert.deepStrictEqual(yield* store.report([[first, { ...counts, written: 40 }]]), ["settled"])
      assert.strictEqual((yield* store.partitions(job, ["completed"], 10))[0]?.written, 60)
    }).pipe(Effect.provide(storage))
  )

  it.effect("writes a ledger when the storage is back, instead of failing its partition", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const first = yield* begin(store, "one")
      const asked = { times: 0 }
      const away = Effect.fail(new StorageFailed({ detail: "away" }))
      const ledger: typeof store.ledger = {
        ...store.ledger,
        set: (...args) => Effect.suspend(() => (++asked.times < 5 ? away : store.ledger.set(...args)))
      }
      yield* passing(LedgerStore.make({ ...store, ledger }, first).set("ledger", "late"))
      assert.strictEqual(asked.times, 5)
      assert.strictEqual(yield* LedgerStore.make(store, first).get("ledger"), "late")
    }).pipe(Effect.provide(storage))
  )

  it.effect("knows what earlier attempts sent", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      yield* store.report([[yield* begin(store, "one"), counts]])
      const second = yield* begin(store, "two")
      yield* store.finish(second, "completed", { ...counts, before: 3, written: 7, deadLettered: 1 }, null)
      assert.deepStrictEqual(yield* store.totals(job), [
        {
          state: "completed",
          partitions: 1,
          before: 3,
          written: 7,
          rejected: 0,
          unknown: 0,
          deadLettered: 1,
          sentEarlier: 5
        }
      ])
    }).pipe(Effect.provide(storage))
  )

  it.effect("lets who writes a ledger and who takes its partition over come one after the other", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const first = yield* begin(store, "one")
      const writes = Effect.forEach(
        Array.from({ length: 20 }, (_, n) => String(n)),
        (value) => store.ledger.set(first, "ledger", value)
      )
      const [accepted, second] = yield* Effect.all([writes, begin(store, "two")], { concurrency: "unbounded" })
      // Once it was taken over nothing is accepted, and what was accepted is what the other one finds.
      const last = accepted.lastIndexOf(true)
      assert.deepStrictEqual(
        accepted,
        accepted.map((_, n) => n <= last)
      )
      assert.strictEqual(yield* store.ledger.get(second, "ledger"), last < 0 ? undefined : String(last))
      assert.isFalse(yield* store.ledger.set(first, "ledger", "late"))
    }).pipe(Effect.provide(storage))
  )

  it.effect("lets one of many that end at the same time notice that the job has ended", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const many = { job: "load", id: "many" }
      const names = Array.from({ length: 20 }, (_, n) => String(n))
      yield* store.create(
        many,
        names.map((partition) => ({ partition, value: "1" }))
      )
      const ended = yield* Effect.forEach(
        names,
        (partition) =>
          Effect.gen(function* () {
            const key = { ...many, partition, generation: 1 }
            const begun = yield* store.begin(key, "one", 0)
            if (begun._tag !== "Begun") return begun._tag
            return yield* store.finish({ ...key, attempt: begun.attempt }, "completed", counts, null)
          }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(new Set(ended), new Set(["settled"]))
      assert.strictEqual((yield* store.job(many))?.state, "completed")
      assert.strictEqual((yield* store.totals(many))[0]?.written, 100)
    }).pipe(Effect.provide(storage))
  )

  it.effect("counts a rate for all who take from it, and hands out no token twice", () =>
    Effect.gen(function* () {
      yield* makeStore
      const rates = yield* RateStore.make
      const take = rates.tokenBucket({
        key: "upserts",
        limit: 10,
        tokens: 1,
        refillRate: Duration.hours(1),
        allowOverflow: false
      })
      const left = yield* Effect.all(
        Array.from({ length: 15 }, () => take),
        { concurrency: "unbounded" }
      )
      const tokens = left.map(([tokens]) => tokens)
      assert.deepStrictEqual(
        tokens.toSorted((a, b) => b - a),
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1, -1, -1, -1, -1]
      )
    }).pipe(Effect.provide(storage))
  )
}

describe("the store of jobs in SQLite", () => {
  suite(Sqlite.layer({ file: ":memory:" }))
})

const bin = Postgres.installed
if (bin === undefined) console.warn("PostgreSQL is not installed: the store of jobs is not tested on it.")

describe.skipIf(bin === undefined)("the store of jobs in PostgreSQL", () => {
  const scope = Scope.makeUnsafe()
  const server = Effect.runSync(
    Effect.cached(
      Scope.provide(
        Effect.flatMap(Postgres.initialize(bin ?? ""), (data) => Postgres.make(bin ?? "", data)),
        scope
      )
    )
  )
  beforeAll(() => Effect.runPromise(server), 60_000)
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  const storage = Layer.unwrap(
    Effect.map(server, ({ url }) => PgClient.layer({ url: Redacted.make(url), maxConnections: 5 }))
  )
  suite(storage)

  it.effect("fails who writes what it can not keep, instead of being asked for ever", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const ledger = LedgerStore.make(store, yield* begin(store, "one"))
      const error = yield* Effect.flip(passing(ledger.set("ledger", "a\u0000b")))
      assert.include(error.message, "invalid byte sequence")
      yield* ledger.set("ledger", "ab")
    }).pipe(Effect.provide(storage))
  )
})

/** What two runners may do that both believe to have a partition. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as JobStore from "../src/internal/jobStore.ts"
import * as LedgerStore from "../src/internal/ledgerStore.ts"
import * as Sqlite from "../src/internal/sqlite.ts"
import { StorageFailed } from "../src/JobError.ts"
import { passing } from "./support/passing.ts"

const job = { job: "load", id: "1" }
const key = { ...job, partition: "a", generation: 1 }
const counts = { before: 0, written: 5, rejected: 0, unknown: 0, deadLettered: 0 }

const makeStore = Effect.gen(function* () {
  const store = yield* JobStore.make
  yield* store.create(job, [{ partition: "a", value: '"a"' }])
  return store
})

const begin = (store: JobStore.JobStore, runner: string) =>
  Effect.map(store.begin(key, runner), (begun) => {
    if (begun._tag !== "Begun") throw new Error("it was settled")
    return { ...key, attempt: begun.attempt }
  })

describe("the store of jobs", () => {
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
      assert.deepStrictEqual(yield* store.begin(key, "three"), { _tag: "Settled" })
    }).pipe(Effect.provide(Sqlite.layer({ file: ":memory:" })))
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
      assert.deepStrictEqual(yield* store.begin(key, "one"), { _tag: "Settled" })
      assert.strictEqual((yield* store.begin({ ...key, generation: 2 }, "two"))._tag, "Begun")
      assert.deepStrictEqual(yield* store.report([[first, counts]]), ["stale"])
    }).pipe(Effect.provide(Sqlite.layer({ file: ":memory:" })))
  )

  it.effect("keeps the counts that an attempt ended with, also when an older report comes late", () =>
    Effect.gen(function* () {
      const store = yield* makeStore
      const first = yield* begin(store, "one")
      yield* store.finish(first, "completed", { ...counts, written: 60 }, null)
      assert.deepStrictEqual(yield* store.report([[first, { ...counts, written: 40 }]]), ["settled"])
      assert.strictEqual((yield* store.partitions(job, ["completed"], 10))[0]?.written, 60)
    }).pipe(Effect.provide(Sqlite.layer({ file: ":memory:" })))
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
    }).pipe(Effect.provide(Sqlite.layer({ file: ":memory:" })))
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
    }).pipe(Effect.provide(Sqlite.layer({ file: ":memory:" })))
  )
})

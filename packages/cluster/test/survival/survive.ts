/** What a job must survive, whatever its runners share as their storage. */
import { Job, type JobEngine, type JobError } from "@effect-connectors/cluster"
import type { InvalidOption } from "@effect-connectors/core/ConnectorError"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Processes from "../support/processes.ts"
import { isRefused, job, keyOf, ranges, type Settings, valueOf } from "./job.ts"
import * as Programs from "./programs.ts"
import * as Store from "./store.ts"

/** A storage of one test. */
export interface Storage {
  /** What the next runner is told. */
  readonly settings: Effect.Effect<(typeof Settings.Type)["storage"]>
  readonly client: Layer.Layer<JobEngine.JobEngine, JobError.StorageFailed | InvalidOption>
  /** Ways to be away: from the first effect until the second one completes. */
  readonly outages: Readonly<Record<string, Effect.Effect<Effect.Effect<void, never, Scope.Scope>, never, Scope.Scope>>>
}

const partitions = 24
const size = 60
const work = ranges(partitions, size)
const total = partitions * size
const refusals = Array.from({ length: total }, (_, n) => n).filter(isRefused).length
const id = "1"

const start = (storage: Storage, store: Store.Store, name: string, concurrency = 2) =>
  Effect.flatMap(storage.settings, (storage) => Programs.runner({ name, store: store.url, concurrency, storage }))

const startAll = (storage: Storage, store: Store.Store, names: ReadonlyArray<string>) =>
  Effect.forEach(names, (name) => start(storage, store, name))

/** Waits for the end, and holds the store against what went in. */
const complete = Effect.fnUntraced(function* (store: Store.Store, run = id) {
  const { partitions: states, records, state } = yield* Job.wait(job, run)
  assert.strictEqual(state, "completed")
  assert.strictEqual(states.completed, partitions)
  const { before, rejected, written } = records
  assert.deepStrictEqual(records, { before, written, rejected: refusals, unknown: 0, deadLettered: 0 })
  assert.strictEqual(before + written + rejected, total)
  for (let n = 0; n < total; n++) {
    assert.isDefined(store.times.get(n), `record ${n} was never sent`)
    assert.strictEqual(store.values.get(n), isRefused(n) ? undefined : valueOf(n))
  }
  const rows = yield* Job.partitions(job, run)
  assert.deepStrictEqual(
    rows.map(({ partition }) => partition),
    work.map(keyOf)
  )
  return rows
})

/** What came twice is of partitions that were begun twice. */
const onlyAgain = (store: Store.Store, rows: Effect.Success<ReturnType<typeof complete>>) => {
  const once = rows.filter(({ attempt }) => attempt === 1)
  for (const { from, to } of work.filter((range) => once.some(({ partition }) => partition === keyOf(range)))) {
    for (let n = from; n < to; n++) assert.strictEqual(store.times.get(n), 1, `record ${n}`)
  }
}

/** Who called first has no answers from then on. */
const holdFirst = Effect.fnUntraced(function* (store: Store.Store) {
  const first: { name?: string } = {}
  yield* store.hold(({ runner }) => (first.name ??= runner) === runner)
  // The others have work as well, and do it.
  yield* store.until((calls) => calls.some(({ runner }) => runner !== first.name))
  return first.name ?? ""
})

/** All runners have work, and none an answer. */
const holdAll = Effect.fnUntraced(function* (store: Store.Store, runners: number) {
  // Until everybody has come each partition may send one call: so none is done before.
  yield* store.hold(() => true)
  yield* store.until((calls) => new Set(calls.map(({ runner }) => runner)).size === runners)
})

const names = ["one", "two"]

export const suite = (open: Effect.Effect<Storage, never, Scope.Scope>, outages: ReadonlyArray<string>) => {
  const test = <E>(
    name: string,
    program: (storage: Storage, store: Store.Store) => Effect.Effect<unknown, E, JobEngine.JobEngine | Scope.Scope>
  ) =>
    it.live(
      name,
      () =>
        Effect.gen(function* () {
          const storage = yield* open
          const store = yield* Store.make
          yield* Effect.provide(program(storage, store), storage.client)
        }),
      180_000
    )

  test("a runner that is killed", (storage, store) =>
    Effect.gen(function* () {
      const runners = yield* startAll(storage, store, names)
      yield* Job.start(job, { id, partitions: work })
      const victim = runners[names.indexOf(yield* holdFirst(store))]!
      yield* Processes.end(victim, "SIGKILL")
      const rows = yield* complete(store)
      onlyAgain(store, rows)
      assert.isTrue(rows.some(({ attempt }) => attempt > 1))
    }))

  test("a runner that is stopped in the middle of its work", (storage, store) =>
    Effect.gen(function* () {
      const runners = yield* startAll(storage, store, names)
      yield* Job.start(job, { id, partitions: work })
      const victim = runners[names.indexOf(yield* holdFirst(store))]!
      yield* Processes.end(victim, "SIGTERM")
      assert.isNull(victim.signalCode)
      onlyAgain(store, yield* complete(store))
    }))

  test("all runners killed, and started again", (storage, store) =>
    Effect.gen(function* () {
      // There is no runner yet: who comes finds the job.
      yield* Job.start(job, { id, partitions: work })
      const runners = yield* startAll(storage, store, names)
      yield* holdAll(store, names.length)
      yield* Effect.forEach(runners, (runner) => Processes.end(runner, "SIGKILL"), { concurrency: "unbounded" })
      assert.strictEqual((yield* Job.progress(job, id)).state, "running")
      yield* store.hold(() => false)
      yield* startAll(storage, store, names)
      onlyAgain(store, yield* complete(store))
    }))

  test("a runner that was paused, and still believes to have what others took over", (storage, store) =>
    Effect.gen(function* () {
      const runners = yield* startAll(storage, store, names)
      yield* Job.start(job, { id, partitions: work })
      const name = yield* holdFirst(store)
      const paused = runners[names.indexOf(name)]!
      paused.kill("SIGSTOP")
      const taken = new Set<string>()
      yield* store.until((calls) => {
        const its = new Set(calls.filter(({ runner }) => runner === name).map(({ partition }) => partition))
        for (const { attempt, partition, runner } of calls) {
          if (runner !== name && attempt > 1 && its.has(partition)) taken.add(partition)
        }
        return taken.size > 0
      })
      // When it goes on its answers are there: what it does first is to note them in ledgers that are not its own any more.
      const before = store.calls.length
      yield* store.hold(() => false)
      paused.kill("SIGCONT")
      yield* complete(store)
      const late = store.calls.slice(before).filter((call) => call.runner === name && call.attempt === 1)
      assert.deepStrictEqual(
        late.filter(({ partition }) => taken.has(partition)),
        []
      )

      // It is a runner like others again: alone it does all of a second run.
      yield* Effect.forEach(
        runners.filter((runner) => runner !== paused),
        (runner) => Processes.end(runner, "SIGKILL")
      )
      yield* Job.start(job, { id: "2", partitions: work })
      yield* complete(store, "2")
    }))

  test("a runner that was paused, and is stopped when it goes on with more to do than it has places for", (storage, store) =>
    Effect.gen(function* () {
      const paused = yield* start(storage, store, "one")
      yield* start(storage, store, "two", partitions)
      yield* Job.start(job, { id, partitions: work })
      yield* holdAll(store, names.length)
      paused.kill("SIGSTOP")
      yield* store.until(
        (calls) =>
          new Set(calls.filter(({ runner }) => runner === "two").map(({ partition }) => partition)).size === partitions
      )
      paused.kill("SIGTERM")
      yield* Processes.end(paused, "SIGCONT")
      yield* store.hold(() => false)
      yield* complete(store)
    }))

  for (const outage of outages) {
    test(`a storage that is away for ten seconds: ${outage}`, (storage, store) =>
      Effect.gen(function* () {
        yield* startAll(storage, store, names)
        yield* Job.start(job, { id, partitions: work })
        const watching = yield* Effect.forkChild(Stream.runCollect(Job.watch(job, id, "200 millis")))
        yield* holdAll(store, names.length)
        const back = yield* storage.outages[outage]!
        yield* store.hold(() => false)
        yield* back
        yield* complete(store)
        assert.strictEqual((yield* Fiber.join(watching)).at(-1)?.state, "completed")
      }))
  }
}

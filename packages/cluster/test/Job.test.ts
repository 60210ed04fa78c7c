import { Job, JobEngine, JobError, JobRunner, Partition } from "@effect-connectors/cluster"
import { Outcome, type Resume } from "@effect-connectors/core"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { passing } from "./support/passing.ts"

const Range = Schema.Struct({ from: Schema.Int, to: Schema.Int })
const ranges = Array.from({ length: 10 }, (_, i) => ({ from: i * 100, to: (i + 1) * 100 }))

/** Runs a program where a job can be worked on. */
const withJob =
  <P>(job: Job.Job<P>, options?: JobRunner.Options) =>
  <A, E, R>(program: Effect.Effect<A, E, R>) =>
    Effect.provide(program, Layer.provideMerge(Job.layer(job), JobRunner.layerMemory(options)))

describe("Job", () => {
  it.effect("works on each partition once, and counts what became of records", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const job = Job.make({
        name: "count",
        partitions: Range,
        run: ({ from, to }) =>
          Stream.range(from, to - 1).pipe(
            Stream.tap((n) => Effect.sync(() => seen.push(n))),
            Stream.map((n) => (n % 10 === 0 ? Outcome.rejected(n, "tens", 1) : Outcome.written(n))),
            Partition.track,
            Stream.runDrain
          )
      })
      const options = { id: "1", partitions: ranges }
      yield* Effect.gen(function* () {
        const ended = yield* passing(Job.execute(job, options))
        assert.deepStrictEqual(ended.records, { before: 0, written: 900, rejected: 100, unknown: 0, deadLettered: 0 })
        assert.deepStrictEqual(ended.partitions, {
          total: 10,
          waiting: 0,
          running: 0,
          completed: 10,
          failed: 0,
          cancelled: 0
        })
        // Once more: it is done.
        yield* passing(Job.execute(job, options))
        yield* Job.resume(job, "1")
        assert.deepStrictEqual(
          seen.toSorted((a, b) => a - b),
          Array.from({ length: 1000 }, (_, i) => i)
        )
      }).pipe(withJob(job))
    })
  )

  it.effect("goes on with a partition that failed from its ledger, and leaves the others alone", () =>
    Effect.gen(function* () {
      const given: Array<number> = []
      const attempts: Array<number> = []
      const broken = { now: true }
      const job = Job.make({
        name: "resume",
        partitions: Range,
        retries: 1,
        run: ({ from, to }) =>
          Effect.gen(function* () {
            const { attempt } = yield* Partition.Partition
            const run = yield* Partition.resume()
            if (from === 300) attempts.push(attempt)
            yield* run.pending(Stream.range(from, to - 1)).pipe(
              Stream.rechunk(10),
              Stream.mapEffect((entry: Resume.Entry<number>) =>
                broken.now && entry.value === 350 ? Effect.fail("no") : Effect.succeed(Outcome.written(entry))
              ),
              Stream.tap(({ input }) => Effect.sync(() => given.push(input.value))),
              run.acknowledge,
              Partition.track,
              Stream.runDrain
            )
          })
      })
      yield* Effect.gen(function* () {
        const error = yield* Effect.flip(passing(Job.execute(job, { id: "1", partitions: ranges })))
        assert.strictEqual(error.reason._tag, "PartitionsFailed")
        assert.include(error.message, '1 of 10 partitions failed. {"from":300,"to":400}: no')
        assert.deepStrictEqual((yield* Job.progress(job, "1")).partitions.failed, 1)

        broken.now = false
        yield* Job.resume(job, "1")
        const ended = yield* passing(Job.wait(job, "1"))
        assert.strictEqual(ended.partitions.completed, 10)
        assert.deepStrictEqual(attempts, [1, 2, 3])
        assert.strictEqual(ended.records.before + ended.records.written, 1000)
        assert.isAbove(ended.records.before, 0)
        assert.strictEqual(new Set(given).size, 1000)
      }).pipe(withJob(job))
    })
  )

  it.effect("stops a run that is cancelled, and goes on when it is resumed", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const interrupted: Array<string> = []
      const waiting = { now: true }
      const job = Job.make({
        name: "cancel",
        partitions: Schema.String,
        run: (letter) =>
          Effect.suspend(() =>
            waiting.now ? Effect.andThen(Deferred.succeed(begun, undefined), Effect.never) : Effect.void
          ).pipe(Effect.onInterrupt(() => Effect.sync(() => interrupted.push(letter))))
      })
      yield* Effect.gen(function* () {
        yield* Job.start(job, { id: "1", partitions: ["a", "b", "c"] })
        yield* Deferred.await(begun)
        yield* Job.cancel(job, "1")
        const error = yield* Effect.flip(passing(Job.wait(job, "1")))
        assert.strictEqual(error.reason._tag, "Cancelled")
        assert.strictEqual((yield* Job.progress(job, "1")).partitions.cancelled, 3)

        waiting.now = false
        yield* passing(Effect.sleep("3 seconds"))
        assert.deepStrictEqual(interrupted, ["a"])
        yield* Job.resume(job, "1")
        assert.strictEqual((yield* passing(Job.wait(job, "1"))).partitions.completed, 3)
      }).pipe(withJob(job, { concurrency: 1 }))
    })
  )

  it.effect("knows a run by its id, and refuses one over other partitions", () =>
    Effect.gen(function* () {
      const job = Job.make({ name: "ids", partitions: Schema.String, run: () => Effect.void })
      yield* Effect.gen(function* () {
        yield* passing(Job.execute(job, { id: "1", partitions: ["a", "b"] }))
        const other = yield* Effect.flip(Job.start(job, { id: "1", partitions: ["a", "c"] }))
        assert.strictEqual(other.reason._tag, "OtherPartitions")
        const twice = yield* Effect.flip(Job.start(job, { id: "2", partitions: ["a", "a"] }))
        assert.strictEqual(twice.message, 'start of job ids "2": option partitions has a twice')
        for (const ask of [Job.progress, Job.wait, Job.cancel, Job.resume]) {
          assert.strictEqual((yield* Effect.flip(ask(job, "nobody"))).reason._tag, "UnknownJob")
        }
        const none = yield* passing(Job.execute(job, { id: "none", partitions: [] }))
        assert.strictEqual(none.state, "completed")
      }).pipe(withJob(job))
    })
  )

  it.effect("works on as many partitions at a time as it was told", () =>
    Effect.gen(function* () {
      const now = { running: 0, most: 0 }
      const job = Job.make({
        name: "room",
        partitions: Schema.String,
        run: () =>
          Effect.acquireUseRelease(
            Effect.sync(() => {
              now.most = Math.max(now.most, ++now.running)
            }),
            () => Effect.sleep("10 seconds"),
            () => Effect.sync(() => now.running--)
          )
      })
      yield* passing(Job.execute(job, { id: "1", partitions: ["a", "b", "c", "d", "e", "f", "g"] })).pipe(
        withJob(job, { concurrency: 3 })
      )
      assert.deepStrictEqual(now, { running: 0, most: 3 })
    })
  )

  it.effect("tells how far a run has come, while it runs and for the last time", () =>
    Effect.gen(function* () {
      const job = Job.make({
        name: "watch",
        partitions: Schema.String,
        run: () =>
          Stream.range(1, 10).pipe(
            Stream.tap(() => Effect.sleep("1 second")),
            Stream.map(Outcome.written),
            Partition.track,
            Stream.runDrain
          )
      })
      const snapshots = yield* Effect.gen(function* () {
        yield* Job.start(job, { id: "1", partitions: ["a", "b"] })
        return yield* passing(Stream.runCollect(Job.watch(job, "1", "2 seconds")))
      }).pipe(withJob(job))
      const written = snapshots.map(({ records }) => records.written)
      assert.deepStrictEqual(
        written,
        written.toSorted((a, b) => a - b)
      )
      assert.isAbove(new Set(written).size, 3)
      assert.strictEqual(snapshots.at(-1)?.state, "completed")
      assert.strictEqual(written.at(-1), 20)
    })
  )

  it.effect("leaves a partition to who has taken it over, also when its own attempt fails", () =>
    Effect.gen(function* () {
      const failed = yield* Deferred.make<void>()
      const job = Job.make({
        name: "taken",
        partitions: Schema.String,
        run: () =>
          Effect.gen(function* () {
            const { store } = yield* JobEngine.JobEngine
            yield* store.begin({ job: "taken", id: "1", partition: "a", generation: 1 }, "another", 0)
            yield* Deferred.succeed(failed, undefined)
            return yield* Effect.fail("its ledger was refused")
          })
      })
      yield* Effect.gen(function* () {
        yield* Job.start(job, { id: "1", partitions: ["a"] })
        yield* Deferred.await(failed)
        const { store } = yield* JobEngine.JobEngine
        const counts = { before: 0, written: 0, rejected: 0, unknown: 0, deadLettered: 0 }
        const attempt = { job: "taken", id: "1", partition: "a", generation: 1, attempt: 2 }
        yield* passing(
          Effect.repeat(store.report([[attempt, counts]]), { schedule: Schedule.spaced("1 second"), times: 60 })
        )
        const [row] = yield* Job.partitions(job, "1")
        assert.deepInclude(row, { state: "running", attempt: 2, runner: "another" })
      }).pipe(Effect.provide(Layer.provideMerge(Job.layer(job), JobRunner.layerMemory())))
    })
  )

  it.effect("works on others while a partition that failed waits to be tried again", () =>
    Effect.gen(function* () {
      const runs: Array<string> = []
      const job = Job.make({
        name: "pause",
        partitions: Schema.String,
        run: (letter) =>
          Effect.suspend(() => (runs.push(letter) === 1 ? Effect.fail("not yet") : Effect.sleep("100 millis")))
      })
      yield* withJob(job, { concurrency: 1 })(passing(Job.execute(job, { id: "1", partitions: ["a", "b"] })))
      assert.deepStrictEqual(runs, ["a", "b", "a"])
    })
  )

  it.effect("keeps an error of any characters, on storages that can not keep them all", () =>
    Effect.gen(function* () {
      const job = Job.make({
        name: "nul",
        partitions: Schema.String,
        retries: 0,
        run: () => Effect.fail("the id a\u0000b is none")
      })
      const error = yield* withJob(job)(Effect.flip(passing(Job.execute(job, { id: "1", partitions: ["a"] }))))
      assert.include(error.message, "the id a\uFFFDb is none")
    })
  )

  it.effect("goes on telling when the storage was away for a moment", () =>
    Effect.gen(function* () {
      const job = Job.make({ name: "away", partitions: Schema.String, run: () => Effect.sleep("10 seconds") })
      const snapshots = yield* Effect.gen(function* () {
        yield* Job.start(job, { id: "1", partitions: ["a"] })
        const engine = yield* JobEngine.JobEngine
        const asked = { times: 0 }
        const away = Effect.fail(new JobError.StorageFailed({ detail: "away" }))
        const totals: typeof engine.store.totals = (key) =>
          Effect.suspend(() => (++asked.times % 3 === 0 ? engine.store.totals(key) : away))
        return yield* passing(Stream.runCollect(Job.watch(job, "1"))).pipe(
          Effect.provideService(JobEngine.JobEngine, { ...engine, store: { ...engine.store, totals } })
        )
      }).pipe(withJob(job))
      assert.isAbove(snapshots.length, 2)
      assert.strictEqual(snapshots.at(-1)?.state, "completed")
    })
  )

  it.effect("does not ask again what the storage refuses", () =>
    Effect.gen(function* () {
      const job = Job.make({ name: "refused", partitions: Schema.String, run: () => Effect.void })
      const asked = { times: 0 }
      const error = yield* Effect.gen(function* () {
        const engine = yield* JobEngine.JobEngine
        const refused = Effect.suspend(() => {
          asked.times++
          return Effect.fail(new JobError.StorageFailed({ detail: "no text has a NUL", refused: true }))
        })
        const store = { ...engine.store, job: () => refused, totals: () => refused }
        return yield* Effect.flip(passing(Job.wait(job, "1"))).pipe(
          Effect.provideService(JobEngine.JobEngine, { ...engine, store })
        )
      }).pipe(withJob(job))
      assert.include(error.message, "no text has a NUL")
      assert.strictEqual(asked.times, 1)
    })
  )

  it.effect("asks which partitions failed again when the storage was away for a moment", () =>
    Effect.gen(function* () {
      const job = Job.make({ name: "named", partitions: Schema.String, retries: 0, run: () => Effect.fail("no") })
      const asked = { times: 0 }
      const error = yield* Effect.gen(function* () {
        yield* Job.start(job, { id: "1", partitions: ["a"] })
        const engine = yield* JobEngine.JobEngine
        const away = Effect.fail(new JobError.StorageFailed({ detail: "away" }))
        const partitions: typeof engine.store.partitions = (...of) =>
          Effect.suspend(() => (++asked.times === 1 ? away : engine.store.partitions(...of)))
        return yield* Effect.flip(passing(Job.wait(job, "1"))).pipe(
          Effect.provideService(JobEngine.JobEngine, { ...engine, store: { ...engine.store, partitions } })
        )
      }).pipe(withJob(job))
      assert.include(error.message, "1 of 1 partitions failed. a: no")
      assert.strictEqual(asked.times, 2)
    })
  )

  it.effect("refuses names that a storage can not have", () =>
    Effect.gen(function* () {
      const job = Job.make({ name: "names", partitions: Schema.String, run: () => Effect.void })
      yield* Effect.gen(function* () {
        const start = (id: string, partition: string) => Job.start(job, { id, partitions: [partition] })
        for (const [id, partition, issue] of [
          ["1", "x".repeat(9000), "option partitions has a key that has 9000 bytes; 1000 are allowed"],
          ["1", "\u20ac".repeat(334), "option partitions has a key that has 1002 bytes; 1000 are allowed"],
          ["1", "a\0", "option partitions has a key that has a NUL or half a character"],
          ["1", "\ud800", "option partitions has a key that has a NUL or half a character"],
          ["x".repeat(501), "a", "option id has 501 bytes; 500 are allowed"],
          ["\0", "a", "option id has a NUL or half a character"]
        ] as const) {
          const { message, reason } = yield* Effect.flip(start(id, partition))
          assert.strictEqual(reason._tag, "InvalidOption")
          assert.include(message, issue)
        }
        const unnamed = Job.start({ ...job, name: "x".repeat(101) }, { id: "1", partitions: [] })
        assert.include((yield* Effect.flip(unnamed)).message, "option name has 101 bytes; 100 are allowed")
        // A partition may be larger than its key.
        const keyed = { ...job, key: (text: string) => text.slice(0, 10) }
        yield* passing(Job.execute(keyed, { id: "x".repeat(500), partitions: ["x".repeat(9000)] }))
      }).pipe(withJob(job))
    })
  )
})

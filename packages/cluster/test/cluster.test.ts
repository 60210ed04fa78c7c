/** Jobs on Effect Cluster itself, in one process and on the test clock. */
import { Job, JobEngine, Partition } from "@effect-connectors/cluster"
import { Outcome } from "@effect-connectors/core"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SqlClient from "effect/sql/SqlClient"
import { passing } from "./support/passing.ts"
import * as SingleRunner from "./support/singleRunner.ts"

const letters = Array.from("abcdefghij")

const rows = (table: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return (yield* sql`SELECT 1 FROM ${sql(table)}`).length
  })

describe("a job on Effect Cluster", () => {
  it.effect("works on each partition once, and its messages are thrown away when it has ended", () =>
    Effect.gen(function* () {
      const begun: Array<string> = []
      const job = Job.make({
        name: "letters",
        partitions: Schema.String,
        run: (letter) =>
          Effect.gen(function* () {
            begun.push(letter)
            const run = yield* Partition.resume()
            yield* run
              .pending(Stream.range(1, 100))
              .pipe(Stream.map(Outcome.written), run.acknowledge, Partition.track, Stream.runDrain)
          })
      })
      yield* Effect.gen(function* () {
        const ended = yield* passing(Job.execute(job, { id: "1", partitions: letters }))
        assert.strictEqual(ended.records.written, 1000)
        assert.deepStrictEqual(begun.toSorted(), letters)
        assert.isAbove(yield* rows("cluster_messages"), 20)
        assert.isAbove(yield* rows("connectors_ledgers"), 10)

        yield* passing(Effect.sleep("10 minutes"))
        assert.strictEqual(yield* rows("cluster_messages"), 0)
        assert.strictEqual(yield* rows("cluster_replies"), 0)
        assert.strictEqual(yield* rows("connectors_ledgers"), 0)
        // It is done all the same.
        assert.strictEqual(
          (yield* passing(Job.execute(job, { id: "1", partitions: letters }))).partitions.completed,
          10
        )
        assert.lengthOf(begun, 10)
      }).pipe(Effect.provide(Layer.provideMerge(Job.layer(job), SingleRunner.layer)))
    })
  )

  it.effect("works on what was stored by somebody who died before it was dispatched", () =>
    Effect.gen(function* () {
      const job = Job.make({ name: "orphans", partitions: Schema.String, run: () => Effect.void })
      const { store } = yield* JobEngine.JobEngine
      const orphan = (id: string) =>
        store.create(
          { job: "orphans", id },
          letters.map((letter) => ({ partition: letter, value: JSON.stringify(letter) }))
        )
      yield* orphan("before")
      yield* Effect.gen(function* () {
        assert.strictEqual((yield* passing(Job.wait(job, "before"))).partitions.completed, 10)
        yield* orphan("while it runs")
        assert.strictEqual((yield* passing(Job.wait(job, "while it runs"))).partitions.completed, 10)
      }).pipe(Effect.provide(Job.layer(job)))
    }).pipe(Effect.provide(SingleRunner.layer))
  )

  it.effect("begins again what another runner took over and left, as soon as that one was silent", () =>
    Effect.gen(function* () {
      const begun: Array<string> = []
      const waiting = { now: true }
      const job = Job.make({
        name: "taken",
        partitions: Schema.String,
        run: (letter) =>
          Effect.suspend(() => {
            begun.push(letter)
            return waiting.now ? Effect.never : Effect.void
          })
      })
      yield* Effect.gen(function* () {
        const { store } = yield* JobEngine.JobEngine
        yield* Job.start(job, { id: "1", partitions: letters })
        yield* passing(Effect.sleep("2 seconds"))
        const [first = "", second = ""] = begun
        const key = { job: "taken", id: "1", generation: 1 }
        const counts = { before: 0, written: 0, rejected: 0, unknown: 0, deadLettered: 0 }
        waiting.now = false
        for (const partition of [first, second]) yield* store.begin({ ...key, partition }, "another", 0)
        // Others are worked on meanwhile, and these are left to who has them while that one reports.
        yield* passing(
          Effect.repeat(
            store.report([first, second].map((partition) => [{ ...key, partition, attempt: 2 }, counts] as const)),
            { schedule: Schedule.spaced("1 second"), times: 20 }
          )
        )
        const { partitions } = yield* Job.progress(job, "1")
        assert.deepInclude(partitions, { running: 2, completed: 8 })

        // One of them is ended there, and the other one is not.
        yield* store.finish({ ...key, partition: first, attempt: 2 }, "completed", counts, null)
        yield* passing(Job.wait(job, "1"))
        assert.deepStrictEqual(begun, [first, second, ...letters.filter((x) => x !== first && x !== second), second])
      }).pipe(Effect.provide(Layer.provideMerge(Job.layer(job), SingleRunner.layer)))
    })
  )

  it.effect("goes on with what failed or was cancelled, in a generation of its own", () =>
    Effect.gen(function* () {
      const broken = { now: true }
      const job = Job.make({
        name: "broken",
        partitions: Schema.String,
        retries: 0,
        run: (letter) => (broken.now && letter > "e" ? Effect.fail(`no ${letter}`) : Effect.void)
      })
      yield* Effect.gen(function* () {
        const error = yield* Effect.flip(passing(Job.execute(job, { id: "1", partitions: letters })))
        assert.include(error.message, "5 of 10 partitions failed. f: no f")
        broken.now = false
        yield* Job.resume(job, "1")
        assert.strictEqual((yield* passing(Job.wait(job, "1"))).partitions.completed, 10)
        const attempts = (yield* Job.partitions(job, "1")).map(({ attempt }) => attempt)
        assert.deepStrictEqual(attempts, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2])
      }).pipe(Effect.provide(Layer.provideMerge(Job.layer(job), SingleRunner.layer)))
    })
  )
})

import { Job, JobRunner, Partition } from "@effect-connectors/cluster"
import { Outcome } from "@effect-connectors/core"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

const Range = Schema.Struct({ from: Schema.Int, to: Schema.Int })
const ranges = Array.from({ length: 10 }, (_, i) => ({ from: i * 100, to: (i + 1) * 100 }))

/** Runs a program on the test clock, which goes on until the program has ended. */
const passing = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(program)
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

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
      const ended = yield* passing(Job.execute(job, { id: "1", partitions: ranges })).pipe(
        Effect.provide(Layer.provideMerge(Job.layer(job), JobRunner.layerMemory()))
      )
      assert.deepStrictEqual(ended.records, { before: 0, written: 900, rejected: 100, unknown: 0 })
      assert.strictEqual(ended.partitions.completed, 10)
      assert.deepStrictEqual(
        seen.toSorted((a, b) => a - b),
        Array.from({ length: 1000 }, (_, i) => i)
      )
    })
  )
})

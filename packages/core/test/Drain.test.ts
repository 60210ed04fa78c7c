import * as Drain from "@effect-connectors/core/Drain"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

describe("endWhen", () => {
  it.effect("ends a silent source", () =>
    Effect.gen(function* () {
      const end = yield* Deferred.make<void>()
      const fiber = yield* Stream.concat(Stream.make(1, 2), Stream.never).pipe(
        Drain.endWhen(Deferred.await(end)),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* Effect.yieldNow
      yield* Deferred.succeed(end, undefined)
      assert.deepStrictEqual(yield* Fiber.join(fiber), [1, 2])
    })
  )

  it.effect("ends a source that always has something ready, and loses nothing it gave", () =>
    Effect.gen(function* () {
      for (let at = 1; at < 60; at++) {
        const end = yield* Deferred.make<void>()
        let given = 0
        const received = yield* Stream.iterate(1, (n) => n + 1).pipe(
          Stream.mapArray((chunk) => {
            given += chunk.length
            return chunk
          }),
          Drain.endWhen(Deferred.await(end)),
          Stream.mapEffect((n) => (n === at ? Deferred.succeed(end, undefined) : Effect.yieldNow), { concurrency: 3 }),
          Stream.runCount
        )
        assert.strictEqual(received, given)
        assert.isAtLeast(received, at)
      }
    })
  )

  it.effect("runs the end once, however often the stream is pulled", () =>
    Effect.gen(function* () {
      const fiber = yield* Stream.fromSchedule(Schedule.spaced("1 second")).pipe(
        Drain.endWhen(Effect.sleep("5500 millis")),
        Stream.runCount,
        Effect.forkChild
      )
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 5)
    })
  )

  it.effect("fails when the end fails", () =>
    Effect.gen(function* () {
      const queue = yield* Queue.unbounded<number>()
      const error = yield* Stream.fromQueue(queue).pipe(
        Drain.endWhen(Effect.fail("no" as const)),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(error, "no")
    })
  )

  it.effect("leaves a stream alone that ends before", () =>
    Effect.map(Stream.runCollect(Drain.endWhen(Stream.make(1, 2, 3), Effect.never)), (all) =>
      assert.deepStrictEqual(all, [1, 2, 3])
    )
  )
})

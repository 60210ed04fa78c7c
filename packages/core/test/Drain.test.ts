import * as Drain from "@effect-connectors/core/Drain"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
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

describe("graceful", () => {
  /** Runs a program in a fiber of its own; what was logged, in order. */
  const running = <A, E>(
    program: (ended: Effect.Effect<void>, log: (text: string) => Effect.Effect<void>) => Effect.Effect<A, E>,
    options?: Drain.Options
  ) =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const logger = Logger.make(({ message }) => log.push(String(message)))
      const note = (text: string) => Effect.sync(() => log.push(text))
      const fiber = yield* Drain.graceful((ended) => program(ended, note), options).pipe(
        // As around a whole program: what is outside must not hide how it ended.
        Effect.catch((error) => Effect.fail(error)),
        Effect.provide(Logger.layer([logger])),
        Effect.forkChild
      )
      yield* Effect.yieldNow
      return { fiber, log }
    })

  const code = (exit: Exit.Exit<unknown, unknown>, teardown = Drain.teardown) => {
    let told: number | undefined
    teardown(exit, (code) => {
      told = code
    })
    return told
  }

  it.effect("gives what a program gives that ends by itself, and logs nothing", () =>
    Effect.gen(function* () {
      const { fiber, log } = yield* running(() => Effect.delay(Effect.succeed(7), "1 hour"), { limit: "1 second" })
      yield* TestClock.adjust("1 hour")
      const exit = yield* Fiber.await(fiber)
      assert.deepStrictEqual(exit, Exit.succeed(7))
      assert.strictEqual(code(exit), 0)
      assert.deepStrictEqual(log, [])
    })
  )

  it.effect("fails as the program fails", () =>
    Effect.gen(function* () {
      const { fiber, log } = yield* running(() => Effect.fail("no"))
      const exit = yield* Fiber.await(fiber)
      assert.deepStrictEqual(exit, Exit.fail("no"))
      assert.strictEqual(code(exit), 1)
      assert.deepStrictEqual(log, [])
    })
  )

  it.effect("asks an interrupted program to end and lets it finish", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const { fiber, log } = yield* running((ended, note) =>
        Stream.fromSchedule(Schedule.spaced("1 second")).pipe(
          Drain.endWhen(ended),
          Stream.mapEffect(
            (n) =>
              Effect.delay(
                Effect.sync(() => seen.push(n)),
                "10 seconds"
              ),
            { concurrency: 100 }
          ),
          Stream.runDrain,
          Effect.andThen(note("done"))
        )
      )
      yield* TestClock.adjust("3500 millis")
      fiber.interruptUnsafe()
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const exit = yield* Fiber.await(fiber)
      assert(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.strictEqual(code(exit), 0)
      assert.deepStrictEqual(seen, [0, 1, 2])
      assert.deepStrictEqual(log, ["Draining: asked to end, waiting at most 30s", "done"])
    })
  )

  it.effect("cancels a program that does not end within the limit, and waits for its finalizers", () =>
    Effect.gen(function* () {
      const { fiber, log } = yield* running(
        (_, note) =>
          Effect.never.pipe(Effect.onInterrupt(() => Effect.andThen(Effect.sleep("1 second"), note("closed")))),
        { limit: "5 seconds" }
      )
      fiber.interruptUnsafe()
      yield* TestClock.adjust("4999 millis")
      assert.deepStrictEqual(log, ["Draining: asked to end, waiting at most 5s"])
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(log.at(-1), "Not drained within 5s: cancelling")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const exit = yield* Fiber.await(fiber)
      assert.strictEqual(log.at(-1), "closed")
      assert(Exit.isFailure(exit))
      const error = Cause.squash(exit.cause)
      assert.instanceOf(error, Drain.DrainTimedOut)
      assert.strictEqual(error.message, "cancelled: not drained within 5s")
      assert.strictEqual(code(exit), 1)
    })
  )

  it.effect("is not hurried by further interruptions", () =>
    Effect.gen(function* () {
      const { fiber, log } = yield* running((ended, note) =>
        ended.pipe(Effect.andThen(Effect.delay(note("done"), "20 seconds")))
      )
      for (let second = 0; second < 20; second++) {
        fiber.interruptUnsafe()
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(code(yield* Fiber.await(fiber)), 0)
      assert.deepStrictEqual(log, ["Draining: asked to end, waiting at most 30s", "done"])
    })
  )

  it.effect("tells of a program that fails while it drains", () =>
    Effect.gen(function* () {
      const { fiber } = yield* running((ended) => Effect.andThen(ended, Effect.fail("broken")))
      fiber.interruptUnsafe()
      const exit = yield* Fiber.await(fiber)
      assert(Exit.isFailure(exit))
      assert.strictEqual(Cause.squash(exit.cause), "broken")
      assert.strictEqual(code(exit), 1)
    })
  )

  it.effect("tells of a program that interrupts itself as Effect does", () =>
    Effect.gen(function* () {
      const { fiber, log } = yield* running(() => Effect.interrupt)
      const exit = yield* Fiber.await(fiber)
      assert(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.deepStrictEqual(log, [])
    })
  )
})

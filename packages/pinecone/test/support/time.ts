import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"

/** Lets every fiber run until it waits for the clock or for another one. */
export const settle: Effect.Effect<unknown> = Effect.repeat(Effect.yieldNow, { times: 100 })

/** Runs an effect to its end; whenever it waits, the test clock moves on by `step`. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>, step: Duration.Input = "1 minute") =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* settle
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(step)
    return yield* Fiber.join(fiber)
  })

/** Interrupts an effect when it can do no more without the clock or an answer. */
export const interrupted = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* settle
    yield* Fiber.interrupt(fiber)
  })

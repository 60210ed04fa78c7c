import * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Runtime from "effect/Runtime"

/**
 * Runs a program that must not lose what it took in. The first SIGINT or SIGTERM completes `signalled`, on which the
 * program ends its sources and finishes its work; a second one interrupts it. (`NodeRuntime.runMain` interrupts at the
 * first, and what an interrupted write has not sent yet is gone.)
 */
export const runMain = <A, E>(program: (signalled: Effect.Effect<void>) => Effect.Effect<A, E>): void => {
  const latch = Latch.makeUnsafe(false)
  const run = Runtime.makeRunMain(({ fiber, teardown }) => {
    const clock = fiber.getRef(Clock.Clock)
    let first: number | undefined
    const onSignal = () => {
      const now = clock.currentTimeMillisUnsafe()
      first ??= now
      latch.openUnsafe()
      // Under npm one Ctrl+C can come twice: from the terminal, and from npm, which passes it on.
      if (now - first > 500) fiber.interruptUnsafe()
    }
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal)
    fiber.addObserver((exit) => teardown(exit, (code) => process.exit(code)))
  })
  run(program(latch.await))
}

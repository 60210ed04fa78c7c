/** How long a storage is asked again that fails: until it answers, since nothing can go on without it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { StorageFailed } from "../JobError.ts"

const untilStored = Schedule.jittered(Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")]))

/** Runs something on the store until it succeeds. */
export const persistently = <A, R>(effect: Effect.Effect<A, StorageFailed, R>): Effect.Effect<A, never, R> =>
  effect.pipe(
    // The engine has no error for a storage that fails: it dies.
    Effect.sandbox,
    Effect.retry({ schedule: untilStored, while: (cause) => !Cause.hasInterrupts(cause) }),
    Effect.catch((cause) => Effect.failCause(cause)),
    Effect.orDie
  )

/** How long a storage is asked again that fails: until it answers, since nothing can go on without it. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { StorageFailed } from "../JobError.ts"

const untilStored = Schedule.jittered(Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")]))

/** Milliseconds between two warnings of one who waits. */
const warnEvery = 30_000

const asking = <A, R>(
  effect: Effect.Effect<A, StorageFailed, R>,
  isWorthIt: (error: unknown) => boolean
): Effect.Effect<A, StorageFailed, R> =>
  Effect.suspend(() => {
    let warnedAt = -Infinity
    const isAskedAgain = (cause: Cause.Cause<StorageFailed>) =>
      !Cause.hasInterrupts(cause) && isWorthIt(Cause.squash(cause))
    const warn = Effect.fnUntraced(function* (cause: Cause.Cause<StorageFailed>) {
      const now = yield* Clock.currentTimeMillis
      if (!isAskedAgain(cause) || now - warnedAt < warnEvery) return
      warnedAt = now
      const error = Cause.squash(cause)
      const reason = error instanceof Error ? error.message : String(error)
      yield* Effect.logWarning(`A partition waits for its storage, which is asked again: ${reason}`)
    })
    return effect.pipe(
      // The engine has no error for a storage that fails: it dies.
      Effect.sandbox,
      Effect.tapError(warn),
      Effect.retry({ schedule: untilStored, while: isAskedAgain }),
      Effect.catch((cause) => Effect.failCause(cause))
    )
  })

/** Runs something on the store until it succeeds. */
export const persistently = <A, R>(effect: Effect.Effect<A, StorageFailed, R>): Effect.Effect<A, never, R> =>
  Effect.orDie(asking(effect, () => true))

/** Runs something on the store until it succeeds, or the storage says that it never will. */
export const untilAnswered = <A, R>(effect: Effect.Effect<A, StorageFailed, R>): Effect.Effect<A, StorageFailed, R> =>
  asking(effect, (error) => !(error instanceof StorageFailed && error.refused === true))

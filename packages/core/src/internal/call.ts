import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { ConnectorError } from "../ConnectorError.ts"
import * as Retry from "../Retry.ts"
import type { Telemetry } from "../Telemetry.ts"

/** How a call ended that no attempt could save. */
export interface Failed<E> {
  /** The last attempt's. */
  readonly error: E
  readonly attempts: number
  /** One of the attempts may have been applied. */
  readonly mayBeApplied: boolean
}

/**
 * A call with its retries; counts every attempt, and each repetition by the reason of the failure before. When `stop`
 * completes, an attempt on the wire is still answered, and none is started.
 */
export const withRetries = <A, E extends ConnectorError, R>(
  call: Effect.Effect<A, E, R>,
  telemetry: Telemetry,
  policy: Retry.Policy | undefined,
  stop: Effect.Effect<void> = Effect.never
): Effect.Effect<A, Failed<E>, R> =>
  Effect.suspend(() => {
    let attempts = 0
    let mayBeApplied = false
    let failure: E | undefined
    // Open while nothing is on the wire.
    const landed = Latch.makeUnsafe(false)
    const attempt = Effect.suspend(() => {
      attempts++
      landed.closeUnsafe()
      const sent = Effect.andThen(telemetry.attempt, call)
      return failure === undefined ? sent : Effect.andThen(telemetry.retry(failure.reason._tag, 1), sent)
    })
    const noted = Effect.tapError(attempt, (error) =>
      Effect.suspend(() => {
        failure = error
        mayBeApplied ||= error.reason.mayHaveApplied
        return landed.open
      })
    )
    const stopped = stop.pipe(
      Effect.andThen(landed.await),
      Effect.andThen(Effect.suspend(() => (failure === undefined ? Effect.never : Effect.fail(failure))))
    )
    return Effect.raceFirst(Retry.retry(noted, policy), stopped).pipe(
      Effect.mapError((error) => ({ error, attempts, mayBeApplied }))
    )
  })

/** Counts `call` as in flight while it runs, and how long that takes. */
export const measured = <A, E, R>(call: Effect.Effect<A, E, R>, telemetry: Telemetry): Effect.Effect<A, E, R> =>
  Effect.flatMap(Clock.currentTimeMillis, (start) =>
    Effect.onExit(telemetry.flying(call), () =>
      Effect.flatMap(Clock.currentTimeMillis, (end) => telemetry.seconds(end - start))
    )
  )

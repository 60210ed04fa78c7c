import * as Effect from "effect/Effect"
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

/** A call with its retries; counts every attempt, and each repetition by the reason of the failure before. */
export const withRetries = <A, E extends ConnectorError, R>(
  call: Effect.Effect<A, E, R>,
  telemetry: Telemetry,
  policy: Retry.Policy | undefined
): Effect.Effect<A, Failed<E>, R> =>
  Effect.suspend(() => {
    let attempts = 0
    let mayBeApplied = false
    let failure: E | undefined
    const attempt = Effect.suspend(() => {
      attempts++
      const sent = Effect.andThen(telemetry.attempt, call)
      return failure === undefined ? sent : Effect.andThen(telemetry.retry(failure.reason._tag, 1), sent)
    })
    const noted = Effect.tapError(attempt, (error) =>
      Effect.sync(() => {
        failure = error
        mayBeApplied ||= error.reason.mayHaveApplied
      })
    )
    return Effect.mapError(Retry.retry(noted, policy), (error) => ({ error, attempts, mayBeApplied }))
  })

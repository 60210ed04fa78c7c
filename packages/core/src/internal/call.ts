import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { ConnectorError } from "../ConnectorError.ts"
import type * as Pacing from "../Pacing.ts"
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

export interface Settings<E> {
  readonly telemetry: Telemetry
  readonly retry: Retry.Policy | undefined
  /** Each attempt waits for its turn. */
  readonly pace?: (Pacing.Paced<E> & { readonly call: Pacing.Call }) | undefined
  /**
   * Completes with what stopped the stream: an attempt on the wire is still answered, and none is started. Default:
   * nothing stops it.
   */
  readonly stop?: Effect.Effect<E> | undefined
}

/** A call with its retries; counts every attempt, and each repetition by the reason of the failure before. */
export const withRetries = <A, E extends ConnectorError, R>(
  call: Effect.Effect<A, E, R>,
  { pace, retry, stop, telemetry }: Settings<E>
): Effect.Effect<A, Failed<E>, R> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    let attempts = 0
    let mayBeApplied = false
    let failure: E | undefined
    // When the first attempt left: what it waited for its turn before is not held against it.
    let last = Infinity
    let stoppedBy: E | undefined
    // Open while nothing is on the wire.
    const landed = Latch.makeUnsafe(true)
    const send = Effect.suspend(() => {
      // An attempt that starts now would be cut off on the wire.
      if (stoppedBy !== undefined) return Effect.never
      // Its turn came too late.
      if (failure !== undefined && clock.currentTimeMillisUnsafe() > last) return Effect.fail(failure)
      if (attempts++ === 0) last = Retry.lastStart(retry, clock.currentTimeMillisUnsafe())
      landed.closeUnsafe()
      return Effect.andThen(telemetry.attempt(failure?.reason._tag), call)
    })
    const noted = Effect.tapError(send, (error) =>
      Effect.suspend(() => {
        failure = error
        mayBeApplied ||= error.reason.mayHaveApplied
        return landed.open
      })
    )
    const attempt =
      pace === undefined
        ? noted
        : pace.pacing.paced(pace.call, noted, { gaveUp: pace.gaveUp, until: () => last, outOfTime: () => failure })
    const unlessStopped = (waits: Effect.Effect<A, E, R>) =>
      stop === undefined
        ? waits
        : Effect.raceFirst(
            waits,
            Effect.flatMap(stop, (error) => {
              stoppedBy = error
              return Effect.flatMap(landed.await, () => Effect.fail(failure ?? error))
            })
          )
    const repeated = (error: E) => {
      let isNew = true
      const next = Effect.suspend(() => {
        if (!isNew) return attempt
        isNew = false
        return Effect.fail(error)
      })
      return Effect.retry(
        next,
        Retry.schedule<E>(retry ?? {}, () => last)
      )
    }
    // Most calls are sent at once and succeed: they are spared the two fibers of a race, and a schedule.
    const atOnce = pace === undefined || pace.pacing.sendsAtOnce?.(pace.call, clock.currentTimeMillisUnsafe()) === true
    const answered = atOnce
      ? Effect.catch(attempt, (error) => unlessStopped(repeated(error)))
      : unlessStopped(Effect.catch(attempt, repeated))
    return Effect.mapError(answered, (error) => ({ error, attempts, mayBeApplied }))
  })

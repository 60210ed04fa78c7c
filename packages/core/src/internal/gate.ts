/**
 * How many calls of one key may be in flight: halved when the store asks to slow down, grown again while it does not.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { type ConnectorError, retryAfterMillis } from "../ConnectorError.ts"

/** The store asks for less. That it is not available says so only when it says when to come back. */
const isThrottled = ({ reason }: ConnectorError): boolean =>
  reason._tag === "RateLimited" || (reason._tag === "Unavailable" && reason.retryAfterMillis !== undefined)

export interface Gate {
  /** Runs an attempt when there is room for it, `turn` has come and the wait that the store asked for is over. */
  readonly through: <A, E extends ConnectorError, R>(
    turn: Effect.Effect<void>,
    attempt: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  readonly limit: () => number
  /** Calls are in it, or would be held back. */
  readonly isUsed: (now: number) => boolean
  /** It is as a new one is. */
  readonly isFresh: () => boolean
}

/** A gate that begins at `max`; `changed` runs after each change of its limit. */
export const make = (max: number, changed: Effect.Effect<void>): Gate => {
  const semaphore = Semaphore.makeUnsafe(max)
  let limit = max
  let inFlight = 0
  // Calls sent under one limit are a generation: the first of it that is throttled halves the limit, the others say the same.
  let generation = 0
  let successes = 0
  let blockedUntil = 0
  let callers = 0

  const setTo = (next: number) => {
    limit = next
    successes = 0
    return Effect.andThen(semaphore.resize(next), changed)
  }

  const unblocked: Effect.Effect<void> = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    now < blockedUntil ? Effect.flatMap(Effect.sleep(blockedUntil - now), () => unblocked) : Effect.void
  )

  const succeeded = Effect.suspend(() => (limit < max && ++successes >= limit ? setTo(limit + 1) : Effect.void))

  const throttled = (error: ConnectorError, sentIn: number) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      blockedUntil = Math.max(blockedUntil, now + retryAfterMillis(error.reason))
      if (sentIn !== generation) return Effect.void
      generation++
      return setTo(Math.max(1, Math.floor(Math.min(limit, inFlight) / 2)))
    })

  const counted = <A, E extends ConnectorError, R>(attempt: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      const sentIn = generation
      inFlight++
      return attempt.pipe(
        Effect.tap(succeeded),
        Effect.tapError((error) => (isThrottled(error) ? throttled(error, sentIn) : Effect.void)),
        Effect.ensuring(
          Effect.sync(() => {
            inFlight--
          })
        )
      )
    })

  return {
    through: (turn, attempt) =>
      Effect.suspend(() => {
        callers++
        return Effect.ensuring(
          semaphore.withPermit(Effect.andThen(Effect.andThen(turn, unblocked), counted(attempt))),
          Effect.sync(() => {
            callers--
          })
        )
      }),
    limit: () => limit,
    isUsed: (now) => callers > 0 || now < blockedUntil,
    isFresh: () => limit === max
  }
}

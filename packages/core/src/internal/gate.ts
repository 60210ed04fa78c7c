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
  /** Runs what is done for a call when there is room for it. */
  readonly enter: <A, E, R>(call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Sends an attempt when the wait that the store asked for is over. */
  readonly send: <A, E extends ConnectorError, R>(attempt: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** A call that comes now need not wait. */
  readonly isFree: (now: number) => boolean
  readonly limit: () => number
  /** Calls are in it, or would be held back. */
  readonly isUsed: (now: number) => boolean
  /** It is as a new one is. */
  readonly isFresh: () => boolean
}

export interface Options {
  /** Where the limit begins. */
  readonly max: number
  /** The longest wait that the store may ask for. */
  readonly maxWaitMillis: number
  /** Runs after each change of the limit. */
  readonly changed: Effect.Effect<void>
  /** Runs when the store asks for a wait, with its milliseconds. */
  readonly asked: (millis: number) => Effect.Effect<void>
}

export const make = ({ asked, changed, max, maxWaitMillis }: Options): Gate => {
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
      const wait = Math.min(retryAfterMillis(error.reason), maxWaitMillis)
      const isNews = now + wait > blockedUntil
      if (isNews) blockedUntil = now + wait
      const told = wait > 0 && isNews ? asked(wait) : Effect.void
      if (sentIn !== generation) return told
      generation++
      return Effect.andThen(told, setTo(Math.max(1, Math.floor(Math.min(limit, inFlight) / 2))))
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
    send: (attempt) => Effect.andThen(unblocked, counted(attempt)),
    enter: (call) =>
      Effect.suspend(() => {
        callers++
        return Effect.ensuring(
          semaphore.withPermit(call),
          Effect.sync(() => {
            callers--
          })
        )
      }),
    isFree: (now) => callers < limit && now >= blockedUntil,
    limit: () => limit,
    isUsed: (now) => callers > 0 || now < blockedUntil,
    isFresh: () => limit === max
  }
}

/**
 * When to try a failed call again: only for reasons that time can cure, with growing jittered delays,
 * never sooner than the store asked for, and never past the deadline.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { type ConnectorError, retryAfterMillis } from "./ConnectorError.ts"

export interface Policy {
  /**
   * Attempts in all, the first included.
   *
   * @default 8
   */
  readonly maxAttempts?: number | undefined
  /**
   * The delay after the first failure; it doubles with each further one, 20 % up or down at random.
   *
   * @default "200 millis"
   */
  readonly base?: Duration.Input | undefined
  /**
   * Where the delay stops doubling. The random 20 % come on top, and a `Retry-After` of the store may be longer.
   *
   * @default "20 seconds"
   */
  readonly cap?: Duration.Input | undefined
  /**
   * No attempt starts later than this after the first one started.
   *
   * @default "2 minutes"
   */
  readonly deadline?: Duration.Input | undefined
}

/**
 * Retries a call as `policy` says. The error is the last one.
 *
 * @example
 * ```ts
 * import { Retry } from "@effect-connectors/core"
 * import { PineconeIndex } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 *
 * const stats = Effect.gen(function*() {
 *   const index = yield* PineconeIndex
 *   return yield* Retry.retry(index.stats, { maxAttempts: 3 })
 * })
 * ```
 */
export const retry: {
  (policy?: Policy): <A, E extends ConnectorError, R>(call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E extends ConnectorError, R>(call: Effect.Effect<A, E, R>, policy?: Policy): Effect.Effect<A, E, R>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E extends ConnectorError, R>(call: Effect.Effect<A, E, R>, policy: Policy = {}): Effect.Effect<A, E, R> =>
    Effect.flatMap(Clock.currentTimeMillis, (start) =>
      Effect.retry(
        call,
        schedule<E>(policy, () => lastStart(policy, start))
      )
    )
)

/** The last moment at which an attempt may start of a call whose first one started at `start`, in epoch milliseconds. */
export const lastStart = (policy: Policy | undefined, start: number): number =>
  start + (policy?.deadline === undefined ? 120_000 : Duration.toMillis(Duration.fromInputUnsafe(policy.deadline)))

/** The waits of a policy, as a schedule of Effect. `last` is asked after each failure: see {@link lastStart}. */
export const schedule = <E extends ConnectorError>(policy: Policy, last: () => number) => {
  const maxAttempts = policy.maxAttempts ?? 8
  return Schedule.min([
    Schedule.exponential(policy.base ?? "200 millis"),
    Schedule.spaced(policy.cap ?? "20 seconds")
  ]).pipe(
    Schedule.setInputType<E>(),
    // The store's wish comes after the jitter, so that jitter can not undercut it.
    Schedule.jittered,
    Schedule.modifyDelay(({ input, duration }) =>
      Effect.succeed(Math.max(Duration.toMillis(duration), retryAfterMillis(input.reason)))
    ),
    Schedule.while(
      ({ input, attempt, now, duration }) =>
        input.reason.isRetryable && attempt < maxAttempts && now + Duration.toMillis(duration) <= last()
    )
  )
}

/** The three forms of a date that HTTP allows. One of them names no zone; `DateTime` takes it for UTC, as HTTP does. */
const httpDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d\d:\d\d:\d\d (?:GMT|\d{4})$/

/**
 * Reads a `Retry-After` header, seconds or an HTTP date, as milliseconds from `nowMillis`.
 * What is neither is `undefined`; a date in the past is 0.
 */
export const parseRetryAfter = (header: string | null | undefined, nowMillis: number): number | undefined => {
  const text = header?.trim()
  if (text === undefined || text === "") return undefined
  if (/^\d+(\.\d+)?$/.test(text)) {
    const millis = Number(text) * 1000
    return Number.isFinite(millis) ? millis : undefined
  }
  // The parser of dates makes something of almost any text that holds a number, so it only sees what looks like one.
  if (!httpDate.test(text)) return undefined
  const date = DateTime.make(text)
  return Option.isSome(date) ? Math.max(0, DateTime.toEpochMillis(date.value) - nowMillis) : undefined
}

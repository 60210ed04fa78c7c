/**
 * How many calls, bytes and records a second may hold: token buckets of Effect's `RateLimiter`, so that processes that
 * share its store share the rates.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { RateLimiter } from "./persistence.ts"

/** What one second may hold. */
export interface Rate {
  readonly requestsPerSecond?: number | undefined
  readonly bytesPerSecond?: number | undefined
  readonly recordsPerSecond?: number | undefined
}

/** Bytes are counted by the thousand: the time of one byte is less than what a `Duration` can tell. */
const bytesInToken = 1000

export interface Amount {
  readonly bytes: number
  readonly records: number
}

/** Waits for the turn of a call. A store of rates that fails holds nobody up. */
export const turn = (
  limiter: RateLimiter.RateLimiter,
  key: string,
  burstMillis: number,
  { bytesPerSecond, recordsPerSecond, requestsPerSecond }: Rate,
  { bytes, records }: Amount
): Effect.Effect<void> => {
  const take = (what: string, perSecond: number | undefined, tokens: number): Effect.Effect<number> => {
    if (perSecond === undefined || tokens === 0) return Effect.succeed(0)
    // A whole number of tokens, one at least: Effect divides the window by it.
    const size = Math.max(1, Math.floor((perSecond * burstMillis) / 1000))
    const taken = limiter.consume({
      key: `${what}/${key}`,
      algorithm: "token-bucket",
      onExceeded: "delay",
      window: (size / perSecond) * 1000,
      limit: size,
      tokens
    })
    return Effect.match(taken, { onSuccess: ({ delay }) => Duration.toMillis(delay), onFailure: () => 0 })
  }
  const delays = Effect.all([
    take("requests", requestsPerSecond, 1),
    take("bytes", bytesPerSecond === undefined ? undefined : bytesPerSecond / bytesInToken, bytes / bytesInToken),
    take("records", recordsPerSecond, records)
  ])
  return Effect.flatMap(delays, (waits) => {
    const longest = Math.max(...waits)
    return longest > 0 ? Effect.sleep(longest) : Effect.void
  })
}

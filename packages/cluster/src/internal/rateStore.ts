/** Token buckets in the storage that runners share, so that they share the rates of a store. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as SqlClient from "effect/sql/SqlClient"

export type RateStore = RateLimiter.RateLimiterStore["Service"]

export const make: Effect.Effect<RateStore, never, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  // What `Pacing` takes are token buckets alone. The rest of the service is of this process.
  const local = Context.get(
    yield* Effect.scoped(Layer.build(RateLimiter.layerStoreMemory)),
    RateLimiter.RateLimiterStore
  )

  // Clocks of machines differ; the database has one.
  const now = sql.onDialectOrElse({
    pg: () =>
      Effect.map(sql<{ now: number }>`SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::float8 AS now`, ([row]) =>
        Number(row?.now)
      ),
    orElse: () => Clock.currentTimeMillis
  })
  const lock = sql.onDialectOrElse({ pg: () => sql.literal("FOR UPDATE"), orElse: () => sql.literal("") })

  const tokenBucket: RateStore["tokenBucket"] = ({ allowOverflow, key, limit, refillRate, tokens }) =>
    Effect.gen(function* () {
      const millis = Duration.toMillis(refillRate)
      const kept = sql<{ tokens: number; refilled_at: number }>`
        SELECT tokens, refilled_at FROM connectors_rates WHERE name = ${key} ${lock}`
      let [bucket] = yield* kept
      if (bucket === undefined) {
        yield* sql`
          INSERT INTO connectors_rates ${sql.insert({ name: key, tokens: limit, refilled_at: yield* now })}
          ON CONFLICT (name) DO NOTHING`
        ;[bucket] = yield* kept
      }
      const at = yield* now
      const since = Number(bucket?.refilled_at ?? at)
      const added = Math.max(0, Math.floor((at - since) / millis))
      const full = Math.min(limit, Number(bucket?.tokens ?? limit) + added)
      const refilledAt = full >= limit ? at : since + added * millis
      const left = full - tokens
      const rest = allowOverflow || left >= 0 ? left : full
      yield* sql`UPDATE connectors_rates SET tokens = ${rest}, refilled_at = ${refilledAt} WHERE name = ${key}`
      return [left, Math.max(0, at - refilledAt)] as const
    }).pipe(
      sql.withTransaction,
      Effect.mapError(
        ({ message }) => new RateLimiter.RateLimiterError({ reason: new RateLimiter.RateLimitStoreError({ message }) })
      ),
      Effect.withTracerEnabled(false)
    )

  return { ...local, tokenBucket }
})

/** Has an effect take its rates from a store. */
export const provide = <A, E>(
  effect: Effect.Effect<A, E, RateLimiter.RateLimiterStore>,
  rates: RateStore
): Effect.Effect<A, E> => Effect.provideService(effect, RateLimiter.RateLimiterStore, rates)

/**
 * How fast calls go to a store: as fast as it takes them, and no faster.
 *
 * - **Rates**: requests, bytes and records a second, per operation and key (a namespace), repeated calls counted.
 * - **Adaptive concurrency**: when the store asks to slow down, the calls in flight for that key are halved; while it
 *   does not, they grow one by one. The store's `Retry-After` holds back all calls of the key.
 * - **Circuit breaker**: when the service is down calls wait, and one of them asks from time to time whether it is back.
 *
 * A layer has one pacing, so all sinks and sources on it share it. To share rates between processes, make it with
 * {@link makeShared} on a `RateLimiterStore` that they share.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as CheckOption from "./CheckOption.ts"
import { type CircuitOpen, type ConnectorError, InvalidOption } from "./ConnectorError.ts"
import * as Circuit from "./internal/circuit.ts"
import * as Gate from "./internal/gate.ts"
import { RateLimiter } from "./internal/persistence.ts"
import * as Rates from "./internal/rates.ts"
import * as Telemetry from "./Telemetry.ts"

export type { Waiting } from "./internal/circuit.ts"

/** What one second may hold of an operation; what is left out is not limited. */
export interface Rate extends Rates.Rate {
  /**
   * Is it for each key (a namespace), or for all together?
   *
   * @default "key"
   */
  readonly per?: "key" | "all" | undefined
}

/** When a service counts as down, and what is done then. */
export interface Breaker {
  /**
   * Calls that have to fail in a row, with no answer or one that says the service is down, for it to count as down. Fewer
   * than the attempts of one call, so that a call that is alone survives an outage too.
   *
   * @default 5
   */
  readonly failures?: number | undefined
  /**
   * When the first call asks whether the service is back; the time doubles with each that found it down.
   *
   * @default "1 second"
   */
  readonly probeEvery?: Duration.Input | undefined
  /**
   * Where that time stops doubling.
   *
   * @default "5 seconds"
   */
  readonly probeAtMost?: Duration.Input | undefined
  /**
   * How long the service may be down. Then calls fail with `CircuitOpen`, which stops the stream. Less than the `deadline`
   * of retries, or calls end one by one with that.
   *
   * @default "90 seconds"
   */
  readonly giveUpAfter?: Duration.Input | undefined
}

/** How calls are paced; every part has a default. */
export interface Options {
  /** What the store is called in metrics and logs. Default: `"store"`; a connector names its own. */
  readonly system?: string | undefined
  /** By operation (`upsert`, `query`, ...). Default: none; a connector has those its store documents. */
  readonly rates?: Readonly<Record<string, Rate>> | undefined
  /**
   * The part of each rate that is used. A store counts by its own clock, and to be refused costs more than to wait.
   *
   * @default 0.98
   */
  readonly utilization?: number | undefined
  /**
   * What was left of a rate may be used later, up to this time's worth at once. More of it makes up for longer pauses of
   * the program; a store that counts by the second may then see so much more in one.
   *
   * @default "250 millis"
   */
  readonly burst?: Duration.Input | undefined
  /**
   * Calls in flight for one operation and key, at most; where adaptive concurrency begins. A sink's or source's own
   * `concurrency` is a limit beside it.
   *
   * @default 256
   */
  readonly maxConcurrency?: number | undefined
  /**
   * The longest wait that a `Retry-After` of the store is heeded for; after a longer one a call asks again.
   *
   * @default "2 minutes"
   */
  readonly maxRetryAfter?: Duration.Input | undefined
  /** When the service counts as down; `false`: never. Default: see {@link Breaker}. */
  readonly breaker?: Breaker | false | undefined
}

/** {@link Options} of rates that processes share. */
export interface SharedOptions extends Options {
  /**
   * What the rates are stored under: the same for all that share them, for instance the name of the index.
   *
   * @default the system
   */
  readonly prefix?: string | undefined
}

/** A call to be paced. */
export interface Call {
  readonly operation: string
  /** What the store limits, for instance a namespace. */
  readonly key: string
  readonly bytes: number
  readonly records: number
}

/** The pacing of one store. */
export interface Pacing {
  /** Runs one attempt of a call when its turn has come. Call it for each attempt, so that repeated ones are counted. */
  readonly paced: <A, E extends ConnectorError, R>(
    call: Call,
    attempt: Effect.Effect<A, E, R>,
    waiting: Circuit.Waiting<E>
  ) => Effect.Effect<A, E, R>
  /**
   * Would {@link paced} send this call without a wait? To be able to give up a wait takes two more fibers for a call, so an
   * engine asks before. Of a pacing of your own with another `paced`, give another of this too, or none. Default: it may wait.
   */
  readonly sendsAtOnce?: ((call: Call, nowMillis: number) => boolean) | undefined
}

/** What an engine needs to pace the calls of a store whose errors are `E`. */
export interface Paced<out E> {
  readonly pacing: Pacing
  /** The store's error for a service that is down. */
  readonly gaveUp: (reason: CircuitOpen) => E
}

/** Keys whose state is held; of those not in use the ones that were not slowed down are forgotten first. */
const maxKeys = 1000

/**
 * A pacing of this process. Fails when an option can not be.
 *
 * @example
 * ```ts
 * import { Pacing } from "@effect-connectors/core"
 * import { PineconeIndex, PineconePacing } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * // Half of what Pinecone allows, the rest is for others.
 * const index = Layer.unwrap(
 *   Effect.map(Pacing.make({ ...PineconePacing.documented, utilization: 0.5 }), (pacing) =>
 *     PineconeIndex.layer({ apiKey: Redacted.make("pcsk_..."), index: "articles", pacing })
 *   )
 * )
 * ```
 */
export const make = (options: Options = {}): Effect.Effect<Pacing, InvalidOption> =>
  Effect.gen(function* () {
    const store = yield* Effect.scoped(Layer.build(RateLimiter.layerStoreMemory))
    const limiter = yield* Effect.provideContext(RateLimiter.make, store)
    return yield* makeWith(options, limiter, "")
  })

/**
 * A pacing whose rates are counted in a store that several processes share; each has its own adaptive concurrency and
 * circuit breaker. When that store fails, calls go without waiting for a rate.
 *
 * @example
 * ```ts
 * import { type ConnectorError, Pacing } from "@effect-connectors/core"
 * import { PineconePacing } from "@effect-connectors/pinecone"
 * import type * as Effect from "effect/Effect"
 * import * as RateLimiter from "effect/persistence/RateLimiter"
 *
 * // Provide RateLimiter.layerStoreRedis, or RateLimiter.layerStoreMemory within one process.
 * const pacing: Effect.Effect<Pacing.Pacing, ConnectorError.InvalidOption, RateLimiter.RateLimiterStore> = Pacing.makeShared({
 *   ...PineconePacing.documented,
 *   prefix: "articles"
 * })
 * ```
 */
export const makeShared = (
  options: SharedOptions = {}
): Effect.Effect<Pacing, InvalidOption, RateLimiter.RateLimiterStore> =>
  Effect.flatMap(RateLimiter.make, (limiter) => {
    // A store that hangs is as one that fails.
    const patient: RateLimiter.RateLimiter = {
      ...limiter,
      consume: (tokens) =>
        Effect.timeoutOrElse(limiter.consume(tokens), {
          duration: "5 seconds",
          orElse: () => Effect.succeed({ delay: Duration.zero, limit: 0, remaining: 0, resetAfter: Duration.zero })
        })
    }
    return makeWith(options, patient, `${options.prefix ?? options.system ?? "store"}/`)
  })

/** Sends every call at once. */
export const none: Pacing = { paced: (_, attempt) => attempt, sendsAtOnce: () => true }

/** What a layer's option says: a pacing, options of one, or none. */
export const resolve = (
  given: Pacing | Options | false | undefined,
  preset: Options
): Effect.Effect<Pacing, InvalidOption> => {
  if (given === false) return Effect.succeed(none)
  if (given === undefined) return make(preset)
  // A caller without types may give anything.
  if (typeof given !== "object") {
    return Effect.fail(new InvalidOption({ option: "pacing", issue: "must be options, a pacing or false" }))
  }
  return "paced" in given ? Effect.succeed(given) : make({ ...preset, ...given })
}

const perSecond = (option: string, rate: number | undefined): InvalidOption | undefined =>
  rate === undefined || (rate > 0 && rate < Infinity)
    ? undefined
    : new InvalidOption({ option, issue: `is ${rate}; it must be a number above zero` })

/** The first option that can not be. */
const invalid = ({ breaker, burst, maxConcurrency, maxRetryAfter, rates = {}, utilization = 1 }: Options) => {
  for (const [operation, rate] of Object.entries(rates)) {
    for (const what of ["requestsPerSecond", "bytesPerSecond", "recordsPerSecond"] as const) {
      const wrong = perSecond(`pacing.rates.${operation}.${what}`, rate[what])
      if (wrong !== undefined) return wrong
    }
  }
  if (!(utilization > 0 && utilization <= 1)) {
    return new InvalidOption({
      option: "pacing.utilization",
      issue: `is ${utilization}; it must be above 0 and at most 1`
    })
  }
  const { failures, giveUpAfter, probeAtMost, probeEvery } = breaker || {}
  return (
    CheckOption.range("pacing.maxConcurrency", maxConcurrency) ??
    CheckOption.duration("pacing.burst", burst) ??
    CheckOption.duration("pacing.maxRetryAfter", maxRetryAfter) ??
    CheckOption.range("pacing.breaker.failures", failures) ??
    CheckOption.duration("pacing.breaker.probeEvery", probeEvery) ??
    CheckOption.duration("pacing.breaker.probeAtMost", probeAtMost) ??
    CheckOption.duration("pacing.breaker.giveUpAfter", giveUpAfter)
  )
}

const makeWith = (
  options: Options,
  limiter: RateLimiter.RateLimiter,
  prefix: string
): Effect.Effect<Pacing, InvalidOption> =>
  Effect.gen(function* () {
    const wrong = invalid(options)
    if (wrong !== undefined) return yield* wrong
    const maxRetryAfter = Duration.fromInputUnsafe(options.maxRetryAfter ?? "2 minutes")
    const system = options.system ?? "store"
    const max = options.maxConcurrency ?? 256
    const utilization = options.utilization ?? 0.98
    const burstMillis = Duration.toMillis(Duration.fromInputUnsafe(options.burst ?? "250 millis"))
    const breaker = options.breaker ?? {}
    const circuit =
      breaker === false
        ? undefined
        : yield* Circuit.make({
            service: system,
            failures: breaker.failures ?? 5,
            probeEvery: breaker.probeEvery ?? "1 second",
            probeAtMost: breaker.probeAtMost ?? "5 seconds",
            giveUpAfter: breaker.giveUpAfter ?? "90 seconds",
            maxRetryAfter
          })
    const operations = new Map<string, Operation>()
    const operationOf = (name: string): Operation => {
      const known = operations.get(name)
      if (known !== undefined) return known
      const rate = options.rates?.[name]
      const operation: Operation = {
        rate: rate === undefined ? undefined : scaled(rate, utilization),
        perKey: rate?.per !== "all",
        gates: makeGates(
          { max, maxWaitMillis: Duration.toMillis(maxRetryAfter), asked: (millis) => asked(system, name, millis) },
          Telemetry.limit({ system, operation: name })
        )
      }
      operations.set(name, operation)
      return operation
    }

    return {
      paced: <A, E extends ConnectorError, R>(
        call: Call,
        attempt: Effect.Effect<A, E, R>,
        waiting: Circuit.Waiting<E>
      ) =>
        Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<A, E, R> => {
          const { gates, perKey, rate } = operationOf(call.operation)
          const key = perKey ? call.key : ""
          const turn =
            rate === undefined
              ? Effect.void
              : Rates.turn(limiter, `${prefix}${call.operation}/${key}`, burstMillis, rate, call)
          const gate = gates(key, now)
          const sent = Effect.andThen(turn, gate.send(attempt))
          return gate.enter(circuit === undefined ? sent : circuit.guard(sent, waiting))
        }),
      sendsAtOnce: (call, now) => {
        const { gates, perKey, rate } = operationOf(call.operation)
        return rate === undefined && circuit?.isClosed() !== false && gates(perKey ? call.key : "", now).isFree(now)
      }
    }
  })

interface Operation {
  readonly rate: Rates.Rate | undefined
  readonly perKey: boolean
  readonly gates: (key: string, now: number) => Gate.Gate
}

/** A program that stands still should say why. */
const asked = (system: string, operation: string, millis: number): Effect.Effect<void> =>
  millis < 10_000
    ? Effect.void
    : Effect.logWarning(
        `${system} asks to wait ${Math.round(millis / 1000)} s; calls of ${operation} for the same key wait`
      )

/** The gates of one operation, by key. */
const makeGates = (options: Omit<Gate.Options, "changed">, gauge: Metric.Gauge<number>): Operation["gates"] => {
  const gates = new Map<string, Gate.Gate>()
  const report = Effect.suspend(() =>
    Metric.update(gauge, Math.min(...Array.from(gates.values(), (gate) => gate.limit())))
  )
  return (key, now) => {
    const known = gates.get(key)
    if (known !== undefined) return known
    if (gates.size >= maxKeys) forget(gates, now)
    const gate = Gate.make({ ...options, changed: report })
    gates.set(key, gate)
    return gate
  }
}

const forget = (gates: Map<string, Gate.Gate>, now: number): void => {
  const unused = Array.from(gates).filter(([, gate]) => !gate.isUsed(now))
  const fresh = unused.filter(([, gate]) => gate.isFresh())
  for (const [key] of fresh.length > 0 ? fresh : unused.slice(0, 1)) gates.delete(key)
}

const scaled = ({ bytesPerSecond, recordsPerSecond, requestsPerSecond }: Rate, by: number): Rates.Rate => ({
  requestsPerSecond: requestsPerSecond === undefined ? undefined : requestsPerSecond * by,
  bytesPerSecond: bytesPerSecond === undefined ? undefined : bytesPerSecond * by,
  recordsPerSecond: recordsPerSecond === undefined ? undefined : recordsPerSecond * by
})

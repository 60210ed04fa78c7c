/**
 * Steps that read features: those of each element of a stream, and the messages of a feature output stream.
 *
 * `features` and `query` pair each element with its answer, in order. The plain forms fail at the first element that can
 * not be looked up; `featuresResults` and `queryResults` give that as a `Result` and go on.
 */
import { InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as FeatureMessage from "./FeatureMessage.ts"
import type { FeatureService, Vector } from "./FeatureService.ts"
import { checkDuration, checkRange, failure } from "./internal/common.ts"
import * as reads from "./internal/reads.ts"
import type { RequestOptions } from "./TectonApi.ts"
import { TectonClient } from "./TectonClient.ts"
import type { TectonError } from "./TectonError.ts"

export type { Found } from "./internal/reads.ts"

/** A step that pairs each element with its answer. */
export type Rows<A, B, E, R> = Stream.Stream<[A, B], E | TectonError, R | TectonClient>

/** A step that pairs each element with its answer or with why there is none. */
export type Results<A, B, E, R> = Stream.Stream<[A, Result.Result<B, TectonError>], E | TectonError, R | TectonClient>

/** The keys and the context of an element; the context may be left out when the service has none that it needs. */
export type Asking<A, K, C> = { readonly keys: (element: A) => K } & ({} extends C
  ? { readonly requestContext?: ((element: A) => C) | undefined }
  : { readonly requestContext: (element: A) => C })

/** How to ask; see {@link features}. */
export interface Settings extends Pick<Lookup.Options, "cache" | "deadline" | "linger" | "retry"> {
  /**
   * Time that the feature server may take, 1 millisecond or more; Tecton advises 100 to 2,000. A feature that is not
   * ready by then is null with the status `TIME_OUT`. Without it the server fails a request after 2 seconds.
   */
  readonly latencyBudget?: Duration.Input | undefined
  /** Other options of the feature server. */
  readonly requestOptions?: RequestOptions | undefined
  /**
   * Ask for the status of each feature. With `cache` it is always asked for, since it tells what may be kept.
   *
   * @default true
   */
  readonly statuses?: boolean | undefined
  /**
   * Ask for the effective time of each feature.
   *
   * @default true
   */
  readonly effectiveTimes?: boolean | undefined
}

export interface FeaturesSettings extends Settings {
  /**
   * Rows in a call; with 1 they go out one by one, on the path of single lookups. Tecton's own clients refuse more than
   * 5; the server's limit is not published.
   *
   * @default 5
   */
  readonly maxBatch?: number | undefined
  /**
   * Rows in flight. Tecton's capacity counts rows, not calls: a call of 5 counts as 5.
   *
   * @default 40
   */
  readonly concurrency?: number | undefined
}

export interface QuerySettings extends Settings {
  /**
   * Queries in flight.
   *
   * @default 8
   */
  readonly concurrency?: number | undefined
}

/** What to ask for each element of a stream, and how. */
export type FeaturesOptions<A, K, C> = Asking<A, K, C> & FeaturesSettings

/** What to ask for each element of a stream, and how. */
export type QueryOptions<A, K, C> = Asking<A, K, C> & QuerySettings

const checkBudget = (operation: string, service: string, budget: Duration.Input | undefined) =>
  Effect.gen(function* () {
    yield* checkDuration(operation, service, "latencyBudget", budget)
    const millis = budget === undefined ? undefined : Math.round(Duration.toMillis(Duration.fromInputUnsafe(budget)))
    if (millis === undefined || (millis >= 1 && Number.isFinite(millis))) return millis
    return yield* failure(
      operation,
      service,
      new InvalidOption({ option: "latencyBudget", issue: "must be a time of 1 millisecond or more" })
    )
  })

/** The options that a lookup has beside its keys, checked. */
const settle = (
  operation: string,
  service: string,
  options: Settings & { readonly concurrency?: number | undefined }
) =>
  Effect.gen(function* () {
    yield* checkRange(operation, service, "concurrency", options.concurrency)
    yield* checkDuration(operation, service, "deadline", options.deadline)
    yield* checkDuration(operation, service, "linger", options.linger)
    const latencyBudgetMs = yield* checkBudget(operation, service, options.latencyBudget)
    const requestOptions: RequestOptions | undefined =
      latencyBudgetMs === undefined ? options.requestOptions : { ...options.requestOptions, latencyBudgetMs }
    const asking: reads.Asking = {
      statuses: options.cache !== undefined || (options.statuses ?? true),
      effectiveTimes: options.effectiveTimes ?? true,
      requestOptions
    }
    return { asking, client: yield* TectonClient }
  })

/** {@link features} that gives a failed lookup as a `Result` in its row and goes on. */
export const featuresResults =
  <A, K, C, F>(service: FeatureService<K, C, F>, options: FeaturesOptions<A, NoInfer<K>, NoInfer<C>>) =>
  <E, R>(self: Stream.Stream<A, E, R>): Results<A, Vector<F>, E, R> =>
    Stream.unwrap(
      Effect.gen(function* () {
        yield* checkRange("features", service.name, "maxBatch", options.maxBatch)
        const { asking, client } = yield* settle("features", service.name, options)
        const maxBatch = options.maxBatch ?? 5
        const lookup = reads.lookupOf("features", service, options.keys, options.requestContext)
        return Lookup.results(reads.vectors(client, service, asking, maxBatch), lookup, {
          ...options,
          maxBatch,
          concurrency: options.concurrency ?? 40
        })(self)
      })
    )

/**
 * Pairs each element with the features of its keys, in order. Lookups are gathered into calls of `maxBatch`, equal ones
 * in flight are asked once, and a call that is refused for one of its rows is halved, so that the others are answered.
 * Fails at the first row that can not be.
 *
 * With `deadline` what is not answered in time is a failed row: {@link featuresResults} gives the finished ones and
 * marks the others.
 *
 * @example
 * ```ts
 * import { FeatureService, TectonSource } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * const fraud = FeatureService.make("fraud", {
 *   joinKeys: { user_id: Schema.String },
 *   requestContext: { amount: Schema.Number },
 *   features: { "user_clicks.count_1h": Schema.BigInt }
 * })
 *
 * interface Payment { readonly user: string; readonly amount: number }
 * declare const payments: Stream.Stream<Payment>
 *
 * const counts = payments.pipe(
 *   TectonSource.features(fraud, {
 *     keys: (payment: Payment) => ({ user_id: payment.user }),
 *     requestContext: (payment) => ({ amount: payment.amount })
 *   }),
 *   Stream.map(([payment, vector]) => ({ payment, clicks: vector["user_clicks.count_1h"].value }))
 * )
 * ```
 */
export const features =
  <A, K, C, F>(service: FeatureService<K, C, F>, options: FeaturesOptions<A, NoInfer<K>, NoInfer<C>>) =>
  <E, R>(self: Stream.Stream<A, E, R>): Rows<A, Vector<F>, E, R> =>
    Lookup.requireFound(featuresResults(service, options)(self))

/** {@link query} that gives a failed lookup as a `Result` in its row and goes on. */
export const queryResults =
  <A, K, C, F>(service: FeatureService<K, C, F>, options: QueryOptions<A, NoInfer<K>, NoInfer<C>>) =>
  <E, R>(self: Stream.Stream<A, E, R>): Results<A, ReadonlyArray<reads.Found<F>>, E, R> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { asking, client } = yield* settle("query", service.name, options)
        const lookup = reads.lookupOf("query", service, options.keys, options.requestContext)
        return Lookup.results(reads.wildcards(client, service, asking), lookup, options)(self)
      })
    )

/**
 * Pairs each element with all rows of a wildcard service that agree with its keys: the join keys that were not given,
 * and the vector.
 *
 * @example
 * ```ts
 * import { FeatureService, TectonSource } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * const visits = FeatureService.make("visits", {
 *   joinKeys: { user_id: Schema.String },
 *   features: { "visits.count": Schema.BigInt }
 * })
 *
 * const pages = Stream.make("u1").pipe(
 *   TectonSource.query(visits, { keys: (user_id) => ({ user_id }) }),
 *   Stream.map(([user, found]) => [user, found.map(({ joinKeys }) => joinKeys["page_id"])] as const)
 * )
 * ```
 */
export const query =
  <A, K, C, F>(service: FeatureService<K, C, F>, options: QueryOptions<A, NoInfer<K>, NoInfer<C>>) =>
  <E, R>(self: Stream.Stream<A, E, R>): Rows<A, ReadonlyArray<reads.Found<F>>, E, R> =>
    Lookup.requireFound(queryResults(service, options)(self))

/** {@link outputStream} that pairs each message with what it says, or with why it can not be read, and goes on. */
export const outputStreamResults =
  <K = FeatureMessage.Texts, V = FeatureMessage.Values>(options: FeatureMessage.Options<K, V> = {}) =>
  <A extends string | Uint8Array, E, R>(
    self: Stream.Stream<A, E, R>
  ): Stream.Stream<[A, Result.Result<FeatureMessage.FeatureMessage<K, V>, TectonError>], E, R> => {
    const decode = FeatureMessage.decoder(options)
    return Stream.mapArray(
      self,
      Arr.map((message): [A, ReturnType<typeof decode>] => [message, decode(message)])
    )
  }

/**
 * Reads the messages of a feature output stream, as your consumer of Kafka or Kinesis gives them. Fails at the first
 * that can not be read.
 *
 * @example
 * ```ts
 * import { TectonSource } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * declare const consumed: Stream.Stream<Uint8Array>
 *
 * const clicks = consumed.pipe(
 *   TectonSource.outputStream({
 *     entityKeys: Schema.Struct({ user_id: Schema.String }),
 *     featureValues: Schema.Struct({ clicks: Schema.BigIntFromString })
 *   }),
 *   Stream.map((message) => [message.entityKeys.user_id, message.featureValues?.clicks] as const)
 * )
 * ```
 */
export const outputStream =
  <K = FeatureMessage.Texts, V = FeatureMessage.Values>(options: FeatureMessage.Options<K, V> = {}) =>
  <E, R>(
    self: Stream.Stream<string | Uint8Array, E, R>
  ): Stream.Stream<FeatureMessage.FeatureMessage<K, V>, E | TectonError, R> =>
    self.pipe(
      outputStreamResults(options),
      Stream.mapArrayEffect((read) => Effect.fromResult(Result.all(Arr.map(read, ([, message]) => message))))
    )

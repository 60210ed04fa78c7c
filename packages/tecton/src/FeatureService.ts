/**
 * A feature service with types: its join keys, its request context and its features, each with a schema.
 *
 * It can be used as declared; then each reply names its features and their types. Or it is compared with Tecton first:
 * {@link check} reports every difference at once, {@link bind} does that and makes later requests lighter, and
 * {@link discover} takes all from Tecton, for rows of any features.
 */
import * as CheckOption from "@effect-connectors/core/CheckOption"
import { SchemaDrift } from "@effect-connectors/core/ConnectorError"
import * as Retry from "@effect-connectors/core/Retry"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as DataType from "./DataType.ts"
import type { FeatureValue } from "./FeatureValue.ts"
import { declaredBy, fitsKey } from "./internal/declared.ts"
import * as Drift from "./internal/drift.ts"
import { checkJoinKey, checkValue } from "./RequestValue.ts"
import type { ContextValue, JoinKeyValue, Metadata, Status } from "./TectonApi.ts"
import { TectonClient } from "./TectonClient.ts"
import { TectonError } from "./TectonError.ts"
import type { Timestamp } from "./Timestamp.ts"

/** Schemas by name, of values that have the form `I` on the wire's side. */
export interface Fields<I> {
  readonly [name: string]: Schema.Codec<unknown, I>
}

/** The type of fields: those with an optional schema may be left out. */
export type Type<S extends Schema.Struct.Fields> = Schema.Struct.Type<S>

/** One feature of a vector. */
export interface Feature<out A> {
  /** Null when Tecton has no value: {@link Feature.status} may tell why. It is never a default. */
  readonly value: A | null
  /** Absent when it was not asked for. */
  readonly status?: Status | undefined
  /** Of features that are computed at the request, and of cached ones, there is none. */
  readonly effectiveTime?: Timestamp | undefined
}

/** The features of one row, by name. */
export type Vector<F> = { readonly [Name in keyof F]: Feature<F[Name]> }

/** The names and types of a service's vector, in its order, as Tecton had them when the service was bound. */
export interface Binding {
  readonly features: ReadonlyArray<DataType.Field>
  /** Are names asked for in each reply, and compared? */
  readonly names: boolean
}

/** A feature service: `K` are its join keys, `C` its request context, `F` its features. */
export interface FeatureService<K, C, F> {
  readonly name: string
  readonly joinKeys: Schema.Codec<K, { readonly [key: string]: JoinKeyValue | undefined }>
  readonly requestContext: Schema.Codec<C, { readonly [key: string]: ContextValue | undefined }>
  /** The declared features; a service that was discovered has none of its own and gives all there are. */
  readonly features: Fields<FeatureValue> | undefined
  readonly types: {
    readonly joinKeys: ReadonlyArray<DataType.Field>
    readonly requestContext: ReadonlyArray<DataType.Field>
    readonly features: ReadonlyArray<DataType.Field>
  }
  readonly binding: Binding | undefined
  /** Only a type: what {@link Vector}s hold. */
  readonly "~features"?: F
}

/** The vector of a service. */
export type VectorOf<S> = S extends FeatureService<infer _K, infer _C, infer F> ? Vector<F> : never

/** A service whose keys and features are known to Tecton alone. */
export type Dynamic = FeatureService<
  { readonly [key: string]: JoinKeyValue | undefined },
  { readonly [key: string]: ContextValue | undefined },
  { readonly [feature: string]: FeatureValue }
>

const typesOf = (fields: Fields<unknown>): ReadonlyArray<DataType.Field> =>
  Object.entries(fields).map(([name, schema]) => ({ name, dataType: declaredBy(schema) }))

/**
 * Declares a feature service. A schema's encoded side is the {@link FeatureValue} (or the join key) of the type in
 * Tecton: `Schema.BigInt` for int64, `Schema.Number` for the floats, `Schema.String`, `Schema.Boolean`, `Schema.Array`,
 * `Schema.Struct`, `Schema.Record`, and `Timestamp.TimestampSchema`; on top of it may be any transformation. A value
 * that is null is not decoded; elements and fields that can be null want `Schema.NullOr`.
 *
 * @example
 * ```ts
 * import { FeatureService } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 *
 * const fraud = FeatureService.make("fraud", {
 *   joinKeys: { user_id: Schema.String, card: Schema.BigInt },
 *   requestContext: { amount: Schema.Number },
 *   features: {
 *     "user_clicks.count_1h": Schema.BigInt,
 *     "user_profile.languages": Schema.Array(Schema.NullOr(Schema.String)),
 *     "user_profile.position": Schema.Struct({ lat: Schema.Number, lon: Schema.Number })
 *   }
 * })
 * ```
 */
export function make<
  const J extends Fields<JoinKeyValue | undefined> & Schema.Struct.Fields,
  const F extends Fields<FeatureValue> & Schema.Struct.Fields,
  const C extends Fields<ContextValue | undefined> & Schema.Struct.Fields = {}
>(
  name: string,
  options: { readonly joinKeys: J; readonly requestContext?: C; readonly features: F }
): FeatureService<Type<J>, Type<C>, Type<F>>
export function make(
  name: string,
  options: {
    readonly joinKeys: Fields<JoinKeyValue | undefined>
    readonly requestContext?: Fields<ContextValue | undefined>
    readonly features: Fields<FeatureValue>
  }
): FeatureService<unknown, unknown, unknown> {
  const { features, joinKeys, requestContext = {} } = options
  return {
    name,
    joinKeys: Schema.Struct({ ...joinKeys }),
    requestContext: Schema.Struct({ ...requestContext }),
    features,
    types: { joinKeys: typesOf(joinKeys), requestContext: typesOf(requestContext), features: typesOf(features) },
    binding: undefined
  }
}

/** How a service is compared. */
export interface CheckOptions {
  /**
   * Whether features of the service that are not declared are a difference that fails. They are reported in any case
   * when something else does.
   *
   * @default "allow"
   */
  readonly added?: "allow" | "refuse" | undefined
  /** When the call for metadata is repeated. */
  readonly retry?: Retry.Policy | undefined
  /**
   * How long a feature service that is not found may take to be there; it is asked for every second. Tecton says that a
   * new one can take 60 seconds.
   *
   * @default 0
   */
  readonly waitFor?: Duration.Input | undefined
}

const failure = (service: string, reason: TectonError["reason"]): TectonError =>
  new TectonError({ operation: "metadata", subject: service, reason })

const fetchMetadata = (service: string, { retry, waitFor }: Pick<CheckOptions, "retry" | "waitFor">) =>
  Effect.gen(function* () {
    const wrong = CheckOption.duration("waitFor", waitFor)
    if (wrong !== undefined) return yield* failure(service, wrong)
    const client = yield* TectonClient
    const call = Retry.retry(client.metadata({ service }), retry)
    if (waitFor === undefined) return yield* call
    return yield* Effect.retry(call, {
      while: ({ reason }) => reason._tag === "NotFound" && reason.resource === "feature service",
      schedule: Schedule.upTo(Schedule.spaced("1 second"), { duration: waitFor })
    })
  })

const compared = <K, C, F>(
  service: FeatureService<K, C, F>,
  metadata: Metadata,
  options: CheckOptions
): Effect.Effect<void, TectonError> => {
  const keys = {
    part: "join key",
    declared: service.types.joinKeys,
    found: metadata.joinKeys,
    fits: fitsKey
  }
  const context = { part: "request context", declared: service.types.requestContext, found: metadata.requestContext }
  const features = { part: "feature", declared: service.types.features, found: metadata.features }
  const ofFeatures = Drift.compare(features)
  const drifts = [...Drift.compare(keys), ...Drift.compare(context), ...ofFeatures]
  const allowed = options.added === "refuse" ? [] : ofFeatures.filter(({ kind }) => kind === "added")
  return drifts.length === allowed.length
    ? Effect.void
    : Effect.fail(failure(service.name, new SchemaDrift({ subject: `feature service ${service.name}`, drifts })))
}

/**
 * Compares a service with Tecton's metadata. Fails with one `SchemaDrift` that lists every feature, join key and
 * context field that was renamed, has another type, is missing or was added.
 *
 * @example
 * ```ts
 * import { FeatureService } from "@effect-connectors/tecton"
 * import * as Effect from "effect/Effect"
 *
 * declare const fraud: FeatureService.Dynamic
 *
 * const program = FeatureService.check(fraud).pipe(Effect.andThen(Effect.log("as declared")))
 * ```
 */
export const check = <K, C, F>(
  service: FeatureService<K, C, F>,
  options: CheckOptions = {}
): Effect.Effect<void, TectonError, TectonClient> =>
  Effect.flatMap(fetchMetadata(service.name, options), (metadata) => compared(service, metadata, options))

export interface BindOptions extends CheckOptions {
  /**
   * Ask for the names of features in each reply and compare them. Without that a vector is read by position alone,
   * which is cheapest: then a feature that changes its place while the program runs is noticed only if its type differs.
   *
   * @default true
   */
  readonly names?: boolean | undefined
}

/**
 * {@link check}s a service and keeps what Tecton said of its types, so that replies need not repeat them.
 *
 * @example
 * ```ts
 * import { FeatureService, TectonSource } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const declared = FeatureService.make("users", {
 *   joinKeys: { user_id: Schema.String },
 *   features: { "profile.country": Schema.String }
 * })
 *
 * const program = Effect.gen(function*() {
 *   const users = yield* FeatureService.bind(declared)
 *   yield* Stream.make("u1", "u2").pipe(
 *     TectonSource.features(users, { keys: (user_id) => ({ user_id }) }),
 *     Stream.runForEach(([id, vector]) => Effect.log(id, vector["profile.country"].value))
 *   )
 * })
 * ```
 */
export const bind = <K, C, F>(
  service: FeatureService<K, C, F>,
  options: BindOptions = {}
): Effect.Effect<FeatureService<K, C, F>, TectonError, TectonClient> =>
  Effect.gen(function* () {
    const metadata = yield* fetchMetadata(service.name, options)
    yield* compared(service, metadata, options)
    return { ...service, binding: { features: metadata.features, names: options.names ?? true } }
  })

const anyKeys: Dynamic["joinKeys"] = Schema.Record(
  Schema.String,
  Schema.declare((u: unknown): u is JoinKeyValue | undefined => u === undefined || checkJoinKey(u) === undefined)
)
const anyContext: Dynamic["requestContext"] = Schema.Record(
  Schema.String,
  Schema.declare((u: unknown): u is ContextValue | undefined => u === undefined || checkValue(u) === undefined)
)

/**
 * A service as Tecton describes it, for programs that know its features at run time only. Its vectors have every
 * feature there is, as {@link FeatureValue}s.
 *
 * @example
 * ```ts
 * import { FeatureService, TectonSource } from "@effect-connectors/tecton"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const program = Effect.gen(function*() {
 *   const users = yield* FeatureService.discover("users")
 *   yield* Stream.make("u1").pipe(
 *     TectonSource.features(users, { keys: (user_id) => ({ user_id }) }),
 *     Stream.runForEach(([, vector]) => Effect.log(vector))
 *   )
 * })
 * ```
 */
export const discover = (
  name: string,
  options: Omit<BindOptions, "added"> = {}
): Effect.Effect<Dynamic, TectonError, TectonClient> =>
  Effect.map(fetchMetadata(name, options), (metadata) => ({
    name,
    joinKeys: anyKeys,
    requestContext: anyContext,
    features: undefined,
    types: { joinKeys: metadata.joinKeys, requestContext: metadata.requestContext, features: metadata.features },
    binding: { features: metadata.features, names: options.names ?? true }
  }))

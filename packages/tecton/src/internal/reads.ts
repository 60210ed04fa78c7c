/** What is plugged into the lookup engine to read features. */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import type * as LookupEngine from "@effect-connectors/core/Lookup"
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Feature, FeatureService, Vector } from "../FeatureService.ts"
import type { FeatureValue } from "../FeatureValue.ts"
import { checkLookup, joinKey, wireValue } from "../RequestValue.ts"
import type { FeaturesReply, Lookup, RequestOptions, Service } from "../TectonApi.ts"
import type { TectonError } from "../TectonError.ts"
import { failure, pacedBy, targetOf } from "./common.ts"
import { fieldsOf } from "./plainly.ts"
import * as Vectors from "./vectors.ts"

/** How features are asked for. */
export interface Asking extends Vectors.Wanted {
  readonly requestOptions: RequestOptions | undefined
}

/** One answer for each row, in order, of a reply that has to have so many. */
const answers = <B>(
  operation: string,
  service: string,
  decoded: Result.Result<ReadonlyArray<Result.Result<B, TectonError["reason"]>>, TectonError["reason"]>
): Effect.Effect<ReadonlyArray<Result.Result<B, TectonError>>, TectonError> => {
  const fail = (reason: TectonError["reason"]) => failure(operation, service, reason)
  return Result.isFailure(decoded)
    ? Effect.fail(fail(decoded.failure))
    : Effect.succeed(decoded.success.map((row) => Result.mapError(row, fail)))
}

/** What was not ready in time may be ready the next time. */
const isWhole = (vector: Vector<unknown>): boolean =>
  !Object.values<Feature<unknown>>(vector).some(({ status }) => status === "TIME_OUT")

/** Vectors by keys, `maxBatch` in a call. */
export const vectors = <K, C, F>(
  client: Service,
  service: FeatureService<K, C, F>,
  asking: Asking,
  maxBatch: number
): LookupEngine.Store<Lookup, Vector<F>, TectonError> => {
  const operation = "features"
  const read = Vectors.reader(service)
  const request = {
    service: service.name,
    include: Vectors.includeFor(service, asking),
    requestOptions: asking.requestOptions
  }
  // A call of one row has another path, and one of several may hold a single row.
  const call = (lookups: Arr.NonEmptyReadonlyArray<Lookup>): Effect.Effect<FeaturesReply, TectonError> =>
    maxBatch === 1
      ? client.getFeatures({ ...request, ...lookups[0] })
      : client.getFeaturesBatch({ ...request, lookups })
  return {
    target: targetOf(operation, service.name),
    paced: pacedBy(client, operation, service.name),
    maxKeys: maxBatch,
    lookup: (lookups) => Effect.flatMap(call(lookups), (reply) => answers(operation, service.name, read(reply))),
    identity,
    keeps: isWhole,
    counts: "keys",
    late: (reason) => failure(operation, service.name, reason)
  }
}

/** One row of a wildcard service. */
export interface Found<F> {
  readonly joinKeys: { readonly [key: string]: FeatureValue }
  readonly vector: Vector<F>
}

/** All rows of a wildcard service that agree with the keys, one call each. */
export const wildcards = <K, C, F>(
  client: Service,
  service: FeatureService<K, C, F>,
  asking: Asking
): LookupEngine.Store<Lookup, ReadonlyArray<Found<F>>, TectonError> => {
  const operation = "query"
  // The join keys of a reply need their names and types in any case.
  const unbound = { ...service, binding: undefined }
  const read = Vectors.reader(unbound)
  const request = {
    service: service.name,
    include: Vectors.includeFor(unbound, asking),
    requestOptions: asking.requestOptions
  }
  const found = (reply: FeaturesReply) =>
    reply.rows.length === 0
      ? Result.succeed([])
      : Result.flatMap(read(reply), (rows) =>
          Result.all(
            rows.map((row, i) =>
              Result.gen(function* () {
                return { joinKeys: yield* Vectors.joinKeysOf(reply, reply.rows[i]!), vector: yield* row }
              })
            )
          )
        )
  return {
    target: targetOf(operation, service.name),
    paced: pacedBy(client, operation, service.name),
    maxKeys: 1,
    lookup: ([lookup]) =>
      Effect.flatMap(client.queryFeatures({ ...request, ...lookup }), (reply) =>
        answers(operation, service.name, Result.succeed([found(reply)]))
      ),
    identity,
    keeps: (rows) => rows.every(({ vector }) => isWhole(vector)),
    late: (reason) => failure(operation, service.name, reason)
  }
}

/** The whole lookup as text. */
const identity = ({ joinKeys, requestContext }: Lookup): string => {
  const keys = textOf(joinKeys, joinKey)
  // No text of fields has a line break.
  return requestContext === undefined ? keys : `${keys}\n${textOf(requestContext, (value) => wireValue(value))}`
}

/** Fields as they are sent, in the order of their names. */
const textOf = <A>(fields: { readonly [name: string]: A | undefined } = {}, write: (value: A) => unknown): string => {
  let text = ""
  for (const name of Object.keys(fields).sort()) {
    const value = fields[name]
    if (value !== undefined) text += `${JSON.stringify(name)}:${JSON.stringify(write(value))},`
  }
  return text
}

type Fields<V> = { readonly [name: string]: V | undefined }

/** Encodes by a schema; a plain one that finds nothing wrong is not asked. */
const encoder = <A, I extends Fields<unknown>>(part: string, schema: Schema.Codec<A, I>) => {
  const encode = Schema.encodeUnknownResult(schema)
  const plainly = fieldsOf(schema)
  return (value: A): Result.Result<I, InvalidRecord> => {
    const plain = plainly?.(value)
    if (plain !== undefined) return Result.succeed(plain)
    return Result.mapError(encode(value), ({ issue }) => {
      const { message, path } = firstIssue(issue)
      return new InvalidRecord({ field: [part, ...path].join(" "), issue: message })
    })
  }
}

/** The lookup of an element, or why none can be made of it. */
export const lookupOf = <A, K, C, F>(
  operation: string,
  service: FeatureService<K, C, F>,
  keys: (element: A) => K,
  requestContext: ((element: A) => C) | undefined
) => {
  const encodeKeys = encoder("join key", service.joinKeys)
  const encodeContext = encoder("request context", service.requestContext)
  const lookup = (element: A): Result.Result<Lookup, InvalidRecord> => {
    const joinKeys = encodeKeys(keys(element))
    if (Result.isFailure(joinKeys)) return Result.fail(joinKeys.failure)
    const context = requestContext === undefined ? undefined : encodeContext(requestContext(element))
    if (context !== undefined && Result.isFailure(context)) return Result.fail(context.failure)
    const asked: Lookup =
      context === undefined || Object.keys(context.success).length === 0
        ? { joinKeys: joinKeys.success }
        : { joinKeys: joinKeys.success, requestContext: context.success }
    const wrong = checkLookup(asked)
    return wrong === undefined ? Result.succeed(asked) : Result.fail(wrong)
  }
  return (element: A): Result.Result<Lookup, TectonError> =>
    Result.mapError(lookup(element), (reason) => failure(operation, service.name, reason))
}

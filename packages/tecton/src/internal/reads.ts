/** What is plugged into the lookup engine to read features. */
import { InvalidRecord, type Reason } from "@effect-connectors/core/ConnectorError"
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
  const fail = (reason: Reason) => failure(operation, service.name, reason)
  const read = Vectors.reader(service, fail)
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
    lookup: (lookups) =>
      Effect.flatMap(call(lookups), (reply) => {
        const rows = read(reply)
        return Result.isSuccess(rows) ? Effect.succeed(rows.success) : Effect.fail(fail(rows.failure))
      }),
    identity,
    keeps: isWhole,
    counts: "keys",
    late: fail
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
  const fail = (reason: Reason) => failure(operation, service.name, reason)
  const read = Vectors.reader(unbound, (reason) => reason)
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
              Result.flatMap(Vectors.joinKeysOf(reply, reply.rows[i]!), (joinKeys) =>
                Result.map(row, (vector) => ({ joinKeys, vector }))
              )
            )
          )
        )
  return {
    target: targetOf(operation, service.name),
    paced: pacedBy(client, operation, service.name),
    maxKeys: 1,
    lookup: ([lookup]) =>
      Effect.map(client.queryFeatures({ ...request, ...lookup }), (reply) => [Result.mapError(found(reply), fail)]),
    identity,
    keeps: (rows) => rows.every(({ vector }) => isWhole(vector)),
    late: fail
  }
}

/** The whole lookup as text. */
const identity = ({ joinKeys, requestContext }: Lookup): string => {
  const keys = textOf(joinKeys, joinKey)
  // No field begins with a line break.
  return requestContext === undefined
    ? keys
    : `${keys}\n${textOf(requestContext, (value) => JSON.stringify(wireValue(value)))}`
}

/** Fields in the order of their names. Each text comes after its length, which takes less time than to quote it. */
const textOf = <A>(
  fields: { readonly [name: string]: A | undefined } = {},
  write: (value: A) => string | null
): string => {
  const names = Object.keys(fields)
  if (names.length > 1) names.sort()
  let text = ""
  for (const name of names) {
    const value = fields[name]
    if (value === undefined) continue
    const written = write(value)
    text += written === null ? `${name.length}:${name}-` : `${name.length}:${name}${written.length}:${written}`
  }
  return text
}

const nothing = {}

type Fields<V> = { readonly [name: string]: V | undefined }

/** Encodes by a schema; a plain one that finds nothing wrong is not asked. */
const encoder = <A, I extends Fields<unknown>>(part: string, schema: Schema.Codec<A, I>) => {
  const encode = Schema.encodeUnknownResult(schema)
  const plainly = fieldsOf(schema)
  return (value: A): I | InvalidRecord => {
    const plain = plainly?.(value)
    if (plain !== undefined) return plain
    const encoded = encode(value)
    if (Result.isSuccess(encoded)) return encoded.success
    const { message, path } = firstIssue(encoded.failure.issue)
    return new InvalidRecord({ field: [part, ...path].join(" "), issue: message })
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
  const lookup = (element: A): Lookup | InvalidRecord => {
    const joinKeys = encodeKeys(keys(element))
    if (joinKeys instanceof InvalidRecord) return joinKeys
    const context = requestContext === undefined ? nothing : encodeContext(requestContext(element))
    if (context instanceof InvalidRecord) return context
    const asked: Lookup = Object.keys(context).length === 0 ? { joinKeys } : { joinKeys, requestContext: context }
    return checkLookup(asked) ?? asked
  }
  return (element: A): Result.Result<Lookup, TectonError> => {
    const asked = lookup(element)
    return asked instanceof InvalidRecord ? Result.fail(failure(operation, service.name, asked)) : Result.succeed(asked)
  }
}

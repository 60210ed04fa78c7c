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
import { checkLookup, joinKey, wireFields, wireValue } from "../RequestValue.ts"
import type { ContextValue, FeaturesReply, JoinKeyValue, Lookup, RequestOptions, Service } from "../TectonApi.ts"
import type { TectonError } from "../TectonError.ts"
import { failure, pacedBy, targetOf } from "./common.ts"
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
  return Effect.mapError(
    Effect.fromResult(Result.map(decoded, (rows) => rows.map((row) => Result.mapError(row, fail)))),
    fail
  )
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
const identity = ({ joinKeys = {}, requestContext = {} }: Lookup): string =>
  JSON.stringify([
    sorted(wireFields(joinKeys, joinKey)),
    sorted(wireFields(requestContext, (value) => wireValue(value)))
  ])

const sorted = (fields: { readonly [name: string]: unknown }) =>
  Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))

type JoinKeys = { readonly [key: string]: JoinKeyValue | undefined }
type Context = { readonly [key: string]: ContextValue | undefined }

const encoded =
  <A extends JoinKeys | Context>(part: string, encode: (value: unknown) => Result.Result<A, Schema.SchemaError>) =>
  (value: unknown): Result.Result<A, InvalidRecord> =>
    Result.mapError(encode(value), ({ issue }) => {
      const { message, path } = firstIssue(issue)
      return new InvalidRecord({ field: [part, ...path].join(" "), issue: message })
    })

/** The lookup of an element, or why none can be made of it. */
export const lookupOf = <A, K, C, F>(
  operation: string,
  service: FeatureService<K, C, F>,
  keys: (element: A) => K,
  requestContext: ((element: A) => C) | undefined
) => {
  const encodeKeys = encoded("join key", Schema.encodeUnknownResult(service.joinKeys))
  const encodeContext = encoded("request context", Schema.encodeUnknownResult(service.requestContext))
  const lookup = (element: A): Result.Result<Lookup, InvalidRecord> => {
    const joinKeys = encodeKeys(keys(element))
    if (Result.isFailure(joinKeys)) return Result.fail(joinKeys.failure)
    const context = requestContext === undefined ? Result.succeed({}) : encodeContext(requestContext(element))
    if (Result.isFailure(context)) return Result.fail(context.failure)
    const hasContext = Object.keys(context.success).length > 0
    const asked: Lookup = {
      joinKeys: joinKeys.success,
      ...(hasContext ? { requestContext: context.success } : {})
    }
    const wrong = checkLookup(asked)
    return wrong === undefined ? Result.succeed(asked) : Result.fail(wrong)
  }
  return (element: A): Result.Result<Lookup, TectonError> =>
    Result.mapError(lookup(element), (reason) => failure(operation, service.name, reason))
}

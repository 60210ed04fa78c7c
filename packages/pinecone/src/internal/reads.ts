/**
 * What is plugged into the lookup and scan engines to read an index.
 */
import { clip, InvalidResponse, RequestRefused } from "@effect-connectors/core/ConnectorError"
import type * as Lookup from "@effect-connectors/core/Lookup"
import type * as Scan from "@effect-connectors/core/Scan"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Match, NamespacesReply, QueryRequest, Service } from "../PineconeApi.ts"
import type { PineconeError } from "../PineconeError.ts"
import type { Split } from "../PineconeSource.ts"
import type { VectorRecord } from "../VectorRecord.ts"
import { failure, identityOf, pacedBy, targetOf } from "./common.ts"
import { checkQuery } from "./queryChecks.ts"
import { invalidNamespace, type Place, placeOf } from "./recordChecks.ts"

/** Queries, one a call. With `shared`, equal queries have one answer. */
export const queries = (
  index: Service,
  shared: boolean
): Lookup.Store<QueryRequest, ReadonlyArray<Match>, PineconeError> => ({
  target: targetOf(index, "query"),
  paced: pacedBy(index, "query"),
  maxKeys: 1,
  lookup: ([request]) => Effect.map(index.query(request), ({ matches }) => [Result.succeed(matches)]),
  group: ({ namespace }) => namespace ?? index.namespace,
  identity: shared ? identityOf : () => undefined,
  late: (reason) => failure("query", undefined, reason)
})

/** A request of these parts, or why none can be made of them. */
export const queryOf = (
  index: Service,
  request: QueryRequest & { readonly namespace: string }
): Result.Result<QueryRequest, PineconeError> => {
  const wrong = invalidNamespace(request.namespace)
  const checked = wrong === undefined ? checkQuery(request, index.dimension) : Result.fail(wrong)
  return Result.mapBoth(checked, {
    onFailure: (reason) => failure("query", request.namespace, reason),
    onSuccess: () => request
  })
}

/** Records by id, up to 1,000 of one namespace a call. */
export const records = (index: Service): Lookup.Store<Place, Option.Option<VectorRecord>, PineconeError> => ({
  target: targetOf(index, "fetch"),
  paced: pacedBy(index, "fetch"),
  maxKeys: 1000,
  lookup: (keys) =>
    Effect.map(index.fetch({ namespace: keys[0].namespace, ids: Arr.map(keys, ({ id }) => id) }), ({ records }) =>
      keys.map(({ id }) => Result.succeed(Option.fromNullishOr(records.get(id))))
    ),
  group: ({ namespace }) => namespace,
  identity: ({ id, namespace }) => `${namespace}\u0000${id}`,
  late: (reason) => failure("fetch", undefined, reason)
})

/** The key of a record, or why nothing can have it. */
export const recordKey = (namespace: string, id: unknown): Result.Result<Place, PineconeError> =>
  Result.mapError(placeOf(namespace, id), (reason) => failure("fetch", namespace, reason))

/** A page that leads to itself would be read for ever. */
export const leadsOn =
  (operation: string, token: string | undefined) =>
  <A extends { readonly next?: string | undefined }>(reply: A): Effect.Effect<A, PineconeError> =>
    reply.next === undefined || reply.next !== token
      ? Effect.succeed(reply)
      : Effect.fail(
          failure(operation, undefined, new InvalidResponse({ detail: "a page names itself as the next one" }))
        )

/**
 * A page is asked for by the token of the page before. When the service does not take that (any more), reading from the
 * start again would not be what was asked for, so it has to be said.
 */
const namingToken =
  (token: string | undefined) =>
  (error: PineconeError): PineconeError => {
    const { namespace, operation, reason } = error
    if (token === undefined || reason._tag !== "RequestRefused") return error
    const detail = `${reason.detail} (asked for the page after token ${JSON.stringify(clip(token, 64))}; if it is too old, read the namespace from its start)`
    return failure(
      operation,
      namespace,
      new RequestRefused({ detail, ...(reason.wire === undefined ? {} : { wire: reason.wire }) })
    )
  }

/** Keys of records, 100 a page. */
export const keyPages = (
  index: Pick<Service, "name" | "pacing" | "list">
): Scan.Source<Split, Place, string, PineconeError> => ({
  target: targetOf(index, "list"),
  paced: pacedBy(index, "list"),
  page: ({ namespace, prefix }, paginationToken) =>
    index.list({ namespace, prefix, paginationToken, limit: 100 }).pipe(
      Effect.mapError(namingToken(paginationToken)),
      Effect.flatMap(leadsOn("list", paginationToken)),
      Effect.map(({ ids, next }) => ({ items: ids.map((id) => ({ namespace, id })), next }))
    )
})

/** Namespaces that start with a prefix. */
export const namespacePages = (
  index: Pick<Service, "name" | "pacing" | "namespaces">
): Scan.Source<string | undefined, NamespacesReply["namespaces"][number], string, PineconeError> => ({
  target: targetOf(index, "namespaces"),
  paced: pacedBy(index, "namespaces"),
  page: (prefix, paginationToken) =>
    index.namespaces({ prefix, paginationToken }).pipe(
      Effect.flatMap(leadsOn("namespaces", paginationToken)),
      Effect.map(({ namespaces, next }) => ({ items: namespaces, next }))
    )
})

/**
 * What is plugged into the lookup and scan engines to read an index.
 */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import type * as Lookup from "@effect-connectors/core/Lookup"
import type * as Scan from "@effect-connectors/core/Scan"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Match, NamespacesReply, QueryRequest, Service } from "../PineconeApi.ts"
import type { PineconeError } from "../PineconeError.ts"
import { checkQuery, maxIdLength, type QueryParts, type VectorRecord } from "../VectorRecord.ts"
import { failure, targetOf } from "./common.ts"

/** Queries, one a call. With `shared`, equal queries have one answer. */
export const queries = (
  index: Service,
  shared: boolean
): Lookup.Store<QueryRequest, ReadonlyArray<Match>, PineconeError> => ({
  target: targetOf(index, "query"),
  maxKeys: 1,
  lookup: ([request]) => Effect.map(index.query(request), ({ matches }) => [Result.succeed(matches)]),
  identity: shared ? queryIdentity : () => undefined
})

/** The whole request as text. */
const queryIdentity = ({ vector, sparseVector, ...rest }: QueryRequest): string =>
  JSON.stringify([
    rest,
    vector && Array.from(vector),
    sparseVector && [Array.from(sparseVector.indices), Array.from(sparseVector.values)]
  ])

/** A request of these parts, or why none can be made of them. */
export const queryOf = (
  index: Service,
  request: QueryRequest & QueryParts & { readonly namespace: string }
): Result.Result<QueryRequest, PineconeError> => {
  const wrong = checkQuery(request, index.dimension)
  return wrong === undefined ? Result.succeed(request) : Result.fail(failure("query", request.namespace, wrong))
}

/** Where a record is. */
export interface FetchKey {
  readonly namespace: string
  readonly id: string
}

/** Answers keys of any namespaces with one call for each namespace among them. */
const fetchAll = (index: Service) => (keys: Arr.NonEmptyReadonlyArray<FetchKey>) =>
  Effect.gen(function* () {
    type Records = Result.Result<ReadonlyMap<string, VectorRecord>, PineconeError>
    const recordsOf = new Map<string, Records>()
    for (const [namespace, group] of Object.entries(Arr.groupBy(keys, (key) => key.namespace))) {
      const records = yield* index.fetch({ namespace, ids: Arr.dedupe(Arr.map(group, (key) => key.id)) }).pipe(
        Effect.map((reply): Records => Result.succeed(reply.records)),
        // A namespace that does not exist is no failure of the others.
        Effect.catchIf(
          ({ reason }) => reason._tag === "NotFound" && reason.resource === "namespace",
          (error) => Effect.succeed<Records>(Result.fail(error))
        )
      )
      recordsOf.set(namespace, records)
    }
    return keys.map(({ id, namespace }) =>
      Result.map(recordsOf.get(namespace)!, (records) => Option.fromNullishOr(records.get(id)))
    )
  })

/** Records by id, up to 1,000 a call. */
export const records = (index: Service): Lookup.Store<FetchKey, Option.Option<VectorRecord>, PineconeError> => ({
  target: targetOf(index, "fetch"),
  maxKeys: 1000,
  lookup: fetchAll(index),
  identity: ({ id, namespace }) => `${namespace}\u0000${id}`
})

/** The key of a record, or why nothing can have it. */
export const recordKey = (namespace: string, id: unknown): Result.Result<FetchKey, PineconeError> =>
  typeof id === "string" && id.length >= 1 && id.length <= maxIdLength
    ? Result.succeed({ namespace, id })
    : Result.fail(
        failure(
          "fetch",
          namespace,
          new InvalidRecord({ field: "id", issue: `must be text of 1 to ${maxIdLength} characters` })
        )
      )

/** A part of an index that is listed by itself. */
export interface Split {
  readonly namespace: string
  readonly prefix: string | undefined
}

/** Keys of records, 100 a page. */
export const keyPages = (index: Service): Scan.Source<Split, FetchKey, string, PineconeError> => ({
  target: targetOf(index, "list"),
  page: ({ namespace, prefix }, paginationToken) =>
    Effect.map(index.list({ namespace, prefix, paginationToken, limit: 100 }), ({ ids, next }) => ({
      items: ids.map((id) => ({ namespace, id })),
      next
    }))
})

/** Namespaces that start with a prefix. */
export const namespacePages = (
  index: Service
): Scan.Source<string | undefined, NamespacesReply["namespaces"][number], string, PineconeError> => ({
  target: targetOf(index, "namespaces"),
  page: (prefix, paginationToken) =>
    Effect.map(index.namespaces({ prefix, paginationToken }), ({ namespaces, next }) => ({ items: namespaces, next }))
})

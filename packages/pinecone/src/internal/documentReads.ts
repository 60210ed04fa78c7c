/** What is plugged into the lookup and scan engines to read documents. */
import { clip, InvalidOption } from "@effect-connectors/core/ConnectorError"
import type * as Lookup from "@effect-connectors/core/Lookup"
import type * as Scan from "@effect-connectors/core/Scan"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Fields } from "../DocumentIndex.ts"
import type { Document, DocumentMatch, SearchRequest, Service } from "../DocumentsApi.ts"
import type { Filter } from "../Filter.ts"
import { PineconeDocumentIndex } from "../PineconeDocumentIndex.ts"
import type { PineconeError } from "../PineconeError.ts"
import { failure, identityOf, pacedBy, targetOf } from "./common.ts"
import { invalidFilter, invalidScore } from "./documentChecks.ts"
import { declarationIssue } from "./documentDeclared.ts"
import { leadsOn } from "./reads.ts"
import { invalidNamespace, type Place } from "./recordChecks.ts"
import { checkScores } from "./scoreChecks.ts"
import { toWireFilter } from "./wireFilter.ts"

/** The index's service, when what is asked for can be that of an index. */
export const serviceFor = (
  operation: string,
  fields: Fields | undefined,
  names: ReadonlyArray<string> | undefined
): Effect.Effect<Service, PineconeError, PineconeDocumentIndex> =>
  Effect.gen(function* () {
    const unknown = fields === undefined ? undefined : names?.find((name) => !Object.hasOwn(fields, name))
    const wrong =
      declarationIssue(fields) ??
      (unknown === undefined
        ? undefined
        : new InvalidOption({
            option: "fields",
            issue: `has ${JSON.stringify(clip(unknown, 64))}, which is not declared`
          }))
    if (wrong !== undefined) return yield* failure(operation, undefined, wrong)
    return yield* PineconeDocumentIndex
  })

/** Searches, one a call. With `shared`, equal searches have one answer. */
export const searches = (
  index: Service,
  shared: boolean
): Lookup.Store<SearchRequest, ReadonlyArray<DocumentMatch>, PineconeError> => ({
  // As calls of vectors are: one budget, since they may be the calls of `DocumentVectors`.
  target: targetOf(index, "query"),
  paced: pacedBy(index, "query"),
  maxKeys: 1,
  lookup: ([request]) => Effect.map(index.search(request), ({ matches }) => [Result.succeed(matches)]),
  group: ({ namespace }) => namespace ?? index.namespace,
  identity: shared ? identityOf : () => undefined,
  late: (reason) => failure("search", undefined, reason)
})

/** A request of these parts, or why none can be made of them. */
export const searchOf = (
  fields: Fields | undefined,
  request: SearchRequest & { readonly namespace: string }
): Result.Result<SearchRequest, PineconeError> => {
  const wrong =
    invalidNamespace(request.namespace) ??
    checkScores(request.scoreBy) ??
    invalidScore(fields, request.scoreBy) ??
    invalidFilter(fields, request.filter)
  const checked =
    wrong !== undefined
      ? Result.fail(wrong)
      : request.filter === undefined
        ? Result.succeed(request)
        : Result.map(toWireFilter(request.filter), () => request)
  return Result.mapError(checked, (reason) => failure("search", request.namespace, reason))
}

/** Documents by id, up to 1,000 of one namespace a call: Pinecone's limit for vectors, taken for documents too. */
export const documents = (
  index: Service,
  includeFields: ReadonlyArray<string> | undefined
): Lookup.Store<Place, Option.Option<Document>, PineconeError> => ({
  target: targetOf(index, "fetch"),
  paced: pacedBy(index, "fetch"),
  maxKeys: 1000,
  lookup: (keys) =>
    Effect.map(
      index.fetch({ namespace: keys[0].namespace, ids: Arr.map(keys, ({ id }) => id), includeFields }),
      ({ documents }) => keys.map(({ id }) => Result.succeed(Option.fromNullishOr(documents.get(id))))
    ),
  group: ({ namespace }) => namespace,
  identity: ({ id, namespace }) => `${namespace}\u0000${id}`,
  late: (reason) => failure("fetch", undefined, reason)
})

/** What a fetch by filter asks for. */
export interface Selection {
  readonly namespace: string
  readonly filter: Filter
  readonly includeFields: ReadonlyArray<string> | undefined
  readonly limit: number | undefined
}

/** Documents that a filter selects, page by page. To the service that is another operation than a fetch by id, with a lower rate. */
export const selectedPages = (
  index: Service,
  selection: Selection
): Scan.Source<undefined, Document, string, PineconeError> => ({
  target: targetOf(index, "fetchByFilter"),
  paced: pacedBy(index, "fetch"),
  key: () => selection.namespace,
  page: (_, paginationToken) =>
    index.fetch({ ...selection, paginationToken }).pipe(
      Effect.flatMap(leadsOn("fetch", paginationToken)),
      Effect.map(({ documents, next }) => ({ items: Array.from(documents.values()), next }))
    )
})

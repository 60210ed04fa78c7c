/** The calls of records, whatever they came over: asks the store, and says what it answered. */
import { defaultNamespace, type Match } from "@effect-connectors/pinecone/PineconeIndex"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Arr from "effect/Array"
import * as Result from "effect/Result"
import { answering, no } from "../answer.ts"
import { hasDocuments, type Refusal, refused } from "../refusals.ts"
import { namespaceName } from "../namespaceCalls.ts"
import { namesDefault } from "./apiVersion.ts"
import type { Reply } from "./call.ts"
import type { EmulatedIndex, VectorIndex } from "./indexes.ts"
import { given, givenSparse, toRecord } from "./requests.ts"
import type * as Requests from "./requests.ts"

/** What a call is answered with, before it is written out. */
export interface Told<A> {
  readonly answer: A
  readonly headers: Reply["headers"]
}

/** Answers a call of a caller that speaks `version` of the API, or says no. */
export type Handler<Request, A> = (
  index: EmulatedIndex,
  version: string,
  request: Request
) => Result.Result<Told<A>, Refusal>

/** Answers a call that only an index of vectors has. */
const onVectors =
  <Request, A>(
    what: "writes" | "reads",
    answer: (index: VectorIndex, version: string, request: Request) => Result.Result<Told<A>, Refusal>
  ): Handler<Request, A> =>
  (index, version, request) =>
    index.plane === "vectors" ? answer(index, version, request) : Result.fail(hasDocuments(what))

/** A namespace as a caller of some version calls it. */
export const namespaceOf = (version: string, given: string | null | undefined): Result.Result<string, Refusal> =>
  given === defaultNamespace && !namesDefault(version)
    ? Result.fail(refused("Use of namespace='__default__' is not allowed in API versions prior to 2025-04"))
    : Result.succeed(namespaceName(given ?? undefined))

/** What callers of that version call a namespace. */
export const calledBy = (version: string, namespace: string): string =>
  namespace === defaultNamespace && !namesDefault(version) ? "" : namespace

export const told = <A>(answer: A): Told<A> => ({ answer, headers: {} })

/** The answer to a write. */
export const written = <A>(answer: A, lsn: number | undefined): Told<A> => ({
  answer,
  headers: lsn === undefined ? {} : { "x-pinecone-request-lsn": String(lsn) }
})

/** What every read tells of itself. */
export interface Read {
  readonly namespace: string
  readonly readUnits: number
}

/** The answer to a read: what it saw, and how far it sees. */
export const found = <A>(
  index: EmulatedIndex,
  version: string,
  namespace: string,
  answer: A,
  readUnits: number | undefined
): Told<A & Read> => ({
  answer: { ...answer, namespace: calledBy(version, namespace), readUnits: readUnits ?? 0 },
  headers: indexed(index.store.indexedLsn(namespace))
})

export const indexed = (lsn: number) => ({ "x-pinecone-max-indexed-lsn": String(lsn) })

export const upsert: Handler<typeof Requests.Upsert.Type, { readonly count: number }> = onVectors(
  "writes",
  answering(function* (index, version, request) {
    const namespace = yield* namespaceOf(version, request.namespace)
    const records = (request.vectors ?? []).map(toRecord)
    if (!Arr.isReadonlyArrayNonEmpty(records)) return yield* no("An upsert needs vectors, at least one")
    const { lsn } = yield* index.store.upsert({ namespace, records })
    return written({ count: records.length }, lsn)
  })
)

export interface Matches {
  readonly matches: ReadonlyArray<Match>
}

export const query: Handler<typeof Requests.Query.Type, Matches & Read> = onVectors(
  "reads",
  answering(function* (index, version, request) {
    const namespace = yield* namespaceOf(version, request.namespace)
    const { matches, readUnits } = yield* index.store.query({
      namespace,
      topK: request.topK ?? 0,
      id: request.id || undefined,
      vector: given(request.vector),
      sparseVector: givenSparse(request.sparseVector),
      filter: request.filter ?? undefined,
      includeValues: request.includeValues ?? false,
      includeMetadata: request.includeMetadata ?? false
    })
    return found(index, version, namespace, { matches }, readUnits)
  })
)

export interface Records {
  readonly records: ReadonlyMap<string, VectorRecord>
}

/** Where the next page is; none on the last one. */
export interface Paged {
  readonly next: string | undefined
}

export const fetch: Handler<typeof Requests.Fetch.Type, Records & Read> = onVectors(
  "reads",
  answering(function* (index, version, request) {
    const namespace = yield* namespaceOf(version, request.namespace)
    const ids = request.ids ?? []
    if (!Arr.isReadonlyArrayNonEmpty(ids)) return yield* no("A fetch needs at least one id")
    const { readUnits, records } = yield* index.store.fetch({ namespace, ids })
    return found(index, version, namespace, { records }, readUnits)
  })
)

export const fetchByMetadata: Handler<typeof Requests.FetchByMetadata.Type, Records & Paged & Read> = onVectors(
  "reads",
  answering(function* (index, version, request) {
    const namespace = yield* namespaceOf(version, request.namespace)
    const { next, readUnits, records } = yield* index.store.fetchByMetadata({
      namespace,
      filter: request.filter ?? {},
      limit: request.limit ?? undefined,
      paginationToken: request.paginationToken || undefined
    })
    return found(index, version, namespace, { records, next }, readUnits)
  })
)

/** What a list asks for. */
export const pageOf = (request: typeof Requests.ListNamespaces.Type) => ({
  prefix: request.prefix ?? undefined,
  limit: request.limit ?? undefined,
  paginationToken: request.paginationToken || undefined
})

export interface Ids {
  readonly ids: ReadonlyArray<string>
}

export const list: Handler<typeof Requests.List.Type, Ids & Paged & Read> = onVectors(
  "reads",
  answering(function* (index, version, request) {
    const namespace = yield* namespaceOf(version, request.namespace)
    const { ids, next, readUnits } = yield* index.store.list({ namespace, ...pageOf(request) })
    return found(index, version, namespace, { ids, next }, readUnits)
  })
)

export interface Updated {
  /** Of an update by metadata. */
  readonly matched: number | undefined
}

export const update: Handler<typeof Requests.Update.Type, Updated> = onVectors(
  "writes",
  answering(function* (index, version, request) {
    const namespace = yield* namespaceOf(version, request.namespace)
    const { filter, id } = request
    const change = {
      values: given(request.values),
      sparseValues: givenSparse(request.sparseValues),
      metadata: request.setMetadata ?? undefined
    }
    if (!filter) {
      if (!id) return yield* no("An update needs an id or a filter")
      const { lsn } = yield* index.store.update({ namespace, id, ...change })
      return written<Updated>({ matched: undefined }, lsn)
    }
    if (id) return yield* no("An update needs either an id or a filter, not both")
    if (change.values ?? change.sparseValues) {
      return yield* no("Update by metadata request does not support updating vector values.")
    }
    const { lsn, matched } = yield* index.store.updateByFilter({
      namespace,
      filter,
      metadata: change.metadata ?? {},
      dryRun: request.dryRun ?? false
    })
    return written<Updated>({ matched }, lsn)
  })
)

export const remove: Handler<typeof Requests.Delete.Type, {}> = onVectors(
  "writes",
  answering(function* (index, version, request) {
    const namespace = yield* namespaceOf(version, request.namespace)
    const removal = yield* removalOf(request)
    const { lsn } = yield* index.store.delete({ namespace, ...removal })
    return written({}, lsn)
  })
)

const removalOf = ({ deleteAll, filter, ids }: typeof Requests.Delete.Type) => {
  const ways = [
    ...(ids && Arr.isReadonlyArrayNonEmpty(ids) ? [{ ids }] : []),
    ...(deleteAll ? [{ all: true as const }] : []),
    ...(filter ? [{ filter }] : [])
  ]
  const [way] = ways
  return way !== undefined && ways.length === 1
    ? Result.succeed(way)
    : no("A delete needs exactly one of ids, filter and deleteAll")
}

export interface Counted {
  readonly dimension: number | undefined
  readonly metric: string | undefined
  readonly vectorType: string | undefined
  readonly totalRecords: number
  readonly namespaces: ReadonlyArray<readonly [name: string, records: number]>
}

export const stats: Handler<typeof Requests.Stats.Type, Counted> = (index, version, { filter }) => {
  if (filter && Object.keys(filter).length > 0) {
    return no("Serverless and Starter indexes do not support describing index stats with metadata filtering")
  }
  const { dimension, metric, namespaces, totalRecords } = index.store.stats()
  return Result.succeed(
    told({
      dimension,
      metric,
      vectorType: index.plane === "documents" ? undefined : index.definition.vectorType,
      totalRecords,
      namespaces: Array.from(namespaces, ([name, records]) => [calledBy(version, name), records] as const)
    })
  )
}

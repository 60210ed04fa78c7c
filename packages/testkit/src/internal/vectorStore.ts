/**
 * One Pinecone vector index in memory: a plain synchronous data structure with the semantics of the service.
 *
 * A request is checked whole, against everything written before it, and becomes one commit. Decided here, not known
 * of the service: of records with the same id in one upsert the last wins and all are counted; a dense index needs
 * dense values in every record and every query; an update in a namespace that does not exist does nothing, and reading
 * from one finds nothing; sequence numbers are counted over the whole index, which keeps them rising in a namespace
 * made anew; a namespace is listed as soon as it is written to, its records are counted when they are visible; a page
 * of a fetch by metadata is refused over the bytes of a reply, as a query is.
 */
import {
  type DeleteRequest,
  type FetchReply,
  type FetchRequest,
  type ListReply,
  type ListRequest,
  type QueryReply,
  type QueryRequest,
  type Stats,
  type UpdateRequest,
  type UpsertRequest,
  type WriteReply
} from "@effect-connectors/pinecone/PineconeIndex"
import type { Metadata, SparseValues, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Result from "effect/Result"
import { type Answer, answering, checkIds, inRange, orRefuse } from "./answer.ts"
import type { Change, Commit } from "./commit.ts"
import { CommitLog } from "./commitLog.ts"
import type { Metric } from "./denseVectors.ts"
import type { Limits } from "./limits.ts"
import * as MetadataFilter from "./metadataFilter.ts"
import { NamespaceRecords, type RecordChange } from "./namespaceRecords.ts"
import * as NamespaceCalls from "./namespaceCalls.ts"
import { scopeOf } from "./page.ts"
import * as ReadUnits from "./readUnits.ts"
import {
  checkId,
  checkMetadata,
  checkQueryValues,
  checkSparse,
  checkValues,
  mergeMetadata,
  type Shape
} from "./recordRules.ts"
import { emptyFilter, namespaceNotFound, type Refusal, refused, replyTooLarge, requestTooLarge } from "./refusals.ts"
import type { SparseVector } from "./sparseVector.ts"
import { envelopeSize, recordSize } from "./wireSize.ts"

export interface StoreOptions {
  readonly vectorType: "dense" | "sparse"
  /** Of a dense index; a sparse one always uses dotproduct. */
  readonly metric: Metric
  /** Of a dense index; the first vector decides when it is not given. */
  readonly dimension: number | undefined
  /** Only an index with metric dotproduct does. @default true */
  readonly takesSparse?: boolean | undefined
  readonly limits: Limits
  /** Milliseconds until reads see a write, which is checked at once. @default 0 */
  readonly visibleAfter?: number | undefined
  /** The time in milliseconds; needed with `visibleAfter`. @default 0, always */
  readonly now?: (() => number) | undefined
  /** Told of every write before it is applied; when it throws, so does the call, and nothing is applied. */
  readonly onCommit?: ((commit: Commit) => void) | undefined
  /** What `onCommit` of an index like this one was told: the index starts with it. @default none */
  readonly history?: Iterable<Commit> | undefined
}

export interface UpdateByFilterRequest {
  readonly namespace?: string | undefined
  readonly filter: unknown
  /** Merged into the metadata of every record that matches. */
  readonly metadata: Metadata
  /** Only count. @default false */
  readonly dryRun?: boolean | undefined
}

export interface UpdateByFilterReply {
  /** Records that match, also when they are more than one call updates. */
  readonly matched: number
  readonly lsn?: number | undefined
}

export interface FetchByMetadataRequest {
  readonly namespace?: string | undefined
  readonly filter: unknown
  /** @default 100 */
  readonly limit?: number | undefined
  /** Of a page of the same namespace and filter. */
  readonly paginationToken?: string | undefined
}

export interface FetchByMetadataReply extends FetchReply {
  /** None on the last page. */
  readonly next?: string | undefined
}

/** The calls of the service, answered at once. `""` and no namespace are the default namespace. */
export interface VectorStore extends NamespaceCalls.NamespaceCalls {
  readonly limits: Limits
  readonly upsert: (request: UpsertRequest) => Answer<WriteReply>
  /** Finds only records that match `also`, too. */
  readonly query: (request: QueryRequest, also?: MetadataFilter.Matches) => Answer<QueryReply>
  readonly fetch: (request: FetchRequest) => Answer<FetchReply>
  readonly fetchByMetadata: (request: FetchByMetadataRequest) => Answer<FetchByMetadataReply>
  readonly list: (request: ListRequest) => Answer<ListReply>
  readonly update: (request: UpdateRequest) => Answer<WriteReply>
  readonly updateByFilter: (request: UpdateByFilterRequest) => Answer<UpdateByFilterReply>
  readonly delete: (request: DeleteRequest) => Answer<WriteReply>
  readonly stats: () => Stats
}

export const make = (options: StoreOptions): VectorStore => {
  const { limits } = options
  const isSparse = options.vectorType === "sparse"
  const metric = isSparse ? "dotproduct" : options.metric
  const kind = { isSparse, metric }
  const log = new CommitLog({
    make: (schema) => new NamespaceRecords(kind, schema),
    visibleAfter: options.visibleAfter ?? 0,
    now: options.now ?? (() => 0),
    onCommit: options.onCommit,
    history: options.history ?? []
  })
  const { checkRoom, named, ...calls } = NamespaceCalls.make(log, limits)
  const dimensions = Array.from(log.written.values(), (stored) => stored.dimension)
  let dimension = isSparse ? 0 : (options.dimension ?? dimensions.find((known) => known !== undefined))

  const takesSparse = metric === "dotproduct" && options.takesSparse !== false

  const shape = (): Shape => ({ dimension, takesSparse })

  const checkSparseOf = (sparse: SparseValues | undefined): Answer<SparseVector | undefined> =>
    sparse === undefined ? Result.succeed(undefined) : checkSparse(sparse, shape(), limits)

  const checkMetadataOf = (metadata: Metadata | undefined): Answer<Metadata | undefined> =>
    metadata === undefined ? Result.succeed(undefined) : checkMetadata(metadata, limits)

  const compileFilter = (filter: unknown): Answer<MetadataFilter.Matches> =>
    MetadataFilter.compile(filter, limits.maxFilterValues)

  const compileNonEmpty = (what: "Delete" | "Update" | "Fetch", filter: unknown): Answer<MetadataFilter.Matches> =>
    MetadataFilter.isEmpty(filter) ? Result.fail(emptyFilter(what)) : compileFilter(filter)

  const checkRecord = answering(function* (record: VectorRecord, bytes: number, shape: Shape) {
    const { id, values = [] } = record
    yield* orRefuse(id, checkId(id, limits))
    yield* orRefuse(values, checkValues(id, values, shape))
    const sparseValues = yield* checkSparseOf(record.sparseValues)
    if (isSparse && sparseValues === undefined) {
      return yield* Result.fail(refused(`Vector ID ${id} has no sparse values, which a sparse index needs`))
    }
    return { id, values, sparseValues, metadata: yield* checkMetadataOf(record.metadata), bytes }
  })

  const upsert: VectorStore["upsert"] = answering(function* (request) {
    const name = yield* named(request)
    const { records } = request
    yield* inRange("Number of vectors in an upsert", 1, limits.maxRecords, records.length)
    const sizes = records.map(recordSize)
    const bytes = sizes.reduce((sum, size) => sum + size, envelopeSize(name))
    if (bytes > limits.maxRequestBytes) return yield* Result.fail(requestTooLarge(bytes, limits.maxRequestBytes))

    const first = yield* checkRecord(records[0], sizes[0]!, shape())
    const settled = { ...shape(), dimension: first.values.length }
    const checked = [first]
    for (let at = 1; at < records.length; at++) checked.push(yield* checkRecord(records[at]!, sizes[at]!, settled))
    yield* orRefuse(name, checkRoom(name))

    const lsn = log.commit(name, { _tag: "Put", records: checked })
    dimension = settled.dimension
    return { count: records.length, lsn }
  })

  /** What a query searches near; `undefined` when it asks for a record that is not there. */
  const nearOf = answering(function* (request: QueryRequest, stored: NamespaceRecords | undefined) {
    const { id, sparseVector, vector } = request
    if (id !== undefined) {
      if (vector !== undefined) return yield* Result.fail(bothGiven("vector"))
      if (sparseVector !== undefined) return yield* Result.fail(bothGiven("sparse_vector"))
      return stored?.near(id)
    }
    if (vector === undefined && sparseVector === undefined) {
      return yield* Result.fail(refused("A query needs a vector, a sparse vector or the id of a record"))
    }
    if (vector !== undefined || !isSparse) yield* orRefuse(vector, checkQueryValues(vector ?? [], shape()))
    const sparseValues = yield* checkSparseOf(sparseVector)
    return { values: vector, sparseValues }
  })

  const query: VectorStore["query"] = answering(function* (request, also) {
    const stored = log.visible.get(yield* named(request))
    const { filter, includeMetadata = false, includeValues = false, topK } = request
    yield* inRange("topK", 1, limits.maxTopK, topK)
    const matches = both(filter === undefined ? undefined : yield* compileFilter(filter), also)
    const near = yield* nearOf(request, stored)
    const readUnits = ReadUnits.ofQuery(stored?.bytes ?? 0)
    if (stored === undefined || near === undefined) return { matches: [], readUnits }
    const found = stored.search({ near, topK, matches, includeValues, includeMetadata })
    const bytes = found.reduce((sum, match) => sum + scoreSize + recordSize(match), 0)
    return bytes > limits.maxReplyBytes
      ? yield* Result.fail(replyTooLarge(bytes, limits.maxReplyBytes))
      : { matches: found, readUnits }
  })

  const fetch: VectorStore["fetch"] = answering(function* (request) {
    const stored = log.visible.get(yield* named(request))
    yield* inRange("Number of ids in a fetch", 1, limits.maxIds, request.ids.length)
    yield* orRefuse(request.ids, checkIds(request.ids, limits))
    const records = recordsOf(stored, request.ids)
    return { records, readUnits: ReadUnits.ofFetch(records.size) }
  })

  const fetchByMetadata: VectorStore["fetchByMetadata"] = answering(function* (request) {
    const name = yield* named(request)
    const stored = log.visible.get(name) ?? nothing
    const { filter, limit = defaultFetchPage, paginationToken } = request
    const matches = yield* compileNonEmpty("Fetch", filter)
    const scope = scopeOf([name, filter])
    const { names, next } = yield* stored.pageWhere(matches, { limit, paginationToken, scope }, limits.maxFetchPage)
    const records = recordsOf(stored, names)
    const bytes = Array.from(records.values()).reduce((sum, record) => sum + recordSize(record), 0)
    return bytes > limits.maxReplyBytes
      ? yield* Result.fail(replyTooLarge(bytes, limits.maxReplyBytes))
      : { records, next, readUnits: ReadUnits.ofFetch(records.size) }
  })

  const list: VectorStore["list"] = answering(function* (request) {
    const stored = log.visible.get(yield* named(request)) ?? nothing
    const { names, next } = yield* stored.page(request, limits.maxPage)
    return { ids: names, next, readUnits: ReadUnits.ofList }
  })

  const update: VectorStore["update"] = answering(function* (request) {
    const name = yield* named(request)
    const { id, values } = request
    yield* orRefuse(id, checkId(id, limits))
    if (values !== undefined) yield* orRefuse(values, checkValues(id, values, shape()))
    const sparseValues = yield* checkSparseOf(request.sparseValues)
    const metadata = yield* checkMetadataOf(
      request.metadata === undefined ? undefined : mergeMetadata(log.written.get(name)?.metadata(id), request.metadata)
    )
    return { lsn: log.commit(name, { _tag: "Change", records: [{ id, values, sparseValues, metadata }] }) }
  })

  const updateByFilter: VectorStore["updateByFilter"] = answering(function* (request) {
    const name = yield* named(request)
    const stored = log.written.get(name) ?? nothing
    const matches = yield* compileNonEmpty("Update", request.filter)
    yield* checkMetadataOf(request.metadata)
    const ids = stored.idsWhere(matches)
    if (request.dryRun === true) return { matched: ids.length }
    const taken = ids.length > limits.maxUpdateByFilter ? ids.sort().slice(0, limits.maxUpdateByFilter) : ids
    const records: Array<RecordChange> = []
    for (const id of taken) {
      records.push({
        id,
        metadata: yield* checkMetadata(mergeMetadata(stored.metadata(id), request.metadata), limits)
      })
    }
    return { matched: ids.length, lsn: log.commit(name, { _tag: "Change", records }) }
  })

  const remove: VectorStore["delete"] = answering(function* (request) {
    const name = yield* named(request)
    const stored = log.written.get(name)
    const removal = yield* removalOf(request, stored ?? nothing)
    return stored === undefined ? yield* Result.fail(namespaceNotFound(name)) : { lsn: log.commit(name, removal) }
  })

  const removalOf = answering(function* (
    request: DeleteRequest,
    stored: NamespaceRecords
  ): Generator<Answer<unknown>, Change, never> {
    if ("ids" in request) {
      const { ids } = request
      yield* inRange("Number of ids in a delete", 1, limits.maxIds, ids.length)
      yield* orRefuse(ids, checkIds(ids, limits))
      return { _tag: "Remove", ids }
    }
    if ("filter" in request) {
      return { _tag: "Remove", ids: stored.idsWhere(yield* compileNonEmpty("Delete", request.filter)) }
    }
    if (request.all === true) return { _tag: "Clear" }
    return yield* Result.fail(refused("A delete needs ids, a filter or all: true"))
  })

  const stats: VectorStore["stats"] = () => {
    const namespaces = new Map(Array.from(log.visible, ([name, stored]) => [name, stored.size]))
    return {
      dimension: isSparse ? undefined : dimension,
      metric,
      totalRecords: Array.from(namespaces.values()).reduce((sum, size) => sum + size, 0),
      namespaces
    }
  }

  /** Stands for a namespace that is not there. */
  const nothing = new NamespaceRecords(kind)

  return {
    limits,
    upsert,
    query,
    fetch,
    fetchByMetadata,
    list,
    update,
    updateByFilter,
    delete: remove,
    stats,
    ...calls
  }
}

const recordsOf = (
  stored: NamespaceRecords | undefined,
  ids: ReadonlyArray<string>
): ReadonlyMap<string, VectorRecord> => {
  const records = new Map<string, VectorRecord>()
  for (const id of ids) {
    const record = stored?.get(id)
    if (record !== undefined) records.set(id, record)
  }
  return records
}

const both = (
  one: MetadataFilter.Matches | undefined,
  other: MetadataFilter.Matches | undefined
): MetadataFilter.Matches | undefined =>
  one === undefined || other === undefined ? (one ?? other) : (metadata) => one(metadata) && other(metadata)

const defaultFetchPage = 100

/** Tag and four bytes of a score. */
const scoreSize = 5

const bothGiven = (other: string): Refusal => refused(`Cannot provide both 'ID' and '${other}' at the same time`)

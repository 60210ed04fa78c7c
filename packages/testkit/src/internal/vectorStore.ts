/**
 * One Pinecone vector index in memory: a plain synchronous data structure with the semantics of the service.
 *
 * A request is checked whole before anything of it is applied. Decided here, not known of the service: of records
 * with the same id in one upsert the last wins and all are counted; a dense index needs dense values in every record
 * and every query; an update in a namespace that does not exist does nothing, and reading from one finds nothing;
 * sequence numbers are counted over the whole index, which keeps them rising in a namespace made anew.
 */
import {
  defaultNamespace,
  type DeleteRequest,
  type FetchReply,
  type FetchRequest,
  type ListReply,
  type ListRequest,
  type NamespacesReply,
  type NamespacesRequest,
  type QueryReply,
  type QueryRequest,
  type Stats,
  type UpdateRequest,
  type UpsertRequest,
  type WriteReply
} from "@effect-connectors/pinecone/PineconeIndex"
import type { Metadata, SparseValues, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Result from "effect/Result"
import type { Metric } from "./denseVectors.ts"
import type { Limits } from "./limits.ts"
import * as MetadataFilter from "./metadataFilter.ts"
import { type CheckedRecord, NamespaceRecords, type Near } from "./namespaceRecords.ts"
import { page } from "./page.ts"
import {
  checkId,
  checkMetadata,
  checkNamespace,
  checkQueryValues,
  checkSparse,
  checkValues,
  mergeMetadata,
  type Shape
} from "./recordRules.ts"
import { namespaceNotFound, outOfRange, type Refusal, refused, replyTooLarge, requestTooLarge } from "./refusals.ts"
import type { SparseVector } from "./sparseVector.ts"
import { envelopeSize, recordSize } from "./wireSize.ts"

export interface StoreOptions {
  readonly vectorType: "dense" | "sparse"
  /** Of a dense index; a sparse one always uses dotproduct. */
  readonly metric: Metric
  /** Of a dense index; the first vector decides when it is not given. */
  readonly dimension: number | undefined
  readonly limits: Limits
}

type Answer<A> = Result.Result<A, Refusal>

/** The calls of the service, answered at once. `""` and no namespace are the default namespace. */
export interface VectorStore {
  readonly upsert: (request: UpsertRequest) => Answer<WriteReply>
  readonly query: (request: QueryRequest) => Answer<QueryReply>
  readonly fetch: (request: FetchRequest) => Answer<FetchReply>
  readonly list: (request: ListRequest) => Answer<ListReply>
  readonly update: (request: UpdateRequest) => Answer<WriteReply>
  readonly delete: (request: DeleteRequest) => Answer<WriteReply>
  readonly stats: () => Stats
  readonly namespaces: (request: NamespacesRequest) => Answer<NamespacesReply>
  readonly deleteNamespace: (name: string) => Answer<void>
}

/** The one name of a namespace that has several. */
export const namespaceName = (name: string | undefined): string =>
  name === undefined || name === "" ? defaultNamespace : name

export const make = (options: StoreOptions): VectorStore => {
  const { limits } = options
  const isSparse = options.vectorType === "sparse"
  const metric = isSparse ? "dotproduct" : options.metric
  const namespaces = new Map<string, NamespaceRecords>()
  let dimension = isSparse ? 0 : options.dimension
  let lsn = 0

  const shape = (): Shape => ({ dimension, takesSparse: metric === "dotproduct" })

  const named = (request: { readonly namespace?: string | undefined }): Answer<string> => {
    const name = namespaceName(request.namespace)
    return orRefuse(name, checkNamespace(name, limits))
  }

  const checkSparseOf = (sparse: SparseValues | undefined): Answer<SparseVector | undefined> =>
    sparse === undefined ? Result.succeed(undefined) : checkSparse(sparse, shape(), limits)

  const checkMetadataOf = (metadata: Metadata | undefined): Answer<Metadata | undefined> =>
    metadata === undefined ? Result.succeed(undefined) : checkMetadata(metadata, limits)

  const compileFilter = (filter: unknown): Answer<MetadataFilter.Matches | undefined> =>
    filter === undefined ? Result.succeed(undefined) : MetadataFilter.compile(filter, limits.maxFilterValues)

  const checkRecord = (record: VectorRecord, shape: Shape): Answer<CheckedRecord> =>
    Result.gen(function* () {
      const { id, values = [] } = record
      yield* orRefuse(id, checkId(id, limits))
      yield* orRefuse(values, checkValues(id, values, shape))
      const sparseValues = yield* checkSparseOf(record.sparseValues)
      if (isSparse && sparseValues === undefined) {
        return yield* Result.fail(refused(`Vector ID ${id} has no sparse values, which a sparse index needs`))
      }
      return { id, values, sparseValues, metadata: yield* checkMetadataOf(record.metadata) }
    })

  const upsert: VectorStore["upsert"] = (request) =>
    Result.gen(function* () {
      const name = yield* named(request)
      const { records } = request
      yield* inRange("Number of vectors in an upsert", 1, limits.maxRecords, records.length)
      const bytes = records.reduce((sum, record) => sum + recordSize(record), envelopeSize(name))
      if (bytes > limits.maxRequestBytes) return yield* Result.fail(requestTooLarge(bytes, limits.maxRequestBytes))

      const first = yield* checkRecord(records[0], shape())
      const settled = { ...shape(), dimension: first.values.length }
      const checked = [first]
      for (const record of records.slice(1)) checked.push(yield* checkRecord(record, settled))

      dimension = settled.dimension
      const stored = namespaces.get(name) ?? new NamespaceRecords(dimension, metric)
      namespaces.set(name, stored)
      for (const record of checked) stored.put(record)
      return { count: records.length, lsn: ++lsn }
    })

  /** What a query searches near; `undefined` when it asks for a record that is not there. */
  const nearOf = (request: QueryRequest, stored: NamespaceRecords | undefined): Answer<Near | undefined> =>
    Result.gen(function* () {
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

  const query: VectorStore["query"] = (request) =>
    Result.gen(function* () {
      const stored = namespaces.get(yield* named(request))
      const { filter, includeMetadata = false, includeValues = false, topK } = request
      yield* inRange("topK", 1, limits.maxTopK, topK)
      const matches = yield* compileFilter(filter)
      const near = yield* nearOf(request, stored)
      if (stored === undefined || near === undefined) return { matches: [] }
      const found = stored.search({ near, topK, matches, includeValues, includeMetadata })
      const bytes = found.reduce((sum, match) => sum + scoreSize + recordSize(match), 0)
      return bytes > limits.maxReplyBytes
        ? yield* Result.fail(replyTooLarge(bytes, limits.maxReplyBytes))
        : { matches: found }
    })

  const fetch: VectorStore["fetch"] = (request) =>
    Result.gen(function* () {
      const stored = namespaces.get(yield* named(request))
      yield* inRange("Number of ids in a fetch", 1, limits.maxIds, request.ids.length)
      const records = new Map<string, VectorRecord>()
      for (const id of request.ids) {
        const record = stored?.get(id)
        if (record !== undefined) records.set(id, record)
      }
      return { records }
    })

  const list: VectorStore["list"] = (request) =>
    Result.gen(function* () {
      const stored = namespaces.get(yield* named(request)) ?? new NamespaceRecords(0, metric)
      const { names, next } = yield* stored.page(request, limits.maxPage)
      return { ids: names, next }
    })

  const update: VectorStore["update"] = (request) =>
    Result.gen(function* () {
      const stored = namespaces.get(yield* named(request))
      const { id, values } = request
      if (values !== undefined) yield* orRefuse(values, checkValues(id, values, shape()))
      const sparseValues = yield* checkSparseOf(request.sparseValues)
      const metadata = yield* checkMetadataOf(
        request.metadata === undefined ? undefined : mergeMetadata(stored?.metadata(id), request.metadata)
      )
      stored?.change(id, {
        ...(values && { values }),
        ...(sparseValues && { sparseValues }),
        ...(metadata && { metadata })
      })
      return { lsn: ++lsn }
    })

  const remove: VectorStore["delete"] = (request) =>
    Result.gen(function* () {
      const name = yield* named(request)
      const removal = yield* removalOf(request)
      const stored = namespaces.get(name)
      if (stored === undefined) return yield* Result.fail(namespaceNotFound(name))
      removal(stored)
      return { lsn: ++lsn }
    })

  const removalOf = (request: DeleteRequest): Answer<(stored: NamespaceRecords) => void> =>
    Result.gen(function* () {
      if ("ids" in request) {
        const { ids } = request
        yield* inRange("Number of ids in a delete", 1, limits.maxIds, ids.length)
        return (stored) => ids.forEach((id) => stored.remove(id))
      }
      if ("filter" in request) {
        if (MetadataFilter.isEmpty(request.filter)) {
          return yield* Result.fail(refused("Delete with empty metadata filter is not allowed"))
        }
        const matches = yield* MetadataFilter.compile(request.filter, limits.maxFilterValues)
        return (stored) => stored.removeWhere(matches)
      }
      if (request.all === true) return (stored) => stored.clear()
      return yield* Result.fail(refused("A delete needs ids, a filter or all: true"))
    })

  const stats: VectorStore["stats"] = () => ({
    dimension: isSparse ? undefined : dimension,
    metric,
    totalRecords: Array.from(namespaces.values()).reduce((sum, stored) => sum + stored.size, 0),
    namespaces: new Map(Array.from(namespaces, ([name, stored]) => [name, stored.size]))
  })

  const listNamespaces: VectorStore["namespaces"] = (request) =>
    Result.map(
      page([...namespaces.keys()].sort(), (name) => namespaces.has(name), request, limits.maxPage),
      ({ names, next }) => ({
        namespaces: names.map((name) => ({ name, records: namespaces.get(name)?.size ?? 0 })),
        next
      })
    )

  const deleteNamespace: VectorStore["deleteNamespace"] = (given) => {
    const name = namespaceName(given)
    return namespaces.delete(name) ? Result.succeed(undefined) : Result.fail(namespaceNotFound(name))
  }

  return { upsert, query, fetch, list, update, delete: remove, stats, namespaces: listNamespaces, deleteNamespace }
}

/** Tag and four bytes of a score. */
const scoreSize = 5

const bothGiven = (other: string): Refusal => refused(`Cannot provide both 'ID' and '${other}' at the same time`)

const orRefuse = <A>(value: A, refusal: Refusal | undefined): Answer<A> =>
  refusal === undefined ? Result.succeed(value) : Result.fail(refusal)

const inRange = (what: string, min: number, max: number, got: number): Answer<number> =>
  Number.isInteger(got) && got >= min && got <= max ? Result.succeed(got) : Result.fail(outOfRange(what, min, max, got))

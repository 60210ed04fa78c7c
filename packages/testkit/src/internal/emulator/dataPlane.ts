/** The routes of records: reads a request, asks the store, writes the answer. */
import { defaultNamespace } from "@effect-connectors/pinecone/PineconeIndex"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Arr from "effect/Array"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Refusal } from "../refusals.ts"
import { namespaceName } from "../vectorStore.ts"
import { namesDefault } from "./apiVersion.ts"
import type { Reply } from "./call.ts"
import { refuseData, refusedByStore } from "./envelopes.ts"
import { json } from "./reply.ts"
import type { EmulatedIndex } from "./indexes.ts"
import { short, shortValues } from "./numbers.ts"
import { Fields, FilterObject, type Incoming, Numbers, optional, reader } from "./wire.ts"

/** Answers, or says no. */
export type Handler = (index: EmulatedIndex, incoming: Incoming) => Result.Result<Reply, Reply>

export const asked = <A>(answer: Result.Result<A, Refusal>): Result.Result<A, Reply> =>
  Result.mapError(answer, refusedByStore)

export const refuse = (message: string): Reply => refuseData(400, message)

/** Reads a body by a schema. */
export const reads = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) => {
  const read = reader(schema)
  return (incoming: Incoming): Result.Result<S["Type"], Reply> => Result.mapError(read(incoming.body), refuse)
}

/** A namespace as a caller of some version calls it. */
export const namespaceOf = ({ version }: Incoming, given: string | null | undefined): Result.Result<string, Reply> =>
  given === defaultNamespace && !namesDefault(version)
    ? Result.fail(refuse("Use of namespace='__default__' is not allowed in API versions prior to 2025-04"))
    : Result.succeed(namespaceName(given ?? undefined))

/** What callers of that version call a namespace. */
export const calledBy = ({ version }: Incoming, namespace: string): string =>
  namespace === defaultNamespace && !namesDefault(version) ? "" : namespace

const Sparse = Schema.Struct({ indices: Numbers, values: Numbers })

const vectorFields = { values: optional(Numbers), sparseValues: optional(Sparse) }

const Record = Schema.Struct({ id: Schema.String, ...vectorFields, metadata: optional(Fields) })

/** Empty vectors are none, as in protobuf. */
const given = (values: typeof Numbers.Type | null | undefined) => (values?.length ? values : undefined)

const givenSparse = (sparse: typeof Sparse.Type | null | undefined) =>
  sparse?.indices.length || sparse?.values.length ? sparse : undefined

const toRecord = (wire: typeof Record.Type): VectorRecord => ({
  id: wire.id,
  values: given(wire.values),
  sparseValues: givenSparse(wire.sparseValues),
  metadata: wire.metadata ?? undefined
})

/** A record of a reply but for its id; `values` is always there. */
const contents = (record: VectorRecord) => ({
  values: record.values === undefined ? [] : shortValues(record.values),
  ...(record.sparseValues && {
    sparseValues: {
      indices: Array.from(record.sparseValues.indices),
      values: shortValues(record.sparseValues.values)
    }
  }),
  ...(record.metadata && { metadata: record.metadata })
})

/** The answer to a write. */
const written = (body: object, lsn: number | undefined): Reply =>
  json(200, body, lsn === undefined ? {} : { "x-pinecone-request-lsn": String(lsn) })

/** The answer to a read: what it saw, and how far it sees. */
const found = (
  index: EmulatedIndex,
  incoming: Incoming,
  namespace: string,
  body: object,
  readUnits: number | undefined
): Reply =>
  json(
    200,
    { ...body, namespace: calledBy(incoming, namespace), usage: { readUnits: readUnits ?? 0 } },
    { "x-pinecone-max-indexed-lsn": String(index.store.indexedLsn(namespace)) }
  )

const readUpsert = reads(Schema.Struct({ namespace: optional(Schema.String), vectors: Schema.Array(Record) }))

export const upsert: Handler = (index, incoming) =>
  Result.gen(function* () {
    const body = yield* readUpsert(incoming)
    const namespace = yield* namespaceOf(incoming, body.namespace)
    const records = body.vectors.map(toRecord)
    if (!Arr.isReadonlyArrayNonEmpty(records)) return yield* Result.fail(refuse("An upsert needs at least one vector"))
    const { count, lsn } = yield* asked(index.store.upsert({ namespace, records }))
    return written({ upsertedCount: count }, lsn)
  })

const readQuery = reads(
  Schema.Struct({
    namespace: optional(Schema.String),
    topK: optional(Schema.Finite),
    id: optional(Schema.String),
    vector: optional(Numbers),
    sparseVector: optional(Sparse),
    filter: optional(FilterObject),
    includeValues: optional(Schema.Boolean),
    includeMetadata: optional(Schema.Boolean)
  })
)

export const query: Handler = (index, incoming) =>
  Result.gen(function* () {
    const body = yield* readQuery(incoming)
    const namespace = yield* namespaceOf(incoming, body.namespace)
    const { matches, readUnits } = yield* asked(
      index.store.query({
        namespace,
        topK: body.topK ?? 0,
        id: body.id || undefined,
        vector: given(body.vector),
        sparseVector: givenSparse(body.sparseVector),
        filter: body.filter ?? undefined,
        includeValues: body.includeValues ?? false,
        includeMetadata: body.includeMetadata ?? false
      })
    )
    const near = matches.map((match) => ({ id: match.id, score: short(match.score), ...contents(match) }))
    return found(index, incoming, namespace, { results: [], matches: near }, readUnits)
  })

export const fetch: Handler = (index, incoming) =>
  Result.gen(function* () {
    const namespace = yield* namespaceOf(incoming, incoming.query.get("namespace"))
    const ids = incoming.query.getAll("ids")
    if (!Arr.isReadonlyArrayNonEmpty(ids)) return yield* Result.fail(refuse("A fetch needs at least one id"))
    const { readUnits, records } = yield* asked(index.store.fetch({ namespace, ids }))
    return found(index, incoming, namespace, { vectors: vectorsOf(records) }, readUnits)
  })

const readFetchByMetadata = reads(
  Schema.Struct({
    namespace: optional(Schema.String),
    filter: optional(FilterObject),
    limit: optional(Schema.Finite),
    paginationToken: optional(Schema.String)
  })
)

export const fetchByMetadata: Handler = (index, incoming) =>
  Result.gen(function* () {
    const body = yield* readFetchByMetadata(incoming)
    const namespace = yield* namespaceOf(incoming, body.namespace)
    const { next, readUnits, records } = yield* asked(
      index.store.fetchByMetadata({
        namespace,
        filter: body.filter ?? {},
        limit: body.limit ?? undefined,
        paginationToken: body.paginationToken || undefined
      })
    )
    return found(index, incoming, namespace, { vectors: vectorsOf(records), ...pagination(next) }, readUnits)
  })

/** By `fromEntries`, which makes a field of any id, `__proto__` too. */
const vectorsOf = (records: ReadonlyMap<string, VectorRecord>) =>
  Object.fromEntries(Array.from(records, ([id, record]) => [id, { id, ...contents(record) }]))

const wholeNumber = (text: string | null): number | undefined =>
  text === null || text === "" ? undefined : Number(text)

/** What a list asks for. */
export const pageOf = ({ query }: Incoming) => ({
  prefix: query.get("prefix") ?? undefined,
  limit: wholeNumber(query.get("limit")),
  paginationToken: query.get("paginationToken") || undefined
})

/** None on the last page. */
export const pagination = (next: string | undefined) => (next === undefined ? {} : { pagination: { next } })

export const list: Handler = (index, incoming) =>
  Result.gen(function* () {
    const namespace = yield* namespaceOf(incoming, incoming.query.get("namespace"))
    const { ids, next, readUnits } = yield* asked(index.store.list({ namespace, ...pageOf(incoming) }))
    const vectors = ids.map((id) => ({ id }))
    return found(index, incoming, namespace, { vectors, ...pagination(next) }, readUnits)
  })

const readUpdate = reads(
  Schema.Struct({
    namespace: optional(Schema.String),
    id: optional(Schema.String),
    ...vectorFields,
    setMetadata: optional(Fields),
    filter: optional(FilterObject),
    dryRun: optional(Schema.Boolean)
  })
)

export const update: Handler = (index, incoming) =>
  Result.gen(function* () {
    const body = yield* readUpdate(incoming)
    const namespace = yield* namespaceOf(incoming, body.namespace)
    const change = {
      values: given(body.values),
      sparseValues: givenSparse(body.sparseValues),
      metadata: body.setMetadata ?? undefined
    }
    if (!body.filter) {
      if (!body.id) return yield* Result.fail(refuse("An update needs an id or a filter"))
      const { lsn } = yield* asked(index.store.update({ namespace, id: body.id, ...change }))
      return written({}, lsn)
    }
    if (body.id) return yield* Result.fail(refuse("An update needs either an id or a filter, not both"))
    if (change.values ?? change.sparseValues) {
      return yield* Result.fail(refuse("Update by metadata request does not support updating vector values."))
    }
    const { lsn, matched } = yield* asked(
      index.store.updateByFilter({
        namespace,
        filter: body.filter,
        metadata: change.metadata ?? {},
        dryRun: body.dryRun ?? false
      })
    )
    return written({ matchedRecords: matched }, lsn)
  })

const readDelete = reads(
  Schema.Struct({
    namespace: optional(Schema.String),
    ids: optional(Schema.Array(Schema.String)),
    deleteAll: optional(Schema.Boolean),
    filter: optional(FilterObject)
  })
)

export const remove: Handler = (index, incoming) =>
  Result.gen(function* () {
    const body = yield* readDelete(incoming)
    const namespace = yield* namespaceOf(incoming, body.namespace)
    const removal = yield* removalOf(body)
    const { lsn } = yield* asked(index.store.delete({ namespace, ...removal }))
    return written({}, lsn)
  })

const removalOf = ({ deleteAll, filter, ids }: Result.Result.Success<ReturnType<typeof readDelete>>) => {
  const ways = [
    ...(ids && Arr.isReadonlyArrayNonEmpty(ids) ? [{ ids }] : []),
    ...(deleteAll ? [{ all: true as const }] : []),
    ...(filter ? [{ filter }] : [])
  ]
  const [way] = ways
  return way !== undefined && ways.length === 1
    ? Result.succeed(way)
    : Result.fail(refuse("A delete needs exactly one of ids, filter and deleteAll"))
}

const readStats = reads(Schema.Struct({ filter: optional(FilterObject) }))

export const stats: Handler = (index, incoming) =>
  Result.gen(function* () {
    const { filter } = yield* readStats(incoming)
    if (filter && Object.keys(filter).length > 0) {
      return yield* Result.fail(
        refuse("Serverless and Starter indexes do not support describing index stats with metadata filtering")
      )
    }
    const { dimension, metric, namespaces, totalRecords } = index.store.stats()
    return json(200, {
      namespaces: Object.fromEntries(
        Array.from(namespaces, ([name, vectorCount]) => [calledBy(incoming, name), { vectorCount }])
      ),
      ...(dimension === undefined ? {} : { dimension }),
      indexFullness: 0,
      totalVectorCount: totalRecords,
      metric,
      vectorType: index.definition.vectorType
    })
  })

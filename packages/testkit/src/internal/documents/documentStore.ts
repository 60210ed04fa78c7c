/**
 * One Pinecone document index in memory: a plain synchronous data structure with the semantics of the service.
 *
 * A request is checked whole and becomes one commit, as in the vector store, whose rules for namespaces, visibility and
 * sequence numbers hold here too. Decided here, not known of the service: one document that breaks a rule refuses its
 * whole request; of documents with the same id in one upsert the last wins and all are counted; a document keeps at
 * least one field of the schema through every update; a delete in a namespace that is not there is 404.
 */
import type { ListReply, ListRequest, Stats } from "@effect-connectors/pinecone/PineconeIndex"
import { Buffer } from "node:buffer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { type Answer, checkIds, inRange, orRefuse } from "../answer.ts"
import { CommitLog } from "../commitLog.ts"
import type { Limits } from "../limits.ts"
import * as MetadataFilter from "../metadataFilter.ts"
import * as NamespaceCalls from "../namespaceCalls.ts"
import type { CheckedRecord } from "../namespaceRecords.ts"
import { scopeOf } from "../page.ts"
import * as ReadUnits from "../readUnits.ts"
import { emptyFilter, namespaceNotFound, replyTooLarge, requestTooLarge } from "../refusals.ts"
import type { StoreOptions } from "../vectorStore.ts"
import * as Analyzer from "./analyzer.ts"
import * as DocumentFilter from "./documentFilter.ts"
import { checkDocument, checkPatch, checkPatchOfMany, type GivenDocument, type Rules, settle } from "./documentRules.ts"
import { type DocumentFields, type Matches, NamespaceDocuments } from "./namespaceDocuments.ts"
import { type DocumentSchema, rolesOf } from "./schema.ts"
import * as ScoringMethod from "./scoringMethod.ts"

export interface DocumentStoreOptions extends Pick<
  StoreOptions,
  "limits" | "visibleAfter" | "now" | "onCommit" | "history"
> {
  readonly schema: DocumentSchema
}

interface InNamespace {
  readonly namespace?: string | undefined
}

export interface UpsertRequest extends InNamespace {
  readonly documents: ReadonlyArray<unknown>
  /** Of the request as JSON. */
  readonly bytes: number
}

export interface SearchRequest extends InNamespace {
  readonly scoreBy: ReadonlyArray<ScoringMethod.ScoringMethod>
  readonly topK: number
  /** `["*"]` are all. @default none */
  readonly includeFields?: ReadonlyArray<string> | undefined
  readonly filter?: unknown
}

export interface DocumentMatch {
  readonly id: string
  readonly score: number | null
  readonly fields: DocumentFields
}

export interface SearchReply {
  readonly matches: ReadonlyArray<DocumentMatch>
  readonly readUnits: number
}

export type FetchRequest = InNamespace & {
  /** @default all */
  readonly includeFields?: ReadonlyArray<string> | undefined
  /** Of a page, for a fetch by filter. @default 100 */
  readonly limit?: number | undefined
} & (
    | { readonly ids: ReadonlyArray<string> }
    | { readonly filter: unknown; readonly paginationToken?: string | undefined }
  )

export interface FetchReply {
  readonly documents: ReadonlyMap<string, DocumentFields>
  readonly next?: string | undefined
  readonly readUnits: number
}

export interface UpdateByFilterRequest extends InNamespace {
  readonly filter: unknown
  readonly setFields: GivenDocument
  readonly removeFields: ReadonlyArray<string>
}

export type DeleteRequest = InNamespace &
  ({ readonly ids: ReadonlyArray<string> } | { readonly filter: unknown } | { readonly all: true })

export interface WriteReply {
  readonly lsn: number
  /** Documents the filter of the request matched, if it had one. */
  readonly matched?: number | undefined
}

/** The calls of the service, answered at once. `""` and no namespace are the default namespace. */
export interface DocumentStore extends NamespaceCalls.NamespaceCalls {
  readonly upsert: (request: UpsertRequest) => Answer<WriteReply>
  readonly search: (request: SearchRequest) => Answer<SearchReply>
  readonly fetch: (request: FetchRequest) => Answer<FetchReply>
  readonly list: (request: ListRequest) => Answer<ListReply>
  readonly update: (request: UpsertRequest) => Answer<WriteReply>
  readonly updateByFilter: (request: UpdateByFilterRequest) => Answer<WriteReply>
  readonly delete: (request: DeleteRequest) => Answer<WriteReply>
  readonly stats: () => Stats
}

const defaultPage = 100

export const make = (options: DocumentStoreOptions): DocumentStore => {
  const { limits } = options
  const roles = rolesOf(options.schema)
  const analyzers = new Map(Array.from(roles.texts, ([field, text]) => [field, Analyzer.make(text)] as const))
  const rules: Rules = { roles, analyzers, limits }
  const log = new CommitLog({
    make: (schema) => new NamespaceDocuments(roles, analyzers, schema),
    visibleAfter: options.visibleAfter ?? 0,
    now: options.now ?? (() => 0),
    onCommit: options.onCommit,
    history: options.history ?? []
  })
  const { checkRoom, named, ...calls } = NamespaceCalls.make(log, limits)
  /** Stands for a namespace that is not there. */
  const nothing = new NamespaceDocuments(roles, analyzers)

  const compile = (filter: unknown, takesText: boolean): Answer<Matches> =>
    DocumentFilter.compile(filter, roles, { maxValues: limits.maxFilterValues, takesText })

  const compileNonEmpty = (what: "Delete" | "Update" | "Fetch", filter: unknown): Answer<Matches> =>
    MetadataFilter.isEmpty(filter) ? Result.fail(emptyFilter(what)) : compile(filter, what === "Fetch")

  const checkSize = ({ bytes, documents }: UpsertRequest, what: string): Answer<void> =>
    Result.gen(function* () {
      yield* inRange(`Number of documents in an ${what}`, 1, limits.maxRecords, documents.length)
      if (bytes > limits.maxDocumentBytes) yield* Result.all(documents.map((one) => checkDocumentSize(one, limits)))
      if (bytes > limits.maxRequestBytes) yield* Result.fail(requestTooLarge(bytes, limits.maxRequestBytes))
    })

  const upsert: DocumentStore["upsert"] = (request) =>
    Result.gen(function* () {
      const name = yield* named(request)
      yield* checkSize(request, "upsert")
      const records: Array<CheckedRecord> = []
      for (const document of request.documents) records.push(yield* checkDocument(document, rules))
      yield* orRefuse(name, checkRoom(name))
      return { lsn: log.commit(name, { _tag: "Put", records }) }
    })

  const search: DocumentStore["search"] = (request) =>
    Result.gen(function* () {
      const name = yield* named(request)
      const stored = log.visible.get(name) ?? nothing
      yield* inRange("top_k", 1, limits.maxTopK, request.topK)
      const matches = request.filter === undefined ? undefined : yield* compile(request.filter, true)
      const scoreBy = yield* ScoringMethod.read(request.scoreBy, rules)
      const chosen = chosenOf(request.includeFields ?? [])
      const found = stored.search(scoreBy, request.topK, matches)
      const bytes = found.reduce((sum, { id }) => sum + sizeOf(stored, id, chosen), 0)
      if (bytes > limits.maxReplyBytes) return yield* Result.fail(replyTooLarge(bytes, limits.maxReplyBytes))
      return {
        matches: found.map((match) => ({ ...match, fields: stored.fields(match.id, chosen) ?? {} })),
        readUnits: ReadUnits.ofQuery(stored.bytes)
      }
    })

  const fetch: DocumentStore["fetch"] = (request) =>
    Result.gen(function* () {
      const name = yield* named(request)
      const stored = log.visible.get(name) ?? nothing
      const { includeFields = [], limit = defaultPage } = request
      yield* inRange("limit", 1, limits.maxFetchPage, limit)
      const { names, next } = yield* pageOf(stored, name, limit, request)
      const chosen = includeFields.length === 0 ? undefined : chosenOf(includeFields)
      const bytes = names.reduce((sum, id) => sum + sizeOf(stored, id, chosen), 0)
      if (bytes > limits.maxReplyBytes) return yield* Result.fail(replyTooLarge(bytes, limits.maxReplyBytes))
      const documents = new Map<string, DocumentFields>()
      for (const id of names) {
        const fields = stored.fields(id, chosen)
        if (fields !== undefined) documents.set(id, fields)
      }
      return { documents, next, readUnits: ReadUnits.ofFetch(documents.size) }
    })

  const pageOf = (stored: NamespaceDocuments, name: string, limit: number, request: FetchRequest) =>
    Result.gen(function* () {
      if ("ids" in request) {
        yield* inRange("Number of ids in a fetch", 1, limits.maxIds, request.ids.length)
        yield* orRefuse(request.ids, checkIds(request.ids, limits))
        return { names: request.ids, next: undefined }
      }
      const { filter, paginationToken } = request
      const matches = yield* compileNonEmpty("Fetch", filter)
      const scope = scopeOf([name, filter])
      return yield* stored.pageWhere(matches, { limit, paginationToken, scope }, limits.maxFetchPage)
    })

  const list: DocumentStore["list"] = (request) =>
    Result.gen(function* () {
      const stored = log.visible.get(yield* named(request)) ?? nothing
      const { names, next } = yield* stored.page(request, limits.maxPage)
      return { ids: names, next, readUnits: ReadUnits.ofList }
    })

  const update: DocumentStore["update"] = (request) =>
    Result.gen(function* () {
      const name = yield* named(request)
      yield* checkSize(request, "update")
      const stored = log.written.get(name)
      const records = new Map<string, CheckedRecord>()
      for (const document of request.documents) {
        const patch = yield* checkPatch(document, rules)
        const before = records.get(patch.id) ?? stored?.record(patch.id)
        if (before !== undefined) records.set(patch.id, yield* settle(patch, before, rules))
      }
      return { lsn: put(name, [...records.values()]) }
    })

  const updateByFilter: DocumentStore["updateByFilter"] = ({ filter, removeFields, setFields, ...request }) =>
    Result.gen(function* () {
      const name = yield* named(request)
      const stored = log.written.get(name) ?? nothing
      const matches = yield* compileNonEmpty("Update", filter)
      const patch = yield* checkPatchOfMany(setFields, removeFields, rules)
      const ids = stored.idsWhere(matches).sort()
      const records: Array<CheckedRecord> = []
      for (const id of ids.slice(0, limits.maxUpdateByFilter)) {
        records.push(yield* settle({ id, ...patch }, stored.record(id), rules))
      }
      return { matched: ids.length, lsn: put(name, records) }
    })

  /** Documents that are there, anew. An update of none makes no namespace, and has its number all the same. */
  const put = (name: string, records: ReadonlyArray<CheckedRecord>): number =>
    log.commit(name, records.length === 0 ? { _tag: "Remove", ids: [] } : { _tag: "Put", records })

  const remove: DocumentStore["delete"] = (request) =>
    Result.gen(function* () {
      const name = yield* named(request)
      const stored = log.written.get(name)
      if ("ids" in request) {
        yield* inRange("Number of ids in a delete", 1, limits.maxIds, request.ids.length)
        yield* orRefuse(request.ids, checkIds(request.ids, limits))
      }
      const matches = "filter" in request ? yield* compileNonEmpty("Delete", request.filter) : undefined
      if (stored === undefined) return yield* Result.fail(namespaceNotFound(name))
      if ("ids" in request) return { lsn: log.commit(name, { _tag: "Remove", ids: request.ids }) }
      if (matches === undefined) return { lsn: log.commit(name, { _tag: "Clear" }) }
      const ids = stored.idsWhere(matches)
      return { matched: ids.length, lsn: log.commit(name, { _tag: "Remove", ids }) }
    })

  const stats: DocumentStore["stats"] = () => {
    const namespaces = new Map(Array.from(log.visible, ([name, stored]) => [name, stored.size]))
    return {
      dimension: roles.dense?.dimension,
      metric: roles.dense?.metric,
      totalRecords: Array.from(namespaces.values()).reduce((sum, size) => sum + size, 0),
      namespaces
    }
  }

  return { upsert, search, fetch, list, update, updateByFilter, delete: remove, stats, ...calls }
}

/** `undefined` are all. */
const chosenOf = (fields: ReadonlyArray<string>): ReadonlySet<string> | undefined =>
  fields.includes("*") ? undefined : new Set(fields)

/** What a document adds to a reply at most. */
const sizeOf = (stored: NamespaceDocuments, id: string, chosen: ReadonlySet<string> | undefined): number =>
  chosen?.size === 0 ? id.length : (stored.record(id)?.bytes ?? 0)

/** Of a document as JSON, where its vectors are lists. */
export const jsonBytes = (document: unknown): number =>
  Buffer.byteLength(JSON.stringify(document, (_, value: unknown) => (isTyped(value) ? [...value] : value)))

const isTyped = (value: unknown): value is Float32Array | Uint32Array =>
  value instanceof Float32Array || value instanceof Uint32Array

const checkDocumentSize = (document: unknown, limits: Limits): Answer<void> => {
  const bytes = jsonBytes(document)
  return bytes > limits.maxDocumentBytes
    ? Result.fail(requestTooLarge(bytes, limits.maxDocumentBytes, `Document ${nameOf(document)}`))
    : Result.succeed(undefined)
}

const nameOf = (document: unknown): string =>
  Predicate.hasProperty(document, "_id") && typeof document._id === "string" ? `'${document._id}'` : "without _id"

/**
 * One Pinecone index as a service: the calls of its data plane, and nothing else.
 *
 * Sinks and sources are written against this service, so which Pinecone they talk to is decided by the
 * layer: {@link PineconeIndex.layer} for the real one, `PineconeMemory.layer` of
 * `@effect-connectors/testkit` for tests and demos.
 */
import type * as Arr from "effect/Array"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Filter } from "./Filter.ts"
import type { PineconeError } from "./PineconeError.ts"
import type { Metadata, SparseValues, Values, VectorRecord } from "./VectorRecord.ts"

/** A record with its size on the wire of the layer that encoded it. */
export interface SizedRecord extends VectorRecord {
  /** Bytes this record adds to an upsert request, separator included. */
  readonly bytes: number
}

/** The limits of one upsert request, as the layer measures it. */
export interface UpsertLimits {
  /** Records in one request. */
  readonly maxRecords: number
  /** Bytes of one request body. */
  readonly maxBytes: number
  /** Bytes of a request body beside its records. */
  readonly envelopeBytes: (namespace: string) => number
}

export interface UpsertRequest {
  /** Default: the layer's namespace. */
  readonly namespace?: string | undefined
  readonly records: Arr.NonEmptyReadonlyArray<VectorRecord>
}

/** What a write tells: the service's count, and the sequence number to wait for before reading it back. */
export interface WriteReply {
  readonly count?: number | undefined
  readonly lsn?: number | undefined
}

/** Query by `vector`, by `sparseVector`, by both (hybrid, dotproduct indexes only), or by the `id` of a stored record. */
export interface QueryRequest {
  readonly namespace?: string | undefined
  /** 1 to 10,000. */
  readonly topK: number
  readonly vector?: Values | undefined
  readonly sparseVector?: SparseValues | undefined
  readonly id?: string | undefined
  readonly filter?: Filter | undefined
  /** Default `false`. */
  readonly includeValues?: boolean | undefined
  /** Default `false`. */
  readonly includeMetadata?: boolean | undefined
}

/** A stored record that a query found. */
export interface Match<M = Metadata> {
  readonly id: string
  /** Higher is nearer for cosine and dotproduct; for euclidean it is the squared distance and lower is nearer. */
  readonly score: number
  readonly values?: Values | undefined
  readonly sparseValues?: SparseValues | undefined
  readonly metadata?: M | undefined
}

export interface QueryReply {
  readonly matches: ReadonlyArray<Match>
  readonly readUnits?: number | undefined
}

export interface FetchRequest {
  readonly namespace?: string | undefined
  /** 1 to 1,000. */
  readonly ids: Arr.NonEmptyReadonlyArray<string>
}

export interface FetchReply {
  /** By id; ids that are not stored are not here. */
  readonly records: ReadonlyMap<string, VectorRecord>
  readonly readUnits?: number | undefined
}

export interface ListRequest {
  readonly namespace?: string | undefined
  readonly prefix?: string | undefined
  /** 1 to 100, default 100. */
  readonly limit?: number | undefined
  readonly paginationToken?: string | undefined
}

export interface ListReply {
  readonly ids: ReadonlyArray<string>
  /** The token of the next page; none on the last. */
  readonly next?: string | undefined
  readonly readUnits?: number | undefined
}

/** Given parts replace the stored ones; `metadata` is merged key by key. A missing id is not an error. */
export interface UpdateRequest {
  readonly namespace?: string | undefined
  readonly id: string
  readonly values?: Values | undefined
  readonly sparseValues?: SparseValues | undefined
  readonly metadata?: Metadata | undefined
}

/** By ids (1 to 1,000), by filter, or everything in the namespace. */
export type DeleteRequest = { readonly namespace?: string | undefined } & (
  | { readonly ids: Arr.NonEmptyReadonlyArray<string> }
  | { readonly filter: Filter }
  | { readonly all: true }
)

export interface Stats {
  /** Absent for sparse indexes. */
  readonly dimension?: number | undefined
  readonly metric?: string | undefined
  readonly totalRecords: number
  /** Records by namespace. The default namespace is `"__default__"`. */
  readonly namespaces: ReadonlyMap<string, number>
}

export interface NamespacesRequest {
  readonly prefix?: string | undefined
  /** 1 to 100, default 100. */
  readonly limit?: number | undefined
  readonly paginationToken?: string | undefined
}

export interface NamespacesReply {
  readonly namespaces: ReadonlyArray<{ readonly name: string; readonly records: number }>
  readonly next?: string | undefined
}

/** The name every version of the API gives to the namespace of a caller who names none. */
export const defaultNamespace = "__default__"

/** The calls of one index. */
export interface Service {
  /** The index's name or host, for telemetry and messages. */
  readonly name: string
  /** The namespace of calls that name none. */
  readonly namespace: string
  readonly limits: UpsertLimits
  /** Makes a checked record ready for this layer's wire, once; {@link upsert} sends it without encoding it again. */
  readonly encode: (record: VectorRecord) => SizedRecord
  readonly upsert: (request: UpsertRequest) => Effect.Effect<WriteReply, PineconeError>
  readonly query: (request: QueryRequest) => Effect.Effect<QueryReply, PineconeError>
  readonly fetch: (request: FetchRequest) => Effect.Effect<FetchReply, PineconeError>
  readonly list: (request: ListRequest) => Effect.Effect<ListReply, PineconeError>
  readonly update: (request: UpdateRequest) => Effect.Effect<WriteReply, PineconeError>
  readonly delete: (request: DeleteRequest) => Effect.Effect<WriteReply, PineconeError>
  readonly stats: Effect.Effect<Stats, PineconeError>
  readonly namespaces: (request: NamespacesRequest) => Effect.Effect<NamespacesReply, PineconeError>
  /** Removes a namespace and all its records. */
  readonly deleteNamespace: (name: string) => Effect.Effect<void, PineconeError>
}

/** @see {@link Service} */
export class PineconeIndex extends Context.Service<PineconeIndex, Service>()(
  "@effect-connectors/pinecone/PineconeIndex"
) {}

/**
 * The calls of one Pinecone index: what they take and what they give. Every layer of `PineconeIndex` has them.
 */
import type * as Pacing from "@effect-connectors/core/Pacing"
import type * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
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

/**
 * Query by `vector`, by `sparseVector`, by both (hybrid, dotproduct indexes only), or by the `id` of a stored record.
 */
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

/** What reads tell beside what was asked for. */
export interface ReadReply {
  readonly readUnits?: number | undefined
  /** The read saw every write of its namespace whose sequence number is not higher, where the service tells. */
  readonly indexedLsn?: number | undefined
}

export interface QueryReply extends ReadReply {
  readonly matches: ReadonlyArray<Match>
}

export interface FetchRequest {
  readonly namespace?: string | undefined
  /** 1 to 1,000. */
  readonly ids: Arr.NonEmptyReadonlyArray<string>
}

export interface FetchReply extends ReadReply {
  /** By id; ids that are not stored are not here. */
  readonly records: ReadonlyMap<string, VectorRecord>
}

export interface ListRequest {
  readonly namespace?: string | undefined
  readonly prefix?: string | undefined
  /** 1 to 100, default 100. */
  readonly limit?: number | undefined
  readonly paginationToken?: string | undefined
}

export interface ListReply extends ReadReply {
  readonly ids: ReadonlyArray<string>
  /** The token of the next page; none on the last. */
  readonly next?: string | undefined
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

/** The last write of a layer to a namespace. */
export interface LastWrite {
  /** Its sequence number; none when the service did not give it one, or it is forgotten. */
  readonly lsn: number | undefined
}

/** The calls of one index. */
export interface Service {
  /** The index's name or host, for telemetry and messages. */
  readonly name: string
  /** Where the index is: two of one name in different projects have different ones. Default: none, as in memory. */
  readonly host?: string | undefined
  /**
   * The length of dense vectors, when the layer knows it: records of another length are then refused before sending.
   */
  readonly dimension?: number | undefined
  /** The namespace of calls that name none. */
  readonly namespace: string
  readonly limits: UpsertLimits
  /** How fast sinks and sources send calls; those that a program makes by itself are sent at once. Default: at once. */
  readonly pacing?: Pacing.Pacing | undefined
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
  /** What this layer wrote last to a namespace and was answered, if it wrote anything: see `Freshness.tracked`. */
  readonly written: (namespace: string) => LastWrite | undefined
}

/** Where the index is and how to call it. */
export interface Options {
  /** A key of the project the index belongs to. */
  readonly apiKey: Redacted.Redacted<string>
  /**
   * The index's name. Its host is asked for when the layer is built, unless `host` is given; what time can cure is
   * tried again for 10 seconds.
   */
  readonly index?: string | undefined
  /**
   * The address of the index's data plane. It saves the call that looks it up, and with it what that call tells: the
   * index's dimension. Without a scheme it is taken as https, on `localhost` and `127.0.0.1` as http.
   */
  readonly host?: string | undefined
  /**
   * The namespace of calls that name none.
   *
   * @default "__default__"
   */
  readonly namespace?: string | undefined
  /**
   * The address of the control plane, where `index` is looked up.
   *
   * @default "https://api.pinecone.io"
   */
  readonly controllerHost?: string | undefined
  /**
   * Time for one call, from sending to the last byte of the answer. A call that takes longer is cancelled and fails
   * with `TimedOut`.
   *
   * @default "30 seconds"
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * Bytes of one request body; a call over it fails with `RequestTooLarge` and is not sent. Pinecone documents 2 MB
   * for an upsert without saying of what. JSON is the largest form a record has, so its bytes are the safe reading: 100
   * records of 1536 numbers are 1.9 MB as JSON, and 0.6 MB over gRPC. Raise it if your service takes more.
   *
   * @default 2_000_000
   */
  readonly maxRequestBytes?: number | undefined
  /**
   * Records of one upsert, 1 to 1,000 (the documented limit).
   *
   * @default 1000
   */
  readonly maxRecords?: number | undefined
  /**
   * How fast sinks and sources on this layer send calls: options that replace parts of `PineconePacing.documented`, a
   * pacing that layers or processes share, or `false` for as fast as they can.
   *
   * @default PineconePacing.documented
   */
  readonly pacing?: Pacing.Pacing | Pacing.Options | false | undefined
  /**
   * Headers sent with every call, for instance `{ "X-Pinecone-Api-Version": "2025-10" }` to pin a version.
   *
   * @default {}
   */
  readonly additionalHeaders?: Readonly<Record<string, string>> | undefined
}

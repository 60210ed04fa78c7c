/**
 * The calls of one document index: what they take and what they give. Every layer of `PineconeDocumentIndex` has them.
 */
import type * as Pacing from "@effect-connectors/core/Pacing"
import type * as Arr from "effect/Array"
import type * as Effect from "effect/Effect"
import type { Filter } from "./Filter.ts"
import type {
  LastWrite,
  ListReply,
  ListRequest,
  NamespacesReply,
  NamespacesRequest,
  ReadReply,
  Stats,
  UpsertLimits,
  WriteReply
} from "./PineconeApi.ts"
import type { PineconeError } from "./PineconeError.ts"
import type { MetadataValue, SparseValues, Values } from "./VectorRecord.ts"

/** What a field of a document holds. */
export type DocumentValue = MetadataValue | Values | SparseValues

/** A document: its id, and its fields beside it. */
export interface Document {
  /** 1 to 512 ASCII characters without NUL. */
  readonly _id: string
  /** Names are 1 to 64 bytes and start with neither `$` nor `_`. */
  readonly [field: string]: DocumentValue
}

/** A document with its size on the wire of the layer that encoded it. */
export interface SizedDocument {
  readonly document: Document
  /** Bytes it adds to a request, separator included. */
  readonly bytes: number
}

/** A change of one stored document: fields that are given replace the stored ones, the others stay. */
export interface DocumentChange extends Document {
  /** Fields to remove. */
  readonly _remove_fields?: ReadonlyArray<string>
}

/** A dense vector field, as an index declares it. */
export interface DenseField {
  readonly type: "dense_vector"
  readonly dimension: number
  readonly metric: "cosine" | "dotproduct" | "euclidean"
}

/** A sparse vector field, as an index declares it. */
export interface SparseField {
  readonly type: "sparse_vector"
}

/** How text is analysed for full text search. */
export interface FullText {
  /** @default "en" */
  readonly language?: string | undefined
  /** @default false */
  readonly stemming?: boolean | undefined
  /** Leave words like "the" out; needs `stemming`. @default false */
  readonly stopWords?: boolean | undefined
  /** Cut text into parts of so many characters instead of words, without `stemming`. Default: into words. */
  readonly ngram?:
    | {
        /** 1 or more. */
        readonly minGram: number
        /** Up to 10. */
        readonly maxGram: number
        /** Only those a word begins with. @default false */
        readonly prefixOnly?: boolean | undefined
      }
    | undefined
}

/** A text field that is searched by its words, as an index declares it. */
export interface TextField {
  readonly type: "string"
  readonly fullText: FullText
}

/** A field that an index is made with. */
export type IndexField = DenseField | SparseField | TextField

/** A field as the control plane describes it: one of those an index is made with, or another. */
export type DescribedField = IndexField | { readonly type: "other"; readonly called: string }

/** What the control plane tells of an index. */
export interface Description {
  readonly name: string
  readonly fields: ReadonlyMap<string, DescribedField>
}

/** The limits of text in fields with full text search; see {@link "PineconeDocumentIndex".DocumentOptions}. */
export interface TextLimits {
  readonly maxBytes: number
  readonly maxTokens: number
  readonly maxTokenBytes: number
}

export interface UpsertDocumentsRequest {
  /** Default: the layer's namespace. */
  readonly namespace?: string | undefined
  readonly documents: Arr.NonEmptyReadonlyArray<Document | SizedDocument>
}

/** By what documents are ranked. */
export type Score =
  | { readonly type: "dense_vector"; readonly fields: ReadonlyArray<string>; readonly values: Values }
  | { readonly type: "sparse_vector"; readonly fields: ReadonlyArray<string>; readonly sparseValues: SparseValues }
  | { readonly type: "text"; readonly fields: ReadonlyArray<string>; readonly query: string }
  | { readonly type: "query_string"; readonly query: string }

export interface SearchRequest {
  readonly namespace?: string | undefined
  /** One of any kind, or several of `text` and `query_string`. */
  readonly scoreBy: ReadonlyArray<Score>
  /** 1 to 10,000. */
  readonly topK: number
  readonly filter?: Filter | undefined
  /** Fields of the matches to get; `["*"]` is all. Default: none. */
  readonly includeFields?: ReadonlyArray<string> | undefined
}

/** A document that a search found, with the fields that were asked for. */
export interface DocumentMatch {
  readonly _id: string
  /** Null when it is no finite number. */
  readonly _score: number | null
  readonly [field: string]: DocumentValue | null
}

export interface SearchReply extends ReadReply {
  readonly matches: ReadonlyArray<DocumentMatch>
}

/** By ids (1 to 1,000), or by filter, page by page. */
export type FetchDocumentsRequest = {
  readonly namespace?: string | undefined
  /** Default: all. */
  readonly includeFields?: ReadonlyArray<string> | undefined
} & (
  | { readonly ids: Arr.NonEmptyReadonlyArray<string> }
  | {
      readonly filter: Filter
      /** 1 to 10,000, default 100. */
      readonly limit?: number | undefined
      readonly paginationToken?: string | undefined
    }
)

export interface FetchDocumentsReply extends ReadReply {
  /** By id; ids that are not stored are not here. */
  readonly documents: ReadonlyMap<string, Document>
  /** The token of the next page of a fetch by filter. */
  readonly next?: string | undefined
}

/** By ids, each document its own change; or one change of all documents that a filter selects (without text operators). */
export type UpdateDocumentsRequest = { readonly namespace?: string | undefined } & (
  | { readonly documents: Arr.NonEmptyReadonlyArray<DocumentChange | SizedDocument> }
  | {
      readonly filter: Filter
      readonly setFields?: Omit<Document, "_id"> | undefined
      readonly removeFields?: ReadonlyArray<string> | undefined
    }
)

/** By ids (1 to 1,000), by filter (without text operators), or everything in the namespace. */
export type DeleteDocumentsRequest = { readonly namespace?: string | undefined } & (
  | { readonly ids: Arr.NonEmptyReadonlyArray<string> }
  | { readonly filter: Filter }
  | { readonly all: true }
)

/** The calls of one document index. */
export interface Service {
  /** The index's name or host, for telemetry and messages. */
  readonly name: string
  /** Where the index is: two of one name in different projects have different ones. Default: none, as in memory. */
  readonly host?: string | undefined
  /** The namespace of calls that name none. */
  readonly namespace: string
  /** Of upserts and updates. */
  readonly limits: UpsertLimits
  /** Of text in fields with full text search, where they are checked before sending. */
  readonly textLimits?: TextLimits | undefined
  /** How fast sinks and sources send calls; those that a program makes by itself are sent at once. Default: at once. */
  readonly pacing?: Pacing.Pacing | undefined
  /** Makes a checked document or change ready for this layer's wire, once; it is sent without encoding it again. */
  readonly encode: (document: Document) => SizedDocument
  /** What the control plane tells of the index. */
  readonly describe: Effect.Effect<Description, PineconeError>
  readonly upsert: (request: UpsertDocumentsRequest) => Effect.Effect<WriteReply, PineconeError>
  readonly search: (request: SearchRequest) => Effect.Effect<SearchReply, PineconeError>
  readonly fetch: (request: FetchDocumentsRequest) => Effect.Effect<FetchDocumentsReply, PineconeError>
  readonly list: (request: ListRequest) => Effect.Effect<ListReply, PineconeError>
  /** The count is of documents that a filter selected. */
  readonly update: (request: UpdateDocumentsRequest) => Effect.Effect<WriteReply, PineconeError>
  /** The count is of documents that a filter selected. */
  readonly delete: (request: DeleteDocumentsRequest) => Effect.Effect<WriteReply, PineconeError>
  readonly stats: Effect.Effect<Stats, PineconeError>
  readonly namespaces: (request: NamespacesRequest) => Effect.Effect<NamespacesReply, PineconeError>
  /** Removes a namespace and all its documents. */
  readonly deleteNamespace: (name: string) => Effect.Effect<void, PineconeError>
  /** What this layer wrote last to a namespace and was answered, if it wrote anything. */
  readonly written: (namespace: string) => LastWrite | undefined
}

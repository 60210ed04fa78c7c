/**
 * The calls of an index that embeds text by itself: what they take and what they give. Every layer of
 * `PineconeRecordIndex` has them.
 */
import type * as Pacing from "@effect-connectors/core/Pacing"
import type * as Arr from "effect/Array"
import type * as Effect from "effect/Effect"
import type { Filter } from "./Filter.ts"
import type { ReadReply, UpsertLimits, WriteReply } from "./PineconeApi.ts"
import type { PineconeError } from "./PineconeError.ts"
import type { MetadataValue, SparseValues, Values } from "./VectorRecord.ts"

/** A record of text: its id, the field that is embedded, and others that are stored with it. */
export interface TextRecord {
  /** 1 to 512 ASCII characters without NUL. */
  readonly _id: string
  readonly [field: string]: MetadataValue
}

/** A record with its size on the wire of the layer that encoded it. */
export interface SizedTextRecord {
  readonly record: TextRecord
  /** Bytes it adds to a request, separator included. */
  readonly bytes: number
}

export interface UpsertRecordsRequest {
  /** Default: the layer's namespace. */
  readonly namespace?: string | undefined
  readonly records: Arr.NonEmptyReadonlyArray<TextRecord | SizedTextRecord>
}

/** What to ask with: text that is embedded, a vector, a sparse vector, both, or the id of a stored record. */
export type Asked =
  | { readonly text: string }
  | { readonly vector: Values; readonly sparseVector?: SparseValues | undefined }
  | { readonly sparseVector: SparseValues }
  | { readonly id: string }

/** A model that looks at the records found once more, and orders them by what it thinks. */
export interface Rerank {
  readonly model: string
  /** The fields it reads. */
  readonly rankFields: ReadonlyArray<string>
  /** How many to give. Default: `topK`. */
  readonly topN?: number | undefined
  /** What to compare with. Default: the text asked with. */
  readonly query?: string | undefined
  readonly parameters?: Readonly<Record<string, unknown>> | undefined
}

export interface SearchRecordsRequest {
  readonly namespace?: string | undefined
  readonly by: Asked
  /** 1 to 10,000. */
  readonly topK: number
  readonly filter?: Filter | undefined
  /** Fields of the hits to get. Default: all. */
  readonly fields?: ReadonlyArray<string> | undefined
  /** Words that the text must have; of sparse indexes that embed by themselves. */
  readonly matchTerms?: { readonly strategy: "all"; readonly terms: ReadonlyArray<string> } | undefined
  readonly rerank?: Rerank | undefined
}

/** A stored record that a search found. */
export interface Hit {
  readonly _id: string
  readonly _score: number
  readonly fields: { readonly [field: string]: MetadataValue }
}

export interface SearchRecordsReply extends ReadReply {
  readonly hits: ReadonlyArray<Hit>
  /** Tokens that were embedded to ask with, where the service tells. */
  readonly embedTokens?: number | undefined
  readonly rerankUnits?: number | undefined
}

/** The calls of one index that embeds text by itself. */
export interface Service {
  /** The index's name or host, for telemetry and messages. */
  readonly name: string
  /** Where the index is. Default: none, as in memory. */
  readonly host?: string | undefined
  /** The namespace of calls that name none. */
  readonly namespace: string
  /** The field that is embedded, when the layer knows it: records without text in it are refused before sending. */
  readonly textField?: string | undefined
  readonly limits: UpsertLimits
  /** How fast sinks and sources send calls; those that a program makes by itself are sent at once. Default: at once. */
  readonly pacing?: Pacing.Pacing | undefined
  /** Makes a checked record ready for this layer's wire, once; {@link upsert} sends it without encoding it again. */
  readonly encode: (record: TextRecord) => SizedTextRecord
  readonly upsert: (request: UpsertRecordsRequest) => Effect.Effect<WriteReply, PineconeError>
  readonly search: (request: SearchRecordsRequest) => Effect.Effect<SearchRecordsReply, PineconeError>
}

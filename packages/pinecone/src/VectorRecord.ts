/**
 * A record of a Pinecone vector index: an id, a dense vector, a sparse vector or both, and flat metadata.
 *
 * Vectors may be `Float32Array`s or arrays of numbers; both are first class. The limits are those of
 * Pinecone's documentation (operation limits, identifier limits).
 */
/** A dense vector. Pinecone stores float32: more precise numbers are rounded by the service. */
export type Values = ReadonlyArray<number> | Float32Array

/** A sparse vector: positions (unsigned 32 bit, no repetition) and the values there, of equal length. */
export interface SparseValues {
  readonly indices: ReadonlyArray<number> | Uint32Array
  readonly values: Values
}

/** What a metadata field can hold. Pinecone has no null and no nesting. */
export type MetadataValue = string | number | boolean | ReadonlyArray<string>

/** Flat metadata, at most {@link maxMetadataBytes} bytes as JSON. */
export interface Metadata {
  readonly [field: string]: MetadataValue
}

/** A record with metadata of type `M`. */
export interface VectorRecord<M = Metadata> {
  /** 1 to {@link maxIdLength} characters. */
  readonly id: string
  readonly values?: Values | undefined
  readonly sparseValues?: SparseValues | undefined
  readonly metadata?: M | undefined
}

/** Characters of an id. */
export const maxIdLength = 512
/** Bytes of a record's metadata as JSON: 40 KB. */
export const maxMetadataBytes = 40_960
/** Numbers of a dense vector. */
export const maxDimension = 20_000
/** Non-zero positions of a sparse vector. */
export const maxSparseValues = 2_048

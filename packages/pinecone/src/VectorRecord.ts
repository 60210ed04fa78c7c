/**
 * A record of a Pinecone vector index: an id, a dense vector, a sparse vector or both, and flat metadata.
 *
 * Vectors may be `Float32Array`s or arrays of numbers; both are first class. The limits are those of
 * Pinecone's documentation (operation limits, identifier limits).
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import {
  allZero,
  checkId,
  checkIndices,
  checkMetadata,
  inspect,
  isVector,
  valuesIssue
} from "./internal/recordRules.ts"

export {
  checkId,
  checkNamespace,
  maxDimension,
  maxIdLength,
  maxMetadataBytes,
  maxNamespaceLength,
  maxSparseValues,
  zeroBelow
} from "./internal/recordRules.ts"

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
  /** 1 to {@link maxIdLength} ASCII characters without NUL. */
  readonly id: string
  /**
   * At least one number that is not zero (not below 1e-8 in size). A `Float32Array` that went into a sink may be used again;
   * an array of numbers must stay as it is until its record is written.
   */
  readonly values?: Values | undefined
  readonly sparseValues?: SparseValues | undefined
  readonly metadata?: M | undefined
}

/** In JSON a typed array is a plain list, also one of numbers that JSON has not. */
const asList = <A extends Iterable<number>>() =>
  Schema.link<A | ReadonlyArray<number>>()(
    Schema.Array(Schema.Number),
    SchemaTransformation.transform<A | ReadonlyArray<number>, ReadonlyArray<number>>({
      decode: (list) => list,
      encode: (list) => Array.from(list)
    })
  )

const vector = Schema.declare(isVector, {
  message: "must be an array of numbers or a Float32Array",
  toCodecJson: () => asList<Float32Array>()
})

/** Schema of {@link Values}: one loop over the numbers, nothing allocated. */
export const Values: Schema.Codec<Values> = vector.check(
  Schema.makeFilter((values) => valuesIssue(values, inspect(values)))
)

/** A dense vector to store; an empty one stands for none. */
const Stored: Schema.Codec<Values> = vector.check(
  Schema.makeFilter((values) => {
    const found = inspect(values)
    return found === allZero && values.length > 0
      ? "holds only zeros, which Pinecone does not store; at least one number must be 1e-8 or more in size"
      : valuesIssue(values, found)
  })
)

/** Schema of {@link SparseValues}. */
export const SparseValues: Schema.Codec<SparseValues> = Schema.Struct({
  indices: Schema.declare((u: unknown): u is SparseValues["indices"] => u instanceof Uint32Array || Array.isArray(u), {
    message: "must be an array of numbers or a Uint32Array",
    toCodecJson: () => asList<Uint32Array>()
  }).check(Schema.makeFilter(checkIndices)),
  values: Values
}).check(
  Schema.makeFilter(({ indices, values }) =>
    indices.length === values.length
      ? undefined
      : `has ${indices.length} positions and ${values.length} values; there must be one value for each position`
  )
)

/** Schema of {@link Metadata}. */
export const Metadata: Schema.Codec<Metadata> = Schema.declare((u: unknown): u is Metadata => Predicate.isObject(u), {
  message: "must be a flat object"
}).check(Schema.makeFilter(checkMetadata))

/** A schema for metadata: what it encodes to must be {@link Metadata}. */
export type MetadataSchema<M> = Schema.Codec<M, Metadata>

/** Schema of an id. */
export const Id: Schema.Codec<string> = Schema.String.annotate({ message: "must be text" }).check(
  Schema.makeFilter(checkId)
)

const fields = <M>(metadata: MetadataSchema<M>) =>
  Schema.Struct({
    id: Id.annotateKey({ messageMissingKey: "is missing" }),
    values: Schema.optional(Stored),
    sparseValues: Schema.optional(SparseValues),
    metadata: Schema.optional(metadata)
  }).annotate({ message: "is not an object" })

/** A schema of records whose metadata is `M` in the program and {@link Metadata} on the wire. */
export const schema = <M>(metadata: MetadataSchema<M>): Schema.Codec<VectorRecord<M>, VectorRecord> =>
  fields(metadata).check(
    Schema.makeFilter((record) =>
      (record.values?.length ?? 0) > 0 || (record.sparseValues?.indices.length ?? 0) > 0
        ? undefined
        : { path: ["values"], issue: "is empty and there are no sparseValues; a record needs one or the other" }
    )
  )

/** A schema of changes of records: a vector may be left out, but not everything. */
export const changeSchema = <M>(metadata: MetadataSchema<M>): Schema.Codec<VectorRecord<M>, VectorRecord> =>
  fields(metadata).check(
    Schema.makeFilter(({ metadata, sparseValues, values }) => {
      if (values?.length === 0) return { path: ["values"], issue: "is empty; leave it out or fill it" }
      const changesMetadata = Predicate.isObject(metadata) && Object.keys(metadata).length > 0
      return values !== undefined || sparseValues !== undefined || changesMetadata
        ? undefined
        : { path: ["values"], issue: "is missing, and so are sparseValues and metadata; there is nothing to change" }
    })
  )

/** Schema of {@link VectorRecord} with metadata of any fields. */
export const VectorRecord = schema(Metadata)

/** A {@link MetadataSchema} from any schema: what it encodes to is checked to be metadata Pinecone takes. */
export const metadataSchema = <M, I extends Metadata>(fields: Schema.Codec<M, I>): MetadataSchema<M> =>
  fields.pipe(Schema.encodeTo(Metadata))

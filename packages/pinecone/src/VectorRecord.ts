/**
 * A record of a Pinecone vector index: an id, a dense vector, a sparse vector or both, and flat metadata.
 *
 * Vectors may be `Float32Array`s or arrays of numbers; both are first class. The limits are those of
 * Pinecone's documentation (operation limits, identifier limits).
 */
import { clip } from "@effect-connectors/core/ConnectorError"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

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
  /** At least one number that is not zero (not below 1e-8 in size). */
  readonly values?: Values | undefined
  readonly sparseValues?: SparseValues | undefined
  readonly metadata?: M | undefined
}

/** Characters of an id. */
export const maxIdLength = 512
/** Characters of the name of a namespace. */
export const maxNamespaceLength = 512
/** Bytes of a record's metadata as JSON: 40 KB. */
export const maxMetadataBytes = 40_960
/** Numbers of a dense vector. */
export const maxDimension = 20_000
/** Non-zero positions of a sparse vector. */
export const maxSparseValues = 2_048

/** A dense vector whose numbers are all smaller than this counts as all zero, and Pinecone stores none such. */
export const zeroBelow = 1e-8

const maxFloat32 = 3.4028234663852886e38

const fine = -1
const allZero = -2

/** The place of the first number float32 can not hold, or {@link fine} or {@link allZero}. */
const inspect = (values: Values): number => {
  let zero = true
  for (let i = 0; i < values.length; i++) {
    const value: unknown = values[i]
    // The comparison is false for NaN too.
    if (!(typeof value === "number" && value <= maxFloat32 && value >= -maxFloat32)) return i
    zero &&= value < zeroBelow && value > -zeroBelow
  }
  return zero ? allZero : fine
}

/** What stands in the place of a number. An object is not asked for its text: it may have none. */
const shown = (value: unknown): string =>
  Array.isArray(value) ? "a list" : Predicate.isObjectOrArray(value) ? "an object" : clip(String(value), 64)

const valuesIssue = (values: Values, found: number): string | undefined => {
  if (values.length > maxDimension) return `has ${values.length} numbers; a vector has at most ${maxDimension}`
  return found < 0
    ? undefined
    : `holds ${shown(values[found])} at position ${found}; every number must be finite and fit float32`
}

const isVector = (u: unknown): u is Values => u instanceof Float32Array || Array.isArray(u)

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

const checkIndices = (indices: SparseValues["indices"]): string | undefined => {
  if (indices.length > maxSparseValues) {
    return `has ${indices.length} positions; a sparse vector has at most ${maxSparseValues}`
  }
  const seen = new Set<number>()
  for (const index of indices) {
    if (!(Number.isInteger(index) && index >= 0 && index <= 0xffffffff)) {
      return `holds ${shown(index)}; positions are whole numbers from 0 to 4294967295`
    }
    if (seen.has(index)) return `holds position ${index} twice`
    seen.add(index)
  }
  return undefined
}

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

const isMetadataValue = (u: unknown): u is MetadataValue =>
  typeof u === "string" ||
  typeof u === "boolean" ||
  (typeof u === "number" && Number.isFinite(u)) ||
  (Array.isArray(u) && u.every(Predicate.isString))

/** An upper bound of the metadata's size that costs no encoding: a character takes at most 6 bytes in JSON. */
const sizeBound = (metadata: Metadata): number => {
  let bound = 2
  for (const key in metadata) {
    bound += 6 * key.length + 32
    const value = metadata[key]
    if (typeof value === "string") bound += 6 * value.length
    else if (typeof value === "object") for (const item of value) bound += 6 * item.length + 3
  }
  return bound
}

const checkMetadata = (metadata: Metadata): string | Schema.FilterIssue | undefined => {
  for (const key in metadata) {
    if (key.startsWith("$")) return `has a field ${JSON.stringify(clip(key, 64))}; names must not start with $`
    const value: unknown = metadata[key]
    if (!isMetadataValue(value)) {
      return `has ${describe(value)} in field ${JSON.stringify(
        clip(key, 64)
      )}; a value is a string, a finite number, a boolean or a list of strings (leave a field out instead of null)`
    }
  }
  if (sizeBound(metadata) <= maxMetadataBytes) return undefined
  const bytes = new TextEncoder().encode(JSON.stringify(metadata)).length
  return bytes > maxMetadataBytes ? `takes ${bytes} bytes as JSON; it may take ${maxMetadataBytes}` : undefined
}

const describe = (value: unknown): string => {
  if (value === null) return "null"
  if (typeof value === "number") return String(value)
  if (Array.isArray(value)) return "a list of other things than strings"
  return typeof value === "object" ? "a nested object" : `a value of type ${typeof value}`
}

/** Schema of {@link Metadata}. */
export const Metadata: Schema.Codec<Metadata> = Schema.declare((u: unknown): u is Metadata => Predicate.isObject(u), {
  message: "must be a flat object"
}).check(Schema.makeFilter(checkMetadata))

/** A schema for metadata: what it encodes to must be {@link Metadata}. */
export type MetadataSchema<M> = Schema.Codec<M, Metadata>

/** The first character that is not ASCII, or is NUL. Documented for ids and namespaces, not tried on the service. */
const asciiIssue = (text: string): string | undefined => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 1 || code > 127) {
      return `holds ${JSON.stringify(text.charAt(i))} at position ${i}; Pinecone takes ASCII without NUL`
    }
  }
  return undefined
}

/** What is wrong with an id, if anything is. */
export const checkId = (id: unknown): string | undefined => {
  if (!Predicate.isString(id)) return "must be text"
  return id.length >= 1 && id.length <= maxIdLength
    ? asciiIssue(id)
    : `has ${id.length} characters; it must have 1 to ${maxIdLength}`
}

/** What is wrong with the name of a namespace, if anything is. */
export const checkNamespace = (name: unknown): string | undefined => {
  if (!Predicate.isString(name)) return "must be text"
  return name.length <= maxNamespaceLength
    ? asciiIssue(name)
    : `has ${name.length} characters; it may have ${maxNamespaceLength}`
}

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

/**
 * A record of a Pinecone vector index: an id, a dense vector, a sparse vector or both, and flat metadata.
 *
 * Vectors may be `Float32Array`s or arrays of numbers; both are first class. The limits are those of
 * Pinecone's documentation (operation limits, identifier limits).
 */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

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

const maxFloat32 = 3.4028234663852886e38

/** The place of the first number float32 can not hold, or -1. The comparison is false for NaN too. */
const firstUnfit = (values: Values): number => {
  for (let i = 0; i < values.length; i++) {
    const value: unknown = values[i]
    if (!(typeof value === "number" && value <= maxFloat32 && value >= -maxFloat32)) return i
  }
  return -1
}

const checkValues = (values: Values): string | undefined => {
  if (values.length > maxDimension) return `has ${values.length} numbers; a vector has at most ${maxDimension}`
  const at = firstUnfit(values)
  return at < 0
    ? undefined
    : `holds ${String(values[at])} at position ${at}; every number must be finite and fit float32`
}

const isVector = (u: unknown): u is Values => u instanceof Float32Array || Array.isArray(u)

/** Schema of {@link Values}: one loop over the numbers, nothing allocated. */
export const Values: Schema.Codec<Values> = Schema.declare(isVector, {
  message: "must be an array of numbers or a Float32Array"
}).check(Schema.makeFilter(checkValues))

const checkIndices = (indices: SparseValues["indices"]): string | undefined => {
  if (indices.length > maxSparseValues) {
    return `has ${indices.length} positions; a sparse vector has at most ${maxSparseValues}`
  }
  const seen = new Set<number>()
  for (const index of indices) {
    if (!(Number.isInteger(index) && index >= 0 && index <= 0xffffffff)) {
      return `holds ${String(index)}; positions are whole numbers from 0 to 4294967295`
    }
    if (seen.has(index)) return `holds position ${index} twice`
    seen.add(index)
  }
  return undefined
}

/** Schema of {@link SparseValues}. */
export const SparseValues: Schema.Codec<SparseValues> = Schema.Struct({
  indices: Schema.declare((u: unknown): u is SparseValues["indices"] => u instanceof Uint32Array || Array.isArray(u), {
    message: "must be an array of numbers or a Uint32Array"
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
    if (key.startsWith("$")) return `has a field ${JSON.stringify(key)}; names must not start with $`
    const value: unknown = metadata[key]
    if (!isMetadataValue(value)) {
      return `has ${describe(value)} in field ${JSON.stringify(
        key
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
export const Metadata: Schema.Codec<Metadata> = Schema.declare(
  (u: unknown): u is Metadata => Predicate.isObject(u) && !Array.isArray(u),
  { message: "must be a flat object" }
).check(Schema.makeFilter(checkMetadata))

/** A schema for metadata: what it encodes to must be {@link Metadata}. */
export type MetadataSchema<M> = Schema.Codec<M, Metadata>

const Id = Schema.String.annotate({ message: "must be text" }).check(
  Schema.makeFilter((id) =>
    id.length >= 1 && id.length <= maxIdLength
      ? undefined
      : `has ${id.length} characters; it must have 1 to ${maxIdLength}`
  )
)

const fields = <M>(metadata: MetadataSchema<M>) =>
  Schema.Struct({
    id: Id.annotateKey({ messageMissingKey: "is missing" }),
    values: Schema.optional(Values),
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

/** Schema of {@link VectorRecord} with metadata of any fields. */
export const VectorRecord = schema(Metadata)

/** Checks and encodes a chunk of what should be records; a bad one is named by its id, its field and what is wrong. */
export type Check = (records: ReadonlyArray<unknown>) => ReadonlyArray<Result.Result<VectorRecord, InvalidRecord>>

/**
 * Makes a {@link Check}: a chunk is encoded as a whole, and only when that fails record by record.
 */
export const check = <M>(metadata: MetadataSchema<M>): Check => checkWith(schema(metadata))

const checkWith = <A>(typed: Schema.Codec<A, VectorRecord>): Check => {
  const one = Schema.encodeUnknownResult(typed)
  const all = Schema.encodeUnknownResult(Schema.Array(typed))
  return (records) => {
    const encoded = all(records)
    return Result.isSuccess(encoded)
      ? encoded.success.map(Result.succeed)
      : records.map((record) => Result.mapError(one(record), (error) => toInvalid(record, error.issue)))
  }
}

/** Checks records with metadata of any fields. */
export const checkAny: Check = check(Metadata)

/** Checks changes of records: a vector may be left out. */
export const checkChange: Check = checkWith(
  fields(Metadata).check(
    Schema.makeFilter(({ values }) =>
      values?.length === 0 ? { path: ["values"], issue: "is empty; leave it out or fill it" } : undefined
    )
  )
)

/** A {@link MetadataSchema} from any schema: what it encodes to is checked to be metadata Pinecone takes. */
export const metadataSchema = <M, I extends Metadata>(fields: Schema.Codec<M, I>): MetadataSchema<M> =>
  fields.pipe(Schema.encodeTo(Metadata))

/** Decodes the metadata of stored records; what the schema does not allow is named by the record's id. */
export const reader = <M>(metadata: MetadataSchema<M>) => {
  const decode = Schema.decodeUnknownResult(metadata)
  return <A extends { readonly id: string; readonly metadata?: Metadata | undefined }>({
    metadata,
    ...rest
  }: A): Result.Result<Omit<A, "metadata"> & { readonly metadata?: M | undefined }, InvalidRecord> =>
    metadata === undefined
      ? Result.succeed(rest)
      : Result.mapBoth(decode(metadata), {
          onFailure: (error) => {
            const { field, issue } = toInvalid(rest, error.issue)
            return new InvalidRecord({
              id: rest.id,
              field: field === "record" ? "metadata" : `metadata.${field}`,
              issue
            })
          },
          onSuccess: (metadata) => ({ ...rest, metadata })
        })
}

/** What a query asks with. */
export interface QueryParts {
  readonly vector?: Values | undefined
  readonly sparseVector?: SparseValues | undefined
  readonly id?: string | undefined
}

const query = Schema.encodeUnknownResult(
  Schema.Struct({
    vector: Schema.optional(Values),
    sparseVector: Schema.optional(SparseValues),
    id: Schema.optional(Id)
  })
)

/** Why no query can be made of these parts, if none can. */
export const checkQuery = (parts: QueryParts, dimension: number | undefined): InvalidRecord | undefined => {
  if (parts.id !== undefined && (parts.vector !== undefined || parts.sparseVector !== undefined)) {
    return new InvalidRecord({ field: "query", issue: "has an id and a vector; give one or the other" })
  }
  const length = parts.vector?.length
  if (length === 0 || parts.sparseVector?.indices.length === 0) {
    return new InvalidRecord({
      field: length === 0 ? "vector" : "sparseVector",
      issue: "is empty; leave it out or fill it"
    })
  }
  if (parts.id === undefined && length === undefined && parts.sparseVector === undefined) {
    return new InvalidRecord({
      field: "query",
      issue: "has nothing to ask with; give a vector, a sparseVector or an id"
    })
  }
  if (length !== undefined && dimension !== undefined && length !== dimension) {
    return new InvalidRecord({
      field: "vector",
      issue: `has ${length} numbers and the index has dimension ${dimension}`
    })
  }
  const encoded = query(parts)
  return Result.isSuccess(encoded) ? undefined : toInvalid(undefined, encoded.failure.issue)
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

const toInvalid = (record: unknown, issue: SchemaIssue.Issue): InvalidRecord => {
  const [first] = issuesOf(issue).issues
  const path = (first?.path ?? []).map((segment) => String(Predicate.isObject(segment) ? segment.key : segment))
  return new InvalidRecord({
    ...(Predicate.isObject(record) && "id" in record && Predicate.isString(record.id) ? { id: record.id } : {}),
    field: path.length === 0 ? "record" : path.join("."),
    issue: first?.message ?? "is not a record"
  })
}

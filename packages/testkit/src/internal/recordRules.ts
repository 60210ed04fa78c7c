/**
 * The rules a record, an update and a name must follow, and the copies of what follows them.
 *
 * Decided here, not known of the service: values that are not finite as float32, empty or repeated sparse positions
 * and dense values on a sparse index are refused; fields that are null are dropped, as its REST interface does.
 */
import {
  maxDimension,
  type Metadata,
  type MetadataValue,
  type SparseValues,
  type Values
} from "@effect-connectors/pinecone/VectorRecord"
import { Buffer } from "node:buffer"
import * as Result from "effect/Result"
import type { Limits } from "./limits.ts"
import type { NamespaceSchema } from "./namespaceRecords.ts"
import { dimensionMismatch, noSparseSupport, outOfRange, print, type Refusal, refused } from "./refusals.ts"
import * as Sparse from "./sparseVector.ts"

/** What an index takes. */
export interface Shape {
  /** 0 for a sparse index, `undefined` before the first vector decides. */
  readonly dimension: number | undefined
  readonly takesSparse: boolean
}

type Checked<A> = Result.Result<A, Refusal>

export const checkId = (id: string, limits: Limits, what = "Vector ID"): Refusal | undefined => {
  if (id.length < 1 || id.length > limits.maxIdLength) {
    return outOfRange(`${what} length`, 1, limits.maxIdLength, id.length)
  }
  return isAscii(id) ? undefined : refused(`${what} must be ASCII without NUL, but got '${id}'`)
}

export const checkNamespace = (name: string, limits: Limits): Refusal | undefined => {
  if (name.length > limits.maxNamespaceLength) {
    return outOfRange("Namespace length", 0, limits.maxNamespaceLength, name.length)
  }
  return isAscii(name) ? undefined : refused(`Namespace must be ASCII without NUL, but got '${name}'`)
}

/** The schema of a new namespace. */
export const checkSchema = (schema: NamespaceSchema, limits: Limits): Refusal | undefined => {
  const fields = Object.entries(schema.fields)
  if (fields.length > limits.maxSchemaFields) {
    return outOfRange("Number of fields in a schema", 0, limits.maxSchemaFields, fields.length)
  }
  const unfilterable = fields.find(([, field]) => !field.filterable)
  return unfilterable && refused(`Schema field '${unfilterable[0]}' must be filterable`)
}

/** A dense vector to store under `id`. */
export const checkValues = (id: string, values: Values, shape: Shape): Refusal | undefined => {
  const wrong = checkQueryValues(values, shape)
  if (wrong !== undefined || values.length === 0) return wrong
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]!) >= 1e-8) return undefined
  return refused(`Dense vectors must contain at least one non-zero value. Vector ID ${id} contains only zeros`)
}

/** A dense vector to search with, which may be all zero. */
export const checkQueryValues = (values: Values, shape: Shape): Refusal | undefined => {
  if (shape.dimension !== undefined && values.length !== shape.dimension) {
    return dimensionMismatch(values.length, shape.dimension)
  }
  if (shape.dimension === undefined && (values.length < 1 || values.length > maxDimension)) {
    return outOfRange("Vector dimension", 1, maxDimension, values.length)
  }
  return checkFinite(values)
}

/** A sparse vector, copied in the order of its positions. */
export const checkSparse = (sparse: SparseValues, shape: Shape, limits: Limits): Checked<Sparse.SparseVector> => {
  if (!shape.takesSparse) return Result.fail(noSparseSupport())
  const { indices, values } = sparse
  if (indices.length !== values.length) {
    return Result.fail(
      refused(`Sparse vector has ${indices.length} indices and ${values.length} values; they must be as many`)
    )
  }
  if (indices.length < 1 || indices.length > limits.maxSparseValues) {
    return Result.fail(outOfRange("Sparse vector size", 1, limits.maxSparseValues, indices.length))
  }
  for (const index of indices) {
    if (index >>> 0 !== index) {
      return Result.fail(refused(`Sparse vector index must be an unsigned 32 bit integer, got ${index}`))
    }
  }
  const wrong = checkFinite(values)
  if (wrong !== undefined) return Result.fail(wrong)
  const copy = Sparse.make(sparse)
  for (let i = 1; i < copy.indices.length; i++) {
    if (copy.indices[i] === copy.indices[i - 1]) {
      return Result.fail(refused(`Sparse vector index ${copy.indices[i]} is repeated`))
    }
  }
  return Result.succeed(copy)
}

/** What is wrong with a value of metadata of this field. */
export const wrongMetadataValue = (field: string, value: unknown): Refusal =>
  refused(
    `Metadata value must be a string, number, boolean or list of strings, got '${print(value)}' for field '${field}'`
  )

/** Metadata, copied without its null fields. */
export const checkMetadata = (metadata: Metadata, limits: Limits): Checked<Metadata> => {
  const copy = copyMetadata(metadata)
  for (const [field, value] of Object.entries(copy)) {
    if (field.startsWith("$")) return Result.fail(refused(`Metadata field '${field}' must not start with $`))
    if (!isMetadataValue(value)) return Result.fail(wrongMetadataValue(field, value))
  }
  const wrong = checkMetadataSize(copy, limits, "vector")
  return wrong === undefined ? Result.succeed(copy) : Result.fail(wrong)
}

export const checkMetadataSize = (
  metadata: Metadata,
  limits: Limits,
  of: "vector" | "document"
): Refusal | undefined => {
  const bytes = Buffer.byteLength(JSON.stringify(metadata))
  return bytes > limits.maxMetadataBytes
    ? refused(`Metadata size is ${bytes} bytes, which exceeds the limit of ${limits.maxMetadataBytes} bytes per ${of}`)
    : undefined
}

/** A copy that shares nothing with the original and has none of its null fields. */
export const copyMetadata = (metadata: Metadata): Metadata =>
  Object.fromEntries(
    Object.entries(metadata)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([field, value]) => [field, Array.isArray(value) ? value.slice() : value])
  )

/** The stored metadata with `changes` made to it; a field that is null in `changes` is not one. */
export const mergeMetadata = (stored: Metadata | undefined, changes: Metadata): Metadata =>
  Object.fromEntries([...Object.entries(stored ?? {}), ...Object.entries(copyMetadata(changes))])

const checkFinite = (values: Values): Refusal | undefined => {
  for (let i = 0; i < values.length; i++) {
    const value = Math.fround(values[i]!)
    // only NaN and the infinities are not equal to themselves after this
    if (value - value !== 0) return refused(`Vector values must be finite float32 numbers, got ${values[i]} at ${i}`)
  }
  return undefined
}

export const isMetadataValue = (value: unknown): value is MetadataValue =>
  typeof value === "string" ||
  typeof value === "boolean" ||
  Number.isFinite(value) ||
  (Array.isArray(value) && value.every((item) => typeof item === "string"))

/** 1 to 127 for every character. Checked by code: a regular expression with control characters reads worse. */
const isAscii = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 1 || code > 127) return false
  }
  return true
}

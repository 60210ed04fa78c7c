/**
 * The rules of records as plain functions, which the schemas say in their words. The limits are those of Pinecone's
 * documentation (operation limits, identifier limits).
 */
import { clip } from "@effect-connectors/core/ConnectorError"
import * as Predicate from "effect/Predicate"
import type { Metadata, MetadataValue, SparseValues, Values, VectorRecord } from "../VectorRecord.ts"

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

/** What {@link inspect} finds when nothing is wrong. */
export const fine = -1
/** What {@link inspect} finds when no number is {@link zeroBelow} or more in size. */
export const allZero = -2

const fitsFloat32 = (value: unknown): value is number =>
  // False for NaN too.
  typeof value === "number" && value <= maxFloat32 && value >= -maxFloat32

/** The place of the first number float32 can not hold, or {@link fine} or {@link allZero}. */
export const inspect = (values: Values): number => {
  const { length } = values
  let i = 0
  // Only until a number is not zero: most often that is the first.
  for (; i < length; i++) {
    const value: unknown = values[i]
    if (!fitsFloat32(value)) return i
    if (value >= zeroBelow || value <= -zeroBelow) break
  }
  if (i === length) return allZero
  for (; i < length; i++) if (!fitsFloat32(values[i])) return i
  return fine
}

/** What stands in the place of a number. An object is not asked for its text: it may have none. */
const shown = (value: unknown): string =>
  Array.isArray(value) ? "a list" : Predicate.isObjectOrArray(value) ? "an object" : clip(String(value), 64)

/** What {@link inspect} found, said; zeros may be. */
export const valuesIssue = (values: Values, found: number): string | undefined => {
  if (values.length > maxDimension) return `has ${values.length} numbers; a vector has at most ${maxDimension}`
  return found < 0
    ? undefined
    : `holds ${shown(values[found])} at position ${found}; every number must be finite and fit float32`
}

export const isVector = (u: unknown): u is Values => u instanceof Float32Array || Array.isArray(u)

/** What is wrong with the positions of a sparse vector, if anything is. */
export const checkIndices = (indices: SparseValues["indices"]): string | undefined => {
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

export const isMetadataValue = (u: unknown): u is MetadataValue =>
  typeof u === "string" ||
  typeof u === "boolean" ||
  (typeof u === "number" && Number.isFinite(u)) ||
  (Array.isArray(u) && u.every(Predicate.isString))

/** An upper bound of a field's size that costs no encoding: a character takes at most 6 bytes in JSON. */
const sizeBound = (key: string, value: MetadataValue): number => {
  let bound = 6 * key.length + 32
  if (typeof value === "string") bound += 6 * value.length
  else if (typeof value === "object") for (const item of value) bound += 6 * item.length + 3
  return bound
}

/** What is wrong with flat metadata, if anything is. */
export const checkMetadata = (metadata: { readonly [field: string]: unknown }): string | undefined => {
  let bound = 2
  for (const key in metadata) {
    if (key.startsWith("$")) return `has a field ${JSON.stringify(clip(key, 64))}; names must not start with $`
    const value = metadata[key]
    if (!isMetadataValue(value)) {
      return `has ${describe(value)} in field ${JSON.stringify(
        clip(key, 64)
      )}; a value is a string, a finite number, a boolean or a list of strings (leave a field out instead of null)`
    }
    bound += sizeBound(key, value)
  }
  if (bound <= maxMetadataBytes) return undefined
  const bytes = new TextEncoder().encode(JSON.stringify(metadata)).length
  return bytes > maxMetadataBytes ? `takes ${bytes} bytes as JSON; it may take ${maxMetadataBytes}` : undefined
}

const describe = (value: unknown): string => {
  if (value === null) return "null"
  if (typeof value === "number") return String(value)
  if (Array.isArray(value)) return "a list of other things than strings"
  return typeof value === "object" ? "a nested object" : `a value of type ${typeof value}`
}

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

export const isGoodSparse = (u: unknown): u is SparseValues => {
  if (!Predicate.isObject(u)) return false
  const { indices, values } = u
  return (
    (indices instanceof Uint32Array || Array.isArray(indices)) &&
    isVector(values) &&
    indices.length === values.length &&
    checkIndices(indices) === undefined &&
    valuesIssue(values, inspect(values)) === undefined
  )
}

/** Fields of what should be a record. */
export interface Unchecked {
  readonly id: unknown
  readonly values?: unknown
  readonly sparseValues?: unknown
}

/**
 * Do an id and vectors keep the rules? That is a tenth of a schema's work, which is left for saying what is wrong with those
 * that do not.
 */
export const keepRules = (fields: Unchecked): fields is Pick<VectorRecord, "id" | "values" | "sparseValues"> => {
  const { id, sparseValues, values } = fields
  if (checkId(id) !== undefined) return false
  if (values === undefined || (isVector(values) && values.length === 0)) {
    return isGoodSparse(sparseValues) && sparseValues.indices.length > 0
  }
  return (
    isVector(values) &&
    values.length <= maxDimension &&
    inspect(values) === fine &&
    (sparseValues === undefined || isGoodSparse(sparseValues))
  )
}

/** Does metadata of any fields keep the rules? */
export const isMetadata = (u: unknown): u is Metadata => Predicate.isObject(u) && checkMetadata(u) === undefined

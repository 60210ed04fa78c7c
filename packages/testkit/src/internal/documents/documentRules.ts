/**
 * The rules a document and a change of one must follow. What follows them is a record as the vector store has it: the
 * dense field is its values, the sparse field its sparse values, and all the rest, text too, is its metadata.
 *
 * Documented: a document has an `_id` and at least one field of the schema, a value has the type its field declares,
 * other fields are metadata. Decided here, not known of the service: fields that are null are left out; names of
 * metadata start neither with `$` nor with `_`; text does not count as metadata for the limit of its size.
 */
import type { Metadata, MetadataValue, SparseValues, Values } from "@effect-connectors/pinecone/VectorRecord"
import { Buffer } from "node:buffer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { type Answer, no, orRefuse } from "../answer.ts"
import type { Limits } from "../limits.ts"
import type { CheckedRecord } from "../namespaceRecords.ts"
import {
  checkId,
  checkMetadataSize,
  checkSparse,
  checkValues,
  isMetadataValue,
  wrongMetadataValue
} from "../recordRules.ts"
import { print } from "../refusals.ts"
import type { SparseVector } from "../sparseVector.ts"
import { recordSize } from "../wireSize.ts"
import type { Analyze } from "./analyzer.ts"
import type { Roles } from "./schema.ts"

/** A document as it came. */
export interface GivenDocument {
  readonly [field: string]: unknown
}

export interface Rules {
  readonly roles: Roles
  readonly analyzers: ReadonlyMap<string, Analyze>
  readonly limits: Limits
}

/** What is to become of a document. */
export interface Patch {
  readonly id: string
  readonly values: Values | undefined
  readonly sparseValues: SparseVector | undefined
  readonly metadata: Metadata
  readonly removed: ReadonlyArray<string>
}

/** A document to store. */
export const checkDocument = (given: unknown, rules: Rules): Answer<CheckedRecord> =>
  Result.gen(function* () {
    const document = yield* asObject(given)
    const id = yield* checkDocumentId(document["_id"], rules.limits)
    return yield* settle({ id, removed: [], ...(yield* checkFields(id, document, rules, ["_id"])) }, undefined, rules)
  })

/** A change of one document. */
export const checkPatch = (given: unknown, rules: Rules): Answer<Patch> =>
  Result.gen(function* () {
    const document = yield* asObject(given)
    const id = yield* checkDocumentId(document["_id"], rules.limits)
    const removed = yield* checkRemoved(id, document["_remove_fields"], document)
    return { id, removed, ...(yield* checkFields(id, document, rules, ["_id", "_remove_fields"])) }
  })

/** A change of many documents, without their ids. */
export const checkPatchOfMany = (
  set: GivenDocument,
  remove: ReadonlyArray<string>,
  rules: Rules
): Answer<Omit<Patch, "id">> =>
  Result.gen(function* () {
    const removed = yield* checkRemoved("set_fields", remove, set)
    return { removed, ...(yield* checkFields("set_fields", set, rules, [])) }
  })

/** The document with the change made to it, if it may be one. */
export const settle = (patch: Patch, stored: CheckedRecord | undefined, rules: Rules): Answer<CheckedRecord> => {
  const { roles } = rules
  const { id, removed } = patch
  const without = new Set(removed)
  const kept = Object.entries(stored?.metadata ?? {}).filter(([field]) => !without.has(field))
  const metadata = Object.fromEntries([...kept, ...Object.entries(patch.metadata)])
  const keepsDense = stored !== undefined && !(roles.dense && without.has(roles.dense.name))
  const keepsSparse = stored !== undefined && !(roles.sparse !== undefined && without.has(roles.sparse))
  const record = {
    id,
    values: patch.values ?? (keepsDense ? stored.values : []),
    sparseValues: patch.sparseValues ?? (keepsSparse ? stored.sparseValues : undefined),
    metadata
  }
  const hasText = Object.keys(metadata).some((field) => roles.texts.has(field))
  if (record.values.length === 0 && record.sparseValues === undefined && !hasText) {
    return no(`Document '${id}' must have at least one field of the index schema`)
  }
  const others = Object.fromEntries(Object.entries(metadata).filter(([field]) => !roles.texts.has(field)))
  return orRefuse({ ...record, bytes: recordSize(record) }, checkMetadataSize(others, rules.limits, "document"))
}

const asObject = (given: unknown): Answer<GivenDocument> =>
  isObject(given) ? Result.succeed(given) : no(`A document must be an object, got ${print(given)}`)

const isObject = (given: unknown): given is GivenDocument => Predicate.isReadonlyObject(given)

const checkDocumentId = (id: unknown, limits: Limits): Answer<string> => {
  if (id === undefined || id === null) return no("Document is missing required field '_id'")
  return typeof id === "string"
    ? orRefuse(id, checkId(id, limits, "Document _id"))
    : no(`Document field '_id' must be a string, got ${print(id)}`)
}

const checkRemoved = (of: string, removed: unknown, set: GivenDocument): Answer<ReadonlyArray<string>> => {
  if (removed === undefined || removed === null) return Result.succeed([])
  if (!isStrings(removed)) return no(`The fields to remove from '${of}' must be a list of names, got ${print(removed)}`)
  if (removed.includes("_id")) return no("The field '_id' cannot be removed")
  const both = removed.find((field) => Object.hasOwn(set, field))
  return both === undefined ? Result.succeed(removed) : no(`Field '${both}' cannot be both set and removed`)
}

const isStrings = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((item) => typeof item === "string")

const checkFields = (
  id: string,
  document: GivenDocument,
  rules: Rules,
  except: ReadonlyArray<string>
): Answer<Pick<Patch, "values" | "sparseValues" | "metadata">> =>
  Result.gen(function* () {
    const { roles } = rules
    let values: Values | undefined
    let sparseValues: SparseVector | undefined
    const metadata: Array<readonly [string, MetadataValue]> = []
    for (const [field, value] of Object.entries(document)) {
      if (value === undefined || value === null || except.includes(field)) continue
      if (field === roles.dense?.name) values = yield* checkDense(id, field, value, roles.dense.dimension)
      else if (field === roles.sparse) sparseValues = yield* checkSparseField(id, field, value, rules.limits)
      else if (roles.texts.has(field)) metadata.push([field, yield* checkText(id, field, value, rules)])
      else metadata.push([field, yield* checkOther(field, value)])
    }
    return { values, sparseValues, metadata: Object.fromEntries(metadata) }
  })

const checkDense = (id: string, field: string, value: unknown, dimension: number): Answer<Float32Array> =>
  isNumbers(value)
    ? Result.map(orRefuse(value, checkValues(id, value, { dimension, takesSparse: false })), (values) =>
        Float32Array.from(values)
      )
    : no(wrongType(id, field, "a list of numbers", value))

const checkSparseField = (id: string, field: string, value: unknown, limits: Limits): Answer<SparseVector> =>
  isSparse(value)
    ? checkSparse(value, { dimension: 0, takesSparse: true }, limits)
    : no(wrongType(id, field, "an object with indices and values", value))

const checkText = (id: string, field: string, value: unknown, { analyzers, limits }: Rules): Answer<string> => {
  if (typeof value !== "string") return no(wrongType(id, field, "a string", value))
  const bytes = Buffer.byteLength(value)
  const tooMuch = (what: string, limit: string) =>
    no(`Field '${field}' of document '${id}' ${what}, which exceeds the limit of ${limit} of a full-text search field`)
  if (bytes > limits.maxTextBytes) return tooMuch(`has ${bytes} bytes`, `${limits.maxTextBytes} bytes`)
  const tokens = analyzers.get(field)?.(value) ?? []
  if (tokens.length > limits.maxTextTokens) {
    return tooMuch(`has ${tokens.length} tokens`, `${limits.maxTextTokens} tokens`)
  }
  const long = tokens.find((token) => Buffer.byteLength(token) > limits.maxTokenBytes)
  return long === undefined
    ? Result.succeed(value)
    : tooMuch(`has a token of ${Buffer.byteLength(long)} bytes`, `${limits.maxTokenBytes} bytes in each token`)
}

const checkOther = (field: string, value: unknown): Answer<MetadataValue> => {
  if (field.startsWith("$")) return no(`Field '${field}' must not start with $`)
  if (field.startsWith("_")) return no(`Field '${field}' must not start with _, which is reserved`)
  return isMetadataValue(value) ? Result.succeed(copied(value)) : Result.fail(wrongMetadataValue(field, value))
}

const copied = (value: MetadataValue): MetadataValue => (Array.isArray(value) ? value.slice() : value)

const wrongType = (id: string, field: string, expected: string, got: unknown): string =>
  `Field '${field}' of document '${id}' must be ${expected}, got ${print(got)}`

const isNumbers = (value: unknown): value is ReadonlyArray<number> | Float32Array => {
  if (value instanceof Float32Array) return true
  if (!Array.isArray(value)) return false
  for (let i = 0; i < value.length; i++) if (typeof value[i] !== "number") return false
  return true
}

export const isSparse = (value: unknown): value is SparseValues =>
  Predicate.hasProperty(value, "indices") &&
  Predicate.hasProperty(value, "values") &&
  (value.indices instanceof Uint32Array || isNumbers(value.indices)) &&
  isNumbers(value.values)

/**
 * The rules of documents as plain functions. The limits are those of Pinecone's documentation (operation limits) and of
 * what the SDK says of the schema of an index.
 */
import { clip, InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Document, DocumentChange, DocumentValue, Score, TextLimits } from "../DocumentsApi.ts"
import { checkId, inspect, isGoodSparse, isMetadataValue, isVector, valuesIssue } from "./recordRules.ts"

/** Bytes of a field's name. */
export const maxNameBytes = 64

/** What is wrong with the name of a field, if anything is. */
export const nameIssue = (name: string): string | undefined => {
  if (name === "") return "is empty; give the field a name"
  if (name.startsWith("$")) return "starts with $, which is for operators of filters"
  if (name.startsWith("_")) return "starts with _, which Pinecone keeps for its own"
  const bytes = Buffer.byteLength(name)
  return bytes > maxNameBytes ? `has ${bytes} bytes; a name may have ${maxNameBytes}` : undefined
}

/** The documented limits of text with full text search. What 100 KB are is not said: the larger reading is taken. */
export const documentedText: TextLimits = { maxBytes: 102_400, maxTokens: 10_000, maxTokenBytes: 256 }

// What a token is, Pinecone does not say. Runs of letters and digits are its safe part: in scripts that put no spaces
// between words a run is no word, so those are left to the service.
const words = /(?:(?!\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Thai})[\p{L}\p{N}])+/gu

const isAlphanumeric = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57)

/** How many tokens, and the longest of them in bytes. */
const tokensOf = (text: string): { readonly count: number; readonly longest: number } => {
  let count = 0
  let longest = 0
  let run = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 32
    if (code > 127) {
      const found = text.match(words) ?? []
      return { count: found.length, longest: found.reduce((max, word) => Math.max(max, Buffer.byteLength(word)), 0) }
    }
    if (isAlphanumeric(code)) {
      run++
    } else if (run > 0) {
      count++
      if (run > longest) longest = run
      run = 0
    }
  }
  return { count, longest }
}

const separates = (code: number): boolean => code <= 127 && !isAlphanumeric(code)

/**
 * Can text have a word of so many bytes? A character takes 3 at most, so such a word has a character at every place that is
 * looked at here: most of a text needs no look.
 */
const mayHaveWord = (text: string, bytes: number): boolean => {
  const length = Math.max(1, Math.floor(bytes / 3))
  for (let at = length - 1; at < text.length; at += length) {
    let from = at + 1
    while (from > 0 && !separates(text.charCodeAt(from - 1))) from--
    if (from === at + 1) continue
    let to = at + 1
    while (to < text.length && !separates(text.charCodeAt(to))) to++
    if (to - from >= length) return true
  }
  return false
}

/** What is wrong with text that is searched by its words, if anything is. */
export const textIssue = (text: string, limits: TextLimits, isCutIntoWords: boolean): string | undefined => {
  const bytes = 3 * text.length <= limits.maxBytes ? 0 : Buffer.byteLength(text)
  if (bytes > limits.maxBytes) return `has ${bytes} bytes; text with full text search may have ${limits.maxBytes}`
  if (!isCutIntoWords) return undefined
  const hasFew = text.length < 2 * limits.maxTokens
  if (hasFew && !mayHaveWord(text, limits.maxTokenBytes)) return undefined
  const { count, longest } = tokensOf(text)
  if (count > limits.maxTokens) return `has ${count} words; text with full text search may have ${limits.maxTokens}`
  return longest > limits.maxTokenBytes
    ? `has a word of ${longest} bytes; a word may have ${limits.maxTokenBytes}`
    : undefined
}

const idOf = (document: unknown) =>
  Predicate.isObject(document) && Predicate.isString(document["_id"]) ? { id: document["_id"] } : {}

/** What is wrong with a field of a document. */
export const invalidField = (document: unknown, field: string, issue: string): InvalidRecord =>
  new InvalidRecord({ ...idOf(document), field: clip(field, 64), issue })

/** What is wrong with a value that any field may have, if anything is. */
const valueIssue = (value: unknown): string | undefined => {
  if (isMetadataValue(value)) return undefined
  if (isVector(value) && value.length > 0 && (value instanceof Float32Array || typeof value[0] === "number")) {
    return valuesIssue(value, inspect(value))
  }
  return isGoodSparse(value)
    ? undefined
    : "holds none of what a field can: text, a finite number, a boolean, a list of strings, a vector or a sparse vector"
}

const firstBad = (
  fields: { readonly [field: string]: unknown },
  reserved: ReadonlyArray<string>
): readonly [field: string, issue: string] | undefined => {
  for (const field in fields) {
    if (reserved.includes(field)) continue
    const issue = nameIssue(field) ?? valueIssue(fields[field])
    if (issue !== undefined) return [field, issue]
  }
  return undefined
}

type Checked<A> = Result.Result<A, InvalidRecord>

/** The id of what should be a document, or of a change of one. */
const checkIdOf = (document: unknown): Checked<{ readonly [field: string]: unknown }> => {
  if (!Predicate.isObject(document)) return Result.fail(invalidField(document, "document", "is not an object"))
  const fields: { readonly [field: string]: unknown } = { ...document }
  if (!("_id" in fields)) return Result.fail(invalidField(fields, "_id", "is missing"))
  const issue = checkId(fields["_id"])
  return issue === undefined ? Result.succeed(fields) : Result.fail(invalidField(fields, "_id", issue))
}

const keepsRules = (
  fields: { readonly [field: string]: unknown },
  reserved: ReadonlyArray<string>
): fields is Document & DocumentChange => firstBad(fields, reserved) === undefined

/** Checks a document of which no more is known. */
export const checkDocument = (document: unknown): Checked<Document> =>
  Result.flatMap(checkIdOf(document), (fields) => {
    if (keepsRules(fields, ["_id"])) {
      return Object.keys(fields).length > 1
        ? Result.succeed(fields)
        : Result.fail(invalidField(fields, "document", "has no fields beside its _id"))
    }
    return Result.fail(invalidField(fields, ...(firstBad(fields, ["_id"]) ?? ["document", "is none"])))
  })

/** Checks a change of a document of which no more is known. */
export const checkDocumentChange = (change: unknown): Checked<DocumentChange> =>
  Result.flatMap(checkIdOf(change), (fields) => {
    const removed = fields["_remove_fields"] ?? []
    if (!Array.isArray(removed) || !removed.every(Predicate.isString)) {
      return Result.fail(invalidField(fields, "_remove_fields", "must be a list of names"))
    }
    const both = removed.find((name) => name in fields)
    if (both !== undefined) return Result.fail(invalidField(fields, both, "is set and removed; do one of the two"))
    if (keepsRules(fields, ["_id", "_remove_fields"])) {
      const changes = Object.keys(fields).length - 1 - ("_remove_fields" in fields ? 1 : 0) + removed.length
      return changes > 0
        ? Result.succeed(fields)
        : Result.fail(invalidField(fields, "document", "changes nothing; set a field or remove one"))
    }
    return Result.fail(
      invalidField(fields, ...(firstBad(fields, ["_id", "_remove_fields"]) ?? ["document", "is none"]))
    )
  })

/** Bytes of a query of text: 10 KB. */
const maxQueryBytes = 10_240

const scoreIssue = (score: Score): string | undefined => {
  if (score.type !== "query_string" && score.fields.length === 0) return "names no field to compare with"
  switch (score.type) {
    case "dense_vector":
    case "sparse_vector": {
      if (score.fields.length !== 1) return `names ${score.fields.length} fields for a vector; it is compared with one`
      const values = score.type === "dense_vector" ? score.values : score.sparseValues.values
      if (!isVector(values) || values.length === 0) return "has an empty vector; fill it"
      if (score.type === "sparse_vector" && !isGoodSparse(score.sparseValues)) {
        return "has a sparse vector with a position that is none, or comes twice, or not as many values as positions"
      }
      return valuesIssue(values, inspect(values))
    }
    case "text":
    case "query_string": {
      if (!Predicate.isString(score.query) || score.query.trim() === "") return "has an empty query; ask for some text"
      const bytes = Buffer.byteLength(score.query)
      return bytes > maxQueryBytes ? `has a query of ${bytes} bytes; it may have ${maxQueryBytes}` : undefined
    }
  }
}

/** What is wrong with what a search asks by, if anything is. */
export const checkScores = (scores: ReadonlyArray<Score>): InvalidRecord | undefined => {
  const wrong = (issue: string) => new InvalidRecord({ field: "scoreBy", issue })
  if (scores.length === 0) return wrong("is empty; give something to rank by")
  const isVectors = scores.some(({ type }) => type === "dense_vector" || type === "sparse_vector")
  if (isVectors && scores.length > 1) {
    const kinds = scores.map(({ type }) => type).join(" and ")
    return wrong(`mixes ${kinds}; a vector ranks alone, only text and query strings go together`)
  }
  for (const score of scores) {
    const issue = scoreIssue(score)
    if (issue !== undefined) return wrong(issue)
  }
  return undefined
}

/** Is it a value that a field of a document can have? */
export const isDocumentValue = (value: unknown): value is DocumentValue => valueIssue(value) === undefined

/**
 * The rules of documents as plain functions. The limits are those of Pinecone's documentation (operation limits) and of
 * what the SDK says of the schema of an index.
 */
import { clip, InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Document, DocumentChange, DocumentValue } from "../DocumentsApi.ts"
import type { Values } from "../VectorRecord.ts"
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

const idOf = (document: unknown) =>
  Predicate.isObject(document) && Predicate.isString(document["_id"]) ? { id: document["_id"] } : {}

/** What is wrong with a field of a document. */
export const invalidField = (document: unknown, field: string, issue: string): InvalidRecord =>
  new InvalidRecord({ ...idOf(document), field: clip(field, 64), issue })

type Checked<A> = Result.Result<A, InvalidRecord>

/** Is it a value that a field of a document can have? */
export const isDocumentValue = (value: unknown): value is DocumentValue =>
  isMetadataValue(value) || (isVector(value) ? isGoodVector(value) : isGoodSparse(value))

const isGoodVector = (value: Values): boolean => value.length > 0 && valuesIssue(value, inspect(value)) === undefined

const valueIssue = (value: unknown): string =>
  (isVector(value) && typeof value[0] === "number" ? valuesIssue(value, inspect(value)) : undefined) ??
  "holds none of what a field can: text, a finite number, a boolean, a list of strings, a vector or a sparse vector"

/** The id and the fields of what should be a document, or a change of one, without the names in `reserved`. */
const partsOf = (
  document: unknown,
  reserved: ReadonlyArray<string>
): Checked<{ readonly _id: string; readonly fields: { readonly [name: string]: DocumentValue } }> => {
  const wrong = (field: string, issue: string) => Result.fail(invalidField(document, field, issue))
  if (!Predicate.isObject(document)) return wrong("document", "is not an object")
  const { _id, ...given }: { readonly [field: string]: unknown } = { ...document }
  if (!("_id" in document)) return wrong("_id", "is missing")
  const issue = checkId(_id)
  if (issue !== undefined || !Predicate.isString(_id)) return wrong("_id", issue ?? "must be text")
  const fields: { [name: string]: DocumentValue } = {}
  for (const name in given) {
    if (reserved.includes(name)) continue
    const issue = nameIssue(name)
    if (issue !== undefined) return wrong(name, issue)
    const value = given[name]
    if (!isDocumentValue(value)) return wrong(name, valueIssue(value))
    fields[name] = value
  }
  return Result.succeed({ _id, fields })
}

/** Checks a document of which no more is known. */
export const checkDocument = (document: unknown): Checked<Document> =>
  Result.flatMap(partsOf(document, []), ({ _id, fields }) =>
    Object.keys(fields).length === 0
      ? Result.fail(invalidField(document, "document", "has no fields beside its _id"))
      : Result.succeed({ ...fields, _id })
  )

const isNames = (u: unknown): u is ReadonlyArray<string> => Array.isArray(u) && u.every(Predicate.isString)

/** Checks a change of a document of which no more is known. */
export const checkDocumentChange = (change: unknown): Checked<DocumentChange> =>
  Result.flatMap(partsOf(change, ["_remove_fields"]), ({ _id, fields }) => {
    const wrong = (field: string, issue: string) => Result.fail(invalidField(change, field, issue))
    const removed = Predicate.hasProperty(change, "_remove_fields") ? (change._remove_fields ?? []) : []
    if (!isNames(removed)) return wrong("_remove_fields", "must be a list of names")
    const both = removed.find((name) => Object.hasOwn(fields, name))
    if (both !== undefined) return wrong(both, "is set and removed; do one of the two")
    if (Object.keys(fields).length + removed.length === 0) {
      return wrong("document", "changes nothing; set a field or remove one")
    }
    return Result.succeed({ ...fields, _id, ...(removed.length === 0 ? {} : { _remove_fields: removed }) })
  })

/** Documents of declared fields checked on their way in, decoded on their way out; filters checked against the fields. */
import { clip, InvalidRecord } from "@effect-connectors/core/ConnectorError"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import type { DocumentIndex, Field, Fields, FieldSchema, Match, Part } from "../DocumentIndex.ts"
import type { Document, DocumentChange, DocumentMatch, DocumentValue, TextLimits } from "../DocumentsApi.ts"
import { Id } from "../VectorRecord.ts"
import { checkDocument, checkDocumentChange, invalidField } from "./documentRules.ts"
import { isMetadataValue } from "./recordRules.ts"
import { textIssue } from "./textLimits.ts"

/** Checks and encodes what should be a document or a change, and says what is wrong with it. */
export type Check<D> = (document: unknown) => Result.Result<D, InvalidRecord>

const schemaOf = (field: Field): FieldSchema => ("kind" in field ? field.schema : field)

const toInvalid = (document: unknown, issue: SchemaIssue.Issue): InvalidRecord => {
  const { message, path } = firstIssue(issue)
  return invalidField(document, path.length === 0 ? "document" : path.join("."), message)
}

/** What a schema lets pass and the service does not. */
const valueIssue = (field: Field, value: DocumentValue, limits: TextLimits | undefined): string | undefined => {
  if (!("kind" in field)) {
    return isMetadataValue(value) ? undefined : "must be text, a finite number, a boolean or a list of strings"
  }
  return field.field.type === "string" && limits !== undefined && Predicate.isString(value)
    ? textIssue(value, limits, field.field.fullText.ngram === undefined)
    : undefined
}

const checkValues = (
  document: unknown,
  values: { readonly [field: string]: DocumentValue },
  fields: Fields,
  limits: TextLimits | undefined
): InvalidRecord | undefined => {
  for (const name in values) {
    const field = fields[name]
    const issue = field === undefined ? undefined : valueIssue(field, values[name]!, limits)
    if (issue !== undefined) return invalidField(document, name, issue)
  }
  return undefined
}

const idSchema = Id.annotateKey({ messageMissingKey: "is missing" })

const mapFields = (fields: Fields, f: (schema: FieldSchema) => FieldSchema): { readonly [name: string]: FieldSchema } =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, f(schemaOf(field))]))

const strictly = { onExcessProperty: "error" } as const

/** Checks documents that are written whole. */
export const documentCheck = (fields: Fields | undefined, limits: TextLimits | undefined): Check<Document> => {
  if (fields === undefined) return checkDocument
  const encode = Schema.encodeUnknownResult(
    Schema.Struct({ ...mapFields(fields, (schema) => schema), _id: idSchema }).annotate({
      message: "is not an object"
    }),
    strictly
  )
  const indexed = Object.keys(fields).filter((name) => "kind" in fields[name]!)
  return (document) => {
    const encoded = encode(document)
    if (Result.isFailure(encoded)) return Result.fail(toInvalid(document, encoded.failure.issue))
    const values: Document = encoded.success
    if (!indexed.some((name) => Object.hasOwn(values, name))) {
      const issue = `has none of the fields that the index is searched by (${clip(indexed.join(", "), 200)})`
      return Result.fail(invalidField(document, "document", issue))
    }
    const wrong = checkValues(document, values, fields, limits)
    return wrong === undefined ? Result.succeed(values) : Result.fail(wrong)
  }
}

/** Checks changes of stored documents. */
export const changeCheck = (fields: Fields | undefined, limits: TextLimits | undefined): Check<DocumentChange> => {
  if (fields === undefined) return checkDocumentChange
  const names = Object.keys(fields)
  const removed = Schema.optionalKey(Schema.Array(Schema.Literals(names)))
  const encode = Schema.encodeUnknownResult(
    Schema.Struct({ ...mapFields(fields, Schema.optionalKey), _id: idSchema, _remove_fields: removed }).annotate({
      message: "is not an object"
    }),
    strictly
  )
  return (change) => {
    const encoded = encode(change)
    if (Result.isFailure(encoded)) return Result.fail(toInvalid(change, encoded.failure.issue))
    const values: DocumentChange = encoded.success
    const wrong = checkValues(change, values, fields, limits)
    return wrong === undefined ? checkDocumentChange(values) : Result.fail(wrong)
  }
}

const pick = (fields: Fields, names: ReadonlyArray<string>): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)))

/** The names of all fields that hold no vector. */
export const plainNames = (fields: Fields): ReadonlyArray<string> =>
  Object.entries(fields).flatMap(([name, field]) =>
    "kind" in field && (field.kind === "dense" || field.kind === "sparse") ? [] : [name]
  )

/** Decodes documents with the fields that were asked for; by default all. Others that are there are left out. */
export function reader<F extends Fields, N extends string>(
  index: DocumentIndex<F>,
  names: ReadonlyArray<N> | undefined
): (document: Document) => Result.Result<Part<F, N>, InvalidRecord>
export function reader(
  { fields }: { readonly fields: Fields | undefined },
  names: ReadonlyArray<string> | undefined
): (document: Document) => Result.Result<unknown, InvalidRecord> {
  return fields === undefined ? Result.succeed : decoder(names === undefined ? fields : pick(fields, names), {})
}

/** Decodes matches with the fields that were asked for; by default all that hold no vector. */
export function matchReader<F extends Fields, N extends string>(
  index: DocumentIndex<F>,
  names: ReadonlyArray<N> | undefined
): (match: DocumentMatch) => Result.Result<Match<F, N>, InvalidRecord>
export function matchReader(
  { fields }: { readonly fields: Fields | undefined },
  names: ReadonlyArray<string> | undefined
): (match: DocumentMatch) => Result.Result<unknown, InvalidRecord> {
  return fields === undefined
    ? Result.succeed
    : decoder(pick(fields, names ?? plainNames(fields)), { _score: Schema.NullOr(Schema.Finite) })
}

const decoder = (fields: Fields, more: { readonly [name: string]: Schema.Codec<unknown> }) => {
  const decode = Schema.decodeUnknownResult(
    Schema.Struct({ ...mapFields(fields, (schema) => schema), ...more, _id: Schema.String })
  )
  return (document: unknown): Result.Result<unknown, InvalidRecord> =>
    Result.mapError(decode(document), (error) => toInvalid(document, error.issue))
}

const textOperators = new Set(["$match_phrase", "$match_all", "$match_any"])

const conditionIssue = (name: string, field: Field | undefined, condition: unknown): string | undefined => {
  const named = JSON.stringify(clip(name, 64))
  if (field === undefined) return `names ${named}, which is not declared; declare it, or correct the name`
  const operators = Predicate.isObject(condition) ? Object.keys(condition) : ["$eq"]
  const ofText = operators.filter((operator) => textOperators.has(operator))
  if (!("kind" in field)) {
    return ofText.length === 0 ? undefined : `has ${ofText[0]} on ${named}, which has no full text search`
  }
  if (field.kind !== "text") return `names ${named}, which is a vector; rank by it instead`
  return ofText.length === operators.length
    ? undefined
    : `compares ${named}, which has full text search; ask for words with $match_phrase, $match_all or $match_any`
}

/** What in a filter is of no declared field, or does not fit it. */
const filterIssue = (fields: Fields, filter: unknown, depth: number): string | undefined => {
  // What is no object, or too deep, is refused when it is made ready for the wire.
  if (!Predicate.isObject(filter) || depth === 0) return undefined
  for (const [name, condition] of Object.entries(filter)) {
    const issue = name.startsWith("$")
      ? (Array.isArray(condition) ? condition : [condition])
          .map((part) => filterIssue(fields, part, depth - 1))
          .find((found) => found !== undefined)
      : conditionIssue(name, Object.hasOwn(fields, name) ? fields[name] : undefined, condition)
    if (issue !== undefined) return issue
  }
  return undefined
}

/** Why no document of these fields can be selected by a filter, if none can. */
export const invalidFilter = (fields: Fields | undefined, filter: unknown): InvalidRecord | undefined => {
  const issue = fields === undefined ? undefined : filterIssue(fields, filter, 100)
  return issue === undefined ? undefined : new InvalidRecord({ field: "filter", issue })
}

const kindOf = { dense_vector: "dense", sparse_vector: "sparse", text: "text" } as const

/** Why a score ranks by nothing these fields have, if it does not. */
export const invalidScore = (
  fields: Fields | undefined,
  scores: ReadonlyArray<{ readonly type: string; readonly fields?: ReadonlyArray<string> }>
): InvalidRecord | undefined => {
  if (fields === undefined) return undefined
  for (const { fields: names = [], type } of scores) {
    if (type !== "dense_vector" && type !== "sparse_vector" && type !== "text") continue
    for (const name of names) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined
      if (field !== undefined && "kind" in field && field.kind === kindOf[type]) continue
      const issue = `names ${JSON.stringify(clip(name, 64))}, which is declared as no ${kindOf[type]} field`
      return new InvalidRecord({ field: "scoreBy", issue })
    }
  }
  return undefined
}

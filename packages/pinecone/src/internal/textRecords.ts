/** Records of text: their rules, and their form on the wire. */
import { InvalidOption, InvalidRecord, type Reason } from "@effect-connectors/core/ConnectorError"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Filter } from "../Filter.ts"
import type { Hit, SearchRecordsReply, SearchRecordsRequest, SizedTextRecord, TextRecord } from "../RecordsApi.ts"
import type { MetadataValue } from "../VectorRecord.ts"
import { invalidField, nameIssue } from "./documentRules.ts"
import { toBytes } from "./float32Json.ts"
import { toNumbers } from "./jsonRecord.ts"
import { checkQuery } from "./queryChecks.ts"
import { checkId, isMetadataValue } from "./recordRules.ts"
import type { Body } from "./sdkTransport.ts"
import { reads, type Reply } from "./sdkReplies.ts"
import type { WireFilter } from "./wireFilter.ts"

/** Checks what should be a record; `textField` must hold text where it is known. */
export const checkTextRecord = (
  record: unknown,
  textField: string | undefined
): Result.Result<TextRecord, InvalidRecord> => {
  const wrong = (field: string, issue: string) => Result.fail(invalidField(record, field, issue))
  if (!Predicate.isObject(record)) return wrong("record", "is not an object")
  const { _id, ...given }: { readonly [field: string]: unknown } = { ...record }
  if (!("_id" in record)) return wrong("_id", "is missing")
  const issue = checkId(_id)
  if (issue !== undefined || !Predicate.isString(_id)) return wrong("_id", issue ?? "must be text")
  const fields: { [name: string]: MetadataValue } = {}
  for (const name in given) {
    const issue = nameIssue(name)
    if (issue !== undefined) return wrong(name, issue)
    const value = given[name]
    if (!isMetadataValue(value)) {
      return wrong(name, "must be text, a finite number, a boolean or a list of strings")
    }
    fields[name] = value
  }
  if (textField !== undefined) {
    const text = fields[textField]
    if (text === undefined) return wrong(textField, "is missing, and it is the field to embed")
    if (!Predicate.isString(text)) return wrong(textField, "is not text, and it is the field to embed")
    if (text.trim() === "") return wrong(textField, "is empty, and it is the field to embed")
  }
  if (Object.keys(fields).length === 0) return wrong("record", "has no fields beside its _id")
  return Result.succeed({ ...fields, _id })
}

/** A record together with its line of JSON. */
export class JsonTextRecord implements SizedTextRecord {
  readonly record: TextRecord
  readonly line: string
  readonly bytes: number

  constructor(record: TextRecord) {
    this.record = record
    this.line = JSON.stringify(record)
    this.bytes = Buffer.byteLength(this.line) + 1
  }
}

/** The body of an upsert: a line for each record, and no line break at the end. */
export const linesBody = (records: ReadonlyArray<JsonTextRecord>): Body => records.map(({ line }) => line).join("\n")

const invalidRerank = ({ by, rerank }: SearchRecordsRequest): Reason | undefined => {
  if (rerank === undefined) return undefined
  const wrong = (issue: string) => new InvalidOption({ option: "rerank", issue })
  if (rerank.model === "") return wrong("has no model; name one")
  if (rerank.rankFields.length === 0) return wrong("has no rankFields; name the field the model reads")
  if (rerank.topN !== undefined && !(Number.isInteger(rerank.topN) && rerank.topN >= 1)) {
    return wrong(`has topN ${rerank.topN}; it must be a whole number of 1 or more`)
  }
  return rerank.query === undefined && !("text" in by)
    ? wrong("has no query, and nothing else is text that the model could compare with")
    : undefined
}

/** The parts a query of vectors has, of what is asked with. */
export const vectorParts = (by: SearchRecordsRequest["by"], filter: Filter | undefined) => {
  const parts = { filter, vector: undefined, sparseVector: undefined, id: undefined }
  return "text" in by ? parts : { ...parts, ...by }
}

/** Checks a search and gives its filter as it goes on the wire. */
export const checkSearch = (request: SearchRecordsRequest): Result.Result<WireFilter | undefined, Reason> => {
  const { by, filter } = request
  const rerank = invalidRerank(request)
  if (rerank !== undefined) return Result.fail(rerank)
  if (!("text" in by)) return checkQuery(vectorParts(by, filter), undefined)
  if (!Predicate.isString(by.text) || by.text.trim() === "") {
    return Result.fail(new InvalidRecord({ field: "text", issue: "is empty; ask with some text" }))
  }
  // A vector stands in for the text: what is left to check is the filter.
  return checkQuery({ vector: [1], filter }, undefined)
}

/** The body of a search; `filter` as it goes on the wire. */
export const searchBody = (request: SearchRecordsRequest, filter: WireFilter | undefined): Body => {
  const { by, fields, matchTerms, rerank, topK } = request
  const query = JSON.stringify({
    top_k: topK,
    filter,
    inputs: "text" in by ? { text: by.text } : undefined,
    id: "id" in by ? by.id : undefined,
    match_terms: matchTerms
  })
  const rest = JSON.stringify({
    fields,
    rerank: rerank && {
      model: rerank.model,
      rank_fields: rerank.rankFields,
      top_n: rerank.topN,
      query: rerank.query,
      parameters: rerank.parameters
    }
  })
  const dense = "vector" in by ? by.vector : undefined
  const sparse = "sparseVector" in by ? by.sparseVector : undefined
  const vector =
    dense === undefined && sparse === undefined
      ? []
      : [
          `,"vector":{`,
          ...(dense === undefined ? [] : [`"values":`, dense]),
          ...(sparse === undefined
            ? []
            : [
                `${dense === undefined ? "" : ","}"sparse_indices":${JSON.stringify(toNumbers(sparse.indices))},"sparse_values":`,
                sparse.values
              ]),
          "}"
        ]
  return toBytes([`{"query":`, query.slice(0, -1), ...vector, "}", rest === "{}" ? "}" : `,${rest.slice(1)}`])
}

type WireFields = { readonly [field: string]: MetadataValue | null }

const isFields = (u: unknown): u is WireFields =>
  Predicate.isReadonlyObject(u) && Object.values(u).every((value) => value === null || isMetadataValue(value))

const isField = (field: [string, MetadataValue | null]): field is [string, MetadataValue] => field[1] !== null

const WireHit = Schema.Struct({
  _id: Schema.String,
  _score: Schema.Finite,
  fields: Schema.optionalKey(Schema.declare(isFields, { expected: "flat fields" }))
})

const toHit = ({ _id, _score, fields = {} }: typeof WireHit.Type): Hit => ({
  _id,
  _score,
  fields: Object.fromEntries(Object.entries(fields).filter(isField))
})

/** What a search found. */
export const found: Reply<SearchRecordsReply> = reads(
  Schema.Struct({
    result: Schema.Struct({ hits: Schema.Array(WireHit) }),
    usage: Schema.optionalKey(
      Schema.Struct({
        read_units: Schema.optionalKey(Schema.Finite),
        embed_total_tokens: Schema.optionalKey(Schema.Finite),
        rerank_units: Schema.optionalKey(Schema.Finite)
      })
    )
  }),
  ({ result, usage }) => ({
    hits: result.hits.map(toHit),
    readUnits: usage?.read_units,
    embedTokens: usage?.embed_total_tokens,
    rerankUnits: usage?.rerank_units
  })
)

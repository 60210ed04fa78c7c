/**
 * What a search is scored by, as it is asked for. The rules are those of the comments of the service's client; their
 * wording is this store's.
 */
import { Buffer } from "node:buffer"
import * as Result from "effect/Result"
import { type Answer, no, orRefuse } from "../answer.ts"
import { checkQueryValues, checkSparse } from "../recordRules.ts"
import { isSparse, type Rules } from "./documentRules.ts"
import type { ScoreBy } from "./namespaceDocuments.ts"
import * as QueryString from "./queryString.ts"
import type { TextQuery } from "./textQuery.ts"

/** One of several ways to score; which fields it needs is up to its `type`. */
export interface ScoringMethod {
  readonly type: string
  readonly fields?: ReadonlyArray<string> | undefined
  readonly field?: string | undefined
  readonly query?: string | undefined
  readonly values?: ReadonlyArray<number> | Float32Array | undefined
  readonly sparseValues?: unknown
}

const vectorTypes = ["dense_vector", "sparse_vector"]
const textTypes = ["text", "query_string"]

/** Reads the methods of a search: one, or several of text. */
export const read = (methods: ReadonlyArray<ScoringMethod>, rules: Rules): Answer<ScoreBy> =>
  Result.gen(function* () {
    const [first] = methods
    if (first === undefined) return yield* no("score_by must have at least one scoring method")
    const unknown = methods.find(({ type }) => ![...vectorTypes, ...textTypes].includes(type))
    if (unknown !== undefined) {
      return yield* no(
        `score_by has a method of type '${unknown.type}', which is none of dense_vector, sparse_vector, text and query_string`
      )
    }
    if (methods.length > 1 && methods.some(({ type }) => vectorTypes.includes(type))) {
      return yield* no(
        "score_by can combine several methods only when each is text or query_string: a dense_vector or sparse_vector method must be on its own"
      )
    }
    if (first.type === "dense_vector") return yield* denseOf(first, rules)
    if (first.type === "sparse_vector") return yield* sparseOf(first, rules)
    const should: Array<TextQuery> = []
    for (const method of methods) should.push(yield* textOf(method, rules))
    return { _tag: "Text", query: { _tag: "Group", must: [], should, mustNot: [] } }
  })

const fieldsOf = ({ field, fields, type }: ScoringMethod): Answer<ReadonlyArray<string>> => {
  if (field !== undefined && fields !== undefined) return no(`A ${type} method needs either field or fields, not both`)
  const all = fields ?? (field === undefined ? [] : [field])
  return all.length === 0 ? no(`A ${type} method needs fields`) : Result.succeed(all)
}

/** The one field of a vector method, which has to be the one of the schema. */
const fieldOf = (method: ScoringMethod, known: string | undefined): Answer<void> =>
  Result.flatMap(fieldsOf(method), ([field, ...more]) => {
    if (more.length > 0) return no(`A ${method.type} method needs exactly one field, got ${more.length + 1}`)
    return field === known
      ? Result.succeed(undefined)
      : no(`Field '${field}' is not a ${method.type} field of the index`)
  })

const denseOf = (method: ScoringMethod, { roles: { dense } }: Rules): Answer<ScoreBy> =>
  Result.gen(function* () {
    yield* fieldOf(method, dense?.name)
    const { values } = method
    if (values === undefined) return yield* no("A dense_vector method needs values")
    yield* orRefuse(values, checkQueryValues(values, { dimension: dense?.dimension, takesSparse: false }))
    return { _tag: "Dense", values: Float32Array.from(values) }
  })

const sparseOf = (method: ScoringMethod, { limits, roles: { sparse } }: Rules): Answer<ScoreBy> =>
  Result.gen(function* () {
    yield* fieldOf(method, sparse)
    const { sparseValues } = method
    if (!isSparse(sparseValues)) return yield* no("A sparse_vector method needs sparse_values with indices and values")
    return {
      _tag: "Sparse",
      sparseValues: yield* checkSparse(sparseValues, { dimension: 0, takesSparse: true }, limits)
    }
  })

const textOf = (method: ScoringMethod, { limits, roles: { texts } }: Rules): Answer<TextQuery> =>
  Result.gen(function* () {
    const text = method.query?.trim() ?? ""
    if (text === "") return yield* no(`A ${method.type} method needs a query that is not empty`)
    const bytes = Buffer.byteLength(text)
    if (bytes > limits.maxSearchTextBytes) {
      return yield* no(`A query has at most ${limits.maxSearchTextBytes} bytes, got ${bytes}`)
    }
    if (method.type === "query_string") {
      if (method.field !== undefined || method.fields !== undefined) {
        return yield* no("A query_string method names its fields in the query, and has neither field nor fields")
      }
      if (texts.size === 0) return yield* no("The index has no field with full-text search")
      return yield* QueryString.parse(text, [...texts.keys()])
    }
    const fields = yield* fieldsOf(method)
    const other = fields.find((field) => !texts.has(field))
    if (other !== undefined) return yield* no(`Field '${other}' is not a field with full-text search`)
    const should = Array.from(new Set(fields), (field): TextQuery => ({ _tag: "Words", field, text }))
    return { _tag: "Group", must: [], should, mustNot: [] }
  })

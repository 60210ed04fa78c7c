import type { Filter, VectorRecord } from "@effect-connectors/pinecone"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { compile } from "../src/internal/metadataFilter.ts"
import { assertRefused, make, ok } from "./storeSupport.ts"

interface Book {
  readonly title?: string
  readonly year?: number
  readonly tags?: ReadonlyArray<string>
  readonly read?: boolean
}

const books = {
  dune: { title: "Dune", year: 1965, tags: ["sand", "space"], read: true },
  emma: { title: "Emma", year: 1815, tags: ["love"], read: false },
  ubik: { title: "Ubik", year: 1969, tags: ["space", "time"] },
  blank: undefined
}

/** A filter that does not compile. */
const untyped = (json: string): Filter.Filter<Book> => JSON.parse(json)

const find = (filter: Filter.Filter<Book>) => {
  const store = make()
  const [first, ...rest] = Object.entries(books).map(([id, metadata]) => ({ id, values: [1, 1], metadata }))
  ok(store.upsert({ records: [first!, ...rest] }))
  return store.query({ vector: [1, 1], topK: 10, filter })
}

const idsOf = (filter: Filter.Filter<Book>) => ok(find(filter)).matches.map((match) => match.id)

describe("filters", () => {
  it.each<[string, Filter.Filter<Book>, ReadonlyArray<string>]>([
    ["a bare value is $eq", { title: "Dune" }, ["dune"]],
    ["a bare false", { read: false }, ["emma"]],
    ["$eq", { year: { $eq: 1815 } }, ["emma"]],
    ["$eq compares types too", untyped(`{"year":"1815"}`), []],
    ["$ne, also without the field", { year: { $ne: 1815 } }, ["blank", "dune", "ubik"]],
    ["$gt", { year: { $gt: 1965 } }, ["ubik"]],
    ["$gte", { year: { $gte: 1965 } }, ["dune", "ubik"]],
    ["$lt", { year: { $lt: 1965 } }, ["emma"]],
    ["$lte", { year: { $lte: 1965 } }, ["dune", "emma"]],
    ["numbers compare with numbers only", untyped(`{"title":{"$gt":0}}`), []],
    ["$in", { title: { $in: ["Ubik", "Emma", "Other"] } }, ["emma", "ubik"]],
    ["$in of nothing", { title: { $in: [] } }, []],
    ["$nin, also without the field", { title: { $nin: ["Ubik", "Emma"] } }, ["blank", "dune"]],
    ["$exists true", { read: { $exists: true } }, ["dune", "emma"]],
    ["$exists false", { read: { $exists: false } }, ["blank", "ubik"]],
    ["a list equals any of its elements", { tags: "space" }, ["dune", "ubik"]],
    ["$ne on a list: none of its elements", { tags: { $ne: "space" } }, ["blank", "emma"]],
    ["$in on a list: any of its elements", { tags: { $in: ["time", "love"] } }, ["emma", "ubik"]],
    ["$nin on a list: none of its elements", { tags: { $nin: ["time", "love"] } }, ["blank", "dune"]],
    ["several operators must all match", { year: { $gt: 1800, $lt: 1966 } }, ["dune", "emma"]],
    ["several fields must all match", { tags: "space", read: true }, ["dune"]],
    ["$and", { $and: [{ tags: "space" }, { year: { $gt: 1965 } }] }, ["ubik"]],
    ["$or", { $or: [{ title: "Emma" }, { year: 1969 }] }, ["emma", "ubik"]],
    ["$not", { $not: { tags: "space" } }, ["blank", "emma"]],
    ["nesting", { $not: { $or: [{ title: "Emma" }, { $and: [{ tags: "time" }] }] } }, ["blank", "dune"]],
    ["an inherited name is not a field", untyped(`{"constructor":{"$exists":true}}`), []],
    ["an empty filter matches everything", {}, ["blank", "dune", "emma", "ubik"]]
  ])("%s", (_, filter, expected) => assert.deepStrictEqual(idsOf(filter), [...expected]))

  it.each<[string, string, string]>([
    ["an unknown operator on a field", `{"year":{"$like":"19"}}`, "$like is not a valid operator"],
    ["an unknown operator", `{"$nor":[{"year":1}]}`, "$nor is not a valid operator"],
    ["a condition without operators", `{"year":{}}`, "condition on field 'year'"],
    ["a list as condition", `{"tags":["a"]}`, "condition on field 'tags'"],
    ["null", `{"year":null}`, "condition on field 'year'"],
    ["$eq null", `{"year":{"$eq":null}}`, "$eq on field 'year' needs a string, a number or a boolean, got null"],
    ["$gt with text", `{"year":{"$gt":"1900"}}`, "$gt on field 'year' needs a number"],
    ["$in without list", `{"year":{"$in":1900}}`, "$in on field 'year' needs a list"],
    ["$in with a nested list", `{"year":{"$in":[[1]]}}`, "$in on field 'year' needs a list"],
    ["$exists with a number", `{"year":{"$exists":1}}`, "needs true or false"],
    ["$and without list", `{"$and":{"year":1}}`, "$and must be a list"],
    ["$or of nothing", `{"$or":[]}`, "$or must be a list of at least one filter"],
    ["$not with a value", `{"$not":5}`, "A filter must be an object"]
  ])("refused: %s", (_, filter, text) => {
    const refusal = assertRefused(find(untyped(filter)), 400, 3, text)
    assert.strictEqual(refusal._tag, "RequestRefused")
  })

  it("$in and $nin take at most 10,000 values", () => {
    const values = Array.from({ length: 10_001 }, (_, n) => n)
    assertRefused(find({ year: { $in: values } }), 400, 3, "$in on field 'year' has 10001 values, at most 10000")
    assertRefused(find({ year: { $nin: values } }), 400, 3, "$nin on field 'year' has 10001 values")
    assert.deepStrictEqual(idsOf({ year: { $in: values.slice(1) } }), ["dune", "emma", "ubik"])
  })

  it("a filter is checked also where there is nothing to search", () => {
    const filter = JSON.parse(`{"$nor":[]}`)
    const refusal = assertRefused(make().query({ vector: [1, 1], topK: 1, filter }), 400, 3, "not a valid operator")
    assert.strictEqual(refusal._tag, "RequestRefused")
  })
})

// A second evaluator, written from the documentation alone: comparisons over the list of a field's values.

const FieldName = Schema.Literals(["a", "b"])
const Scalar = Schema.Union([Schema.Literals(["x", "y", ""]), Schema.Literals([0, 1, 2]), Schema.Boolean])
const Value = Schema.Union([Scalar, Schema.Array(Schema.Literals(["x", "y", ""]))])
const Comparison = Schema.Union([
  Schema.Struct({ op: Schema.Literals(["$eq", "$ne"]), field: FieldName, operand: Scalar }),
  Schema.Struct({
    op: Schema.Literals(["$gt", "$gte", "$lt", "$lte"]),
    field: FieldName,
    operand: Schema.Literals([0, 1, 2])
  }),
  Schema.Struct({ op: Schema.Literals(["$in", "$nin"]), field: FieldName, operand: Schema.Array(Scalar) }),
  Schema.Struct({ op: Schema.Literal("$exists"), field: FieldName, operand: Schema.Boolean })
])
type Comparison = typeof Comparison.Type
const Combined = Schema.Struct({
  op: Schema.Literals(["$and", "$or"]),
  negated: Schema.Boolean,
  parts: Schema.NonEmptyArray(Comparison)
})
type Combined = typeof Combined.Type
const Stored = Schema.Struct({ a: Schema.optionalKey(Value), b: Schema.optionalKey(Value) })

describe("filters, by property", () => {
  const compare = ({ field, op, operand }: Comparison, metadata: VectorRecord.Metadata): boolean => {
    const value = metadata[field]
    const held: ReadonlyArray<unknown> = value === undefined ? [] : Array.isArray(value) ? value : [value]
    switch (op) {
      case "$eq":
        return held.some((one) => one === operand)
      case "$ne":
        return held.every((one) => one !== operand)
      case "$gt":
        return typeof value === "number" && value > operand
      case "$gte":
        return typeof value === "number" && value >= operand
      case "$lt":
        return typeof value === "number" && value < operand
      case "$lte":
        return typeof value === "number" && value <= operand
      case "$in":
        return operand.some((wanted) => held.includes(wanted))
      case "$nin":
        return !operand.some((wanted) => held.includes(wanted))
      case "$exists":
        return field in metadata === operand
    }
  }

  const naive = ({ negated, op, parts }: Combined, metadata: VectorRecord.Metadata): boolean => {
    const results = parts.map((part) => compare(part, metadata))
    return negated !== (op === "$and" ? !results.includes(false) : results.includes(true))
  }

  const toFilter = ({ negated, op, parts }: Combined): unknown => {
    const filter = { [op]: parts.map(({ field, op, operand }) => ({ [field]: { [op]: operand } })) }
    return negated ? { $not: filter } : filter
  }

  it.prop(
    "agree with a naive evaluator",
    { combined: Combined, metadata: Stored },
    ({ combined, metadata }) => {
      const matches = Result.getOrThrow(compile(toFilter(combined), 10_000))
      assert.strictEqual(matches(metadata), naive(combined, metadata))
    },
    { arbitrary: { runs: 2_000 } }
  )
})

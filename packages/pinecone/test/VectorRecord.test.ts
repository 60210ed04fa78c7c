import * as VectorRecord from "@effect-connectors/pinecone/VectorRecord"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { checkQuery, type QueryParts } from "../src/internal/queryChecks.ts"
import * as recordChecks from "../src/internal/recordChecks.ts"

/** What is said of one record. */
const saidOf = (record: unknown, check = recordChecks.checkAny): string => {
  const result = check(record)
  return Result.isSuccess(result) ? "fine" : result.failure.message
}

const good = { id: "a", values: [1, 2] }
const indices = (count: number) => Array.from({ length: count }, (_, i) => i)

const refusals: ReadonlyArray<readonly [string, unknown, string | RegExp]> = [
  ["no record", null, /^record is not an object/],
  ["a list", [good], /^record is not an object/],
  ["no id", { values: [1] }, /^id is missing/],
  ["an id that is a number", { id: 7, values: [1] }, /^id must be text/],
  ["an empty id", { id: "", values: [1] }, `record "": id has 0 characters; it must have 1 to 512`],
  ["a long id", { id: "é".repeat(513), values: [1] }, /é{64}\.\.\.": id has 513 characters; it must have 1 to 512$/],
  ["values that are none", { id: "a", values: "1" }, /values must be an array of numbers or a Float32Array$/],
  ["values of another typed array", { id: "a", values: Float64Array.of(1) }, /values must be an array of numbers/],
  ["a text in values", { id: "a", values: [1, "2"] }, /values holds 2 at position 1; every number must be finite/],
  [
    "an object without a text in values",
    { id: "a", values: [1, { toString: 1, valueOf: null }] },
    /^record "a": values holds an object at position 1/
  ],
  ["a list in values", { id: "a", values: [[]] }, /values holds a list at position 0/],
  [
    "an object without a text in sparse positions",
    { id: "a", sparseValues: { indices: [Object.create(null)], values: [1] } },
    /sparseValues\.indices holds an object; positions/
  ],
  ["a long text in values", { id: "a", values: ["x".repeat(1000)] }, /values holds x{64}\.\.\. at position 0/],
  [
    "a long field that has no value",
    { id: "a", values: [1], metadata: { ["x".repeat(1000)]: null } },
    /has null in field "x{64}\.\.\."/
  ],
  ["undefined in values", { id: "a", values: [1, undefined, 3] }, /values holds undefined at position 1/],
  ["too many values", { id: "a", values: indices(20_001) }, /values has 20001 numbers; a vector has at most 20000$/],
  [
    "an id with an accent",
    { id: "café", values: [1] },
    `record "café": id holds "é" at position 3; Pinecone takes ASCII without NUL`
  ],
  ["an id with NUL", { id: "a\u0000", values: [1] }, /id holds "\\u0000" at position 1; Pinecone takes ASCII/],
  ["only zeros", { id: "a", values: [0, -0, 1e-9] }, /^record "a": values holds only zeros, which Pinecone does not/],
  [
    "only typed zeros",
    { id: "a", values: new Float32Array(3), sparseValues: { indices: [1], values: [1] } },
    /only zeros/
  ],
  ["NaN after zeros", { id: "a", values: [0, NaN] }, /values holds NaN at position 1/],
  ["more than float32", { id: "a", values: [3.5e38] }, /values holds 3\.5e\+38 at position 0; .* fit float32$/],
  ["sparse values that are none", { id: "a", sparseValues: [1] }, /^record "a": sparseValues/],
  [
    "positions that are none",
    { id: "a", sparseValues: { indices: "1", values: [1] } },
    /sparseValues\.indices must be an array of numbers or a Uint32Array$/
  ],
  [
    "half a position",
    { id: "a", sparseValues: { indices: [0.5], values: [1] } },
    /sparseValues\.indices holds 0\.5; positions are whole numbers from 0 to 4294967295$/
  ],
  [
    "a negative position",
    { id: "a", sparseValues: { indices: [-1], values: [1] } },
    /sparseValues\.indices holds -1; positions are/
  ],
  [
    "a position over 32 bits",
    { id: "a", sparseValues: { indices: [4_294_967_296], values: [1] } },
    /sparseValues\.indices holds 4294967296; positions are/
  ],
  [
    "a position twice",
    { id: "a", sparseValues: { indices: [1, 2, 1], values: [1, 1, 1] } },
    /sparseValues\.indices holds position 1 twice$/
  ],
  [
    "too many positions",
    { id: "a", sparseValues: { indices: indices(2049), values: indices(2049) } },
    /sparseValues\.indices has 2049 positions; a sparse vector has at most 2048$/
  ],
  [
    "more positions than values",
    { id: "a", sparseValues: { indices: [1, 2], values: [1] } },
    /sparseValues has 2 positions and 1 values; there must be one value for each position$/
  ],
  ["no vector", { id: "a" }, /values is empty and there are no sparseValues; a record needs one or the other$/],
  ["metadata that is none", { ...good, metadata: "x" }, `record "a": metadata must be a flat object`],
  ["undefined in metadata", { ...good, metadata: { x: undefined } }, /metadata has .*undefined in field "x"/],
  ["NaN in metadata", { ...good, metadata: { x: NaN } }, /metadata has NaN in field "x"; a value is a string/],
  ["a bigint in metadata", { ...good, metadata: { x: 1n } }, /metadata has a value of type bigint in field "x"/],
  ["a date in metadata", { ...good, metadata: { x: new Date() } }, /metadata has a nested object in field "x"/]
]

describe("check", () => {
  it.each(refusals)("refuses %s", (_, record, message) => {
    const said = saidOf(record)
    if (typeof message === "string") assert.strictEqual(said, message)
    else assert.match(said, message)
  })

  it("accepts what is just within the limits", () => {
    for (const record of [
      { id: "x".repeat(512), values: indices(20_000) },
      { id: "a", values: [3.4028234663852886e38, -3.4028234663852886e38, 0] },
      { id: "a", sparseValues: { indices: indices(2048), values: indices(2048) } },
      { id: "a", sparseValues: { indices: Uint32Array.of(0, 4_294_967_295), values: Float32Array.of(1, 2) } },
      { id: "a", values: [], sparseValues: { indices: [1], values: [1] } },
      { id: "a", values: [0, 0, -1e-8] },
      { id: "a", sparseValues: { indices: [1], values: [0] } },
      { id: " ~\u007f\u0001", values: [1] },
      { id: "a", values: [1], sparseValues: undefined, metadata: undefined },
      { ...good, metadata: {} },
      { ...good, metadata: { s: "", n: -0.5, b: false, list: [], more: ["a"] } }
    ]) {
      assert.strictEqual(saidOf(record), "fine")
    }
  })

  it("counts bytes of metadata, not characters", () => {
    const metadata = (text: string) => ({ ...good, metadata: { t: text } })
    const envelope = `{"t":""}`.length
    const room = VectorRecord.maxMetadataBytes - envelope
    for (const [character, bytes] of [
      ["x", 1],
      ["é", 2],
      ["€", 3],
      ["😀", 4],
      ['"', 2],
      ["\n", 2],
      ["\u0001", 6],
      ["\ud800", 6]
    ] as const) {
      const fits = character.repeat(Math.floor(room / bytes))
      assert.strictEqual(saidOf(metadata(fits)), "fine", JSON.stringify(character))
      assert.match(saidOf(metadata(fits + character)), /metadata takes \d+ bytes as JSON; it may take 40960$/)
    }
  })

  it("counts all parts of metadata", () => {
    const names = Object.fromEntries(indices(3000).map((i) => [`field-${i}-${"n".repeat(10)}`, i]))
    assert.match(saidOf({ ...good, metadata: names }), /metadata takes \d+ bytes/)
    const list = indices(10_000).map((i) => `tag-${i}`)
    assert.match(saidOf({ ...good, metadata: { list } }), /metadata takes \d+ bytes/)
  })

  it("gives back only what a record has", () => {
    const result = recordChecks.checkAny({ ...good, note: "x", score: 1 })
    assert.deepStrictEqual(result, Result.succeed(good))
  })

  const notZero = Schema.makeFilter((values: ReadonlyArray<number>) => values.some((value) => Math.abs(value) > 1e-8))
  const Values = Schema.Union([
    Schema.NonEmptyArray(Schema.Finite.check(Schema.isBetween({ minimum: -1e30, maximum: 1e30 }))),
    Schema.NonEmptyArray(Schema.Literals([0, -1.5, 1e-40]))
  ]).check(notZero)
  const Record = Schema.Struct({
    id: Schema.String.check(Schema.isPattern(/^[ -~]{1,40}$/)),
    values: Values,
    metadata: Schema.optionalKey(
      Schema.Record(
        Schema.String.check(Schema.isPattern(/^[a-z]{0,5}$/)),
        Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Array(Schema.String)])
      )
    )
  })

  it.prop("valid records pass and come out unchanged", [Schema.Array(Record)], ([records]) => {
    const typed = records.map((record) => ({ ...record, values: Float32Array.from(record.values) }))
    for (const chunk of [records, typed]) {
      const results = chunk.map(recordChecks.checkAny)
      assert.deepStrictEqual<unknown>(results, chunk.map(Result.succeed))
      // No vector is copied.
      results.forEach((result, i) => assert.strictEqual(Result.getOrThrow(result).values, chunk[i]?.values))
    }
  })

  it.prop(
    "a bad record among good ones is the only one refused",
    [Schema.NonEmptyArray(Record), Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))],
    ([records, place]) => {
      const at = place % (records.length + 1)
      const bad = { id: "the bad one", values: [0, NaN] }
      const results = [...records.slice(0, at), bad, ...records.slice(at)].map(recordChecks.checkAny)
      assert.strictEqual(results.length, records.length + 1)
      results.forEach((result, i) => assert.strictEqual(Result.isFailure(result), i === at))
      const refused = results[at]
      assert(refused !== undefined && Result.isFailure(refused))
      assert.include(refused.failure, { id: "the bad one", field: "values" })
    }
  )
})

describe("checkChange", () => {
  it("needs an id and no vector", () => {
    for (const change of [
      { id: "a", values: [1] },
      { id: "a", sparseValues: { indices: [1], values: [1] } },
      { id: "a", metadata: { x: 1 } }
    ]) {
      assert.strictEqual(saidOf(change, recordChecks.checkChange), "fine")
    }
    assert.match(saidOf({ values: [1] }, recordChecks.checkChange), /id is missing/)
    assert.match(saidOf({ id: "a", values: [NaN] }, recordChecks.checkChange), /^record "a": values holds NaN/)
    assert.match(saidOf({ id: "a", values: [] }, recordChecks.checkChange), /^record "a": values is empty/)
  })

  it("needs something to change", () => {
    for (const change of [{ id: "a" }, { id: "a", values: undefined }, { id: "a", metadata: {} }]) {
      assert.match(
        saidOf(change, recordChecks.checkChange),
        /^record "a": values is missing, and so are sparseValues and metadata; there is nothing to change$/
      )
    }
  })
})

describe("checkNamespace", () => {
  it("takes 512 ASCII characters, and none at all", () => {
    for (const name of ["", "a b", "x".repeat(512)]) assert.isUndefined(VectorRecord.checkNamespace(name))
  })

  it("says what is wrong", () => {
    assert.strictEqual(VectorRecord.checkNamespace("x".repeat(513)), "has 513 characters; it may have 512")
    assert.match(VectorRecord.checkNamespace("über") ?? "", /holds "ü" at position 0/)
    assert.match(VectorRecord.checkNamespace("a\u0000") ?? "", /at position 1; Pinecone takes ASCII without NUL/)
    assert.strictEqual(VectorRecord.checkNamespace(7), "must be text")
  })
})

describe("checkQuery", () => {
  const said = (parts: QueryParts, dimension?: number) =>
    Result.match(checkQuery(parts, dimension), { onFailure: ({ message }) => message, onSuccess: () => undefined })
  const sparseVector = { indices: [1], values: [1] }

  it("accepts a vector, a sparse one, both, or an id", () => {
    assert.isUndefined(said({ vector: [1, 2] }, 2))
    assert.isUndefined(said({ vector: Float32Array.of(1, 2) }))
    assert.isUndefined(said({ sparseVector }, 2))
    assert.isUndefined(said({ vector: [1, 2], sparseVector }, 2))
    assert.isUndefined(said({ id: "a" }, 2))
    assert.isUndefined(said({ vector: [0, 0] }, 2))
  })

  it("says what else is wrong", () => {
    assert.match(said({}) ?? "", /has nothing to ask with; give a vector, a sparseVector or an id/)
    assert.match(said({ id: "a", vector: [1] }) ?? "", /has an id and a vector; give one or the other/)
    assert.match(said({ id: "a", sparseVector }) ?? "", /has an id and a vector/)
    assert.match(said({ vector: [] }) ?? "", /vector is empty/)
    assert.match(said({ vector: [1], sparseVector: { indices: [], values: [] } }) ?? "", /sparseVector is empty/)
    assert.match(said({ vector: [1] }, 2) ?? "", /vector has 1 numbers and the index has dimension 2/)
    assert.match(said({ vector: [Infinity] }) ?? "", /vector holds Infinity at position 0/)
    assert.match(
      said({ sparseVector: { indices: [1, 1], values: [1, 2] } }) ?? "",
      /sparseVector.indices holds .* twice/
    )
    assert.match(said({ id: "" }) ?? "", /^id has 0 characters/)
    assert.match(said({ vector: [1], filter: {} }) ?? "", /^filter is empty/)
    assert.match(said({ id: "x".repeat(513) }) ?? "", /id has 513 characters/)
  })
})

import { DataType, Timestamp, FeatureValue } from "@effect-connectors/tecton"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { checkOf, fieldsOf, isSettled } from "../src/internal/plainly.ts"
import * as Values from "../src/internal/values.ts"

const values: ReadonlyArray<unknown> = [
  null,
  undefined,
  true,
  0,
  -0,
  1.5,
  NaN,
  Infinity,
  5n,
  "",
  "text",
  [],
  [1, 2],
  [1, null],
  ["a"],
  [[1], [2]],
  [1n, "a"],
  Timestamp.fromMillis(0),
  {},
  { a: 1 }
]

describe("a look", () => {
  const plain: ReadonlyArray<readonly [string, Schema.Codec<unknown, unknown>]> = [
    ["String", Schema.String],
    ["Number", Schema.Number],
    ["BigInt", Schema.BigInt],
    ["Boolean", Schema.Boolean],
    ["NullOr(String)", Schema.NullOr(Schema.String)],
    ["Array(Number)", Schema.Array(Schema.Number)],
    ["Array(NullOr(Number))", Schema.Array(Schema.NullOr(Schema.Number))],
    ["Array(Array(Number))", Schema.Array(Schema.Array(Schema.Number))],
    ["Union([BigInt, String])", Schema.Union([Schema.BigInt, Schema.String])],
    ["Floats", FeatureValue.Floats],
    ["TimestampSchema", Timestamp.TimestampSchema]
  ]

  it.each(plain)("finds of every value what %s says, and as it would give it", (_, schema) => {
    const check = checkOf(schema.ast)
    assert(check !== undefined)
    const decode = Schema.decodeUnknownResult(schema)
    for (const value of values) {
      const decoded = decode(value)
      assert.strictEqual(check(value), Result.isSuccess(decoded), String(value))
      if (Result.isSuccess(decoded)) assert.deepStrictEqual(decoded.success, value)
    }
  })

  it.each([
    ["checks", Schema.Number.check(Schema.isInt())],
    ["a transformation", FeatureValue.SafeInt],
    ["checks within", Schema.Array(Schema.NonEmptyString)],
    ["a field that may be left out", Schema.optionalKey(Schema.String)],
    ["one of several", Schema.Union([Schema.String, Schema.String], { mode: "oneOf" })],
    ["fields", Schema.Struct({ a: Schema.Number })]
  ] as const)("can not stand for a schema with %s", (_, schema) => {
    assert.isUndefined(checkOf(schema.ast))
  })
})

describe("fields by a look", () => {
  const fields = fieldsOf(Schema.Struct({ user_id: Schema.String, card: Schema.BigInt }))

  it("are those of the struct alone", () => {
    const row = { card: 5n, user_id: "u", more: 1 }
    assert.deepStrictEqual(fields?.(row), { user_id: "u", card: 5n })
  })

  it("are not there when something is wrong", () => {
    const broken: ReadonlyArray<unknown> = [{ user_id: "u" }, { user_id: 1, card: 5n }, null, "u", []]
    const one = fieldsOf<unknown, unknown>(Schema.Struct({ user_id: Schema.String, card: Schema.BigInt }))
    for (const row of broken) assert.isUndefined(one?.(row))
  })

  it.each([
    ["may be left out", Schema.Struct({ a: Schema.optionalKey(Schema.String) })],
    ["have checks", Schema.Struct({ a: Schema.NonEmptyString })],
    ["are of any name", Schema.Record(Schema.String, Schema.String)]
  ] as const)("are left to a schema whose fields %s", (_, schema) => {
    assert.isUndefined(fieldsOf<unknown, unknown>(schema))
  })

  it("may be called __proto__", () => {
    const one = fieldsOf(Schema.Struct({ ["__proto__"]: Schema.String }))
    const row: { readonly ["__proto__"]: string } = JSON.parse('{"__proto__":"x"}')
    assert.deepStrictEqual(Object.entries(one?.(row) ?? {}), [["__proto__", "x"]])
  })
})

describe("a type that settles a schema", () => {
  const wires: ReadonlyArray<unknown> = [
    true,
    0,
    -0,
    1.5,
    5n,
    "",
    "text",
    "7",
    "9007199254740993",
    "NaN",
    [1],
    { a: 1 }
  ]

  it.each<readonly [string, Schema.Codec<unknown, unknown>, DataType.DataType]>([
    ["String", Schema.String, DataType.string],
    ["Number", Schema.Number, DataType.float32],
    ["Number", Schema.Number, DataType.float64],
    ["BigInt", Schema.BigInt, DataType.int64],
    ["Boolean", Schema.Boolean, DataType.boolean],
    ["NullOr(BigInt)", Schema.NullOr(Schema.BigInt), DataType.int64]
  ])("is such that %s takes all that is read by it, as it is", (_, schema, dataType) => {
    assert.isTrue(isSettled(schema.ast, dataType))
    const read = Values.reader(dataType)
    const values = wires.map(read).filter((value) => !(value instanceof Values.Wrong))
    assert.isAbove(values.length, 0)
    const decode = Schema.decodeUnknownSync(schema)
    for (const value of values) assert.deepStrictEqual(decode(value), value)
  })

  it.each<readonly [string, Schema.Codec<unknown, unknown>, DataType.DataType]>([
    ["another type", Schema.String, DataType.int64],
    ["checks", Schema.Number.check(Schema.isInt()), DataType.float64],
    ["a transformation", FeatureValue.SafeInt, DataType.int64],
    ["a list, which may hold null", Schema.Array(Schema.Number), DataType.array(DataType.float64)],
    ["one of several", Schema.Union([Schema.String, Schema.String], { mode: "oneOf" }), DataType.string],
    [
      "a union with a check, which may come first",
      Schema.Union([Schema.NonEmptyString, Schema.String]),
      DataType.string
    ]
  ])("is not there for %s", (_, schema, dataType) => {
    assert.isFalse(isSettled(schema.ast, dataType))
  })
})

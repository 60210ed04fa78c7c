import * as ExactJson from "@effect-connectors/core/ExactJson"
import * as DataType from "@effect-connectors/tecton/DataType"
import * as FeatureValue from "@effect-connectors/tecton/FeatureValue"
import { Timestamp } from "@effect-connectors/tecton/Timestamp"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { typed } from "./support/types.ts"

const { array, boolean, float32, float64, int64, map, string, struct, timestamp } = DataType

/** The text of a time, written without what is tested. */
const rfc3339 = (nanos: bigint): string => {
  const below = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  const seconds = (nanos - below) / 1_000_000_000n
  const digits = String(below).padStart(9, "0")
  const fraction =
    below === 0n
      ? ""
      : `.${below % 1_000_000n === 0n ? digits.slice(0, 3) : below % 1000n === 0n ? digits.slice(0, 6) : digits}`
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${fraction}Z`
}

const number = (value: number): string =>
  Number.isNaN(value) ? `"NaN"` : !Number.isFinite(value) ? `"${value}"` : Object.is(value, -0) ? "-0.0" : String(value)

/** A value as the feature server writes it (facts 1.6), written without what is tested. */
const encode = (dataType: DataType.DataType, value: FeatureValue.FeatureValue | undefined): string => {
  if (value === null || value === undefined) return "null"
  switch (dataType.type) {
    case "int64":
      assert(typeof value === "bigint")
      return `"${value}"`
    case "float32":
    case "float64":
      return number(Number(value))
    case "timestamp":
      assert(value instanceof Timestamp)
      return `"${rfc3339(value.epochNanoseconds)}"`
    case "array":
      assert(Array.isArray(value))
      return `[${value.map((element) => encode(dataType.elementType, element)).join(",")}]`
    case "struct": {
      const fields = new Map(Object.entries(value))
      return `[${dataType.fields.map((field) => encode(field.dataType, fields.get(field.name))).join(",")}]`
    }
    case "map":
      return `{${Object.entries(value)
        .map(([name, part]) => `${JSON.stringify(name)}:${encode(dataType.valueType, part)}`)
        .join(",")}}`
    default:
      return JSON.stringify(value)
  }
}

const read = (dataType: DataType.DataType, json: string) => FeatureValue.decode(dataType, ExactJson.parse(json))

describe("decode", () => {
  it.prop(
    "reads every value of every type as the server writes it",
    [typed],
    ([[dataType, value]]) => {
      assert.deepStrictEqual(read(dataType, encode(dataType, value)), Result.succeed(value))
    },
    { arbitrary: { runs: 500 } }
  )

  const valid: ReadonlyArray<readonly [DataType.DataType, string, FeatureValue.FeatureValue]> = [
    [int64, `"9223372036854775807"`, 2n ** 63n - 1n],
    [int64, `"-9223372036854775808"`, -(2n ** 63n)],
    [int64, `"9007199254740993"`, 9_007_199_254_740_993n],
    [int64, "9223372036854775807", 2n ** 63n - 1n],
    [int64, "-9223372036854775808", -(2n ** 63n)],
    [int64, "9007199254740993", 9_007_199_254_740_993n],
    [int64, "24", 24n],
    [int64, "0", 0n],
    [int64, `"-0"`, 0n],
    [float64, `"NaN"`, NaN],
    [float64, `"Infinity"`, Infinity],
    [float32, `"-Infinity"`, -Infinity],
    [float64, "0", 0],
    [float64, "1", 1],
    [float64, "9007199254740993", 9_007_199_254_740_992],
    [float64, "1e300", 1e300],
    [float64, `"-1.5e-3"`, -0.0015],
    [string, `"NaN"`, "NaN"],
    [string, `""`, ""],
    [boolean, "false", false],
    [array(int64), "[]", []],
    [array(int64), "null", null],
    [array(int64), `["1",null,"2"]`, [1n, null, 2n]],
    [array(float64), `["NaN",1,"Infinity",null,"-Infinity",0]`, [NaN, 1, Infinity, null, -Infinity, 0]],
    [array(array(int64)), `[["123",null],null,[]]`, [[123n, null], null, []]],
    [struct({ a: int64, b: string }), `["1","1"]`, { a: 1n, b: "1" }],
    [struct({ a: int64, b: string }), "[null,null]", { a: null, b: null }],
    [struct({ a: int64, b: string }), "null", null],
    [
      array(struct({ s: string, f: float64 })),
      `[["2.46",2.46],[null,null],null]`,
      [{ s: "2.46", f: 2.46 }, { s: null, f: null }, null]
    ],
    [
      map(struct({ n: int64 })),
      `{"a":["9007199254740993"],"b":null,"c":[null]}`,
      { a: { n: 9_007_199_254_740_993n }, b: null, c: { n: null } }
    ],
    [map(int64), "{}", {}],
    [map(int64), `{"this":"123"}`, { this: 123n }],
    [map(map(boolean)), `{"a":{"b":true},"c":{}}`, { a: { b: true }, c: {} }],
    [struct({}), "[]", {}],
    [{ type: "unsupported", name: "tensor" }, "null", null]
  ]
  it.each(valid)("%j %s", (dataType, json, value) => {
    assert.deepStrictEqual(read(dataType, json), Result.succeed(value))
  })

  it("a key called __proto__ is a key", () => {
    const value = Result.getOrThrow(read(map(int64), `{"__proto__":"1","a":"2"}`))
    assert(typeof value === "object" && value !== null)
    assert.deepStrictEqual(Object.entries(value), [
      ["__proto__", 1n],
      ["a", 2n]
    ])
    assert.strictEqual(Object.getPrototypeOf(value), Object.prototype)
  })

  it("what is not there is null", () => {
    assert.deepStrictEqual(FeatureValue.decode(int64, undefined), Result.succeed(null))
  })

  const wrong: ReadonlyArray<readonly [DataType.DataType, string, path: string, issue: string]> = [
    [int64, "1.5", "", "is 1.5 and not an int64"],
    [int64, `"abc"`, "", `is "abc" and not an int64`],
    [int64, `""`, "", `is "" and not an int64`],
    [int64, `"1.0"`, "", `is "1.0" and not an int64`],
    [int64, `" 1"`, "", `is " 1" and not an int64`],
    [int64, `"0x10"`, "", `is "0x10" and not an int64`],
    [int64, `"9223372036854775808"`, "", `is "9223372036854775808" and not an int64`],
    [int64, "-9223372036854775809", "", "is -9223372036854775809 and not an int64"],
    [int64, "1e300", "", "is 1e+300 and not an int64"],
    // It has the form of a double, which may have lost digits.
    [int64, "1e18", "", "is 1000000000000000000 and not an int64"],
    [int64, "true", "", "is true and not an int64"],
    [float64, `"nan"`, "", `is "nan" and not a number`],
    [float64, `""`, "", `is "" and not a number`],
    [float64, "[1]", "", "is a list of 1 and not a number"],
    [string, "1", "", "is 1 and not a string"],
    [string, "{}", "", "is an object and not a string"],
    [boolean, `"true"`, "", `is "true" and not a boolean`],
    [timestamp, `"yesterday"`, "", `is "yesterday" and not a timestamp`],
    [timestamp, "0", "", "is 0 and not a timestamp"],
    [array(int64), `["1","x"]`, "[1]", `is "x" and not an int64`],
    [array(int64), `{"0":"1"}`, "", "is an object and not a list"],
    [array(array(int64)), "[[],[1,2.5]]", "[1][1]", "is 2.5 and not an int64"],
    [struct({ a: int64, b: string }), `["1"]`, "", "has 1 values and its type has 2 fields"],
    [struct({ a: int64 }), `["1","2"]`, "", "has 2 values and its type has 1 fields"],
    [struct({ a: int64 }), `{"a":"1"}`, "", "is an object and not the list of a struct's values"],
    [struct({ a: map(float64) }), `[{"x":1,"y":"z"}]`, ".a.y", `is "z" and not a number`],
    [map(int64), `["1"]`, "", "is a list of 1 and not an object"],
    [map(int64), `"a"`, "", `is "a" and not an object`],
    [{ type: "unsupported", name: "tensor" }, "1", "", "is of a type this version does not know: tensor"]
  ]
  it.each(wrong)("%j %s is none", (dataType, json, path, issue) => {
    const decoded = read(dataType, json)
    assert(Result.isFailure(decoded))
    assert.include(decoded.failure, { path, issue })
  })

  it("shows only the head of a long text", () => {
    const decoded = read(int64, JSON.stringify("x".repeat(100_000)))
    assert(Result.isFailure(decoded))
    assert.isBelow(decoded.failure.issue.length, 120)
  })
})

describe("SafeInt", () => {
  const decode = Schema.decodeUnknownResult(FeatureValue.SafeInt)

  it("is the number of a small int64, both ways", () => {
    assert.deepStrictEqual(decode(-7n), Result.succeed(-7))
    assert.deepStrictEqual(decode(9_007_199_254_740_991n), Result.succeed(Number.MAX_SAFE_INTEGER))
    assert.deepStrictEqual(Schema.encodeSync(FeatureValue.SafeInt)(-7), -7n)
  })

  it("refuses one that would be rounded", () => {
    const decoded = decode(9_007_199_254_740_993n)
    assert(Result.isFailure(decoded))
    assert.include(decoded.failure.message, "is 9007199254740993, which no number holds exactly; use Schema.BigInt")
  })
})

describe("Floats", () => {
  const decode = Schema.decodeUnknownResult(FeatureValue.Floats)

  it("takes numbers of any kind, and nothing else", () => {
    const numbers = [1, -0, NaN, Infinity]
    assert.strictEqual(Result.getOrThrow(decode(numbers)), numbers)
    for (const other of [[1, null], ["1"], [1n], "1", null]) {
      const decoded = decode(other)
      assert(Result.isFailure(decoded))
      assert.include(decoded.failure.message, "an array of numbers without null")
    }
  })

  it("is what a list of numbers is on the wire, without a copy", () => {
    const wire = [0.1, 0.2]
    assert.strictEqual(Result.getOrThrow(FeatureValue.decode(array(float32), wire)), wire)
    assert.deepStrictEqual(Result.getOrThrow(FeatureValue.decode(array(float32), [0.1, "NaN", null])), [0.1, NaN, null])
  })
})

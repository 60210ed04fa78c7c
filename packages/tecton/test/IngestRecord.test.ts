import * as IngestRecord from "@effect-connectors/tecton/IngestRecord"
import { Timestamp } from "@effect-connectors/tecton/Timestamp"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const large = 9_007_199_254_740_993n

const jsonOf = (record: IngestRecord.IngestRecord, largeInt64?: "refuse" | "number" | "string") =>
  Result.map(IngestRecord.encode(record, largeInt64), ({ json }) => json)

const refusal = (record: IngestRecord.IngestRecord, largeInt64?: "refuse" | "number" | "string") => {
  const encoded = IngestRecord.encode(record, largeInt64)
  assert(Result.isFailure(encoded))
  assert.strictEqual(encoded.failure._tag, "InvalidRecord")
  return `${encoded.failure.field} ${encoded.failure.issue}`
}

describe("encode", () => {
  it("wraps the record and writes each type in its form", () => {
    const record = {
      user_id: "é",
      clicked: 1,
      count: 7n,
      score: 0.5,
      ratio: NaN,
      high: Infinity,
      low: -Infinity,
      ok: true,
      none: null,
      skipped: undefined,
      at: new Timestamp({ epochNanoseconds: 1_672_619_106_123_456_789n }),
      tags: ["a", null],
      position: { lat: 1.5, lon: 2n },
      counts: { a: 1, "b c": 2n }
    }
    assert.deepStrictEqual(
      jsonOf(record),
      Result.succeed(
        `{"record":{"user_id":"é","clicked":1,"count":7,"score":0.5,"ratio":"NaN","high":"Infinity","low":"-Infinity",` +
          `"ok":true,"none":null,"at":"2023-01-02T00:25:06.123456789Z","tags":["a",null],` +
          `"position":{"lat":1.5,"lon":2},"counts":{"a":1,"b c":2}}}`
      )
    )
  })

  it.prop(
    "counts its bytes and the separator",
    [Arbitrary.schema(Schema.Record(Schema.String, Schema.String))],
    ([record]) => {
      const { bytes, json } = Result.getOrThrow(IngestRecord.encode(record))
      assert.strictEqual(bytes, Buffer.byteLength(json) + 1)
      assert.deepStrictEqual(JSON.parse(json), { record })
    }
  )

  it("an int64 beyond 2^53 is refused by its field, unless its form is chosen", () => {
    const text = "holds 9007199254740993, an int64 beyond 2^53, whose digits Tecton may lose; see the option largeInt64"
    assert.strictEqual(refusal({ a: 1n, b: large }), `b ${text}`)
    assert.strictEqual(refusal({ a: { c: [1n, { d: large }] } }, "refuse"), `a ${text}`)
    assert.deepStrictEqual(
      jsonOf({ a: large, b: [-large] }, "number"),
      Result.succeed(`{"record":{"a":${large},"b":[-${large}]}}`)
    )
    assert.deepStrictEqual(jsonOf({ a: large, b: 1n }, "string"), Result.succeed(`{"record":{"a":"${large}","b":1}}`))
    assert.deepStrictEqual(jsonOf({ a: 9_007_199_254_740_991n }), Result.succeed(`{"record":{"a":9007199254740991}}`))
    assert.deepStrictEqual(
      jsonOf({ a: 2n ** 63n - 1n, b: -(2n ** 63n) }, "number"),
      Result.succeed(`{"record":{"a":9223372036854775807,"b":-9223372036854775808}}`)
    )
  })

  it("an int64 beyond 2^53 is found and written at any depth", () => {
    const nested = { a: 1, deep: { list: [null, { map: { n: large } }] } }
    const text = "holds 9007199254740993, an int64 beyond 2^53, whose digits Tecton may lose; see the option largeInt64"
    assert.strictEqual(refusal(nested), `deep ${text}`)
    const written = (n: string) => Result.succeed(`{"record":{"a":1,"deep":{"list":[null,{"map":{"n":${n}}}]}}}`)
    assert.deepStrictEqual(jsonOf(nested, "number"), written(`${large}`))
    assert.deepStrictEqual(jsonOf(nested, "string"), written(`"${large}"`))
  })

  it("-0 is 0, and the hole of a list is no value", () => {
    assert.deepStrictEqual(jsonOf({ a: -0, b: [-0, 1n] }), Result.succeed(`{"record":{"a":0,"b":[0,1]}}`))
    for (const value of [3, 3n]) {
      const list: Array<number | bigint> = [1]
      list[2] = value
      assert.strictEqual(refusal({ ok: 1, list }), "list holds a value that is undefined")
    }
  })

  it("what has no form is named by its field", () => {
    assert.strictEqual(refusal({ a: 1, b: 2n ** 63n }, "number"), "b is 9223372036854775808, which is no int64")
    assert.strictEqual(refusal(JSON.parse("[]")), "record is not an object")
    assert.strictEqual(refusal(JSON.parse("null")), "record is not an object")
    assert.strictEqual(refusal(JSON.parse(`"a"`)), "record is not an object")
    assert.strictEqual(
      refusal({ at: new Timestamp({ epochNanoseconds: 10n ** 30n }) }),
      "at is a timestamp outside the years 1 to 9999"
    )
    const circular: { [field: string]: IngestRecord.IngestRecord } = {}
    circular["self"] = circular
    assert.match(refusal(circular), /^self .*is nested more than 100 levels deep$/)
  })

  it("a field called __proto__ or toJSON is a field", () => {
    const record: IngestRecord.IngestRecord = JSON.parse(`{"__proto__":1,"toJSON":"x"}`)
    assert.deepStrictEqual(jsonOf(record), Result.succeed(`{"record":{"__proto__":1,"toJSON":"x"}}`))
    const inside: IngestRecord.IngestRecord = { n: large, in: JSON.parse(`{"__proto__":{"a":1}}`) }
    assert.deepStrictEqual(
      jsonOf(inside, "number"),
      Result.succeed(`{"record":{"n":${large},"in":{"__proto__":{"a":1}}}}`)
    )
  })
})

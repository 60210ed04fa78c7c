import * as ExactJson from "@effect-connectors/core/ExactJson"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

describe("ExactJson", () => {
  it("reads whole numbers beyond 2^53 as bigint, and everything else as JSON.parse does", () => {
    assert.deepStrictEqual(ExactJson.parse('{"a":9007199254740993,"b":[-9223372036854775808],"c":9007199254740991}'), {
      a: 9007199254740993n,
      b: [-9223372036854775808n],
      c: 9007199254740991
    })
    assert.deepStrictEqual(ExactJson.parse("12345678901234567890"), 12345678901234567890n)
    const floats = "[1234567890123456789.5,1e300,0.1234567890123456789]"
    assert.deepStrictEqual(ExactJson.parse(floats), JSON.parse(floats))
    assert.deepStrictEqual(ExactJson.parse('["1234567890123456789"]'), ["1234567890123456789"])
    assert.throws(() => ExactJson.parse("{"), SyntaxError)
  })

  it("writes a bigint with all its digits, and what JSON.stringify leaves out it leaves out", () => {
    assert.strictEqual(
      ExactJson.stringify({ a: 9007199254740993n, b: undefined, c: [undefined, 1n, null], d: { toJSON: () => "x" } }),
      '{"a":9007199254740993,"c":[null,1,null],"d":"x"}'
    )
    assert.strictEqual(ExactJson.stringify(undefined), "null")
    // oxlint-disable-next-line no-sparse-arrays
    assert.strictEqual(ExactJson.stringify([1, , 3n]), "[1,null,3]")
    assert.strictEqual(JSON.stringify([ExactJson.digits(2n ** 63n)]), "[9223372036854775808]")
    assert.strictEqual(ExactJson.stringify([ExactJson.digits(-(2n ** 63n)), -1n]), "[-9223372036854775808,-1]")
  })

  it("writes and reads a bigint at any depth, -0 as 0, and __proto__ as any field", () => {
    const large = 2n ** 63n - 1n
    assert.strictEqual(ExactJson.stringify({ a: [{ b: [[large]] }], z: -0 }), `{"a":[{"b":[[${large}]]}],"z":0}`)
    const text = `{"__proto__":${large},"a":{"__proto__":[${large}]}}`
    assert.strictEqual(ExactJson.stringify(ExactJson.parse(text)), text)
    assert.deepStrictEqual(ExactJson.parse(`[-0,{"a":[[${large}]]}]`), [-0, { a: [[large]] }])
  })

  it.prop("writes JSON as JSON.stringify does", [Arbitrary.schema(Schema.Json)], ([value]) => {
    assert.strictEqual(ExactJson.stringify(value), JSON.stringify(value))
  })
})

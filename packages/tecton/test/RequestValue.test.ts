import type { ContextValue } from "@effect-connectors/tecton/TectonClient"
import { checkJoinKey, checkValue, joinKey, wireFields, wireValue } from "@effect-connectors/tecton/RequestValue"
import { Timestamp } from "@effect-connectors/tecton/Timestamp"
import { assert, describe, it } from "@effect/vitest"

const at = (epochNanoseconds: bigint) => new Timestamp({ epochNanoseconds })

describe("join keys", () => {
  it.each([
    ["u1", "u1"],
    [7, "7"],
    [-9_007_199_254_740_991, "-9007199254740991"],
    [9_223_372_036_854_775_807n, "9223372036854775807"],
    [null, null]
  ] as const)("%s goes out as %s", (value, wire) => {
    assert.strictEqual(checkJoinKey(value), undefined)
    assert.strictEqual(joinKey(value), wire)
  })

  it.each([
    ["", "is empty"],
    [1.5, "is 1.5; a number has to be whole and below 2^53, else a bigint"],
    [2 ** 53, "is 9007199254740992; a number has to be whole and below 2^53, else a bigint"],
    [NaN, "is NaN; a number has to be whole and below 2^53, else a bigint"],
    [2n ** 63n, "is 9223372036854775808, which is no int64"],
    [true, "is a boolean; a join key is a string, a whole number or null"],
    [undefined, "is undefined; a join key is a string, a whole number or null"],
    [[1], "is an object of Array; a join key is a string, a whole number or null"],
    [at(1n), "is an object of Timestamp; a join key is a string, a whole number or null"],
    [{ constructor: null }, "is an object; a join key is a string, a whole number or null"]
  ])("%s is refused", (value, issue) => {
    assert.strictEqual(checkJoinKey(value), issue)
  })
})

describe("values", () => {
  const good: ReadonlyArray<readonly [ContextValue, unknown]> = [
    [null, null],
    ["", ""],
    [true, true],
    [1.5, 1.5],
    [NaN, "NaN"],
    [Infinity, "Infinity"],
    [-Infinity, "-Infinity"],
    [0, 0],
    [5n, "5"],
    [-9_223_372_036_854_775_808n, "-9223372036854775808"],
    [at(1_672_619_106_123_456_789n), "2023-01-02T00:25:06.123456789Z"],
    [
      [1, 2n, null, [NaN]],
      [1, "2", null, ["NaN"]]
    ],
    [
      { a: 1n, b: { c: [at(0n)] } },
      { a: "1", b: { c: ["1970-01-01T00:00:00Z"] } }
    ],
    [{ a: undefined, b: null }, { b: null }],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }]
  ]
  it.each(good)("%# %s", (value, wire) => {
    assert.strictEqual(checkValue(value), undefined)
    assert.deepStrictEqual(wireValue(value), wire)
  })

  class Point {
    readonly x = 1
  }
  it.each([
    [undefined, "is undefined"],
    [2n ** 63n, "is 9223372036854775808, which is no int64"],
    [() => 1, "is a function"],
    [Symbol("a"), "is a symbol"],
    [new Point(), "is an object of Point"],
    [new Date(0), "is an object of Date"],
    [new Map(), "is an object of Map"],
    [Float32Array.of(1), "is an object of Float32Array"],
    [Object.create(Object.create(null)), "is an object"],
    [at(10n ** 30n), "is a timestamp outside the years 1 to 9999"],
    [[1, undefined], "holds a value that is undefined"],
    [{ a: { b: [Symbol("x")] } }, `has a field "a" that has a field "b" that holds a value that is a symbol`]
  ])("%# is refused", (value, issue) => {
    assert.strictEqual(checkValue(value), issue)
  })

  it("what is nested too deeply, or in itself, is refused", () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
    assert.strictEqual(checkValue(nested(100)), undefined)
    assert.match(checkValue(nested(101)) ?? "", /is nested more than 100 levels deep$/)
    const self: { [name: string]: unknown } = {}
    self["a"] = self
    self["b"] = self
    assert.match(checkValue(self) ?? "", /is nested more than 100 levels deep$/)
  })

  it("a field called __proto__ is sent", () => {
    const fields: { readonly [name: string]: string } = JSON.parse(`{"__proto__":"x","a":"y"}`)
    assert.strictEqual(JSON.stringify(wireFields(fields, (text) => text)), `{"__proto__":"x","a":"y"}`)
  })
})

import * as DataType from "@effect-connectors/tecton/DataType"
import { assert, describe, it } from "@effect/vitest"
import { types } from "./support/types.ts"

const { array, boolean, float32, float64, int64, map, string, struct, timestamp } = DataType

const rows: ReadonlyArray<readonly [DataType.DataType, string, unknown]> = [
  [boolean, "boolean", { type: "boolean" }],
  [int64, "int64", { type: "int64" }],
  [float32, "float32", { type: "float32" }],
  [float64, "float64", { type: "float64" }],
  [string, "string", { type: "string" }],
  [timestamp, "timestamp", { type: "timestamp" }],
  [
    array(array(int64)),
    "array<array<int64>>",
    { type: "array", elementType: { type: "array", elementType: { type: "int64" } } }
  ],
  [map(float32), "map<string, float32>", { type: "map", keyType: { type: "string" }, valueType: { type: "float32" } }],
  [
    struct({ z: string, a: array(boolean) }),
    "struct<z: string, a: array<boolean>>",
    {
      type: "struct",
      fields: [
        { name: "z", dataType: { type: "string" } },
        { name: "a", dataType: { type: "array", elementType: { type: "boolean" } } }
      ]
    }
  ],
  [struct({}), "struct<>", { type: "struct", fields: [] }],
  [{ type: "unsupported", name: "tensor" }, "tensor", { type: "tensor" }]
]

describe("DataType", () => {
  it.each(rows)("%# %j", (dataType, text, wire) => {
    assert.strictEqual(DataType.format(dataType), text)
    assert.deepStrictEqual(DataType.toWire(dataType), wire)
    assert.deepStrictEqual(DataType.fromWire(wire), dataType)
  })

  it.prop("goes to the wire and back", [types], ([dataType]) => {
    assert.deepStrictEqual(DataType.fromWire(JSON.parse(JSON.stringify(DataType.toWire(dataType)))), dataType)
  })

  it("the names that older replies have", () => {
    assert.deepStrictEqual(DataType.fromWire({ type: "string_array" }), array(string))
    assert.deepStrictEqual(DataType.fromWire({ type: "missing_type" }), { type: "unsupported", name: "missing_type" })
    assert.deepStrictEqual(DataType.fromWire({ type: "struct" }), struct({}))
  })

  it.each([null, undefined, 1, "int64", [], {}, { type: 1 }, { type: null }])("%j has no name", (wire) => {
    assert.deepStrictEqual(DataType.fromWire(wire), { type: "unsupported", name: "a type without a name" })
  })

  it("what is wrong inside does not spoil the rest", () => {
    const wire = { type: "struct", fields: [{ name: "a", dataType: { type: "int64" } }, { dataType: {} }, 3] }
    assert.strictEqual(
      DataType.format(DataType.fromWire(wire)),
      "struct<a: int64, : a field without a name, : a field without a name>"
    )
    assert.strictEqual(DataType.format(DataType.fromWire({ type: "array" })), "array<a type without a name>")
    assert.strictEqual(DataType.format(DataType.fromWire({ type: "map" })), "map<string, a type without a name>")
    assert.strictEqual(DataType.format(DataType.fromWire({ type: "struct", fields: "x" })), "struct<>")
  })

  it("reads 100 levels, as protobuf does, and survives more", () => {
    const nested = (levels: number) => {
      let wire: unknown = { type: "int64" }
      for (let i = 1; i < levels; i++) wire = { type: "array", elementType: wire }
      return DataType.format(DataType.fromWire(wire))
    }
    assert.include(nested(100), "<int64>")
    assert.include(nested(101), "<a type nested too deeply>")
    assert.include(nested(200_000), "<a type nested too deeply>")
  })

  it("the order of fields is part of a struct, and names are", () => {
    const one = struct({ a: int64, b: string })
    assert.isTrue(DataType.equals(one, struct({ a: int64, b: string })))
    assert.isFalse(DataType.equals(one, struct({ b: string, a: int64 })))
    assert.isFalse(DataType.equals(one, struct({ a: int64, c: string })))
    assert.isFalse(DataType.equals(float32, float64))
  })
})

import { assert, describe, it } from "@effect/vitest"
import { envelopeSize, recordSize } from "../src/internal/wireSize.ts"

/** Tag, length in one byte, content: what every field here takes. */
const field = (length: number) => 2 + length

describe("protobuf size", () => {
  it("of an id alone", () => {
    assert.strictEqual(recordSize({ id: "abc" }), field(field(3)))
  })

  it("of dense values: four bytes each, a length of two bytes from 128 on", () => {
    assert.strictEqual(recordSize({ id: "a", values: [1, 2] }), field(field(1) + field(8)))
    assert.strictEqual(recordSize({ id: "a", values: new Float32Array(32) }), 1 + 2 + field(1) + (1 + 2 + 128))
    assert.strictEqual(recordSize({ id: "a", values: [] }), field(field(1)))
  })

  it("of sparse values: positions take one to five bytes", () => {
    const indices = [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455, 268_435_456, 4_294_967_295]
    const sparse = field(1 + 1 + 2 + 2 + 3 + 3 + 4 + 4 + 5 + 5) + field(40)
    assert.strictEqual(
      recordSize({ id: "a", sparseValues: { indices, values: indices.map(() => 1) } }),
      field(field(1) + field(sparse))
    )
  })

  it("of metadata: a struct of text, doubles, booleans and lists", () => {
    const entry = (key: number, value: number) => field(field(key) + field(value))
    const metadata = { title: "caf\u00e9", year: 1, old: false, tags: ["a", "bc"] }
    const list = field(field(field(1)) + field(field(2)))
    assert.strictEqual(
      recordSize({ id: "a", metadata }),
      field(field(1) + field(entry(5, field(5)) + entry(4, 9) + entry(3, 2) + entry(4, list)))
    )
    assert.strictEqual(recordSize({ id: "a", metadata: {} }), field(field(1) + field(0)))
  })

  it("of the namespace beside the records", () => {
    assert.strictEqual(envelopeSize("__default__"), field(11))
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { toBytes } from "../src/internal/float32Json.ts"
import { JsonRecord, queryBody, updateBody, upsertBody } from "../src/internal/jsonRecord.ts"
import type { Values } from "../src/VectorRecord.ts"

const textOf = (values: Values): string => Buffer.from(toBytes([values])).toString("latin1")

/** Numbers as JSON has them, of at most 9 digits that count; the digits behind a point do not end in a zero. */
const number = /^-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?(?:e-?[1-9]\d*)?$/
const countingDigits = (text: string): number => text.replace(/e.*$|[-.]/g, "").replace(/^0+/, "").length

/** The first number that does not read as itself; zeros have their signs. */
const changed = (values: Float32Array, text: string): string | undefined => {
  const parsed: ReadonlyArray<number> = JSON.parse(text)
  if (parsed.length !== values.length) return `${parsed.length} numbers`
  const at = values.findIndex((value, i) => !Object.is(Math.fround(parsed[i]!), value))
  return at < 0 ? undefined : `${values[at]} was written as ${parsed[at]}`
}

/** The first number that has no good form. */
const malformed = (text: string): string | undefined =>
  text
    .slice(1, -1)
    .split(",")
    .find((one) => !number.test(one) || countingDigits(one) > 9)

const ofBits = (count: number, bitsOf: (i: number) => number): Float32Array => {
  const bits = Uint32Array.from({ length: count }, (_, i) => bitsOf(i))
  return new Float32Array(bits.buffer)
}

const isFinite32 = (x: number): boolean => Number.isFinite(x)

describe("float32Json", () => {
  it("writes few digits", () => {
    const written: ReadonlyArray<readonly [number, string]> = [
      [0, "0"],
      [-0, "-0"],
      [1, "1"],
      [-1, "-1"],
      [0.1, "0.1"],
      [-0.5, "-0.5"],
      [1 / 3, "0.33333334"],
      [2 / 3, "0.6666667"],
      [0.001, "0.001"],
      [0.000001, "0.000001"],
      [0.0000012345678, "0.0000012345678"],
      [1e-7, "1e-7"],
      [1.5e-8, "1.5e-8"],
      [1e-10, "1e-10"],
      [9.9999999, "10"],
      [12.5, "12.5"],
      [100, "100"],
      [120.25, "120.25"],
      [16_777_216, "16777216"],
      [123_456_792, "123456790"],
      [1e9, "1e9"],
      [1e10, "1e10"],
      [-1.5e20, "-1.5e20"],
      [3.4028234663852886e38, "3.4028235e38"],
      [1.1754943508222875e-38, "1.17549435e-38"],
      [1.401298464324817e-45, "1.40129846e-45"]
    ]
    for (const [value, text] of written) assert.strictEqual(textOf([value]), `[${text}]`)
    assert.strictEqual(textOf(written.map(([value]) => value)), `[${written.map(([, text]) => text).join(",")}]`)
    assert.strictEqual(textOf([]), "[]")
    assert.strictEqual(textOf(new Float32Array(0)), "[]")
  })

  it("numbers at the borders of exponents, powers of ten and subnormals read as the same float32", () => {
    const near: Array<number> = [0, 0x80000000]
    const around = (x: number) => {
      const bits = new Uint32Array(Float32Array.of(x).buffer)[0]!
      for (let d = -3; d <= 3; d++) near.push((bits + d) >>> 0, ((bits + d) ^ 0x80000000) >>> 0)
    }
    for (let exponent = -149; exponent <= 127; exponent++) around(2 ** exponent)
    for (let exponent = -44; exponent <= 38; exponent++) around(Number(`1e${exponent}`))
    for (let digits = 1; digits <= 9; digits++) around(10 ** digits - 1)
    for (let bits = 1; bits < 3000; bits++) near.push(bits)
    const values = ofBits(near.length, (i) => near[i]!).filter(isFinite32)
    assert.isAbove(values.length, 8000)
    const text = textOf(values)
    assert.isUndefined(changed(values, text))
    assert.isUndefined(malformed(text))
  })

  // The step is odd, so it visits the whole of an exponent.
  it.each([
    -127, -126, -90, -50, -27, -24, -20, -14, -10, -7, -6, -5, -4, -3, -2, -1, 0, 1, 3, 6, 10, 20, 29, 30, 60, 100, 127
  ])("of 2^%i and up", (exponent) => {
    const values = ofBits(60_000, (i) => (((exponent + 127) << 23) | ((i * 8_388_593) & 0x7fffff)) >>> 0)
    const text = textOf(values)
    assert.isUndefined(changed(values, text))
    assert.isUndefined(malformed(text))
  })

  it.prop(
    "any float32 reads as itself",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff })))],
    ([words]) => {
      const values = ofBits(words.length, (i) => words[i]!).filter(isFinite32)
      assert.isUndefined(changed(values, textOf(values)))
    },
    { arbitrary: { runs: 1000 } }
  )

  it("numbers that are no float32 are those the service would make of them", () => {
    const values = Array.from({ length: 5000 }, (_, i) => Math.sin(i) * 10 ** ((i % 20) - 10))
    assert.isUndefined(changed(Float32Array.from(values), textOf(values)))
    assert.strictEqual(textOf(values), textOf(Float32Array.from(values)))
    assert.strictEqual(textOf([0.1 + 0.2]), "[0.3]")
  })

  it("what JSON has no number for is null", () => {
    assert.strictEqual(textOf([NaN, Infinity, -Infinity, 1e39, 2]), "[null,null,null,null,2]")
  })

  it("a long vector is written as a short one", () => {
    const values = Float32Array.from({ length: 20_000 }, (_, i) => Math.cos(i) / 3)
    const halves = [values.slice(0, 777), values.slice(777)].map((half) => textOf(half).slice(1, -1))
    assert.strictEqual(textOf(values), `[${halves.join(",")}]`)
  })

  it("text stands as it is", () => {
    const long = "é\u{1f600}\ud800".repeat(60_000)
    assert.strictEqual(
      Buffer.from(toBytes(["{", JSON.stringify(long), ":", [1, 2], "}"])).toString(),
      `{${JSON.stringify(long)}:[1,2]}`
    )
  })
})

describe("bodies", () => {
  const parsed = (body: string | Uint8Array) => JSON.parse(Buffer.from(body).toString())
  const dense = Float32Array.of(0.5, -0, 1e-9)
  const sparse = { indices: Uint32Array.of(7, 4_294_967_295), values: Float32Array.of(0.25, 3) }
  const plain = { indices: [7, 4_294_967_295], values: [0.25, 3] }
  const metadata = { 'a"é': "ü\n", list: ["x"] }

  it("of an upsert", () => {
    const records = [
      new JsonRecord({ id: 'q"é', values: dense, sparseValues: sparse, metadata }),
      new JsonRecord({ id: "b", sparseValues: sparse }),
      new JsonRecord({ id: "c", values: [2] })
    ]
    assert.deepStrictEqual(parsed(upsertBody(records, "naïve")), {
      vectors: [
        { id: 'q"é', values: [0.5, -0, 1e-9], sparseValues: plain, metadata },
        { id: "b", sparseValues: plain },
        { id: "c", values: [2] }
      ],
      namespace: "naïve"
    })
    assert.deepStrictEqual(parsed(upsertBody([], "n")), { vectors: [], namespace: "n" })
  })

  it("of a query", () => {
    assert.deepStrictEqual(
      parsed(queryBody({ topK: 3, vector: dense, sparseVector: sparse, includeValues: true }, "n", { a: { $eq: 1 } })),
      {
        namespace: "n",
        topK: 3,
        filter: { a: { $eq: 1 } },
        includeValues: true,
        vector: [0.5, -0, 1e-9],
        sparseVector: plain
      }
    )
    assert.deepStrictEqual(parsed(queryBody({ topK: 1, id: "a" }, "n", undefined)), {
      namespace: "n",
      topK: 1,
      id: "a"
    })
  })

  it("of an update", () => {
    assert.deepStrictEqual(parsed(updateBody({ id: "a", values: dense, sparseValues: sparse, metadata }, "n")), {
      id: "a",
      values: [0.5, -0, 1e-9],
      sparseValues: plain,
      setMetadata: metadata,
      namespace: "n"
    })
    assert.deepStrictEqual(parsed(updateBody({ id: "a", metadata }, "n")), {
      id: "a",
      setMetadata: metadata,
      namespace: "n"
    })
  })
})

import { short } from "../src/internal/emulator/numbers.ts"
import { assert, describe, it } from "@effect/vitest"

/** The rule as it is written: 6 significant digits if these give the float again, else 9. */
const byTheRule = (value: number): number => {
  const cut = Number(value.toPrecision(6))
  return Math.fround(cut) === value ? cut : Number(value.toPrecision(9))
}

/** Every float32 with these bits below the sign, and its negative. */
const floatOf = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0]!

describe("short", () => {
  it("has the digits of the service's samples", () => {
    assert.deepStrictEqual(
      [0.4, 0.568879, 0.632687092, 0.999999881, 1, -0, 1e-20, 0.1]
        .map(Math.fround)
        .map((value) => String(short(value))),
      ["0.4", "0.568879", "0.632687092", "0.999999881", "1", "0", "1e-20", "0.1"]
    )
  })

  it("follows the rule and gives the float back, over all sizes", () => {
    let checked = 0
    // a prime step over the bits of all finite floats
    for (let bits = 0; bits < 0x7f800000; bits += 4_099) {
      for (const value of [floatOf(bits), -floatOf(bits)]) {
        const printed = short(value)
        if (Math.fround(printed) !== value || Math.abs(printed) !== byTheRule(Math.abs(value))) {
          assert.fail(`${value}: ${printed}, by the rule ${byTheRule(value)}`)
        }
        checked++
      }
    }
    assert.isAbove(checked, 1_000_000)
  })

  it("follows the rule around powers of ten", () => {
    for (let exponent = -45; exponent <= 38; exponent++) {
      const bits = new Uint32Array(Float32Array.of(Number(`1e${exponent}`)).buffer)[0]!
      for (let at = Math.max(0, bits - 20); at <= bits + 20; at++) {
        assert.strictEqual(short(floatOf(at)), byTheRule(floatOf(at)), `${floatOf(at)}`)
      }
    }
  })
})

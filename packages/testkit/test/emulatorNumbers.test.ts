import { short } from "../src/internal/emulator/numbers.ts"
import { assert, describe, it } from "@effect/vitest"

/** The rule as it is written: 6 significant digits if these give the float again, else 9, ties to even. */
const byTheRule = (value: number): number => {
  const cut = Number(value.toPrecision(6))
  if (Math.fround(cut) === value) return cut
  const tie = /5e/.test(value.toExponential(9)) && /^(\d\.\d{7}[02468])50*e(.*)$/.exec(value.toExponential(20))
  return tie ? Number(`${tie[1]}e${tie[2]}`) : Number(value.toPrecision(9))
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

  it("rounds ties of the ninth digit to even, as C's %.9g does", () => {
    for (const [value, printed] of [
      [3.001953125, "3.00195312"],
      [-3.001953125, "-3.00195312"],
      [0.06103515625, "0.0610351562"],
      [0.007568359375, "0.00756835938"],
      [0.4599609375, "0.459960938"],
      [0.7431640625, "0.743164062"],
      [67.89453125, "67.8945312"],
      [84.19921875, "84.1992188"],
      [16717.71875, "16717.7188"],
      [100000.0625, "100000.062"],
      [100000.1875, "100000.188"],
      [1000000.125, "1000000.12"],
      [1000000.375, "1000000.38"]
    ] as const) {
      assert.strictEqual(Math.fround(value), value)
      assert.strictEqual(String(short(value)), printed)
    }
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

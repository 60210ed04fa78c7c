import { assert, describe, it } from "@effect/vitest"
import { median, quantile, ratios, spread } from "../statistics.ts"

describe("statistics", () => {
  it("a quantile lies between neighbours in proportion", () => {
    const values = [40, 10, 30, 20]
    assert.strictEqual(quantile(values, 0), 10)
    assert.strictEqual(quantile(values, 1), 40)
    assert.strictEqual(quantile(values, 0.5), 25)
    assert.closeTo(quantile(values, 0.99), 39.7, 1e-9)
    assert.deepStrictEqual(values, [40, 10, 30, 20])
    assert.isNaN(quantile([], 0.5))
  })

  it("the median of an odd number of values is one of them", () => {
    assert.strictEqual(median([3, 1, 1000]), 3)
  })

  it("a spread has the median and the extremes, to four digits", () => {
    assert.deepStrictEqual(spread([1.23456, 9, 5]), { median: 5, min: 1.235, max: 9 })
    assert.strictEqual(spread([]), undefined)
  })

  it("ratios are of pairs, and of rounds that both have", () => {
    assert.deepStrictEqual(ratios([10, 30, undefined, 8], [5, 10, 4, undefined]), [2, 3])
    // One slow round slows both of its pair: the ratio does not see it.
    assert.deepStrictEqual(spread(ratios([20, 2, 20], [10, 1, 10])), { median: 2, min: 2, max: 2 })
  })
})

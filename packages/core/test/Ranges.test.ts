import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Ranges from "../src/internal/ranges.ts"

const Positions = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })))

describe("ranges", () => {
  it.prop("are the same set, however positions are added", { positions: Positions }, ({ positions }) => {
    const ranges = Ranges.make()
    for (const position of positions) ranges.add(position)
    const set = new Set(positions)
    for (let i = -1; i < 33; i++) assert.strictEqual(ranges.has(i), set.has(i), `${i}`)
    let watermark = 0
    while (set.has(watermark)) watermark++
    assert.strictEqual(ranges.watermark(), watermark)
    // As few ranges as there can be, and such as can be stored.
    const array = ranges.toArray()
    assert.strictEqual(ranges.count(), array.length)
    assert.strictEqual(array.length, [...set].filter((position) => !set.has(position - 1)).length)
    assert.isUndefined(Ranges.issue(array))
    assert.deepStrictEqual(Ranges.make(array).toArray(), array)
  })

  it("that overlap, touch, are empty or out of order are not taken from a ledger", () => {
    for (const wrong of [
      [[0, 0]],
      [[3, 2]],
      [[-1, 2]],
      [
        [0, 3],
        [3, 4]
      ],
      [
        [0, 3],
        [2, 4]
      ],
      [
        [5, 6],
        [0, 1]
      ]
    ] as const) {
      assert.match(Ranges.issue(wrong) ?? "", /must be in order and apart/)
    }
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { TopK } from "../src/internal/topK.ts"

const Scores = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -20, maximum: 20 })))
const Capacity = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))

describe("TopK", () => {
  it.prop(
    "keeps what a sort would put first, ties by the order given",
    { scores: Scores, capacity: Capacity },
    ({ capacity, scores }) => {
      const top = new TopK(capacity, (row, other) => row < other)
      scores.forEach((score, row) => top.offer(score, row))
      const expected = scores
        .map((score, row) => ({ row, score }))
        .sort((a, b) => b.score - a.score || a.row - b.row)
        .slice(0, capacity)
      assert.deepStrictEqual(top.ranked(), expected)
    },
    { arbitrary: { runs: 500, size: 200 } }
  )
})

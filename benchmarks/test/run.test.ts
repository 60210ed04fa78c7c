import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as path from "node:path"
import { ChildEnded } from "../child.ts"
import { run } from "../run.ts"
import { atLeast, type Contender, type Group, isAt, type Settings, type Suite } from "../suite.ts"
import { table } from "../table.ts"

const program = path.join(import.meta.dirname, "programs/counter.ts")

const contender = (name: string, settings: Settings = {}): Contender => ({ name, program, settings })

const server = { program: path.join(import.meta.dirname, "programs/numbered.ts") }

const suiteOf = (groups: ReadonlyArray<Group>): Suite => ({
  name: "test",
  title: "A test",
  method: "Nothing is measured.",
  plan: () => ({
    groups,
    bars: (rows) => [atLeast("runs", 3, rows.find(isAt("second", { factor: 2 }))?.extra?.["runs"]?.median ?? 0)]
  })
})

const twoPoints = [1, 2].map((factor) => ({
  at: { factor },
  amount: ({ name }: Contender) => ({ warmUp: name === "first" ? 5 : 7, timed: 10 * factor })
}))

describe("run", () => {
  it.live("makes a row of each contender at each point, with ratios to the baseline", () =>
    Effect.gen(function* () {
      const groups = [
        {
          label: "one",
          server,
          contenders: [{ ...contender("first"), baseline: true }, contender("second")],
          points: twoPoints
        }
      ]
      const { bars, rows, smoke } = yield* run(suiteOf(groups), { smoke: false, rounds: 2 })
      assert.isFalse(smoke)
      assert.deepStrictEqual(
        rows.map(({ baseline, contender, point, rounds }) => [contender, point["factor"], baseline, rounds]),
        [
          ["first", 1, true, 2],
          ["second", 1, false, 2],
          ["first", 2, true, 2],
          ["second", 2, false, 2]
        ]
      )
      for (const row of rows) {
        const { extra, p50Millis, p99Millis, peakBytes, perSecond, ratio } = row
        assert.strictEqual(extra?.["warmUp"]?.median, row.contender === "first" ? 5 : 7)
        assert.strictEqual(extra?.["runs"]?.median, 2)
        assert.strictEqual(p50Millis?.median, 2)
        assert.strictEqual(p99Millis?.median, 2.98)
        assert.isAbove(perSecond?.median ?? 0, 0)
        assert.isDefined(ratio)
        // The second point's process had the first one before.
        if (row.point["factor"] === 1) assert.isAbove(peakBytes?.median ?? 0, 0)
        else assert.isUndefined(peakBytes)
        if (row.baseline) assert.deepStrictEqual(ratio, { median: 1, min: 1, max: 1 })
      }
      assert.deepStrictEqual(bars, [{ name: "runs", bar: 3, ratio: 2, sense: "atLeast", ok: false }])
    })
  )

  it.live("a server serves the whole suite, a fresh one a single turn", () =>
    Effect.gen(function* () {
      const points = twoPoints.slice(0, 1)
      const groups = [
        { label: "shared", server, contenders: [contender("a"), contender("b")], points },
        { label: "fresh", server: { ...server, fresh: true }, contenders: [contender("c")], points }
      ]
      const { rows } = yield* run(suiteOf(groups), { smoke: false, rounds: 2 })
      const [a, b, c] = rows.map(({ extra }) => extra?.["server"])
      assert.deepStrictEqual(a, b)
      assert.strictEqual(a?.min, a?.max)
      assert.notStrictEqual(c?.min, c?.max)
    })
  )

  it.live("who can not run has a row that says why", () =>
    Effect.gen(function* () {
      const contenders = [{ ...contender("first"), baseline: true }, contender("second", { fails: "says so" })]
      const result = yield* run(suiteOf([{ label: "one", contenders, points: twoPoints }]), { smoke: false, rounds: 1 })
      const row = result.rows[1]
      assert.deepStrictEqual(row, {
        contender: "second",
        point: { factor: 1 },
        baseline: false,
        rounds: 0,
        note: "it was told to"
      })
      assert.include(table(result), "MISSED  runs: 0, at least 3: missed by 3")
      assert.include(table(result), "it was told to")
    })
  )

  it.live("fails when a contender ends", () =>
    Effect.gen(function* () {
      const contenders = [contender("first", { fails: "at once" })]
      const error = yield* Effect.flip(
        run(suiteOf([{ label: "one", contenders, points: twoPoints }]), { smoke: false })
      )
      assert.instanceOf(error, ChildEnded)
      assert.strictEqual(error.status, "3")
    })
  )
})

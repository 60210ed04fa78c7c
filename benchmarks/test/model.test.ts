/** The model of many runners: against what can be worked out by hand, against real runners, and in the guide. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"
import { random } from "../load.ts"
import { readMeasured } from "../model/kept.ts"
import { expected, figures, scenario, usual } from "../model/scenario.ts"
import { type Model, simulate } from "../model/simulate.ts"

const calm: Model = {
  load: { records: 1_000_000, partitions: 100, batch: 100 },
  runners: {
    count: 1,
    concurrency: 4,
    inFlight: 5,
    recordsPerSecond: Infinity,
    lifeSeconds: Infinity,
    restartSeconds: 0
  },
  limits: { callSeconds: 0.5, recordsPerSecond: Infinity },
  engine: {
    shards: 300,
    dispatchedPerSecond: Infinity,
    failoverSeconds: 5,
    transactionsPerSecond: Infinity,
    transactionsPerCall: 1
  }
}

describe("the model of many runners", () => {
  it("takes the time that follows from the calls, the runner, the quota or the storage, whichever is least", () => {
    const seconds = (model: Model) => simulate(model, random(1)).seconds
    // 4 partitions, 5 calls of 100 records in flight of each, half a second a call: 4,000 a second.
    assert.closeTo(seconds(calm), 250, 1)
    const { engine, limits, runners } = calm
    assert.closeTo(seconds({ ...calm, runners: { ...runners, recordsPerSecond: 2_000 } }), 500, 1)
    assert.closeTo(seconds({ ...calm, limits: { ...limits, recordsPerSecond: 1_000 } }), 1_000, 1)
    const storage = { ...engine, transactionsPerSecond: 20, transactionsPerCall: 4 }
    assert.closeTo(seconds({ ...calm, engine: storage }), 2_000, 1)
  })

  it("gets no slower by more runners, and never faster than the quota", () => {
    const of = (runners: number) =>
      simulate(scenario({ ...usual, records: 10_000_000, namespaces: 1, runners }), random(3))
    const seconds = [1, 2, 4, 8, 16].map((runners) => of(runners).seconds)
    assert.deepStrictEqual(
      seconds,
      seconds.toSorted((a, b) => b - a)
    )
    assert.isAtLeast(seconds.at(-1)!, 10_000_000 / (50_000_000 / 1_700))
  })

  it("does all the work when runners die, and some of it twice", () => {
    const dying = { ...calm.runners, count: 4, lifeSeconds: 60, restartSeconds: 20 }
    const { deaths, resent, seconds } = simulate({ ...calm, runners: dying }, random(5))
    assert.isAbove(deaths, 2)
    assert.isAbove(resent, 0)
    assert.isAbove(seconds, simulate({ ...calm, runners: { ...calm.runners, count: 4 } }, random(5)).seconds)
  })

  it("says within a tenth what real runners took", () => {
    const measured = readMeasured()
    const wanted = expected(measured)
    assert.deepStrictEqual(
      measured.rows.map(({ runners }) => runners),
      [1, 2, 4]
    )
    measured.rows.forEach(({ seconds }, i) => assert.closeTo(wanted[i]! / seconds, 1, 0.1))
  })

  it("is in the guide as its command writes it", () => {
    const guide = fs.readFileSync(path.join(import.meta.dirname, "../../docs/cluster.md"), "utf8")
    assert.include(guide, figures(readMeasured()), "run `npm run bench:model -- --write-docs docs/cluster.md` again")
  })
})

/** Every suite runs and makes rows. How fast anything was is not looked at. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Result } from "../result.ts"
import { run } from "../run.ts"
import { suites } from "../suites.ts"
import { table } from "../table.ts"

describe.each(suites)("$name", (suite) => {
  it.live("runs, and its result has the form of results", () =>
    Effect.gen(function* () {
      const result = yield* run(suite, { smoke: true })
      const read = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Result))(JSON.stringify(result))
      assert.strictEqual(read.suite, suite.name)
      assert.isTrue(read.smoke)
      assert.isNotEmpty(read.rows)
      for (const { contender, note, perSecond, rounds } of read.rows) {
        assert.isTrue(perSecond !== undefined || note !== undefined, `${contender} has neither numbers nor a reason`)
        if (perSecond !== undefined) assert.isAtLeast(rounds, 1)
      }
      for (const { contender } of read.rows) assert.include(table(read), contender)
    })
  )
})

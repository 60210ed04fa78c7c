/** The short form of the audit. It judges counts, and neither speed nor memory: other tests run beside it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run } from "../audit.ts"
import { cases } from "../cases.ts"

describe("the audit, in its short form", () => {
  it.live(
    "finds nothing lost, wrong or unexplained",
    () =>
      Effect.map(run({ form: "short", seed: 2026 }), (report) => {
        assert.deepStrictEqual(
          report.cases.map(({ name, problems }) => ({ name, problems })),
          cases.map(({ name }) => ({ name, problems: [] }))
        )
        for (const { lost, name, ok, records, unexplained, wrong } of report.cases) {
          assert.deepInclude({ ok, lost, wrong, unexplained }, { ok: true, lost: 0, wrong: 0, unexplained: 0 }, name)
          assert.isAbove(records, 0, name)
        }
      }),
    300_000
  )
})

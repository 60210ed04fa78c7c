import { FaultPlan } from "@effect-connectors/testkit/FaultPlan"
import * as Plans from "@effect-connectors/testkit/FaultPlan"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const rule: Plans.Rule = { name: "busy", when: Plans.always, fault: Plans.throttle() }

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(FaultPlan), { onExcessProperty: "error" })

/** What is wrong with a plan of one rule like {@link rule}, as JSON. */
const issueOf = (changes: object) =>
  Result.match(decode(JSON.stringify({ rules: [{ ...rule, ...changes }] })), {
    onFailure: (error) => error.message,
    onSuccess: () => "nothing"
  })

describe("FaultPlan", () => {
  it.prop("is the same value as JSON", { plan: FaultPlan }, ({ plan }) => {
    const { rules, seed } = plan
    assert.deepStrictEqual(Result.getOrThrow(decode(JSON.stringify(plan))), JSON.parse(JSON.stringify(plan)))
    assert.deepStrictEqual(Plans.make(rules, { seed }), { rules, seed: seed ?? 0 })
  })

  it("constructors write what a program in another language would", () => {
    const fault = (value: Plans.Fault) => value
    assert.deepStrictEqual(
      [
        Plans.nth(1, 4),
        Plans.every(3),
        Plans.probability(0.25),
        fault(Plans.status(503, { format: "text", message: "no" })),
        fault(Plans.status(429, { retryAfter: "1500 millis", retryAfterAs: "date" })),
        fault(Plans.reset("headers")),
        fault(Plans.stall("2 seconds")),
        fault(Plans.slowBody("1 second", { pieces: 4 })),
        fault(Plans.loseAnswer),
        fault(Plans.truncatedBody)
      ],
      [
        { _tag: "Nth", calls: [1, 4] },
        { _tag: "Every", every: 3 },
        { _tag: "Probability", probability: 0.25 },
        { _tag: "Answer", status: 503, format: "text", message: "no" },
        { _tag: "Answer", status: 429, retryAfter: 2, retryAfterAs: "date" },
        { _tag: "Reset", at: "headers" },
        { _tag: "Stall", millis: 2_000 },
        { _tag: "SlowBody", millis: 1_000, pieces: 4 },
        { _tag: "LoseAnswer" },
        { _tag: "TruncatedBody" }
      ]
    )
    assert.include(Plans.monthlyQuota("write").message, "You've reached your write unit limit for the current month.")
  })

  it("make refuses what no emulator could do", () => {
    assert.throws(() => Plans.make([rule, rule]), /two rules named busy/)
    assert.throws(() => Plans.make([{ ...rule, when: Plans.every(0) }]), /every/)
    assert.throws(() => Plans.make([{ ...rule, when: Plans.probability(1.1) }]), /probability/)
    for (const status of [200, 399, 600, 429.5]) {
      assert.throws(() => Plans.make([{ ...rule, fault: Plans.status(status) }]), /status/)
    }
    for (const status of [400, 599]) Plans.make([{ ...rule, fault: Plans.status(status) }])
    assert.throws(() => Plans.make([{ ...rule, fault: Plans.stall("25 hours") }]), /millis/)
  })

  it("says where a plan from outside is wrong", () => {
    assert.strictEqual(issueOf({}), "nothing")
    assert.include(issueOf({ operation: ["upsert"] }), `["operation"]`)
    assert.include(issueOf({ operations: [] }), `["operations"]`)
    assert.include(issueOf({ times: 0 }), `["times"]`)
    assert.include(issueOf({ when: { _tag: "Nth", calls: [0] } }), `["calls"]`)
    assert.include(issueOf({ when: { _tag: "Sometimes" } }), `["when"]`)
    assert.include(issueOf({ fault: { _tag: "Reset", at: "noon" } }), `["at"]`)
    assert.include(issueOf({ name: "" }), `["name"]`)
  })
})

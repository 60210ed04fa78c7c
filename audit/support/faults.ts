/** The faults that the audit writes under. */
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"

export interface Options {
  readonly seed: number
  /** How many times more often than at 1 the rare ones strike: a short run would not meet them all otherwise. */
  readonly rare: number
  /** How often the service says when to come back. */
  readonly retryAfter: number
  /** No call for this namespace is ever answered. */
  readonly mute?: string | undefined
}

/** 5 % throttled, 2 % answered 5xx, 1 % reset before, while or after they are applied, 1 % without an answer. */
export const plan = ({ mute, rare, retryAfter, seed }: Options): FaultPlan.FaultPlan => {
  const operations = ["upsert"]
  const rule = (name: string, probability: number, fault: FaultPlan.Fault): FaultPlan.Rule => ({
    name,
    operations,
    when: FaultPlan.probability(probability),
    fault
  })
  return FaultPlan.make(
    [
      ...(mute === undefined
        ? []
        : [{ name: "mute", operations, namespace: mute, when: FaultPlan.always, fault: FaultPlan.loseAnswer }]),
      rule("throttled", 0.05, FaultPlan.throttle()),
      {
        ...rule("throttled, come back later", 0.01, FaultPlan.throttle({ retryAfter: "1 second" })),
        times: retryAfter
      },
      rule("500", 0.005 * rare, FaultPlan.status(500)),
      rule(
        "502 of a proxy",
        0.005 * rare,
        FaultPlan.status(502, { message: "<html><h1>502 Bad Gateway</h1></html>", format: "text" })
      ),
      rule("503", 0.005 * rare, FaultPlan.status(503)),
      rule("504", 0.005 * rare, FaultPlan.status(504, { message: "upstream request timeout", format: "text" })),
      rule("reset before", 0.0034 * rare, FaultPlan.reset("before")),
      rule("reset in the answer's head", 0.0017 * rare, FaultPlan.reset("headers")),
      rule("reset in the answer's body", 0.0017 * rare, FaultPlan.reset("body")),
      rule("reset after", 0.0034 * rare, FaultPlan.reset("after")),
      rule("answer lost", 0.01 * rare, FaultPlan.loseAnswer)
    ],
    { seed }
  )
}

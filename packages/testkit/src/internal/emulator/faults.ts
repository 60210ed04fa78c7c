/**
 * Decides which call fails: the rules of a fault plan first, then the quotas. Everything is synchronous and happens in
 * the order the calls arrive, so the same calls meet the same faults.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as FaultPlan from "../../FaultPlan.ts"
import { namespaceName } from "../namespaceCalls.ts"
import type { Call, Reply } from "./call.ts"
import { refuseFor } from "./envelopes.ts"
import { errorReply } from "./errorReply.ts"
import type { Metered, QuotaGate } from "./quotas.ts"
import type { Refuse } from "./reply.ts"

/** A fault of a plan, with the answer written out. */
export type Fault =
  | { readonly _tag: "Answer"; readonly reply: Reply }
  | FaultPlan.Reset
  | FaultPlan.LoseAnswer
  | FaultPlan.Stall
  | FaultPlan.SlowBody
  | FaultPlan.TruncatedBody

/** A counter for each rule of the plan or each quota, by its name. */
export type Counters = Readonly<Record<string, number>>

/** The faults of one emulator. */
export interface Faults {
  /** What becomes of a call; `undefined` when nothing goes wrong. To be asked once for each call. */
  readonly decide: (call: Metered) => Fault | undefined
  readonly plan: () => FaultPlan.FaultPlan
  /** How many calls each rule looked at, struck or not. */
  readonly matched: () => Counters
  /** How often each rule struck; 0 where it did not. */
  readonly fired: () => Counters
  /** How often each quota refused a call; without those that never did. */
  readonly overQuota: () => Counters
  /** The same plan from its start: counters at 0, chance from the seed, quotas unused. */
  readonly reset: () => void
  /** Another plan, from its start. The quotas stay as they are. */
  readonly replace: (plan: FaultPlan.FaultPlan) => void
}

export interface Options {
  /** Asked about the calls that no rule strikes. @default none */
  readonly quotas?: QuotaGate | undefined
  /** Milliseconds since the epoch, for dates in answers. @default the clock of Effect's default services */
  readonly clock?: (() => number) | undefined
  /** The error envelope that answers a call. @default Pinecone's */
  readonly refuse?: ((call: Call) => Refuse) | undefined
}

export const make = (initial: FaultPlan.FaultPlan, options: Options = {}): Faults => {
  const { quotas, clock = () => Effect.runSync(Clock.currentTimeMillis), refuse = refuseFor } = options
  let plan = initial
  let armed = plan.rules.map((rule) => arm(rule, plan.seed))

  const replace = (next: FaultPlan.FaultPlan): void => {
    plan = next
    armed = plan.rules.map((rule) => arm(rule, plan.seed))
  }

  /** Every rule counts the call, also after one has struck: the N-th call of a rule depends on no other rule. */
  const struckBy = (call: Call): ArmedRule | undefined => {
    let first: ArmedRule | undefined
    for (const rule of armed) {
      if (!looksAt(rule.rule, call)) continue
      rule.matched++
      const strikes = rule.strikes(rule.matched)
      if (strikes && first === undefined && rule.fired < rule.times) first = rule
    }
    return first
  }

  const counters = (count: (rule: ArmedRule) => number): Counters =>
    Object.fromEntries(armed.map((rule) => [rule.rule.name, count(rule)]))

  return {
    decide: (call) => {
      const struck = struckBy(call)
      if (struck === undefined) return quotas?.decide(call)
      struck.fired++
      const { fault } = struck.rule
      return fault._tag === "Answer" ? { _tag: "Answer", reply: errorReply(fault, refuse(call), clock) } : fault
    },
    plan: () => plan,
    matched: () => counters((rule) => rule.matched),
    fired: () => counters((rule) => rule.fired),
    overQuota: () => quotas?.refused() ?? {},
    reset: () => {
      replace(plan)
      quotas?.reset()
    },
    replace
  }
}

/** A rule at work: what it may still do and what it has done. */
interface ArmedRule {
  readonly rule: FaultPlan.Rule
  readonly strikes: (nth: number) => boolean
  readonly times: number
  matched: number
  fired: number
}

const arm = (rule: FaultPlan.Rule, seed: number | undefined): ArmedRule => ({
  rule,
  strikes: strikesOf(rule, seed ?? 0),
  times: rule.times ?? Infinity,
  matched: 0,
  fired: 0
})

const strikesOf = ({ name, when }: FaultPlan.Rule, seed: number): ((nth: number) => boolean) => {
  switch (when._tag) {
    case "Always":
      return () => true
    case "Nth": {
      const calls = new Set(when.calls)
      return (nth) => calls.has(nth)
    }
    case "Every":
      return (nth) => nth % when.every === 0
    case "Probability": {
      const random = Effect.runSync(Random.withSeed(Effect.service(Random.Random), `${seed}/${name}`))
      return () => random.nextDoubleUnsafe() < when.probability
    }
  }
}

const looksAt = (rule: FaultPlan.Rule, call: Call): boolean =>
  (rule.operations === undefined ? call.index !== undefined : rule.operations.includes(call.operation)) &&
  (rule.index === undefined || rule.index === call.index || call.otherIndexes?.includes(rule.index) === true) &&
  (rule.namespace === undefined ||
    (call.namespace !== undefined && namespaceName(rule.namespace) === namespaceName(call.namespace)))

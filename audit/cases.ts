/** The seven cases, and how much each does in the short form and in the long one. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as BadInput from "./cases/badInput.ts"
import * as Delivery from "./cases/delivery.ts"
import * as KilledCopies from "./cases/killedCopies.ts"
import * as KilledLoad from "./cases/killedLoad.ts"
import * as Memory from "./cases/memory.ts"
import * as Quotas from "./cases/quotas.ts"
import * as Secrets from "./cases/secrets.ts"
import type { Findings, Form } from "./report.ts"
import type { Witness } from "./support/witness.ts"

/** Runs a part of a case that needs the machine for itself. */
export type Alone = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

export interface Case {
  readonly name: string
  /** Does it arrange itself when it has the machine, and run beside the others? */
  readonly beside?: boolean | undefined
  readonly run: (form: Form, seed: number, alone: Alone) => Effect.Effect<Findings, unknown, Scope.Scope | Witness>
}

export const cases: ReadonlyArray<Case> = [
  {
    name: "delivery",
    run: (form, seed) =>
      Delivery.run({
        form,
        seed,
        ...(form === "long"
          ? { records: 200_000, poisoned: 0.001, rare: 1 }
          : { records: 6_000, poisoned: 0.005, rare: 4 })
      })
  },
  {
    name: "killed-load",
    run: (form, seed) =>
      KilledLoad.run({
        form,
        seed,
        program: "loader.ts",
        ...(form === "long" ? { kills: 20, records: 20_000 } : { kills: 2, records: 2_000 })
      })
  },
  {
    name: "killed-copies",
    run: (form, seed) =>
      KilledCopies.run({
        form,
        seed,
        ...(form === "long" ? { kills: 20, records: 40_000 } : { kills: 2, records: 6_000 })
      })
  },
  {
    name: "quotas",
    run: (form, seed) =>
      Quotas.run({
        form,
        seed,
        ...(form === "long"
          ? { warmUpSeconds: 5, seconds: 15, outageSeconds: 30, judgeSpeed: true }
          : { warmUpSeconds: 1, seconds: 2, outageSeconds: 2, judgeSpeed: false })
      })
  },
  {
    name: "memory",
    beside: true,
    run: (form, seed, alone) =>
      Memory.run({
        form,
        seed,
        alone,
        dimension: 384,
        heap: 256,
        ...(form === "long"
          ? { records: 1_000_000, soakSeconds: 600, perSecond: 50, compare: true }
          : { records: 5_000, soakSeconds: 4, perSecond: 50, compare: false })
      })
  },
  {
    name: "bad-input",
    run: (form, seed) => BadInput.run({ form, seed, inputs: form === "long" ? 10_000 : 1_000 })
  },
  // The last: it looks for secrets in all that the others said.
  { name: "secrets", run: (form, seed) => Secrets.run({ form, seed }) }
]

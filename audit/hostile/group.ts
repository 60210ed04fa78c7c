/** A kind of hostile input: how to give one to the code, and which errors are right answers to it. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Witness } from "../support/witness.ts"

/** One hostile input given to the code. A value, or one of the typed errors, is right; anything else is not. */
export type Try = Effect.Effect<unknown, unknown>

export interface Group {
  readonly name: string
  /** Tags of the errors that are right. */
  readonly errors: ReadonlyArray<string>
  /** Inputs that one try holds. */
  readonly size: number
  /** Of the whole, how many parts are of this kind. */
  readonly share: number
  readonly make: (seed: number) => Effect.Effect<(n: number) => Try, unknown, Scope.Scope | Witness>
}

/** The key of the tests' layers, and that nothing shows it. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { printed } from "../../../../test/support/printed.ts"

export const key = "pcsk_very_secret_0123456789"

/** Fails when the key is anywhere in what a program can print of an error. */
export const assertHidden = (error: unknown): Effect.Effect<void> =>
  Effect.map(printed(error), (texts) => {
    for (const text of texts) assert.notInclude(text, key)
  })

/** The failure of an effect that must fail, with the key nowhere in it. */
export const refusalOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, A, R> =>
  Effect.tap(Effect.flip(effect), assertHidden)

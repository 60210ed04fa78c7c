/** The secrets of the tests, and that nothing shows them. Each has characters that are escaped. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { printed } from "../../../../test/support/printed.ts"

/** What stands in every secret, and so nowhere else. */
const mark = "s3cr3t"

export const key = `tk"/${mark}+\\key`
export const clientSecret = `cs"/${mark}+\\client`
export const token = (n: number) => `at"/${mark}+\\token${n}`

export const assertNoSecret = (text: string): void => assert.notInclude(text, mark)

/** Fails when a secret is anywhere in what a program can print of something. */
export const assertHidden = (something: unknown): Effect.Effect<void> =>
  Effect.map(printed(something), (texts) => texts.forEach(assertNoSecret))

/** The failure of an effect that must fail, with no secret anywhere in it. */
export const refusalOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, A, R> =>
  Effect.tap(Effect.flip(effect), assertHidden)

/** The secrets of the tests, and everything a program may print of a failure. Each has characters that are escaped. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { inspect } from "node:util"

/** What stands in every secret, and so nowhere else. */
const mark = "s3cr3t"

export const key = `tk"/${mark}+\\key`
export const clientSecret = `cs"/${mark}+\\client`
export const token = (n: number) => `at"/${mark}+\\token${n}`

export const assertNoSecret = (text: string): void => assert.notInclude(text, mark)

/** What the loggers print of an error. */
const logged = (error: unknown): Effect.Effect<ReadonlyArray<string>> => {
  const lines: Array<string> = []
  const collect = [Logger.formatJson, Logger.formatLogFmt, Logger.formatSimple].map((logger) =>
    Logger.map(logger, (line) => {
      lines.push(line)
    })
  )
  return Effect.logError("failed", error, Cause.fail(error)).pipe(
    Effect.provide(Logger.layer(collect)),
    Effect.map(() => lines)
  )
}

/** Fails when a secret is anywhere in what a program can print of something. */
export const assertHidden = (something: unknown): Effect.Effect<void> =>
  Effect.map(logged(something), (lines) => {
    assert.lengthOf(lines, 3)
    const texts = [
      ...lines,
      String(something),
      JSON.stringify(something, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
      inspect(something, { depth: 20, showHidden: true }),
      Cause.pretty(Cause.fail(something)),
      something instanceof Error ? `${something.message}${something.stack}` : ""
    ]
    for (const text of texts) assertNoSecret(text)
  })

/** The failure of an effect that must fail, with no secret anywhere in it. */
export const refusalOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, A, R> =>
  Effect.tap(Effect.flip(effect), assertHidden)

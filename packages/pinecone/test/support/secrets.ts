/** The key of the tests' layers, and everything a program may print of a failure. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { inspect } from "node:util"

export const key = "pcsk_very_secret_0123456789"

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

/** Fails when the key is anywhere in what a program can print of an error. */
export const assertHidden = (error: unknown): Effect.Effect<void> =>
  Effect.map(logged(error), (lines) => {
    assert.lengthOf(lines, 3)
    const texts = [
      ...lines,
      String(error),
      JSON.stringify(error),
      inspect(error, { depth: 20, showHidden: true }),
      Cause.pretty(Cause.fail(error)),
      error instanceof Error ? `${error.message}${error.stack}` : ""
    ]
    for (const text of texts) assert.notInclude(text, key)
  })

/** The failure of an effect that must fail, with the key nowhere in it. */
export const refusalOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, A, R> =>
  Effect.tap(Effect.flip(effect), assertHidden)

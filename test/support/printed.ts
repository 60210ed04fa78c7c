/** Everything a program may print of a failure, to look for secrets in. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { inspect } from "node:util"

/** What the loggers print of something. */
const logged = (something: unknown): Effect.Effect<ReadonlyArray<string>> => {
  const lines: Array<string> = []
  const collect = [Logger.formatJson, Logger.formatLogFmt, Logger.formatSimple].map((logger) =>
    Logger.map(logger, (line) => {
      lines.push(line)
    })
  )
  return Effect.logError("failed", something, Cause.fail(something)).pipe(
    Effect.provide(Logger.layer(collect)),
    Effect.map(() => lines)
  )
}

/** All that a program can print of something. */
export const printed = (something: unknown): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(logged(something), (lines) => {
    assert.lengthOf(lines, 3)
    return [
      ...lines,
      String(something),
      JSON.stringify(something, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
      inspect(something, { depth: 20, showHidden: true }),
      Cause.pretty(Cause.fail(something)),
      something instanceof Error ? `${something.message}${something.stack}` : ""
    ]
  })

/** A loader that acknowledges nothing. */
import * as Effect from "effect/Effect"
import { run, tell } from "../../programs/program.ts"
import { Argument, load, parts } from "../../support/load.ts"

run(Argument, (argument) =>
  Effect.flatMap(
    load(argument, (...of) => ({ ...parts(...of), acknowledge: (kept) => kept })),
    tell
  )
)

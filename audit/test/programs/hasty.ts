/** A loader that acknowledges an element when it is read, before it is written. */
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { run, tell } from "../../programs/program.ts"
import { Argument, load, parts } from "../../support/load.ts"

run(Argument, (argument) =>
  Effect.flatMap(
    load(argument, (argument, resume, letters) => {
      const { divert, write } = parts(argument, resume, letters)
      return {
        write: (entries) =>
          entries.pipe(
            Stream.map(Outcome.written),
            resume.acknowledge,
            Stream.map(({ input }) => input),
            write
          ),
        divert,
        acknowledge: (kept) => kept
      }
    }),
    tell
  )
)

/** A loader that acknowledges poison without keeping it. */
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { run, tell } from "../../programs/program.ts"
import { Argument, load, parts } from "../../support/load.ts"

run(Argument, (argument) =>
  Effect.flatMap(
    load(argument, (...of) => ({
      ...parts(...of),
      divert: Stream.map((outcome) =>
        outcome._tag === "Written" ? outcome : DeadLetter.deadLettered(outcome.input, "nowhere")
      )
    })),
    tell
  )
)

/** A soak that leaves a listener and a fiber behind. */
import * as Effect from "effect/Effect"
import { run } from "../../programs/program.ts"
import { Argument, soak } from "../../support/soak.ts"

const leak = Effect.andThen(
  Effect.sync(() => process.on("SIGUSR2", () => {})),
  Effect.forkDetach(Effect.never)
)

run(Argument, (argument) => soak(argument, leak))

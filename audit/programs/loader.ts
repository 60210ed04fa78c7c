/** Loads the corpus with a ledger, and tells how that ended. */
import * as Effect from "effect/Effect"
import { Argument, load } from "../support/load.ts"
import { run, tell } from "./program.ts"

run(Argument, (argument) => Effect.flatMap(load(argument), tell))

/** Exports an index to a file, with a ledger, and tells how that ended. */
import * as Effect from "effect/Effect"
import { Argument, toFile } from "../support/exported.ts"
import { run, tell } from "./program.ts"

run(Argument, (argument) => Effect.flatMap(toFile(argument), tell))

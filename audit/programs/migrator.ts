/** Copies an index into another, with a ledger, and tells how that ended. */
import * as Effect from "effect/Effect"
import { Argument, migrate } from "../support/migrate.ts"
import { run, tell } from "./program.ts"

run(Argument, (argument) => Effect.flatMap(migrate(argument), tell))

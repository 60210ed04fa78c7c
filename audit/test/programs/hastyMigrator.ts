/** A migrator that takes records for written before they are. */
import * as Effect from "effect/Effect"
import { run, tell } from "../../programs/program.ts"
import { Argument, migrate } from "../../support/migrate.ts"

run(Argument, (argument) =>
  Effect.flatMap(
    migrate(argument, (to) => ({
      ...to,
      upsert: (request) =>
        Effect.as(Effect.forkDetach(Effect.ignore(Effect.delay(to.upsert(request), "40 millis"))), {})
    })),
    tell
  )
)

/** A Tecton emulator of the sample workspace, in a process of its own. */
import { TectonEmulator } from "@effect-connectors/testkit/TectonEmulator"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { run, tell } from "./program.ts"

run(
  Schema.Struct({ apiKey: Schema.String }),
  Effect.fnUntraced(function* ({ apiKey }) {
    const { url } = yield* TectonEmulator.make({ accounts: [{ apiKey, roles: { "*": "owner" } }] })
    yield* tell({ url })
    return yield* Effect.never
  })
)

#!/usr/bin/env node
/** `tecton-emulator`: an emulator until SIGTERM or SIGINT. The first line on stdout is JSON with its URL. */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { TectonEmulator } from "../../TectonEmulator.ts"
import { readDefinition } from "../tectonEmulator/definitionFile.ts"
import { portFlag, run, userError } from "./program.ts"

const flags = {
  port: portFlag(5090),
  definition: Flag.File("definition", { mustExist: true }).pipe(
    Flag.withDescription(
      "What there is, as .json, .yaml or .yml: { workspaces, accounts }. Without it a sample: the workspace prod"
    ),
    Flag.optional
  ),
  latency: Flag.Int("latency").pipe(
    Flag.withDescription("Milliseconds that a read takes"),
    Flag.filter(
      (millis) => millis >= 0,
      () => "0 or more"
    ),
    Flag.withDefault(0)
  ),
  concurrencyLimit: Flag.Int("concurrency-limit").pipe(
    Flag.withDescription("Rows that reads may be working on at a time; a read over it gets 429. Without it no limit"),
    Flag.filter(
      (rows) => rows > 0,
      () => "1 or more"
    ),
    Flag.optional
  )
}

const command = Command.make(
  "tecton-emulator",
  flags,
  Effect.fnUntraced(
    function* ({ concurrencyLimit, definition, latency, port }) {
      const defined = Option.isSome(definition) ? yield* readDefinition(definition.value) : undefined
      const { url } = yield* TectonEmulator.make({
        port,
        latency,
        workspaces: defined?.workspaces,
        accounts: defined?.accounts,
        concurrencyLimit: Option.getOrUndefined(concurrencyLimit)
      })
      yield* Console.log(JSON.stringify({ url }))
      return yield* Effect.never
    },
    Effect.scoped,
    Effect.mapError(userError)
  )
).pipe(Command.withDescription("Tecton's feature server and Stream Ingest API on this machine, for tests."))

run(command)

#!/usr/bin/env node
/** `tecton-emulator`: an emulator until SIGTERM or SIGINT. The first line on stdout is JSON with its URL. */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Account, TectonEmulator } from "../../TectonEmulator.ts"
import { readDefinition } from "../tectonEmulator/definitionFile.ts"
import { portFlag, run, userError } from "./program.ts"

const flags = {
  port: portFlag(5090),
  definition: Flag.File("definition", { mustExist: true }).pipe(
    Flag.withDescription(
      "What there is, as .json, .yaml or .yml: { workspaces, accounts, serverTimeout, tokenLifetime, assumptions }. " +
        "Without it a sample: the workspace prod"
    ),
    Flag.optional
  ),
  apiKeys: Flag.String("api-key").pipe(
    Flag.withDescription(
      "A key that is let in as an owner, besides the accounts of the definition; can be repeated. " +
        "Without any key or account everybody is"
    ),
    Flag.filter(
      (key) => /^\S+$/.test(key),
      () => "a key without spaces"
    ),
    Flag.atLeast(0)
  ),
  latency: Flag.Int("latency").pipe(
    Flag.withDescription("Milliseconds that a read takes (default: 0; 5 with a concurrency limit)"),
    Flag.filter(
      (millis) => millis >= 0,
      () => "0 or more"
    ),
    Flag.optional
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
    function* ({ apiKeys, concurrencyLimit, definition, latency, port }) {
      const defined = Option.isSome(definition) ? yield* readDefinition(definition.value) : undefined
      const owners = apiKeys.map((apiKey): Account => ({ apiKey, roles: { "*": "owner" } }))
      const accounts = [...(defined?.accounts ?? []), ...owners]
      const { url } = yield* TectonEmulator.make({
        port,
        latency: Option.getOrUndefined(latency),
        ...defined,
        accounts: accounts.length > 0 ? accounts : undefined,
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

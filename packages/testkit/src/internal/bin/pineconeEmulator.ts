#!/usr/bin/env node
/** `pinecone-emulator`: an emulator until SIGTERM or SIGINT. The first line on stdout is JSON with its URL and its indexes. */
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { PineconeEmulator } from "../../PineconeEmulator.ts"
import * as Quotas from "../emulator/quotas.ts"
import { indexFlag } from "./indexFlag.ts"
import { portFlag, run, userError } from "./program.ts"

const flags = {
  port: portFlag(5080),
  data: Flag.Directory("data").pipe(
    Flag.withDescription("Keep indexes and records in this directory; without it they are gone at the end"),
    Flag.optional
  ),
  indexes: indexFlag,
  apiKeys: Flag.String("api-key").pipe(
    Flag.withDescription("A key that is let in; can be repeated. Without it every key is"),
    Flag.atLeast(0)
  ),
  maxRequestBytes: Flag.Int("max-request-bytes").pipe(
    Flag.withDescription("Bytes of one upsert, in protobuf form (default: 2097152)"),
    Flag.optional
  ),
  visibleAfter: Flag.Int("visible-after").pipe(
    Flag.withDescription("Milliseconds until reads see a write"),
    Flag.withDefault(0)
  ),
  quotas: Flag.Boolean("quotas").pipe(
    Flag.withDescription("Enforce the documented limits per second"),
    Flag.withDefault(false)
  )
}

/** An index kept from an earlier run may be asked for again. */
const isThere = ({ reason }: PineconeError): boolean => reason._tag === "RequestRefused" && reason.wire?.status === 409

const command = Command.make(
  "pinecone-emulator",
  flags,
  Effect.fnUntraced(
    function* ({ apiKeys, data, indexes, maxRequestBytes, port, quotas, visibleAfter }) {
      const emulator = yield* PineconeEmulator.make({
        port,
        data: Option.getOrUndefined(data),
        apiKeys: apiKeys.length > 0 ? apiKeys : undefined,
        limits: Option.match(maxRequestBytes, { onNone: () => ({}), onSome: (bytes) => ({ maxRequestBytes: bytes }) }),
        visibleAfter,
        quotas: quotas ? Quotas.documented : undefined
      })
      for (const index of indexes) yield* Effect.catchIf(emulator.createIndex(index), isThere, () => Effect.void)
      yield* Console.log(JSON.stringify({ url: emulator.url, indexes: yield* emulator.indexes }))
      return yield* Effect.never
    },
    Effect.scoped,
    Effect.mapError(userError)
  )
).pipe(Command.withDescription("Pinecone's indexes on this machine, over HTTP and gRPC, for tests."))

run(command)

/** A Pinecone emulator with one index, in a process of its own. */
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { run, tell } from "./program.ts"

/** What the service documents for one namespace and second. */
const documented = { upsertRequestsPerNamespace: 100, upsertBytesPerNamespace: 52_428_800 }

const Argument = Schema.Struct({
  index: Schema.String,
  dimension: Schema.Int,
  apiKey: Schema.String,
  quotas: Schema.Boolean
})

run(
  Argument,
  Effect.fnUntraced(function* ({ apiKey, dimension, index, quotas }) {
    const emulator = yield* PineconeEmulator.make({ apiKeys: [apiKey], quotas: quotas ? documented : undefined })
    const { host } = yield* emulator.createIndex({ name: index, dimension })
    yield* tell({ url: emulator.url, host })
    return yield* Effect.never
  })
)

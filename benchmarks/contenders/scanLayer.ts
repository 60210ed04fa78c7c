/** Reads an index by `PineconeSource.scan`, whole or in parts by the setting `prefixes`, over the layer of the setting `transport`. */
import { PineconeSource } from "@effect-connectors/pinecone"
import * as Stream from "effect/Stream"
import { prefixesOf } from "../ids.ts"
import { contend } from "./contend.ts"
import { runtimeOf } from "./layers.ts"

await contend(async ({ addresses, settings }) => {
  const runtime = await runtimeOf(settings, {
    host: addresses["index"] ?? "",
    ...(settings["rates"] === "none" ? { pacing: { rates: {} } } : {})
  })
  const parts = Number(settings["prefixes"] ?? 1)
  const scan = PineconeSource.scan(parts > 1 ? { prefixes: prefixesOf(parts), concurrency: parts } : {})
  return {
    run: async (count) => {
      let records = 0
      while (records < count) records += await runtime.runPromise(Stream.runCount(scan))
      return { records }
    },
    close: () => runtime.dispose()
  }
})

/** Upserts under a quota by `PineconeSink`, with the setting `pacing` on or off. Tells how many calls were refused. */
import { Outcome } from "@effect-connectors/core"
import { PineconeIndex, PineconeSink } from "@effect-connectors/pinecone"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { records, take } from "../load.ts"
import { contend } from "./contend.ts"
import { runtimeOf } from "./layers.ts"

await contend(async ({ addresses, at, settings }) => {
  const all = records(Number(at["dimension"]))
  const runtime = await runtimeOf(settings, {
    host: addresses["index"] ?? "",
    ...(settings["pacing"] === "off" ? { pacing: false } : {})
  })
  const sink = PineconeSink.upsertOutcomes({
    maxRecords: Number(at["batch"]),
    concurrency: Number(at["concurrency"]),
    // The ids come again soon: to wait for each other is not what is measured.
    ordered: false
  })
  return {
    run: async (count) => {
      let refused = 0
      const written = Stream.fromIterable(take(all, count), { chunkSize: 1000 }).pipe(sink, Stream.run(Outcome.count))
      const counts = await runtime.runPromise(
        Effect.updateService(written, PineconeIndex, (index) => ({
          ...index,
          upsert: (request) =>
            Effect.tapError(index.upsert(request), () =>
              Effect.sync(() => {
                refused++
              })
            )
        }))
      )
      if (counts.written !== count) throw new Error(`${counts.written} of ${count} records were written`)
      return { extra: { refusedCalls: refused } }
    },
    close: () => runtime.dispose()
  }
})

/**
 * Upserts by `PineconeSink` with all that it does: checks, batches by bytes, order, outcomes, retries, metrics and spans.
 * The setting `transport` says which layer.
 */
import { Outcome } from "@effect-connectors/core"
import { PineconeIndex, PineconeSink } from "@effect-connectors/pinecone"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { take } from "../load.ts"
import { contend } from "./contend.ts"
import { addressOf, upsertPoint } from "./upsertPoint.ts"

await contend(async (task) => {
  if (task.settings["transport"] !== "sdk") return { unable: "there is no such layer" }
  const { batch, concurrency, maxRequestBytes, records } = upsertPoint(task)
  const layer = PineconeIndex.layer({
    apiKey: Redacted.make("any"),
    host: addressOf(task, "rest"),
    maxRequestBytes
  })
  const runtime = ManagedRuntime.make(layer)
  await runtime.context()
  const sink = PineconeSink.upsertOutcomes({ maxRecords: batch === "auto" ? 1000 : batch, concurrency })
  return {
    run: async (count) => {
      const { written } = await runtime.runPromise(
        Stream.fromIterable(take(records, count), { chunkSize: 1000 }).pipe(sink, Stream.run(Outcome.count))
      )
      if (written !== count) throw new Error(`${written} of ${count} records were written`)
    },
    close: () => runtime.dispose()
  }
})

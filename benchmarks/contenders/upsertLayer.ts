/**
 * Upserts by `PineconeSink` with all that it does: checks, batches by bytes, order, outcomes, retries, metrics and spans.
 * The setting `transport` says over which layer.
 */
import { Outcome } from "@effect-connectors/core"
import { PineconeIndex, PineconeSink } from "@effect-connectors/pinecone"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { take } from "../load.ts"
import { contend } from "./contend.ts"
import { runtimeOf } from "./layers.ts"
import { stopwatch } from "./stopwatch.ts"
import { addressOf, upsertPoint } from "./upsertPoint.ts"

await contend(async (task) => {
  const { batch, concurrency, maxRequestBytes, records } = upsertPoint(task)
  const watch = stopwatch()
  const timedCalls = Layer.effect(
    PineconeIndex,
    Effect.map(PineconeIndex, (index) => ({ ...index, upsert: watch.timed(index.upsert) }))
  )
  const runtime = await runtimeOf(
    task.settings,
    {
      host: addressOf(task, task.settings["transport"] === "grpc" ? "grpc" : "rest"),
      maxRequestBytes,
      // Without the rates that Pinecone documents: they would be all that is measured. Learning from refusals stays on.
      pacing: { rates: {} }
    },
    (layer) => Layer.provide(timedCalls, layer)
  )
  const sink = PineconeSink.upsertOutcomes({ maxRecords: batch === "auto" ? 1000 : batch, concurrency })
  return {
    run: async (count) => {
      watch.reset()
      const { written } = await runtime.runPromise(
        Stream.fromIterable(take(records, count), { chunkSize: 1000 }).pipe(sink, Stream.run(Outcome.count))
      )
      if (written !== count) throw new Error(`${written} of ${count} records were written`)
      return { callMillis: watch.millis() }
    },
    close: () => runtime.dispose()
  }
})

/** `TectonSource.features` and `TectonSink.ingest`, by the setting `operation`. */
import { FeatureService, TectonClient, TectonSink, TectonSource } from "@effect-connectors/tecton"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { contend } from "./contend.ts"
import { stopwatch } from "./stopwatch.ts"

const service = FeatureService.make("fraud", {
  joinKeys: { user_id: Schema.String },
  features: {
    "user_clicks.mean_0": Schema.Number,
    "user_clicks.mean_1": Schema.Number,
    "user_clicks.mean_2": Schema.Number,
    "user_clicks.mean_3": Schema.Number,
    "user_clicks.mean_4": Schema.Number,
    "user_clicks.mean_5": Schema.Number,
    "user_clicks.mean_6": Schema.Number,
    "user_clicks.mean_7": Schema.Number
  }
})

await contend(async ({ addresses, at, settings }) => {
  const watch = stopwatch()
  const timedCalls = Layer.effect(
    TectonClient,
    Effect.map(TectonClient, (client) => ({
      ...client,
      getFeatures: watch.timed(client.getFeatures),
      getFeaturesBatch: watch.timed(client.getFeaturesBatch),
      ingest: watch.timed(client.ingest)
    }))
  )
  const url = addresses["tecton"] ?? ""
  const layer = TectonClient.layer({ url, ingestUrl: url, workspace: "prod", apiKey: Redacted.make("any") })
  const runtime = ManagedRuntime.make(Layer.provide(timedCalls, layer))
  await runtime.context()
  const batch = Number(at["batch"])
  const calls = Number(at["concurrency"])

  // Rows are what Tecton counts, so that many calls in flight are that many batches of rows.
  const features = TectonSource.features(service, {
    keys: (user_id: string) => ({ user_id }),
    maxBatch: batch,
    concurrency: calls * batch
  })
  const ingest = TectonSink.ingest({ source: "clicks", joinKeys: ["user_id"], maxRecords: batch, concurrency: calls })
  const work = {
    features: (ids: ReadonlyArray<string>) => Stream.runDrain(features(Stream.fromIterable(ids))),
    ingest: (ids: ReadonlyArray<string>) =>
      Stream.fromIterable(ids).pipe(
        Stream.map((user_id) => ({ user_id, timestamp: "2026-01-01T00:00:00Z", page: "a page", clicked: 1 })),
        ingest,
        Stream.runDrain
      )
  }[settings["operation"] === "ingest" ? "ingest" : "features"]
  return {
    run: async (count) => {
      watch.reset()
      await runtime.runPromise(work(Array.from({ length: count }, (_, i) => `user-${i}`)))
      return { callMillis: watch.millis() }
    },
    close: () => runtime.dispose()
  }
})

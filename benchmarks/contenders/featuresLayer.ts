/** `TectonSource.features` with types, statuses and times, or `TectonSink.ingest`, by the setting `operation`. */
import { FeatureService, TectonClient, TectonSink, TectonSource } from "@effect-connectors/tecton"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { click, featuresOf, users } from "../featureRows.ts"
import { contend } from "./contend.ts"

const schemas = {
  int64: Schema.BigInt,
  float64: Schema.Number,
  string: Schema.String,
  boolean: Schema.Boolean
}

await contend(async ({ addresses, at, settings }) => {
  const url = addresses[String(at["latencyMillis"])] ?? ""
  const runtime = ManagedRuntime.make(
    TectonClient.layer({ url, ingestUrl: url, workspace: "prod", apiKey: Redacted.make("any") })
  )
  const batch = Number(at["batch"])
  const calls = Number(at["concurrency"])
  const stream = (count: number) => Stream.fromIterable(users(count), { chunkSize: 1000 })
  const close = () => runtime.dispose()

  if (settings["operation"] === "ingest") {
    const ingest = TectonSink.ingest({ source: "clicks", joinKeys: ["user_id"], maxRecords: batch, concurrency: calls })
    return {
      run: async (count) => {
        const records = users(count).map(click)
        const written = await runtime.runPromise(
          Stream.runCount(ingest(Stream.fromIterable(records, { chunkSize: 1000 })))
        )
        if (written !== count) throw new Error(`${written} of ${count} records were written`)
      },
      close
    }
  }

  const features = featuresOf(Number(at["features"]))
  const declared = FeatureService.make(String(features.length), {
    joinKeys: { user_id: Schema.String },
    features: Object.fromEntries(features.map(({ name, type }) => [name, schemas[type]]))
  })
  const service = await runtime.runPromise(
    at["types"] === "in replies" ? Effect.succeed(declared) : FeatureService.bind(declared)
  )
  const lookup = TectonSource.features(service, {
    keys: (user_id: string) => ({ user_id }),
    maxBatch: batch,
    // Rows are what Tecton counts.
    concurrency: calls * batch
  })
  return {
    run: async (count) => {
      const rows = await runtime.runPromise(Stream.runCount(lookup(stream(count))))
      if (rows !== count) throw new Error(`${rows} of ${count} rows were read`)
    },
    close
  }
})

/**
 * Loads of so many records from a stream that makes them on its way, one load after the other until all are written. Tells
 * the most memory that was resident meanwhile.
 */
import { Outcome } from "@effect-connectors/core"
import { PineconeSink } from "@effect-connectors/pinecone"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { vectors } from "../load.ts"
import { contend } from "./contend.ts"
import { runtimeOf } from "./layers.ts"
import { addressOf } from "./upsertPoint.ts"

const chunk = 1000
const sampleMillis = 20

await contend(async (task) => {
  const { at, settings } = task
  const size = Number(at["records"])
  const values = vectors(Number(at["dimension"]))
  const runtime = await runtimeOf(settings, {
    host: addressOf(task, settings["transport"] === "grpc" ? "grpc" : "rest"),
    // The rates that Pinecone documents would be all that is measured.
    pacing: { rates: {} }
  })
  const sink = PineconeSink.upsertOutcomes({ maxRecords: Number(at["batch"]), concurrency: Number(at["concurrency"]) })

  const record = (i: number) => ({
    id: `record-${i}`,
    values: values[i % values.length] ?? [],
    metadata: { title: `A title of some words, number ${i}`, genre: "drama", year: 1950 + (i % 75), score: i / size }
  })
  const records = (count: number) =>
    Stream.paginate(0, (from) =>
      Effect.sync(() => {
        const to = Math.min(from + chunk, count)
        const page = Array.from({ length: to - from }, (_, i) => record(from + i))
        return [page, to < count ? Option.some(to) : Option.none<number>()] as const
      })
    )

  return {
    run: async (count) => {
      let residentBytes = 0
      const sample = () => {
        residentBytes = Math.max(residentBytes, process.memoryUsage.rss())
      }
      const timer = setInterval(sample, sampleMillis)
      for (let left = count; left > 0; left -= size) {
        const load = Math.min(size, left)
        const { written } = await runtime.runPromise(records(load).pipe(sink, Stream.run(Outcome.count)))
        if (written !== load) throw new Error(`${written} of ${load} records were written`)
      }
      clearInterval(timer)
      sample()
      return { extra: { residentMegabytes: residentBytes / 1e6 } }
    },
    close: () => runtime.dispose()
  }
})

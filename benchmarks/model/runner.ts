/** A runner of the measurement: partitions are ranges of records, written to a server that answers after a while. */
import { Job, JobPacing, JobRunner, Partition } from "@effect-connectors/cluster"
import { Outcome, type Resume } from "@effect-connectors/core"
import { PineconeGrpc, PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { records as recordsOf } from "../load.ts"

export const Settings = Schema.Struct({
  file: Schema.String,
  host: Schema.String,
  concurrency: Schema.Int,
  inFlight: Schema.Int,
  batch: Schema.Int,
  callsPerSecond: Schema.Finite
})

const Range = Schema.Struct({ from: Schema.Int, to: Schema.Int })

/** So many partitions of a size. */
export const ranges = (partitions: number, size: number): ReadonlyArray<typeof Range.Type> =>
  Array.from({ length: partitions }, (_, i) => ({ from: i * size, to: (i + 1) * size }))

const dimension = 8

export const jobOf = ({ batch, inFlight }: Pick<typeof Settings.Type, "batch" | "inFlight">) => {
  const vectors = recordsOf(dimension).slice(0, 1000)
  return Job.make({
    name: "measure",
    partitions: Range,
    run: ({ from, to }) =>
      Effect.gen(function* () {
        const run = yield* Partition.resume()
        const read = (done: number) =>
          Stream.range(from + done, to - 1).pipe(
            Stream.map((n) => ({ values: vectors[n % vectors.length]?.values ?? [], id: `record-${n}` }))
          )
        yield* run.pending(read).pipe(
          PineconeSink.upsertOutcomes({
            record: (entry: Resume.Entry<VectorRecord.VectorRecord>) => entry.value,
            maxRecords: batch,
            concurrency: inFlight
          }),
          run.acknowledge,
          Partition.track,
          Outcome.requireWritten,
          Stream.runDrain
        )
      })
  })
}

if (import.meta.main) {
  const settings = Schema.decodeUnknownSync(Schema.fromJsonString(Settings))(process.argv[2])
  const index = Layer.unwrap(
    Effect.map(
      JobPacing.shared({ utilization: 1, rates: { upsert: { requestsPerSecond: settings.callsPerSecond } } }),
      (pacing) => PineconeGrpc.layer({ apiKey: Redacted.make("any"), host: settings.host, pacing })
    )
  )
  Job.layer(jobOf(settings)).pipe(
    Layer.provide(index),
    Layer.provide(JobRunner.layerEmbedded({ file: settings.file, concurrency: settings.concurrency })),
    Layer.launch,
    NodeRuntime.runMain
  )
}

/**
 * A load by partitions, four at a time, by the setting `as`: a `loop` over them with a ledger in a file for each, or a `job`
 * that this process starts and works on, its ledgers and progress in SQLite.
 */
import { Job, JobRunner, Partition } from "@effect-connectors/cluster"
import { Outcome, Resume } from "@effect-connectors/core"
import { PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { vectors } from "../load.ts"
import { contend } from "./contend.ts"
import { runtimeOf } from "./layers.ts"
import { addressOf } from "./upsertPoint.ts"

const chunk = 1000
const atATime = 4

const Range = Schema.Struct({ from: Schema.Int, to: Schema.Int })
type Range = typeof Range.Type
type Entry = Resume.Entry<VectorRecord.VectorRecord>

await contend(async (task) => {
  const { at, settings } = task
  const values = vectors(Number(at["dimension"]))
  const record = (i: number): VectorRecord.VectorRecord => ({
    id: `record-${i}`,
    values: values[i % values.length] ?? [],
    metadata: { title: `A title of some words, number ${i}`, genre: "drama", year: 1950 + (i % 75), score: i / 1e6 }
  })
  const read = ({ from, to }: Range) => Stream.map(Stream.range(from, to - 1).pipe(Stream.rechunk(chunk)), record)
  const sink = { maxRecords: Number(at["batch"]), concurrency: Number(at["concurrency"]) / atATime }

  const index = await runtimeOf(settings, {
    host: addressOf(task, "grpc"),
    // The rates that Pinecone documents would be all that is measured.
    pacing: { rates: {} }
  })
  const context = await index.context()
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "jobs-"))

  const resumed = (run: Resume.Run, { from, to }: Range) =>
    run
      .pending((done) => read({ from: from + done, to }))
      .pipe(PineconeSink.upsertOutcomes({ ...sink, record: (entry: Entry) => entry.value }), run.acknowledge)

  const job = Job.make({
    name: "load",
    partitions: Range,
    run: (range) =>
      Effect.flatMap(Partition.resume(), (run) =>
        resumed(run, range).pipe(Partition.track, Outcome.requireWritten, Stream.runDrain)
      )
  })
  const engine = ManagedRuntime.make(
    Layer.provideMerge(
      Job.layer(job),
      JobRunner.layerEmbedded({ file: path.join(directory, "jobs.db"), concurrency: atATime })
    ).pipe(Layer.provide(Layer.succeedContext(context)))
  )
  const files = ManagedRuntime.make(
    KeyValueStore.layerFileSystem(path.join(directory, "ledgers")).pipe(Layer.provide(NodeServices.layer))
  )

  let loads = 0
  const ranges = (count: number): ReadonlyArray<Range> => {
    const size = Number(at["partition"])
    return Array.from({ length: Math.ceil(count / size) }, (_, i) => ({
      from: i * size,
      to: Math.min((i + 1) * size, count)
    }))
  }
  const inLoop = (run: string) =>
    Effect.fnUntraced(function* (range: Range) {
      const ledger = yield* Resume.open({ kind: "load", index: "bench", run, split: String(range.from) })
      return yield* resumed(ledger, range).pipe(Outcome.requireWritten, Stream.run(Outcome.count))
    })

  const as: Record<string, (count: number) => Promise<number>> = {
    loop: async (count) => {
      const done = Effect.forEach(ranges(count), inLoop(String(++loads)), { concurrency: atATime })
      const counts = await index.runPromise(Effect.provide(done, await files.context()))
      return counts.reduce((sum, { written }) => sum + written, 0)
    },
    job: async (count) => {
      const { records } = await engine.runPromise(Job.execute(job, { id: String(++loads), partitions: ranges(count) }))
      return records.written
    }
  }
  const load = as[String(settings["as"])]
  if (load === undefined) return { unable: `nothing is called ${settings["as"]}` }
  return {
    run: async (count) => {
      const written = await load(count)
      if (written !== count) throw new Error(`${written} of ${count} records were written`)
    },
    close: async () => {
      await engine.dispose()
      await files.dispose()
      await index.dispose()
      fs.rmSync(directory, { recursive: true })
    }
  }
})

/** Ready jobs on files and on indexes behind real sockets. */
import { Job, JobFiles, JobRunner } from "@effect-connectors/cluster"
import * as PineconeJobs from "@effect-connectors/cluster/PineconeJobs"
import * as PineconeCompare from "@effect-connectors/pinecone/PineconeCompare"
import * as PineconeExport from "@effect-connectors/pinecone/PineconeExport"
import * as PineconeGrpc from "@effect-connectors/pinecone/PineconeGrpc"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as path from "node:path"
import { inDirectory, records, writeLines } from "./support/jobs.ts"

describe("ready jobs over the wire", () => {
  it.live(
    "load files, copy the index and export the copy: the same records all the way",
    () =>
      inDirectory((directory) =>
        Effect.gen(function* () {
          const emulator = yield* PineconeEmulator
          const indexNamed = Effect.fnUntraced(function* (name: string) {
            const { host } = yield* emulator.createIndex({ name, dimension: 2 })
            return PineconeGrpc.layer({ apiKey: Redacted.make("any"), host })
          })
          const [first, second] = [yield* indexNamed("first"), yield* indexNamed("second")]
          const all = records("r", 3000)
          const file = yield* writeLines(
            directory,
            "in.ndjson",
            all.map((record) => JSON.stringify(record))
          )

          const load = PineconeJobs.load({ name: "load" })
          const copy = PineconeJobs.migrate({ name: "copy" })
          const backup = PineconeJobs.exportFiles({ name: "backup", directory: path.join(directory, "out") })
          const runner = Layer.mergeAll(
            Layer.provide(Job.layer(load), first),
            Layer.provide(Job.layer(copy), [PineconeJobs.Source.layer(first), second]),
            Layer.provide(Job.layer(backup), second)
          ).pipe(Layer.provideMerge(JobRunner.layerMemory()))

          const ended = yield* Effect.gen(function* () {
            const files = yield* JobFiles.partitions([file], { partBytes: 20_000 })
            const loaded = yield* Job.execute(load, { id: "1", partitions: files })
            const splits = yield* Effect.provide(PineconeJobs.splits({ recordsPerSplit: 1000 }), first)
            const copied = yield* Job.execute(copy, { id: "1", partitions: splits })
            const exported = yield* Job.execute(backup, { id: "1", partitions: [{ namespace: "__default__" }] })
            return { loaded, copied, exported, splits: splits.length, files: files.length }
          }).pipe(Effect.provide(runner))
          assert.isAbove(ended.files, 4)
          assert.isAbove(ended.splits, 2)
          const done = { before: 0, written: 3000, rejected: 0, unknown: 0, deadLettered: 0 }
          assert.deepStrictEqual(
            [ended.loaded.records, ended.copied.records, ended.exported.records],
            [done, done, done]
          )

          const out = path.join(directory, "out", "1", "__default__.ndjson")
          const summary = yield* Effect.gen(function* () {
            return yield* PineconeCompare.summarize(
              PineconeExport.read(out),
              PineconeCompare.index(yield* PineconeIndex)
            )
          }).pipe(Effect.provide(first))
          assert.deepStrictEqual(
            { same: summary.same, compared: summary.compared, repeated: summary.repeated },
            { same: 3000, compared: 3000, repeated: 0 }
          )
          const input = yield* PineconeCompare.summarize(PineconeExport.read(file), PineconeExport.read(out))
          assert.strictEqual(input.same, 3000)
        }).pipe(Effect.provide(PineconeEmulator.layer))
      ),
    60_000
  )
})

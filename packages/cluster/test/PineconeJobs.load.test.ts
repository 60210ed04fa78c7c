import { Job, JobFiles, JobRunner } from "@effect-connectors/cluster"
import * as PineconeJobs from "@effect-connectors/cluster/PineconeJobs"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { parquetWriteBuffer } from "hyparquet-writer"
import * as path from "node:path"
import { failingAfter, inDirectory, memoryIndex, records, runJob, writeLines } from "./support/jobs.ts"
import { passing } from "./support/passing.ts"

const linesOf = (rows: ReadonlyArray<unknown>) => rows.map((row) => JSON.stringify(row))

/** What an index holds. */
const contentOf = (index: PineconeIndex["Service"]) =>
  passing(Stream.runCollect(PineconeSource.scan({ namespaces: "all" }))).pipe(
    Effect.provideService(PineconeIndex, index),
    Effect.map((all) =>
      all.map(({ id, metadata, namespace, values }) => ({
        id,
        namespace,
        values: Array.from(values ?? []),
        metadata
      }))
    )
  )

const total = ({ records }: Job.Progress) =>
  records.before + records.written + records.rejected + records.unknown + records.deadLettered

describe("PineconeJobs.load", () => {
  it.effect("loads JSON lines and Parquet, by parts", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const index = yield* memoryIndex()
        const [a, b] = [records("a", 700), records("b", 300)]
        const ndjson = yield* writeLines(
          directory,
          "a.ndjson",
          linesOf(a.map((row, i) => (i % 2 === 0 ? { ...row, namespace: "even" } : row)))
        )
        const parquet = path.join(directory, "b.parquet")
        const columnData = [
          { name: "id", data: b.map(({ id }) => id) },
          { name: "values", data: b.map(({ values }) => values) },
          { name: "metadata", data: b.map(({ metadata }) => metadata) },
          { name: "sparseValues", type: "JSON" as const, nullable: true, data: b.map(() => null) }
        ]
        yield* files.writeFile(parquet, new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 100 })))
        const partitions = yield* JobFiles.partitions([ndjson, parquet], { partBytes: 5_000 })
        assert.isAbove(partitions.filter(({ format }) => format === "ndjson").length, 2)
        assert.isAbove(partitions.filter(({ format }) => format === "parquet").length, 1)

        const ended = yield* runJob(PineconeJobs.load({ name: "load" }), partitions).pipe(
          Effect.provideService(PineconeIndex, index)
        )
        assert.deepStrictEqual(ended.records, { before: 0, written: 1000, rejected: 0, unknown: 0, deadLettered: 0 })
        const expected = [...a, ...b].map((record) => ({
          ...record,
          namespace: record.id.startsWith("a") && record.metadata.i % 2 === 0 ? "even" : "__default__"
        }))
        const byId = (x: { readonly id: string }, y: { readonly id: string }) => (x.id < y.id ? -1 : 1)
        assert.deepStrictEqual((yield* contentOf(index)).toSorted(byId), expected.toSorted(byId))
      })
    )
  )

  it.effect("makes records of rows of any form", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const index = yield* memoryIndex()
        const file = yield* writeLines(directory, "a.ndjson", ['{"url":"a","vector":[1,2],"at":"2026-11-26"}'])
        const load = PineconeJobs.load({
          name: "load",
          schema: Schema.Struct({ url: Schema.String, vector: Schema.Array(Schema.Number), at: Schema.String }),
          record: ({ at, url, vector }) => ({ id: url, values: vector, metadata: { at } }),
          namespace: ({ url }) => `of-${url}`
        })
        yield* runJob(load, yield* JobFiles.partitions([file])).pipe(Effect.provideService(PineconeIndex, index))
        assert.deepStrictEqual(yield* contentOf(index), [
          { id: "a", namespace: "of-a", values: [1, 2], metadata: { at: "2026-11-26" } }
        ])
      })
    )
  )

  const bad = ["{", '{"id":1,"values":[1,2]}', '{"id":"zeros","values":[0,0]}']

  it.effect("fails a partition with bad rows after the others are written, and names one", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const index = yield* memoryIndex()
        const good = yield* writeLines(directory, "good.ndjson", linesOf(records("g", 50)))
        const mixed = yield* writeLines(directory, "mixed.ndjson", [...linesOf(records("m", 50)), ...bad])
        const load = PineconeJobs.load({ name: "load", retries: 0 })
        const { error, ended } = yield* Effect.gen(function* () {
          const partitions = yield* JobFiles.partitions([good, mixed])
          const error = yield* Effect.flip(passing(Job.execute(load, { id: "1", partitions })))
          return { error, ended: yield* Job.progress(load, "1") }
        }).pipe(
          Effect.provide(Layer.provideMerge(Job.layer(load), JobRunner.layerMemory())),
          Effect.provideService(PineconeIndex, index)
        )
        assert.strictEqual(error.reason._tag, "PartitionsFailed")
        assert.include(error.message, "3 rejected and 0 unknown of 53 records")
        assert.match(error.message, /mixed\.ndjson#0-\d+: row 51 is no JSON/)
        assert.deepStrictEqual(ended.records, { before: 0, written: 100, rejected: 3, unknown: 0, deadLettered: 0 })
        assert.strictEqual((yield* contentOf(index)).length, 100)
      })
    )
  )

  it.effect("keeps bad rows as dead letters, as they were read", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const index = yield* memoryIndex()
        const file = yield* writeLines(directory, "mixed.ndjson", [...bad, ...linesOf(records("m", 50))])
        const dead = path.join(directory, "dead")
        const load = PineconeJobs.load({ name: "load", deadLetters: JobFiles.letters(dead) })
        const ended = yield* runJob(load, yield* JobFiles.partitions([file])).pipe(
          Effect.provideService(PineconeIndex, index)
        )
        assert.deepStrictEqual(ended.records, { before: 0, written: 50, rejected: 0, unknown: 0, deadLettered: 3 })
        const [name, ...others] = yield* files.readDirectory(dead)
        assert.deepStrictEqual(others, [])
        const letters = (yield* files.readFileString(path.join(dead, name!)))
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line))
        assert.sameDeepMembers(
          letters.map(({ record }) => record),
          ["{", { id: 1, values: [1, 2] }, { id: "zeros", values: [0, 0] }]
        )
        assert.include(JSON.stringify(letters), "row 1 is no JSON")
      })
    )
  )

  it.effect("keeps the dead letters of two jobs apart that have one run and one directory", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const index = yield* memoryIndex()
        const file = yield* writeLines(directory, "mixed.ndjson", bad)
        const dead = path.join(directory, "dead")
        for (const name of ["a", "b"]) {
          const load = PineconeJobs.load({ name, deadLetters: JobFiles.letters(dead) })
          const ended = yield* runJob(load, yield* JobFiles.partitions([file])).pipe(
            Effect.provideService(PineconeIndex, index)
          )
          assert.strictEqual(ended.records.deadLettered, bad.length)
        }
        const names = yield* files.readDirectory(dead)
        assert.lengthOf(names, 2)
        const texts = yield* Effect.forEach(names, (name) => files.readFileString(path.join(dead, name)))
        const letters = texts.flatMap((text) => text.trim().split("\n")).map((line) => JSON.parse(line))
        assert.lengthOf(new Set(letters.map(({ id }) => id)), 2 * bad.length)
      })
    )
  )

  it.effect("goes on from the ledger, and sends again only what was in flight", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const { service, state } = failingAfter(yield* memoryIndex(), 8)
        const all = records("r", 2000)
        const file = yield* writeLines(directory, "a.ndjson", linesOf(all))
        const load = PineconeJobs.load({ name: "load", retries: 0, write: { maxRecords: 50, concurrency: 4 } })
        const ended = yield* Effect.gen(function* () {
          const partitions = yield* JobFiles.partitions([file])
          yield* Effect.flip(passing(Job.execute(load, { id: "1", partitions })))
          assert.strictEqual(state.sent.length, 400)
          state.broken = false
          yield* Job.resume(load, "1")
          return yield* passing(Job.wait(load, "1"))
        }).pipe(
          Effect.provide(Layer.provideMerge(Job.layer(load), JobRunner.layerMemory())),
          Effect.provideService(PineconeIndex, service)
        )
        assert.isAtLeast(ended.records.before, 200)
        assert.strictEqual(total(ended), 2000)
        assert.isAtMost(state.sent.length - 2000, 4 * 50)
        assert.strictEqual(new Set(state.sent).size, 2000)
      })
    )
  )
})

import { Job, JobFiles, JobRunner } from "@effect-connectors/cluster"
import * as PineconeJobs from "@effect-connectors/cluster/PineconeJobs"
import { Unauthorized } from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as PineconeExport from "@effect-connectors/pinecone/PineconeExport"
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as path from "node:path"
import { prefixes } from "../src/internal/splitting.ts"
import { compare, fill, inDirectory, memoryIndex, records, runJob } from "./support/jobs.ts"
import { passing } from "./support/passing.ts"

/** The files of a run, by their names. */
const filesOf = Effect.fnUntraced(function* (directory: string, run = "1") {
  const files = yield* FileSystem.FileSystem
  return (yield* files.readDirectory(path.join(directory, run)))
    .toSorted()
    .map((name) => path.join(directory, run, name))
})

const readAll = (files: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(files, (file) => Stream.runCollect(PineconeExport.read(file))),
    (all) => all.flat()
  )

/** Fails reads for good after so many fetches, until it is told to stop. */
const failingFetches = (index: Service, after: number) => {
  const state = { fetched: new Array<string>(), broken: true, calls: 0 }
  const service: Service = {
    ...index,
    fetch: (request) =>
      Effect.suspend(() => {
        if (state.broken && ++state.calls > after) {
          return Effect.fail(new PineconeError({ operation: "fetch", reason: new Unauthorized({ detail: "gone" }) }))
        }
        state.fetched.push(...request.ids)
        return index.fetch(request)
      })
  }
  return { service, state }
}

const Ids = Schema.Array(Schema.String.check(Schema.isPattern(/^[!~ab]{1,4}$/)))

describe("PineconeJobs.exportFiles", () => {
  it.effect("exports an index by splits, and load makes the same index of the files", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const [index, copy] = [yield* memoryIndex(), yield* memoryIndex()]
        yield* fill(index, "articles", [...records("doc", 900), ...records("x", 30)])
        yield* fill(index, "notes", records("n", 10))
        const splits = yield* PineconeJobs.splits({ namespaces: "all", recordsPerSplit: 200 }).pipe(
          Effect.provideService(PineconeIndex, index)
        )
        assert.deepStrictEqual(splits, [
          ...Array.from({ length: 9 }, (_, i) => ({ namespace: "articles", prefix: `doc0${i}` })),
          { namespace: "articles", prefix: "x" },
          { namespace: "notes" }
        ])
        const job = PineconeJobs.exportFiles({ name: "backup", directory })
        const ended = yield* runJob(job, splits).pipe(Effect.provideService(PineconeIndex, index))
        assert.deepStrictEqual(ended.records, { before: 0, written: 940, rejected: 0, unknown: 0, deadLettered: 0 })

        const files = yield* filesOf(directory)
        assert.deepStrictEqual(files.map((file) => path.basename(file)).slice(-3), [
          "articles@doc08.ndjson",
          "articles@x.ndjson",
          "notes.ndjson"
        ])
        assert.strictEqual(files.length, 11)
        yield* runJob(PineconeJobs.load({ name: "restore" }), yield* JobFiles.partitions(files)).pipe(
          Effect.provideService(PineconeIndex, copy)
        )
        const { different, extra, missing, same } = yield* compare(index, copy)
        assert.deepStrictEqual({ same, missing, extra, different }, { same: 940, missing: 0, extra: 0, different: 0 })
      })
    )
  )

  it.effect("goes on where a failed attempt stopped, and the file has each record once", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const index = yield* memoryIndex()
        const all = records("r", 2000)
        yield* fill(index, "big", all)
        const { service, state } = failingFetches(index, 10)
        const job = PineconeJobs.exportFiles({ name: "backup", directory, retries: 0, read: { fetchConcurrency: 2 } })
        const ended = yield* Effect.gen(function* () {
          yield* Effect.flip(passing(Job.execute(job, { id: "1", partitions: [{ namespace: "big" }] })))
          state.broken = false
          yield* Job.resume(job, "1")
          return yield* passing(Job.wait(job, "1"))
        }).pipe(
          Effect.provide(Layer.provideMerge(Job.layer(job), JobRunner.layerMemory())),
          Effect.provideService(PineconeIndex, service)
        )
        assert.isAtLeast(ended.records.before, 700)
        assert.strictEqual(ended.records.before + ended.records.written, 2000)
        const files = yield* filesOf(directory)
        assert.deepStrictEqual(
          files.map((file) => path.basename(file)),
          ["big.ndjson"]
        )
        assert.deepStrictEqual(
          (yield* readAll(files)).map(({ id }) => id),
          all.map(({ id }) => id)
        )
        assert.isBelow(state.fetched.length, 2400)
      })
    )
  )

  it.effect("begins anew when what was written is not there", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const index = yield* memoryIndex()
        yield* fill(index, "big", records("r", 1000))
        const { service, state } = failingFetches(index, 4)
        const job = PineconeJobs.exportFiles({ name: "backup", directory, retries: 0 })
        const ended = yield* Effect.gen(function* () {
          yield* Effect.flip(passing(Job.execute(job, { id: "1", partitions: [{ namespace: "big" }] })))
          yield* files.remove(path.join(directory, "1"), { recursive: true })
          state.broken = false
          yield* Job.resume(job, "1")
          return yield* passing(Job.wait(job, "1"))
        }).pipe(
          Effect.provide(Layer.provideMerge(Job.layer(job), JobRunner.layerMemory())),
          Effect.provideService(PineconeIndex, service)
        )
        assert.deepStrictEqual([ended.records.before, ended.records.written], [0, 1000])
        assert.strictEqual((yield* readAll(yield* filesOf(directory))).length, 1000)
      })
    )
  )

  it.effect("fails when the index counts more records than it lists", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const index = yield* memoryIndex()
        yield* fill(index, "notes", records("n", 10))
        const lying: Service = {
          ...index,
          stats: Effect.map(index.stats, (stats) => ({ ...stats, namespaces: new Map([["notes", 11]]) }))
        }
        const job = PineconeJobs.exportFiles({ name: "backup", directory, retries: 0 })
        const error = yield* Effect.flip(runJob(job, [{ namespace: "notes" }])).pipe(
          Effect.provideService(PineconeIndex, lying)
        )
        assert.include(String(error), "saw 10 records where the store counts 11")
        const names = (yield* filesOf(directory)).map((file) => path.basename(file))
        assert.deepStrictEqual(names, ["notes.ndjson.1.part"])
      })
    )
  )
})

describe("PineconeJobs.splits", () => {
  it.effect.prop(
    "holds each id once, whatever the ids are",
    [Ids, Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 40 }))],
    ([ids, wanted]) =>
      Effect.gen(function* () {
        const sorted = Array.from(new Set(ids)).sort()
        const page = 2
        const index = yield* memoryIndex()
        const found = yield* prefixes(
          {
            ...index,
            list: ({ prefix = "" }) => {
              const all = sorted.filter((id) => id.startsWith(prefix))
              return Effect.succeed({
                ids: all.slice(0, page),
                ...(all.length > page ? { next: "more" } : {}),
                usage: undefined,
                indexedLsn: undefined
              })
            }
          },
          "a",
          wanted
        )
        for (const id of sorted) {
          assert.strictEqual(found.filter((prefix) => id.startsWith(prefix)).length, 1, JSON.stringify(id))
        }
      })
  )
})

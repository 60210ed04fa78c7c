import { Job, JobFiles, JobRunner } from "@effect-connectors/cluster"
import * as PineconeJobs from "@effect-connectors/cluster/PineconeJobs"
import { RequestRefused } from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as path from "node:path"
import { compare, failingAfter, fill, inDirectory, memoryIndex, records, runJob } from "./support/jobs.ts"
import { passing } from "./support/passing.ts"

/** Runs a program where an index is read and another one written. */
const between =
  (from: Service, to: Service) =>
  <A, E, R>(program: Effect.Effect<A, E, R>) =>
    program.pipe(
      Effect.provideService(PineconeIndex, to),
      Effect.provide(PineconeJobs.Source.layer(Layer.succeed(PineconeIndex, from)))
    )

/** Refuses one record, as the service does that does not say which. */
const refusing = (service: Service, bad: string): Service => ({
  ...service,
  upsert: (request) =>
    request.records.some(({ id }) => id === bad)
      ? Effect.fail(new PineconeError({ operation: "upsert", reason: new RequestRefused({ detail: "bad" }) }))
      : service.upsert(request)
})

const splitsOf = (index: Service) =>
  PineconeJobs.splits({ namespaces: "all", recordsPerSplit: 200 }).pipe(Effect.provideService(PineconeIndex, index))

describe("PineconeJobs.migrate", () => {
  it.effect("copies an index by splits, and compares each", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, "articles", [...records("doc", 500), ...records("x", 30)])
      yield* fill(from, "notes", records("n", 10))
      const splits = yield* splitsOf(from)
      assert.isAbove(splits.length, 4)
      const ended = yield* runJob(PineconeJobs.migrate({ name: "copy" }), splits).pipe(between(from, to))
      assert.deepStrictEqual(ended.records, { before: 0, written: 540, rejected: 0, unknown: 0, deadLettered: 0 })
      const { different, extra, missing, same } = yield* compare(from, to)
      assert.deepStrictEqual({ same, missing, extra, different }, { same: 540, missing: 0, extra: 0, different: 0 })
    })
  )

  it.effect("notices in its own split, and only there, what is missing in the copy", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, "articles", [...records("a", 300), ...records("b", 300)])
      // It says that it has written a record, and has not.
      const losing: Service = {
        ...to,
        upsert: (request) => {
          const kept = request.records.filter(({ id }) => id !== "b0007")
          return Arr.isReadonlyArrayNonEmpty(kept)
            ? Effect.map(to.upsert({ ...request, records: kept }), (reply) => ({
                ...reply,
                upsertedCount: request.records.length
              }))
            : Effect.die("a call has more than one record here")
        }
      }
      const job = PineconeJobs.migrate({ name: "copy", retries: 0 })
      const partitions = ["a", "b"].map((prefix) => ({ namespace: "articles", prefix }))
      const error = yield* Effect.flip(runJob(job, partitions)).pipe(between(from, losing))
      assert.include(String(error), "1 of 2 partitions failed")
      assert.include(String(error), '"prefix":"b"')
      assert.include(String(error), "1 missing and 0 different")
    })
  )

  it.effect("goes on with the pages of a failed attempt", () =>
    Effect.gen(function* () {
      const from = yield* memoryIndex()
      const to = yield* memoryIndex()
      yield* fill(from, "articles", records("a", 2000))
      const { service, state } = failingAfter(to, 10)
      const job = PineconeJobs.migrate({ name: "copy", retries: 0, maxOpen: 4, write: { concurrency: 2 } })
      const ended = yield* Effect.gen(function* () {
        yield* Effect.flip(passing(Job.execute(job, { id: "1", partitions: [{ namespace: "articles" }] })))
        assert.strictEqual(state.sent.length, 1000)
        state.broken = false
        yield* Job.resume(job, "1")
        return yield* passing(Job.wait(job, "1"))
      }).pipe(Effect.provide(Layer.provideMerge(Job.layer(job), JobRunner.layerMemory())), between(from, service))
      assert.isAtLeast(ended.records.before, 600)
      assert.strictEqual(ended.records.before + ended.records.written, 2000)
      assert.isAtMost(state.sent.length - 2000, 4 * 100)
      assert.strictEqual((yield* compare(from, to)).same, 2000)
    })
  )

  it.effect("renames namespaces as planned, and refuses a plan that makes one of two", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* memoryIndex(), yield* memoryIndex()]
      yield* fill(from, "a", records("doc", 500))
      yield* fill(from, "b", records("doc", 20))
      yield* fill(from, "", records("doc", 10))
      const splits = (rename: (namespace: string) => string) =>
        PineconeJobs.splits({ namespaces: "all", recordsPerSplit: 200, rename }).pipe(
          Effect.provideService(PineconeIndex, from)
        )
      const error = yield* Effect.flip(splits(() => "all"))
      assert.strictEqual(error.reason._tag, "InvalidOption")
      assert.include(error.message, 'option rename gives two namespaces the name "all"')
      // The default namespace has two names.
      const twice = yield* Effect.flip(splits((name) => (name === "b" ? "" : name)))
      assert.include(twice.message, 'option rename gives two namespaces the name "__default__"')

      const planned = yield* splits((name) => (name === "__default__" ? name : `${name}-v2`))
      assert.deepInclude(planned, { namespace: "__default__" })
      assert.deepInclude(planned, { namespace: "b", as: "b-v2" })
      const ended = yield* runJob(PineconeJobs.migrate({ name: "copy" }), planned).pipe(between(from, to))
      assert.strictEqual(ended.records.written, 530)
      const { namespaces } = yield* to.stats
      assert.deepStrictEqual(Object.fromEntries(namespaces), { __default__: 10, "a-v2": 500, "b-v2": 20 })
    })
  )

  it.effect("keeps what is refused as dead letters, and names it without them", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const from = yield* memoryIndex()
        yield* fill(from, "articles", records("a", 150))
        const dead = path.join(directory, "dead")
        const partitions = [{ namespace: "articles" }]
        const refused = yield* Effect.flip(runJob(PineconeJobs.migrate({ name: "copy", retries: 0 }), partitions)).pipe(
          between(from, refusing(yield* memoryIndex(), "a0007"))
        )
        assert.include(String(refused), "1 records were not written")

        const ended = yield* runJob(
          PineconeJobs.migrate({ name: "copy", deadLetters: JobFiles.letters(dead) }),
          partitions
        ).pipe(between(from, refusing(yield* memoryIndex(), "a0007")))
        assert.deepStrictEqual(ended.records, { before: 0, written: 149, rejected: 0, unknown: 0, deadLettered: 1 })
        const [name] = yield* files.readDirectory(dead)
        const letter = JSON.parse((yield* files.readFileString(path.join(dead, name!))).trim())
        assert.deepStrictEqual(letter.record, { namespace: "articles", ...records("a", 8)[7] })
        assert.isUndefined(letter.unfit)
      })
    )
  )
})

import { Job, JobFiles, JobRunner } from "@effect-connectors/cluster"
import * as TectonJobs from "@effect-connectors/cluster/TectonJobs"
import { RequestRefused, Unauthorized } from "@effect-connectors/core/ConnectorError"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import { TectonError } from "@effect-connectors/tecton/TectonError"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import * as TectonMemory from "@effect-connectors/testkit/TectonMemory"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as path from "node:path"
import { inDirectory, memoryIndex, runJob, writeLines } from "./support/jobs.ts"
import { passing } from "./support/passing.ts"

const fraud = FeatureService.make("fraud", {
  joinKeys: { user_id: Schema.String },
  features: { "user_profile.country": Schema.String }
})
type Features = { readonly "user_profile.country": string }

const User = Schema.Struct({ id: Schema.String, vector: Schema.Array(Schema.Number) })

/** A workspace that knows where the even ones of so many users live. */
const workspace = Effect.fnUntraced(function* (count: number) {
  const client = yield* Effect.provide(TectonClient, TectonMemory.layer)
  const timestamp = DateTime.formatIso(yield* DateTime.now)
  yield* Stream.range(0, count - 1).pipe(
    Stream.filter((i) => i % 2 === 0),
    Stream.map((i) => ({ user_id: `u${i}`, timestamp, country: `c${i % 7}`, plan: "free" })),
    TectonSink.ingest({ source: "profiles", joinKeys: ["user_id"] }),
    Stream.runDrain,
    Effect.provideService(TectonClient, client),
    passing
  )
  return client
})

/** Refuses calls that ask for a user, without saying so. */
const refusing = (client: TectonClient["Service"], bad: string) => {
  const refused = new TectonError({ operation: "features", reason: new RequestRefused({ detail: "no" }) })
  return TectonClient.of({
    ...client,
    getFeatures: (request) =>
      request.joinKeys?.["user_id"] === bad ? Effect.fail(refused) : client.getFeatures(request),
    getFeaturesBatch: (request) =>
      request.lookups.some(({ joinKeys }) => joinKeys?.["user_id"] === bad)
        ? Effect.fail(refused)
        : client.getFeaturesBatch(request)
  })
}

const users = (count: number) =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ id: `u${i}`, vector: [1, i] }))

const countryOf = (i: number) => (i % 2 === 0 ? `c${i % 7}` : null)

describe("TectonJobs.enrich", () => {
  it.effect("writes rows with their features to an index, and keeps what has none", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const client = yield* workspace(100)
        const index = yield* memoryIndex()
        const file = yield* writeLines(directory, "users.ndjson", [...users(100), "{", '{"id":"bad","vector":[1,1]}'])
        const dead = path.join(directory, "dead")
        const job = TectonJobs.enrich({
          name: "users",
          schema: User,
          service: fraud,
          lookup: { keys: ({ id }) => ({ user_id: id }) },
          write: PineconeSink.upsertOutcomes({
            record: ({ features, row }: TectonJobs.Enriched<typeof User.Type, Features>) => ({
              id: row.id,
              values: row.vector,
              metadata: { country: features["user_profile.country"].value ?? "none" }
            })
          }),
          deadLetters: JobFiles.letters(dead)
        })
        const partitions = yield* JobFiles.partitions([file], { partBytes: 1000 })
        assert.isAbove(partitions.length, 2)
        const ended = yield* runJob(job, partitions).pipe(
          Effect.provideService(PineconeIndex, index),
          Effect.provideService(TectonClient, refusing(client, "bad"))
        )
        assert.deepStrictEqual(ended.records, { before: 0, written: 100, rejected: 0, unknown: 0, deadLettered: 2 })
        const { records } = yield* index.fetch({ ids: Arr.makeBy(100, (i) => `u${i}`) })
        assert.strictEqual(records.size, 100)
        for (let i = 0; i < 100; i++) {
          assert.deepStrictEqual(records.get(`u${i}`)?.metadata, { country: countryOf(i) ?? "none" })
        }
        const letters = (yield* Effect.forEach(yield* files.readDirectory(dead), (name) =>
          files.readFileString(path.join(dead, name))
        )).join("")
        assert.include(letters, "is no JSON")
        assert.include(letters, '"error":"TectonError"')
      })
    )
  )
})

describe("TectonJobs.enrichFiles", () => {
  const optionsFor = (directory: string) => ({
    name: "users",
    schema: User,
    service: fraud,
    lookup: { keys: ({ id }: typeof User.Type) => ({ user_id: id }), maxBatch: 5, concurrency: 10 },
    line: ({ id }: typeof User.Type, features: FeatureService.Vector<Features>) => ({
      id,
      country: features["user_profile.country"].value
    }),
    directory
  })
  const contentOf = Effect.fnUntraced(function* (directory: string) {
    const files = yield* FileSystem.FileSystem
    const [name = "", ...others] = yield* files.readDirectory(path.join(directory, "1"))
    assert.deepStrictEqual(others, [])
    const text = yield* files.readFileString(path.join(directory, "1", name))
    return text
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line))
  })

  it.effect("goes on from the last line of a failed attempt, and has each row once, in order", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const client = yield* workspace(600)
        const state = { calls: 0, broken: true }
        const failing = TectonClient.of({
          ...client,
          getFeaturesBatch: (request) =>
            Effect.suspend(() =>
              state.broken && ++state.calls > 40
                ? Effect.fail(
                    new TectonError({ operation: "getFeaturesBatch", reason: new Unauthorized({ detail: "gone" }) })
                  )
                : client.getFeaturesBatch(request)
            )
        })
        const file = yield* writeLines(directory, "users.ndjson", users(600))
        const job = TectonJobs.enrichFiles({ ...optionsFor(path.join(directory, "out")), retries: 0 })
        const ended = yield* Effect.gen(function* () {
          const partitions = yield* JobFiles.partitions([file])
          yield* Effect.flip(passing(Job.execute(job, { id: "1", partitions })))
          state.broken = false
          yield* Job.resume(job, "1")
          return yield* passing(Job.wait(job, "1"))
        }).pipe(
          Effect.provide(Layer.provideMerge(Job.layer(job), JobRunner.layerMemory())),
          Effect.provideService(TectonClient, failing)
        )
        assert.isAtLeast(ended.records.before, 100)
        assert.strictEqual(ended.records.before + ended.records.written, 600)
        assert.deepStrictEqual(
          yield* contentOf(path.join(directory, "out")),
          Array.from({ length: 600 }, (_, i) => ({ id: `u${i}`, country: countryOf(i) }))
        )
      })
    )
  )

  it.effect("fails at a row that can not be read, and leaves it out with a place for dead letters", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const client = yield* workspace(10)
        const file = yield* writeLines(directory, "users.ndjson", [...users(4), "[]", ...users(10).slice(4), "{"])
        const partitions = yield* JobFiles.partitions([file])
        const out = path.join(directory, "out")
        const error = yield* Effect.flip(
          runJob(TectonJobs.enrichFiles({ ...optionsFor(out), retries: 0 }), partitions)
        ).pipe(Effect.provideService(TectonClient, client))
        assert.match(String(error), /users\.ndjson#0-\d+: row 5/)

        const kept = path.join(directory, "kept")
        const job = TectonJobs.enrichFiles({
          ...optionsFor(kept),
          deadLetters: JobFiles.letters(path.join(directory, "dead"))
        })
        const ended = yield* runJob(job, partitions).pipe(Effect.provideService(TectonClient, client))
        assert.deepStrictEqual(ended.records, { before: 0, written: 10, rejected: 0, unknown: 0, deadLettered: 2 })
        assert.deepStrictEqual(
          yield* contentOf(kept),
          Array.from({ length: 10 }, (_, i) => ({ id: `u${i}`, country: countryOf(i) }))
        )
      })
    )
  )
})

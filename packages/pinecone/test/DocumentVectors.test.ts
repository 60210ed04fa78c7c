import * as Outcome from "@effect-connectors/core/Outcome"
import * as DocumentVectors from "@effect-connectors/pinecone/DocumentVectors"
import { PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeMigrate from "@effect-connectors/pinecone/PineconeMigrate"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { key, refusalOf } from "./support/secrets.ts"

const fields = { dense: "embedding", sparse: "terms" }

/** An empty index of documents at an emulator of its own. */
const documents = Effect.gen(function* () {
  const emulator = yield* PineconeEmulator.make()
  const { host } = yield* emulator.createIndex({
    name: "articles",
    schema: {
      fields: {
        embedding: { type: "dense_vector", dimension: 2, metric: "dotproduct" },
        terms: { type: "sparse_vector" },
        title: { type: "string", fullTextSearch: {} }
      }
    }
  })
  return yield* Effect.provide(
    PineconeDocumentIndex,
    PineconeDocumentIndex.layer({ apiKey: Redacted.make(key), host, pacing: false })
  )
})

const records: ReadonlyArray<VectorRecord> = [
  { id: "a", values: [1, 0.1], metadata: { title: "Red shoes", n: 1, tags: ["x", "y"], ok: false } },
  { id: "b", values: Float32Array.of(0.25, 3), sparseValues: { indices: [1, 7], values: [0.5, 2] } },
  { id: "c", values: [3, 4], metadata: { title: "Umbrella" } }
]

describe("DocumentVectors", () => {
  it.effect("moves vectors to documents: all are there, and the comparison finds them the same", () =>
    Effect.gen(function* () {
      const target = yield* documents
      const from = yield* Effect.provide(PineconeIndex, PineconeMemory.layerWith({ metric: "dotproduct" }))
      const more = Array.from({ length: 250 }, (_, i) => ({ id: `more-${i}`, values: [i + 1, 0.3], metadata: { i } }))
      for (const namespace of ["", "news"]) {
        yield* Stream.fromIterable([...records, ...more]).pipe(
          PineconeSink.upsert({ namespace }),
          Stream.runDrain,
          Effect.provideService(PineconeIndex, from)
        )
      }
      const to = DocumentVectors.make(target, fields)
      const report = yield* PineconeMigrate.migrate({ from, to, namespaces: "all", run: "1" })
      assert.deepInclude(report, { records: 506, written: 506, rejected: 0, unknown: 0, notWritten: 0 })
      assert.deepInclude(report.comparison, { same: 506, missing: 0, extra: 0, different: 0 })

      const { documents: found } = yield* target.fetch({ namespace: "news", ids: ["a", "b"] })
      assert.deepStrictEqual(Array.from(found.values()), [
        { title: "Red shoes", n: 1, tags: ["x", "y"], ok: false, embedding: [1, 0.1], _id: "a" },
        { embedding: [0.25, 3], terms: { indices: [1, 7], values: [0.5, 2] }, _id: "b" }
      ])
      // The words of what was metadata are searched now.
      const { matches } = yield* target.search({
        scoreBy: [{ type: "text", fields: ["title"], query: "umbrella" }],
        topK: 3
      })
      assert.deepStrictEqual(
        matches.map(({ _id }) => _id),
        ["c"]
      )
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("records that can be no documents are rejected, and the others are written", () =>
    Effect.gen(function* () {
      const to = DocumentVectors.make(yield* documents, { dense: "embedding" })
      const bad: ReadonlyArray<readonly [record: VectorRecord, says: RegExp]> = [
        [{ id: "x", values: [1, 2], metadata: { embedding: "here" } }, /metadata\.embedding has the name of the field/],
        [{ id: "x", values: [1, 2], metadata: { _lang: "en" } }, /_lang starts with _/],
        [{ id: "x", values: [1, 2], metadata: { ["n".repeat(65)]: 1 } }, /a name may have 64/],
        [{ id: "x", values: [1, 2], sparseValues: { indices: [1], values: [1] } }, /name one in `sparse`/]
      ]
      const outcomes = yield* Stream.make(records[0]!, ...bad.map(([record]) => record), records[2]!).pipe(
        PineconeSink.upsertOutcomes({ duplicates: "sendAll" }),
        Stream.runCollect,
        Effect.provideService(PineconeIndex, to)
      )
      const [written, notWritten] = Outcome.split(outcomes)
      assert.sameMembers(
        written.map(({ input }) => input.id),
        ["a", "c"]
      )
      assert.lengthOf(notWritten, bad.length)
      for (const [record, says] of bad) {
        const rejected = notWritten.find(({ input }) => input === record)
        assert.strictEqual(rejected?._tag, "Rejected")
        assert.strictEqual(rejected?.error.reason._tag, "InvalidRecord")
        assert.match(rejected?.error.message ?? "", says)
      }
    })
  )

  it.effect("refuses to leave out what a record can not hold", () =>
    Effect.gen(function* () {
      const target = yield* documents
      yield* DocumentVectors.make(target, fields).upsert({ records: [records[1]!] })
      for (const [named, lost] of [
        [{ dense: "embedding" }, "terms"],
        [{ sparse: "terms" }, "embedding"]
      ] as const) {
        const error = yield* refusalOf(DocumentVectors.make(target, named).fetch({ ids: ["b"] }))
        assert.strictEqual(error.reason._tag, "InvalidOption")
        assert.include(error.message, `leave out field "${lost}" of document "b"`)
      }
    })
  )

  it.effect("takes an empty vector for none", () =>
    Effect.gen(function* () {
      const target = yield* documents
      const sparseValues = { indices: [1], values: [2] }
      yield* DocumentVectors.make(target, { sparse: "terms" }).upsert({
        records: [{ id: "s", values: [], sparseValues }]
      })
      const { documents: found } = yield* target.fetch({ ids: ["s"] })
      assert.deepStrictEqual(found.get("s"), { _id: "s", terms: sparseValues })
    })
  )

  it.effect("is asked, changed and emptied as a vector index is", () =>
    Effect.gen(function* () {
      const index = DocumentVectors.make(yield* documents, fields)
      yield* index.upsert({ records: [records[0]!, records[1]!, records[2]!] })
      const near = yield* index.query({
        vector: [0, 1],
        topK: 2,
        includeMetadata: true,
        filter: { title: { $exists: true } }
      })
      assert.deepStrictEqual(near.matches, [
        { id: "c", score: 4, metadata: { title: "Umbrella" } },
        { id: "a", score: 0.1, metadata: { title: "Red shoes", n: 1, tags: ["x", "y"], ok: false } }
      ])
      const sparse = yield* index.query({ sparseVector: { indices: [7], values: [1] }, topK: 2, includeValues: true })
      assert.deepStrictEqual(sparse.matches, [
        { id: "b", score: 2, values: [0.25, 3], sparseValues: { indices: [1, 7], values: [0.5, 2] } }
      ])
      yield* index.update({ id: "a", values: [5, 5], metadata: { n: 2 } })
      yield* index.delete({ ids: ["b"] })
      const { records: found } = yield* index.fetch({ ids: ["a", "b"] })
      assert.deepStrictEqual(Array.from(found.values()), [
        {
          id: "a",
          values: [5, 5],
          sparseValues: undefined,
          metadata: { title: "Red shoes", n: 2, tags: ["x", "y"], ok: false }
        }
      ])
      assert.deepStrictEqual((yield* index.list({})).ids, ["a", "c"])
      const error = yield* refusalOf(index.query({ id: "a", topK: 1 }))
      assert.match(error.message, /asks with the id of a record/)
      yield* index.deleteNamespace("__default__")
      assert.strictEqual((yield* index.stats).totalRecords, 0)
    })
  )
})

/** Records with text in memory, and that they are those of the emulator. */
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import {
  PineconeRecordIndex,
  type SearchRecordsRequest,
  type TextRecord
} from "@effect-connectors/pinecone/PineconeRecordIndex"
import * as PineconeRecords from "@effect-connectors/pinecone/PineconeRecords"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import * as PineconeRecordMemory from "@effect-connectors/testkit/PineconeRecordMemory"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

const notes = [
  { _id: "a", note: "The umbrella keeps the rain off", year: 2020 },
  { _id: "b", note: "Running shoes for dry ground", year: 2024 },
  { _id: "c", note: "Rain boots and rain coats", year: 2024, tags: ["wet"] }
]

const rerank = { model: "bge-reranker-v2-m3", rankFields: ["note"], topN: 2, query: "running" }

const searches: ReadonlyArray<SearchRecordsRequest> = [
  { by: { text: "rain umbrella" }, topK: 3 },
  { by: { text: "rain" }, topK: 1, fields: ["year"] },
  { by: { text: "rain" }, topK: 3, filter: { year: 2024 } },
  { by: { text: "dry rain" }, topK: 3, namespace: "ns" },
  { by: { id: "c" }, topK: 2 },
  { by: { id: "nobody" }, topK: 2 },
  { by: { text: "rain" }, topK: 3, rerank },
  { by: { id: "a" }, topK: 3, rerank },
  // refused
  { by: { text: "rain" }, topK: 3, rerank: { ...rerank, model: "magic" } },
  { by: { text: "rain" }, topK: 3, rerank: { ...rerank, rankFields: ["tags"] } },
  { by: { text: "rain" }, topK: 3, matchTerms: { strategy: "all", terms: ["rain"] } },
  { by: { text: "rain" }, topK: 3, filter: { tags: { $like: "x" } } as never },
  { by: { vector: [1, 2] }, topK: 3 }
]

const sparseSearches: ReadonlyArray<SearchRecordsRequest> = [
  { by: { text: "rain shoes" }, topK: 3 },
  { by: { text: "rain" }, topK: 3, matchTerms: { strategy: "all", terms: ["KEEPS", "the rain"] } },
  { by: { sparseVector: { indices: [1], values: [1] } }, topK: 3 },
  { by: { text: "rain" }, topK: 3, rerank }
]

/** What a program of all these calls is told. */
const told = (searches: ReadonlyArray<SearchRecordsRequest>) =>
  Effect.gen(function* () {
    const records = yield* PineconeRecordIndex
    const index = yield* PineconeIndex
    const written: ReadonlyArray<TextRecord> = [...notes, { _id: "bad", note: 5 }, { _id: "no", year: 1 }]
    const outcomes = yield* Stream.fromIterable(written).pipe(
      PineconeRecords.upsertOutcomes(),
      Stream.map(({ _tag, input }) => [input._id, _tag]),
      Stream.runCollect
    )
    yield* records.upsert({ namespace: "ns", records: [notes[1]!, { _id: "z", note: "?" }] })
    yield* index.delete({ ids: ["z"], namespace: "ns" })
    const why = ({ operation, reason }: PineconeError) => [
      operation,
      reason._tag,
      "detail" in reason ? reason.detail : ""
    ]
    const found = yield* Effect.forEach(searches, (search) =>
      Effect.match(records.search(search), {
        onFailure: why,
        onSuccess: ({ embedTokens, hits, indexedLsn, readUnits, rerankUnits }) => [
          hits.map((hit) => ({ ...hit, _score: Math.fround(hit._score) })),
          { embedTokens, indexedLsn, readUnits, rerankUnits }
        ]
      })
    )
    return { outcomes, found, ids: (yield* index.list({})).ids, stats: (yield* index.stats).namespaces }
  })

const atEmulator = (model: string) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator
      yield* emulator.createIndex({ name: "notes", embed: { model, field: "note" } })
      const at = { apiKey: Redacted.make("k"), controllerHost: emulator.url, index: "notes", pacing: false as const }
      return Layer.merge(PineconeRecordIndex.layer(at), PineconeIndex.layer(at))
    })
  ).pipe(Layer.provide(PineconeEmulator.layer))

describe("records in memory", () => {
  it.live.each([
    ["llama-text-embed-v2", searches],
    ["multilingual-e5-large", searches.slice(0, 5)],
    ["pinecone-sparse-english-v0", sparseSearches]
  ] as const)("are those of the emulator: %s", ([model, searches]) =>
    Effect.gen(function* () {
      const memory = yield* Effect.provide(told(searches), PineconeRecordMemory.layerWith({ model, textField: "note" }))
      const emulator = yield* Effect.provide(told(searches), atEmulator(model))
      assert.deepStrictEqual(memory, emulator)
      assert.deepStrictEqual(memory.ids, ["a", "b", "c"])
    })
  )

  it.effect("get their vectors from the function that is given", () =>
    Effect.gen(function* () {
      const records = yield* PineconeRecordIndex
      yield* records.upsert({
        records: [
          { _id: "a", text: "long text" },
          { _id: "b", text: "x" }
        ]
      })
      const { hits } = yield* records.search({ by: { text: "y" }, topK: 1 })
      assert.strictEqual(hits[0]?._id, "b")
      const error = yield* Effect.flip(records.upsert({ records: [{ _id: "c", text: "fail" }] }))
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.include(error.message, "no model today")
      assert.deepStrictEqual((yield* (yield* PineconeIndex).list({})).ids, ["a", "b"])
    }).pipe(
      Effect.provide(
        PineconeRecordMemory.layerWith({
          embed: ({ dimension, texts }) =>
            texts.includes("fail")
              ? Effect.fail("no model today")
              : Effect.succeed(
                  texts.map((text) => Float32Array.from({ length: dimension }, (_, i) => (i === text.length ? 1 : 0)))
                )
        })
      )
    )
  )

  it.effect("are seen when it is time", () =>
    Effect.gen(function* () {
      const records = yield* PineconeRecordIndex
      const search = Effect.map(records.search({ by: { text: "rain" }, topK: 1 }), ({ hits }) => hits.length)
      yield* records.upsert({ records: [{ _id: "a", text: "rain" }] })
      assert.strictEqual(yield* search, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* search, 1)
    }).pipe(Effect.provide(PineconeRecordMemory.layerWith({ visibleAfter: "1 second" })))
  )

  it.effect("a search tells the write that it saw, and not one that came while it ranked", () =>
    Effect.gen(function* () {
      const ranks = yield* Deferred.make<void>()
      const ranked = yield* Deferred.make<void>()
      const layer = PineconeRecordMemory.layerWith({
        embed: ({ dimension, model, texts }) =>
          Effect.gen(function* () {
            if (model === rerank.model) {
              yield* Deferred.succeed(ranks, undefined)
              yield* Deferred.await(ranked)
            }
            return texts.map(() => Float32Array.from({ length: dimension }, () => 1))
          })
      })
      yield* Effect.gen(function* () {
        const records = yield* PineconeRecordIndex
        const before = yield* records.upsert({ records: [{ _id: "a", text: "rain" }] })
        const search = yield* Effect.forkChild(
          records.search({ by: { text: "rain" }, topK: 5, rerank: { model: rerank.model, rankFields: ["text"] } })
        )
        yield* Deferred.await(ranks)
        yield* records.upsert({ records: [{ _id: "b", text: "rain" }] })
        yield* Deferred.succeed(ranked, undefined)
        const { hits, indexedLsn } = yield* Fiber.join(search)
        assert.deepStrictEqual(
          hits.map(({ _id }) => _id),
          ["a"]
        )
        assert.isDefined(indexedLsn)
        assert.strictEqual(indexedLsn, before.lsn)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect.each([
    [{ model: "gpt" }, "model"],
    [{ dimension: 3 }, "dimension"],
    [{ model: "pinecone-sparse-english-v0", dimension: 384 }, "dimension"]
  ] as const)("are not made for %j", ([options, option]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(PineconeRecordIndex, PineconeRecordMemory.layerWith(options)))
      assert.deepInclude(error.reason, { _tag: "InvalidOption", option })
    })
  )
})

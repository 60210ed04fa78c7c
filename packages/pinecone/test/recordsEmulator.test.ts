/** One program of texts, embedded by the emulator and by the program itself: only its layer differs. */
import * as Outcome from "@effect-connectors/core/Outcome"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeRecordIndex } from "@effect-connectors/pinecone/PineconeRecordIndex"
import * as PineconeRecords from "@effect-connectors/pinecone/PineconeRecords"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as EmbeddingModel from "effect/ai/EmbeddingModel"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { key } from "./support/secrets.ts"

const dimension = 384

/** How often each letter is in a text. */
const vectorOf = (text: string): Array<number> => {
  const counts = Array.from({ length: dimension }, () => 0)
  for (const letter of text) counts[letter.charCodeAt(0) % dimension]! += 1
  return counts
}

const notes = [
  { _id: "a", note: "The umbrella keeps the rain off", year: 2020 },
  { _id: "b", note: "Running shoes for dry ground", year: 2024 },
  { _id: "c", note: "zzzz", year: 2024, tags: ["wet"] },
  { _id: "d", note: "" }
]

/** What the program finds and what it could not write. */
const program = Effect.gen(function* () {
  const outcomes = yield* Stream.fromIterable(notes).pipe(
    PineconeRecords.upsertOutcomes({ namespace: "ns" }),
    Stream.runCollect
  )
  const rows = yield* Stream.make("umbrella", "zz", "running ground").pipe(
    PineconeRecords.search({
      by: (text) => ({ text }),
      topK: 2,
      namespace: "ns",
      filter: { year: { $gte: 2020 } },
      fields: ["year"]
    }),
    Stream.runCollect
  )
  const [, notWritten] = Outcome.split(outcomes)
  return {
    counts: Outcome.countAll(outcomes),
    refused: notWritten.map(({ error, input }) => [input._id, error.reason.message]),
    found: rows.map(([question, hits]) => [question, hits.map(({ _id, fields }) => [_id, fields])])
  }
})

describe("records at an emulator", () => {
  it.effect("a program gives the same whoever embeds", () =>
    Effect.gen(function* () {
      const embed = ({ texts }: { readonly texts: ReadonlyArray<string> }) => Effect.succeed(texts.map(vectorOf))
      const emulator = yield* PineconeEmulator.make({ embed })
      yield* emulator.createIndex({
        name: "notes",
        embed: { model: "llama-text-embed-v2", field: "note", dimension, metric: "cosine" }
      })
      yield* emulator.createIndex({ name: "vectors", dimension })
      const at = { apiKey: Redacted.make(key), controllerHost: emulator.url, pacing: false as const }
      const model = Layer.effect(
        EmbeddingModel.EmbeddingModel,
        EmbeddingModel.make({
          embedMany: ({ inputs }) =>
            Effect.succeed({ results: inputs.map(vectorOf), usage: { inputTokens: undefined } })
        })
      )

      const there = PineconeRecordIndex.layer({ ...at, index: "notes" })
      const here = PineconeRecordIndex.layerEmbedding({ textField: "note" }).pipe(
        Layer.provide([PineconeIndex.layer({ ...at, index: "vectors" }), model])
      )

      const byPinecone = yield* Effect.provide(program, there)
      const byProgram = yield* Effect.provide(program, here)
      assert.deepStrictEqual(byPinecone, byProgram)
      assert.deepStrictEqual(byPinecone.counts, { written: 3, rejected: 1, unknown: 0 })
      assert.deepStrictEqual(byPinecone.refused, [["d", 'record "d": note is empty, and it is the field to embed']])
      assert.deepStrictEqual(
        byPinecone.found.map(([question, hits]) => [question, hits?.[0]]),
        [
          ["umbrella", ["a", { year: 2020 }]],
          ["zz", ["c", { year: 2024 }]],
          ["running ground", ["b", { year: 2024 }]]
        ]
      )
    })
  )

  it.effect("hits are ordered once more, and records listed and deleted as vectors are", () =>
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator.make()
      yield* emulator.createIndex({ name: "notes", embed: { model: "llama-text-embed-v2", field: "note" } })
      const at = { apiKey: Redacted.make(key), controllerHost: emulator.url, index: "notes", pacing: false as const }
      yield* Effect.gen(function* () {
        yield* Stream.fromIterable(notes.slice(0, 3)).pipe(PineconeRecords.upsert(), Stream.runDrain)
        const rows = yield* Stream.make("dry running shoes").pipe(
          PineconeRecords.search({
            by: (text) => ({ text }),
            topK: 3,
            rerank: { model: "bge-reranker-v2-m3", rankFields: ["note"], topN: 1, query: "umbrella rain" }
          }),
          Stream.runCollect
        )
        assert.deepStrictEqual(
          rows.map(([, hits]) => hits.map(({ _id }) => _id)),
          [["a"]]
        )
        const index = yield* PineconeIndex
        yield* index.delete({ ids: ["a"] })
        assert.deepStrictEqual((yield* index.list({})).ids, ["b", "c"])
      }).pipe(Effect.provide([PineconeRecordIndex.layer(at), PineconeIndex.layer(at)]))
    })
  )
})

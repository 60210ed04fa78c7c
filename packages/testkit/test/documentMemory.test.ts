/** Documents in memory: what only a program can give that no wire lies before. */
import * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import { PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import * as PineconeDocumentMemory from "@effect-connectors/testkit/PineconeDocumentMemory"
import { assert, describe, it } from "@effect/vitest"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

const notes = DocumentIndex.make({ vector: DocumentIndex.dense({ dimension: 1000, metric: "cosine" }) })

describe("a document in memory", () => {
  it.effect("has the size of its numbers, whatever array they are in", () =>
    Effect.gen(function* () {
      const vector = Float32Array.from({ length: 1000 }, (_, i) => i)
      const documents = [
        { _id: "typed", vector },
        { _id: "plain", vector: Array.from(vector) }
      ]
      const outcomes = yield* Stream.fromIterable(documents).pipe(
        PineconeDocuments.upsertOutcomes(notes),
        Stream.runCollect
      )
      assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 2, rejected: 0, unknown: 0 })
      const { documents: found } = yield* (yield* PineconeDocumentIndex).fetch({ ids: ["typed", "plain"] })
      assert.strictEqual(found.size, 2)
    }).pipe(Effect.provide(PineconeDocumentMemory.layer(notes, { limits: { maxDocumentBytes: 5000 } })))
  )
})

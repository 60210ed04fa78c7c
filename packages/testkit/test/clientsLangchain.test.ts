/** LangChain's vector store, unchanged, with the Pinecone client it brings. */
import { PineconeEmulator } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import { Document } from "@langchain/core/documents"
import { PineconeStore } from "@langchain/pinecone"
import * as Effect from "effect/Effect"

const alphabet = "abcdefghijklmnopqrstuvwxyz"

/** How often each letter occurs: texts of the same letters have the same vector. */
const embed = async (text: string): Promise<Array<number>> =>
  Array.from(alphabet, (letter) => text.toLowerCase().split(letter).length - 1)

const embeddings = {
  embedQuery: embed,
  embedDocuments: (texts: ReadonlyArray<string>) => Promise.all(texts.map(embed))
}

const documents = [
  new Document({ pageContent: "listen", metadata: { kind: "verb", letters: ["l", "i"], at: { page: 1 } } }),
  new Document({ pageContent: "silent", metadata: { kind: "adjective", letters: ["s"], at: { page: 2 } } }),
  new Document({ pageContent: "buzz", metadata: { kind: "verb", letters: ["b"], at: { page: 3 } } })
]

describe("PineconeStore of LangChain", () => {
  it.effect("adds, searches with filters and scores, and deletes", () =>
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator.make()
      yield* emulator.createIndex({ name: "words", dimension: alphabet.length })
      yield* Effect.promise(async () => {
        const store = await PineconeStore.fromExistingIndex(embeddings, {
          pineconeConfig: {
            indexName: "words",
            config: { apiKey: "langchain", controllerHostUrl: emulator.url }
          },
          namespace: "words"
        })
        const search = async (text: string, filter?: object) =>
          (await store.similaritySearchWithScore(text, 2, filter)).map(([{ id, metadata, pageContent }, score]) => ({
            id,
            pageContent,
            metadata,
            score: Number(score.toFixed(3))
          }))

        assert.deepStrictEqual(await store.addDocuments(documents, { ids: ["1", "2", "3"] }), ["1", "2", "3"])
        const listen = {
          id: "1",
          pageContent: "listen",
          metadata: { kind: "verb", letters: ["l", "i"], "at.page": 1 },
          score: 1
        }
        const silent = {
          id: "2",
          pageContent: "silent",
          metadata: { kind: "adjective", letters: ["s"], "at.page": 2 },
          score: 1
        }
        assert.deepStrictEqual(await search("enlist"), [listen, silent])
        assert.deepStrictEqual(await search("enlist", { kind: "adjective" }), [silent])
        assert.deepStrictEqual(await search("enlist", { "at.page": { $gte: 2 }, letters: { $in: ["s"] } }), [silent])
        const [mostDifferent] = await store.maxMarginalRelevanceSearch("enlist", { k: 1 })
        assert.strictEqual(mostDifferent?.pageContent, "listen")

        await store.delete({ ids: ["1"] })
        assert.deepStrictEqual(await search("enlist"), [silent])
        await store.delete({ filter: { kind: "adjective" } })
        assert.deepStrictEqual(await search("enlist"), [])
        assert.strictEqual((await search("buzz"))[0]?.id, "3")
        await store.delete({ deleteAll: true })
        assert.deepStrictEqual(await search("buzz"), [])

        // more than one request: it writes a hundred at a time
        const many = Array.from({ length: 250 }, (_, at) => new Document({ pageContent: "z", metadata: { at } }))
        const ids = await store.addDocuments(many)
        assert.strictEqual(new Set(ids).size, 250)
        assert.strictEqual((await store.similaritySearch("z", 1_000)).length, 250)
        await store.delete({ ids })
        assert.deepStrictEqual(await store.similaritySearch("z", 1_000), [])
      })
    })
  )
})

/** Upserts by LangChain's vector store, with the client it brings. It cuts batches of 100 itself. */
import { Document } from "@langchain/core/documents"
import { FakeEmbeddings } from "@langchain/core/utils/testing"
import { PineconeStore } from "@langchain/pinecone"
import { take } from "../load.ts"
import { contend } from "./contend.ts"
import { addressOf, upsertPoint } from "./upsertPoint.ts"

await contend(async (task) => {
  const { concurrency, records } = upsertPoint(task)
  if (task.at["batch"] !== 100) return { unable: "PineconeStore has batches of 100, and no option for it" }
  const store = await PineconeStore.fromExistingIndex(new FakeEmbeddings(), {
    pineconeConfig: {
      indexName: "bench",
      indexHostUrl: addressOf(task, "rest"),
      config: { apiKey: "any", maxRetries: 0 }
    },
    maxConcurrency: concurrency,
    maxRetries: 0
  })
  // What the others have in a field of metadata is a document's text here.
  const documents = records.map(
    ({ metadata: { title, ...metadata } }) => new Document({ pageContent: title, metadata })
  )
  return {
    run: async (count) => {
      const all = take(records, count)
      await store.addVectors(
        all.map(({ values }) => values),
        take(documents, count),
        { ids: all.map(({ id }) => id) }
      )
    }
  }
})

/**
 * Upserts by the official client as one would write it by hand: a pool of promises, each taking the next batch when its
 * last one is answered. The setting `version` says which client.
 */
import { type LoadRecord, take } from "../load.ts"
import { contend } from "./contend.ts"
import { addressOf, upsertPoint } from "./upsertPoint.ts"

type Upsert = (records: Array<LoadRecord>) => Promise<void>

/** From 7 on the client takes its arguments by name. Those of before know no host but by the name of an index. */
const clients: Record<string, (host: string) => Promise<Upsert>> = {
  "6": async (host) => {
    const { Pinecone } = await import("pinecone-sdk-6")
    const index = new Pinecone({ apiKey: "any", maxRetries: 0 }).index("bench", host)
    return (records) => index.upsert(records)
  },
  "7": async (host) => {
    const { Pinecone } = await import("pinecone-sdk-7")
    const index = new Pinecone({ apiKey: "any", maxRetries: 0 }).index({ host })
    return (records) => index.upsert({ records })
  },
  "8": async (host) => {
    const { Pinecone } = await import("pinecone-sdk-8")
    const index = new Pinecone({ apiKey: "any", maxRetries: 0 }).index({ host })
    return (records) => index.upsert({ records })
  },
  "9": async (host) => {
    const { Pinecone } = await import("pinecone-sdk-9")
    const index = new Pinecone({ apiKey: "any", maxRetries: 0 }).index({ host })
    return (records) => index.upsert({ records })
  }
}

await contend(async (task) => {
  const { concurrency, fixedBatch, records } = upsertPoint(task)
  const client = clients[String(task.settings["version"])]
  if (client === undefined) return { unable: `there is no client of version ${task.settings["version"]}` }
  const upsert = await client(addressOf(task, "rest"))
  return {
    run: async (count) => {
      const all = take(records, count)
      let next = 0
      const worker = async () => {
        while (next < all.length) {
          const batch = all.slice(next, next + fixedBatch)
          next += fixedBatch
          await upsert(batch)
        }
      }
      await Promise.all(Array.from({ length: concurrency }, worker))
    }
  }
})

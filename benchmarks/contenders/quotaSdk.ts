/**
 * Upserts under a quota by hand: a pool of promises over the official client, in which a call that is refused waits and is
 * sent again, twice as long each time. Tells how many calls were refused.
 */
import { Pinecone } from "pinecone-sdk-9"
import { setTimeout as sleep } from "node:timers/promises"
import { records, take } from "../load.ts"
import { contend } from "./contend.ts"

const firstWaitMillis = 200
const longestWaitMillis = 20_000

await contend(async ({ addresses, at }) => {
  const index = new Pinecone({ apiKey: "any", maxRetries: 0 }).index({ host: addresses["index"] ?? "" })
  const all = records(Number(at["dimension"]))
  const batch = Number(at["batch"])
  return {
    run: async (count) => {
      const queue = take(all, count)
      let next = 0
      let refused = 0
      const worker = async () => {
        while (next < queue.length) {
          const mine = queue.slice(next, next + batch)
          next += batch
          for (let wait = firstWaitMillis; ; wait = Math.min(2 * wait, longestWaitMillis)) {
            try {
              await index.upsert({ records: mine })
              break
            } catch (error) {
              if (!(error instanceof Error && /429|too many|limit/i.test(error.message + error.name))) throw error
              refused++
              await sleep(wait)
            }
          }
        }
      }
      await Promise.all(Array.from({ length: Number(at["concurrency"]) }, worker))
      return { extra: { refusedCalls: refused } }
    }
  }
})

/** Upserts over REST whose bodies were written beforehand: the most a server can be asked to take. */
import * as http from "node:http"
import { contend } from "./contend.ts"
import { addressOf, upsertPoint } from "./upsertPoint.ts"

const post = (agent: http.Agent, url: string, body: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = { "api-key": "any", "content-type": "application/json", "content-length": body.length }
    http
      .request(`${url}/vectors/upsert`, { method: "POST", agent, headers }, (response) => {
        response.resume().on("end", () => {
          if (response.statusCode === 200) resolve()
          else reject(new Error(`status ${response.statusCode}`))
        })
      })
      .on("error", reject)
      .end(body)
  })

/** Enough that the server has something to do, few enough to hold. */
const distinctBodies = 30

await contend(async (task) => {
  const { concurrency, fixedBatch, records } = upsertPoint(task)
  const url = addressOf(task, "rest")
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency })
  const bodies = Array.from({ length: distinctBodies }, (_, i) =>
    Buffer.from(JSON.stringify({ namespace: "", vectors: records.slice(i * fixedBatch, (i + 1) * fixedBatch) }))
  )
  return {
    run: async (count) => {
      const calls = Math.ceil(count / fixedBatch)
      let next = 0
      const worker = async () => {
        while (next < calls) {
          const body = bodies[next++ % bodies.length]
          if (body !== undefined) await post(agent, url, body)
        }
      }
      await Promise.all(Array.from({ length: concurrency }, worker))
      return { records: calls * fixedBatch }
    },
    close: async () => agent.destroy()
  }
})

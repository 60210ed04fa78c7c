/** An index's REST data plane that takes everything and keeps nothing. */
import * as http from "node:http"
import { later, type Reply } from "./reply.ts"

const countIds = (body: Buffer): number => {
  let count = 0
  for (let at = body.indexOf('"id":'); at >= 0; at = body.indexOf('"id":', at + 5)) count++
  return count
}

/** Answers every upsert, and what `others` says to requests of other paths. */
export const acceptRest = (reply: Reply, others: Readonly<Record<string, string>> = {}): http.Server => {
  const server = http.createServer((request, response) => {
    const chunks: Array<Buffer> = []
    if (reply.counted) request.on("data", (chunk: Buffer) => chunks.push(chunk))
    else request.resume()
    request.on("end", () => {
      const records = reply.counted ? countIds(Buffer.concat(chunks)) : undefined
      const body = others[request.url?.split("?")[0] ?? ""] ?? JSON.stringify({ upsertedCount: records })
      later(reply.afterMillis(records ?? 0), () => {
        response
          .writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
          .end(body)
      })
    })
  })
  server.keepAliveTimeout = 60_000
  return server
}

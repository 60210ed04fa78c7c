/**
 * A server that answers upserts and keeps nothing: it counts the records of a body by their ids, without reading the
 * numbers. Told how much it took by `GET /count`.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { run, tell } from "./program.ts"

const needle = Buffer.from('"id":')

/** Occurrences of the needle in a body that comes in parts, also where it is cut. */
const counter = () => {
  let rest = Buffer.alloc(0)
  let count = 0
  return {
    add: (part: Buffer) => {
      const text = rest.length === 0 ? part : Buffer.concat([rest, part])
      for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) count++
      rest = Buffer.from(text.subarray(Math.max(0, text.length - needle.length + 1)))
    },
    count: () => count
  }
}

const listening = Effect.acquireRelease(
  Effect.callback<http.Server>((resume) => {
    const taken = { records: 0, bytes: 0, calls: 0 }
    const server = http.createServer((request, response) => {
      if (request.url === "/count") return response.end(JSON.stringify(taken))
      const ids = counter()
      request.on("data", (part: Buffer) => {
        taken.bytes += part.length
        ids.add(part)
      })
      request.on("end", () => {
        const count = ids.count()
        taken.records += count
        taken.calls++
        response.writeHead(200, { "content-type": "application/json" })
        response.end(JSON.stringify({ upsertedCount: count }))
      })
      return undefined
    })
    server.keepAliveTimeout = 65_000
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
)

run(
  Schema.Struct({}),
  Effect.fnUntraced(function* () {
    const server = yield* listening
    const { port } = server.address() as AddressInfo
    yield* tell({ host: `http://127.0.0.1:${port}` })
    return yield* Effect.never
  })
)

/**
 * An index's gRPC data plane that takes everything and keeps nothing: HTTP/2 in clear text, without a gRPC library, which
 * would decode what it is sent.
 */
import * as http2 from "node:http2"
import { later, type Reply } from "./reply.ts"

/** Wide enough that no client ever waits for it. */
const window = 64 * 1024 * 1024

/**
 * Counts the vectors of an `UpsertRequest` as it comes: how often it has field 1. Every field of it says its length, so
 * all but a few bytes of each vector are stepped over. The service tells this count, and a client may compare it.
 */
const vectorCounter = () => {
  const frameHead = 5
  let skip = frameHead
  let value = 0
  let shift = 0
  let isLength = false
  let count = 0
  return {
    add: (chunk: Uint8Array): void => {
      for (let at = 0; at < chunk.length;) {
        if (skip > 0) {
          const step = Math.min(skip, chunk.length - at)
          skip -= step
          at += step
          continue
        }
        const byte = chunk[at++] ?? 0
        value += (byte & 0x7f) * 2 ** shift
        shift += 7
        if (byte >= 0x80) continue
        if (isLength) skip = value
        else if (value >> 3 === 1) count++
        isLength = !isLength
        value = 0
        shift = 0
      }
    },
    count: () => count
  }
}

/** A message in its gRPC frame: not compressed, and its length. */
const framed = (message: Uint8Array): Buffer => {
  const frame = Buffer.alloc(5 + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}

/** `UpsertResponse`: field 1 is the count. */
const upsertResponse = (count: number): Uint8Array => {
  if (count === 0) return new Uint8Array()
  const bytes = [0x08]
  for (let rest = count; ; rest >>>= 7) {
    bytes.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80)
    if (rest < 0x80) return Uint8Array.from(bytes)
  }
}

/** Answers every upsert, and what `others` says (a message) to requests of other paths. */
export const acceptGrpc = (reply: Reply, others: Readonly<Record<string, Uint8Array>> = {}): http2.Http2Server => {
  const server = http2.createServer({ settings: { initialWindowSize: window } })
  server.on("session", (session) => {
    session.setLocalWindowSize(window)
  })
  server.on("stream", (stream, headers) => {
    const counter = vectorCounter()
    stream.on("data", counter.add)
    stream.on("error", () => {})
    stream.on("end", () => {
      const records = counter.count()
      const message = others[String(headers[":path"])] ?? upsertResponse(records)
      later(reply.afterMillis(records), () => {
        if (stream.destroyed) return
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
        stream.end(framed(message))
      })
    })
  })
  return server
}

/**
 * An index's gRPC data plane that takes everything and keeps nothing: HTTP/2 in clear text, without a gRPC library, which
 * would decode what it is sent.
 */
import * as http2 from "node:http2"
import { later, type Reply } from "./reply.ts"

/** Wide enough that no client ever waits for it. */
const window = 64 * 1024 * 1024

/** A varint and where it ends. */
const varint = (bytes: Buffer, from: number): readonly [value: number, end: number] => {
  let value = 0
  let at = from
  for (let shift = 0; at < bytes.length; shift += 7) {
    const byte = bytes[at++] ?? 0
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  return [value, at]
}

/** The vectors of an `UpsertRequest`: how often it has field 1. All its fields say their length. */
const countVectors = (message: Buffer): number => {
  let count = 0
  for (let at = 0; at < message.length;) {
    const [tag, afterTag] = varint(message, at)
    const [length, end] = varint(message, afterTag)
    if (tag >> 3 === 1) count++
    at = end + length
  }
  return count
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
    const chunks: Array<Buffer> = []
    if (reply.counted) stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    else stream.resume()
    stream.on("error", () => {})
    stream.on("end", () => {
      const records = reply.counted ? countVectors(Buffer.concat(chunks).subarray(5)) : 0
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

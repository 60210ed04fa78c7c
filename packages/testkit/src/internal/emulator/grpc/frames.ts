/** Messages as gRPC frames them: a byte that says whether it is compressed, four bytes of length, then the message. */
import { Buffer } from "node:buffer"
import type { ServerHttp2Stream } from "node:http2"
import * as Result from "effect/Result"
import { gunzipSync } from "node:zlib"
import { code, type Code } from "./codes.ts"

const headBytes = 5

export const frame = (message: Uint8Array): Buffer => {
  const framed = Buffer.allocUnsafe(headBytes + message.length)
  framed[0] = 0
  framed.writeUInt32BE(message.length, 1)
  framed.set(message, headBytes)
  return framed
}

/** Why there is no message, and the code to say so with. */
export interface Unread {
  readonly code: Code
  readonly message: string
}

/** What a request may be compressed with. */
export const encodings = ["identity", "gzip"]

/**
 * Reads the one message of a request and hands it over; does not when the client left before its end. What is over the
 * limit, or cannot become a message any more, is refused as soon as that is known, and the rest of it is forgotten.
 */
export const readMessage = (
  stream: ServerHttp2Stream,
  encoding: string,
  maxBytes: number,
  then: (message: Result.Result<Buffer, Unread>) => void
): void => {
  const chunks: Array<Buffer> = []
  let bytes = 0
  let expected: number | undefined
  let over = false

  const end = (message: Result.Result<Buffer, Unread>): void => {
    over = true
    chunks.length = 0
    then(message)
  }
  const whole = (): Buffer => Buffer.concat(chunks, bytes)

  stream.on("data", (chunk: Buffer) => {
    if (over) return
    chunks.push(chunk)
    bytes += chunk.length
    if (expected === undefined && bytes >= headBytes) {
      expected = headBytes + (chunk.length === bytes ? chunk : whole()).readUInt32BE(1)
      if (expected - headBytes > maxBytes) return end(tooLarge(expected - headBytes, maxBytes))
    }
    if (expected !== undefined && bytes > expected) return end(no("INTERNAL", "A request has one message, got more"))
  })
  stream.on("end", () => {
    if (over || stream.aborted) return
    const got = whole()
    if (bytes === 0) return end(no("INTERNAL", "A request has one message, got none"))
    if (bytes !== expected) return end(no("INTERNAL", `The message ends after ${bytes} bytes of its frame`))
    end(unpack(got, encoding, maxBytes))
  })
}

const unpack = (framed: Buffer, encoding: string, maxBytes: number): Result.Result<Buffer, Unread> => {
  const message = framed.subarray(headBytes)
  switch (framed[0]) {
    case 0:
      return Result.succeed(message)
    case 1:
      return encoding === "gzip"
        ? unzip(message, maxBytes)
        : no("INTERNAL", "The message is compressed, but grpc-encoding does not say how")
    default:
      return no("INTERNAL", `The first byte of a frame is 0 or 1, got ${framed[0]}`)
  }
}

/** Stops at the limit, so that few bytes cannot become many. */
const unzip = (message: Buffer, maxBytes: number): Result.Result<Buffer, Unread> => {
  try {
    return Result.succeed(gunzipSync(message, { maxOutputLength: maxBytes }))
  } catch (error) {
    return error instanceof RangeError
      ? no("RESOURCE_EXHAUSTED", `A message has at most ${maxBytes} bytes, this one has more when it is unpacked`)
      : no("INTERNAL", "The message is not gzip")
  }
}

const tooLarge = (bytes: number, maxBytes: number) =>
  no("RESOURCE_EXHAUSTED", `A message has at most ${maxBytes} bytes, got ${bytes}`)

const no = (name: keyof typeof code, message: string): Result.Result<never, Unread> =>
  Result.fail({ code: code[name], message })

/**
 * Does to a gRPC call what a fault says, on the wire. `apply` runs at most once; it must not throw.
 *
 * Waiting ends with the stream, which a client that leaves closes, or a connection that breaks; and with the deadline
 * that the client gave, which is then the answer.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Buffer } from "node:buffer"
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2"
import type { Socket } from "node:net"
import type { Reply } from "../call.ts"
import { refuseGrpc } from "../envelopes.ts"
import type { Fault } from "../faults.ts"
import { encodings } from "./frames.ts"

/** An answer, before it is put on the wire. */
export interface GrpcReply extends Omit<Reply, "body"> {
  /** A message in its frame; empty where the status is in the headers, and text where the gateway answers. */
  readonly body: string | Uint8Array
}

/** A call that can be answered. */
export interface Answerable {
  readonly stream: ServerHttp2Stream
  /** Of the connection, with all its other streams. */
  readonly socket: Socket
  /** When the client stops to wait, in milliseconds since the epoch; `Infinity` when it does not. */
  readonly deadline: number
  /** Of every answer. */
  readonly headers: Reply["headers"]
}

export const carryOut = (call: Answerable, fault: Fault | undefined, apply: () => GrpcReply): void => {
  if (isLate(call)) return send(call, tooLate())
  if (fault === undefined) return send(call, apply())
  switch (fault._tag) {
    case "Answer":
      return send(call, fault.reply)
    case "Reset":
      return reset(call, fault.at, apply)
    case "LoseAnswer":
      apply()
      return
    case "Stall":
      return whileOpen(
        call,
        Effect.andThen(
          sleep(call, fault.millis),
          Effect.sync(() => send(call, isLate(call) ? tooLate() : apply()))
        )
      )
    case "SlowBody":
      return sendSlowly(call, apply(), fault.millis, fault.pieces ?? 10)
    case "TruncatedBody":
      return sendPart(call, half(apply()), () => call.stream.close(constants.NGHTTP2_INTERNAL_ERROR))
  }
}

const now = (): number => Effect.runSync(Clock.currentTimeMillis)

const isLate = ({ deadline }: Answerable): boolean => deadline !== Infinity && now() >= deadline

const tooLate = (): GrpcReply => refuseGrpc(504, "Deadline exceeded")

/** Not longer than the client waits. */
const sleep = ({ deadline }: Answerable, millis: number): Effect.Effect<void> =>
  Effect.suspend(() => Effect.sleep(Math.min(millis, Math.max(0, deadline - now()))))

/** Answers a call. Of one that went well the status comes after the message, of any other there is nothing else. */
export const send = (call: Answerable, reply: GrpcReply): void => {
  const { stream } = call
  if (!isOpen(stream)) return
  const { body } = reply
  if (body.length === 0 || reply.status !== 200) {
    stream.respond(headOf(call, reply), { endStream: body.length === 0 })
    if (body.length > 0) stream.end(body)
    return
  }
  stream.respond(headOf(call, reply), { waitForTrailers: true })
  endWell(stream)
  stream.end(body)
}

const isOpen = (stream: ServerHttp2Stream): boolean => !stream.destroyed && !stream.closed && !stream.headersSent

/** An answer of the gateway in front of the service has a content type of its own. */
const headOf = ({ headers }: Answerable, reply: GrpcReply): OutgoingHttpHeaders => ({
  ":status": reply.status,
  "content-type": "application/grpc",
  "grpc-accept-encoding": encodings.join(","),
  ...headers,
  ...reply.headers
})

const endWell = (stream: ServerHttp2Stream): void => {
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
}

const reset = (call: Answerable, at: "before" | "headers" | "body" | "after", apply: () => GrpcReply): void => {
  const abort = (): void => {
    call.socket.resetAndDestroy()
  }
  if (at === "before") return abort()
  const reply = apply()
  if (at === "after") return abort()
  sendPart(call, at === "body" ? half(reply) : { ...reply, body: "" }, abort)
}

const bytesOf = ({ body }: GrpcReply): Uint8Array => (typeof body === "string" ? Buffer.from(body) : body)

const half = (reply: GrpcReply): GrpcReply => {
  const body = bytesOf(reply)
  return { ...reply, body: body.subarray(0, body.length >> 1) }
}

/** Sends the head and a part of the body, and goes on once the client has it: it answers a ping after what came before. */
const sendPart = (call: Answerable, part: GrpcReply, next: () => void): void => {
  const { stream } = call
  if (!isOpen(stream)) return
  stream.respond(headOf(call, part))
  if (part.body.length > 0) stream.write(part.body)
  stream.session?.ping(next)
}

const sendSlowly = (call: Answerable, reply: GrpcReply, millis: number, pieces: number): void => {
  const { stream } = call
  const body = bytesOf(reply)
  if (body.length === 0) {
    return whileOpen(
      call,
      Effect.andThen(
        Effect.sleep(millis),
        Effect.sync(() => send(call, reply))
      )
    )
  }
  if (!isOpen(stream)) return
  const count = Math.max(1, Math.min(pieces, body.length))
  const until = (piece: number): number => Math.floor((body.length * piece) / count)
  stream.respond(headOf(call, reply), { waitForTrailers: true })
  endWell(stream)
  whileOpen(
    call,
    Effect.gen(function* () {
      for (let piece = 1; piece <= count; piece++) {
        yield* Effect.sleep(millis / count)
        stream.write(body.subarray(until(piece - 1), until(piece)))
      }
      stream.end()
    })
  )
}

/** Runs an effect that ends, at the latest, with the stream. */
const whileOpen = ({ stream }: Answerable, effect: Effect.Effect<void>): void => {
  if (stream.closed || stream.destroyed) return
  const fiber = Effect.runFork(effect)
  stream.once("close", () => fiber.interruptUnsafe())
}

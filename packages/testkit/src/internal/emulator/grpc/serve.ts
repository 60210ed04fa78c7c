/** An index over gRPC, on connections that speak HTTP/2: who is let in, and what answers a call. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Stream,
  type ServerOptions
} from "node:http2"
import type { Socket } from "node:net"
import type { Reply } from "../call.ts"
import { grpcFailure, refusedByStoreOverGrpc, refuseGrpc } from "../envelopes.ts"
import { messageOf } from "../http.ts"
import type { Fault } from "../faults.ts"
import type { EmulatedIndex } from "../indexes.ts"
import type { Metered } from "../quotas.ts"
import { type Answerable, carryOut, type GrpcReply, send } from "./carryOut.ts"
import { code } from "./codes.ts"
import { encodings, frame, readMessage } from "./frames.ts"
import * as Methods from "./methods.ts"

/** Windows that a request of 2 MB fits into: the defaults of HTTP/2 have each client wait for every 64 KB. */
const streamWindow = 2_097_152
const connectionWindow = 16_777_216

const settings: ServerOptions = {
  settings: { maxConcurrentStreams: 100, initialWindowSize: streamWindow },
  // in megabytes: more than these streams can hold, since Node refuses those that come when it is reached
  maxSessionMemory: 4_096
}

export interface Options {
  /** Of the index that is served. */
  readonly name: string
  /** `undefined` when it is no more. */
  readonly index: () => EmulatedIndex | undefined
  /** Why a key is not let in; `undefined` when it is. */
  readonly allow: (key: string) => string | undefined
  /** What becomes of a call; `undefined` when nothing goes wrong. */
  readonly decide: (call: Metered) => Fault | undefined
  /** Headers of an answer, whatever it is; asked for once for each. */
  readonly stamp: () => Reply["headers"]
  /** Bytes of one message. */
  readonly maxMessageBytes: number
  /** What callers that name no version get. */
  readonly defaultVersion: string
}

/** Speaks HTTP/2 on a connection, from its first byte on. */
export const serve = (socket: Socket, options: Options): void => {
  const session = performServerHandshake(socket, settings)
  session.setLocalWindowSize(connectionWindow)
  // a client that breaks the protocol ends its own connection
  session.on("error", () => socket.destroy())
  session.on("stream", (stream, headers) => onCall(options, socket, stream, headers))
}

const onCall = (options: Options, socket: Socket, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
  const { allow, decide, defaultVersion, index, maxMessageBytes, name, stamp } = options
  const header = (name: string): string => {
    const value = headers[name]
    return typeof value === "string" ? value : ""
  }
  const call: Answerable = { stream, socket, headers: stamp(), deadline: deadlineOf(header("grpc-timeout")) }
  const refuse = (reply: GrpcReply): void => {
    stream.resume()
    send(call, reply)
  }
  // the end of a stream is seen by its events; an error that nobody listens to would end the process
  stream.on("error", () => {})

  if (!isGrpc(header("content-type"))) {
    return refuse({ status: 415, headers: {}, body: "" })
  }
  const why = allow(header("api-key"))
  if (why !== undefined) {
    return refuse(grpcFailure(code.UNAUTHENTICATED, "Invalid API key.", { "x-pinecone-auth-rejected-reason": why }))
  }
  const method = header(":method") === "POST" ? Methods.find(header(":path")) : undefined
  if (method === undefined) {
    return refuse(grpcFailure(code.UNIMPLEMENTED, `The emulator has no method ${header(":path")}`))
  }
  const encoding = header("grpc-encoding") || "identity"
  if (!encodings.includes(encoding)) {
    return refuse(grpcFailure(code.UNIMPLEMENTED, `A message is compressed by gzip or not at all, not by ${encoding}`))
  }

  readMessage(stream, encoding, maxMessageBytes, (message) => {
    if (Result.isFailure(message)) return send(call, grpcFailure(message.failure.code, message.failure.message))
    const body = method.decode(message.success)
    const measures = method.meter(Result.getOrUndefined(body))
    const { operation } = method
    const fault = decide({ operation, index: name, ...measures, bytes: message.success.length, wire: "grpc" })
    carryOut(call, fault, () =>
      Result.isFailure(body)
        ? refuseGrpc(400, body.failure)
        : guarded(() => answer(method, index(), header("x-pinecone-api-version") || defaultVersion, body.success))
    )
  })
}

const answer = (method: Methods.Method, index: EmulatedIndex | undefined, version: string, body: unknown): GrpcReply =>
  index === undefined
    ? refuseGrpc(404, "Index not found")
    : Result.match(method.answer(index, version, body), {
        onFailure: refusedByStoreOverGrpc,
        onSuccess: ({ headers, message }) => ({ status: 200, headers, body: frame(message) })
      })

/** A defect of the emulator is an answer too. */
const guarded = (answer: () => GrpcReply): GrpcReply => {
  try {
    return answer()
  } catch (defect) {
    return refuseGrpc(500, `The emulator failed: ${messageOf(defect)}`)
  }
}

/** Protobuf is what the type stands for when it does not say. */
const isGrpc = (contentType: string): boolean => /^application\/grpc(\+proto)?(;|$)/.test(contentType)

const units: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6
}

/** One that cannot be read is none. */
const deadlineOf = (timeout: string): number => {
  const [, count, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(timeout) ?? []
  return count === undefined ? Infinity : Effect.runSync(Clock.currentTimeMillis) + Number(count) * units[unit]!
}

/** A gRPC server on 127.0.0.1, plain HTTP/2, that ends each call as the next line of a script says and keeps what it was asked. */
import * as Effect from "effect/Effect"
import * as http2 from "node:http2"
import type { AddressInfo } from "node:net"

/** What a client asked. */
export interface Received {
  readonly path: string
  readonly headers: http2.IncomingHttpHeaders
  readonly message: Buffer
}

/** An answer with a message; or without one, then with a status that is not 0. */
export interface Answer {
  readonly message?: Uint8Array
  readonly code?: number
  readonly details?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly trailers?: Readonly<Record<string, string>>
}

export type Line =
  | Answer
  /** Reads the call and never answers. */
  | "hang"
  /** Reads the call and destroys the connection. */
  | "destroy the connection"
  /** Reads the call and resets its stream. */
  | "reset the stream"
  /** Sends half of a message and resets the stream. */
  | "break off"
  /** Ends well without a message. */
  | "no message"
  /** Answers as an HTTP server that knows no gRPC. */
  | "plain 404"

export interface ScriptedGrpc {
  readonly url: string
  readonly received: ReadonlyArray<Received>
  /** Resolves when a call that hangs has arrived. */
  readonly hanging: Promise<void>
  /** Resolves with the code of the reset of a call that hangs. */
  readonly gone: Promise<number>
  /** Connections made so far. */
  readonly connections: () => number
}

const framed = (message: Uint8Array): Buffer => {
  const frame = Buffer.alloc(5 + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}

const answer = (
  stream: http2.ServerHttp2Stream,
  { code = 0, details = "", headers, message, trailers }: Answer
): void => {
  const status = { "grpc-status": String(code), "grpc-message": details.replaceAll("%", "%25"), ...trailers }
  const head = { ":status": 200, "content-type": "application/grpc", ...headers }
  if (message === undefined) return stream.respond({ ...head, ...status }, { endStream: true })
  stream.respond(head, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers(status))
  stream.end(framed(message))
}

/** What a server of TLS shows and keeps. */
export interface Identity {
  readonly cert: Buffer
  readonly key: Buffer
}

export const scriptedGrpc = (...script: ReadonlyArray<Line>) => serving(script, undefined)

/** {@link scriptedGrpc} by TLS. */
export const scriptedGrpcTls = (identity: Identity, ...script: ReadonlyArray<Line>) => serving(script, identity)

const serving = (script: ReadonlyArray<Line>, identity: Identity | undefined) =>
  Effect.acquireRelease(
    Effect.callback<ScriptedGrpc & { readonly stop: () => void }>((resume) => {
      const lines = [...script]
      const received: Array<Received> = []
      const hanging = Promise.withResolvers<void>()
      const gone = Promise.withResolvers<number>()
      const sessions = new Set<http2.ServerHttp2Session>()
      let connections = 0
      const server = identity === undefined ? http2.createServer() : http2.createSecureServer(identity)
      server.on("session", (session) => {
        connections++
        sessions.add(session)
        session.once("close", () => sessions.delete(session))
        session.on("error", () => undefined)
      })
      server.on("stream", (stream, headers) => {
        const parts: Array<Buffer> = []
        stream.on("error", () => undefined)
        stream.on("data", (part: Buffer) => parts.push(part))
        stream.on("end", () => {
          received.push({ path: headers[":path"] ?? "", headers, message: Buffer.concat(parts).subarray(5) })
          const line = lines.shift() ?? { code: 2, details: "the script is over" }
          if (typeof line === "object") return answer(stream, line)
          if (line === "hang") {
            stream.once("close", () => gone.resolve(stream.rstCode))
            return hanging.resolve()
          }
          if (line === "destroy the connection") return stream.session?.destroy()
          if (line === "reset the stream") return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
          if (line === "plain 404") {
            stream.respond({ ":status": 404, "content-type": "text/html" })
            return stream.end("<html>not here</html>")
          }
          stream.respond(
            { ":status": 200, "content-type": "application/grpc" },
            { waitForTrailers: line === "no message" }
          )
          if (line === "no message") {
            stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
            return stream.end()
          }
          stream.write(framed(Buffer.alloc(100)).subarray(0, 50), () => stream.close(http2.constants.NGHTTP2_CANCEL))
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(
          Effect.succeed({
            url: `${identity === undefined ? "http" : "https"}://127.0.0.1:${port}`,
            received,
            hanging: hanging.promise,
            gone: gone.promise,
            connections: () => connections,
            stop: () => {
              server.close()
              for (const session of sessions) session.destroy()
            }
          })
        )
      })
    }),
    (server) => Effect.sync(server.stop)
  )

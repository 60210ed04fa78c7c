/** Single streams of HTTP/2 to an index, below any client of gRPC: bytes as they are given. */
import * as Effect from "effect/Effect"
import * as http2 from "node:http2"

export interface Answered {
  readonly status: number | undefined
  /** The status of gRPC, wherever it came; `undefined` when it did not. */
  readonly code: number | undefined
  readonly message: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
  /** The code with which the stream was closed; 0 in good order. */
  readonly closed: number | undefined
}

/** Waits for the end of a connection, in good order or not. */
export const closed = (session: http2.ClientHttp2Session) =>
  Effect.promise(() => new Promise<void>((resolve) => session.once("close", resolve)))

export interface StreamOptions {
  readonly path?: string
  readonly headers?: http2.OutgoingHttpHeaders
}

/** A connection until the scope ends. */
export const http2Session = (host: string) =>
  Effect.acquireRelease(
    // in megabytes: the default counts what is still to be sent
    Effect.sync(() => http2.connect(host, { maxSessionMemory: 200 }).on("error", () => {})),
    (session) => Effect.sync(() => session.destroy())
  )

/** Sends a request in pieces, and takes what comes until the stream is closed. */
export const exchange = (
  session: http2.ClientHttp2Session,
  pieces: ReadonlyArray<Uint8Array>,
  { headers, path = "/VectorService/Upsert" }: StreamOptions = {}
) =>
  Effect.callback<Answered>((resume) => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      "api-key": "k",
      ...headers
    })
    const got: Record<string, unknown> = {}
    const chunks: Array<Buffer> = []
    stream.on("response", (head) => Object.assign(got, head))
    stream.on("trailers", (trailers) => Object.assign(got, trailers))
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    stream.on("error", () => {})
    stream.on("close", () => {
      const code = got["grpc-status"]
      const message = got["grpc-message"]
      resume(
        Effect.succeed({
          status: typeof got[":status"] === "number" ? got[":status"] : undefined,
          code: typeof code === "string" ? Number(code) : undefined,
          message: typeof message === "string" ? decodeURIComponent(message) : "",
          headers: got,
          body: Buffer.concat(chunks),
          closed: stream.rstCode
        })
      )
    })
    for (const piece of pieces) stream.write(piece)
    stream.end()
  })

/** A message in its frame; `length` and `flag` as they should be, when they are not given. */
export const framed = (message: Uint8Array, { flag = 0, length = message.length } = {}): Buffer => {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, message])
}

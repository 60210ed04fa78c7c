/**
 * The HTTP server of an emulator: plain `node:http`, since what faults do to a connection needs the socket.
 *
 * Each request goes one way: its body is read whole, it is prepared, then the answer is made at one moment, so that no
 * call ever sees half of another.
 */
import * as Result from "effect/Result"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import type { Reply } from "./call.ts"
import { carryOut } from "./carryOut.ts"
import type { Fault } from "./faults.ts"
import type { Metered } from "./quotas.ts"

/** A request whose body has been read. */
export interface HttpRequest {
  readonly method: string
  /** Starts with a slash. */
  readonly path: string
  /** What follows the question mark. */
  readonly search: string | undefined
  /** A header by its name in lower case; `""` when there is none. */
  readonly header: (name: string) => string
  /** `undefined` when it is over the limit. */
  readonly body: Buffer | undefined
}

/** What a call occupies until it is answered. */
export interface Work {
  /** How long it takes. */
  readonly millis: number
  /** Takes its place, or says that there is none. */
  readonly enter: () => Reply | undefined
  /** Gives its place back. */
  readonly leave: () => void
}

/** A request, ready to be answered. */
export interface Prepared {
  /** What faults look at; absent where a request never comes to a call. */
  readonly call: Metered | undefined
  readonly apply: () => Reply
  readonly work?: Work | undefined
}

/** A request that is answered whatever the faults are. */
export const answered = (reply: Reply): Prepared => ({ call: undefined, apply: () => reply })

export interface HttpOptions {
  /** 0 picks a free one. */
  readonly port: number
  /** Bytes of one request body. */
  readonly maxBodyBytes: number
  /** What becomes of a call; `undefined` when nothing goes wrong. */
  readonly decide: (call: Metered) => Fault | undefined
  /** `url` is the server's. */
  readonly prepare: (request: HttpRequest, url: string) => Prepared
  /** The header that numbers answers. */
  readonly idHeader?: string | undefined
}

/** A thousand ids of 512 characters, each percent encoded, and the rest of the request's head. */
const maxHeaderBytes = 2_097_152

/** The default of Node is so short that a client busy between two requests finds its connection closed. */
const keepAliveMillis = 65_000

export interface Listening {
  readonly url: string
  /** Ends every connection, also those in use. */
  readonly stop: () => Promise<void>
}

/** Starts to listen on 127.0.0.1; rejects when the port is taken. */
export const listen = (options: HttpOptions): Promise<Listening> =>
  new Promise((resolve, reject) => {
    const server = http.createServer({ maxHeaderSize: maxHeaderBytes, keepAliveTimeout: keepAliveMillis })
    server.once("error", reject)
    server.listen(options.port, "127.0.0.1", () => {
      const url = `http://127.0.0.1:${portOf(server.address())}`
      server.on("request", onRequest(options, url))
      resolve({
        url,
        stop: () =>
          new Promise((stopped) => {
            server.close(() => stopped())
            server.closeAllConnections()
          })
      })
    })
  })

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0

const onRequest = ({ decide, idHeader, maxBodyBytes, prepare }: HttpOptions, url: string): http.RequestListener => {
  let requests = 0
  return (request, response) => {
    const id = String(++requests)
    readBody(request, maxBodyBytes, (body) => {
      const { apply, call, work } = prepare(toRequest(request, body), url)
      if (idHeader !== undefined) response.setHeader(idHeader, id)
      const fault = call && decide(call)
      if (work === undefined || neverApplied(fault)) carryOut(response, fault, apply)
      else carryOutWork(response, fault, apply, work)
    })
  }
}

const neverApplied = (fault: Fault | undefined): boolean =>
  fault?._tag === "Answer" || (fault?._tag === "Reset" && fault.at === "before")

/** The place is free again when the answer is made, before anybody can see it, or when the client has left. */
const carryOutWork = (
  response: http.ServerResponse,
  fault: Fault | undefined,
  apply: () => Reply,
  { enter, leave, millis }: Work
): void => {
  const refused = enter()
  if (refused !== undefined) return carryOut(response, undefined, () => refused)
  let inside = true
  const end = (): void => {
    if (inside) leave()
    inside = false
  }
  response.once("close", end)
  const applyAndEnd = (): Reply => {
    const reply = apply()
    end()
    return reply
  }
  carryOut(response, fault, applyAndEnd, millis)
}

const toRequest = (request: http.IncomingMessage, body: Buffer | undefined): HttpRequest => {
  const [path = "", search] = (request.url ?? "").split("?", 2)
  return {
    method: request.method ?? "",
    path,
    search,
    header: (name) => {
      const value = request.headers[name]
      return typeof value === "string" ? value : ""
    },
    body
  }
}

/** A body over the limit is read to its end and forgotten, so that the client is there to hear why. */
const readBody = (request: http.IncomingMessage, maxBytes: number, then: (body: Buffer | undefined) => void): void => {
  const chunks: Array<Buffer> = []
  let bytes = 0
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= maxBytes) chunks.push(chunk)
    else chunks.length = 0
  })
  request.on("end", () => then(bytes <= maxBytes ? Buffer.concat(chunks, bytes) : undefined))
}

/** Bytes that are no UTF-8 are refused: replaced by U+FFFD they would be stored as what nobody sent. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** A body as JSON; an empty one is `{}`. */
export const parseJson = (
  body: Buffer,
  parse: (text: string) => unknown = JSON.parse
): Result.Result<unknown, string> => {
  if (body.length === 0) return Result.succeed({})
  try {
    return Result.succeed(parse(utf8.decode(body)))
  } catch (error) {
    return Result.fail(`The request body is not JSON: ${messageOf(error)}`)
  }
}

/** Makes an answer; a defect of the emulator is one too. */
export const guarded = (answer: () => Reply, onDefect: (message: string) => Reply): Reply => {
  try {
    return answer()
  } catch (defect) {
    return onDefect(`The emulator failed: ${messageOf(defect)}`)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * The HTTP server of an emulator: plain `node:http`, since what faults do to a connection needs the socket.
 *
 * Each request goes one way: its body is read whole, it is prepared, then what it does to a store is done at one moment, so that no
 * call ever sees half of another.
 */
import * as Result from "effect/Result"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import type { Reply } from "./call.ts"
import { type Apply, carryOut } from "./carryOut.ts"
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
  readonly apply: Apply
  readonly work?: Work | undefined
}

/** A request that is answered whatever the faults are. */
export const answered = (reply: Reply): Prepared => ({ call: undefined, apply: () => reply })

export interface HttpOptions {
  /** Bytes of one request body. */
  readonly maxBodyBytes: number
  /** What becomes of a call; `undefined` when nothing goes wrong. */
  readonly decide: (call: Metered) => Fault | undefined
  readonly prepare: (request: HttpRequest) => Prepared
  /** Headers of an answer, whatever it is; asked for once for each. @default none */
  readonly stamp?: (() => Reply["headers"]) | undefined
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

/** A server that listens to nothing: it serves the connections it is given by the event `connection`. */
export const make = (options: HttpOptions): http.Server =>
  http.createServer({ maxHeaderSize: maxHeaderBytes, keepAliveTimeout: keepAliveMillis }, onRequest(options))

/** Starts to listen on 127.0.0.1; rejects when the port is taken. 0 picks a free one. */
export const listen = (options: HttpOptions & { readonly port: number }): Promise<Listening> =>
  new Promise((resolve, reject) => {
    const server = make(options)
    server.once("error", reject)
    server.listen(options.port, "127.0.0.1", () => {
      resolve({
        url: `http://127.0.0.1:${portOf(server.address())}`,
        stop: () =>
          new Promise((stopped) => {
            server.close(() => stopped())
            server.closeAllConnections()
          })
      })
    })
  })

export const portOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0

const onRequest =
  ({ decide, maxBodyBytes, prepare, stamp }: HttpOptions): http.RequestListener =>
  (request, response) => {
    const headers = stamp?.() ?? {}
    readBody(request, maxBodyBytes, (body) => {
      const { apply, call, work } = prepare(toRequest(request, body))
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
      const fault = call && decide(call)
      if (work === undefined || neverApplied(fault)) carryOut(response, fault, apply)
      else carryOutWork(response, fault, apply, work)
    })
  }

const neverApplied = (fault: Fault | undefined): boolean =>
  fault?._tag === "Answer" || (fault?._tag === "Reset" && fault.at === "before")

/** The place is free again when the answer is made, before anybody can see it, or when the client has left. */
const carryOutWork = (
  response: http.ServerResponse,
  fault: Fault | undefined,
  apply: Apply,
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
  const applyAndEnd: Apply = () => {
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

/** A body of JSON values, one on each line that is not blank. */
export const parseLines = (body: Buffer): Result.Result<unknown, string> => {
  if (body.length === 0) return Result.succeed([])
  return parseJson(body, (text) =>
    text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line): unknown => JSON.parse(line))
  )
}

/** Makes an answer; a defect of the emulator is one too. */
export const guarded = (answer: Apply, onDefect: (message: string) => Reply): Reply | Promise<Reply> => {
  const told = (defect: unknown): Reply => onDefect(`The emulator failed: ${messageOf(defect)}`)
  try {
    const reply = answer()
    return reply instanceof Promise ? reply.catch(told) : reply
  } catch (defect) {
    return told(defect)
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

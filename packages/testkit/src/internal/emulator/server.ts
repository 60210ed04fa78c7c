/**
 * The HTTP server: plain `node:http`, since what faults do to a connection needs the socket.
 *
 * Each request goes one way: its body is read whole, its route is found, then the answer is made at one moment, so
 * that no call ever sees half of another.
 */
import * as Result from "effect/Result"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as Admin from "./adminRoutes.ts"
import type { Reply } from "./call.ts"
import { carryOut } from "./carryOut.ts"
import type { Project } from "./controlPlane.ts"
import { unauthorized } from "./envelopes.ts"
import type { Faults } from "./faults.ts"
import type { Indexes } from "./indexes.ts"
import type { Metered } from "./quotas.ts"
import { find } from "./routes.ts"
import type { Incoming } from "./wire.ts"

export interface ServerOptions {
  readonly indexes: Indexes
  readonly faults: Faults
  /** 0 picks a free one. */
  readonly port: number
  /** The keys that are let in; any when not given. */
  readonly apiKeys: ReadonlyArray<string> | undefined
  /** Bytes of one request body. */
  readonly maxBodyBytes: number
  /** What callers that name no version get. */
  readonly defaultVersion: string
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
export const listen = (options: ServerOptions): Promise<Listening> =>
  new Promise((resolve, reject) => {
    const server = http.createServer({ maxHeaderSize: maxHeaderBytes, keepAliveTimeout: keepAliveMillis })
    server.once("error", reject)
    server.listen(options.port, "127.0.0.1", () => {
      const url = `http://127.0.0.1:${portOf(server.address())}`
      server.on("request", onRequest(options, { indexes: options.indexes, hostOf: (name) => hostOf(url, name) }))
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

/** Where the data plane of an index is. */
export const hostOf = (url: string, name: string): string => `${url}/i/${name}`

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0

const onRequest = (options: ServerOptions, project: Project): http.RequestListener => {
  let requests = 0
  return (request, response) => {
    const id = String(++requests)
    readBody(request, options.maxBodyBytes, (body) => {
      const { apply, call } = prepare(options, project, request, body)
      response.setHeader("x-pinecone-request-id", id)
      carryOut(response, call && options.faults.decide(call), apply)
    })
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

/** A request, ready to be answered. What never reaches an index or the control plane has no call. */
interface Prepared {
  readonly call: Metered | undefined
  readonly apply: () => Reply
}

const answered = (reply: Reply): Prepared => ({ call: undefined, apply: () => reply })

const prepare = (
  options: ServerOptions,
  project: Project,
  request: http.IncomingMessage,
  body: Buffer | undefined
): Prepared => {
  const { method = "" } = request
  const [path = "", search] = (request.url ?? "").split("?", 2)
  const administered = path.startsWith("/__admin/")
    ? Admin.handle(method, path, body?.toString() ?? "", options.faults)
    : undefined
  if (administered !== undefined) return answered(administered)

  const key = header(request, "api-key")
  if (key === "") return answered(unauthorized("API key is missing"))
  if (options.apiKeys?.includes(key) === false) return answered(unauthorized("API key is unknown"))

  const found = find(method, path)
  if (Result.isFailure(found)) return answered(found.failure)
  const { answer, call, name, refuse } = found.success
  if (body === undefined) return answered(refuse(413, `A request body has at most ${options.maxBodyBytes} bytes`))

  const parsed = parse(body)
  const incoming: Incoming = {
    version: header(request, "x-pinecone-api-version") || options.defaultVersion,
    name,
    query: new URLSearchParams(search),
    body: Result.getOrUndefined(parsed)
  }
  return {
    call: { ...call(incoming), bytes: body.length },
    apply: () => {
      if (Result.isFailure(parsed)) return refuse(400, parsed.failure)
      try {
        return answer(project, incoming)
      } catch (defect) {
        return refuse(500, `The emulator failed: ${messageOf(defect)}`)
      }
    }
  }
}

const header = (request: http.IncomingMessage, name: string): string => {
  const value = request.headers[name]
  return typeof value === "string" ? value : ""
}

/** Bytes that are no UTF-8 are refused: replaced by U+FFFD they would be stored as what nobody sent. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const parse = (body: Buffer): Result.Result<unknown, string> => {
  if (body.length === 0) return Result.succeed({})
  try {
    const value: unknown = JSON.parse(utf8.decode(body))
    return Result.succeed(value)
  } catch (error) {
    return Result.fail(`The request body is not JSON: ${messageOf(error)}`)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Pinecone on this machine: who is let in, and what answers a request, at the main port and at those of indexes. */
import * as Result from "effect/Result"
import * as Admin from "./adminRoutes.ts"
import type { Reply } from "./call.ts"
import type { Project } from "./controlPlane.ts"
import * as Doors from "./doors.ts"
import type { Embedder } from "../records/embedder.ts"
import { unauthorized } from "./envelopes.ts"
import type { Faults } from "./faults.ts"
import * as Grpc from "./grpc/serve.ts"
import * as Http from "./http.ts"
import type { Indexes } from "./indexes.ts"
import { find } from "./routes.ts"
import * as TwoProtocols from "./twoProtocols.ts"
import type { Incoming } from "./wire.ts"

export interface ServerOptions {
  readonly indexes: Indexes
  readonly faults: Faults
  /** Makes vectors of texts. */
  readonly embedder: Embedder
  /** 0 picks a free one. */
  readonly port: number
  /** The keys that are let in; any when not given. */
  readonly apiKeys: ReadonlyArray<string> | undefined
  /** Bytes of one request body. */
  readonly maxBodyBytes: number
  /** What callers that name no version get. */
  readonly defaultVersion: string
}

export interface Serving extends Http.Listening {
  readonly project: Project
}

/** Starts to listen; rejects when the port is taken. */
export const listen = async (options: ServerOptions): Promise<Serving> => {
  const { faults, indexes, maxBodyBytes } = options
  let answers = 0
  const stamp = (): Reply["headers"] => ({ "x-pinecone-request-id": String(++answers) })
  const allow = refusalOf(options.apiKeys)

  const httpOptions = (pathOf: (path: string) => string): Http.HttpOptions => ({
    maxBodyBytes,
    decide: faults.decide,
    stamp,
    prepare: (request) => prepare(options, allow, project, { ...request, path: pathOf(request.path) })
  })

  const doors = Doors.make((name) => {
    const rest = Http.make(httpOptions((path) => `/i/${name}${path}`))
    const grpc: Grpc.Options = {
      name,
      index: () => indexes.get(name),
      allow,
      decide: faults.decide,
      stamp,
      maxMessageBytes: maxBodyBytes,
      defaultVersion: options.defaultVersion
    }
    return TwoProtocols.listen({
      http1: (socket) => rest.emit("connection", socket),
      http2: (socket) => Grpc.serve(socket, grpc)
    })
  })
  const project: Project = { indexes, doors, embedder: options.embedder }

  const main = await Http.listen({ ...httpOptions((path) => path), port: options.port })
  const stop = async (): Promise<void> => {
    await Promise.all([main.stop(), doors.closeAll()])
  }
  try {
    await Promise.all(indexes.all().map(({ definition }) => doors.open(definition.name)))
  } catch (error) {
    await stop()
    throw error
  }
  return { url: main.url, stop, project }
}

/** Why a key is not let in; `undefined` when it is. */
const refusalOf =
  (apiKeys: ServerOptions["apiKeys"]) =>
  (key: string): string | undefined => {
    if (key === "") return "API key is missing"
    return apiKeys?.includes(key) === false ? "API key is unknown" : undefined
  }

const prepare = (
  options: ServerOptions,
  allow: (key: string) => string | undefined,
  project: Project,
  request: Http.HttpRequest
): Http.Prepared => {
  const { body, header, method, path, search } = request
  const administered = path.startsWith("/__admin/")
    ? Admin.handle(method, path, body?.toString() ?? "", options.faults)
    : undefined
  if (administered !== undefined) return Http.answered(administered)

  const why = allow(header("api-key"))
  if (why !== undefined) return Http.answered(unauthorized(why))

  const found = find(method, path)
  if (Result.isFailure(found)) return Http.answered(found.failure)
  const { answer, call, name, parse, refuse } = found.success
  if (body === undefined) return Http.answered(refuse(413, `A request body has at most ${options.maxBodyBytes} bytes`))

  const parsed = parse(body)
  const incoming: Incoming = {
    version: header("x-pinecone-api-version") || options.defaultVersion,
    name,
    query: new URLSearchParams(search),
    body: Result.getOrUndefined(parsed),
    bytes: body.length
  }
  return {
    call: { ...call(incoming), bytes: body.length },
    apply: () =>
      Result.isFailure(parsed)
        ? refuse(400, parsed.failure)
        : Http.guarded(
            () => answer(project, incoming),
            (message) => refuse(500, message)
          )
  }
}

/** Pinecone over HTTP: who is let in, and what answers a request. */
import * as Result from "effect/Result"
import * as Admin from "./adminRoutes.ts"
import type { Project } from "./controlPlane.ts"
import { unauthorized } from "./envelopes.ts"
import type { Faults } from "./faults.ts"
import * as Http from "./http.ts"
import type { Indexes } from "./indexes.ts"
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

export const listen = (options: ServerOptions): Promise<Http.Listening> =>
  Http.listen({
    port: options.port,
    maxBodyBytes: options.maxBodyBytes,
    decide: options.faults.decide,
    idHeader: "x-pinecone-request-id",
    prepare: (request, url) =>
      prepare(options, { indexes: options.indexes, hostOf: (name) => hostOf(url, name) }, request)
  })

/** Where the data plane of an index is. */
export const hostOf = (url: string, name: string): string => `${url}/i/${name}`

const prepare = (options: ServerOptions, project: Project, request: Http.HttpRequest): Http.Prepared => {
  const { body, header, method, path, search } = request
  const administered = path.startsWith("/__admin/")
    ? Admin.handle(method, path, body?.toString() ?? "", options.faults)
    : undefined
  if (administered !== undefined) return Http.answered(administered)

  const key = header("api-key")
  if (key === "") return Http.answered(unauthorized("API key is missing"))
  if (options.apiKeys?.includes(key) === false) return Http.answered(unauthorized("API key is unknown"))

  const found = find(method, path)
  if (Result.isFailure(found)) return Http.answered(found.failure)
  const { answer, call, name, refuse } = found.success
  if (body === undefined) return Http.answered(refuse(413, `A request body has at most ${options.maxBodyBytes} bytes`))

  const parsed = Http.parseJson(body)
  const incoming: Incoming = {
    version: header("x-pinecone-api-version") || options.defaultVersion,
    name,
    query: new URLSearchParams(search),
    body: Result.getOrUndefined(parsed)
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

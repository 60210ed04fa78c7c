/**
 * Which handler answers a method and a path. One port serves everything: the control plane at the root, the data
 * planes of each index below `/i/{name}`.
 */
import * as Result from "effect/Result"
import type { Reply } from "./call.ts"
import * as Control from "./controlPlane.ts"
import * as Documents from "./documentCalls.ts"
import { refuseControl, refuseData } from "./envelopes.ts"
import { parseJson, parseLines } from "./http.ts"
import * as Inference from "./inference.ts"
import * as Meters from "./meters.ts"
import type { Refuse } from "./reply.ts"
import type { Metered } from "./quotas.ts"
import * as Records from "./recordCalls.ts"
import * as Rest from "./restCalls.ts"
import type { Incoming } from "./wire.ts"

/** A request's handler and what its path says. */
export interface Route {
  /** The part of the path where the route has a name. */
  readonly name: string
  /** What faults and quotas look at; `bytes` is not known here. */
  readonly call: (incoming: Incoming) => Omit<Metered, "bytes">
  /** Says no in the form of the route's plane. */
  readonly refuse: Refuse
  /** Reads a body. */
  readonly parse: Parse
  readonly answer: Control.Handler
}

type Meter = (incoming: Incoming) => Meters.Measures

/** A path is without its leading slash; `*` stands for a name. */
interface Entry<Handler> {
  readonly method: string
  readonly path: string
  readonly operation: string
  readonly handler: Handler
  readonly meter: Meter
  /** Says no in the form of the route. */
  readonly refuse: Refuse
  readonly parse: Parse
}

type Parse = (body: Buffer) => Result.Result<unknown, string>

const inNone: Meter = () => Meters.inNone(undefined)
const inPath: Meter = ({ name }) => ({ namespace: name })
const inQuery: Meter = ({ query }) => ({ namespace: query.get("namespace") ?? "" })
const inBody: Meter = ({ body }) => Meters.inBody(body)
const inName: Meter = ({ body }) => Meters.inName(body)
const ofMany: Meter = ({ body }) => Meters.ofMany(body)

const ofManyInPath: Meter = ({ body, name }) => ({ ...Meters.ofMany(body), namespace: name })

const route =
  <Handler>(refuse: Refuse, parse: Parse = parseJson) =>
  (method: string, path: string, operation: string, handler: Handler, meter = inNone): Entry<Handler> => ({
    method,
    path,
    operation,
    handler,
    meter,
    refuse,
    parse
  })

const control = route<Control.Handler>(refuseControl)
const data = route<Rest.Handler>(refuseData)
const documents = route<Rest.Handler>(refuseControl)
const lines = route<Rest.Handler>(refuseControl, parseLines)

const controlRoutes = [
  control("GET", "indexes", "listIndexes", Control.listIndexes),
  control("POST", "indexes", "createIndex", Control.createIndex),
  control("POST", "indexes/create-for-model", "createIndexForModel", Control.createForModel),
  control("GET", "indexes/*", "describeIndex", Control.describeIndex),
  control("PATCH", "indexes/*", "configureIndex", Control.configureIndex),
  control("DELETE", "indexes/*", "deleteIndex", Control.deleteIndex),
  control("POST", "embed", "embed", Inference.embed),
  control("POST", "rerank", "rerank", Inference.rerank),
  control("GET", "models", "listModels", Inference.listModels),
  control("GET", "models/*", "describeModel", Inference.describeModel)
]

const dataRoutes = [
  data("POST", "vectors/upsert", "upsert", Rest.upsert, inBody),
  data("POST", "query", "query", Rest.query, inBody),
  data("GET", "vectors/fetch", "fetch", Rest.fetch, inQuery),
  data("POST", "vectors/fetch_by_metadata", "fetchByMetadata", Rest.fetchByMetadata, inBody),
  data("POST", "vectors/update", "update", Rest.update, ofMany),
  data("POST", "vectors/delete", "delete", Rest.remove, ofMany),
  data("GET", "vectors/list", "list", Rest.list, inQuery),
  data("POST", "describe_index_stats", "stats", Rest.stats),
  data("GET", "namespaces", "namespaces", Rest.listNamespaces),
  data("POST", "namespaces", "createNamespace", Rest.createNamespace, inName),
  data("GET", "namespaces/*", "describeNamespace", Rest.describeNamespace, inPath),
  data("DELETE", "namespaces/*", "deleteNamespace", Rest.deleteNamespace, inPath),
  documents("POST", "namespaces/*/documents/upsert", "upsert", Documents.upsert, inPath),
  documents("POST", "namespaces/*/documents/search", "search", Documents.search, inPath),
  documents("POST", "namespaces/*/documents/fetch", "fetch", Documents.fetch, ofManyInPath),
  documents("POST", "namespaces/*/documents/list", "list", Documents.list, inPath),
  documents("POST", "namespaces/*/documents/update", "update", Documents.update, ofManyInPath),
  documents("POST", "namespaces/*/documents/delete", "delete", Documents.remove, ofManyInPath),
  lines("POST", "records/namespaces/*/upsert", "upsert", Records.upsert, inPath),
  documents("POST", "records/namespaces/*/search", "search", Records.search, inPath)
]

/** Finds the handler of a request. `path` starts with a slash and has no query. */
export const find = (method: string, path: string): Result.Result<Route, Reply> => {
  const [, first, index, ...rest] = path.split("/")
  if (first !== "i" || !index) {
    return Result.map(lookUp(controlRoutes, method, path.slice(1), refuseControl), ({ entry, name }) => ({
      name,
      call: () => ({ operation: entry.operation, index: undefined, namespace: undefined }),
      refuse: refuseControl,
      parse: entry.parse,
      answer: entry.handler
    }))
  }
  return Result.map(lookUp(dataRoutes, method, rest.join("/"), refuseData), ({ entry, name }) => ({
    name,
    call: (incoming) => ({ operation: entry.operation, index, ...errorsOf(entry), ...entry.meter(incoming) }),
    refuse: entry.refuse,
    parse: entry.parse,
    answer: (project, incoming) => {
      const emulated = project.indexes.get(index)
      return emulated === undefined
        ? entry.refuse(404, `Index ${index} not found`)
        : entry.handler(emulated, incoming, project)
    }
  }))
}

const errorsOf = ({ refuse }: Entry<Rest.Handler>) => (refuse === refuseControl ? { errors: "control" as const } : {})

const lookUp = <Handler>(routes: ReadonlyArray<Entry<Handler>>, method: string, path: string, refuse: Refuse) => {
  const parts = path.split("/")
  const fitting = routes.filter((entry) => fits(entry.path.split("/"), parts))
  const exact = fitting.filter((entry) => entry.path === path)
  const entries = exact.length > 0 ? exact : fitting
  if (entries.length === 0) return Result.fail(refuse(404, `The emulator has no route ${method} /${path}`))
  const entry = entries.find((one) => one.method === method)
  if (entry === undefined) {
    const allow = entries.map((one) => one.method).join(", ")
    return Result.fail(refuse(405, `${method} is not allowed on /${path}, but ${allow}`, { allow }))
  }
  const name = decoded(parts[entry.path.split("/").indexOf("*")] ?? "")
  return name === undefined
    ? Result.fail(entry.refuse(400, `/${path} is not a well encoded path`))
    : Result.succeed({ entry, name })
}

const fits = (pattern: ReadonlyArray<string>, parts: ReadonlyArray<string>): boolean =>
  pattern.length === parts.length &&
  pattern.every((part, at) => part === parts[at] || (part === "*" && parts[at] !== ""))

const decoded = (part: string): string | undefined => {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

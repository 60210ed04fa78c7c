/**
 * Which handler answers a method and a path. One port serves everything: the control plane at the root, the data
 * plane of each index below `/i/{name}`.
 */
import * as Result from "effect/Result"
import type { Reply } from "./call.ts"
import * as Control from "./controlPlane.ts"
import { refuseControl, refuseData } from "./envelopes.ts"
import * as Meters from "./meters.ts"
import type { Refuse } from "./reply.ts"
import type { Metered } from "./quotas.ts"
import * as Rest from "./restCalls.ts"
import type { Incoming } from "./wire.ts"

/** A request's handler and what its path says. */
export interface Route {
  /** The last part of the path, where the route has a name there. */
  readonly name: string
  /** What faults and quotas look at; `bytes` is not known here. */
  readonly call: (incoming: Incoming) => Omit<Metered, "bytes">
  /** Says no in the form of the route's plane. */
  readonly refuse: Refuse
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
}

const inNone: Meter = () => Meters.inNone(undefined)
const inPath: Meter = ({ name }) => ({ namespace: name })
const inQuery: Meter = ({ query }) => ({ namespace: query.get("namespace") ?? "" })
const inBody: Meter = ({ body }) => Meters.inBody(body)
const inName: Meter = ({ body }) => Meters.inName(body)
const ofMany: Meter = ({ body }) => Meters.ofMany(body)

const route =
  <Handler>() =>
  (method: string, path: string, operation: string, handler: Handler, meter = inNone): Entry<Handler> => ({
    method,
    path,
    operation,
    handler,
    meter
  })

const control = route<Control.Handler>()
const data = route<Rest.Handler>()

const controlRoutes = [
  control("GET", "indexes", "listIndexes", Control.listIndexes),
  control("POST", "indexes", "createIndex", Control.createIndex),
  control("POST", "indexes/create-for-model", "createIndexForModel", Control.createForModel),
  control("GET", "indexes/*", "describeIndex", Control.describeIndex),
  control("PATCH", "indexes/*", "configureIndex", Control.configureIndex),
  control("DELETE", "indexes/*", "deleteIndex", Control.deleteIndex)
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
  data("DELETE", "namespaces/*", "deleteNamespace", Rest.deleteNamespace, inPath)
]

/** Finds the handler of a request. `path` starts with a slash and has no query. */
export const find = (method: string, path: string): Result.Result<Route, Reply> => {
  const [, first, index, ...rest] = path.split("/")
  if (first !== "i" || !index) {
    return Result.map(lookUp(controlRoutes, method, path.slice(1), refuseControl), ({ entry, name }) => ({
      name,
      call: () => ({ operation: entry.operation, index: undefined, namespace: undefined }),
      refuse: refuseControl,
      answer: entry.handler
    }))
  }
  return Result.map(lookUp(dataRoutes, method, rest.join("/"), refuseData), ({ entry, name }) => ({
    name,
    call: (incoming) => ({ operation: entry.operation, index, ...entry.meter(incoming) }),
    refuse: refuseData,
    answer: (project, incoming) => {
      const emulated = project.indexes.get(index)
      return emulated === undefined ? refuseData(404, `Index ${index} not found`) : entry.handler(emulated, incoming)
    }
  }))
}

const lookUp = <Handler>(routes: ReadonlyArray<Entry<Handler>>, method: string, path: string, refuse: Refuse) => {
  const slash = path.lastIndexOf("/")
  const lastPart = path.slice(slash + 1)
  const withName = lastPart === "" ? "" : `${path.slice(0, slash)}/*`
  const at = (pattern: string) => routes.filter((entry) => entry.path === pattern)
  const exact = at(path)
  const entries = exact.length > 0 ? exact : at(withName)
  if (entries.length === 0) return Result.fail(refuse(404, `The emulator has no route ${method} /${path}`))
  const entry = entries.find((one) => one.method === method)
  if (entry === undefined) {
    const allow = entries.map((one) => one.method).join(", ")
    return Result.fail(refuse(405, `${method} is not allowed on /${path}, but ${allow}`, { allow }))
  }
  const name = exact.length > 0 ? "" : decoded(lastPart)
  return name === undefined
    ? Result.fail(refuse(400, `/${path} is not a well encoded path`))
    : Result.succeed({ entry, name })
}

const decoded = (part: string): string | undefined => {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

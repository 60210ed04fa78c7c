/** Which of Tecton's calls a method and a path are. One port serves both APIs and the tokens. */
import * as Result from "effect/Result"
import type { Reply } from "../emulator/call.ts"
import type { Refuse } from "../emulator/reply.ts"
import { refuseIngest, refuseRead, refuseToken } from "./envelopes.ts"
import type { ReadOperation, Subject } from "./readRequest.ts"

export type Route =
  | { readonly kind: "read"; readonly operation: ReadOperation; readonly path: Subject | undefined }
  | { readonly kind: "metadata"; readonly operation: "metadata"; readonly path: Subject | undefined }
  | { readonly kind: "ingest"; readonly operation: "ingest" }
  | { readonly kind: "token"; readonly operation: "token" }

/** The envelope of what a route refuses. */
export const refuseOf = ({ operation }: { readonly operation: string }): Refuse =>
  operation === "ingest" ? refuseIngest : operation === "token" ? refuseToken : refuseRead

const reads: ReadonlyMap<string, ReadOperation> = new Map([
  ["get-features", "getFeatures"],
  ["get-features-batch", "getFeaturesBatch"],
  ["query-features", "queryFeatures"]
])

const v1 = /^\/api\/v1\/feature-service\/([a-z-]+)$/
const v2 = /^\/api\/v2\/workspaces\/([^/]+)\/feature-services\/([^/]+)\/([a-z-]+)$/

interface Found {
  readonly method: "GET" | "POST"
  readonly route: Route
}

const post = (route: Route): Found => ({ method: "POST", route })

const ofCall = (call: string, path: Subject | undefined): Found | undefined => {
  const operation = reads.get(call)
  if (operation !== undefined) return post({ kind: "read", operation, path })
  return call === "metadata"
    ? { method: path === undefined ? "POST" : "GET", route: { kind: "metadata", operation: "metadata", path } }
    : undefined
}

const lookUp = (path: string): Found | undefined => {
  if (path === "/ingest" || path === "/v2/ingest") return post({ kind: "ingest", operation: "ingest" })
  if (path === "/oauth2/default/v1/token") return post({ kind: "token", operation: "token" })
  const [, call] = v1.exec(path) ?? []
  if (call !== undefined) return ofCall(call, undefined)
  const [, workspace = "", service = "", inV2] = v2.exec(path) ?? []
  const subject = inV2 === undefined ? undefined : decoded(workspace, service)
  return inV2 === undefined || subject === undefined ? undefined : ofCall(inV2, subject)
}

const decoded = (workspace: string, service: string): Subject | undefined => {
  try {
    return { workspace: decodeURIComponent(workspace), service: decodeURIComponent(service) }
  } catch {
    return undefined
  }
}

/** Finds the route of a request. `path` starts with a slash and has no query. */
export const find = (method: string, path: string): Result.Result<Route, Reply> => {
  const found = lookUp(path)
  if (found === undefined) return Result.fail(refuseRead(404, `The emulator has no route ${method} ${path}`))
  return found.method === method
    ? Result.succeed(found.route)
    : Result.fail(
        refuseOf(found.route)(405, `${method} is not allowed on ${path}, but ${found.method}`, { allow: found.method })
      )
}

/** Tecton for tests: the real client at a server that answers as a script or a function says. */
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import { type Options, TectonClient } from "@effect-connectors/tecton/TectonClient"
import type { TectonError } from "@effect-connectors/tecton/TectonError"
import { assert } from "@effect/vitest"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Line, type ScriptedServer, scriptedServer } from "../../../../test/support/scriptedServer.ts"
import { key } from "./secrets.ts"
import { answering, type Answer, type Handler, type Received, type Server } from "./server.ts"

const layerAt = (url: string, options: Partial<Options>) =>
  TectonClient.layer({ url, ingestUrl: url, workspace: "prod", apiKey: Redacted.make(key), ...options })

/** The calls of a workspace. */
export const serviceOf = (url: string, options: Partial<Options> = {}) =>
  Effect.map(Layer.build(layerAt(url, options)), Context.get(TectonClient))

/** The calls of a workspace at a server that follows a script. */
export const scripted = Effect.fnUntraced(function* (script: ReadonlyArray<Line>, options?: Partial<Options>) {
  const server = yield* scriptedServer(...script)
  return { server, tecton: yield* serviceOf(server.url, options) }
})

type Without<R> = Exclude<R, TectonClient> | Scope.Scope

/** Runs `body` at a server that follows a script. */
export const atScript = <A, E, R>(
  script: ReadonlyArray<Line>,
  body: (server: ScriptedServer) => Effect.Effect<A, E, R>,
  options: Partial<Options> = {}
): Effect.Effect<A, E | TectonError, Without<R>> =>
  Effect.flatMap(scriptedServer(...script), (server) => Effect.provide(body(server), layerAt(server.url, options)))

/** Runs `body` at a server that answers by a function. */
export const atServer = <A, E, R>(
  handler: Handler,
  body: (server: Server) => Effect.Effect<A, E, R>,
  options: Partial<Options> = {}
): Effect.Effect<A, E | TectonError, Without<R>> =>
  Effect.flatMap(answering(handler), (server) => Effect.provide(body(server), layerAt(server.url, options)))

/** The only element of a list that must have one. */
export const only = <A>(list: ReadonlyArray<A>): A => {
  assert.lengthOf(list, 1)
  return list[0]!
}

export const requestOf = (server: { readonly received: ReadonlyArray<Received> }) => only(server.received)

/** What a request asks for. */
export const paramsOf = (request: Received | undefined): { readonly [name: string]: unknown } => {
  assert(request !== undefined)
  return JSON.parse(request.body).params
}

/** The rows of a request, by their join keys. */
export const rowsOf = (request: Received): ReadonlyArray<{ readonly [key: string]: string | null }> => {
  const { params } = JSON.parse(request.body)
  const lookups: ReadonlyArray<{ readonly joinKeyMap: { readonly [key: string]: string | null } }> =
    params.requestData ?? [params]
  return lookups.map(({ joinKeyMap }) => joinKeyMap)
}

/** A reply of one vector, as the feature server writes it. */
export const vector = (
  columns: ReadonlyArray<{ readonly [property: string]: unknown }>,
  features: ReadonlyArray<unknown>,
  more: { readonly [property: string]: unknown } = {}
): Answer => ({ body: { result: { features }, metadata: { features: columns, ...more } } })

/** A reply of several. */
export const batch = (
  columns: ReadonlyArray<{ readonly [property: string]: unknown }>,
  rows: ReadonlyArray<ReadonlyArray<unknown>>,
  more: { readonly [property: string]: unknown } = {}
): Answer => ({ body: { result: rows.map((features) => ({ features })), metadata: { features: columns, ...more } } })

export const column = (name: string, dataType: unknown, more: { readonly [property: string]: unknown } = {}) => ({
  name,
  dataType: typeof dataType === "string" ? { type: dataType } : dataType,
  ...more
})

/** A service of two features, which {@link answerUsers} knows. */
export const users = FeatureService.make("users", {
  joinKeys: { user_id: Schema.String },
  features: { "profile.name": Schema.String, "profile.visits": Schema.BigInt }
})

const usersColumns = [column("profile.name", "string"), column("profile.visits", "int64")]

/** Answers what is asked of {@link users}: the name of `u7` is `name of u7`, its visits are 7. */
export const answerUsers = (request: Received): Answer => {
  const rows = rowsOf(request).map(({ user_id }) => [`name of ${user_id}`, String(user_id).slice(1)])
  return request.path.includes("batch") ? batch(usersColumns, rows) : vector(usersColumns, rows[0]!)
}

export const ids = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, i) => `u${i}`)

export const byId = { keys: (user_id: string) => ({ user_id }) }

export const collect = <A, B, E, R>(
  elements: ReadonlyArray<A>,
  step: (self: Stream.Stream<A>) => Stream.Stream<B, E, R>
) => Stream.runCollect(step(Stream.fromIterable(elements)))

/** Every feature of a reply to a single lookup, by the types that are in it. */
export const everything = (reply: Answer, settings: TectonSource.Settings = {}) =>
  atScript([{}, reply], () =>
    Effect.gen(function* () {
      const service = { ...(yield* FeatureService.discover("any")), binding: undefined }
      const [row] = yield* collect(["u1"], TectonSource.featuresResults(service, { ...byId, maxBatch: 1, ...settings }))
      assert(row !== undefined)
      return yield* Effect.fromResult(row[1])
    })
  )

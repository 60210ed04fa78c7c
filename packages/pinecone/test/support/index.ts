/** Indexes for tests: in memory, with calls counted or changed, and at a scripted server. */
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { type Options, PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type Line, type ScriptedServer, scriptedServer } from "../../../../test/support/scriptedServer.ts"
import { key } from "./secrets.ts"

/** Runs an effect on an empty index in memory. */
export const inMemory =
  (options: PineconeMemory.Options = {}) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.provide(effect, PineconeMemory.layerWith(options))

/** Runs an effect on an index in memory of which `change` replaces some calls. */
export const changed =
  (change: (service: Service) => Partial<Service>, options: PineconeMemory.Options = {}) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.provide(
      effect,
      Layer.effect(
        PineconeIndex,
        Effect.map(PineconeIndex, (service) => ({ ...service, ...change(service) }))
      ).pipe(Layer.provide(PineconeMemory.layerWith(options)))
    )

/** Runs `body` on an index that is a server which follows the script. */
export const atServer = <A, E, R>(
  script: ReadonlyArray<Line>,
  body: (server: ScriptedServer) => Effect.Effect<A, E, R>,
  options: Partial<Options> = {}
): Effect.Effect<A, E | PineconeError, Exclude<R, PineconeIndex> | Scope.Scope> =>
  Effect.flatMap(scriptedServer(...script), (server) =>
    Effect.provide(body(server), PineconeIndex.layer({ apiKey: Redacted.make(key), host: server.url, ...options }))
  )

/** As many lines that accept whatever they are sent. */
export const accept = (times: number): ReadonlyArray<Line> => Array.from({ length: times }, () => ({}))

/** The records of all upserts a server got, in order. */
export const upserted = (server: ScriptedServer): ReadonlyArray<VectorRecord> =>
  server.received.filter(({ path }) => path === "/vectors/upsert").flatMap(({ body }) => JSON.parse(body).vectors)

/** What is stored under an id. */
export const stored = (id: string, namespace?: string) =>
  Effect.gen(function* () {
    const index = yield* PineconeIndex
    return (yield* index.fetch({ ids: [id], namespace })).records.get(id)
  })

/** Records by namespace. */
export const counts = Effect.gen(function* () {
  const index = yield* PineconeIndex
  return Object.fromEntries((yield* index.stats).namespaces)
})

/** The numbers of a stored vector. */
export const numbers = (record: VectorRecord | undefined): ReadonlyArray<number> => {
  assert(record?.values !== undefined)
  return Array.from(record.values)
}

/** A declared document index for tests, and a server that follows a script. */
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import { type DocumentOptions, PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type Line, type ScriptedServer, scriptedServer } from "../../../../test/support/scriptedServer.ts"
import { key } from "./secrets.ts"

export const articles = DocumentIndex.make({
  title: DocumentIndex.text(),
  body: DocumentIndex.optional(DocumentIndex.text({ stemming: true })),
  embedding: DocumentIndex.optional(DocumentIndex.dense({ dimension: 2, metric: "cosine" })),
  terms: DocumentIndex.optional(DocumentIndex.sparse()),
  at: Schema.optionalKey(Schema.DateFromString),
  year: Schema.optionalKey(Schema.Int),
  tags: Schema.optionalKey(Schema.Array(Schema.String))
})

/** Runs `body` on a document index that is a server which follows the script. */
export const atDocuments = <A, E, R>(
  script: ReadonlyArray<Line>,
  body: (server: ScriptedServer) => Effect.Effect<A, E, R>,
  options: Partial<DocumentOptions> | ((server: ScriptedServer) => Partial<DocumentOptions>) = {}
): Effect.Effect<A, E | PineconeError, Exclude<R, PineconeDocumentIndex> | Scope.Scope> =>
  Effect.flatMap(scriptedServer(...script), (server) =>
    Effect.provide(
      body(server),
      PineconeDocumentIndex.layer({ apiKey: Redacted.make(key), pacing: false, ...settings(server, options) })
    )
  )

const settings = (
  server: ScriptedServer,
  options: Partial<DocumentOptions> | ((server: ScriptedServer) => Partial<DocumentOptions>)
): Partial<DocumentOptions> => (typeof options === "function" ? options(server) : { host: server.url, ...options })

/** The index `articles`, which the server describes first and is then. */
export const byName = ({ url }: ScriptedServer): Partial<DocumentOptions> => ({
  index: "articles",
  controllerHost: url
})

/** What the control plane tells of an index with these fields, at a server whose address it can not know. */
export const described = (fields: Readonly<Record<string, unknown>>, host = "http://127.0.0.1:9"): Line => ({
  body: { name: "articles", host, schema: { fields } }
})

/** The JSON of each request's body, in order. */
export const bodies = (server: ScriptedServer): ReadonlyArray<unknown> =>
  server.received.map(({ body }): unknown => (body === "" ? undefined : JSON.parse(body)))

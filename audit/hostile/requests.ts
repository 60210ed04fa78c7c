/** Requests that no client should send, to the emulators: each is answered, and never as if the server were broken. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Child from "../support/child.ts"
import { oneOf } from "../support/chance.ts"
import * as Emulator from "../support/emulator.ts"
import { secrets } from "../support/witness.ts"
import { spoiled } from "./generate.ts"
import type { Group } from "./group.ts"

/** An emulator answered a hostile request as if it were broken itself. */
class Broken extends Schema.TaggedError<Broken>()("Broken", {
  status: Schema.Int,
  path: Schema.String,
  body: Schema.String
}) {}

const vector = {
  id: "a",
  values: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
  sparseValues: { indices: [1], values: [0.5] },
  metadata: { title: "x", tags: ["a"], n: 1 }
}
const filter = { $and: [{ title: { $in: ["x", "y"] } }, { n: { $gte: 1 } }, { tags: { $ne: "b" } }] }

type Request = readonly [method: string, path: string, body?: unknown]

const toPinecone: ReadonlyArray<Request> = [
  ["POST", "/i/audit/vectors/upsert", { namespace: "a", vectors: [vector, vector] }],
  ["POST", "/i/audit/query", { namespace: "a", topK: 3, vector: vector.values, filter, includeMetadata: true }],
  ["POST", "/i/audit/vectors/update", { namespace: "a", id: "a", values: vector.values, setMetadata: { n: 2 } }],
  ["POST", "/i/audit/vectors/delete", { namespace: "a", ids: ["a", "b"] }],
  ["POST", "/i/audit/vectors/delete", { namespace: "a", filter }],
  ["POST", "/i/audit/vectors/fetch_by_metadata", { namespace: "a", filter, limit: 3 }],
  ["POST", "/i/audit/describe_index_stats", { filter }],
  ["POST", "/i/audit/namespaces", { name: "n", schema: { fields: { title: { filterable: true } } } }],
  [
    "POST",
    "/indexes",
    { name: "other", dimension: 3, metric: "cosine", spec: { serverless: { cloud: "aws", region: "us-east-1" } } }
  ],
  ["PATCH", "/indexes/audit", { tags: { a: "b" } }],
  [
    "PUT",
    "/__admin/faults",
    { rules: [{ name: "x", operations: ["nothing"], when: { _tag: "Always" }, fault: { _tag: "LoseAnswer" } }] }
  ]
]

const queries: ReadonlyArray<string> = [
  "/i/audit/vectors/list?limit=",
  "/i/audit/vectors/list?paginationToken=",
  "/i/audit/vectors/list?prefix=",
  "/i/audit/vectors/fetch?ids=",
  "/i/audit/namespaces?limit=",
  "/i/audit/namespaces/",
  "/indexes/",
  "/"
]

const texts = [
  "",
  "%",
  "%zz",
  "%00",
  "-1",
  "1e999",
  "__proto__",
  "%F0%9F%9A%80",
  "x".repeat(10_000),
  "..%2F..",
  "[]",
  "9".repeat(99)
]

const lookup = { feature_service_name: "fraud", workspace_name: "prod", join_key_map: { user_id: "ada" } }

const toTecton: ReadonlyArray<Request> = [
  ["POST", "/api/v1/feature-service/get-features", { params: { ...lookup, metadataOptions: { includeNames: true } } }],
  [
    "POST",
    "/api/v1/feature-service/get-features-batch",
    {
      params: {
        feature_service_name: "fraud",
        workspace_name: "prod",
        request_data: [{ join_key_map: { user_id: "ada" } }]
      }
    }
  ],
  ["POST", "/api/v1/feature-service/query-features", { params: lookup }],
  ["POST", "/api/v1/feature-service/metadata", { params: { feature_service_name: "fraud", workspace_name: "prod" } }],
  [
    "POST",
    "/ingest",
    {
      workspace_name: "prod",
      records: { clicks: [{ record: { user_id: "ada", timestamp: "2026-11-26T00:00:00Z", page: "/", clicked: 1 } }] }
    }
  ],
  ["POST", "/oauth2/default/v1/token", { grant_type: "client_credentials" }]
]

const sent = (url: string, headers: Readonly<Record<string, string>>, method: string, path: string, body?: string) =>
  Effect.gen(function* () {
    const [status, text] = yield* Effect.promise(async (signal) => {
      const init = { method, headers, signal, ...(body === undefined ? {} : { body }) }
      const response = await fetch(`${url}${path}`, init)
      return [response.status, await response.text()] as const
    })
    if (status >= 500) return yield* new Broken({ status, path: path.slice(0, 100), body: text.slice(0, 300) })
    return status
  })

export const pineconeRequests: Group = {
  name: "requests to the Pinecone emulator",
  errors: [],
  size: 1,
  share: 5,
  make: Effect.fnUntraced(function* (seed) {
    const { url } = yield* Emulator.start()
    const headers = { "api-key": secrets.pineconeKey, "content-type": "application/json" }
    return (n) => {
      if (n % 4 === 0) {
        return sent(url, headers, "GET", `${oneOf(queries, seed, n, 61)}${oneOf(texts, seed, n, 62)}`)
      }
      const [method, path, body] = oneOf(toPinecone, seed, n, 63)
      return sent(url, headers, method, path, spoiled(body, { seed, n }, 64))
    }
  })
}

export const tectonRequests: Group = {
  name: "requests to the Tecton emulator",
  errors: [],
  size: 1,
  share: 2,
  make: Effect.fnUntraced(function* (seed) {
    const child = yield* Child.start({ program: "tectonEmulator.ts", argument: { apiKey: secrets.tectonKey } })
    const { url } = yield* child.next(Schema.Struct({ url: Schema.String }))
    const headers = { authorization: `Tecton-key ${secrets.tectonKey}`, "content-type": "application/json" }
    return (n) => {
      const [method, path, body] = oneOf(toTecton, seed, n, 65)
      return sent(url, headers, method, path, spoiled(body, { seed, n }, 66))
    }
  })
}

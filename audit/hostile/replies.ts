/** Replies that no service should send, to every call of both clients. */
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as FeatureMessage from "@effect-connectors/tecton/FeatureMessage"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { chance, oneOf } from "../support/chance.ts"
import { secrets } from "../support/witness.ts"
import { type Place, spoiled } from "./generate.ts"
import type { Group, Try } from "./group.ts"

const statuses = [200, 200, 200, 200, 200, 201, 302, 400, 401, 402, 403, 404, 409, 413, 429, 429, 500, 503, 599]

const waits = ["0", "-1", "1e999", "soon", "Wed, 99 Nov 2026 99:99:99 GMT", "9".repeat(400), "é"]

const vector = {
  id: "a",
  values: [0.1, 0.2],
  sparseValues: { indices: [1], values: [0.5] },
  metadata: { title: "x", tags: ["a"], n: 1, ok: true }
}

const usage = { readUnits: 1 }

type Pinecone = PineconeIndex["Service"]

/** Each call with a reply that is right. */
const pineconeCalls: ReadonlyArray<readonly [reply: unknown, call: (index: Pinecone) => Try]> = [
  [{ upsertedCount: 1 }, (index) => index.upsert({ records: [{ id: "a", values: [1] }] })],
  [
    { matches: [{ ...vector, score: 0.5 }], namespace: "", usage },
    (index) => index.query({ topK: 1, vector: [1], includeMetadata: true, includeValues: true })
  ],
  [{ vectors: { a: vector }, namespace: "", usage }, (index) => index.fetch({ ids: ["a"] })],
  [
    { vectors: [{ id: "a" }, { id: "b" }], pagination: { next: "Tm90aGluZw==" }, namespace: "", usage },
    (index) => index.list({})
  ],
  [{}, (index) => index.update({ id: "a", values: [1] })],
  [{}, (index) => index.delete({ ids: ["a"] })],
  [
    { namespaces: { a: { vectorCount: 1 } }, dimension: 2, indexFullness: 0, totalVectorCount: 1, metric: "cosine" },
    (index) => index.stats
  ],
  [
    { namespaces: [{ name: "a", record_count: "1" }], pagination: { next: "x" }, total_count: 1 },
    (index) => index.namespaces({})
  ],
  [{}, (index) => index.deleteNamespace("a")]
]

/** An error as the service words it. */
const errorBody = { code: 3, message: "what is wrong", details: [{ a: 1 }], error: { code: "X", message: "y" } }

interface Reply {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

const replyTo = (right: unknown, place: Place): Reply => {
  const { n, seed } = place
  const status = oneOf(statuses, seed, n, 21)
  const headers: Record<string, string> = { "content-type": "application/json" }
  if (chance(seed, n, 22) < 0.3) headers["retry-after"] = oneOf(waits, seed, n, 23)
  if (chance(seed, n, 24) < 0.3) headers["x-pinecone-request-lsn"] = oneOf(waits, seed, n, 25)
  if (status === 302) headers["location"] = "http://127.0.0.1:1/elsewhere"
  return { status, headers, body: spoiled(status < 300 ? right : errorBody, place, 26) }
}

/** A server that answers everything with the reply that it is given. */
const server = Effect.map(
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly close: () => void; readonly say: (next: Reply) => void }>(
      (resume) => {
        let reply: Reply = { status: 200, body: "", headers: {} }
        const server = http.createServer((request, response) => {
          request.resume().on("end", () => {
            const { body, headers, status } = reply
            for (const [name, value] of Object.entries(headers)) {
              response.setHeader(name, Buffer.from(value, "utf8").toString("latin1"))
            }
            response.writeHead(status).end(body)
          })
        })
        server.listen(0, "127.0.0.1", () =>
          resume(
            Effect.succeed({
              url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
              close: () => {
                server.closeAllConnections()
                server.close()
              },
              say: (next) => {
                reply = next
              }
            })
          )
        )
      }
    ),
    ({ close }) => Effect.sync(close)
  ),
  ({ say, url }) => ({ say, url })
)

export const pineconeReplies: Group = {
  name: "replies to Pinecone's calls",
  errors: ["PineconeError"],
  size: 1,
  share: 22,
  make: Effect.fnUntraced(function* (seed) {
    const { say, url } = yield* server
    const layer = PineconeIndex.layer({ apiKey: Redacted.make(secrets.pineconeKey), host: url, timeout: "2 seconds" })
    const index = Context.get(yield* Layer.build(layer), PineconeIndex)
    return (n) => {
      const [right, call] = pineconeCalls[n % pineconeCalls.length]!
      return Effect.suspend(() => {
        say(replyTo(right, { seed, n }))
        return call(index)
      })
    }
  })
}

const features = {
  result: { features: ["1", "DE"] },
  metadata: {
    features: [
      {
        name: "user_clicks.count_1d",
        dataType: { type: "int64" },
        status: "PRESENT",
        effectiveTime: "2026-11-26T00:00:00Z"
      },
      { name: "user_profile.country", dataType: { type: "string" }, status: "PRESENT" }
    ],
    joinKeys: [{ name: "user_id", dataType: { type: "string" } }],
    sloInfo: { sloEligible: true, sloServerTimeSeconds: 0.01, serverTimeSeconds: 0.02, storeResponseSizeBytes: 100 }
  }
}

const metadata = {
  featureServiceType: "DEFAULT",
  inputJoinKeys: [{ name: "user_id", dataType: { type: "string" } }],
  inputRequestContextKeys: [{ name: "amount", dataType: { type: "float64" } }],
  featureValues: [
    { name: "user_clicks.count_1d", dataType: { type: "int64" } },
    {
      name: "user_profile.country",
      dataType: { type: "struct", fields: [{ name: "a", dataType: { type: "string" } }] }
    }
  ],
  outputJoinKeys: [{ name: "user_id", dataType: { type: "array", elementType: { type: "string" } } }]
}

const batch = {
  result: [features.result, features.result],
  metadata: { ...features.metadata, sloInfo: undefined, batchSloInfo: features.metadata.sloInfo }
}

const message = {
  version: "1",
  job_type: "stream",
  feature_view_name: "user_clicks",
  feature_view_id: "1",
  feature_timestamp: "2026-11-26T00:00:00Z",
  entity_keys: { user_id: "ada" },
  feature_values: { clicked: "1" }
}

const fraud = FeatureService.make("fraud", {
  joinKeys: { user_id: Schema.String },
  features: { "user_clicks.count_1d": Schema.BigInt, "user_profile.country": Schema.String }
})

const decodeMessage = FeatureMessage.decoder({
  entityKeys: Schema.Struct({ user_id: Schema.String }),
  featureValues: Schema.Record(Schema.String, Schema.BigIntFromString)
})

const keys = { keys: (user_id: string) => ({ user_id }), retry: { maxAttempts: 1 } }

type Tecton = TectonClient["Service"]

const tectonCalls: ReadonlyArray<
  readonly [reply: unknown, call: (tecton: Tecton, body: string) => Effect.Effect<unknown, unknown, TectonClient>]
> = [
  [features, (tecton) => tecton.getFeatures({ service: "fraud", joinKeys: { user_id: "ada" } })],
  [batch, (tecton) => tecton.getFeaturesBatch({ service: "fraud", lookups: [{ joinKeys: { user_id: "ada" } }, {}] })],
  [
    { results: [{ features: ["1", "DE"], joinKeys: ["ada"] }], metadata: features.metadata },
    (tecton) => tecton.queryFeatures({ service: "fraud" })
  ],
  [metadata, (tecton) => tecton.metadata({ service: "fraud" })],
  [
    {
      recordErrors: [{ featureViewName: "a", pushSourceName: "b", errorType: "X", errorMessage: "y" }],
      requestError: { errorType: "X", errorMessage: "y" },
      ingestMetrics: {
        featureViewIngestMetrics: [
          { featureViewName: "a", onlineRecordIngestCount: "1", offlineRecordIngestCount: "1" }
        ]
      }
    },
    (tecton) => tecton.ingest({ records: new Map() })
  ],
  [metadata, () => FeatureService.discover("fraud", { retry: { maxAttempts: 1 } })],
  [metadata, () => FeatureService.check(fraud, { retry: { maxAttempts: 1 } })],
  [batch, () => Stream.make("ada", "bob").pipe(TectonSource.featuresResults(fraud, keys), Stream.runDrain)],
  [message, (_, body) => Effect.fromResult(decodeMessage(body))]
]

export const tectonReplies: Group = {
  name: "replies to Tecton's calls",
  errors: ["TectonError", "InvalidMessage", "SchemaError", "InvalidRecord", "InvalidResponse"],
  size: 1,
  share: 20,
  make: Effect.fnUntraced(function* (seed) {
    let reply: Reply = { status: 200, body: "", headers: {} }
    const context = yield* Layer.build(
      TectonClient.layer({
        url: "http://127.0.0.1:1",
        ingestUrl: "http://127.0.0.1:1",
        workspace: "prod",
        apiKey: Redacted.make(secrets.tectonKey),
        pacing: false,
        fetch: async () => {
          const { body, headers, status } = reply
          const latin = Object.entries(headers).map(([name, value]): [string, string] => [
            name,
            Buffer.from(value).toString("latin1")
          ])
          return new Response(body, { status, headers: latin })
        }
      })
    )
    const tecton = Context.get(context, TectonClient)
    return (n) => {
      const [right, call] = tectonCalls[n % tectonCalls.length]!
      return Effect.suspend(() => {
        reply = replyTo(right, { seed, n })
        return Effect.provideContext(call(tecton, reply.body), context)
      })
    }
  })
}

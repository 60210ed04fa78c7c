/** `PineconeGrpc` by TLS, with a certificate for localhost that is good for tests only. */
import * as PineconeGrpc from "@effect-connectors/pinecone/PineconeGrpc"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as fs from "node:fs"
import * as path from "node:path"
import { encode } from "./support/dataPlane.ts"
import { type Identity, scriptedGrpcTls } from "./support/scriptedGrpc.ts"
import { key, refusalOf } from "./support/secrets.ts"

const fixture = (name: string): string => path.join(import.meta.dirname, "fixtures", name)
const identity: Identity = {
  cert: fs.readFileSync(fixture("localhost.crt")),
  key: fs.readFileSync(fixture("localhost.key"))
}

// gRPC's own variable for certificates to trust, read when the library is loaded.
process.env.GRPC_DEFAULT_SSL_ROOTS_FILE_PATH = fixture("localhost.crt")

const serviceOf = (host: string) =>
  Effect.map(Layer.build(PineconeGrpc.layer({ apiKey: Redacted.make(key), host })), Context.get(PineconeIndex))

describe("TLS", () => {
  it.live("calls a server whose certificate is trusted", () =>
    Effect.gen(function* () {
      const server = yield* scriptedGrpcTls(identity, { message: encode("UpsertResponse", { upserted_count: 1 }) })
      const index = yield* serviceOf(server.url.replace("127.0.0.1", "localhost"))
      assert.deepInclude(yield* index.upsert({ records: [{ id: "a", values: [1] }] }), { count: 1 })
      assert.deepInclude(server.received[0]?.headers, { ":scheme": "https", "api-key": key })
    })
  )

  it.live("sends nothing to a server whose certificate is for another name", () =>
    Effect.gen(function* () {
      const server = yield* scriptedGrpcTls(identity)
      const index = yield* serviceOf(server.url)
      const { reason } = yield* refusalOf(index.stats)
      assert.deepInclude(reason, { _tag: "ConnectionFailed", sent: false })
      assert.lengthOf(server.received, 0)
    })
  )

  it.live("sends nothing in plain text to a server of TLS", () =>
    Effect.gen(function* () {
      const server = yield* scriptedGrpcTls(identity)
      const index = yield* serviceOf(server.url.replace("https:", "http:"))
      assert.strictEqual((yield* refusalOf(index.stats)).reason._tag, "ConnectionFailed")
      assert.lengthOf(server.received, 0)
    })
  )
})

import * as PineconeGrpc from "@effect-connectors/pinecone/PineconeGrpc"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createRequire } from "node:module"

const isLoaded = (library: string) =>
  Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes(library))

const options = { apiKey: Redacted.make("key"), host: "127.0.0.1:1" }

it.effect("the SDK and gRPC are loaded when their layer is built, not when the package is imported", () =>
  Effect.gen(function* () {
    assert.isFalse(isLoaded("@grpc/grpc-js"))
    yield* Layer.build(PineconeGrpc.layer(options))
    assert.isTrue(isLoaded("@grpc/grpc-js"))
    assert.isFalse(isLoaded("@pinecone-database"))
    yield* Layer.build(PineconeIndex.layer(options))
    assert.isTrue(isLoaded("@pinecone-database"))
  })
)

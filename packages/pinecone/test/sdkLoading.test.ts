import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createRequire } from "node:module"

const sdkIsLoaded = () =>
  Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes("@pinecone-database"))

it.effect("the SDK is loaded when the layer is built, not when the package is imported", () =>
  Effect.gen(function* () {
    const layer = PineconeIndex.layer({ apiKey: Redacted.make("key"), host: "127.0.0.1:1" })
    assert.isFalse(sdkIsLoaded())
    yield* Layer.build(layer)
    assert.isTrue(sdkIsLoaded())
  })
)

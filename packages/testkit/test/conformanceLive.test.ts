/**
 * The suite on the service itself: `PINECONE_TEST_INDEX` names a dense serverless index of the project that
 * `PINECONE_API_KEY` belongs to. It writes a few thousand small records to namespaces of its own and removes them.
 */
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as Conformance from "@effect-connectors/testkit/Conformance"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

const apiKey = process.env["PINECONE_API_KEY"] ?? ""
const index = process.env["PINECONE_TEST_INDEX"] ?? ""
const isConfigured = apiKey !== "" && index !== ""

it("PINECONE_API_KEY and PINECONE_TEST_INDEX are set", (context) => {
  if (!isConfigured) console.log("Skipped: conformance on the live service, for want of a key and an index.")
  context.skip(!isConfigured)
  assert.isTrue(isConfigured)
})

if (isConfigured) {
  const layer = PineconeIndex.layer({
    apiKey: Redacted.make(apiKey),
    index,
    controllerHost: process.env["PINECONE_CONTROLLER_HOST"]
  })
  const stats = Effect.flatMap(PineconeIndex, (service) => service.stats)
  const { dimension, metric } = await Effect.runPromise(Effect.provide(stats, layer))
  if (dimension === undefined) {
    throw new Error(`PINECONE_TEST_INDEX ${index} is a sparse index; the suite needs a dense one`)
  }
  if (metric !== "cosine" && metric !== "dotproduct" && metric !== "euclidean") {
    throw new Error(`PINECONE_TEST_INDEX ${index} has the unknown metric ${metric}`)
  }
  Conformance.suite(`Pinecone, ${index}`, layer, { dimension, metric, eventually: "30 seconds", live: true })
}

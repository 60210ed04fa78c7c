/**
 * The suites on the service itself, on indexes of the project that `PINECONE_API_KEY` belongs to, each where its index is
 * named: by `PINECONE_TEST_INDEX` a dense serverless index, by `PINECONE_TEST_DOCUMENT_INDEX` one made as
 * `DocumentConformance.definition` declares, by `PINECONE_TEST_RECORD_INDEX` one made for a model that embeds text. They
 * write a few thousand small records to namespaces of their own and remove them.
 */
import * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import { PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeRecordIndex } from "@effect-connectors/pinecone/PineconeRecordIndex"
import * as Conformance from "@effect-connectors/testkit/Conformance"
import * as DocumentConformance from "@effect-connectors/testkit/DocumentConformance"
import * as RecordConformance from "@effect-connectors/testkit/RecordConformance"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const eventually = "30 seconds"

/** The index that a variable names; without one the suite is left out, and a skipped test says so. */
const indexNamedBy = (variable: string, what: string) => {
  const apiKey = process.env["PINECONE_API_KEY"] ?? ""
  const index = process.env[variable] ?? ""
  const isConfigured = apiKey !== "" && index !== ""
  it(`PINECONE_API_KEY and ${variable} are set`, (context) => {
    if (!isConfigured) {
      console.log(`Skipped: conformance of ${what} on the live service, for want of a key and an index.`)
    }
    context.skip(!isConfigured)
    assert.isTrue(isConfigured)
  })
  return isConfigured
    ? { apiKey: Redacted.make(apiKey), index, controllerHost: process.env["PINECONE_CONTROLLER_HOST"] }
    : undefined
}

const vectors = indexNamedBy("PINECONE_TEST_INDEX", "vectors")
if (vectors !== undefined) {
  const { index } = vectors
  const layer = PineconeIndex.layer(vectors)
  const stats = Effect.flatMap(PineconeIndex, (service) => service.stats)
  const { dimension, metric } = await Effect.runPromise(Effect.provide(stats, layer))
  if (dimension === undefined) {
    throw new Error(`PINECONE_TEST_INDEX ${index} is a sparse index; the suite needs a dense one`)
  }
  if (metric !== "cosine" && metric !== "dotproduct" && metric !== "euclidean") {
    throw new Error(`PINECONE_TEST_INDEX ${index} has the unknown metric ${metric}`)
  }
  Conformance.suite(`Pinecone, ${index}`, layer, { dimension, metric, eventually, live: true })
}

const documents = indexNamedBy("PINECONE_TEST_DOCUMENT_INDEX", "documents")
if (documents !== undefined) {
  const layer = PineconeDocumentIndex.layer(documents)
  // One failure that lists all differences, in place of one a test.
  await Effect.runPromise(Effect.provide(DocumentIndex.check(DocumentConformance.definition), layer))
  DocumentConformance.suite(`Pinecone, ${documents.index}`, layer, { eventually, live: true })
}

const records = indexNamedBy("PINECONE_TEST_RECORD_INDEX", "records")
if (records !== undefined) {
  const layer = Layer.merge(PineconeRecordIndex.layer(records), PineconeIndex.layer(records))
  const { textField } = await Effect.runPromise(Effect.provide(PineconeRecordIndex, layer))
  RecordConformance.suite(`Pinecone, ${records.index}`, layer, {
    textField,
    reranks: "bge-reranker-v2-m3",
    eventually
  })
}

/** The suite of records: in memory, on the emulator that embeds, and on vectors that the program embeds. */
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeRecordIndex, type Service } from "@effect-connectors/pinecone/PineconeRecordIndex"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import * as PineconeRecordMemory from "@effect-connectors/testkit/PineconeRecordMemory"
import * as RecordConformance from "@effect-connectors/testkit/RecordConformance"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as EmbeddingModel from "effect/ai/EmbeddingModel"
import { onBench, reranks, type Settings, type Test, tests } from "../src/internal/recordConformance.ts"
import { denseOf } from "../src/internal/records/embedding.ts"

const model = "bge-reranker-v2-m3"

RecordConformance.suite("PineconeRecordMemory", PineconeRecordMemory.layer, { reranks: model })

RecordConformance.suite(
  "PineconeRecordMemory, sparse, writes visible late",
  PineconeRecordMemory.layerWith({
    model: "pinecone-sparse-english-v0",
    textField: "note",
    visibleAfter: "60 millis"
  }),
  { textField: "note", eventually: "2 seconds" }
)

const atEmulator = Layer.unwrap(
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator
    yield* emulator.createIndex({ name: "conformance", embed: { model: "multilingual-e5-large" } })
    const at = { apiKey: Redacted.make("any"), index: "conformance", controllerHost: emulator.url }
    return Layer.merge(PineconeRecordIndex.layer(at), PineconeIndex.layer(at))
  })
)

RecordConformance.suite("PineconeEmulator over the SDK", Layer.provide(atEmulator, PineconeEmulator.layer), {
  reranks: model
})

const hashing = Layer.effect(
  EmbeddingModel.EmbeddingModel,
  EmbeddingModel.make({
    embedMany: ({ inputs }) =>
      Effect.succeed({
        results: inputs.map((text) => Array.from(denseOf(text, 256))),
        usage: { inputTokens: undefined }
      })
  })
)

RecordConformance.suite(
  "PineconeMemory, embedded by the program",
  PineconeRecordIndex.layerEmbedding({ textField: "text" }).pipe(
    Layer.provideMerge(PineconeMemory.layerWith({ dimension: 256 })),
    Layer.provide(hashing)
  )
)

const all = new Map<string, Effect.Effect<unknown, unknown, PineconeRecordIndex | PineconeIndex>>()
const settings: Settings = { textField: "text", eventually: Duration.zero }
const test: Test = (title, body) => all.set(title, onBench(settings, body))
tests(test)
reranks(test, model)

const searches =
  (change: (request: Parameters<Service["search"]>[0]) => Parameters<Service["search"]>[0]) =>
  ({ search }: Service): Partial<Service> => ({ search: (request) => search(change(request)) })

interface Mutant {
  readonly what: string
  readonly caughtBy: string
  readonly change: (records: Service) => Partial<Service>
}

const mutants: ReadonlyArray<Mutant> = [
  {
    what: "writes the first record of a call alone",
    caughtBy: "records are stored with all their fields, in several calls too",
    change: ({ upsert }) => ({ upsert: (request) => upsert({ ...request, records: [request.records[0]] }) })
  },
  {
    what: "writes what is new alone",
    caughtBy: "a stored record is replaced whole, its vector too",
    change: ({ upsert }) => {
      const seen = new Set<string>()
      return {
        upsert: (request) => {
          const isNew = !request.records.some((one) => seen.has("record" in one ? String(one.bytes) : one._id))
          for (const one of request.records) seen.add("record" in one ? String(one.bytes) : one._id)
          return isNew && seen.size <= 3 ? upsert(request) : Effect.succeed({ count: request.records.length })
        }
      }
    }
  },
  {
    what: "ignores filters",
    caughtBy: "texts are found by texts that share their words",
    change: searches((request) => ({ ...request, filter: undefined }))
  },
  {
    what: "takes an id for a text",
    caughtBy: "a record is found by its id, and by its vector",
    change: searches((request) => ({ ...request, by: "id" in request.by ? { text: "umbrella" } : request.by }))
  },
  {
    what: "gives all fields",
    caughtBy: "a hit has the fields that are asked for, by default all",
    change: searches((request) => ({ ...request, fields: undefined }))
  },
  {
    what: "answers whatever was asked first",
    caughtBy: "rows come in the order of what was asked",
    change: searches((request) => ({ ...request, by: { text: "umbrella" } }))
  },
  {
    what: "does not rank again",
    caughtBy: "hits are ranked again, by the text of the search or another",
    change: searches((request) => ({ ...request, rerank: undefined }))
  }
]

describe("the suite of records catches a layer that", () => {
  it.live.each(mutants)("$what", ({ caughtBy, change }) =>
    Effect.gen(function* () {
      const body = all.get(caughtBy)
      assert(body !== undefined, `no test is called "${caughtBy}"`)
      yield* body
      const records = yield* PineconeRecordIndex
      const broken = Effect.provideService(body, PineconeRecordIndex, { ...records, ...change(records) })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(broken)), "the test passed")
    }).pipe(Effect.provide(PineconeRecordMemory.layer))
  )
})

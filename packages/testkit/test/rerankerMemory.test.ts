/** Models that rank in memory, and that they are those of the emulator. */
import type { Reason } from "@effect-connectors/core/ConnectorError"
import { PineconeReranker, type RerankRequest } from "@effect-connectors/pinecone/PineconeReranker"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as Reranking from "@effect-connectors/pinecone/Reranking"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import * as PineconeRerankerMemory from "@effect-connectors/testkit/PineconeRerankerMemory"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

const model = "bge-reranker-v2-m3"
const documents = ["The umbrella keeps the rain off", "Running shoes for dry ground", "Rain boots and rain coats"]
const query = "rain umbrella"
const many = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, i) => `text ${i}`)

const requests: ReadonlyArray<RerankRequest> = [
  { model, query, documents },
  { model, query, documents, topN: 1 },
  { model, query, documents: documents.slice(1), topN: 9 },
  { model: "pinecone-rerank-v0", query: "ground", documents, returnDocuments: true },
  {
    model: "cohere-rerank-3.5",
    query: "shoes",
    documents: documents.map((note, year) => ({ note, year, more: { deep: true } })),
    rankFields: ["note"],
    returnDocuments: true
  },
  { model, query: "same", documents: ["same", "same"] },
  { model: "cohere-rerank-3.5", query: "text 150", documents: many(200), topN: 1 },
  { model, query: "all", documents: [{ text: "all" }, { text: "some", more: 1 }], returnDocuments: true }
]

/** A caller without types gives anything. */
const isRequest = (u: unknown): u is RerankRequest => u !== undefined

/** What both refuse, and by which reason. */
const refused: ReadonlyArray<readonly [request: unknown, reason: Reason["_tag"]]> = [
  [{ model: "magic", query, documents }, "NotFound"],
  [{ model: "magic", query, documents: [] }, "InvalidRecord"],
  [{ model: "", query, documents }, "InvalidOption"],
  [{ model, query: "", documents }, "InvalidRecord"],
  [{ model, query: " \n", documents }, "InvalidRecord"],
  [{ model, documents }, "InvalidRecord"],
  [{ model, query, documents: [] }, "InvalidRecord"],
  [{ model, query, documents: "text" }, "InvalidRecord"],
  [{ model, query, documents: many(101) }, "RequestTooLarge"],
  [{ model: "cohere-rerank-3.5", query, documents: many(201) }, "RequestTooLarge"],
  [{ model, query, documents: ["a", null] }, "InvalidRecord"],
  [{ model, query, documents: [7] }, "InvalidRecord"],
  [{ model, query, documents, rankFields: ["title"] }, "InvalidRecord"],
  [{ model, query, documents, rankFields: [] }, "InvalidOption"],
  [{ model, query, documents: [{ text: "a" }, { text: 5 }] }, "InvalidRecord"],
  [{ model, query, documents, topN: 0 }, "InvalidOption"],
  [{ model, query, documents, topN: 1.5 }, "InvalidOption"],
  [{ model, query, documents, parameters: { top: 1n } }, "InvalidOption"]
]

/** What a step makes of one request. */
const byStep = ({ documents, model, query, rankFields, topN }: RerankRequest) =>
  Stream.make(query).pipe(
    Reranking.rerankResults({ model, query: (text) => text, documents: () => documents, rankFields, topN }),
    Stream.runCollect
  )

const steps: ReadonlyArray<RerankRequest> = [
  ...requests,
  { model, query, documents: [] },
  { model, query, documents: many(101) },
  { model: "cohere-rerank-3.5", query, documents: many(201) },
  { model, query: "", documents },
  { model, query, documents, rankFields: ["title"] },
  { model, query, documents: [{ text: "a" }, {}] },
  // ends the step
  { model: "magic", query, documents }
]

const why = ({ message, operation, reason }: PineconeError) => [operation, reason._tag, message]

/** What a program of all these calls is told. */
const told = Effect.gen(function* () {
  const reranker = yield* PineconeReranker
  const calls = yield* Effect.forEach(requests, (request) =>
    Effect.match(reranker.rerank(request), { onFailure: why, onSuccess: (reply) => reply })
  )
  const refusals = yield* Effect.forEach(refused, ([request]) => {
    assert(isRequest(request))
    return Effect.match(reranker.rerank(request), { onFailure: why, onSuccess: (reply) => reply })
  })
  const rows = yield* Effect.forEach(steps, (request) =>
    Effect.match(byStep(request), {
      onFailure: why,
      onSuccess: ([row]) => row && Result.match(row[1], { onFailure: why, onSuccess: (all) => all })
    })
  )
  return { calls, refusals, rows }
})

const atEmulator = Layer.unwrap(
  Effect.map(PineconeEmulator, ({ url }) =>
    PineconeReranker.layer({ apiKey: Redacted.make("k"), controllerHost: url, pacing: false })
  )
).pipe(Layer.provide(PineconeEmulator.layer))

describe("models that rank in memory", () => {
  it.live("are those of the emulator", () =>
    Effect.gen(function* () {
      const memory = yield* Effect.provide(told, PineconeRerankerMemory.layer)
      assert.deepStrictEqual(memory, yield* Effect.provide(told, atEmulator))

      const [all, best, , , , same, far, asked] = memory.calls
      assert(all !== undefined && "ranked" in all && best !== undefined && "ranked" in best)
      assert.deepStrictEqual(
        all.ranked.map(({ index }) => index),
        [0, 2, 1]
      )
      assert.deepStrictEqual(best.ranked, all.ranked.slice(0, 1))
      assert(same !== undefined && "ranked" in same && far !== undefined && "ranked" in far)
      assert.deepStrictEqual(
        same.ranked.map(({ index }) => index),
        [0, 1]
      )
      assert.deepStrictEqual(
        far.ranked.map(({ index }) => index),
        [150]
      )
      assert(asked !== undefined && "ranked" in asked)
      assert.deepStrictEqual(
        asked.ranked.map(({ document }) => document),
        [{ text: "all" }, { text: "some" }]
      )
      assert.deepStrictEqual(
        memory.refusals.map((refusal) => (Array.isArray(refusal) ? refusal.slice(0, 2) : refusal)),
        refused.map(([, reason]) => ["rerank", reason])
      )
      assert.deepStrictEqual(
        memory.rows.slice(requests.length).map((row) => row?.[1] ?? row),
        [[], "RequestTooLarge", "RequestTooLarge", "InvalidRecord", "InvalidRecord", "InvalidRecord", "NotFound"]
      )
    })
  )

  it.effect("compare by the function that is given", () =>
    Effect.gen(function* () {
      const reranker = yield* PineconeReranker
      const { ranked } = yield* reranker.rerank({ model, query: "xxx", documents: ["y", "yyy"] })
      assert.deepStrictEqual(
        ranked.map(({ index }) => index),
        [1, 0]
      )
      const error = yield* Effect.flip(reranker.rerank({ model, query: "fail", documents: ["y"] }))
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.include(error.message, "no model today")
    }).pipe(
      Effect.provide(
        PineconeRerankerMemory.layerWith({
          embed: ({ dimension, texts }) =>
            texts.includes("fail")
              ? Effect.fail("no model today")
              : Effect.succeed(
                  texts.map((text) => Float32Array.from({ length: dimension }, (_, i) => (i === text.length ? 1 : 0)))
                )
        })
      )
    )
  )
})

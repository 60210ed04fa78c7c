import { InvalidRecord, type Reason } from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as PineconePacing from "@effect-connectors/pinecone/PineconePacing"
import {
  type Options,
  PineconeReranker,
  type RerankDocument,
  type RerankRequest
} from "@effect-connectors/pinecone/PineconeReranker"
import * as Reranking from "@effect-connectors/pinecone/Reranking"
import * as PineconeRerankerMemory from "@effect-connectors/testkit/PineconeRerankerMemory"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { type Line, type ScriptedServer, scriptedServer } from "../../../test/support/scriptedServer.ts"
import { key, refusalOf } from "./support/secrets.ts"
import { inTime, interrupted, settle } from "./support/time.ts"

/** Runs `body` on models that are a server which follows the script. */
const atModels = <A, E>(
  script: ReadonlyArray<Line>,
  body: (server: ScriptedServer) => Effect.Effect<A, E, PineconeReranker>,
  options: Partial<Options> = {}
) =>
  Effect.flatMap(scriptedServer(...script), (server) =>
    Effect.provide(
      body(server),
      PineconeReranker.layer({ apiKey: Redacted.make(key), controllerHost: server.url, pacing: false, ...options })
    )
  )

const rerank = (request: RerankRequest) => Effect.flatMap(PineconeReranker, (reranker) => reranker.rerank(request))

const model = "bge-reranker-v2-m3"
const documents = ["dry ground", "rain boots", "red rain"]
const rain: RerankRequest = { model, query: "red rain", documents }

/** An answer that ranks documents in this order. */
const ranking = (...indexes: ReadonlyArray<number>): Line => ({
  body: { model, data: indexes.map((index, at) => ({ index, score: 0.9 - at / 10 })), usage: { rerank_units: 1 } }
})

const many = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, i) => `text ${i}`)

/** What JSON can not write. */
const circular: { [name: string]: unknown } = { truncate: "END" }
circular["self"] = circular

/** A caller without types gives anything. */
const isRequest = (u: unknown): u is RerankRequest => u !== undefined

describe("the reranker at Pinecone", () => {
  it.effect("is sent the fields to rank by alone, and says where documents were", () =>
    Effect.gen(function* () {
      const ranked = [
        { index: 1, score: 0.5, document: { title: "b" } },
        { index: 0, score: 0.25, document: { title: "a" } }
      ]
      const body = (server: ScriptedServer) =>
        Effect.gen(function* () {
          const reply = yield* rerank({
            model,
            query: "b?",
            documents: [
              { title: "a", body: "long", embedding: new Float32Array(8) },
              { title: "b", body: null }
            ],
            rankFields: ["title"],
            topN: 7,
            returnDocuments: true,
            parameters: { truncate: "END" }
          })
          assert.deepStrictEqual(reply, { ranked, rerankUnits: undefined })
          const [sent] = server.received
          assert.strictEqual(`${sent?.method} ${sent?.path}`, "POST /rerank")
          assert.strictEqual(sent?.headers["api-key"], key)
          assert.strictEqual(sent?.headers["x-pinecone-api-version"], "2026-07")
          assert.deepStrictEqual(JSON.parse(sent?.body ?? ""), {
            model,
            query: "b?",
            // no more than there are
            top_n: 2,
            return_documents: true,
            rank_fields: ["title"],
            documents: [{ title: "a" }, { title: "b" }],
            parameters: { truncate: "END" }
          })
        })
      yield* atModels([{ body: { model, data: ranked, usage: {} } }], body)
    })
  )

  it.effect("takes text as the field text, and gives no documents unless asked to", () =>
    atModels([ranking(2, 1, 0)], (server) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* rerank(rain), {
          ranked: [
            { index: 2, score: 0.9 },
            { index: 1, score: 0.8 },
            { index: 0, score: 0.7 }
          ],
          rerankUnits: 1
        })
        assert.deepStrictEqual(JSON.parse(server.received[0]?.body ?? ""), {
          model,
          query: "red rain",
          top_n: 3,
          return_documents: false,
          rank_fields: ["text"],
          documents: documents.map((text) => ({ text })),
          parameters: {}
        })
      })
    )
  )

  const refused: ReadonlyArray<readonly [name: string, request: unknown, reason: Reason["_tag"], says: RegExp]> = [
    ["no documents", { ...rain, documents: [] }, "InvalidRecord", /documents is empty/],
    ["too many", { ...rain, documents: many(101) }, "RequestTooLarge", /101 documents, and bge-.* ranks 100 a call/],
    ["what is no list", { ...rain, documents: "text" }, "InvalidRecord", /documents is no list/],
    ["an empty query", { ...rain, query: " \n" }, "InvalidRecord", /query is empty/],
    ["no query", { model, documents }, "InvalidRecord", /query is empty/],
    ["no model", { ...rain, model: "" }, "InvalidOption", /option model is missing/],
    ["no fields", { ...rain, rankFields: [] }, "InvalidOption", /rankFields is empty/],
    ["an unknown field", { ...rain, rankFields: ["title"] }, "InvalidRecord", /documents\.0\.title is not text/],
    [
      "a field that is no text",
      { ...rain, documents: [{ text: "a" }, { text: 5 }] },
      "InvalidRecord",
      /documents\.1\.text is not text/
    ],
    ["a document that is none", { ...rain, documents: ["a", 7] }, "InvalidRecord", /documents\.1 is neither text/],
    ["none of the best", { ...rain, topN: 0 }, "InvalidOption", /topN is 0; it must be a whole number/],
    ["a document that is null", { ...rain, documents: ["a", null] }, "InvalidRecord", /documents\.1 is neither text/],
    [
      "parameters with a bigint",
      { ...rain, parameters: { top: [1n] } },
      "InvalidOption",
      /parameters can not be written as JSON/
    ],
    [
      "parameters that contain themselves",
      { ...rain, parameters: circular },
      "InvalidOption",
      /parameters can not be written as JSON/
    ],
    ["too many bytes", { ...rain, documents: ["x".repeat(1000)] }, "RequestTooLarge", /maxRequestBytes is 1000/]
  ]
  for (const [name, request, reason, says] of refused) {
    it.effect(`${name}: refused, and not sent`, () =>
      atModels(
        [],
        (server) =>
          Effect.gen(function* () {
            assert(isRequest(request))
            const error = yield* refusalOf(rerank(request))
            assert.strictEqual(error.operation, "rerank")
            assert.strictEqual(error.reason._tag, reason)
            assert.match(error.message, says)
            assert.lengthOf(server.received, 0)
          }),
        // Too little for one of these documents only.
        { maxRequestBytes: name === "too many bytes" ? 1000 : undefined }
      )
    )
  }

  it.effect("takes as many documents as its model, or as it is told", () =>
    Effect.gen(function* () {
      const limits = Effect.map(PineconeReranker, ({ maxDocuments }) =>
        [model, "cohere-rerank-3.5", "pinecone-rerank-v0", "new"].map(maxDocuments)
      )
      assert.deepStrictEqual(yield* atModels([], () => limits), [100, 200, 100, undefined])
      assert.deepStrictEqual(yield* atModels([], () => limits, { maxDocuments: 5 }), [5, 5, 5, 5])
    })
  )

  const answers: ReadonlyArray<readonly [name: string, answer: Line, reason: Reason["_tag"], says: RegExp]> = [
    [
      "a model that there is not",
      { status: 404, body: { error: { code: "NOT_FOUND", message: "Model 'x' not found" }, status: 404 } },
      "NotFound",
      /model "bge-reranker-v2-m3" does not exist.*Model 'x' not found/
    ],
    ["a redirect", { status: 302, headers: { location: "http://else" } }, "InvalidOption", /controllerHost answers/],
    ["a wrong key", { status: 401, body: `no: ${key}` }, "Unauthorized", /not authorized/],
    [
      "a quota",
      { status: 429, body: "You've reached the max rerank requests for the current month" },
      "QuotaExhausted",
      /quota/
    ],
    [
      "a refusal",
      { status: 400, body: { error: { message: "rank_fields: one alone" } } },
      "RequestRefused",
      /one alone/
    ],
    ["no JSON", { body: "<html>" }, "InvalidResponse", /./],
    ["a document that was not sent", ranking(0, 3), "InvalidResponse", /it ranks document 3, and 3 were sent/],
    ["a document twice", ranking(1, 1), "InvalidResponse", /it ranks document 1 twice/],
    ["a document less", ranking(2, 0), "InvalidResponse", /it ranks 2 documents, and 3 of 3 were asked for/],
    ["no document", ranking(), "InvalidResponse", /it ranks 0 documents/],
    ["a broken connection", "reset after the request", "ConnectionFailed", /./]
  ]
  for (const [name, answer, reason, says] of answers) {
    it.effect(`${name} is ${reason}`, () =>
      atModels([answer], () =>
        Effect.gen(function* () {
          const error = yield* refusalOf(rerank(rain))
          assert.strictEqual(error.reason._tag, reason)
          assert.match(error.message, says)
        })
      )
    )
  }

  it.effect("an answer has as many documents as were asked for, or as there are", () =>
    atModels([ranking(2, 0), ranking(2, 0, 1), ranking(2, 0, 1)], () =>
      Effect.gen(function* () {
        assert.lengthOf((yield* rerank({ ...rain, topN: 2 })).ranked, 2)
        const error = yield* refusalOf(rerank({ ...rain, topN: 2 }))
        assert.match(error.message, /it ranks 3 documents, and 2 of 3 were asked for/)
        assert.lengthOf((yield* rerank({ ...rain, topN: 9 })).ranked, 3)
      })
    )
  )

  it.effect("a call that takes too long is cancelled", () =>
    atModels(
      ["hang"],
      (server) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(refusalOf(rerank(rain)))
          yield* Effect.promise(() => server.hanging)
          yield* TestClock.adjust("5 seconds")
          assert.deepInclude((yield* Fiber.join(fiber)).reason, { _tag: "TimedOut", afterMillis: 5000 })
          yield* Effect.promise(() => server.gone)
        }),
      { timeout: "5 seconds" }
    )
  )

  it.effect("a call that is interrupted is cancelled", () =>
    atModels(["hang"], (server) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(rerank(rain))
        yield* Effect.promise(() => server.hanging)
        yield* Fiber.interrupt(fiber)
        yield* Effect.promise(() => server.gone)
      })
    )
  )

  it.effect.each([
    [{ apiKey: Redacted.make("") }, "apiKey"],
    [{ controllerHost: "not an address" }, "controllerHost"],
    [{ timeout: "-1 seconds" }, "timeout"],
    [{ maxRequestBytes: 0 }, "maxRequestBytes"],
    [{ maxDocuments: 1.5 }, "maxDocuments"],
    [{ pacing: { utilization: 2 } }, "utilization"],
    [{ additionalHeaders: { "a b": "c" } }, "additionalHeaders"]
  ] as const)("is not made with %j", ([options, option]) =>
    Effect.gen(function* () {
      const layer = PineconeReranker.layer({ apiKey: Redacted.make(key), ...options })
      const error = yield* refusalOf(Effect.provide(PineconeReranker, layer))
      assert.strictEqual(error.reason._tag, "InvalidOption")
      assert.include(error.message, option)
    })
  )

  it.effect("is configured by the environment, without an index", () =>
    Effect.flatMap(scriptedServer(ranking(0)), (server) => {
      const env = { PINECONE_API_KEY: key, PINECONE_CONTROLLER_HOST: server.url }
      return Effect.gen(function* () {
        const { ranked } = yield* Effect.provide(rerank({ ...rain, topN: 1 }), PineconeReranker.layerConfig)
        assert.deepStrictEqual(ranked, [{ index: 0, score: 0.9 }])
        assert.strictEqual(server.received[0]?.headers["api-key"], key)
      }).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(env))))
    })
  )
})

interface Note {
  readonly id: number
  readonly text: string
}

const notes: ReadonlyArray<Note> = documents.map((text, id) => ({ id, text }))

/** Models in memory, of which `change` replaces the call. */
const changed = (change: (service: typeof PineconeReranker.Service) => Partial<typeof PineconeReranker.Service>) =>
  Layer.effect(
    PineconeReranker,
    Effect.map(PineconeReranker, (service) => ({ ...service, ...change(service) }))
  ).pipe(Layer.provide(PineconeRerankerMemory.layer))

/** Models in memory, every request that they got, and the operations that were paced. */
const counted = () => {
  const asked: Array<RerankRequest> = []
  const paced: Array<string> = []
  const layer = changed(({ rerank }) => ({
    pacing: {
      paced: ({ operation }, attempt) =>
        Effect.suspend(() => {
          paced.push(operation)
          return attempt
        })
    },
    rerank: (request) =>
      Effect.suspend(() => {
        asked.push(request)
        return rerank(request)
      })
  }))
  return { asked, paced, layer }
}

describe("Reranking", () => {
  it.effect("pairs elements with their own documents in the new order", () => {
    const { asked, layer } = counted()
    return Effect.gen(function* () {
      const rows = yield* Stream.make("red rain", "rain boots").pipe(
        Reranking.rerank({ model, query: (question) => question, documents: () => notes, topN: 2 }),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        rows.map(([question, ranked]) => [question, ranked.map(({ document, index }) => [index, document.id])]),
        [
          [
            "red rain",
            [
              [2, 2],
              [1, 1]
            ]
          ],
          [
            "rain boots",
            [
              [1, 1],
              [2, 2]
            ]
          ]
        ]
      )
      // The very documents, and not what was sent of them.
      assert.strictEqual(rows[0]?.[1][0]?.document, notes[2])
      assert.approximately(rows[0]?.[1][0]?.score ?? 0, 1, 1e-5)
      assert.deepStrictEqual(asked[0]?.documents[0], { text: "dry ground" })
    }).pipe(Effect.provide(layer))
  })

  it.effect("a function says what the model reads of a document", () =>
    Effect.gen(function* () {
      const [row] = yield* Stream.make(5).pipe(
        Reranking.rerank({
          model,
          query: () => "five",
          documents: () => [4, 5],
          read: (number) => ({ name: number === 5 ? "five" : "four" }),
          rankFields: ["name"]
        }),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        row?.[1].map(({ document }) => document),
        [5, 4]
      )
    }).pipe(Effect.provide(PineconeRerankerMemory.layer))
  )

  it.effect("no documents are ranked without a call, and what failed before stays failed", () => {
    const { asked, layer, paced } = counted()
    const before = new PineconeError({ operation: "search", reason: new InvalidRecord({ field: "text", issue: "no" }) })
    return Effect.gen(function* () {
      const found = new Map<string, Result.Result<ReadonlyArray<string>, PineconeError>>([
        ["nothing", Result.succeed([])],
        ["failed", Result.fail(before)],
        ["rain", Result.succeed(documents)]
      ])
      const rows = yield* Stream.fromIterable(found).pipe(
        Reranking.rerankResults({ model, query: ([text]) => text, documents: ([, found]) => found }),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        rows.map(([[text]]) => text),
        ["nothing", "failed", "rain"]
      )
      const [none, failed, rain] = rows.map(([, ranked]) => ranked)
      assert.deepStrictEqual(none, Result.succeed([]))
      assert.deepStrictEqual(failed, Result.fail(before))
      assert(rain !== undefined && Result.isSuccess(rain))
      assert.lengthOf(rain.success, 3)
      assert.lengthOf(asked, 1)
      // Nor is a rate used up.
      assert.deepStrictEqual(paced, ["rerank"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("an element that can not be ranked fails its row, and the plain form", () => {
    const { asked, layer } = counted()
    const lists: ReadonlyArray<ReadonlyArray<RerankDocument>> = [documents, many(101), [""], [{ title: "a" }]]
    return Effect.gen(function* () {
      const rows = yield* Stream.fromIterable(lists).pipe(
        Reranking.rerankResults({
          model,
          query: ([first]) => (first === "" ? "" : "a"),
          documents: (list) => list
        }),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        rows.map(([, ranked]) => (Result.isFailure(ranked) ? ranked.failure.reason._tag : ranked.success.length)),
        [3, "RequestTooLarge", "InvalidRecord", "InvalidRecord"]
      )
      assert.lengthOf(asked, 1)
      const plain = Stream.fromIterable(lists).pipe(
        Reranking.rerank({ model, query: () => "a", documents: (list) => list }),
        Stream.runCollect
      )
      assert.strictEqual((yield* Effect.flip(plain)).reason._tag, "RequestTooLarge")
    }).pipe(Effect.provide(layer))
  })

  it.effect.each([
    [{ model: "" }, "model"],
    [{ rankFields: [] }, "rankFields"],
    [{ topN: 1.5 }, "topN"],
    [{ concurrency: 0 }, "concurrency"]
  ] as const)("is no step with %j", ([options, option]) =>
    Effect.gen(function* () {
      const step = Stream.make("a").pipe(
        Reranking.rerank({ model, query: (text) => text, documents: () => documents, ...options }),
        Stream.runCollect
      )
      assert.deepInclude((yield* Effect.flip(step)).reason, { _tag: "InvalidOption", option })
    }).pipe(Effect.provide(PineconeRerankerMemory.layer))
  )

  it.effect("is no step with parameters that JSON can not write", () =>
    Effect.gen(function* () {
      for (const parameters of [circular, { top: 1n }]) {
        const step = Stream.make("a").pipe(
          Reranking.rerank({ model, query: (text) => text, documents: () => documents, parameters }),
          Stream.runCollect
        )
        assert.deepInclude((yield* Effect.flip(step)).reason, { _tag: "InvalidOption", option: "parameters" })
      }
    }).pipe(Effect.provide(PineconeRerankerMemory.layer))
  )

  it.effect("what waits for a call is not made into a request yet, however long its chunk", () => {
    const read: Array<string> = []
    return Effect.gen(function* () {
      const step = Stream.fromIterable(many(100)).pipe(
        Reranking.rerank({
          model,
          query: (text) => text,
          documents: (text) => {
            read.push(text)
            return documents
          },
          concurrency: 2
        }),
        Stream.runDrain
      )
      yield* interrupted(step)
      // Two calls, and one request at each of the places where the next one waits: for room, to be taken, to be placed.
      assert.isAtLeast(read.length, 2)
      assert.isAtMost(read.length, 2 + 3)
    }).pipe(Effect.provide(changed(() => ({ rerank: () => Effect.never }))))
  })

  it.effect("calls are repeated, and an answer that is wrong fails its row", () =>
    atModels([{ status: 503, body: "down" }, ranking(2), ranking(9)], (server) =>
      inTime(
        Effect.gen(function* () {
          const rows = yield* Stream.make("a", "b").pipe(
            Reranking.rerankResults({
              model,
              query: (text) => text,
              documents: () => documents,
              topN: 1,
              concurrency: 1
            }),
            Stream.runCollect
          )
          const [good, bad] = rows.map(([, ranked]) => ranked)
          assert.deepStrictEqual(good, Result.succeed([{ index: 2, score: 0.9, document: "red rain" }]))
          assert(bad !== undefined && Result.isFailure(bad))
          assert.strictEqual(bad.failure.reason._tag, "InvalidResponse")
          assert.lengthOf(server.received, 3)
        })
      )
    )
  )

  it.effect("a wrong key ends the stream", () =>
    atModels([{ status: 401, body: "no" }], () =>
      Effect.gen(function* () {
        const step = Stream.make("a").pipe(
          Reranking.rerankResults({ model, query: (text) => text, documents: () => documents }),
          Stream.runCollect
        )
        assert.strictEqual((yield* refusalOf(step)).reason._tag, "Unauthorized")
      })
    )
  )

  it.effect("a layer that ranks what it was not given fails the row", () =>
    Effect.gen(function* () {
      const rows = yield* Stream.make("a").pipe(
        Reranking.rerankResults({ model, query: (text) => text, documents: () => documents }),
        Stream.runCollect
      )
      const ranked = rows[0]?.[1]
      assert(ranked !== undefined && Result.isFailure(ranked))
      assert.deepInclude(ranked.failure, { operation: "rerank" })
      assert.strictEqual(ranked.failure.reason._tag, "InvalidResponse")
    }).pipe(Effect.provide(changed(() => ({ rerank: () => Effect.succeed({ ranked: [{ index: 3, score: 1 }] }) }))))
  )

  it.effect("a layer that leaves documents out fails the row", () =>
    Effect.gen(function* () {
      const [row] = yield* Stream.make("a").pipe(
        Reranking.rerankResults({ model, query: (text) => text, documents: () => documents, topN: 2 }),
        Stream.runCollect
      )
      assert(row !== undefined && Result.isFailure(row[1]))
      assert.strictEqual(row[1].failure.reason._tag, "InvalidResponse")
      assert.include(row[1].failure.message, "it ranks 1 documents, and 2 of 3 were asked for")
    }).pipe(Effect.provide(changed(() => ({ rerank: () => Effect.succeed({ ranked: [{ index: 2, score: 1 }] }) }))))
  )

  it.effect("equal requests have one answer when answers are kept", () => {
    const { asked, layer } = counted()
    const rank = (cache: Reranking.Options<string, string>["cache"]) =>
      Stream.make("rain", "rain").pipe(
        Reranking.rerank({ model, query: (text) => text, documents: () => documents, cache }),
        Stream.runDrain
      )
    return Effect.gen(function* () {
      yield* rank({ capacity: 10, timeToLive: "1 minute" })
      assert.lengthOf(asked, 1)
      yield* rank(undefined)
      assert.lengthOf(asked, 3)
    }).pipe(Effect.provide(layer))
  })

  it.effect("elements that are not ranked in time are late", () =>
    Effect.gen(function* () {
      const fiber = yield* Stream.make("a").pipe(
        Reranking.rerankResults({ model, query: (text) => text, documents: () => documents, deadline: "2 seconds" }),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* settle
      yield* TestClock.adjust("2 seconds")
      const [row] = yield* Fiber.join(fiber)
      assert(row !== undefined && Result.isFailure(row[1]))
      assert.strictEqual(row[1].failure.reason._tag, "TimedOut")
    }).pipe(Effect.provide(changed(() => ({ rerank: () => Effect.never }))))
  )

  it.effect("calls are paced as models are documented", () =>
    Effect.gen(function* () {
      assert.approximately(PineconePacing.inference.rates.rerank.requestsPerSecond * 60, 2000, 1e-6)
      const calls = 80
      const step = Stream.range(1, calls).pipe(
        Reranking.rerank({ model, query: String, documents: () => ["a"] }),
        Stream.runDrain
      )
      const start = yield* Clock.currentTimeMillis
      yield* atModels(
        Array.from({ length: calls }, () => ranking(0)),
        () => inTime(step, "50 millis"),
        { pacing: undefined }
      )
      const seconds = ((yield* Clock.currentTimeMillis) - start) / 1000
      // All but what the burst lets through at once.
      assert.isAtLeast(seconds, (calls - 10) / 34)
    })
  )
})

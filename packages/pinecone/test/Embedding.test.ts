import type { Reason } from "@effect-connectors/core/ConnectorError"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Embedding from "@effect-connectors/pinecone/Embedding"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeRecordIndex } from "@effect-connectors/pinecone/PineconeRecordIndex"
import * as PineconeRecords from "@effect-connectors/pinecone/PineconeRecords"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import { assert, describe, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import type { EmbeddingModel } from "effect/ai/EmbeddingModel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { failed, scriptedModel, vectorOf } from "./support/embedding.ts"
import { inMemory } from "./support/index.ts"
import { inTime } from "./support/time.ts"
import { reasonOf } from "../src/internal/aiReason.ts"

const itself = (text: string): string => text

describe("Embedding", () => {
  it.effect("pairs elements with vectors, in batches, each text once", () =>
    Effect.gen(function* () {
      const { calls, layer } = scriptedModel()
      const rows = yield* Stream.make("a", "b", "a", "aab").pipe(
        Embedding.vectors({ text: itself, maxBatch: 2, concurrency: 1 }),
        Stream.runCollect,
        Effect.provide(layer)
      )
      assert.deepStrictEqual(
        rows,
        ["a", "b", "a", "aab"].map((text) => [text, vectorOf(text)])
      )
      assert.deepStrictEqual(calls, [
        ["a", "b"],
        ["a", "aab"]
      ])
      const shared = scriptedModel()
      yield* Stream.make("a", "a", "b").pipe(
        Embedding.vectors({ text: itself }),
        Stream.runDrain,
        Effect.provide(shared.layer)
      )
      assert.deepStrictEqual(shared.calls, [["a", "b"]])
    })
  )

  it.effect("a text that the model refuses is an outcome of the sink, and the others are written", () =>
    Effect.gen(function* () {
      const { layer } = scriptedModel()
      const outcomes = yield* Stream.make("a", "bad", " ", "b", "ab").pipe(
        Embedding.results({ text: itself }),
        PineconeSink.upsertOutcomes({
          record: ([id, vector]) => Result.map(vector, (values) => ({ id, values }))
        }),
        Stream.runCollect,
        Effect.provide(layer)
      )
      const [written, notWritten] = Outcome.split(outcomes)
      assert.sameMembers(
        written.map(({ input: [text] }) => text),
        ["a", "b", "ab"]
      )
      const said = notWritten.map(({ _tag, attempts, error, input: [text] }) => [_tag, text, attempts, error.message])
      assert.sameDeepMembers(said, [
        ["Rejected", "bad", 0, notWritten.find(({ input }) => input[0] === "bad")?.error.message],
        ["Rejected", " ", 0, "Pinecone embed: text is empty; there is nothing to embed"]
      ])
      assert.match(String(said.find(([, text]) => text === "bad")?.[3]), /embed: the store refused it: .*a text is bad/)
      const index = yield* PineconeIndex
      assert.strictEqual((yield* index.stats).totalRecords, 3)
    }).pipe(inMemory())
  )

  it.effect("questions are embedded and asked", () =>
    Effect.gen(function* () {
      const { layer } = scriptedModel()
      const index = yield* PineconeIndex
      yield* index.upsert({
        records: [
          { id: "a", values: [5, 1] },
          { id: "b", values: [1, 5] }
        ]
      })
      const rows = yield* Stream.make("bbbb", "aaaa").pipe(
        Embedding.vectors({ text: itself }),
        PineconeSource.query({ vector: ([, vector]) => vector, topK: 1 }),
        Stream.map(([[question], [match]]) => [question, match?.id]),
        Stream.runCollect,
        Effect.provide(layer)
      )
      assert.deepStrictEqual(rows, [
        ["bbbb", "b"],
        ["aaaa", "a"]
      ])
    }).pipe(inMemory())
  )

  it.effect("tries again what time can cure, and waits as long as the provider asks for", () =>
    Effect.gen(function* () {
      const { calls, layer } = scriptedModel([
        new AiError.RateLimitError({ retryAfter: Duration.seconds(7) }),
        new AiError.InternalProviderError({ description: "down" })
      ])
      const rows = yield* inTime(
        Stream.make("a").pipe(Embedding.results({ text: itself }), Stream.runCollect, Effect.provide(layer)),
        "1 second"
      )
      assert.deepStrictEqual(rows, [["a", Result.succeed(vectorOf("a"))]])
      assert.lengthOf(calls, 3)
    })
  )

  it.effect("a wrong key ends the stream", () =>
    Effect.gen(function* () {
      const { layer } = scriptedModel([new AiError.AuthenticationError({ kind: "InvalidKey" })])
      const error = yield* Stream.make("a").pipe(
        Embedding.results({ text: itself }),
        Stream.runDrain,
        Effect.provide(layer),
        Effect.flip
      )
      assert.strictEqual(error.operation, "embed")
      assert.strictEqual(error.reason._tag, "Unauthorized")
    })
  )

  const steps: ReadonlyArray<
    readonly [how: string, program: Effect.Effect<unknown, unknown, EmbeddingModel | PineconeIndex>]
  > = [
    ["as a step", Stream.make("a", "b", "b").pipe(Embedding.vectors({ text: itself }), Stream.runDrain)],
    [
      "as a layer",
      Stream.make("a", "b").pipe(
        PineconeRecords.upsert({ record: (text) => ({ _id: text, text }) }),
        Stream.runDrain,
        Effect.provide(PineconeRecordIndex.layerEmbedding({ textField: "text" }))
      )
    ]
  ]

  for (const [how, program] of steps) {
    it.effect(`texts are counted ${how}`, () =>
      Effect.gen(function* () {
        yield* program
        const counted = (yield* Metric.snapshot).flatMap(({ attributes, id, state }) =>
          attributes?.["db.system.name"] === "embedding" &&
          attributes["db.operation.name"] === "embed" &&
          (id === "connector.lookups" || id === "connector.attempts") &&
          "count" in state
            ? [[id, attributes["source"], state.count]]
            : []
        )
        assert.includeDeepMembers(counted, [
          ["connector.lookups", "store", 2],
          ["connector.attempts", undefined, 1]
        ])
      }).pipe(
        Effect.provide(scriptedModel().layer),
        inMemory(),
        Effect.provideService(Metric.MetricRegistry, new Map())
      )
    )
  }

  const network = { method: "POST", url: "http://localhost", description: "reset" }
  const reasons: ReadonlyArray<readonly [AiError.AiErrorReason, Reason["_tag"]]> = [
    [new AiError.RateLimitError({}), "RateLimited"],
    [new AiError.QuotaExhaustedError({}), "QuotaExhausted"],
    [new AiError.AuthenticationError({ kind: "ExpiredKey" }), "Unauthorized"],
    [new AiError.ContentPolicyError({ description: "no" }), "RequestRefused"],
    [new AiError.InvalidRequestError({ description: "no" }), "RequestRefused"],
    [new AiError.InvalidUserInputError({ description: "no" }), "RequestRefused"],
    [new AiError.InternalProviderError({ description: "no" }), "Unavailable"],
    [new AiError.NetworkError({ reason: "TransportError", ...network }), "ConnectionFailed"],
    [new AiError.NetworkError({ reason: "EncodeError", ...network }), "InvalidResponse"],
    [new AiError.InvalidOutputError({ description: "no" }), "Unavailable"],
    [new AiError.UnknownError({ description: "no" }), "InvalidResponse"]
  ]

  for (const [reason, expected] of reasons) {
    it(`${reason._tag} is ${expected}`, () => {
      assert.strictEqual(reasonOf(failed(reason))._tag, expected)
    })
  }
})

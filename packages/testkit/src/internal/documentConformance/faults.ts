/** When calls fail: what time can cure is cured, and nothing is told that is not known. */
import type { PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Faults } from "../../Conformance.ts"
import { articles, type Bench, many, store } from "./bench.ts"
import { holds } from "../conformance/ground.ts"
import { allWritten, outcomesOf } from "../conformance/outcomes.ts"

/** Delays too short to notice. */
const quick = { base: "1 millis" } as const
const once = { maxAttempts: 1 } as const

type DocumentFaults = Faults<"upsert" | "search">

/** Registers a test that is given the means to make calls fail. */
export type FaultTest = (
  name: string,
  body: (bench: Bench, faults: DocumentFaults) => Effect.Effect<unknown, unknown, PineconeDocumentIndex>
) => void

const fired = (faults: DocumentFaults, times: number) =>
  Effect.map(faults.fired, (count) => assert.strictEqual(count, times, "faults that struck"))

export const faults = (test: FaultTest): void => {
  for (const fault of ["throttled", "unavailable", "reset", "answerLost"] as const) {
    test(`${fault}: the call is repeated until it is answered, and each document has one outcome`, (bench, faults) =>
      Effect.gen(function* () {
        yield* faults.next("upsert", fault, 2)
        yield* allWritten(
          many(50),
          PineconeDocuments.upsertOutcomes(articles, { namespace: bench.namespace, maxRecords: 10, retry: quick })
        )
        yield* fired(faults, 2)
        yield* holds(bench, 50)
      }))
  }

  test("an answer that is lost, without a repetition, makes the outcomes of that call unknown", (bench, faults) =>
    Effect.gen(function* () {
      yield* faults.next("upsert", "answerLost")
      const outcomes = yield* outcomesOf(
        many(20),
        PineconeDocuments.upsertOutcomes(articles, { namespace: bench.namespace, maxRecords: 10, retry: once })
      )
      yield* fired(faults, 1)
      assert.strictEqual(outcomes.filter(({ _tag }) => _tag === "Unknown").length, 10)
      yield* holds(bench, 20)
    }))

  test("a month that is used up is refused, and not asked again", (bench, faults) =>
    Effect.gen(function* () {
      yield* faults.next("upsert", "quotaExhausted")
      const exit = yield* Effect.exit(
        outcomesOf(many(1), PineconeDocuments.upsertOutcomes(articles, { namespace: bench.namespace, retry: quick }))
      )
      assert.isTrue(exit._tag === "Failure" || exit.value.every(({ _tag }) => _tag === "Rejected"))
      yield* fired(faults, 1)
      yield* holds(bench, 0)
    }))

  test("a search is repeated until it is answered", (bench, faults) =>
    Effect.gen(function* () {
      yield* store(bench)
      yield* faults.next("search", "unavailable", 2)
      const search = Stream.make("umbrella").pipe(
        PineconeDocuments.search(articles, {
          namespace: bench.namespace,
          scoreBy: (word) => articles.score.text("title", word),
          topK: 1,
          retry: quick
        }),
        Stream.runHead
      )
      const [, [match]] = Option.getOrThrow(yield* search)
      assert.strictEqual(match?._id, "c")
      yield* fired(faults, 2)
    }))
}

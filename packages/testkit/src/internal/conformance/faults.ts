/** When calls fail: what time can cure is cured, what can not is told, and nothing is told that is not known. */
import * as Outcome from "@effect-connectors/core/Outcome"
import type { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Faults } from "../../Conformance.ts"
import { at, becomes, type Bench, ids, isGone, many, store } from "./bench.ts"
import { holds } from "./ground.ts"
import { allWritten, outcomesOf } from "./outcomes.ts"
import { rows } from "./lookup.ts"

/** Delays too short to notice, so that what takes long was asked for by the store. */
const quick = { base: "1 millis" } as const
const once = { maxAttempts: 1 } as const

/** Registers a test that is given the means to make calls fail. */
export type FaultTest = (
  name: string,
  body: (bench: Bench, faults: Faults) => Effect.Effect<unknown, unknown, PineconeIndex | Scope.Scope>
) => void

const fired = (faults: Faults, times: number) =>
  Effect.map(faults.fired, (count) => assert.strictEqual(count, times, "faults that struck"))

/** Waits until a fault has struck. */
const untilFired = (faults: Faults) =>
  faults.fired.pipe(
    Effect.repeat({ schedule: Schedule.spaced("2 millis"), until: (count) => count > 0 }),
    Effect.timeout("10 seconds")
  )

export const faults = (test: FaultTest): void => {
  test("a throttled call is repeated, and not sooner than the store asked for", (bench, faults) =>
    Effect.gen(function* () {
      yield* faults.next("upsert", "throttled")
      const start = yield* Clock.currentTimeMillis
      yield* allWritten(many(bench, 10), PineconeSink.upsertOutcomes({ namespace: bench.namespace, retry: quick }))
      // Timers may be a millisecond early.
      assert.isAtLeast((yield* Clock.currentTimeMillis) - start, 999)
      yield* fired(faults, 1)
      yield* holds(bench, 10)
    }))

  test("a throttled call that is not repeated was not applied, and says how long to wait", (bench, faults) =>
    Effect.gen(function* () {
      yield* faults.next("upsert", "throttled")
      const [outcome] = yield* outcomesOf(
        many(bench, 1),
        PineconeSink.upsertOutcomes({ namespace: bench.namespace, retry: once })
      )
      yield* fired(faults, 1)
      assert(outcome?._tag === "Rejected")
      assert.deepInclude(outcome.error.reason, { _tag: "RateLimited", retryAfterMillis: 1000 })
      assert.strictEqual(outcome.attempts, 1)
      yield* holds(bench, 0)
    }))

  for (const fault of ["unavailable", "reset", "answerLost"] as const) {
    test(`${fault}: the call is repeated until it is answered, and each record has one outcome`, (bench, faults) =>
      Effect.gen(function* () {
        yield* faults.next("upsert", fault, 3)
        yield* allWritten(
          many(bench, 50),
          PineconeSink.upsertOutcomes({ namespace: bench.namespace, maxRecords: 10, retry: quick })
        )
        yield* fired(faults, 3)
        yield* holds(bench, 50)
      }))

    test(`${fault}: without a repetition the outcome is unknown, and of that call alone`, (bench, faults) =>
      Effect.gen(function* () {
        yield* faults.next("upsert", fault)
        const records = many(bench, 30)
        const outcomes = yield* outcomesOf(
          records,
          PineconeSink.upsertOutcomes({
            namespace: bench.namespace,
            maxRecords: 10,
            concurrency: 1,
            retry: once
          })
        )
        yield* fired(faults, 1)
        const unknown = outcomes.filter(Outcome.isNotWritten)
        assert.sameMembers(
          unknown.map(({ input }) => input),
          records.slice(0, 10)
        )
        for (const outcome of unknown) {
          assert.include(outcome, { _tag: "Unknown", attempts: 1 })
          assert.strictEqual(outcome.error.reason._tag, fault === "unavailable" ? "Unavailable" : "ConnectionFailed")
        }
        // Only the lost answer was to a call that had been applied.
        yield* holds(bench, fault === "answerLost" ? 30 : 20)
      }))
  }

  test("the order of one id is kept while calls are repeated", (bench, faults) =>
    Effect.gen(function* () {
      yield* faults.next("upsert", "unavailable", 4)
      const versions = Array.from({ length: 12 }, (_, n) => ({
        id: "a",
        values: at(bench, n),
        metadata: { version: n }
      }))
      yield* allWritten(
        versions,
        PineconeSink.upsertOutcomes({ namespace: bench.namespace, maxRecords: 1, retry: quick })
      )
      yield* fired(faults, 4)
      yield* becomes(bench, versions[11]!)
    }))

  test("a quota that is used up is not waited for: the stream fails, after an outcome for each record", (bench, faults) =>
    Effect.gen(function* () {
      yield* faults.next("upsert", "quotaExhausted", 100)
      const records = many(bench, 30)
      const outcomes: Array<Outcome.Outcome<(typeof records)[number]>> = []
      const error = yield* Stream.fromIterable(records).pipe(
        PineconeSink.upsertOutcomes({ namespace: bench.namespace, maxRecords: 10, concurrency: 1, retry: quick }),
        Stream.runForEach((outcome) => Effect.sync(() => outcomes.push(outcome))),
        Effect.flip
      )
      assert.strictEqual(error.reason._tag, "QuotaExhausted")
      yield* fired(faults, 1)
      assert.isTrue(outcomes.every(({ _tag }) => _tag === "Rejected"))
      assert.sameMembers(
        outcomes.map(({ input }) => input),
        [...records]
      )
    }))

  test("interrupting a write cancels its call", (bench, faults) =>
    Effect.gen(function* () {
      const { namespace } = bench
      const upsert = (id: string) =>
        allWritten([{ id, values: at(bench, 1) }], PineconeSink.upsertOutcomes({ namespace }))
      yield* faults.next("upsert", "stalled", 2)
      const fiber = yield* Effect.forkChild(upsert("cancelled"))
      yield* untilFired(faults)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      // When a later call that stalls as long has been answered, the first one will not be applied any more.
      yield* upsert("later")
      yield* fired(faults, 2)
      yield* holds(bench, 1)
      yield* isGone(bench, "cancelled")
    }))

  for (const [fault, reason] of [
    ["throttled", "RateLimited"],
    ["unavailable", "Unavailable"],
    ["reset", "ConnectionFailed"]
  ] as const) {
    test(`${fault}: a query is a failed row in its place, and the others are answered`, (bench, faults) =>
      Effect.gen(function* () {
        yield* store(bench, many(bench, 9))
        const query = (retry: typeof once | typeof quick) =>
          rows(
            [0, 1, 2],
            PineconeSource.queryResults({
              vector: (degrees: number) => at(bench, degrees),
              topK: 1,
              namespace: bench.namespace,
              concurrency: 1,
              retry
            })
          )
        yield* faults.next("query", fault)
        const results = yield* query(once)
        yield* fired(faults, 1)
        assert.deepStrictEqual(
          results.map(([, result]): unknown =>
            Result.isSuccess(result) ? ids(result.success) : result.failure.reason._tag
          ),
          [reason, ["id-0000"], ["id-0000"]]
        )
        if (fault === "throttled") return
        yield* faults.next("query", fault, 2)
        assert.isTrue((yield* query(quick)).every(([, result]) => Result.isSuccess(result)))
        yield* fired(faults, 2)
      }))
  }

  test("a fetch is repeated until it is answered", (bench, faults) =>
    Effect.gen(function* () {
      yield* store(bench, many(bench, 9))
      yield* faults.next("fetch", "unavailable", 2)
      const asked = ["id-0001", "nothing", "id-0002"]
      const answers = yield* rows(asked, PineconeSource.fetch({ namespace: bench.namespace, retry: quick }))
      yield* fired(faults, 2)
      assert.deepStrictEqual(
        answers.map(([id, record]) => [id, Option.isSome(record)]),
        asked.map((id) => [id, id !== "nothing"])
      )
    }))

  for (const [operation, fault] of [
    ["list", "unavailable"],
    ["list", "reset"],
    ["fetch", "unavailable"],
    ["stats", "reset"]
  ] as const) {
    test(`${fault} in ${operation}: a scan is complete, and gives nothing twice`, (bench, faults) =>
      Effect.gen(function* () {
        const records = many(bench, 250)
        yield* store(bench, records)
        yield* faults.next(operation, fault, 2)
        const found = yield* Stream.runCollect(PineconeSource.scan({ namespaces: [bench.namespace], retry: quick }))
        yield* fired(faults, 2)
        assert.deepStrictEqual([...ids(found)].sort(), [...ids(records)])
      }))
  }
}

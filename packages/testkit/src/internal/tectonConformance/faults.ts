/** Calls that fail: what time cures is tried again, nothing is lost, and nothing is taken for written that may not be. */
import * as Outcome from "@effect-connectors/core/Outcome"
import type { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Faults } from "../../TectonConformance.ts"
import { asking, type Bench, read, readOne, verdict, write } from "./bench.ts"
import { outcomesOf } from "../conformance/outcomes.ts"
import { events, service } from "./definition.ts"

export type FaultTest = (
  name: string,
  body: (bench: Bench, faults: Faults) => Effect.Effect<unknown, unknown, TectonClient | Scope.Scope>
) => void

const quick = { base: "5 millis", maxAttempts: 4 } as const
const once = { maxAttempts: 1 } as const

const fired = (faults: Faults, times: number) =>
  Effect.map(faults.fired, (count) => assert.strictEqual(count, times, "faults that struck"))

const untilFired = (faults: Faults) =>
  Effect.repeat(faults.fired, { until: (count) => count > 0, schedule: Schedule.spaced("5 millis") })

const count = (user: string) => Effect.map(readOne(user), (vector) => vector["conformance_sums.count_1h"].value ?? 0n)

export const faults = (test: FaultTest): void => {
  for (const fault of ["throttled", "unavailable", "reset", "answerLost"] as const) {
    test(`${fault}: an ingest is tried again, and every event counts once`, ({ event, user }, faults) =>
      Effect.gen(function* () {
        yield* faults.next("ingest", fault, 2)
        const all = Array.from({ length: 20 }, (_, n) => event({ amount: n }, 60 - n))
        yield* write(all, { maxRecords: 10, concurrency: 1, retry: quick })
        yield* fired(faults, 2)
        assert.strictEqual(yield* count(user), 20n)
      }))

    test(`${fault}: reads are tried again`, ({ event, user }, faults) =>
      Effect.gen(function* () {
        yield* write([event({ amount: 3 })])
        yield* faults.next("getFeaturesBatch", fault, 2)
        const vectors = yield* read([user, `${user}-2`], { retry: quick })
        yield* fired(faults, 2)
        assert.deepStrictEqual(
          vectors.map((vector) => vector["conformance_latest.amount"].value),
          [3, null]
        )
      }))
  }

  for (const [fault, tag] of [
    ["throttled", "Rejected"],
    ["unavailable", "Unknown"],
    ["answerLost", "Unknown"]
  ] as const) {
    test(`${fault}: when attempts run out an event is ${tag}`, ({ event }, faults) =>
      Effect.gen(function* () {
        yield* faults.next("ingest", fault)
        const all = Array.from({ length: 6 }, (_, n) => event({ amount: n }, 60 - n))
        const step = TectonSink.ingestOutcomes({ source: events, maxRecords: 2, concurrency: 1, retry: once })
        const outcomes = yield* outcomesOf(all, step)
        yield* fired(faults, 1)
        assert.deepStrictEqual(Outcome.countAll(outcomes), {
          written: 4,
          rejected: tag === "Rejected" ? 2 : 0,
          unknown: tag === "Unknown" ? 2 : 0
        })
      }))
  }

  for (const [fault, reason] of [
    ["throttled", "RateLimited"],
    ["unavailable", "Unavailable"],
    ["reset", "ConnectionFailed"]
  ] as const) {
    test(`${fault}: the rows of a call that fails fail, and the others are answered`, ({ user }, faults) =>
      Effect.gen(function* () {
        const users = Array.from({ length: 12 }, (_, n) => `${user}-${n}`)
        yield* faults.next("getFeaturesBatch", fault)
        const rows = yield* Stream.fromIterable(users).pipe(
          TectonSource.featuresResults(service, { ...asking, concurrency: 5, retry: once }),
          Stream.runCollect
        )
        yield* fired(faults, 1)
        assert.deepStrictEqual(
          rows.map(([element]) => element),
          users
        )
        const verdicts = rows.map(([, result]) => verdict(result))
        assert.strictEqual(verdicts.filter((one) => one === reason).length, 5)
        assert.strictEqual(verdicts.filter((one) => one === "found").length, 7)
      }))
  }

  test("at the deadline finished rows stay and the others are timed out", ({ user }, faults) =>
    Effect.gen(function* () {
      const users = Array.from({ length: 10 }, (_, n) => `${user}-${n}`)
      yield* faults.next("getFeaturesBatch", "stalled")
      const rows = yield* Stream.fromIterable(users).pipe(
        TectonSource.featuresResults(service, { ...asking, deadline: "1 second" }),
        Stream.runCollect
      )
      yield* fired(faults, 1)
      assert.deepStrictEqual(
        rows.map(([element]) => element),
        users
      )
      const verdicts = rows.map(([, result]) => verdict(result))
      // Two calls were sent side by side, and one of them stalled.
      assert.strictEqual(verdicts.filter((one) => one === "TimedOut").length, 5)
      assert.strictEqual(verdicts.filter((one) => one === "found").length, 5)
    }))

  test("interrupting an ingest cancels its call", ({ event, user }, faults) =>
    Effect.gen(function* () {
      yield* faults.next("ingest", "stalled", 2)
      const fiber = yield* Effect.forkChild(write([event({ amount: 1 }, 9)]))
      yield* untilFired(faults)
      yield* Fiber.interrupt(fiber)
      // When a later call that stalls as long has been answered, the first one will not be applied any more.
      yield* write([event({ amount: 2 }, 8)])
      yield* fired(faults, 2)
      assert.strictEqual(yield* count(user), 1n)
    }))

  test("binding a service asks again for metadata that are not to be had", (_, faults) =>
    Effect.gen(function* () {
      yield* faults.next("metadata", "unavailable", 2)
      yield* FeatureService.bind(service, { retry: quick })
      yield* fired(faults, 2)
    }))
}

import { JobPacing, JobRunner } from "@effect-connectors/cluster"
import type { Pacing } from "@effect-connectors/core"
import { CircuitOpen } from "@effect-connectors/core/ConnectorError"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

class Down extends Schema.TaggedError<Down>()("Down", { reason: CircuitOpen, message: Schema.String }) {}
const waiting = { gaveUp: (reason: CircuitOpen) => new Down({ reason, message: "down" }) }

/** Sends calls by several pacings in turn, all at once, and tells when each left. */
const leaving = (pacings: ReadonlyArray<Pacing.Pacing>, calls: number) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const left: Array<number> = []
    const attempt = Effect.map(Clock.currentTimeMillis, (now) => left.push(now - start))
    const fiber = yield* Effect.forkChild(
      Effect.forEach(
        Array.from({ length: calls }, (_, i) => pacings[i % pacings.length]!),
        (pacing) => pacing.paced({ operation: "put", key: "ns", bytes: 0, records: 1 }, attempt, waiting),
        { concurrency: "unbounded", discard: true }
      )
    )
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("10 millis")
    yield* Fiber.join(fiber)
    return left.toSorted((a, b) => a - b)
  })

describe("JobPacing", () => {
  it.effect("shares one rate between pacings that were made apart, and others have their own", () =>
    Effect.gen(function* () {
      const options = { utilization: 1, rates: { put: { requestsPerSecond: 20 } } }
      const one = yield* JobPacing.shared(options)
      const two = yield* JobPacing.shared(options)
      const other = yield* JobPacing.shared({ ...options, prefix: "other" })
      const shared = yield* leaving([one, two], 60)
      const alone = yield* leaving([other], 60)
      assert.strictEqual(shared.length, 60)
      for (let i = 20; i < 60; i++) assert.isAtLeast(shared[i]! - shared[i - 20]!, 700)
      assert.approximately(shared.at(-1)!, alone.at(-1)!, 200)
      assert.approximately(alone.at(-1)!, 2_750, 200)
    }).pipe(Effect.provide(JobRunner.layerMemory()))
  )
})

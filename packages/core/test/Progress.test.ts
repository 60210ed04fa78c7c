import * as Outcome from "@effect-connectors/core/Outcome"
import * as Progress from "@effect-connectors/core/Progress"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { refused, unavailable } from "./support/TestError.ts"
import { inTime, settle } from "./support/time.ts"

const outcomes = [
  Outcome.written(0),
  Outcome.rejected(1, refused(), 1),
  Outcome.written(2),
  Outcome.unknown(3, unavailable(), 8)
]

/** One outcome a second, the first after a second. */
const slow = Stream.fromIterable(outcomes, { chunkSize: 1 }).pipe(Stream.tap(() => Effect.sleep("1 second")))

/** The snapshots seen while a stream runs, and the time the last one came at. */
const watch = <A, E>(stream: Stream.Stream<Outcome.Outcome<A, unknown>, E>, every: number) =>
  Effect.gen(function* () {
    const progress = yield* Progress.make
    const snapshots = yield* Effect.forkChild(Stream.runCollect(progress.snapshots(every)))
    const exit = yield* stream.pipe(progress.track, Stream.runDrain, Effect.exit)
    return { exit, seen: yield* Fiber.join(snapshots) }
  })

describe("snapshot", () => {
  it.effect("starts with nothing", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(5000)
      const progress = yield* Progress.make
      assert.deepStrictEqual(yield* progress.snapshot, {
        written: 0,
        rejected: 0,
        unknown: 0,
        records: 0,
        elapsedMillis: 0,
        perSecond: 0,
        done: false
      })
    })
  )

  it.effect("counts what has passed, and how fast", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(5000)
      const progress = yield* Progress.make
      const fiber = yield* Effect.forkChild(Stream.runDrain(progress.track(slow)))
      yield* settle
      yield* TestClock.adjust("3500 millis")
      assert.deepStrictEqual(yield* progress.snapshot, {
        written: 2,
        rejected: 1,
        unknown: 0,
        records: 3,
        elapsedMillis: 3500,
        perSecond: 3000 / 3500,
        done: false
      })
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(fiber)
      const last = yield* progress.snapshot
      assert.isTrue(last.done)
      assert.strictEqual(last.perSecond, 1)
    })
  )
})

describe("track", () => {
  it.effect.prop(
    "changes nothing, and its counts are those of the outcomes",
    {
      tags: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))),
      size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
    },
    ({ tags, size }) =>
      Effect.gen(function* () {
        const input = tags.map((tag) => outcomes[tag]!)
        const progress = yield* Progress.make
        const passed = yield* Stream.fromIterable(input, { chunkSize: size }).pipe(progress.track, Stream.runCollect)
        assert.deepStrictEqual(passed, input)
        const { written, rejected, unknown, records, done } = yield* progress.snapshot
        assert.deepStrictEqual({ written, rejected, unknown }, Outcome.countAll(input))
        assert.strictEqual(records, input.length)
        assert.isTrue(done)
      })
  )
})

describe("snapshots", () => {
  it.effect("come at once, at every interval, and when the stream has ended", () =>
    Effect.gen(function* () {
      const { seen } = yield* inTime(watch(slow, 1600), "100 millis")
      assert.deepStrictEqual(
        seen.map(({ elapsedMillis, records, done }) => [elapsedMillis, records, done]),
        [
          [0, 0, false],
          [1600, 1, false],
          [3200, 3, false],
          [4000, 4, true]
        ]
      )
    })
  )

  it.effect("do not keep the last one back until the interval is over", () =>
    Effect.gen(function* () {
      const { seen } = yield* inTime(watch(slow, 3_600_000), "100 millis")
      assert.deepStrictEqual(
        seen.map(({ elapsedMillis, done }) => [elapsedMillis, done]),
        [
          [0, false],
          [4000, true]
        ]
      )
    })
  )

  it.effect("end with a failing stream too, with what it got to", () =>
    Effect.gen(function* () {
      const { exit, seen } = yield* inTime(watch(Stream.concat(slow, Stream.fail("disk gone")), 1000), "100 millis")
      assert.strictEqual(exit._tag, "Failure")
      const last = seen.at(-1)
      assert.isTrue(last?.done)
      assert.strictEqual(last?.records, 4)
      assert.strictEqual(seen.filter(({ done }) => done).length, 1)
    })
  )

  it.effect("end when the tracked stream is interrupted", () =>
    Effect.gen(function* () {
      const progress = yield* Progress.make
      const tracked = yield* Effect.forkChild(Stream.runDrain(progress.track(Stream.concat(slow, Stream.never))))
      const snapshots = yield* Effect.forkChild(Stream.runCollect(progress.snapshots("1 hour")))
      yield* settle
      yield* Fiber.interrupt(tracked)
      const seen = yield* Fiber.join(snapshots)
      assert.deepStrictEqual(
        seen.map(({ done }) => done),
        [false, true]
      )
    })
  )

  it.effect("of a stream that has ended are one", () =>
    Effect.gen(function* () {
      const progress = yield* Progress.make
      yield* Stream.runDrain(progress.track(Stream.fromIterable(outcomes)))
      const seen = yield* Stream.runCollect(progress.snapshots("1 second"))
      assert.deepStrictEqual(
        seen.map(({ records, done }) => [records, done]),
        [[4, true]]
      )
    })
  )
})

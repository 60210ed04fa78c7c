import type * as Ledger from "@effect-connectors/core/Ledger"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Resume from "@effect-connectors/core/Resume"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { mapStore } from "./support/stores.ts"
import { refused } from "./support/TestError.ts"

const job: Ledger.Job = { kind: "load", index: "articles", run: "1" }
const error = refused()

const letters = (n: number) => Array.from({ length: n }, (_, i) => `r${i}`)
const source = (n: number, chunkSize = 4) => Stream.fromIterable(letters(n), { chunkSize })

const sent = (run: Resume.Resume, n: number) =>
  Effect.map(Stream.runCollect(run.pending(source(n))), (entries) => entries.map(({ value }) => value))

/** Acknowledges entries of these positions. */
const acknowledge = (run: Resume.Resume, positions: ReadonlyArray<number>) =>
  Stream.fromIterable(positions.map((position) => Outcome.written({ position, value: `r${position}` }))).pipe(
    Stream.rechunk(3),
    run.acknowledge,
    Stream.runDrain
  )

const Int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("a load", () => {
  it.effect.prop(
    "that is run again sends what was not acknowledged, and nothing else, whatever the order",
    { size: Int(0, 40), runs: Schema.Array(Schema.Array(Int(0, 39))) },
    ({ runs, size }) =>
      Effect.gen(function* () {
        const done = new Set<number>()
        for (const acknowledged of runs) {
          const run = yield* Resume.make({ job })
          assert.strictEqual(run.acknowledgedBefore, done.size)
          assert.deepStrictEqual(
            yield* sent(run, size),
            letters(size).filter((_, i) => !done.has(i))
          )
          const positions = acknowledged.filter((position) => position < size)
          for (const position of positions) done.add(position)
          yield* acknowledge(run, positions)
        }
      }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("acknowledges before an outcome is passed on", () => {
    const { layer, map } = mapStore()
    return Effect.gen(function* () {
      const run = yield* Resume.make({ job })
      yield* run.pending(source(8)).pipe(
        Stream.map(Outcome.written),
        run.acknowledge,
        Stream.runForEach(({ input }) =>
          Effect.sync(() => {
            const upTo = Math.max(...[...map.values()].map((text) => JSON.parse(text).checkpoint.upTo))
            assert.isAbove(upTo, input.position)
          })
        )
      )
    }).pipe(Effect.provide(layer))
  })

  it.effect("does not acknowledge what was refused or whose answer was lost, but what was kept", () =>
    Effect.gen(function* () {
      const run = yield* Resume.make({ job })
      const outcomes = yield* run.pending(source(5)).pipe(
        Stream.map((input) => {
          if (input.position === 1) return Outcome.rejected(input, error, 1)
          if (input.position === 2) return Outcome.unknown(input, error, 1)
          return input.position === 3 ? ({ _tag: "DeadLettered", input } as const) : Outcome.written(input)
        }),
        run.acknowledge,
        Stream.runCollect
      )
      assert.deepStrictEqual(
        outcomes.map(({ _tag }) => _tag),
        ["Written", "Rejected", "Unknown", "DeadLettered", "Written"]
      )
      assert.deepStrictEqual(yield* sent(yield* Resume.make({ job }), 5), ["r1", "r2"])
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("asks a source that can seek for what follows the first gap", () =>
    Effect.gen(function* () {
      yield* acknowledge(yield* Resume.make({ job }), [0, 1, 2, 5, 7])
      const run = yield* Resume.make({ job })
      const asked: Array<number> = []
      const entries = yield* run
        .pending((from) => {
          asked.push(from)
          return Stream.drop(source(9), from)
        })
        .pipe(Stream.runCollect)
      assert.deepStrictEqual(asked, [3])
      assert.deepStrictEqual(
        entries.map(({ position, value }) => [position, value]),
        [3, 4, 6, 8].map((position) => [position, `r${position}`])
      )
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("fails when its ledger would have more gaps than it may", () =>
    Effect.gen(function* () {
      const run = yield* Resume.make({ job, maxGaps: 3 })
      const failure = yield* Effect.flip(acknowledge(run, [1, 3, 5, 7]))
      assert.strictEqual(failure.reason._tag, "TooManyGaps")
      // What was acknowledged until then is kept.
      assert.strictEqual((yield* Resume.make({ job })).acknowledgedBefore, 4)
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("keeps chunks", () =>
    Effect.gen(function* () {
      const run = yield* Resume.make({ job })
      const sizes = yield* run.pending(source(10)).pipe(
        Stream.chunks,
        Stream.map((chunk) => chunk.length),
        Stream.runCollect
      )
      assert.deepStrictEqual(sizes, [4, 4, 2])
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("does not take a source that was ended early for one that is through", () =>
    Effect.gen(function* () {
      const run = yield* Resume.make({ job })
      yield* run.pending(Stream.take(source(10), 4)).pipe(Stream.map(Outcome.written), run.acknowledge, Stream.runDrain)
      assert.strictEqual((yield* sent(yield* Resume.make({ job }), 10)).length, 6)
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("ends with the ledger's error when it can not be saved", () => {
    const { layer, tearNext } = mapStore()
    return Effect.gen(function* () {
      const run = yield* Resume.make({ job })
      tearNext(5)
      const exit = yield* Effect.exit(acknowledge(run, [0]))
      assert.strictEqual(exit._tag, "Failure")
    }).pipe(Effect.provide(layer))
  })
})

import * as Batch from "@effect-connectors/core/Batch"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

const ints = (min: number, max: number) => Schema.Int.check(Schema.isBetween({ minimum: min, maximum: max }))

const Item = Schema.Struct({ key: ints(0, 4), bytes: ints(0, 60) })

const collect = <A, E, R>(stream: Stream.Stream<A, E, R>) => Stream.runCollect(stream)

describe("Batch laws", () => {
  it.effect.prop(
    "nothing lost, nothing reordered within a key, no batch over a limit, none empty",
    {
      items: Schema.Array(Item),
      maxRecords: ints(1, 7),
      maxBytes: ints(60, 150),
      maxKeys: ints(1, 6),
      chunkSize: ints(1, 9),
      envelope: ints(0, 10)
    },
    ({ items, maxRecords, maxBytes, maxKeys, chunkSize, envelope }) =>
      Effect.gen(function* () {
        const numbered = items.map((item, n) => ({ ...item, n }))
        const limit = maxBytes + envelope
        const batches = yield* Stream.fromIterable(numbered, { chunkSize }).pipe(
          Batch.batchedBy((item) => item.key, {
            maxRecords,
            maxBytes: limit,
            maxKeys,
            bytes: (item) => item.bytes,
            envelopeBytes: () => envelope
          }),
          collect
        )
        for (const batch of batches) {
          assert.isAtLeast(batch.records.length, 1)
          assert.isAtMost(batch.records.length, maxRecords)
          assert.isAtMost(batch.bytes, limit)
          assert.strictEqual(
            batch.bytes,
            batch.records.reduce((sum, item) => sum + item.bytes, envelope)
          )
          assert.isTrue(batch.records.every((item) => item.key === batch.key))
        }
        for (const key of [0, 1, 2, 3, 4]) {
          assert.deepStrictEqual(
            batches.filter((batch) => batch.key === key).flatMap((batch) => batch.records.map((item) => item.n)),
            numbered.filter((item) => item.key === key).map((item) => item.n)
          )
        }
      })
  )

  it.effect.prop(
    "with an identity nothing is reordered within it either, whatever the keys, and all else still holds",
    {
      items: Schema.Array(Schema.Struct({ key: ints(0, 2), about: ints(0, 4), bytes: ints(0, 20), gap: ints(0, 6) })),
      sizes: Schema.Tuple([ints(1, 4), ints(1, 4), ints(1, 4)]),
      maxKeys: ints(1, 4),
      maxOpenBytes: ints(20, 100),
      linger: ints(1, 10),
      chunkSize: ints(1, 9),
      busy: ints(0, 9)
    },
    ({ items, sizes, maxKeys, maxOpenBytes, linger, chunkSize, busy }) =>
      Effect.gen(function* () {
        const numbered = items.map((item, n) => ({ ...item, n }))
        const left: Array<{ readonly key: number; readonly records: typeof numbered }> = []
        const fiber = yield* Stream.fromIterable(numbered, { chunkSize }).pipe(
          Stream.mapArrayEffect((chunk) => Effect.as(Effect.sleep(chunk[0].gap), chunk)),
          Batch.batchedBy((item) => item.key, {
            maxRecords: (key) => sizes[key]!,
            maxBytes: 40,
            maxKeys,
            maxOpenBytes,
            linger,
            bytes: (item) => item.bytes,
            // The fifth thing is none.
            identity: (item) => (item.about === 4 ? undefined : String(item.about))
          }),
          Stream.runForEach(({ key, records }) =>
            Effect.andThen(
              Effect.sync(() => left.push({ key, records: [...records] })),
              Effect.sleep(busy)
            )
          ),
          Effect.forkChild
        )
        yield* TestClock.adjust(items.length * 20 + 100)
        yield* Fiber.join(fiber)
        for (const { key, records } of left) {
          assert.isAtMost(records.length, sizes[key]!)
          assert.isTrue(records.every((item) => item.key === key))
        }
        const all = left.flatMap(({ records }) => records)
        assert.strictEqual(all.length, numbered.length)
        for (const about of [0, 1, 2, 3]) {
          assert.deepStrictEqual(
            all.filter((item) => item.about === about),
            numbered.filter((item) => item.about === about)
          )
        }
        for (const key of [0, 1, 2]) {
          assert.deepStrictEqual(
            all.filter((item) => item.key === key),
            numbered.filter((item) => item.key === key)
          )
        }
      })
  )

  it.effect.prop(
    "linger is never exceeded and never cut short by the clock",
    { gaps: Schema.Array(ints(0, 40)), linger: ints(1, 50) },
    ({ gaps, linger }) =>
      Effect.gen(function* () {
        const source = yield* Queue.unbounded<number>()
        const seen: Array<{ readonly at: number; readonly arrivals: ReadonlyArray<number>; readonly why: string }> = []
        let now = 0
        const fiber = yield* Stream.fromQueue(source).pipe(
          Batch.batched({ maxRecords: 1000, linger }),
          Stream.runForEach((batch) =>
            Effect.sync(() => seen.push({ at: now, arrivals: batch.records, why: batch.flushedBy }))
          ),
          Effect.forkChild
        )
        const advance = (millis: number) =>
          Effect.gen(function* () {
            for (let i = 0; i < millis; i++) {
              now++
              yield* TestClock.adjust(1)
            }
          })
        for (const gap of gaps) {
          yield* advance(gap)
          yield* Queue.offer(source, now)
          yield* TestClock.adjust(0)
        }
        yield* advance(linger)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(seen.flatMap((batch) => batch.arrivals).length, gaps.length)
        for (const { at, arrivals, why } of seen) {
          assert.strictEqual(why, "linger")
          assert.strictEqual(at, arrivals[0]! + linger)
        }
      })
  )
})

describe("Batch", () => {
  it.effect("says why each batch left", () =>
    Effect.gen(function* () {
      const batches = yield* Stream.make("aa", "bb", "cc", "dddddd", "e").pipe(
        Batch.batched({ maxRecords: 2, maxBytes: 7, bytes: (text) => text.length }),
        collect
      )
      assert.deepStrictEqual(
        batches.map(({ records, flushedBy }) => [records, flushedBy]),
        [
          [["aa", "bb"], "count"],
          [["cc"], "bytes"],
          [["dddddd", "e"], "count"]
        ]
      )
    })
  )

  it.effect("flushes partial batches of every key at the end", () =>
    Effect.gen(function* () {
      const batches = yield* Stream.make(1, 2, 3, 4, 5).pipe(
        Batch.batchedBy((n) => n % 2, { maxRecords: 10 }),
        collect
      )
      assert.deepStrictEqual(
        batches.map(({ key, records, flushedBy }) => [key, records, flushedBy]),
        [
          [1, [1, 3, 5], "end"],
          [0, [2, 4], "end"]
        ]
      )
    })
  )

  it.effect("an empty source gives no batch", () =>
    Effect.map(collect(Batch.batched({ maxRecords: 3 })(Stream.empty)), (batches) => assert.isEmpty(batches))
  )

  it.effect("a record over the limit leaves alone", () =>
    Effect.gen(function* () {
      const batches = yield* Stream.make(1, 50, 2).pipe(
        Batch.batched({ maxRecords: 10, maxBytes: 10, bytes: (n) => n }),
        collect
      )
      assert.deepStrictEqual(
        batches.map(({ records }) => records),
        [[1], [50], [2]]
      )
    })
  )

  it.effect("one key too many makes the oldest leave", () =>
    Effect.gen(function* () {
      const batches = yield* Stream.make("a1", "b1", "a2", "c1").pipe(
        Batch.batchedBy((text) => text.slice(0, 1), { maxRecords: 10, maxKeys: 2 }),
        collect
      )
      assert.deepStrictEqual(
        batches.map(({ records, flushedBy }) => [records, flushedBy]),
        [
          [["a1", "a2"], "room"],
          [["b1"], "end"],
          [["c1"], "end"]
        ]
      )
    })
  )

  it.effect("a batch leaves when something of it comes again under another key, and only then", () =>
    Effect.gen(function* () {
      const batches = yield* Stream.make("u1", "u2", "d3", "u4", "d2", "u5", "d6").pipe(
        Batch.batchedBy((text) => text.slice(0, 1), { maxRecords: 10, identity: (text) => text.slice(1) }),
        collect
      )
      assert.deepStrictEqual(
        batches.map(({ records, flushedBy }) => [records, flushedBy]),
        [
          [["u1", "u2", "u4"], "order"],
          [["d3", "d2", "d6"], "end"],
          [["u5"], "end"]
        ]
      )
    })
  )

  it.effect("a batch that is about to leave takes nothing that has to come after another one", () =>
    Effect.gen(function* () {
      const left: Array<ReadonlyArray<string>> = []
      const fiber = yield* Stream.make("x0", "u1", "d1", "u1").pipe(
        Batch.batchedBy((text) => text.slice(0, 1), {
          maxRecords: (key) => (key === "x" ? 1 : 10),
          identity: (text) => text.slice(1)
        }),
        Stream.runForEach(({ records }) =>
          Effect.andThen(
            Effect.sync(() => left.push([...records])),
            Effect.sleep(10)
          )
        ),
        Effect.forkChild
      )
      yield* TestClock.adjust(100)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(left, [["x0"], ["u1"], ["d1"], ["u1"]])
    })
  )

  it.effect("batches of all keys leave when asked to", () =>
    Effect.gen(function* () {
      const source = yield* Queue.unbounded<string>()
      const asked = yield* Queue.unbounded<void>()
      const left: Array<unknown> = []
      const fiber = yield* Stream.fromQueue(source).pipe(
        Batch.batchedBy((text) => text.slice(0, 1), { maxRecords: 10, flush: Queue.take(asked) }),
        Stream.runForEach(({ records, flushedBy }) => Effect.sync(() => left.push([records, flushedBy]))),
        Effect.forkChild
      )
      yield* Queue.offerAll(source, ["a1", "b1", "a2"])
      yield* TestClock.adjust("1 hour")
      assert.isEmpty(left)
      yield* Queue.offer(asked, undefined)
      yield* TestClock.adjust(0)
      yield* Queue.offer(source, "b2")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(left, [
        [["a1", "a2"], "order"],
        [["b1"], "order"]
      ])
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("holds no more bytes than allowed over all keys", () =>
    Effect.gen(function* () {
      let taken = 0
      let left = 0
      yield* Stream.range(0, 999, 8).pipe(
        Stream.map((n) => {
          taken += 10
          return n
        }),
        Batch.batchedBy((n) => n, { maxRecords: 100, bytes: () => 10, maxOpenBytes: 50 }),
        Stream.runForEach((batch) =>
          Effect.sync(() => {
            left += batch.bytes
            // What was taken and has not left: under construction, or the rest of one chunk of the source.
            assert.isAtMost(taken - left, 50 + 2 * 80)
          })
        )
      )
      assert.strictEqual(left, 10_000)
    })
  )

  it.effect("a size that can not be told ends the stream after what was complete", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const exit = yield* Stream.range(1, 10, 1).pipe(
        Batch.batched({
          maxRecords: 3,
          bytes: (n) => {
            if (n === 8) throw new Error("no size")
            return 1
          }
        }),
        Stream.runForEach(({ records }) => Effect.sync(() => seen.push(...records))),
        Effect.exit
      )
      assert.isTrue(Exit.hasDies(exit))
      assert.deepStrictEqual(seen, [1, 2, 3, 4, 5, 6, 7])
    })
  )

  it.effect("when the source fails, what it gave before still leaves", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const exit = yield* Stream.make(1, 2, 3).pipe(
        Stream.concat(Stream.fail("broken" as const)),
        Batch.batched({ maxRecords: 2 }),
        Stream.runForEach(({ records }) => Effect.sync(() => seen.push(...records))),
        Effect.exit
      )
      assert.deepStrictEqual(seen, [1, 2, 3])
      assert.deepStrictEqual(exit, Exit.fail("broken" as const))
    })
  )

  it.effect("takes no more from the source than one chunk while nobody asks for batches", () =>
    Effect.gen(function* () {
      let pulled = 0
      const source = Stream.range(1, 1_000_000, 10).pipe(
        Stream.mapArray((chunk) => {
          pulled += chunk.length
          return chunk
        })
      )
      yield* source.pipe(
        Batch.batched({ maxRecords: 10 }),
        Stream.take(3),
        Stream.runForEach(() => Effect.forEach([1, 2, 3], () => Effect.yieldNow))
      )
      assert.isAtMost(pulled, 60)
    })
  )

  it.effect("a batch that waits for its consumer keeps growing up to its limits", () =>
    Effect.gen(function* () {
      const source = yield* Queue.unbounded<number>()
      const gate = yield* Deferred.make<void>()
      const sizes: Array<number> = []
      const fiber = yield* Stream.fromQueue(source).pipe(
        Batch.batched({ maxRecords: 5, linger: 10 }),
        Stream.runForEach(({ records }) =>
          Effect.andThen(
            Effect.sync(() => sizes.push(records.length)),
            Deferred.await(gate)
          )
        ),
        Effect.forkChild
      )
      yield* Queue.offer(source, 0)
      yield* TestClock.adjust(10)
      for (const n of [1, 2, 3, 4, 5, 6]) {
        yield* Queue.offer(source, n)
        yield* TestClock.adjust(10)
      }
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust(10)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(sizes, [1, 5, 1])
    })
  )
})

describe("sliced", () => {
  it.effect.prop(
    "keeps every element in order in chunks of at most the size",
    {
      items: Schema.Array(Schema.Int),
      size: ints(1, 5),
      chunkSize: ints(1, 12)
    },
    ({ items, size, chunkSize }) =>
      Effect.gen(function* () {
        const chunks: Array<ReadonlyArray<number>> = []
        yield* Stream.fromIterable(items, { chunkSize }).pipe(
          Batch.sliced(size),
          Stream.runForEachArray((chunk) => Effect.sync(() => chunks.push(chunk)))
        )
        assert.deepStrictEqual(chunks.flat(), [...items])
        assert.isTrue(chunks.every((chunk) => chunk.length >= 1 && chunk.length <= size))
      })
  )
})

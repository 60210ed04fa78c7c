import type { CircuitOpen } from "@effect-connectors/core/ConnectorError"
import type * as Pacing from "@effect-connectors/core/Pacing"
import * as Scan from "@effect-connectors/core/Scan"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { rateLimited, refused, TestError, unavailable } from "./support/TestError.ts"
import { inTime, settle } from "./support/time.ts"

type Pages = ReadonlyArray<ReadonlyArray<string>>

/** A store whose splits hold the given pages, with the number of the page as cursor. */
const makeSource = (
  splits: Readonly<Record<string, Pages>>,
  before: (split: string, page: number, call: number) => Effect.Effect<unknown, TestError> = () => Effect.void
) => {
  const seen = { calls: [] as Array<string>, times: [] as Array<number>, mostInFlight: 0, interrupted: 0 }
  let inFlight = 0
  const source: Scan.Source<string, string, number, TestError> = {
    target: { system: "test", operation: "list", collection: "words" },
    page: (split, cursor) => {
      const at = cursor ?? 0
      const pages = splits[split] ?? []
      return Effect.acquireUseRelease(
        Effect.map(Clock.currentTimeMillis, (now) => {
          seen.times.push(now)
          inFlight++
          seen.mostInFlight = Math.max(seen.mostInFlight, inFlight)
          return seen.calls.push(`${split}${at}`)
        }),
        (call) =>
          before(split, at, call).pipe(
            Effect.onInterrupt(() =>
              Effect.sync(() => {
                seen.interrupted++
              })
            ),
            Effect.as({ items: pages[at] ?? [], next: at + 1 < pages.length ? at + 1 : undefined })
          ),
        () =>
          Effect.sync(() => {
            inFlight--
          })
      )
    }
  }
  return { source, seen }
}

const ofSplit = (split: string, pages: number) => Array.from({ length: pages }, (_, page) => [`${split}-${page}`])

const Sizes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })))
const Small = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))

describe("scan", () => {
  it.effect.prop(
    "gives every record of every split once, in order within its split, and reads each page once",
    {
      splits: Schema.Array(Sizes),
      delays: Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))),
      concurrency: Small
    },
    ({ splits, delays, concurrency }) =>
      Effect.gen(function* () {
        const store = Object.fromEntries(
          splits.map((sizes, split) => [
            `${split}/`,
            sizes.map((size, page) => Array.from({ length: size }, (_, i) => `${split}/${page}.${i}`))
          ])
        )
        const { source, seen } = makeSource(store, (_, __, call) => Effect.sleep(delays[call % delays.length]!))
        const records = yield* inTime(
          Stream.runCollect(Scan.scan(source, Object.keys(store), { concurrency })),
          "10 millis"
        )
        for (const [split, pages] of Object.entries(store)) {
          assert.deepStrictEqual(
            records.filter((record) => record.startsWith(split)),
            pages.flat()
          )
        }
        assert.strictEqual(records.length, Object.values(store).flat(2).length)
        assert.strictEqual(new Set(seen.calls).size, seen.calls.length)
        assert.isAtMost(seen.mostInFlight, concurrency)
      })
  )

  it.effect("of no splits is empty, and reads nothing", () =>
    Effect.gen(function* () {
      const { source, seen } = makeSource({})
      assert.deepStrictEqual(yield* Stream.runCollect(Scan.scan(source, [])), [])
      assert.deepStrictEqual(seen.calls, [])
    })
  )

  it.effect("goes past empty pages, at the start, between and at the end", () =>
    Effect.gen(function* () {
      const { source, seen } = makeSource({ a: [[], ["x"], [], [], ["y"], []], b: [[]] })
      const records = yield* Stream.runCollect(Scan.scan(source, ["a", "b"], { concurrency: 1 }))
      assert.deepStrictEqual(records, ["x", "y"])
      assert.deepStrictEqual(seen.calls, ["a0", "a1", "a2", "a3", "a4", "a5", "b0"])
    })
  )

  it.effect.each([1, 4])("emits a page before the next is answered, at concurrency %i", (concurrency) =>
    Effect.gen(function* () {
      const { source } = makeSource({ a: ofSplit("a", 2) }, (_, page) => (page === 0 ? Effect.void : Effect.never))
      const first = yield* Scan.scan(source, ["a"], { concurrency }).pipe(Stream.take(1), Stream.runCollect)
      assert.deepStrictEqual(first, ["a-0"])
    })
  )

  it.effect("reads as many splits side by side as concurrency says, 4 by default", () =>
    Effect.gen(function* () {
      const names = ["a", "b", "c", "d", "e", "f"]
      for (const [concurrency, expected] of [
        [2, 2],
        [undefined, 4]
      ] as const) {
        const gate = Latch.makeUnsafe(false)
        const { source, seen } = makeSource(
          Object.fromEntries(names.map((name) => [name, ofSplit(name, 2)])),
          () => gate.await
        )
        const fiber = yield* Effect.forkChild(Stream.runCollect(Scan.scan(source, names, { concurrency })))
        yield* settle
        assert.strictEqual(seen.calls.length, expected)
        yield* gate.open
        assert.strictEqual((yield* Fiber.join(fiber)).length, 12)
        assert.strictEqual(seen.mostInFlight, expected)
      }
    })
  )

  it.effect("paces each page under the key of its split, or all under one", () =>
    Effect.gen(function* () {
      const keys: Array<string> = []
      const pacing: Pacing.Pacing = {
        paced: ({ key }, attempt) =>
          Effect.suspend(() => {
            keys.push(key)
            return attempt
          })
      }
      const { source } = makeSource({ a: ofSplit("a", 2), b: ofSplit("b", 1) })
      const paced = { ...source, paced: { pacing, gaveUp: (reason: CircuitOpen) => new TestError({ reason }) } }
      const read = (source: Scan.Source<string, string, number, TestError>) =>
        Stream.runDrain(Scan.scan(source, ["a", "b"], { concurrency: 1 }))
      yield* read({ ...paced, key: (split) => `of ${split}` })
      assert.deepStrictEqual(keys.splice(0), ["of a", "of a", "of b"])
      yield* read(paced)
      assert.deepStrictEqual(keys, ["", "", ""])
    })
  )

  it.effect("can be run again, from the start", () =>
    Effect.gen(function* () {
      const { source } = makeSource({ a: ofSplit("a", 3) })
      const all = Scan.scan(source, ["a"])
      assert.deepStrictEqual(yield* Stream.runCollect(all), yield* Stream.runCollect(all))
    })
  )

  it.effect("repeats a page for a reason time can cure, and nothing is lost or doubled", () =>
    Effect.gen(function* () {
      const { source, seen } = makeSource({ a: ofSplit("a", 3) }, (_, page, call) =>
        page === 1 && call < 4 ? Effect.fail(rateLimited(2000)) : Effect.void
      )
      const records = yield* inTime(Stream.runCollect(Scan.scan(source, ["a"])))
      assert.deepStrictEqual(records, ["a-0", "a-1", "a-2"])
      assert.deepStrictEqual(seen.calls, ["a0", "a1", "a1", "a1", "a2"])
      assert.deepStrictEqual(seen.times, [0, 0, 2000, 4000, 4000])
    })
  )

  it.effect("fails when the retries of a page are used up, after the pages before it", () =>
    Effect.gen(function* () {
      const { source, seen } = makeSource({ a: ofSplit("a", 3) }, (_, page) =>
        page === 1 ? Effect.fail(unavailable()) : Effect.void
      )
      const records: Array<string> = []
      const error = yield* Scan.scan(source, ["a"], { retry: { maxAttempts: 3 } }).pipe(
        Stream.runForEach((record) => Effect.sync(() => records.push(record))),
        Effect.flip,
        (run) => inTime(run)
      )
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.deepStrictEqual(records, ["a-0"])
      assert.deepStrictEqual(seen.calls, ["a0", "a1", "a1", "a1"])
    })
  )

  it.effect("fails at once for a reason time can not cure, and stops reading the other splits", () =>
    Effect.gen(function* () {
      const { source, seen } = makeSource({ a: ofSplit("a", 1), b: ofSplit("b", 9) }, (split) =>
        split === "a" ? Effect.fail(refused()) : Effect.never
      )
      const error = yield* Effect.flip(Stream.runDrain(Scan.scan(source, ["b", "a"])))
      assert.strictEqual(error.reason._tag, "RequestRefused")
      assert.deepStrictEqual(seen.calls, ["b0", "a0"])
      assert.strictEqual(seen.interrupted, 1)
    })
  )

  it.effect("stops reading pages when nobody wants more", () =>
    Effect.gen(function* () {
      const { source, seen } = makeSource({ a: ofSplit("a", 1000) })
      const records = yield* Scan.scan(source, ["a"], { concurrency: 1 }).pipe(Stream.take(3), Stream.runCollect)
      assert.deepStrictEqual(records, ["a-0", "a-1", "a-2"])
      assert.deepStrictEqual(seen.calls, ["a0", "a1", "a2"])
    })
  )

  it.effect("reads a bounded number of pages ahead of a slow consumer", () =>
    Effect.gen(function* () {
      const { source, seen } = makeSource({ a: ofSplit("a", 1000), b: ofSplit("b", 1000) })
      const fiber = yield* Effect.forkChild(
        Scan.scan(source, ["a", "b"]).pipe(
          Stream.tap(() => Effect.never),
          Stream.runDrain
        )
      )
      for (let i = 0; i < 20; i++) yield* settle
      assert.isAtMost(seen.calls.length, 25)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("cancels its calls when it is interrupted", () =>
    Effect.gen(function* () {
      const { source, seen } = makeSource({ a: ofSplit("a", 2), b: ofSplit("b", 2) }, () => Effect.never)
      const fiber = yield* Effect.forkChild(Stream.runDrain(Scan.scan(source, ["a", "b"])))
      yield* settle
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(seen.calls.length, 2)
      assert.strictEqual(seen.interrupted, 2)
    })
  )
})

describe("pages", () => {
  it.effect("tells of each page where it is and where the next one is, empty pages included", () =>
    Effect.gen(function* () {
      const { source } = makeSource({ a: [["a1", "a2"], [], ["a3"]], b: [] })
      const pages = yield* Stream.runCollect(Scan.pages(source, ["a", "b"], { concurrency: 1 }))
      assert.deepStrictEqual(pages, [
        { split: "a", cursor: undefined, items: ["a1", "a2"], next: 1 },
        { split: "a", cursor: 1, items: [], next: 2 },
        { split: "a", cursor: 2, items: ["a3"], next: undefined },
        { split: "b", cursor: undefined, items: [], next: undefined }
      ])
    })
  )

  it.effect("goes on from the cursor of any page as if it had not stopped", () =>
    Effect.gen(function* () {
      const { seen, source } = makeSource({ a: ofSplit("a", 5), b: ofSplit("b", 2) })
      const all = yield* Stream.runCollect(Scan.pages(source, ["a"]))
      for (const [i, { cursor }] of all.entries()) {
        const rest = yield* Stream.runCollect(Scan.pages(source, ["a"], { from: () => cursor }))
        assert.deepStrictEqual(rest, all.slice(i))
      }
      seen.calls.length = 0
      yield* Stream.runDrain(Scan.pages(source, ["a", "b"], { from: (split) => (split === "a" ? 3 : undefined) }))
      assert.sameMembers(seen.calls, ["a3", "a4", "b0", "b1"])
    })
  )
})

describe("settled", () => {
  interface Outcome {
    readonly input: Scan.Item<string>
    readonly ok: boolean
  }

  /** Answers in any order: each item takes its own time. */
  const slowly = (delays: ReadonlyArray<number>, concurrency: number) => (items: Stream.Stream<Scan.Item<string>>) =>
    items.pipe(
      Stream.zipWithIndex,
      Stream.mapEffect(
        ([input, i]) => Effect.as(Effect.sleep(delays[i % delays.length]!), { input, ok: i % 3 > 0 } satisfies Outcome),
        { concurrency, unordered: true }
      )
    )

  const pagesOf = (sizes: ReadonlyArray<number>) =>
    sizes.map((size, page) => Array.from({ length: size }, (_, i) => `${page}.${i}`))

  it.effect("ends in a defect when the step gave no outcome for a record", () =>
    Effect.gen(function* () {
      const acknowledged: Array<number> = []
      const exit = yield* Stream.fromIterable([0, 1, 2]).pipe(
        Scan.settled(
          {
            records: (page: number) => pagesOf([2, 2, 2])[page]!,
            through: (items) => slowly([0], 1)(items).pipe(Stream.filter(({ input }) => input.value !== "1.1"))
          },
          (pages) => Effect.sync(() => acknowledged.push(...pages.map(({ page }) => page)))
        ),
        Stream.runDrain,
        Effect.exit,
        inTime
      )
      assert.deepStrictEqual(acknowledged, [0])
      assert.isTrue(Exit.isFailure(exit) && Cause.pretty(exit.cause).includes("no outcome for 1 records"))
    })
  )

  it.effect.prop(
    "tells of each page in order, once, with an outcome for each record, and never has more open than it may",
    {
      sizes: Sizes,
      delays: Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))),
      concurrency: Small,
      maxOpen: Small
    },
    ({ concurrency, delays, maxOpen, sizes }) =>
      Effect.gen(function* () {
        const all = pagesOf(sizes)
        let read = 0
        let acknowledged = 0
        const settled = yield* Stream.fromIterable(all).pipe(
          Stream.rechunk(1),
          Stream.tap((page) =>
            Effect.sync(() => {
              if (page.length > 0) read++
              // One more waits for its turn.
              assert.isAtMost(read - acknowledged, maxOpen + 1)
            })
          ),
          Scan.settled(
            { records: (page: ReadonlyArray<string>) => page, through: slowly(delays, concurrency), maxOpen },
            (pages) =>
              Effect.andThen(
                Effect.sleep(3),
                Effect.sync(() => {
                  for (const { page } of pages) if (page.length > 0) acknowledged++
                })
              )
          ),
          Stream.runCollect,
          inTime
        )
        assert.deepStrictEqual(
          settled.map(({ page }) => page),
          all
        )
        for (const { outcomes, page } of settled) {
          assert.deepStrictEqual(outcomes.map(({ input }) => input.value).sort(), page)
        }
        assert.strictEqual(acknowledged, sizes.filter((size) => size > 0).length)
      })
  )

  it.effect("acknowledges nothing of a page, nor of those after it, before its last outcome is in", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const held = Latch.makeUnsafe(false)
      const program = Stream.fromIterable(pagesOf([2, 1, 2])).pipe(
        Scan.settled(
          {
            records: (page: ReadonlyArray<string>) => page,
            through: (items) =>
              items.pipe(
                Stream.mapEffect((input) => Effect.as(input.value === "0.1" ? held.await : Effect.void, { input }), {
                  concurrency: 10,
                  unordered: true
                })
              )
          },
          (pages) => Effect.sync(() => told.push(pages.map(({ page }) => page[0]).join(" ")))
        ),
        Stream.runDrain
      )
      const fiber = yield* Effect.forkChild(program)
      yield* settle
      assert.deepStrictEqual(told, [])
      yield* held.open
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(told, ["0.0 1.0 2.0"])
    })
  )

  it.effect(
    "fails with the failure of the pages, of the step or of the acknowledgement, and what was settled stays so",
    () =>
      Effect.gen(function* () {
        const told: Array<number> = []
        const run = (
          pages: Stream.Stream<ReadonlyArray<string>, string>,
          fails: { readonly step?: string; readonly acknowledge?: string } = {}
        ) =>
          pages.pipe(
            Scan.settled(
              {
                records: (page: ReadonlyArray<string>) => page,
                through: (items: Stream.Stream<Scan.Item<string>, string>) =>
                  items.pipe(
                    Stream.rechunk(1),
                    Stream.mapEffect((input) =>
                      input.value === fails.step ? Effect.fail("the step") : Effect.succeed({ input })
                    )
                  )
              },
              (pages) =>
                Effect.suspend(() => {
                  told.push(pages.length)
                  return pages[0].page[0] === fails.acknowledge ? Effect.fail("the acknowledgement") : Effect.void
                })
            ),
            Stream.runDrain,
            Effect.flip
          )
        const pages = Stream.fromIterable(pagesOf([1, 1, 1]))
        assert.strictEqual(yield* run(Stream.concat(pages, Stream.fail("the pages"))), "the pages")
        assert.deepStrictEqual(told.splice(0), [1, 1, 1])
        assert.strictEqual(yield* run(pages, { step: "1.0" }), "the step")
        assert.deepStrictEqual(told.splice(0), [1])
        assert.strictEqual(yield* run(pages, { acknowledge: "1.0" }), "the acknowledgement")
        assert.deepStrictEqual(told.splice(0), [1, 1])
      })
  )

  it.effect("refuses to keep no page open", () =>
    Effect.gen(function* () {
      const none: Stream.Stream<ReadonlyArray<string>> = Stream.empty
      const exit = yield* none.pipe(
        Scan.settled(
          { records: (page: ReadonlyArray<string>) => page, through: slowly([0], 1), maxOpen: 0 },
          () => Effect.void
        ),
        Stream.runDrain,
        Effect.exit
      )
      assert.include(String(exit), "maxOpen is 0")
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SideBySide from "../src/internal/sideBySide.ts"
import { settle } from "./support/time.ts"

/** Work that a test ends by hand. */
const byHand = () => {
  const begun: Array<number> = []
  const ends = new Map<number, Deferred.Deferred<void>>()
  return {
    begun,
    end: (n: number) => Effect.andThen(Deferred.succeed(ends.get(n)!, undefined), settle),
    work: (n: number) => {
      begun.push(n)
      const end = Deferred.makeUnsafe<void>()
      ends.set(n, end)
      return Effect.as(Deferred.await(end), [n] as const)
    }
  }
}

const numbers = Stream.iterate(0, (n) => n + 1)

describe("work side by side", () => {
  it.effect("begins the next as soon as one is done, in the order of the source, whoever looks at results", () =>
    Effect.gen(function* () {
      const { begun, end, work } = byHand()
      const seen: Array<number> = []
      const fiber = yield* numbers.pipe(
        SideBySide.mapUnordered(work, 2),
        Stream.runForEach((n) =>
          Effect.andThen(
            Effect.sync(() => seen.push(n)),
            Effect.never
          )
        ),
        Effect.forkChild
      )
      yield* settle
      assert.deepStrictEqual(begun, [0, 1])
      yield* end(1)
      assert.deepStrictEqual(begun, [0, 1, 2])
      yield* end(2)
      assert.deepStrictEqual(begun, [0, 1, 2, 3])
      assert.deepStrictEqual(seen, [1])
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("stops when results are not taken: one is looked at, so many wait, and the places are taken", () =>
    Effect.gen(function* () {
      let begun = 0
      const work = (n: number) =>
        Effect.sync(() => {
          begun++
          return [n] as const
        })
      const fiber = yield* numbers.pipe(
        SideBySide.mapUnordered(work, 3),
        Stream.runForEach(() => Effect.never),
        Effect.forkChild
      )
      yield* settle
      assert.strictEqual(begun, 1 + 3 + 3)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("is interrupted when nothing more is wanted", () =>
    Effect.gen(function* () {
      let cancelled = 0
      const work = (n: number) =>
        n === 0
          ? Effect.succeed([n] as const)
          : Effect.onInterrupt(Effect.never, () => Effect.sync(() => void cancelled++))
      const found = yield* numbers.pipe(SideBySide.mapUnordered(work, 3), Stream.take(1), Stream.runCollect)
      assert.deepStrictEqual(found, [0])
      assert.isAtLeast(cancelled, 2)
    })
  )

  it.effect("of a source that fails is done first, and all results are given before the failure", () =>
    Effect.gen(function* () {
      const { end, work } = byHand()
      const seen: Array<number> = []
      const fiber = yield* Stream.make(0, 1, 2).pipe(
        Stream.concat(Stream.fail("broken" as const)),
        SideBySide.mapUnordered(work, 8),
        Stream.runForEach((n) => Effect.sync(() => seen.push(n))),
        Effect.exit,
        Effect.forkChild
      )
      yield* settle
      for (const n of [2, 0, 1]) yield* end(n)
      assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.fail("broken" as const))
      assert.deepStrictEqual(seen, [2, 0, 1])
    })
  )

  it.effect("that dies is the last: no other is begun", () =>
    Effect.gen(function* () {
      const { begun, end, work } = byHand()
      const fiber = yield* numbers.pipe(
        SideBySide.mapUnordered((n) => (n === 1 ? Effect.andThen(work(n), Effect.die("dead")) : work(n)), 2),
        Stream.runForEach(() => Effect.never),
        Effect.exit,
        Effect.forkChild
      )
      yield* settle
      yield* end(0)
      assert.deepStrictEqual(begun, [0, 1, 2])
      yield* end(1)
      yield* end(2)
      assert.deepStrictEqual(begun, [0, 1, 2])
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("that throws is a defect", () =>
    Effect.gen(function* () {
      const exit = yield* numbers.pipe(
        SideBySide.mapUnordered((n): Effect.Effect<readonly [number]> => {
          if (n === 1) throw new Error("thrown")
          return Effect.succeed([n] as const)
        }, 1),
        Stream.runDrain,
        Effect.exit
      )
      assert.isTrue(Exit.hasDies(exit))
    })
  )

  it.effect("of nothing gives nothing", () =>
    Effect.gen(function* () {
      const found = yield* Stream.empty.pipe(
        SideBySide.mapUnordered((n: number) => Effect.succeed([n] as const), 4),
        Stream.runCollect
      )
      assert.deepStrictEqual(found, [])
    })
  )

  it.effect.prop(
    "gives every result once, and never more are begun at a time than asked for",
    {
      chunks: Schema.Array(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })))),
      concurrency: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
    },
    ({ chunks, concurrency }) =>
      Effect.gen(function* () {
        let flying = 0
        let most = 0
        const elements = chunks.flat().map((yields, i) => ({ yields, i }))
        let from = 0
        const cut = chunks.map(({ length }) => elements.slice(from, (from += length)))
        const found = yield* Stream.fromIterable(cut).pipe(
          Stream.flatMap((chunk) => Stream.fromIterable(chunk)),
          SideBySide.mapUnordered(
            ({ i, yields }) =>
              Effect.gen(function* () {
                most = Math.max(most, ++flying)
                for (let n = 0; n < yields; n++) yield* Effect.yieldNow
                flying--
                return [i] as const
              }),
            concurrency
          ),
          Stream.runCollect
        )
        assert.sameMembers(
          found,
          elements.map(({ i }) => i)
        )
        assert.strictEqual(found.length, elements.length)
        assert.isAtMost(most, concurrency)
      })
  )
})

import * as Lookup from "@effect-connectors/core/Lookup"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  garbled,
  rateLimited,
  refused,
  type TestError,
  timedOut,
  unauthorized,
  unavailable
} from "./support/TestError.ts"
import { inTime, settle } from "./support/time.ts"

type Answers = ReadonlyArray<Result.Result<string, TestError>>

const found = (key: string) => Result.succeed(`${key}!`)

const answerAll = (keys: ReadonlyArray<string>): Effect.Effect<Answers, TestError> => Effect.succeed(keys.map(found))

/** A store that answers `key!` for `key`, and remembers what it was asked. */
const makeStore = (
  answer: (keys: ReadonlyArray<string>, call: number) => Effect.Effect<Answers, TestError> = answerAll,
  maxKeys = 100
) => {
  const seen = {
    calls: [] as Array<ReadonlyArray<string>>,
    times: [] as Array<number>,
    mostInFlight: 0,
    askedTwice: 0,
    interrupted: 0
  }
  const inFlight: Array<ReadonlyArray<string>> = []
  const store: Lookup.Store<string, string, TestError> = {
    target: { system: "test", operation: "get", collection: "words" },
    maxKeys,
    identity: (key) => key,
    late: timedOut,
    lookup: (keys) =>
      Effect.acquireUseRelease(
        Effect.map(Clock.currentTimeMillis, (now) => {
          seen.times.push(now)
          seen.calls.push(keys)
          seen.askedTwice += keys.filter((key) => inFlight.flat().includes(key)).length
          inFlight.push(keys)
          seen.mostInFlight = Math.max(seen.mostInFlight, inFlight.length)
        }),
        () =>
          Effect.onInterrupt(answer(keys, seen.calls.length), () =>
            Effect.sync(() => {
              seen.interrupted++
            })
          ),
        () =>
          Effect.sync(() => {
            inFlight.splice(inFlight.indexOf(keys), 1)
          })
      )
  }
  return { store, seen }
}

const itself = (element: string): Result.Result<string, TestError> => Result.succeed(element)

const chunked = <A>(items: ReadonlyArray<A>, size: number) => Stream.fromIterable(items, { chunkSize: size })

/** One element every `millis`, the first at once. */
const every = (millis: number, keys: ReadonlyArray<string>) =>
  Stream.fromIterable(keys, { chunkSize: 1 }).pipe(
    Stream.mapEffect((key, i) => Effect.as(Effect.sleep(i === 0 ? 0 : millis), key))
  )

const sizesOf = (calls: ReadonlyArray<ReadonlyArray<string>>) => calls.map(({ length }) => length)

const letters = ["a", "b", "c", "d", "e", "f", "g", "h"]

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))

describe("rows and results", () => {
  it.effect.prop(
    "keep the order of the elements however long each call takes, within all limits",
    {
      keys: Schema.Array(Schema.Literals(letters)),
      delays: Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))),
      maxBatch: Count,
      maxKeys: Count,
      concurrency: Count,
      chunk: Count
    },
    ({ keys, delays, maxBatch, maxKeys, concurrency, chunk }) =>
      Effect.gen(function* () {
        const { store, seen } = makeStore(
          (keys, call) => Effect.andThen(Effect.sleep(delays[call % delays.length]!), answerAll(keys)),
          maxKeys
        )
        const rows = yield* chunked(keys, chunk).pipe(
          Lookup.rows(store, itself, { maxBatch, concurrency }),
          Stream.runCollect,
          (run) => inTime(run, "10 millis")
        )
        assert.deepStrictEqual(
          rows,
          keys.map((key) => [key, `${key}!`])
        )
        assert.isTrue(seen.calls.every(({ length }) => length >= 1 && length <= Math.min(maxBatch, maxKeys)))
        assert.isAtMost(seen.mostInFlight, concurrency)
        assert.strictEqual(seen.askedTwice, 0)
      })
  )

  it.effect("of an empty stream are empty, and ask nothing", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      assert.deepStrictEqual(yield* Stream.empty.pipe(Lookup.rows(store, itself), Stream.runCollect), [])
      assert.deepStrictEqual(seen.calls, [])
    })
  )

  it.effect("give each element back whole, with the answer to its key", () =>
    Effect.gen(function* () {
      const { store } = makeStore()
      const orders = [
        { word: "a", at: 1 },
        { word: "b", at: 2 }
      ]
      const rows = yield* Stream.fromIterable(orders).pipe(
        Lookup.rows(store, ({ word }) => itself(word)),
        Stream.runCollect
      )
      assert.strictEqual(rows[1]?.[0], orders[1])
      assert.strictEqual(rows[1]?.[1], "b!")
    })
  )
})

describe("coalescing", () => {
  it.effect("puts up to 100 elements into a call", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore(answerAll, 1000)
      const keys = Array.from({ length: 250 }, (_, i) => `k${i}`)
      yield* Stream.fromIterable(keys).pipe(Lookup.rows(store, itself), Stream.runDrain)
      assert.deepStrictEqual(sizesOf(seen.calls), [100, 100, 50])
    })
  )

  it.effect("never puts more into a call than the store takes", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore(answerAll, 3)
      yield* Stream.fromIterable(letters).pipe(Lookup.rows(store, itself, { maxBatch: 50 }), Stream.runDrain)
      assert.deepStrictEqual(sizesOf(seen.calls), [3, 3, 2])
    })
  )

  it.effect("lets an element wait 5 ms for others, and no longer", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      yield* inTime(every(2, ["a", "b", "c", "d"]).pipe(Lookup.rows(store, itself), Stream.runDrain), "1 milli")
      assert.deepStrictEqual(seen.calls, [["a", "b", "c"], ["d"]])
      // The second leaves when the source ends.
      assert.deepStrictEqual(seen.times, [5, 6])
    })
  )

  it.effect("sends a full call without waiting", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      yield* inTime(
        every(2, ["a", "b", "c"]).pipe(
          Lookup.rows(store, itself, { maxBatch: 2, linger: "1 minute" }),
          Stream.runDrain
        ),
        "1 milli"
      )
      assert.deepStrictEqual(seen.calls, [["a", "b"], ["c"]])
      assert.deepStrictEqual(seen.times, [2, 4])
    })
  )
})

describe("calls in flight", () => {
  it.effect("are at least one: less is a mistake of the program", () =>
    Effect.gen(function* () {
      const { store } = makeStore()
      const exit = yield* Effect.exit(
        Stream.make("a").pipe(Lookup.results(store, itself, { concurrency: 0 }), Stream.runDrain)
      )
      assert.isTrue(Exit.hasDies(exit))
    })
  )

  it.effect("are as many as concurrency says, and no more", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe(false)
      const { store, seen } = makeStore((keys) => Effect.andThen(gate.await, answerAll(keys)))
      const fiber = yield* Effect.forkChild(
        Stream.fromIterable(letters).pipe(Lookup.rows(store, itself, { maxBatch: 1, concurrency: 3 }), Stream.runDrain)
      )
      yield* settle
      assert.strictEqual(seen.calls.length, 3)
      yield* gate.open
      yield* Fiber.join(fiber)
      assert.strictEqual(seen.calls.length, 8)
      assert.strictEqual(seen.mostInFlight, 3)
    })
  )

  it.effect("are cancelled when the stream is interrupted", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore(() => Effect.never)
      const fiber = yield* Effect.forkChild(
        Stream.fromIterable(letters).pipe(Lookup.rows(store, itself, { maxBatch: 4 }), Stream.runDrain)
      )
      yield* settle
      assert.strictEqual(seen.calls.length, 2)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(seen.interrupted, 2)
    })
  )

  it.effect("are cancelled when nobody wants the rest", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore((keys) => (keys.includes("a") ? answerAll(keys) : Effect.never))
      const rows = yield* Stream.fromIterable(letters).pipe(
        Lookup.rows(store, itself, { maxBatch: 2, concurrency: 2 }),
        Stream.take(1),
        Stream.runCollect
      )
      assert.deepStrictEqual(rows, [["a", "a!"]])
      assert.strictEqual(seen.interrupted, seen.calls.length - 1)
    })
  )
})

describe("duplicates", () => {
  it.effect("in one call are asked for once", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      const rows = yield* Stream.make("a", "b", "a", "a").pipe(Lookup.rows(store, itself), Stream.runCollect)
      assert.deepStrictEqual(seen.calls, [["a", "b"]])
      assert.deepStrictEqual(
        rows.map(([, answer]) => answer),
        ["a!", "b!", "a!", "a!"]
      )
    })
  )

  it.effect("of an identity in flight wait for its answer, across calls", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe(false)
      const { store, seen } = makeStore((keys) => Effect.andThen(gate.await, answerAll(keys)))
      const fiber = yield* Effect.forkChild(
        Stream.make("a", "b", "b", "c", "a", "c").pipe(Lookup.rows(store, itself, { maxBatch: 2 }), Stream.runCollect)
      )
      yield* settle
      assert.deepStrictEqual(seen.calls, [["a", "b"], ["c"]])
      yield* gate.open
      const rows = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        rows.map(([, answer]) => answer),
        ["a!", "b!", "b!", "c!", "a!", "c!"]
      )
    })
  )

  it.effect("are asked for again when the answer is there and nothing is cached", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      yield* inTime(every(1000, ["a", "a"]).pipe(Lookup.rows(store, itself), Stream.runDrain))
      assert.deepStrictEqual(seen.calls, [["a"], ["a"]])
    })
  )

  it.effect("without an identity are never shared", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      yield* Stream.make("a", "a").pipe(
        Lookup.rows({ ...store, identity: () => undefined }, itself, {
          cache: { capacity: 10, timeToLive: "1 hour" }
        }),
        Stream.runDrain
      )
      assert.deepStrictEqual(seen.calls, [["a", "a"]])
    })
  )

  it.effect("share a failure too", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore((keys) => Effect.succeed(keys.map(() => Result.fail(garbled()))))
      const rows = yield* Stream.make("a", "a").pipe(Lookup.results(store, itself), Stream.runCollect)
      assert.isTrue(rows.every(([, answer]) => Result.isFailure(answer)))
      assert.deepStrictEqual(seen.calls, [["a"]])
    })
  )
})

describe("a row that can not be looked up", () => {
  const error = garbled()
  const failing = (bad: string) => (keys: ReadonlyArray<string>) =>
    Effect.succeed(keys.map((key) => (key === bad ? Result.fail(error) : found(key))))

  it.effect("is a failure in its place; the rows beside it keep theirs", () =>
    Effect.gen(function* () {
      const { store } = makeStore(failing("b"))
      const rows = yield* Stream.make("a", "b", "c").pipe(Lookup.results(store, itself), Stream.runCollect)
      assert.deepStrictEqual(rows, [
        ["a", found("a")],
        ["b", Result.fail(error)],
        ["c", found("c")]
      ])
    })
  )

  it.effect("has no key to ask with, and nothing is asked for it", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      const rows = yield* Stream.make("a", "", "c").pipe(
        Lookup.results(store, (word) => (word === "" ? Result.fail(error) : Result.succeed(word))),
        Stream.runCollect
      )
      assert.deepStrictEqual(rows, [
        ["a", found("a")],
        ["", Result.fail(error)],
        ["c", found("c")]
      ])
      assert.deepStrictEqual(seen.calls, [["a", "c"]])
    })
  )

  it.effect("makes no call when no element has a key", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      const rows = yield* Stream.make("a", "b").pipe(
        Lookup.results(store, () => Result.fail(error)),
        Stream.runCollect
      )
      assert.strictEqual(rows.length, 2)
      assert.deepStrictEqual(seen.calls, [])
    })
  )

  it.effect("ends the plain form", () =>
    Effect.gen(function* () {
      const { store } = makeStore(failing("c"))
      const seen: Array<string> = []
      const failure = yield* Stream.make("a", "b", "c").pipe(
        Lookup.rows(store, itself, { maxBatch: 2 }),
        Stream.runForEach(([key]) => Effect.sync(() => seen.push(key))),
        Effect.flip
      )
      assert.strictEqual(failure, error)
      assert.deepStrictEqual(seen, ["a", "b"])
    })
  )
})

describe("a call that fails", () => {
  it.effect("for its content is halved, so that good keys get answers", () =>
    Effect.gen(function* () {
      const error = refused("f is not a word")
      const { store, seen } = makeStore((keys) => (keys.includes("f") ? Effect.fail(error) : answerAll(keys)))
      const rows = yield* Stream.fromIterable(letters).pipe(Lookup.results(store, itself), Stream.runCollect)
      assert.deepStrictEqual(
        rows,
        letters.map((key) => [key, key === "f" ? Result.fail(error) : found(key)])
      )
      assert.deepStrictEqual(
        seen.calls.map((keys) => keys.join("")),
        ["abcdefgh", "abcd", "efgh", "ef", "e", "f", "gh"]
      )
    })
  )

  it.effect.prop(
    "for its content leaves exactly the bad keys without an answer, in at most 1 + 2 log2 calls each",
    {
      bad: Schema.Array(Schema.Literals(letters))
    },
    ({ bad }) =>
      Effect.gen(function* () {
        const { store, seen } = makeStore((keys) =>
          keys.some((key) => bad.includes(key)) ? Effect.fail(refused()) : answerAll(keys)
        )
        const rows = yield* Stream.fromIterable(letters).pipe(Lookup.results(store, itself), Stream.runCollect)
        assert.deepStrictEqual(
          rows.filter(([, answer]) => Result.isFailure(answer)).map(([key]) => key),
          letters.filter((key) => bad.includes(key))
        )
        assert.isAtMost(seen.calls.length, 1 + 2 * Math.log2(letters.length) * new Set(bad).size)
      })
  )

  it.effect("for a reason time can cure is repeated", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore((keys, call) => (call < 3 ? Effect.fail(rateLimited(2000)) : answerAll(keys)))
      const rows = yield* inTime(Stream.make("a", "b").pipe(Lookup.rows(store, itself), Stream.runCollect))
      assert.deepStrictEqual(rows, [
        ["a", "a!"],
        ["b", "b!"]
      ])
      assert.deepStrictEqual(seen.times, [0, 2000, 4000])
    })
  )

  it.effect("to the end of its retries fails its own rows only", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore((keys) => (keys.includes("c") ? Effect.fail(unavailable()) : answerAll(keys)))
      const rows = yield* inTime(
        Stream.make("a", "b", "c", "d", "e").pipe(
          Lookup.results(store, itself, { maxBatch: 2, retry: { maxAttempts: 2 } }),
          Stream.runCollect
        )
      )
      assert.deepStrictEqual(
        rows.map(([key, answer]) => (Result.isSuccess(answer) ? key : `${key}: ${answer.failure.reason._tag}`)),
        ["a", "b", "c: Unavailable", "d: Unavailable", "e"]
      )
      assert.deepStrictEqual(
        seen.calls.filter((keys) => keys.includes("c")),
        [
          ["c", "d"],
          ["c", "d"]
        ]
      )
    })
  )

  it.effect("for good fails the stream, and cancels the other calls", () =>
    Effect.gen(function* () {
      const error = unauthorized()
      const { store, seen } = makeStore((keys) => (keys.includes("c") ? Effect.fail(error) : Effect.never))
      const failure = yield* Stream.fromIterable(letters).pipe(
        Lookup.results(store, itself, { maxBatch: 2, concurrency: 2 }),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(failure, error)
      assert.isAtLeast(seen.calls.length, 2)
      assert.strictEqual(seen.interrupted, seen.calls.length - 1)
    })
  )

  it.effect("for good fails those too that wait for an identity of it", () =>
    Effect.gen(function* () {
      const error = unauthorized()
      const gate = Latch.makeUnsafe(false)
      const { store, seen } = makeStore(() => Effect.andThen(gate.await, Effect.fail(error)))
      const fiber = yield* Effect.forkChild(
        Stream.make("a", "a").pipe(Lookup.results(store, itself, { maxBatch: 1 }), Stream.runDrain, Effect.flip)
      )
      yield* settle
      yield* gate.open
      assert.strictEqual(yield* Fiber.join(fiber), error)
      assert.strictEqual(seen.calls.length, 1)
    })
  )

  it.effect("with a defect ends the stream with it", () =>
    Effect.gen(function* () {
      const { store } = makeStore(() => Effect.die("broken"))
      const exit = yield* Stream.make("a", "a").pipe(
        Lookup.results(store, itself, { maxBatch: 1 }),
        Stream.runDrain,
        Effect.exit
      )
      assert.isTrue(exit._tag === "Failure" && Cause.hasDies(exit.cause))
    })
  )

  it.effect("to answer every key is a defect, not a row without an answer", () =>
    Effect.gen(function* () {
      const { store } = makeStore((keys) => Effect.succeed(keys.slice(1).map(found)))
      const exit = yield* Stream.make("a", "b").pipe(Lookup.results(store, itself), Stream.runCollect, Effect.exit)
      assert.isTrue(exit._tag === "Failure" && Cause.hasDies(exit.cause))
      assert.include(exit._tag === "Failure" ? Cause.pretty(exit.cause) : "", "1 answers for 2 keys")
    })
  )
})

describe("a source that fails", () => {
  it.effect("gets the answers to what it gave before the failure is passed on", () =>
    Effect.gen(function* () {
      const { store } = makeStore((keys) => Effect.andThen(Effect.sleep("1 second"), answerAll(keys)))
      const rows: Array<string> = []
      const failure = yield* Stream.make("a", "b", "c").pipe(
        Stream.concat(Stream.fail("disk gone")),
        Lookup.rows(store, itself, { maxBatch: 2 }),
        Stream.runForEach(([, answer]) => Effect.sync(() => rows.push(answer))),
        Effect.flip,
        (run) => inTime(run)
      )
      assert.strictEqual(failure, "disk gone")
      assert.deepStrictEqual(rows, ["a!", "b!", "c!"])
    })
  )
})

describe("the cache", () => {
  const cache = { capacity: 2, timeToLive: "1 minute" } as const

  it.effect("answers what was answered lately, until its time is up", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      const rows = yield* inTime(
        every(25_000, ["a", "a", "a", "a", "a"]).pipe(Lookup.rows(store, itself, { cache }), Stream.runCollect),
        "1 second"
      )
      assert.strictEqual(rows.length, 5)
      // Asked at 5 ms, known at 25 s and 50 s, forgotten at 60 s.
      assert.deepStrictEqual(seen.times, [5, 75_005])
    })
  )

  it.effect("forgets the least lately used beyond its capacity", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      yield* inTime(
        every(1000, ["a", "b", "a", "c", "a", "b"]).pipe(Lookup.rows(store, itself, { cache }), Stream.runDrain),
        "1 second"
      )
      assert.deepStrictEqual(seen.calls.flat(), ["a", "b", "c", "b"])
    })
  )

  it.effect("keeps no answer that the store says would be another at another moment", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      const keeps = (answer: string) => answer !== "a!"
      yield* inTime(
        every(1000, ["a", "b", "a", "b"]).pipe(Lookup.rows({ ...store, keeps }, itself, { cache }), Stream.runDrain),
        "1 second"
      )
      assert.deepStrictEqual(seen.calls.flat(), ["a", "b", "a"])
    })
  )

  it.effect("keeps no failure", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore((keys, call) =>
        call === 1 ? Effect.succeed(keys.map(() => Result.fail(garbled()))) : answerAll(keys)
      )
      const rows = yield* inTime(
        every(1000, ["a", "a", "a"]).pipe(Lookup.results(store, itself, { cache }), Stream.runCollect),
        "1 second"
      )
      assert.deepStrictEqual(
        rows.map(([, answer]) => Result.isSuccess(answer)),
        [false, true, true]
      )
      assert.strictEqual(seen.calls.length, 2)
    })
  )

  it.effect("answers some keys of a call while the others are asked for", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      const source = Stream.concat(Stream.make("a"), Stream.drain(Stream.fromEffect(Effect.sleep("1 second")))).pipe(
        Stream.concat(Stream.make("b", "a"))
      )
      const rows = yield* inTime(source.pipe(Lookup.rows(store, itself, { cache }), Stream.runCollect), "1 second")
      assert.deepStrictEqual(rows, [
        ["a", "a!"],
        ["b", "b!"],
        ["a", "a!"]
      ])
      assert.deepStrictEqual(seen.calls, [["a"], ["b"]])
    })
  )

  it.effect("belongs to one run of the stream", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      const run = Stream.make("a").pipe(Lookup.rows(store, itself, { cache }), Stream.runDrain)
      yield* run
      yield* run
      assert.strictEqual(seen.calls.length, 2)
    })
  )
})

describe("groups", () => {
  it.effect("go out in calls of their own, and a failing one spares the others", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore((keys) => (keys[0] === "x1" ? Effect.fail(garbled()) : answerAll(keys)))
      const grouped = { ...store, group: (key: string) => key.slice(0, 1) }
      const input = ["a1", "x1", "a2", "x2"]
      const answers = yield* Stream.fromIterable(input).pipe(Lookup.results(grouped, itself), Stream.runCollect)
      assert.deepStrictEqual(
        answers.map(([key, answer]) => [key, Result.isSuccess(answer)]),
        [
          ["a1", true],
          ["x1", false],
          ["a2", true],
          ["x2", false]
        ]
      )
      assert.deepStrictEqual(seen.calls, [
        ["a1", "a2"],
        ["x1", "x2"]
      ])
    })
  )
})

describe("the deadline", () => {
  it.effect("leaves the half of a refused call that was answered in time", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore((keys) =>
        keys.length === 4 ? Effect.fail(refused()) : keys.includes("c") ? Effect.never : answerAll(keys)
      )
      const rows = yield* inTime(
        Stream.make("a", "b", "c", "d").pipe(
          Lookup.results(store, itself, { deadline: "3 seconds" }),
          Stream.runCollect
        ),
        "1 second"
      )
      assert.deepStrictEqual(
        rows.map(([, answer]) => (Result.isSuccess(answer) ? answer.success : answer.failure.reason._tag)),
        ["a!", "b!", "TimedOut", "TimedOut"]
      )
      assert.strictEqual(seen.interrupted, 1)
    })
  )

  it.effect("is not outlived by a row that waits for others", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      const source = Stream.concat(Stream.make("a"), Stream.never)
      const first = source.pipe(
        Lookup.results(store, itself, { linger: "1 hour", deadline: "2 seconds" }),
        Stream.runHead
      )
      const [, answer] = Option.getOrThrow(yield* inTime(first, "1 second"))
      assert.isTrue(Result.isFailure(answer) && answer.failure.reason._tag === "TimedOut")
      assert.deepStrictEqual(seen.calls, [])
    })
  )

  const tags = (rows: ReadonlyArray<[string, Result.Result<string, TestError>]>) =>
    rows.map(([key, answer]) => `${key} ${Result.isSuccess(answer) ? answer.success : answer.failure.reason._tag}`)

  it.effect("keeps finished rows, fails the others in their places, and cancels the calls in flight", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore((keys) => (keys[0] === "c" ? Effect.never : answerAll(keys)))
      const rows = yield* inTime(
        Stream.fromIterable(letters).pipe(
          Lookup.results(store, itself, { maxBatch: 2, deadline: "3 seconds" }),
          Stream.runCollect
        ),
        "1 second"
      )
      assert.deepStrictEqual(tags(rows), ["a a!", "b b!", "c TimedOut", "d TimedOut", "e e!", "f f!", "g g!", "h h!"])
      assert.strictEqual(seen.interrupted, 1)
      const late = rows[2]?.[1]
      assert(late !== undefined && Result.isFailure(late))
      assert.deepInclude(late.failure.reason, { _tag: "TimedOut", afterMillis: 3000 })
      assert.strictEqual(yield* Clock.currentTimeMillis, 3000)
    })
  )

  it.effect("asks for nothing once it has passed, neither those that wait for room nor those that come later", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore(() => Effect.never)
      const rows = yield* inTime(
        every(1000, letters).pipe(
          Lookup.results(store, itself, { maxBatch: 1, concurrency: 2, deadline: "1500 millis" }),
          Stream.runCollect
        ),
        "500 millis"
      )
      assert.deepStrictEqual(
        tags(rows),
        letters.map((key) => `${key} TimedOut`)
      )
      assert.deepStrictEqual(seen.calls, [["a"], ["b"]])
      assert.strictEqual(seen.interrupted, 2)
    })
  )

  it.effect("does not wait between attempts any longer", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore(() => Effect.fail(rateLimited(60_000)))
      const rows = yield* inTime(
        Stream.make("a").pipe(Lookup.results(store, itself, { deadline: "10 seconds" }), Stream.runCollect),
        "1 second"
      )
      assert.deepStrictEqual(tags(rows), ["a TimedOut"])
      assert.strictEqual(seen.calls.length, 1)
      assert.strictEqual(yield* Clock.currentTimeMillis, 10_000)
    })
  )

  it.effect("fails every row that waits for an identity in flight", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore(() => Effect.never)
      const rows = yield* inTime(
        Stream.make("a", "a", "b", "a").pipe(
          Lookup.results(store, itself, { maxBatch: 1, deadline: "1 second" }),
          Stream.runCollect
        )
      )
      assert.deepStrictEqual(tags(rows), ["a TimedOut", "a TimedOut", "b TimedOut", "a TimedOut"])
      assert.deepStrictEqual(seen.calls, [["a"], ["b"]])
    })
  )

  it.effect("ends the plain form", () =>
    Effect.gen(function* () {
      const { store } = makeStore(() => Effect.never)
      const failure = yield* inTime(
        Stream.make("a").pipe(Lookup.rows(store, itself, { deadline: "1 second" }), Stream.runDrain, Effect.flip)
      )
      assert.strictEqual(failure.reason._tag, "TimedOut")
    })
  )

  it.effect("still takes answers that are cached", () =>
    Effect.gen(function* () {
      const { store, seen } = makeStore()
      const cache = { capacity: 10, timeToLive: "1 hour" } as const
      const rows = yield* inTime(
        every(1000, ["a", "a", "b"]).pipe(
          Lookup.results(store, itself, { cache, deadline: "500 millis" }),
          Stream.runCollect
        ),
        "100 millis"
      )
      assert.deepStrictEqual(tags(rows), ["a a!", "a a!", "b TimedOut"])
      assert.deepStrictEqual(seen.calls, [["a"]])
    })
  )

  it.effect("that is infinite is none", () =>
    Effect.gen(function* () {
      const { store } = makeStore((keys) => Effect.andThen(Effect.sleep("365 days"), answerAll(keys)))
      const rows = yield* inTime(
        Stream.make("a").pipe(Lookup.results(store, itself, { deadline: "Infinity" }), Stream.runCollect),
        "1 day"
      )
      assert.deepStrictEqual(tags(rows), ["a a!"])
    })
  )
})

describe("a store that counts keys", () => {
  /** Keys in flight at once, at most. */
  const watched = (counts: "calls" | "keys") => {
    const gate = Latch.makeUnsafe(false)
    let inFlight = 0
    const seen = { most: 0, sizes: [] as Array<number> }
    const store: Lookup.Store<string, string, TestError> = {
      ...makeStore().store,
      counts,
      lookup: (keys) =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            seen.sizes.push(keys.length)
            inFlight += keys.length
            seen.most = Math.max(seen.most, inFlight)
          }),
          () => Effect.andThen(gate.await, answerAll(keys)),
          () => Effect.sync(() => (inFlight -= keys.length))
        )
    }
    return { gate, store, seen }
  }
  const words = Array.from({ length: 23 }, (_, i) => `w${i}`)

  const run = (counts: "calls" | "keys", options: Lookup.Options) =>
    Effect.gen(function* () {
      const { gate, seen, store } = watched(counts)
      const fiber = yield* Effect.forkChild(
        Stream.fromIterable(words).pipe(Lookup.rows(store, itself, options), Stream.runCollect)
      )
      yield* settle
      const atFirst = seen.most
      yield* gate.open
      const rows = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        rows.map(([key]) => key),
        words
      )
      return { ...seen, atFirst }
    })

  it.effect("has so many keys in flight, not calls", () =>
    Effect.gen(function* () {
      const seen = yield* run("keys", { maxBatch: 5, concurrency: 12 })
      assert.deepStrictEqual(seen, { atFirst: 10, most: 10, sizes: [5, 5, 5, 5, 3] })
    })
  )

  it.effect("gets no call larger than that", () =>
    Effect.gen(function* () {
      const seen = yield* run("keys", { maxBatch: 5, concurrency: 3 })
      assert.strictEqual(seen.most, 3)
      assert.deepStrictEqual(seen.sizes, [3, 3, 3, 3, 3, 3, 3, 2])
    })
  )

  it.effect("is not one that counts calls", () =>
    Effect.gen(function* () {
      const seen = yield* run("calls", { maxBatch: 5, concurrency: 3 })
      assert.strictEqual(seen.most, 15)
    })
  )
})

describe("room", () => {
  it.effect("is waited for in the batcher: no more is taken from the source than is in flight, and a batch ahead", () =>
    Effect.gen(function* () {
      let taken = 0
      const gate = yield* Latch.make()
      const { seen, store } = makeStore((keys) => Effect.andThen(gate.await, answerAll(keys)), 10)
      const rows = Stream.range(1, 1000).pipe(
        Stream.rechunk(10),
        Stream.map((n) => {
          taken = n
          return `k${n}`
        }),
        Lookup.rows({ ...store, counts: "keys" }, Result.succeed, { maxBatch: 10, concurrency: 20 })
      )
      const fiber = yield* Effect.forkChild(Stream.runCount(rows))
      yield* settle
      assert.strictEqual(seen.calls.length, 2)
      assert.isAtMost(taken, 60)
      yield* gate.open
      assert.strictEqual(yield* Fiber.join(fiber), 1000)
      assert.strictEqual(seen.mostInFlight, 2)
    })
  )
})

import {
  ConnectionFailed,
  type ConnectorError,
  InvalidRecord,
  NotFound,
  RateLimited,
  type Reason,
  RecordTooLarge,
  RequestRefused,
  TimedOut,
  Unauthorized
} from "@effect-connectors/core/ConnectorError"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Write from "@effect-connectors/core/Write"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

class StoreError extends Data.TaggedError("StoreError")<{ readonly reason: Reason }> implements ConnectorError {
  override get message(): string {
    return this.reason.message
  }
}

interface Row {
  readonly id: string
  readonly value: number
  readonly key?: string
}

const refused = new StoreError({ reason: new RequestRefused({ detail: "no negative values" }) })
const throttled = new StoreError({ reason: new RateLimited({ detail: "wait" }) })
const lost = new StoreError({ reason: new ConnectionFailed({ detail: "reset", sent: true }) })
const badKey = new StoreError({ reason: new Unauthorized({ detail: "no" }) })

/** A store that keeps the last value of each id, remembers its calls and does what `answer` says before applying one. */
const makeStore = (
  answer: (call: number, rows: ReadonlyArray<Row>) => Effect.Effect<void, StoreError> = () => Effect.void
) => {
  const calls: Array<ReadonlyArray<Row>> = []
  const stored = new Map<string, number>()
  const destination: Write.Destination<Row, Row, StoreError> = {
    target: { system: "test", operation: "put", collection: "rows" },
    limits: { maxRecords: 50, maxBytes: 1000, envelopeBytes: () => 10 },
    prepare: Arr.map((row): Write.Ready<Row, Row> | Write.Refused<Row, StoreError> =>
      row.id === ""
        ? {
            _tag: "Refused",
            input: row,
            error: new StoreError({ reason: new InvalidRecord({ field: "id", issue: "is empty" }) })
          }
        : { _tag: "Ready", input: row, item: row, key: row.key ?? "", id: row.id, bytes: Math.abs(row.value) }
    ),
    send: (_, rows) =>
      Effect.suspend(() => {
        calls.push(rows)
        return Effect.andThen(
          answer(calls.length, rows),
          Effect.sync(() => {
            for (const row of rows) stored.set(row.id, row.value)
          })
        )
      }),
    tooLarge: (ready, maxBytes) => new StoreError({ reason: new RecordTooLarge({ bytes: ready.bytes, maxBytes }) })
  }
  return { calls, stored, destination }
}

const rows = (n: number): ReadonlyArray<Row> => Arr.makeBy(n, (i) => ({ id: `r${i}`, value: 1 }))

const run = (store: ReturnType<typeof makeStore>, input: ReadonlyArray<Row>, options?: Write.Options) =>
  Stream.fromIterable(input).pipe(Write.outcomes(store.destination, options), Stream.runCollect)

/** Every input has exactly one outcome. */
const assertOneEach = <E>(outcomes: ReadonlyArray<Outcome.Outcome<Row, E>>, input: ReadonlyArray<Row>) => {
  assert.strictEqual(outcomes.length, input.length)
  assert.strictEqual(new Set(outcomes.map((outcome) => outcome.input)).size, new Set(input).size)
}

/** Keeps the outcomes of a stream that may fail or be interrupted. */
const keepingIn = (outcomes: Array<Outcome.Outcome<Row, StoreError>>) =>
  Stream.runForEach((outcome: Outcome.Outcome<Row, StoreError>) => Effect.sync(() => outcomes.push(outcome)))

const noNegatives = (_: number, sent: ReadonlyArray<Row>) =>
  sent.some((row) => row.value < 0) ? Effect.fail(refused) : Effect.void

const tags = (outcomes: ReadonlyArray<Outcome.Outcome<Row, StoreError>>) =>
  Object.fromEntries(outcomes.map((outcome) => [outcome.input.id, outcome._tag]))

describe("outcomes", () => {
  it.effect("one for each record, and every record stored", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const input = rows(237)
      const outcomes = yield* run(store, input, { maxRecords: 20 })
      assertOneEach(outcomes, input)
      assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 237, rejected: 0, unknown: 0 })
      assert.strictEqual(store.stored.size, 237)
      assert.strictEqual(store.calls.length, 12)
    })
  )

  it.effect("an empty stream sends nothing and ends well", () =>
    Effect.gen(function* () {
      const store = makeStore()
      assert.isEmpty(yield* run(store, []))
      assert.isEmpty(store.calls)
    })
  )

  it.effect("no call is over a limit of the store, whatever the options say", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const input = Arr.makeBy(300, (i) => ({ id: `r${i}`, value: 1 + (i % 97) }))
      assertOneEach(yield* run(store, input, { maxRecords: 5000, maxBytes: 1_000_000 }), input)
      for (const call of store.calls) {
        assert.isAtMost(call.length, 50)
        assert.isAtMost(
          call.reduce((sum, row) => sum + row.value, 10),
          1000
        )
      }
    })
  )

  it.effect("a record over the size of a call is set aside before sending", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const input = [
        { id: "a", value: 1 },
        { id: "huge", value: 991 },
        { id: "fits", value: 990 }
      ]
      const outcomes = yield* run(store, input)
      assertOneEach(outcomes, input)
      assert.deepStrictEqual(tags(outcomes), { a: "Written", huge: "Rejected", fits: "Written" })
      const [huge] = outcomes.filter(Outcome.isNotWritten)
      assert.strictEqual(huge?.error.reason._tag, "RecordTooLarge")
      assert.strictEqual(huge?.attempts, 0)
      assert.isFalse(store.calls.flat().some((row) => row.id === "huge"))
    })
  )

  it.effect("a record refused before sending gets its outcome, the others are written", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const input = [
        { id: "a", value: 1 },
        { id: "", value: 1 },
        { id: "b", value: 1 }
      ]
      const outcomes = yield* run(store, input)
      assertOneEach(outcomes, input)
      assert.deepStrictEqual(tags(outcomes), { a: "Written", "": "Rejected", b: "Written" })
    })
  )
})

describe("a refused call", () => {
  it.effect("is halved until the bad record stands alone, in about log2 calls", () =>
    Effect.gen(function* () {
      for (const at of [0, 13, 31, 49]) {
        const store = makeStore(noNegatives)
        const input = rows(50).map((row, i) => (i === at ? { ...row, value: -1 } : row))
        const outcomes = yield* run(store, input)
        assertOneEach(outcomes, input)
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 49, rejected: 1, unknown: 0 })
        const bad = outcomes.find(Outcome.isNotWritten)
        assert.strictEqual(bad?.input.id, `r${at}`)
        assert.strictEqual(bad?.error, refused)
        assert.isAtMost(store.calls.length, 1 + 2 * Math.ceil(Math.log2(50)))
      }
    })
  )

  it.effect.prop(
    "whatever is bad, exactly that is rejected and all else is stored",
    {
      bad: Schema.Array(Schema.Boolean),
      size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))
    },
    ({ bad, size }) =>
      Effect.gen(function* () {
        const store = makeStore(noNegatives)
        const input = bad.map((isBad, i) => ({ id: `r${i}`, value: isBad ? -1 : 1 }))
        const outcomes = yield* run(store, input, { maxRecords: size })
        assertOneEach(outcomes, input)
        for (const outcome of outcomes) {
          assert.strictEqual(outcome._tag, outcome.input.value < 0 ? "Rejected" : "Written")
        }
        assert.deepStrictEqual(
          [...store.stored.keys()].sort(),
          input
            .filter((row) => row.value > 0)
            .map((row) => row.id)
            .sort()
        )
      })
  )
})

describe("failed calls", () => {
  it.effect("are repeated while time can cure them", () =>
    Effect.gen(function* () {
      const store = makeStore((call) => (call < 3 ? Effect.fail(throttled) : Effect.void))
      const fiber = yield* Effect.forkChild(run(store, rows(4)))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(Outcome.countAll(yield* Fiber.join(fiber)), { written: 4, rejected: 0, unknown: 0 })
      assert.strictEqual(store.calls.length, 3)
    })
  )

  it.effect("end as rejected when the store surely did not apply them", () =>
    Effect.gen(function* () {
      const store = makeStore(() => Effect.fail(throttled))
      const fiber = yield* Effect.forkChild(run(store, rows(4), { retry: { maxAttempts: 3 } }))
      yield* TestClock.adjust("1 minute")
      const outcomes = yield* Fiber.join(fiber)
      assertOneEach(
        outcomes,
        rows(4).map((row) => outcomes.find((outcome) => outcome.input.id === row.id)!.input)
      )
      assert.isTrue(outcomes.every((outcome) => outcome._tag === "Rejected" && outcome.attempts === 3))
      assert.strictEqual(store.calls.length, 3)
    })
  )

  it.effect("end as unknown when an answer was lost, also if later attempts surely failed", () =>
    Effect.gen(function* () {
      const store = makeStore((call) => Effect.fail(call === 1 ? lost : throttled))
      const fiber = yield* Effect.forkChild(run(store, rows(4), { retry: { maxAttempts: 2 } }))
      yield* TestClock.adjust("1 minute")
      const outcomes = yield* Fiber.join(fiber)
      assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 0, rejected: 0, unknown: 4 })
    })
  )

  it.effect("a timeout of a single attempt is unknown", () =>
    Effect.gen(function* () {
      const timedOut = new StoreError({ reason: new TimedOut({ afterMillis: 5 }) })
      const store = makeStore(() => Effect.fail(timedOut))
      const outcomes = yield* run(store, rows(1), { retry: { maxAttempts: 1 } })
      assert.deepStrictEqual(
        outcomes.map((outcome) => outcome._tag),
        ["Unknown"]
      )
    })
  )

  it.effect("a missing namespace rejects its records in one call and spares the others", () =>
    Effect.gen(function* () {
      const missing = new StoreError({ reason: new NotFound({ resource: "namespace", called: "x" }) })
      const store = makeStore((_, sent) => (sent[0]?.key === "x" ? Effect.fail(missing) : Effect.void))
      const input = rows(6).map((row, i) => (i < 3 ? { ...row, key: "x" } : row))
      const outcomes = yield* run(store, input)
      assertOneEach(outcomes, input)
      assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 3, rejected: 3, unknown: 0 })
      assert.strictEqual(store.calls.length, 2)
    })
  )
})

describe("what stops all progress", () => {
  it.effect("ends the source, answers all that was taken in, and fails the stream", () =>
    Effect.gen(function* () {
      const store = makeStore((call) => (call >= 3 ? Effect.fail(badKey) : Effect.void))
      const taken: Array<Row> = []
      const outcomes: Array<Outcome.Outcome<Row, StoreError>> = []
      const exit = yield* Stream.fromIterable(rows(40), { chunkSize: 8 }).pipe(
        Stream.concat(Stream.never),
        Stream.map((row) => {
          taken.push(row)
          return row
        }),
        Write.outcomes(store.destination, { maxRecords: 4, concurrency: 2 }),
        Stream.runForEach((outcome) => Effect.sync(() => outcomes.push(outcome))),
        Effect.exit
      )
      assert.deepStrictEqual(exit, Exit.fail(badKey))
      assertOneEach(outcomes, taken)
      assert.deepStrictEqual(Outcome.countAll(outcomes).written, 8)
      assert.strictEqual(Outcome.countAll(outcomes).unknown, 0)
    })
  )

  it.effect("ends the waiting of other batches for their next attempt", () =>
    Effect.gen(function* () {
      const store = makeStore((call) =>
        call === 4 ? Effect.andThen(Effect.sleep("1 second"), Effect.fail(badKey)) : Effect.fail(throttled)
      )
      const input = rows(40)
      const outcomes: Array<Outcome.Outcome<Row, StoreError>> = []
      const fiber = yield* Stream.fromIterable(input).pipe(
        Write.outcomes(store.destination, { maxRecords: 10, concurrency: 4, retry: { base: "20 seconds" } }),
        Stream.runForEach((outcome) => Effect.sync(() => outcomes.push(outcome))),
        Effect.exit,
        Effect.forkChild
      )
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.fail(badKey))
      assertOneEach(outcomes, input)
      assert.strictEqual(store.calls.length, 4)
    })
  )

  it.effect("ends a source that always has more ready", () =>
    Effect.gen(function* () {
      const store = makeStore(() => Effect.fail(badKey))
      const taken: Array<Row> = []
      const outcomes: Array<Outcome.Outcome<Row, StoreError>> = []
      const exit = yield* Stream.iterate(0, (n) => n + 1).pipe(
        Stream.map((n): Row => {
          const row = { id: `r${n}`, value: 1 }
          taken.push(row)
          return row
        }),
        Write.outcomes(store.destination),
        keepingIn(outcomes),
        Effect.exit
      )
      assert.deepStrictEqual(exit, Exit.fail(badKey))
      assertOneEach(outcomes, taken)
      assert.strictEqual(Outcome.countAll(outcomes).rejected, taken.length)
    })
  )

  it.effect("a source that fails does so after what it gave was written", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const input = rows(5)
      const outcomes: Array<Outcome.Outcome<Row, StoreError>> = []
      const exit = yield* Stream.fromIterable(input).pipe(
        Stream.concat(Stream.fail("source broke" as const)),
        Write.outcomes(store.destination, { maxRecords: 2 }),
        keepingIn(outcomes),
        Effect.exit
      )
      assert.deepStrictEqual(exit, Exit.fail("source broke" as const))
      assertOneEach(outcomes, input)
      assert.strictEqual(Outcome.countAll(outcomes).written, 5)
      assert.strictEqual(store.stored.size, 5)
    })
  )
})

describe("the plain form", () => {
  it.effect("passes what was written and fails at the end, listing what was not", () =>
    Effect.gen(function* () {
      const store = makeStore(noNegatives)
      const input = rows(10).map((row, i) => (i === 4 ? { ...row, value: -1 } : row))
      const seen: Array<string> = []
      const exit = yield* Stream.fromIterable(input).pipe(
        Write.written(store.destination),
        Stream.runForEach((written) => Effect.sync(() => seen.push(written.input.id))),
        Effect.flip
      )
      assert.strictEqual(seen.length, 9)
      assert.instanceOf(exit, Outcome.RecordsNotWritten)
      assert.strictEqual(exit.rejected, 1)
      assert.deepStrictEqual(
        exit.first.map(({ input }) => input),
        [input[4]]
      )
    })
  )
})

describe("order and duplicates", () => {
  it.effect("of one id in one batch the last wins, and all get its outcome", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const input = [1, 2, 3].map((value) => ({ id: "same", value })).concat({ id: "other", value: 9 })
      const outcomes = yield* run(store, input)
      assertOneEach(outcomes, input)
      assert.strictEqual(Outcome.countAll(outcomes).written, 4)
      assert.deepStrictEqual(store.calls, [
        [
          { id: "same", value: 3 },
          { id: "other", value: 9 }
        ]
      ])
    })
  )

  it.effect("when the last is rejected, the one before it is written", () =>
    Effect.gen(function* () {
      const store = makeStore(noNegatives)
      const input = [
        { id: "same", value: 1 },
        { id: "same", value: 2 },
        { id: "same", value: -3 }
      ]
      const outcomes = yield* run(store, input)
      assertOneEach(outcomes, input)
      assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 2, rejected: 1, unknown: 0 })
      assert.strictEqual(store.stored.get("same"), 2)
    })
  )

  it.effect("when the last is throttled to the end, the earlier ones share that and are not sent", () =>
    Effect.gen(function* () {
      const store = makeStore(() => Effect.fail(throttled))
      const input = Arr.makeBy(20, (value) => ({ id: "same", value }))
      const fiber = yield* Effect.forkChild(run(store, input))
      yield* TestClock.adjust("10 minutes")
      const outcomes = yield* Fiber.join(fiber)
      assertOneEach(outcomes, input)
      assert.strictEqual(Outcome.countAll(outcomes).rejected, 20)
      assert.strictEqual(store.calls.length, 8)
    })
  )

  it.effect("sendAll leaves duplicates to the store", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const input = [
        { id: "same", value: 1 },
        { id: "same", value: 2 }
      ]
      assertOneEach(yield* run(store, input, { duplicates: "sendAll" }), input)
      assert.deepStrictEqual(store.calls, [input])
    })
  )

  it.effect.prop(
    "with many batches in flight the last record of each id is what stays",
    {
      ids: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))),
      delays: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })))
    },
    ({ ids, delays }) =>
      Effect.gen(function* () {
        const store = makeStore((call) => Effect.sleep(delays[call % (delays.length + 1)] ?? 7))
        const input = ids.map((id, n) => ({ id: `r${id}`, value: n }))
        const fiber = yield* Effect.forkChild(run(store, input, { maxRecords: 2, concurrency: 4 }))
        yield* TestClock.adjust("1 minute")
        assertOneEach(yield* Fiber.join(fiber), input)
        assert.deepStrictEqual(
          Object.fromEntries(store.stored),
          Object.fromEntries(input.map((row) => [row.id, row.value]))
        )
      })
  )

  it.effect("without order, batches that share an id run side by side", () =>
    Effect.gen(function* () {
      let flying = 0
      let most = 0
      const store = makeStore(() =>
        Effect.sync(() => {
          most = Math.max(most, ++flying)
        }).pipe(Effect.andThen(Effect.sleep(10)), Effect.ensuring(Effect.sync(() => flying--)))
      )
      const input = Arr.makeBy(4, (value) => ({ id: "same", value }))
      const go = (ordered: boolean) =>
        Effect.gen(function* () {
          most = 0
          const fiber = yield* Effect.forkChild(run(store, input, { maxRecords: 1, ordered }))
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(fiber)
          return most
        })
      assert.strictEqual(yield* go(true), 1)
      assert.strictEqual(yield* go(false), 4)
    })
  )
})

describe("concurrency, time and interruption", () => {
  it.effect("never more batches in flight than asked for, and as many", () =>
    Effect.gen(function* () {
      let flying = 0
      let most = 0
      const store = makeStore(() =>
        Effect.sync(() => {
          most = Math.max(most, ++flying)
        }).pipe(Effect.andThen(Effect.sleep(10)), Effect.ensuring(Effect.sync(() => flying--)))
      )
      const fiber = yield* Effect.forkChild(run(store, rows(100), { maxRecords: 5, concurrency: 3 }))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).length, 100)
      assert.strictEqual(most, 3)
    })
  )

  it.effect("holds no more than the batches in flight, one under construction and a slice of a chunk", () =>
    Effect.gen(function* () {
      let taken = 0
      const store = makeStore(() => Effect.never)
      const fiber = yield* Stream.range(0, 99_999, 10).pipe(
        Stream.map((i): Row => {
          taken++
          return { id: `r${i}`, value: 1 }
        }),
        Write.outcomes(store.destination, { maxRecords: 10, concurrency: 2 }),
        Stream.runDrain,
        Effect.forkChild
      )
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(store.calls.length, 2)
      assert.isAtMost(taken, 2 * 10 + 10 + 2 * 10)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("a slow source is written within linger", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const source = yield* Queue.unbounded<Row>()
      const input = { id: "a", value: 1 }
      const outcomes: Array<Outcome.Outcome<Row, StoreError>> = []
      const fiber = yield* Stream.fromQueue(source).pipe(
        Write.outcomes(store.destination, { linger: "500 millis" }),
        keepingIn(outcomes),
        Effect.forkChild
      )
      yield* Queue.offer(source, input)
      yield* TestClock.adjust("499 millis")
      assert.strictEqual(store.stored.size, 0)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(store.stored.size, 1)
      yield* Fiber.interrupt(fiber)
      assertOneEach(outcomes, [input])
    })
  )

  it.effect("interruption cancels the calls in flight", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      let cancelled = 0
      const store = makeStore(() =>
        Deferred.succeed(started, undefined).pipe(
          Effect.andThen(Effect.never),
          Effect.onInterrupt(() => Effect.sync(() => cancelled++))
        )
      )
      const fiber = yield* Effect.forkChild(run(store, rows(30), { maxRecords: 10, concurrency: 3 }))
      yield* Deferred.await(started)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(cancelled, store.calls.length)
      assert.isAtLeast(cancelled, 1)
      assert.strictEqual(store.stored.size, 0)
    })
  )

  it.effect("an ended source drains: all in flight is answered", () =>
    Effect.gen(function* () {
      const store = makeStore(() => Effect.sleep("3 seconds"))
      const fiber = yield* Effect.forkChild(run(store, rows(25), { maxRecords: 10 }))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(store.stored.size, 0)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).length, 25)
      assert.strictEqual(store.stored.size, 25)
    })
  )
})

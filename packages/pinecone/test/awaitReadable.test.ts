import { Unauthorized, Unavailable } from "@effect-connectors/core/ConnectorError"
import * as Freshness from "@effect-connectors/pinecone/Freshness"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex, type Service, type WriteReply } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { atServer, changed, inMemory, stored } from "./support/index.ts"
import { refusalOf } from "./support/secrets.ts"
import { inTime, settle } from "./support/time.ts"

const a = { id: "a", values: [1, 1] }

const upsert = (id: string) => Stream.make({ ...a, id }).pipe(PineconeSink.upsert(), Stream.runDrain)

/** An index whose reads are two seconds late. */
const late = inMemory({ visibleAfter: "2 seconds" })

/** How many milliseconds of the test clock an effect takes. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const end = yield* inTime(Effect.andThen(effect, Clock.currentTimeMillis), "10 millis")
    return end - start
  })

/** The service without sequence numbers. */
const unnumbered = (index: Service): Service => {
  const write =
    <Request>(call: (request: Request) => Effect.Effect<WriteReply, PineconeError>) =>
    (request: Request) =>
      Effect.map(call(request), ({ count }): WriteReply => ({ count }))
  return Freshness.tracked({
    ...index,
    upsert: write(index.upsert),
    update: write(index.update),
    delete: write(index.delete),
    query: (request) => Effect.map(index.query(request), ({ matches }) => ({ matches }))
  })
}

const withoutNumbers = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  late(Effect.flatMap(PineconeIndex, (index) => Effect.provideService(effect, PineconeIndex, unnumbered(index))))

describe("awaitReadable", () => {
  it.effect("waits until reads see the last write, and not much longer", () =>
    Effect.gen(function* () {
      yield* upsert("a")
      yield* TestClock.adjust("500 millis")
      yield* upsert("b")
      assert.isUndefined(yield* stored("b"))
      const waited = yield* timed(PineconeSink.awaitReadable())
      assert.isDefined(yield* stored("b"))
      assert.isAtLeast(waited, 2000)
      // Looks at 0, 50, 150, 350, 750, 1550, 3150.
      assert.isAtMost(waited, 3200)
      assert.strictEqual(yield* timed(PineconeSink.awaitReadable()), 0)
    }).pipe(late)
  )

  it.effect("looks as often as it is told", () =>
    Effect.gen(function* () {
      const looks: Array<number> = []
      yield* Effect.gen(function* () {
        yield* upsert("a")
        yield* timed(PineconeSink.awaitReadable({ poll: { base: "100 millis", cap: "400 millis" } }))
      }).pipe(
        changed(
          (index) => ({
            query: (request) =>
              Effect.andThen(
                Effect.map(Clock.currentTimeMillis, (now) => looks.push(now)),
                index.query(request)
              )
          }),
          { visibleAfter: "2 seconds" }
        )
      )
      assert.deepStrictEqual(looks, [0, 100, 300, 700, 1100, 1500, 1900, 2300])
    })
  )

  it.effect("what is written while it waits is not waited for", () =>
    Effect.gen(function* () {
      yield* upsert("a")
      const fiber = yield* Effect.forkChild(PineconeSink.awaitReadable({ poll: { cap: "100 millis" } }))
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* upsert("b")
      yield* TestClock.adjust("1100 millis")
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber)))
      assert.isDefined(yield* stored("a"))
      assert.isUndefined(yield* stored("b"))
    }).pipe(late)
  )

  it.effect("updates and deletes count, and each namespace has its own", () =>
    Effect.gen(function* () {
      const index = yield* PineconeIndex
      yield* upsert("a")
      yield* timed(PineconeSink.awaitReadable())
      yield* index.update({ id: "a", metadata: { x: 1 } })
      assert.strictEqual(yield* timed(PineconeSink.awaitReadable({ namespace: "other" })), 0)
      yield* timed(PineconeSink.awaitReadable({ namespace: "__default__" }))
      assert.deepStrictEqual((yield* stored("a"))?.metadata, { x: 1 })
      yield* index.delete({ ids: ["a"], namespace: "" })
      yield* timed(PineconeSink.awaitReadable())
      assert.isUndefined(yield* stored("a"))
    }).pipe(late)
  )

  it.effect("nothing written, or a namespace removed since, needs no look", () =>
    Effect.gen(function* () {
      yield* PineconeSink.awaitReadable()
      const index = yield* PineconeIndex
      yield* upsert("a")
      yield* index.deleteNamespace("__default__")
      yield* PineconeSink.awaitReadable()
    }).pipe(
      changed(() => ({
        query: () => Effect.die("asked")
      }))
    )
  )

  it.effect("looks for ids that another layer wrote", () =>
    Effect.gen(function* () {
      const index = yield* PineconeIndex
      yield* index.upsert({ records: [a] })
      const other: Service = { ...index, written: () => undefined }
      const told = PineconeSink.awaitReadable({ stored: ["a"] }).pipe(Effect.provideService(PineconeIndex, other))
      assert.isAtLeast(yield* timed(told), 2000)
      const never = PineconeSink.awaitReadable({ stored: ["never"], timeout: "1 second" }).pipe(
        Effect.provideService(PineconeIndex, other)
      )
      assert.strictEqual((yield* inTime(refusalOf(never), "100 millis")).reason._tag, "TimedOut")
    }).pipe(late)
  )

  it.effect("too late is TimedOut, and says how far reads are", () =>
    Effect.gen(function* () {
      yield* upsert("a")
      yield* upsert("b")
      const error = yield* inTime(refusalOf(PineconeSink.awaitReadable({ timeout: "1500 millis" })), "100 millis")
      assert.include(error, { operation: "awaitReadable", namespace: "__default__" })
      assert.deepInclude(error.reason, { _tag: "TimedOut", afterMillis: 1500 })
      assert.include(error.message, "up to number 0, and the last one has 2")
    }).pipe(late)
  )

  it.effect("a look that fails for a moment is repeated, one that can not succeed ends it", () =>
    Effect.gen(function* () {
      const index = yield* PineconeIndex
      yield* upsert("a")
      let calls = 0
      const failing = (reason: PineconeError["reason"], times: number) =>
        timed(PineconeSink.awaitReadable()).pipe(
          Effect.provideService(PineconeIndex, {
            ...index,
            query: (request) =>
              Effect.suspend(() =>
                calls++ < times ? Effect.fail(new PineconeError({ operation: "query", reason })) : index.query(request)
              )
          })
        )
      yield* failing(new Unavailable({ detail: "down" }), 3)
      assert.isAbove(calls, 3)
      calls = 0
      const error = yield* refusalOf(failing(new Unauthorized({ detail: "no" }), 1))
      assert.strictEqual(error.reason._tag, "Unauthorized")
      assert.strictEqual(calls, 1)
    }).pipe(late)
  )

  it.effect("options and namespaces that can not be are refused", () =>
    Effect.gen(function* () {
      yield* upsert("a")
      for (const [options, field] of [
        [{ timeout: -1 }, "timeout"],
        [{ poll: { base: -1 } }, "poll.base"],
        [{ poll: { cap: -1 } }, "poll.cap"],
        [{ namespace: "ü" }, "namespace"]
      ] as const) {
        assert.include((yield* refusalOf(PineconeSink.awaitReadable(options))).message, field)
      }
    }).pipe(inMemory())
  )
})

describe("awaitReadable without sequence numbers", () => {
  it.effect("waits for the ids it is given", () =>
    Effect.gen(function* () {
      yield* upsert("a")
      yield* TestClock.adjust("1 second")
      yield* upsert("b")
      const waited = yield* timed(PineconeSink.awaitReadable({ stored: ["a", "b", "a"], poll: { cap: "100 millis" } }))
      assert.isAtLeast(waited, 2000)
      assert.isDefined(yield* stored("b"))
      const index = yield* PineconeIndex
      yield* index.delete({ ids: ["a"] })
      const more = yield* timed(PineconeSink.awaitReadable({ stored: ["b"], gone: ["a"], poll: { cap: "100 millis" } }))
      assert.isAtLeast(more, 2000)
      assert.isUndefined(yield* stored("a"))
    }).pipe(withoutNumbers)
  )

  it.effect("more ids than a call takes", () =>
    Effect.gen(function* () {
      const records = Array.from({ length: 2100 }, (_, i) => ({ ...a, id: `id-${i}` }))
      yield* Stream.fromIterable(records).pipe(PineconeSink.upsert(), Stream.runDrain)
      yield* timed(PineconeSink.awaitReadable({ stored: records.map(({ id }) => id) }))
      assert.isDefined(yield* stored("id-2099"))
    }).pipe(withoutNumbers)
  )

  it.effect("and without ids it is refused, since nothing could tell", () =>
    Effect.gen(function* () {
      yield* upsert("a")
      const { reason } = yield* refusalOf(PineconeSink.awaitReadable())
      assert.deepInclude(reason, { _tag: "InvalidOption", option: "stored" })
    }).pipe(withoutNumbers)
  )

  it.effect("where reads alone tell none, ids are looked for; without ids the time runs out", () =>
    Effect.gen(function* () {
      const index = yield* PineconeIndex
      const mute = { ...index, query: () => Effect.succeed({ matches: [] }) }
      yield* upsert("a")
      yield* Effect.gen(function* () {
        const error = yield* inTime(refusalOf(PineconeSink.awaitReadable({ timeout: "1 second" })), "100 millis")
        assert.include(error.message, "name records in `stored` or `gone`")
        yield* timed(PineconeSink.awaitReadable({ stored: ["a"] }))
        assert.isDefined(yield* stored("a"))
      }).pipe(Effect.provideService(PineconeIndex, mute))
    }).pipe(late)
  )

  it.effect("the ids that are missing are counted when the time is over", () =>
    Effect.gen(function* () {
      yield* upsert("a")
      const error = yield* inTime(
        refusalOf(PineconeSink.awaitReadable({ stored: ["a", "b"], gone: ["c"], timeout: "1 second" })),
        "100 millis"
      )
      assert.include(error.message, "2 of 2 records can not be read yet, and 0 of 1 still can")
    }).pipe(withoutNumbers)
  )
})

describe("tracked", () => {
  it.effect("keeps the highest number of each namespace, and says when it forgot", () =>
    Effect.gen(function* () {
      let lsn: number | undefined
      const index = Freshness.tracked({
        ...(yield* PineconeIndex),
        upsert: () => Effect.succeed(lsn === undefined ? {} : { lsn })
      })
      const write = (namespace: string, number: number | undefined) => {
        lsn = number
        return index.upsert({ namespace, records: [a] })
      }
      assert.isUndefined(index.written("n"))
      yield* write("n", 7)
      yield* write("n", 5)
      assert.deepStrictEqual(index.written("n"), { lsn: 7 })
      yield* write("n", undefined)
      assert.deepStrictEqual(index.written("n"), { lsn: undefined })
      yield* write("n", 9)
      assert.deepStrictEqual(index.written("n"), { lsn: 9 })
      yield* write("", 3)
      assert.deepStrictEqual(index.written("__default__"), { lsn: 3 })
      assert.isUndefined(index.written("m"))
      for (let i = 0; i < 9_999; i++) yield* write(`n${i}`, i)
      assert.deepStrictEqual(index.written("n"), { lsn: undefined })
      assert.deepStrictEqual(index.written("m"), { lsn: undefined })
      assert.deepStrictEqual(index.written("__default__"), { lsn: 3 })
    }).pipe(inMemory())
  )
})

describe("sequence numbers on the wire", () => {
  for (const [written, indexed] of [
    ["x-pinecone-request-lsn", "x-pinecone-max-indexed-lsn"],
    ["x-pinecone-lsn-committed", "x-pinecone-lsn-reconciled"]
  ] as const) {
    it.live(`${written} and ${indexed}`, () =>
      atServer(
        [
          { body: {}, headers: { [written]: "8" } },
          { body: {}, headers: { [indexed]: "7" } },
          { body: {}, headers: { [indexed]: "8" } },
          { body: {}, headers: { [indexed]: "11" } },
          { body: {}, headers: { [indexed]: "12" } }
        ],
        (server) =>
          Effect.gen(function* () {
            yield* upsert("a")
            yield* PineconeSink.awaitReadable({ poll: { base: "1 millis" } })
            assert.deepStrictEqual(
              server.received.map(({ path }) => path),
              ["/vectors/upsert", "/query", "/query"]
            )
            const index = yield* PineconeIndex
            assert.strictEqual((yield* index.fetch({ ids: ["a"] })).indexedLsn, 11)
            assert.strictEqual((yield* index.list({})).indexedLsn, 12)
          })
      )
    )
  }
})

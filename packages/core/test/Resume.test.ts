import * as Ledger from "@effect-connectors/core/Ledger"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Resume from "@effect-connectors/core/Resume"
import * as Write from "@effect-connectors/core/Write"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Stores from "./support/stores.ts"
import { refused, type TestError, unavailable } from "./support/TestError.ts"
import { inTime, settle } from "./support/time.ts"

const job: Ledger.Job = { kind: "load", index: "numbers", run: "1" }
const open = Resume.open(job)

type Entry = Resume.Entry<number>
type Tag = Resume.Settled["_tag"]

const numbers = (count: number, size = 7) => Stream.fromIterable(Arr.range(0, count - 1), { chunkSize: size })
const settleAs = (tag: (entry: Entry) => Tag) => (input: Entry) => ({ _tag: tag(input), input })
const isDone = (tag: Tag) => tag === "Written" || tag === "DeadLettered"
const valuesOf = (entries: ReadonlyArray<Entry>) => entries.map(({ value }) => value)

const within = (entries: Map<string, string>) =>
  Effect.provideService(KeyValueStore.KeyValueStore, Stores.makeOpen(entries))

/** What a new run would be given. */
const pendingOf = (count: number) =>
  Effect.flatMap(open, (run) => Effect.map(Stream.runCollect(run.pending(numbers(count))), valuesOf))

describe.each(Stores.layers)("a load with its ledger %s", (_, layer) => {
  it.effect("gives everything with positions, and nothing again that is done", () =>
    Effect.gen(function* () {
      const first = yield* open
      const given = yield* first.pending(Stream.make("a", "b", "c")).pipe(Stream.runCollect)
      assert.deepStrictEqual(given, [
        { position: 0, value: "a" },
        { position: 1, value: "b" },
        { position: 2, value: "c" }
      ])
      const tags: ReadonlyArray<Tag> = ["Written", "Rejected", "DeadLettered", "Unknown", "Written"]
      const run = yield* open
      const passed = yield* run
        .pending(numbers(20, 3))
        .pipe(Stream.map(settleAs(({ value }) => tags[value % 5]!)), run.acknowledge, Stream.runCollect)
      // All outcomes pass, and in order.
      assert.deepStrictEqual(
        passed.map(({ input }) => input.value),
        Arr.range(0, 19)
      )
      assert.deepStrictEqual(yield* run.counts, { skipped: 0, given: 20, done: 12 })

      const again = yield* open
      assert.strictEqual(again.resumedAt, 1)
      const rest = yield* Stream.runCollect(again.pending(numbers(20, 3)))
      assert.deepStrictEqual(valuesOf(rest), [1, 3, 6, 8, 11, 13, 16, 18])
      assert.deepStrictEqual(yield* again.counts, { skipped: 12, given: 8, done: 0 })
    }).pipe(Effect.provide(layer))
  )
})

describe("a source that can begin anywhere", () => {
  it.effect("begins at the first element that is not done", () =>
    Effect.gen(function* () {
      const run = yield* open
      yield* run
        .pending(numbers(10))
        .pipe(
          Stream.map(settleAs(({ value }) => (value < 4 || value === 6 ? "Written" : "Unknown"))),
          run.acknowledge,
          Stream.runDrain
        )
      const again = yield* open
      const asked: Array<number> = []
      const rest = yield* again
        .pending((from) => {
          asked.push(from)
          return Stream.range(from, 9)
        })
        .pipe(Stream.runCollect)
      assert.deepStrictEqual(asked, [4])
      assert.deepStrictEqual(
        rest.map(({ position }) => position),
        [4, 5, 7, 8, 9]
      )
      assert.deepStrictEqual(valuesOf(rest), [4, 5, 7, 8, 9])
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )
})

describe("acknowledging", () => {
  it.effect("stores before it lets pass, once for a chunk and not for chunks without anything done", () =>
    Effect.gen(function* () {
      const entries = new Map<string, string>()
      let writes = 0
      const store = Stores.makeOpen(entries, (key, value) =>
        Effect.sync(() => {
          writes++
          entries.set(key, value)
        })
      )
      const run = yield* open.pipe(Effect.provideService(KeyValueStore.KeyValueStore, store))
      writes = 0
      yield* run.pending(numbers(40, 10)).pipe(
        Stream.map(settleAs(({ value }) => (value >= 10 && value < 20 ? "Rejected" : "Written"))),
        run.acknowledge,
        Stream.runForEachArray((chunk) =>
          Effect.gen(function* () {
            const rest = yield* pendingOf(40).pipe(within(entries))
            for (const { _tag, input } of chunk) assert.strictEqual(rest.includes(input.value), _tag === "Rejected")
          })
        )
      )
      assert.strictEqual(writes, 3)
    })
  )

  it.effect("takes entries that were dealt with in another way", () =>
    Effect.gen(function* () {
      const run = yield* open
      const given = yield* Stream.runCollect(run.pending(numbers(5)))
      yield* run.done(given.slice(1, 3))
      yield* run.done([])
      assert.deepStrictEqual(yield* pendingOf(5), [0, 3, 4])
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("again in the same run gives only what is not done yet", () =>
    Effect.gen(function* () {
      const run = yield* open
      const seen: Array<number> = []
      // The first time the stream breaks off.
      const once = run.pending(numbers(30, 5)).pipe(
        Stream.tap(({ value }) => (value === 17 && !seen.includes(17) ? Effect.fail("broken") : Effect.void)),
        Stream.map(settleAs(() => "Written")),
        run.acknowledge,
        Stream.runForEach(({ input }) => Effect.sync(() => seen.push(input.value)))
      )
      assert.strictEqual(yield* Effect.flip(once), "broken")
      const before = seen.length
      assert.isAtLeast(before, 15)
      seen.push(17)
      yield* once
      seen.splice(before, 1)
      assert.deepStrictEqual(seen, Arr.range(0, 29))
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("gives nothing of a finished job, and never looks at its source", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger.open({ job, checkpoint: Resume.Checkpoint, initial: { done: [] } })
      yield* ledger.finish
      const run = yield* open
      assert.deepStrictEqual(yield* Stream.runCollect(run.pending(Stream.die("read"))), [])
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )
})

describe("the law: whenever it crashes, nothing is left out, and only what was in flight is sent again", () => {
  const Schedule = Schema.Struct({
    count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 })),
    /** Which of those in flight are answered next, and how. */
    answers: Schema.Array(
      Schema.Struct({
        pick: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })),
        size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 })),
        tag: Schema.Literals(["Written", "DeadLettered", "Rejected", "Unknown"]),
        /** The process dies instead, before this is stored or half-way. */
        crash: Schema.Literals(["no", "no", "no", "before", "torn"])
      })
    )
  })

  it.effect.prop("for any order of answers and any crashes", { schedule: Schedule }, ({ schedule }) =>
    Effect.gen(function* () {
      const { count } = schedule
      const entries = new Map<string, string>()
      /** Done as far as anybody behind the ledger has heard. */
      const heard = new Set<number>()
      let torn = false
      const store = Stores.makeOpen(entries, (key, value) =>
        Effect.suspend(() => {
          entries.set(key, torn ? value.slice(0, value.length >> 1) : value)
          return torn ? Effect.die("killed") : Effect.void
        })
      )
      const start = Effect.gen(function* () {
        const run = yield* open
        const flying = [...(yield* Stream.runCollect(run.pending(numbers(count))))]
        assert.deepStrictEqual(
          valuesOf(flying),
          Arr.range(0, count - 1).filter((value) => !heard.has(value))
        )
        return { run, flying }
      }).pipe(Effect.provideService(KeyValueStore.KeyValueStore, store))

      let { flying, run } = yield* start
      for (const { crash, pick, size, tag } of schedule.answers) {
        if (flying.length === 0) break
        const chunk = flying.splice(pick % flying.length, size)
        torn = crash === "torn"
        if (crash !== "before") {
          const end = yield* Stream.fromArray(chunk).pipe(
            Stream.map(settleAs(() => tag)),
            run.acknowledge,
            Stream.runForEach(({ input }) => Effect.sync(() => isDone(tag) && heard.add(input.value))),
            Effect.exit
          )
          assert.strictEqual(end._tag, torn && isDone(tag) ? "Failure" : "Success")
        }
        torn = false
        if (crash !== "no") ({ flying, run } = yield* start)
      }
      // The last run has no trouble.
      ;({ flying, run } = yield* start)
      yield* Stream.fromArray(flying).pipe(Stream.map(settleAs(() => "Written")), run.acknowledge, Stream.runDrain)
      for (const { value } of flying) heard.add(value)
      assert.strictEqual(heard.size, count)
      assert.deepStrictEqual(yield* pendingOf(count).pipe(within(entries)), [])
      assert.strictEqual((yield* open.pipe(within(entries))).resumedAt, count)
    })
  )
})

describe("with the write engine", () => {
  const count = 400

  /** A store that keeps what it was sent, and refuses every 50th. */
  const destination = (sent: Array<number>): Write.Destination<Entry, number, TestError> => ({
    target: { system: "test", operation: "write", collection: "numbers" },
    limits: { maxRecords: 10, maxBytes: 1_000, envelopeBytes: () => 0 },
    prepare: Arr.map((input) => ({ _tag: "Ready", input, item: input.value, key: "", id: `${input.value}`, bytes: 1 })),
    send: (_, items) =>
      Effect.gen(function* () {
        // Batches are answered in another order than they are sent in.
        yield* Effect.sleep(`${1 + (items[0] % 7)} millis`)
        if (items.some((item) => item % 50 === 49)) return yield* refused()
        sent.push(...items)
      }),
    tooLarge: () => refused("large")
  })

  const load = (sent: Array<number>) =>
    Effect.gen(function* () {
      const run = yield* open
      const outcomes = yield* run
        .pending(numbers(count, 64))
        .pipe(Write.outcomes(destination(sent), { concurrency: 4 }), run.acknowledge, Stream.run(Outcome.count))
      return { outcomes, counts: yield* run.counts }
    })

  it.effect("a store of the ledger that fails at any save costs at most what was in flight", () =>
    Effect.gen(function* () {
      let ended = false
      for (let after = 0; !ended; after++) {
        const entries = new Map<string, string>()
        let saves = -1
        const store = Stores.makeOpen(entries, (key, value) =>
          Effect.suspend(() => {
            if (saves++ >= after) return Effect.die("killed")
            return Effect.sync(() => void entries.set(key, value))
          })
        )
        const first: Array<number> = []
        const exit = yield* inTime(
          Effect.exit(load(first)).pipe(Effect.provideService(KeyValueStore.KeyValueStore, store)),
          "1 millis"
        )
        ended = exit._tag === "Success"
        const rest = yield* pendingOf(count).pipe(within(entries))
        const second: Array<number> = []
        const { counts, outcomes } = yield* inTime(load(second).pipe(within(entries)), "1 millis")
        // Everything that can be written is, and what is sent again was sent and not acknowledged before.
        assert.deepStrictEqual(
          new Set([...first, ...second]),
          new Set(Arr.range(0, count - 1).filter((n) => n % 50 !== 49))
        )
        assert.deepStrictEqual(new Set(second), new Set(rest.filter((n) => n % 50 !== 49)))
        const resent = second.filter((n) => first.includes(n)).length
        // Four batches in flight, four answered and not yet acknowledged, and the one being acknowledged.
        assert.isAtMost(resent, 90)
        assert.deepStrictEqual(outcomes, { written: second.length, rejected: 8, unknown: 0 })
        assert.deepStrictEqual(counts, { given: rest.length, skipped: count - rest.length, done: second.length })
        if (after === 0) assert.isAtLeast(resent, 10)
      }
    })
  )
})

describe("reading", () => {
  const run = (window: number) => Resume.open(job, { window })

  it.effect("waits at the window for the first element without an outcome, and for none that was rejected", () =>
    Effect.gen(function* () {
      const load = yield* run(10)
      const given = yield* Queue.unbounded<Entry>()
      const fiber = yield* load.pending(numbers(100, 1)).pipe(
        Stream.runForEach((entry) => Queue.offer(given, entry)),
        Effect.forkChild
      )
      const arrived = Effect.andThen(settle, Effect.map(Queue.clear(given), valuesOf))
      const answer = (tag: Tag, values: ReadonlyArray<number>) =>
        Stream.fromIterable(values.map((value) => ({ position: value, value }))).pipe(
          Stream.map(settleAs(() => tag)),
          load.acknowledge,
          Stream.runDrain
        )
      assert.deepStrictEqual(yield* arrived, Arr.range(0, 9))
      yield* answer("Written", Arr.range(1, 9))
      assert.deepStrictEqual(yield* arrived, [])
      yield* answer("Rejected", [0])
      assert.deepStrictEqual(yield* arrived, Arr.range(10, 19))
      yield* answer("Unknown", [10, 11])
      assert.deepStrictEqual(yield* arrived, [20, 21])
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* pendingOf(12), [0, 10, 11])
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("that waits long says for what", () =>
    Effect.gen(function* () {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message }) => logged.push(message))
      const load = yield* run(2)
      const fiber = yield* Stream.runDrain(load.pending(numbers(10, 1))).pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.forkChild
      )
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(logged, [])
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(logged.length, 1)
      assert.include(String(logged[0]), "the element at 0")
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("leaves off when more is left undone than the ledger shall hold", () =>
    Effect.gen(function* () {
      const load = yield* run(5)
      const outage = unavailable()
      const end = yield* load.pending(numbers(100, 1)).pipe(
        Stream.map((entry) => (entry.value % 2 === 0 ? Outcome.written(entry) : Outcome.unknown(entry, outage, 1))),
        load.acknowledge,
        Stream.runDrain,
        Effect.flip
      )
      assert.deepStrictEqual(end.reason, new Ledger.TooManyGaps({ max: 5 }))
      assert.include(end.message, "dead-letter store")
      // Not forgotten: what was done before stays done.
      assert.deepStrictEqual(yield* pendingOf(10), [1, 3, 5, 7, 9])
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )
})

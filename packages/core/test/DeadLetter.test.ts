import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import type * as Ledger from "@effect-connectors/core/Ledger"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Resume from "@effect-connectors/core/Resume"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { harnesses, outcomes, recordsIn, row, Row } from "./support/letters.ts"
import * as Stores from "./support/stores.ts"
import { refused, type TestError, unavailable } from "./support/TestError.ts"

const ids = (rows: Iterable<number>) => [...rows].map((n) => `r${n}`).sort()

/** The first letter of a store. */
const onlyLetter = <A>(store: DeadLetter.Store<A>) =>
  Effect.map(Stream.runCollect(store.letters), (letters) => {
    assert.strictEqual(letters.length, 1)
    return letters[0]!
  })

describe.each(harnesses)("letters %s", (name, { run, timed }) => {
  it.effect("are stored before their outcomes pass, and written ones pass as they are", () =>
    run((open) =>
      Effect.gen(function* () {
        const store = yield* open
        const passed = yield* outcomes(Arr.range(0, 9), (n) => n % 3 === 0).pipe(
          DeadLetter.divert(store),
          Stream.runCollect
        )
        assert.deepStrictEqual(
          passed.map((kept) => [kept._tag, kept.input]),
          Arr.range(0, 9).map((n) => [n % 3 === 0 ? "DeadLettered" : "Written", row(n)])
        )
        const kept = passed.flatMap((kept) => (kept._tag === "DeadLettered" ? [kept.id] : []))
        assert.strictEqual(new Set(kept).size, 4)
        // Also for who opens the store anew.
        assert.deepStrictEqual(yield* timed(recordsIn(yield* open)), ids([0, 3, 6, 9]))
      })
    )
  )

  it.effect("hold the record, the reason, attempts and time", () =>
    run((open) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(Date.UTC(2026, 10, 26, 12))
        const store = yield* open
        const passed = yield* Stream.make(Outcome.unknown(row(7), unavailable(), 8)).pipe(
          DeadLetter.divert(store),
          Stream.runCollect
        )
        const { id, ...letter } = yield* timed(onlyLetter(store))
        assert.deepStrictEqual(letter, {
          _tag: "DeadLetter",
          outcome: "Unknown",
          error: "TestError",
          operation: undefined,
          reason: { _tag: "Unavailable", detail: "down", message: unavailable().message },
          attempts: 8,
          time: "2026-11-26T12:00:00.000Z",
          record: row(7)
        })
        const kept = passed.map((kept) => (kept._tag === "DeadLettered" ? kept.id : ""))
        if (name !== "in a queue") assert.deepStrictEqual(kept, [id])
      })
    )
  )

  it.effect("that are redriven leave the store when they are written", () =>
    run((open) =>
      Effect.gen(function* () {
        const store = yield* open
        yield* Stream.runDrain(DeadLetter.divert(store)(outcomes(Arr.range(0, 29))))
        const seen: Array<string> = []
        const passed = yield* timed(
          DeadLetter.redrive(store).pipe(
            Stream.map((letter): Outcome.Outcome<DeadLetter.DeadLetter<Row>, TestError> => {
              seen.push(letter.record.id)
              return Number(letter.record.id.slice(1)) % 2 === 0
                ? Outcome.written(letter)
                : Outcome.rejected(letter, refused("again"), 3)
            }),
            DeadLetter.settle(store),
            Stream.runCollect
          )
        )
        const odd = Arr.range(0, 29).filter((n) => n % 2 === 1)
        assert.deepStrictEqual(seen.toSorted(), ids(Arr.range(0, 29)))
        assert.strictEqual(passed.filter(({ _tag }) => _tag === "Written").length, 15)
        assert.deepStrictEqual(
          passed.flatMap((kept) => (kept._tag === "DeadLettered" ? [kept.input.record.id] : [])).sort(),
          ids(odd)
        )
        assert.deepStrictEqual(yield* timed(recordsIn(store)), ids(odd))
        // And a second time, though nobody said what became of those that were read.
        assert.deepStrictEqual(yield* timed(recordsIn(store)), ids(odd))
      })
    )
  )

  it.effect("that are written while others are redriven stay for the next time", () =>
    run((open) =>
      Effect.gen(function* () {
        const store = yield* open
        yield* Stream.runDrain(DeadLetter.divert(store)(outcomes(Arr.range(0, 9))))
        let more = 100
        const redriven = yield* timed(
          DeadLetter.redrive(store).pipe(
            Stream.take(10),
            Stream.tap(() => Stream.runDrain(DeadLetter.divert(store)(outcomes([more++])))),
            Stream.map(Outcome.written),
            DeadLetter.settle(store),
            Stream.runCollect
          )
        )
        assert.strictEqual(redriven.length, 10)
        const left = [...redriven.map(({ input }) => input.record.id), ...(yield* timed(recordsIn(yield* open)))]
        assert.deepStrictEqual(left.sort(), ids([...Arr.range(0, 9), ...Arr.range(100, 109)]))
      })
    )
  )

  it.effect("are in the store or written, wherever a redrive breaks off", () =>
    run((open) =>
      Effect.gen(function* () {
        const rows = Arr.range(0, 11)
        yield* Stream.runDrain(DeadLetter.divert(yield* open)(outcomes(rows)))
        const written = new Set<string>()
        let kept = ids(rows)
        for (let pass = 0; kept.length > 0; pass++) {
          assert.isBelow(pass, 100)
          // Before the sink, between the sink and settling, or after it.
          let steps = 0
          const step = Effect.suspend(() => (steps++ === pass % 20 ? Effect.die("killed") : Effect.void))
          const redrive = Effect.flatMap(open, (store) =>
            DeadLetter.redrive(store).pipe(
              Stream.rechunk(2),
              Stream.tap(() => step),
              Stream.map((letter): Outcome.Outcome<DeadLetter.DeadLetter<Row>, TestError> => {
                if ((Number(letter.record.id.slice(1)) + pass) % 3 === 0)
                  return Outcome.unknown(letter, unavailable(), 1)
                written.add(letter.record.id)
                return Outcome.written(letter)
              }),
              Stream.tap(() => step),
              DeadLetter.settle(store),
              Stream.tap(() => step),
              Stream.runDrain
            )
          )
          yield* timed(Effect.exit(Effect.scoped(redrive)))
          kept = yield* timed(Effect.scoped(Effect.flatMap(open, recordsIn)))
          assert.strictEqual(new Set(kept).size, kept.length)
          assert.deepStrictEqual([...new Set([...kept, ...written])].sort(), ids(rows))
        }
        assert.strictEqual(written.size, rows.length)
      })
    )
  )

  it.effect("written by many at once are all there", () =>
    run((open) =>
      Effect.gen(function* () {
        const store = yield* open
        yield* Effect.forEach(
          Arr.range(0, 19),
          (part) => Stream.runDrain(DeadLetter.divert(store)(outcomes(Arr.range(part * 10, part * 10 + 9)))),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(yield* timed(recordsIn(yield* open)), ids(Arr.range(0, 199)))
      })
    )
  )

  it.effect("of records that are not what they are declared as are kept as JSON, and not redriven", () =>
    run((open) =>
      Effect.gen(function* () {
        const store = yield* open
        const cyclic: Record<string, unknown> = {}
        cyclic["self"] = cyclic
        const wrong: ReadonlyArray<unknown> = [
          { id: 5, values: new Float32Array([0.5, NaN]), big: 5n, gone: undefined, at: null },
          cyclic,
          undefined,
          "text",
          // Nested deeper than any stack reaches, and nothing that could be shown.
          Arr.range(1, 200_000).reduce((inner: unknown) => [inner], Object.create(null)),
          Object.create(null, { toJSON: { value: () => cyclic } })
        ]
        // As a caller without types may do it.
        const untyped: DeadLetter.Writer<unknown> = { write: (letters) => store.write(letters as never) }
        yield* Stream.fromIterable(wrong).pipe(
          Stream.map((record) => Outcome.rejected(record, refused(), 0)),
          DeadLetter.divert(untyped),
          Stream.runDrain
        )
        const letters = yield* timed(Stream.runCollect(store.letters))
        assert.deepStrictEqual(letters.map(({ _tag, record }) => JSON.stringify([_tag, record])).sort(), [
          `["Unfit","[object Object]"]`,
          `["Unfit","a value that can not be shown"]`,
          `["Unfit","a value that can not be shown"]`,
          `["Unfit","text"]`,
          `["Unfit","undefined"]`,
          `["Unfit",{"id":5,"values":[0.5,"NaN"],"big":"5","at":null}]`
        ])
        assert.deepStrictEqual(yield* timed(Stream.runCollect(DeadLetter.redrive(yield* open))), [])
        assert.strictEqual((yield* timed(Stream.runCollect(store.letters))).length, 6)
      })
    )
  )
})

describe("divert", () => {
  const keyValue = DeadLetter.keyValue({ name: "rows", record: Row })

  it.effect("takes the record out of the element, and gives the letter the id it is told", () =>
    Effect.gen(function* () {
      const store = yield* keyValue
      const entries = outcomes([1, 2]).pipe(
        Stream.zipWithIndex,
        Stream.map(([outcome, position]) => ({ ...outcome, input: { position, value: outcome.input } }))
      )
      const divert = DeadLetter.divert(store, {
        record: (entry: Resume.Entry<Row>) => entry.value,
        id: (entry: Resume.Entry<Row>) => `run 1/${entry.position}`
      })
      // A second time, as after a crash: the letters take the place of those before.
      for (const _ of [1, 2]) {
        const passed = yield* Stream.runCollect(divert(entries))
        assert.deepStrictEqual(
          passed.map((kept) => (kept._tag === "DeadLettered" ? kept.id : "")),
          ["run 1/0", "run 1/1"]
        )
      }
      assert.deepStrictEqual(yield* recordsIn(store), ids([1, 2]))
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("passes nothing on when the letters can not be stored", () =>
    Effect.gen(function* () {
      const passed: Array<unknown> = []
      const full: DeadLetter.Writer<Row, "full"> = { write: () => Effect.fail("full") }
      const end = yield* outcomes(Arr.range(0, 9), (n) => n === 6).pipe(
        DeadLetter.divert(full),
        Stream.runForEach((kept) => Effect.sync(() => passed.push(kept.input.id))),
        Effect.flip
      )
      assert.strictEqual(end, "full")
      assert.deepStrictEqual(passed, ["r0", "r1", "r2", "r3"])
    })
  )

  it.effect("into a sink runs it for each chunk", () =>
    Effect.gen(function* () {
      const chunks: Array<ReadonlyArray<string>> = []
      const sink = Sink.mapEffect(Sink.collect<DeadLetter.DeadLetter<Row>>(), (letters) =>
        letters.some(({ record }) => record.id === "r6")
          ? Effect.fail("no six" as const)
          : Effect.sync(() => chunks.push(letters.map(({ record }) => record.id)))
      )
      const end = yield* outcomes(Arr.range(0, 9), (n) => n % 2 === 0).pipe(
        DeadLetter.divert(DeadLetter.sink(sink)),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(end, "no six")
      assert.deepStrictEqual(chunks, [["r0", "r2"]])
    })
  )
})

describe("a store of another schema than the letters are of", () => {
  it.effect("gives them as they are, and redrives none", () =>
    Effect.gen(function* () {
      yield* Stream.runDrain(
        DeadLetter.divert(yield* DeadLetter.keyValue({ name: "rows", record: Row }))(outcomes([1]))
      )
      const changed = yield* DeadLetter.keyValue({ name: "rows", record: Schema.Struct({ number: Schema.Int }) })
      const { _tag, record } = yield* onlyLetter(changed)
      assert.deepStrictEqual({ _tag, record }, { _tag: "Unfit", record: { ...row(1), at: "10000000000000000" } })
      assert.deepStrictEqual(yield* Stream.runCollect(DeadLetter.redrive(changed)), [])
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )
})

describe("settle", () => {
  it.effect("adds up the attempts, and keeps the newest reason and time", () =>
    Effect.gen(function* () {
      const store = yield* DeadLetter.keyValue({ name: "rows", record: Row })
      yield* Stream.runDrain(DeadLetter.divert(store)(outcomes([1])))
      const before = yield* onlyLetter(store)
      yield* TestClock.adjust("1 hour")
      yield* DeadLetter.redrive(store).pipe(
        Stream.map((letter) => Outcome.unknown(letter, unavailable(), 5)),
        DeadLetter.settle(store),
        Stream.runDrain
      )
      const after = yield* onlyLetter(store)
      assert.deepStrictEqual(after, {
        ...before,
        outcome: "Unknown",
        attempts: 7,
        reason: { _tag: "Unavailable", detail: "down", message: unavailable().message },
        time: "1970-01-01T01:00:00.000Z"
      })
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )
})

describe("with a ledger", () => {
  const count = 60
  const job: Ledger.Job = { kind: "load", index: "rows", run: "1" }
  const isBad = (n: number) => n % 10 === 3

  it.effect("every row is written or in the letters once, wherever the load is killed", () =>
    Effect.gen(function* () {
      for (let after = 1; ; after++) {
        const entries = new Map<string, string>()
        // Dies at one of the writes of the ledger or the letters, half-way or right after it.
        let writes = 0
        const dying = Stores.makeOpen(entries, (key, text) =>
          Effect.suspend(() => {
            const dies = ++writes === after
            entries.set(key, dies ? text.slice(0, text.length >> (after % 2)) : text)
            return dies ? Effect.die("killed") : Effect.void
          })
        )
        const written = new Set<number>()
        const load = Effect.gen(function* () {
          const letters = yield* DeadLetter.keyValue({ name: "rows", record: Schema.Number })
          const run = yield* Resume.open(job)
          yield* run.pending(Stream.fromIterable(Arr.range(0, count - 1), { chunkSize: 7 })).pipe(
            Stream.map((entry): Outcome.Outcome<Resume.Entry<number>, TestError> => {
              if (isBad(entry.value)) return Outcome.rejected(entry, refused(), 1)
              written.add(entry.value)
              return Outcome.written(entry)
            }),
            DeadLetter.divert(letters, {
              record: (entry: Resume.Entry<number>) => entry.value,
              id: (entry: Resume.Entry<number>) => `1-${entry.position}`
            }),
            run.acknowledge,
            Stream.runDrain
          )
          return yield* run.counts
        })
        const first = yield* Effect.exit(Effect.provideService(load, KeyValueStore.KeyValueStore, dying))
        const { counts, kept } = yield* Effect.gen(function* () {
          const counts = yield* load
          const letters = yield* DeadLetter.keyValue({ name: "rows", record: Schema.Number })
          return { counts, kept: yield* Stream.runCollect(letters.letters) }
        }).pipe(Effect.provideService(KeyValueStore.KeyValueStore, Stores.makeOpen(entries)))
        assert.strictEqual(written.size, count - 6)
        assert.deepStrictEqual(
          kept.map(({ record }) => Number(record)).sort((a, b) => a - b),
          Arr.range(0, count - 1).filter(isBad)
        )
        if (Exit.isSuccess(first)) {
          assert.strictEqual(counts.given, 0)
          assert.isAbove(after, 15)
          break
        }
        assert.strictEqual(counts.skipped + counts.given, count)
      }
    })
  )
})

describe("what passes a dead-letter step", () => {
  it.effect("is counted by kind", () =>
    Effect.gen(function* () {
      const passed = Stream.fromIterable<DeadLetter.Passed<number, TestError>>(
        [
          Outcome.written(1),
          DeadLetter.deadLettered(2, "a"),
          Outcome.rejected(3, refused(), 1),
          Outcome.unknown(4, unavailable(), 1),
          DeadLetter.deadLettered(5, "b")
        ],
        { chunkSize: 2 }
      )
      assert.deepStrictEqual(yield* Stream.run(passed, DeadLetter.count), {
        written: 1,
        rejected: 1,
        unknown: 1,
        deadLettered: 2
      })
    })
  )
})

describe("letters of one id in one chunk", () => {
  it.effect("leave the last of them in a key-value store, however its calls interleave", () =>
    Effect.gen(function* () {
      const store = yield* DeadLetter.keyValue({ name: "same", record: Row })
      for (let round = 0; round < 50; round++) {
        const twice = [Outcome.rejected(row(round), refused(), 1), Outcome.rejected(row(1000 + round), refused(), 1)]
        yield* Stream.fromIterable(twice).pipe(DeadLetter.divert(store, { id: () => "one" }), Stream.runDrain)
        const letter = yield* onlyLetter(store)
        assert.deepStrictEqual(letter.record, row(1000 + round))
      }
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )
})

import * as Outcome from "@effect-connectors/core/Outcome"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { refused, type TestError, unavailable } from "./support/TestError.ts"

type Verdict = Outcome.Outcome<number, TestError>

const Tags = Schema.Array(Schema.Literals(["Written", "Rejected", "Unknown"]))
const refusal = refused("wrong dimension")
const outage = unavailable()

const make = (tag: Verdict["_tag"], input: number): Verdict => {
  switch (tag) {
    case "Written":
      return Outcome.written(input)
    case "Rejected":
      return Outcome.rejected(input, refusal, 1)
    case "Unknown":
      return Outcome.unknown(input, outage, 8)
  }
}

const outcomesOf = (tags: typeof Tags.Type) => tags.map(make)

const mixed = outcomesOf(["Written", "Rejected", "Written", "Unknown", "Written"])

const totalOf = ({ written, rejected, unknown }: Outcome.Counts) => written + rejected + unknown

/** A stream that comes in chunks of `size`. */
const chunked = <A>(items: ReadonlyArray<A>, size: number) => Stream.fromIterable(items, { chunkSize: size })

/** What passes `requireWritten`, and what it ends with. */
const required = <E2>(stream: Stream.Stream<Verdict, E2>) =>
  Effect.gen(function* () {
    const passed: Array<Outcome.Written<number>> = []
    const end = yield* stream.pipe(
      Outcome.requireWritten,
      Stream.runForEach((outcome) => Effect.sync(() => passed.push(outcome))),
      Effect.result
    )
    return { passed, end }
  })

const notWrittenOf = (end: Result.Result<void, Outcome.RecordsNotWritten>): Outcome.RecordsNotWritten => {
  if (Result.isSuccess(end)) return assert.fail("every record was written")
  return end.failure
}

describe("counts", () => {
  it.effect.prop(
    "are the same over a list, over a stream, and added up in parts",
    {
      tags: Tags,
      size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
    },
    ({ tags, size }) =>
      Effect.gen(function* () {
        const outcomes = outcomesOf(tags)
        const counts = Outcome.countAll(outcomes)
        assert.strictEqual(totalOf(counts), tags.length)
        assert.strictEqual(counts.written, tags.filter((tag) => tag === "Written").length)
        assert.strictEqual(counts.rejected, tags.filter((tag) => tag === "Rejected").length)
        assert.deepStrictEqual(yield* Stream.run(chunked(outcomes, size), Outcome.count), counts)
        assert.deepStrictEqual(Outcome.add(Outcome.countAll(outcomes.slice(0, size)), outcomes.slice(size)), counts)
      })
  )

  it("start at nothing, and adding leaves what was counted before alone", () => {
    assert.deepStrictEqual(Outcome.countAll([]), { written: 0, rejected: 0, unknown: 0 })
    Outcome.add(Outcome.noCounts, mixed)
    assert.deepStrictEqual(Outcome.noCounts, { written: 0, rejected: 0, unknown: 0 })
  })

  it.effect("of an empty stream are zero", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Stream.run(Stream.empty, Outcome.count), Outcome.noCounts)
    })
  )
})

describe("split", () => {
  it.prop("loses nothing and keeps the order of both halves", [Tags], ([tags]) => {
    const outcomes = outcomesOf(tags)
    const [written, notWritten] = Outcome.split(outcomes)
    assert.deepStrictEqual(written, outcomes.filter(Outcome.isWritten))
    assert.deepStrictEqual(notWritten, outcomes.filter(Outcome.isNotWritten))
    assert.strictEqual(written.length + notWritten.length, outcomes.length)
  })
})

describe("requireWritten", () => {
  it.effect("passes everything and succeeds when all records were written", () =>
    Effect.gen(function* () {
      const { passed, end } = yield* required(chunked(outcomesOf(["Written", "Written", "Written"]), 2))
      assert.deepStrictEqual(
        passed.map(({ input }) => input),
        [0, 1, 2]
      )
      assert.isTrue(Result.isSuccess(end))
    })
  )

  it.effect("succeeds for an empty stream", () =>
    Effect.gen(function* () {
      const { passed, end } = yield* required(Stream.empty)
      assert.deepStrictEqual(passed, [])
      assert.isTrue(Result.isSuccess(end))
    })
  )

  it.effect.prop(
    "passes the written ones, then fails with the counts and the others, in order",
    {
      tags: Tags,
      size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
    },
    ({ tags, size }) =>
      Effect.gen(function* () {
        const outcomes = outcomesOf(tags)
        const { passed, end } = yield* required(chunked(outcomes, size))
        const [written, notWritten] = Outcome.split(outcomes)
        assert.deepStrictEqual(passed, written)
        assert.strictEqual(Result.isFailure(end), notWritten.length > 0)
        if (Result.isFailure(end)) {
          const { written, rejected, unknown, first } = end.failure
          assert.deepStrictEqual({ written, rejected, unknown }, Outcome.countAll(outcomes))
          assert.deepStrictEqual(first, notWritten)
        }
      })
  )

  it.effect("goes on to the end of the stream before it fails", () =>
    Effect.gen(function* () {
      let pulled = 0
      const outcomes = chunked(outcomesOf(["Rejected", "Written", "Written"]), 1).pipe(
        Stream.tap(() => Effect.sync(() => pulled++))
      )
      const { passed, end } = yield* required(outcomes)
      assert.strictEqual(pulled, 3)
      assert.strictEqual(passed.length, 2)
      assert.isTrue(Result.isFailure(end))
    })
  )

  it.effect("lists 100 records and counts the others", () =>
    Effect.gen(function* () {
      const { end } = yield* required(
        chunked(
          Array.from({ length: 1234 }, (_, i) => make("Rejected", i)),
          64
        )
      )
      const error = notWrittenOf(end)
      assert.strictEqual(error.rejected, 1234)
      assert.strictEqual(error.first.length, Outcome.listed)
      assert.deepStrictEqual(
        error.first.map(({ input }) => input),
        Array.from({ length: 100 }, (_, i) => i)
      )
    })
  )

  it.effect("counts anew each time the stream is run", () =>
    Effect.gen(function* () {
      const run = Outcome.requireWritten(Stream.fromIterable(mixed)).pipe(Stream.runDrain, Effect.flip)
      yield* run
      assert.deepStrictEqual(Outcome.countAll((yield* run).first.map((outcome) => make(outcome._tag, 0))), {
        written: 0,
        rejected: 1,
        unknown: 1
      })
    })
  )

  it.effect("leaves the source's own failure as it is", () =>
    Effect.gen(function* () {
      const { passed, end } = yield* required(Stream.concat(Stream.fromIterable(mixed), Stream.fail("disk gone")))
      assert.strictEqual(passed.length, 3)
      assert.deepStrictEqual(end, Result.fail("disk gone"))
    })
  )
})

describe("RecordsNotWritten", () => {
  it.effect("says how many, and why for the first three", () =>
    Effect.gen(function* () {
      const { end } = yield* required(Stream.fromIterable(mixed))
      const error = notWrittenOf(end)
      assert.strictEqual(
        error.message,
        "1 rejected and 1 unknown of 5 records. rejected: test store: the store refused it: wrong dimension; " +
          "unknown: test store: the store is not available: down"
      )
      assert.strictEqual(String(error), `RecordsNotWritten: ${error.message}`)
    })
  )

  it.effect("says once what is the same of all", () =>
    Effect.gen(function* () {
      const { end } = yield* required(Stream.fromIterable(outcomesOf(Array.from({ length: 5 }, () => "Unknown"))))
      assert.strictEqual(
        notWrittenOf(end).message,
        "0 rejected and 5 unknown of 5 records. unknown: test store: the store is not available: down"
      )
    })
  )

  it.effect("says how many more there are", () =>
    Effect.gen(function* () {
      const all = [1, 2, 2, 3, 4, 5].map((n) => Outcome.rejected(n, refused(`bad ${n}`), 1))
      const { end } = yield* required(Stream.fromIterable(all))
      assert.isTrue(notWrittenOf(end).message.endsWith("bad 3; and 2 more"), notWrittenOf(end).message)
    })
  )

  it("shows errors that are not Error objects", () => {
    const error = new Outcome.RecordsNotWritten({
      written: 0,
      rejected: 1,
      unknown: 0,
      first: [Outcome.rejected("a", "too long", 0)]
    })
    assert.strictEqual(error.message, "1 rejected and 0 unknown of 1 records. rejected: too long")
  })

  it.effect("gives the caller's own elements back, not copies", () =>
    Effect.gen(function* () {
      const record = { id: "a", offset: 17 }
      const error = yield* Stream.make<[Outcome.Outcome<typeof record, TestError>]>(
        Outcome.rejected(record, refusal, 2)
      ).pipe(Outcome.requireWritten, Stream.runDrain, Effect.flip)
      assert.strictEqual(error.first[0]?.input, record)
      assert.strictEqual(error.first[0]?.error, refusal)
    })
  )
})

describe("requireWritten of a stream that fails for another reason", () => {
  it.effect("tells both, and only its own when all was written", () =>
    Effect.gen(function* () {
      const failing = (...outcomes: ReadonlyArray<Outcome.Outcome<number, TestError>>) =>
        Stream.fromIterable(outcomes).pipe(
          Stream.concat(Stream.fail("source" as const)),
          Outcome.requireWritten,
          Stream.runDrain,
          Effect.sandbox,
          Effect.flip,
          Effect.map((cause) => cause.reasons.filter(Cause.isFailReason).map(({ error }) => error))
        )
      assert.deepStrictEqual(yield* failing(Outcome.written(1)), ["source"])
      const [first, second, ...others] = yield* failing(Outcome.written(1), Outcome.rejected(2, refusal, 1))
      assert.strictEqual(first, "source")
      assert.instanceOf(second, Outcome.RecordsNotWritten)
      assert.isEmpty(others)
    })
  )
})

describe("divert", () => {
  it.effect.prop(
    "hands over what was not written, a chunk at a time, and passes the rest",
    {
      tags: Tags,
      size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
    },
    ({ tags, size }) =>
      Effect.gen(function* () {
        const outcomes = outcomesOf(tags)
        const handed: Array<ReadonlyArray<Outcome.NotWritten<number, TestError>>> = []
        const passed = yield* chunked(outcomes, size).pipe(
          Outcome.divert((refused) => Effect.sync(() => handed.push(refused))),
          Stream.runCollect
        )
        const [written, notWritten] = Outcome.split(outcomes)
        assert.deepStrictEqual(passed, written)
        assert.deepStrictEqual(handed.flat(), notWritten)
        assert.isTrue(handed.every(({ length }) => length > 0 && length <= size))
        const chunks = Array.from({ length: Math.ceil(outcomes.length / size) }, (_, i) =>
          outcomes.slice(i * size, (i + 1) * size)
        )
        assert.strictEqual(handed.length, chunks.filter((chunk) => chunk.some(Outcome.isNotWritten)).length)
      })
  )

  it.effect("fails when its handler fails, and asks for nothing more", () =>
    Effect.gen(function* () {
      let pulled = 0
      const passed: Array<number> = []
      const error = yield* chunked(mixed, 1).pipe(
        Stream.tap(() => Effect.sync(() => pulled++)),
        Outcome.divert(() => Effect.fail("dead-letter store is full")),
        Stream.runForEach(({ input }) => Effect.sync(() => passed.push(input))),
        Effect.flip
      )
      assert.strictEqual(error, "dead-letter store is full")
      assert.deepStrictEqual(passed, [0])
      assert.strictEqual(pulled, 2)
    })
  )
})

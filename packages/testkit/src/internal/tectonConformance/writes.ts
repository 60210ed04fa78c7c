/** Writing: every record has one outcome, what is written can be read, and what is refused is refused alone. */
import * as Outcome from "@effect-connectors/core/Outcome"
import type { IngestRecord, IngestRequest } from "@effect-connectors/tecton/TectonApi"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import * as Timestamp from "@effect-connectors/tecton/Timestamp"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Bench, readOne, type Test, write } from "./bench.ts"
import { outcomesOf } from "../conformance/outcomes.ts"
import { events } from "./definition.ts"

const amount = (user: string) => Effect.map(readOne(user), (vector) => vector["conformance_latest.amount"].value)

const sums = (user: string) =>
  Effect.map(readOne(user), (vector) => ({
    count: vector["conformance_sums.count_1h"].value,
    sum: vector["conformance_sums.sum_1h"].value,
    mean: vector["conformance_sums.mean_1h"].value,
    max: vector["conformance_sums.max_1h"].value
  }))

const four = ({ event }: Bench) => [10, 20, 30, 40].map((amount, n) => event({ amount, score: amount / 10 }, 40 - n))
const sumsOfFour = { count: 4n, sum: 100n, mean: 2.5, max: 40n }

/** Older than any ttl of the suite's views. */
const tooOld = Timestamp.fromMillis(0)

export const writes = (test: Test): void => {
  test("what is written can be read at once", ({ event, user }) =>
    Effect.gen(function* () {
      for (const n of [1, 2, 3]) {
        yield* write([event({ amount: n }, 10 - n)])
        assert.strictEqual(yield* amount(user), n)
      }
    }))

  test("gives one outcome for each element, with the element itself in it", ({ event, user }) =>
    Effect.gen(function* () {
      const elements = Array.from({ length: 73 }, (_, offset) => ({ offset }))
      const step = TectonSink.ingestOutcomes({
        source: events,
        record: ({ offset }: { readonly offset: number }) => event({ amount: offset }, 100 - offset)
      })
      const outcomes = yield* outcomesOf(elements, step)
      assert.isTrue(outcomes.every(Outcome.isWritten))
      assert.strictEqual((yield* sums(user)).count, 73n)
    }))

  test("aggregates count every event once, and a resend changes nothing", (bench) =>
    Effect.gen(function* () {
      yield* write(four(bench))
      assert.deepStrictEqual(yield* sums(bench.user), sumsOfFour)
      yield* write(four(bench))
      assert.deepStrictEqual(yield* sums(bench.user), sumsOfFour)
    }))

  test("the last events are listed from the oldest to the newest (a guess)", (bench) =>
    Effect.gen(function* () {
      yield* write(four(bench))
      const { "conformance_sums.last_1h": last } = yield* readOne(bench.user)
      assert.deepStrictEqual(last.value, [20n, 30n, 40n])
    }))

  test("an older event does not replace a newer one, one of the same time does", ({ event, user }) =>
    Effect.gen(function* () {
      yield* write([event({ amount: 1 }, 5)])
      yield* write([event({ amount: 2 }, 6)])
      assert.strictEqual(yield* amount(user), 1)
      yield* write([event({ amount: 3 }, 5)])
      assert.strictEqual(yield* amount(user), 3)
    }))

  test("records of one key and one time: the last one stays (a guess)", ({ event, user }) =>
    Effect.gen(function* () {
      const versions = Array.from({ length: 24 }, (_, amount) => event({ amount }))
      yield* write(versions, { maxRecords: 2, concurrency: 8 })
      assert.strictEqual(yield* amount(user), 23)
    }))

  test("a dry run writes nothing, and refuses what would be refused", ({ event, user }) =>
    Effect.gen(function* () {
      yield* write([event({ amount: 7 })], { dryRun: true })
      assert.strictEqual(yield* amount(user), null)
      const step = TectonSink.ingestOutcomes({ source: events, dryRun: true })
      const [outcome] = yield* outcomesOf([event({ timestamp: tooOld })], step)
      assert.strictEqual(outcome?._tag, "Rejected")
    }))

  test("bad records are found in few calls, and the others are written once", ({ client, event, user }) =>
    Effect.gen(function* () {
      const calls: Array<IngestRequest> = []
      const noting = {
        ...client,
        ingest: (request: IngestRequest) => Effect.suspend(() => (calls.push(request), client.ingest(request)))
      }
      const bad = event({ amount: -1, timestamp: tooOld })
      const good = Array.from({ length: 31 }, (_, n) => event({ amount: n }, 60 - n))
      const step = TectonSink.ingestOutcomes({ source: events, maxRecords: 32 })
      const outcomes = yield* Effect.provideService(
        outcomesOf([...good.slice(0, 11), bad, ...good.slice(11)], step),
        TectonClient,
        noting
      )
      const refused = outcomes.filter(Outcome.isNotWritten)
      assert.deepStrictEqual(
        refused.map(({ _tag, error, input }) => [_tag, input, error.reason._tag]),
        [["Rejected", bad, "RequestRefused"]]
      )
      assert.isAtMost(calls.length, 12)
      assert.strictEqual((yield* sums(user)).count, 31n)
      assert.strictEqual(yield* amount(user), 30)
    }))

  test("a record without its time or of a wrong type is rejected, with the reason", ({ event }) =>
    Effect.gen(function* () {
      const { timestamp: _, ...untimed } = event()
      const records: ReadonlyArray<IngestRecord> = [
        { ...untimed, seen_at: null },
        { ...event(), timestamp: event().timestamp.toString(), amount: "many" }
      ]
      const step = TectonSink.ingestOutcomes({ source: events.name, joinKeys: events.joinKeys })
      const outcomes = yield* outcomesOf(records, step)
      assert.deepStrictEqual(
        outcomes.map((outcome) => (Outcome.isNotWritten(outcome) ? outcome.error.reason._tag : "Written")),
        ["RequestRefused", "RequestRefused"]
      )
    }))

  test("a source that is not there fails the stream, and no record is taken for written", ({ event }) =>
    Effect.gen(function* () {
      const records = Array.from({ length: 5 }, (_, n): IngestRecord => ({ user_id: event().user_id, n }))
      const outcomes: Array<Outcome.Outcome<IngestRecord>> = []
      const error = yield* Stream.fromIterable(records).pipe(
        TectonSink.ingestOutcomes({ source: "conformance_not_there", joinKeys: [], maxRecords: 5 }),
        Stream.runForEach((outcome) => Effect.sync(() => outcomes.push(outcome))),
        Effect.flip
      )
      assert.strictEqual(error.reason._tag, "NotFound")
      assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 0, rejected: 5, unknown: 0 })
      assert.sameMembers(
        outcomes.map(({ input }) => input),
        [...records]
      )
    }))
}

/** Writing: every record has one outcome, no call is over a limit, and the store ends up as the last writer left it. */
import * as Drain from "@effect-connectors/core/Drain"
import * as Outcome from "@effect-connectors/core/Outcome"
import type { UpsertRequest } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { at, becomes, type Bench, changed, ids, isGone, many, store, stored, type Test } from "./bench.ts"
import { holds } from "./ground.ts"
import { allWritten, assertOneEach, outcomesOf } from "./outcomes.ts"

/** A record only the store refuses, when nobody told the sink the dimension. */
const misfit = ({ dimension }: Bench): VectorRecord => ({
  id: "misfit",
  values: new Float32Array(dimension + 1).fill(1)
})

/** Runs an effect on an index that does not know its dimension, and keeps the upserts it makes. */
const noting =
  ({ index }: Bench, calls: Array<UpsertRequest>, limits = index.limits) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    changed(index, {
      limits,
      dimension: undefined,
      upsert: (request) => Effect.suspend(() => (calls.push(request), index.upsert(request)))
    })(effect)

export const write = (test: Test): void => {
  test("gives one outcome for each element, with the element itself in it", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      const records = many(bench, 250)
      const elements = records.map((record, offset) => ({ offset, record }))
      const step = PineconeSink.upsertOutcomes({
        namespace,
        maxRecords: 40,
        record: (element: (typeof elements)[number]) => element.record
      })
      yield* allWritten(elements, step)
      yield* holds(bench, 250)
      for (const record of records.slice(-2)) yield* becomes(bench, record)
    }))

  test("no call is over the limits the service names", (bench) =>
    Effect.gen(function* () {
      const { index, namespace } = bench
      const records = many(bench, 60)
      const sizes = records.map((record) => index.encode(record).bytes)
      const envelope = index.limits.envelopeBytes(namespace)
      const heaviest = Math.max(...sizes)
      for (const limits of [
        { ...index.limits, maxRecords: 7 },
        { ...index.limits, maxBytes: envelope + 5 * heaviest }
      ]) {
        const calls: Array<UpsertRequest> = []
        yield* allWritten(records, PineconeSink.upsertOutcomes({ namespace, maxRecords: 1000 })).pipe(
          noting(bench, calls, limits)
        )
        assert.sameMembers(
          calls.flatMap((call) => ids(call.records)),
          [...ids(records)]
        )
        for (const call of calls) {
          assert.isAtMost(call.records.length, limits.maxRecords)
          const bytes = call.records.reduce((sum, record) => sum + index.encode(record).bytes, envelope)
          assert.isAtMost(bytes, limits.maxBytes)
        }
        assert.isAtMost(calls.length, 15, "batches are not smaller than they need to be")
      }
    }))

  test("a record that alone is over a limit is set aside, and the others are written", (bench) =>
    Effect.gen(function* () {
      const { index, namespace } = bench
      const records = many(bench, 10)
      const huge: VectorRecord = { id: "huge", values: at(bench, 1), metadata: { text: "x".repeat(30_000) } }
      const limits = { ...index.limits, maxBytes: 20_000 }
      const calls: Array<UpsertRequest> = []
      const outcomes = yield* outcomesOf(
        [...records, huge],
        PineconeSink.upsertOutcomes({ namespace, duplicates: "sendAll" })
      ).pipe(noting(bench, calls, limits))
      const [refused, ...more] = outcomes.filter(Outcome.isNotWritten)
      assert.lengthOf(more, 0)
      assert(refused?._tag === "Rejected")
      assert.strictEqual(refused.input, huge)
      assert.include(refused, { attempts: 0 })
      assert.strictEqual(refused.error.reason._tag, "RecordTooLarge")
      assert.notInclude(
        calls.flatMap((call) => ids(call.records)),
        "huge"
      )
      yield* holds(bench, 10)
    }))

  test("a record only the store refuses is found among 100, in few calls", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      const records = many(bench, 99)
      const bad = misfit(bench)
      const calls: Array<UpsertRequest> = []
      const outcomes = yield* outcomesOf(
        [...records.slice(0, 61), bad, ...records.slice(61)],
        PineconeSink.upsertOutcomes({ namespace, maxRecords: 100 })
      ).pipe(noting(bench, calls))
      const [refused, ...more] = outcomes.filter(Outcome.isNotWritten)
      assert.lengthOf(more, 0)
      assert(refused?._tag === "Rejected")
      assert.strictEqual(refused.input, bad)
      assert.strictEqual(refused.error.reason._tag, "RequestRefused")
      assert.include(refused.error.message, `"misfit"`)
      // The whole, and two halves of each of seven sizes.
      assert.isAtMost(calls.length, 15)
      yield* holds(bench, 99)
    }))

  test("the records of one id are written in order over many batches in flight", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      const versions = Array.from({ length: 30 }, (_, n) => ({
        id: `id-${n % 3}`,
        values: at(bench, n),
        metadata: { version: n }
      }))
      yield* allWritten(versions, PineconeSink.upsertOutcomes({ namespace, maxRecords: 1, concurrency: 8 }))
      yield* holds(bench, 3)
      for (const last of versions.slice(-3)) yield* becomes(bench, last)
    }))

  test("of records with one id in a batch the last is stored, and each has an outcome", (bench) =>
    Effect.gen(function* () {
      const twin = (n: number): VectorRecord => ({ id: "twin", values: at(bench, n), metadata: { n } })
      const last = twin(3)
      yield* allWritten([twin(1), twin(2), last], PineconeSink.upsertOutcomes({ namespace: bench.namespace }))
      yield* holds(bench, 1)
      yield* becomes(bench, last)
    }))

  test("an upsert replaces the whole record", (bench) =>
    Effect.gen(function* () {
      const first: VectorRecord = { id: "a", values: at(bench, 10), metadata: { title: "A", year: 2020 } }
      const second: VectorRecord = { id: "a", values: at(bench, 20), metadata: { read: true } }
      yield* store(bench, [first])
      yield* store(bench, [second])
      yield* becomes(bench, second)
    }))

  test("a source that is ended is drained: what was taken in is sent and answered", (bench) =>
    Effect.gen(function* () {
      const records = many(bench, 25)
      const allTaken = yield* Deferred.make<void>()
      const silence = Stream.fromEffect(Effect.andThen(Deferred.succeed(allTaken, undefined), Effect.never))
      const outcomes = yield* Stream.fromIterable(records).pipe(
        Stream.concat(silence),
        Drain.endWhen(Deferred.await(allTaken)),
        PineconeSink.upsertOutcomes({ namespace: bench.namespace, maxRecords: 10, linger: "1 hour" }),
        Stream.runCollect
      )
      assertOneEach(records, outcomes)
      assert.isTrue(outcomes.every(Outcome.isWritten))
      yield* holds(bench, 25)
    }))

  test("an empty stream makes no call", (bench) =>
    Effect.gen(function* () {
      const calls: Array<UpsertRequest> = []
      const none: ReadonlyArray<VectorRecord> = []
      yield* allWritten(none, PineconeSink.upsertOutcomes({ namespace: bench.namespace })).pipe(noting(bench, calls))
      assert.lengthOf(calls, 0)
    }))

  test("each record goes to the namespace that was asked for it", (bench) =>
    Effect.gen(function* () {
      const even = bench.another("even")
      const odd = bench.another("odd")
      const elements = many(bench, 21).map((record, n) => ({ record, namespace: n % 2 === 0 ? even : odd }))
      const step = PineconeSink.upsertOutcomes({
        record: (element: (typeof elements)[number]) => element.record,
        namespace: (element) => element.namespace
      })
      yield* allWritten(elements, step)
      yield* holds(bench, 11, even)
      yield* holds(bench, 10, odd)
      yield* holds(bench, 0)
      assert.isDefined(yield* stored(bench, "id-0002", even))
      yield* isGone(bench, "id-0002", odd)
    }))

  test("an update merges metadata and replaces the vector it is given", (bench) =>
    Effect.gen(function* () {
      yield* store(bench, [{ id: "a", values: at(bench, 10), metadata: { title: "A", year: 2020, tags: ["x"] } }])
      const changes: ReadonlyArray<PineconeSink.Update> = [
        { id: "a", metadata: { year: 2021, read: true } },
        { id: "a", values: at(bench, 50) }
      ]
      yield* allWritten(changes, PineconeSink.updateOutcomes({ namespace: bench.namespace }))
      yield* becomes(bench, {
        id: "a",
        values: at(bench, 50),
        metadata: { title: "A", year: 2021, tags: ["x"], read: true }
      })
    }))

  test("an update of what is not stored is no error and stores nothing", (bench) =>
    Effect.gen(function* () {
      yield* store(bench, many(bench, 1))
      yield* allWritten(
        [{ id: "nothing", metadata: { a: 1 } }],
        PineconeSink.updateOutcomes({ namespace: bench.namespace })
      )
      yield* isGone(bench, "nothing")
      yield* holds(bench, 1)
    }))

  test("a delete by id removes what is there, and what is not there is no error", (bench) =>
    Effect.gen(function* () {
      yield* store(bench, many(bench, 10))
      yield* allWritten(
        ["id-0003", "nothing", "id-0004", "id-0003"],
        PineconeSink.deleteOutcomes({ namespace: bench.namespace })
      )
      yield* holds(bench, 8)
      yield* isGone(bench, "id-0003")
      assert.isDefined(yield* stored(bench, "id-0005"))
    }))

  test("a delete by filter, and of everything in the namespace", (bench) =>
    Effect.gen(function* () {
      const { index, namespace } = bench
      const other = bench.another("other")
      yield* store(bench, many(bench, 10))
      yield* store(bench, many(bench, 2), other)
      yield* index.delete({ namespace, filter: { n: { $gte: 6 } } })
      yield* holds(bench, 6)
      assert.isDefined(yield* stored(bench, "id-0005"))
      yield* index.delete({ namespace, all: true })
      yield* holds(bench, 0)
      yield* holds(bench, 2, other)
    }))

  test("a delete in a namespace that does not exist is refused for its records alone", (bench) =>
    Effect.gen(function* () {
      yield* store(bench, many(bench, 2))
      const elements = [
        { id: "id-0000", namespace: bench.namespace },
        { id: "id-0000", namespace: bench.another("nowhere") }
      ]
      const outcomes = yield* outcomesOf(
        elements,
        PineconeSink.deleteOutcomes({
          id: (element: (typeof elements)[number]) => element.id,
          namespace: (element) => element.namespace
        })
      )
      const [refused, ...more] = outcomes.filter(Outcome.isNotWritten)
      assert.lengthOf(more, 0)
      assert.strictEqual(refused?.input, elements[1])
      assert.deepInclude(refused?.error.reason, { _tag: "NotFound", resource: "namespace" })
      yield* holds(bench, 1)
    }))

  test("the plain form emits what was written and fails at its end for what was not", (bench) =>
    Effect.gen(function* () {
      const elements = [...many(bench, 3), misfit(bench)]
      const emitted: Array<VectorRecord> = []
      const error = yield* Stream.fromIterable(elements).pipe(
        PineconeSink.upsert({ namespace: bench.namespace }),
        Stream.runForEach(({ input }) => Effect.sync(() => emitted.push(input))),
        Effect.flip,
        noting(bench, [])
      )
      assert(error._tag === "RecordsNotWritten")
      assert.include(error, { written: 3, rejected: 1, unknown: 0 })
      assert.sameMembers(emitted, elements.slice(0, 3))
      yield* holds(bench, 3)
    }))
}

/** Freshness: after waiting for it, everything that was written is read, at once and by every kind of read. */
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { at, type Bench, ids, many, type Test } from "./bench.ts"
import { allWritten } from "./outcomes.ts"

/** Waits longer than the store may take, so that what is too late fails where it is read. */
const readable = ({ eventually, namespace }: Bench, options: PineconeSink.AwaitReadableOptions) =>
  PineconeSink.awaitReadable({ namespace, timeout: Duration.sum(eventually, Duration.seconds(5)), ...options })

/** What every kind of read finds, now. */
const seen = (bench: Bench, wanted: ReadonlyArray<{ readonly id: string }>) =>
  Effect.gen(function* () {
    const { index, namespace } = bench
    const { matches } = yield* index.query({ namespace, vector: at(bench, 0), topK: 100 })
    const { ids: listed } = yield* index.list({ namespace })
    const [first, ...rest] = ids(wanted)
    assert(first !== undefined)
    const { records } = yield* index.fetch({ namespace, ids: [first, ...rest] })
    return { queried: ids(matches).toSorted(), listed: listed.toSorted(), fetched: [...records.keys()].sort() }
  })

export const freshness = (test: Test): void => {
  test("what was written and awaited is read at once", (bench) =>
    Effect.gen(function* () {
      const records = many(bench, 30)
      yield* allWritten(records, PineconeSink.upsertOutcomes({ namespace: bench.namespace, maxRecords: 7 }))
      yield* readable(bench, { stored: ids(records) })
      const all = ids(records)
      assert.deepStrictEqual(yield* seen(bench, records), { queried: all, listed: all, fetched: all })
    }))

  test("what was deleted and awaited is read no more", (bench) =>
    Effect.gen(function* () {
      const records = many(bench, 30)
      const [kept, gone] = [ids(records.slice(0, 10)), ids(records.slice(10))]
      yield* allWritten(records, PineconeSink.upsertOutcomes({ namespace: bench.namespace }))
      // Else a store that has not got them yet would look as if they were gone already.
      yield* readable(bench, { stored: ids(records) })
      yield* allWritten(gone, PineconeSink.deleteOutcomes({ namespace: bench.namespace }))
      yield* readable(bench, { gone })
      assert.deepStrictEqual(yield* seen(bench, records), { queried: kept, listed: kept, fetched: kept })
    }))

  test("where nothing was written, nothing is waited for", (bench) => readable(bench, { timeout: "1 second" }))
}

/** What the types of the engines promise to authors of connectors; checked by the compiler, never run. */
import type { Batch, ConnectorError, Lookup, Outcome, Scan, Write } from "@effect-connectors/core"
import { Batch as B, Drain, Lookup as L, Scan as S, Write as W } from "@effect-connectors/core"
import type * as Result from "effect/Result"
import type * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

interface Row {
  readonly id: string
}
interface StoreError extends ConnectorError.ConnectorError {
  readonly store: "mine"
}
interface Client {
  readonly client: true
}
declare const rows: Stream.Stream<Row, "source", "files">

// Batches keep the record, the key, the error and the requirements.
expectTypeOf(rows.pipe(B.batchedBy((row) => row.id.length, { maxRecords: 10 }))).toEqualTypeOf<
  Stream.Stream<Batch.Batch<Row, number>, "source", "files">
>()
expectTypeOf(B.batched(rows, { maxRecords: 10 })).toEqualTypeOf<
  Stream.Stream<Batch.Batch<Row, "">, "source", "files">
>()
// @ts-expect-error: a batch needs a limit
export const noLimit = B.batched(rows, {})
const byText = { maxRecords: 1, bytes: (text: string) => text.length }
// @ts-expect-error: the size is of the record
export const wrongSize = B.batched(rows, byText)

// A write gives outcomes of the caller's element, and adds the store's error and requirements.
declare const destination: Write.Destination<Row, Uint8Array, StoreError, Client>
expectTypeOf(rows.pipe(W.outcomes(destination))).toEqualTypeOf<
  Stream.Stream<Outcome.Outcome<Row, StoreError>, "source" | StoreError, "files" | Client>
>()
expectTypeOf(rows.pipe(W.written(destination))).toEqualTypeOf<
  Stream.Stream<Outcome.Written<Row>, "source" | StoreError | Outcome.RecordsNotWritten, "files" | Client>
>()
// @ts-expect-error: other elements than the destination takes
Stream.make(1).pipe(W.outcomes(destination))

// A lookup pairs each element with its result, or fails at the first that has none.
declare const store: Lookup.Store<string, number, StoreError, Client>
declare const key: (row: Row) => Result.Result<string, StoreError>
expectTypeOf(rows.pipe(L.results(store, key))).toEqualTypeOf<
  Stream.Stream<[Row, Result.Result<number, StoreError>], "source" | StoreError, "files" | Client>
>()
expectTypeOf(rows.pipe(L.rows(store, key))).toEqualTypeOf<
  Stream.Stream<[Row, number], "source" | StoreError, "files" | Client>
>()
// @ts-expect-error: keys of another type
export const wrongKeys = rows.pipe(L.results(store, (row: Row): Result.Result<number, StoreError> => key(row)))

// A scan is a stream of what the pages hold.
declare const source: Scan.Source<{ readonly prefix: string }, Row, number, StoreError, Client>
expectTypeOf(S.scan(source, [{ prefix: "a" }])).toEqualTypeOf<Stream.Stream<Row, StoreError, Client>>()
// @ts-expect-error: splits of another type
export const wrongSplits = S.scan(source, ["a"])

// Ending a source adds what the end can fail with and needs.
declare const end: Effect.Effect<number, "no end", "clock">
expectTypeOf(rows.pipe(Drain.endWhen(end))).toEqualTypeOf<Stream.Stream<Row, "source" | "no end", "files" | "clock">>()

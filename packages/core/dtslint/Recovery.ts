/** What the types of ledgers, resumed loads and dead letters promise; checked by the compiler, never run. */
import type { ConnectorError, DeadLetter, Outcome } from "@effect-connectors/core"
import { DeadLetter as D, Ledger, Resume } from "@effect-connectors/core"
import type * as Effect from "effect/Effect"
import type * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Sink from "effect/Sink"
import type * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

interface Row {
  readonly id: string
}
interface StoreError extends ConnectorError.ConnectorError {
  readonly store: "mine"
}
type Entry = Resume.Entry<Row>

// A ledger has the checkpoint's type, and its store is what it needs.
const job = { kind: "scan", index: "rows", run: "1" }
const opened = Ledger.open({ job, checkpoint: Schema.Struct({ at: Schema.BigInt }), initial: { at: 0n } })
expectTypeOf(opened).toEqualTypeOf<
  Effect.Effect<Ledger.Ledger<{ readonly at: bigint }>, Ledger.LedgerError, KeyValueStore.KeyValueStore>
>()
// @ts-expect-error: the job starts at another kind of checkpoint
export const wrongInitial = Ledger.open({ job, checkpoint: Schema.Struct({ at: Schema.BigInt }), initial: { at: 0 } })
// @ts-expect-error: a job says which run it is
export const noRun = Resume.open({ kind: "scan", index: "rows" })

// Elements get positions; outcomes come out as they went in.
declare const run: Resume.Run
declare const rows: Stream.Stream<Row, "source", "files">
expectTypeOf(run.pending(rows)).toEqualTypeOf<Stream.Stream<Entry, "source", "files">>()
expectTypeOf(run.pending((from: number) => (from > 0 ? rows : rows))).toEqualTypeOf<
  Stream.Stream<Entry, "source", "files">
>()
declare const outcomes: Stream.Stream<Outcome.Outcome<Entry, StoreError>, StoreError, "index">
expectTypeOf(run.acknowledge(outcomes)).toEqualTypeOf<
  Stream.Stream<Outcome.Outcome<Entry, StoreError>, StoreError | Ledger.LedgerError, "index">
>()
declare const ofRows: Stream.Stream<Outcome.Outcome<Row, StoreError>>
// @ts-expect-error: outcomes of elements without a position
export const noPosition = run.acknowledge(ofRows)

// What is diverted is of the store's records, or is made one of them.
declare const letters: DeadLetter.Store<Row>
expectTypeOf(ofRows.pipe(D.divert(letters))).toEqualTypeOf<
  Stream.Stream<DeadLetter.Passed<Row, StoreError>, DeadLetter.DeadLetterError>
>()
expectTypeOf(
  outcomes.pipe(D.divert(letters, { record: (entry: Entry) => entry.value }), run.acknowledge)
).toEqualTypeOf<
  Stream.Stream<
    DeadLetter.Passed<Entry, StoreError>,
    StoreError | DeadLetter.DeadLetterError | Ledger.LedgerError,
    "index"
  >
>()
// @ts-expect-error: entries are not rows
export const wrongRecords = outcomes.pipe(D.divert(letters))

// Redriven letters settle in the store they are from.
declare const again: Stream.Stream<Outcome.Outcome<DeadLetter.DeadLetter<Row>, StoreError>>
expectTypeOf(D.redrive(letters)).toEqualTypeOf<Stream.Stream<DeadLetter.DeadLetter<Row>, DeadLetter.DeadLetterError>>()
expectTypeOf(again.pipe(D.settle(letters))).toEqualTypeOf<
  Stream.Stream<DeadLetter.Passed<DeadLetter.DeadLetter<Row>, StoreError>, DeadLetter.DeadLetterError>
>()

// A sink takes letters and gives none back; its error and needs are those of the step.
declare const sink: Sink.Sink<void, DeadLetter.DeadLetter<Row>, never, "full", "disk">
const writer = D.sink(sink)
expectTypeOf(ofRows.pipe(D.divert(writer))).toEqualTypeOf<
  Stream.Stream<DeadLetter.Passed<Row, StoreError>, "full", "disk">
>()
expectTypeOf(D.sink(Sink.drain)).toExtend<DeadLetter.Writer<Row, never>>()
// @ts-expect-error: nothing can be read back from a sink
export const noRedrive = D.redrive(writer)

/** What the types of outcomes promise; checked by the compiler, never run. */
import { type ConnectorError, Outcome } from "@effect-connectors/core"
import type * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

interface Row {
  readonly offset: number
}
interface Busy {
  readonly _tag: "Busy"
}
interface Lost {
  readonly _tag: "Lost"
}

declare const row: Row
declare const busy: Busy
declare const outcome: Outcome.Outcome<Row, Busy>
declare const outcomes: Stream.Stream<Outcome.Outcome<Row, Busy>, Lost>
declare const save: (rows: ReadonlyArray<Outcome.NotWritten<Row, Busy>>) => Effect.Effect<number, "disk full", "Disk">

// Constructors keep the caller's own element and error.
expectTypeOf(Outcome.written(row)).toEqualTypeOf<Outcome.Written<Row>>()
expectTypeOf(Outcome.rejected(row, busy, 1)).toEqualTypeOf<Outcome.Rejected<Row, Busy>>()
expectTypeOf(Outcome.unknown(row, busy, 1)).toEqualTypeOf<Outcome.Unknown<Row, Busy>>()

// The error is the connectors' own unless said otherwise.
expectTypeOf<Outcome.Outcome<Row>>().toEqualTypeOf<Outcome.Outcome<Row, ConnectorError.ConnectorError>>()

// An outcome is covariant in both parameters.
expectTypeOf<Outcome.Outcome<Row, Busy>>().toExtend<Outcome.Outcome<unknown, Busy | Lost>>()
expectTypeOf<Outcome.Outcome<unknown, Busy>>().not.toExtend<Outcome.Outcome<Row, Busy>>()
expectTypeOf<Outcome.Outcome<Row, Busy | Lost>>().not.toExtend<Outcome.Outcome<Row, Busy>>()

// Refinements leave the other half.
if (Outcome.isWritten(outcome)) {
  expectTypeOf(outcome).toEqualTypeOf<Outcome.Written<Row>>()
  expectTypeOf(outcome).not.toHaveProperty("error")
} else {
  expectTypeOf(outcome).toEqualTypeOf<Outcome.NotWritten<Row, Busy>>()
  expectTypeOf(outcome.error).toEqualTypeOf<Busy>()
}
expectTypeOf(Outcome.split([outcome])).toEqualTypeOf<
  [written: Array<Outcome.Written<Row>>, notWritten: Array<Outcome.NotWritten<Row, Busy>>]
>()

// Outcomes are read-only.
// @ts-expect-error: the verdict is not the caller's to change
outcome.input = row

// Requiring that all are written adds the failure; a handler for the others adds its own, and what it needs.
expectTypeOf(outcomes.pipe(Outcome.requireWritten)).toEqualTypeOf<
  Stream.Stream<Outcome.Written<Row>, Lost | Outcome.RecordsNotWritten>
>()
expectTypeOf(outcomes.pipe(Outcome.divert(save))).toEqualTypeOf<
  Stream.Stream<Outcome.Written<Row>, Lost | "disk full", "Disk">
>()
expectTypeOf(outcomes.pipe(Stream.run(Outcome.count))).toEqualTypeOf<Effect.Effect<Outcome.Counts, Lost>>()

// @ts-expect-error: a stream of something else has no outcomes to count
Stream.make(row).pipe(Stream.run(Outcome.count))

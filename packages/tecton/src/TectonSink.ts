/**
 * The step that pushes records to a stream source, through Tecton's Stream Ingest API.
 *
 * It comes in two forms. The plain one, {@link ingest}, emits what was written and fails at its end when a record was
 * not. The other, {@link ingestOutcomes}, emits one outcome for each element, as a value, and goes on past refused
 * records. `Written` means that the features made of the record can be read.
 */
import * as Outcome from "@effect-connectors/core/Outcome"
import type * as Write from "@effect-connectors/core/Write"
import type * as Stream from "effect/Stream"
import * as destination from "./internal/destination.ts"
import type { StreamSource } from "./StreamSource.ts"
import type { IngestRecord } from "./TectonApi.ts"
import type { TectonClient } from "./TectonClient.ts"
import type { TectonError } from "./TectonError.ts"

/** What a write step makes of a stream: one outcome an element. */
export type Outcomes<A, E, R> = Stream.Stream<Outcome.Outcome<A, TectonError>, E | TectonError, R | TectonClient>

/** What the plain form of a write step makes of a stream: the written elements, or a failure at its end. */
export type Plain<A, E, R> = Stream.Stream<
  Outcome.Written<A>,
  E | TectonError | Outcome.RecordsNotWritten,
  R | TectonClient
>

/** How to write. `maxRecords` is 10 by default here, as Tecton recommends; it documents no limit. */
export interface Settings extends Omit<Write.Options, "duplicates"> {
  /**
   * Let Tecton validate and transform, and write nothing. Then `Written` means that it would have been.
   *
   * @default false
   */
  readonly dryRun?: boolean | undefined
}

/** Where to write: a source with types, or one by name whose records are sent as they are. */
export type Target<T> =
  | { readonly source: StreamSource<T>; readonly joinKeys?: undefined }
  | {
      readonly source: string
      /** The fields that tell entities apart: records of one are written in order. With an empty list none is kept. */
      readonly joinKeys: ReadonlyArray<string>
    }

/** `T` is the record of the source. */
export type IngestOptions<A, T> = Target<T> &
  Settings & {
    /** The record to write for an element. Default: the element is the record. */
    readonly record?: ((element: A) => NoInfer<T>) | undefined
  }

/** {@link ingest}: of elements that are records, or of any with the option `record`. */
export interface Ingest {
  <A extends T, T = IngestRecord>(
    options: IngestOptions<A, T> & { readonly record?: undefined }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
  <A, T = IngestRecord>(
    options: IngestOptions<A, T> & { readonly record: (element: A) => NoInfer<T> }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
}

/** {@link ingestOutcomes}: of elements that are records, or of any with the option `record`. */
export interface IngestOutcomes {
  <A extends T, T = IngestRecord>(
    options: IngestOptions<A, T> & { readonly record?: undefined }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
  <A, T = IngestRecord>(
    options: IngestOptions<A, T> & { readonly record: (element: A) => NoInfer<T> }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
}

/**
 * Writes records, giving one outcome for each element as a value. Tecton refuses a call as a whole and does not say for
 * which record; the call is halved until the bad one stands alone and is `Rejected`, and the others are written.
 *
 * @example
 * ```ts
 * import { Outcome } from "@effect-connectors/core"
 * import { TectonSink } from "@effect-connectors/tecton"
 * import * as Stream from "effect/Stream"
 *
 * const counts = Stream.make(
 *   { user_id: "u1", timestamp: "2026-01-01T00:00:00Z", clicked: 1 },
 *   { user_id: "u1", timestamp: "no time", clicked: 1 }
 * ).pipe(
 *   TectonSink.ingestOutcomes({ source: "clicks", joinKeys: ["user_id"] }),
 *   Stream.run(Outcome.count)
 * )
 * ```
 */
export const ingestOutcomes: IngestOutcomes = <A>(options: IngestOptions<A, unknown>) => destination.ingest(options)

/**
 * Writes records. Emits those that were written and fails at its end with `RecordsNotWritten` when one was rejected or
 * its answer lost, so that `Stream.runDrain` can hide nothing.
 *
 * @example
 * ```ts
 * import { StreamSource, TectonSink, Timestamp } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * const Click = Schema.Struct({
 *   user_id: Schema.String,
 *   timestamp: Timestamp.TimestampSchema,
 *   clicked: Schema.Int
 * })
 * const source = StreamSource.make("clicks", { schema: Click, joinKeys: ["user_id"] })
 *
 * declare const clicks: Stream.Stream<typeof Click.Type>
 *
 * const program = clicks.pipe(TectonSink.ingest({ source }), Stream.runDrain)
 * ```
 */
export const ingest: Ingest =
  <A>(options: IngestOptions<A, unknown>) =>
  <E, R>(self: Stream.Stream<A, E, R>) =>
    Outcome.requireWritten(destination.ingest(options)(self))

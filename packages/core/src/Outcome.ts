/**
 * What became of one record: exactly one {@link Outcome} for each record a sink took in.
 *
 * `Written` was acknowledged by the store, `Rejected` was not applied and never will be by itself,
 * `Unknown` was sent and its answer lost. An outcome carries the caller's own element, whole, so
 * whatever travels with it (an offset, a file name, a reply channel) comes back with the verdict.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type { ConnectorError } from "./ConnectorError.ts"

/** The store acknowledged the record. */
export interface Written<out A> {
  readonly _tag: "Written"
  readonly input: A
}

/** The record was not applied: `error` says why and what to do. */
export interface Rejected<out A, out E = ConnectorError> {
  readonly _tag: "Rejected"
  readonly input: A
  readonly error: E
  /** How often a request that held this record was sent; `0` when it never left. */
  readonly attempts: number
}

/** The record was sent and the answer lost: it may or may not be stored. Sending it again is safe. */
export interface Unknown<out A, out E = ConnectorError> {
  readonly _tag: "Unknown"
  readonly input: A
  readonly error: E
  readonly attempts: number
}

/** What became of one record. */
export type Outcome<A, E = ConnectorError> = Written<A> | Rejected<A, E> | Unknown<A, E>

/** An outcome that is not `Written`. */
export type NotWritten<A, E = ConnectorError> = Rejected<A, E> | Unknown<A, E>

/** How many records ended in which way. */
export interface Counts {
  readonly written: number
  readonly rejected: number
  readonly unknown: number
}

export const written = <A>(input: A): Written<A> => ({ _tag: "Written", input })

export const rejected = <A, E>(input: A, error: E, attempts: number): Rejected<A, E> => ({
  _tag: "Rejected",
  input,
  error,
  attempts
})

export const unknown = <A, E>(input: A, error: E, attempts: number): Unknown<A, E> => ({
  _tag: "Unknown",
  input,
  error,
  attempts
})

export const isWritten = <A, E>(outcome: Outcome<A, E>): outcome is Written<A> => outcome._tag === "Written"

export const isNotWritten = <A, E>(outcome: Outcome<A, E>): outcome is NotWritten<A, E> => outcome._tag !== "Written"

/** Nothing counted yet. */
export const noCounts: Counts = { written: 0, rejected: 0, unknown: 0 }

/** Adds outcomes to counts. */
export const add = (counts: Counts, outcomes: ReadonlyArray<Outcome<unknown, unknown>>): Counts => {
  let { written, rejected, unknown } = counts
  for (const outcome of outcomes) {
    if (outcome._tag === "Written") written++
    else if (outcome._tag === "Rejected") rejected++
    else unknown++
  }
  return { written, rejected, unknown }
}

/** Counts outcomes that are already at hand. */
export const countAll = (outcomes: ReadonlyArray<Outcome<unknown, unknown>>): Counts => add(noCounts, outcomes)

/**
 * A sink that counts outcomes by kind.
 *
 * @example
 * ```ts
 * import { Outcome } from "@effect-connectors/core"
 * import * as Stream from "effect/Stream"
 *
 * const counts = Stream.make(Outcome.written("a"), Outcome.written("b")).pipe(Stream.run(Outcome.count))
 * ```
 */
export const count: Sink.Sink<Counts, Outcome<unknown, unknown>> = Sink.reduceArray(() => noCounts, add)

/** Splits outcomes that are already at hand into those that were written and those that were not. */
export const split = <A, E>(
  outcomes: Iterable<Outcome<A, E>>
): [written: Array<Written<A>>, notWritten: Array<NotWritten<A, E>>] => {
  const yes: Array<Written<A>> = []
  const no: Array<NotWritten<A, E>> = []
  for (const outcome of outcomes) {
    if (outcome._tag === "Written") yes.push(outcome)
    else no.push(outcome)
  }
  return [yes, no]
}

/** How many outcomes a {@link RecordsNotWritten} holds at most; the rest is only counted. */
export const listed = 100

/**
 * Some records were not written. Ends the plain form of every sink that had one, so that a program
 * that only drains a sink cannot overlook it. Lists the first {@link listed} of them.
 */
export class RecordsNotWritten extends Schema.TaggedError<RecordsNotWritten>()("RecordsNotWritten", {
  written: Schema.Int,
  rejected: Schema.Int,
  unknown: Schema.Int,
  /** The first of them: the caller's elements with the store's verdicts. */
  first: Schema.Array(
    Schema.Struct({
      _tag: Schema.Literals(["Rejected", "Unknown"]),
      input: Schema.Unknown,
      error: Schema.Unknown,
      attempts: Schema.Int
    })
  )
}) {
  override get message(): string {
    const said = this.first.map(
      ({ _tag, error }) => `${_tag.toLowerCase()}: ${error instanceof Error ? error.message : String(error)}`
    )
    // A service that is down says one thing of every record.
    const examples = Array.from(new Set(said)).slice(0, 3)
    const more = this.rejected + this.unknown - said.filter((one) => examples.includes(one)).length
    return `${this.rejected} rejected and ${this.unknown} unknown of ${
      this.written + this.rejected + this.unknown
    } records. ${examples.join("; ")}${more > 0 ? `; and ${more} more` : ""}`
  }
}

/**
 * Lets written records pass and fails at the end of the stream, after everything was sent and
 * answered, when a record was rejected or unknown. This is what the plain form of a sink does. When the
 * stream fails for another reason, its cause holds both failures, the stream's own first.
 */
export const requireWritten = <A, E, E2, R>(
  self: Stream.Stream<Outcome<A, E>, E2, R>
): Stream.Stream<Written<A>, E2 | RecordsNotWritten, R> =>
  Stream.suspend(() => {
    let counts = noCounts
    const first: Array<NotWritten<A, E>> = []
    const keepWritten = (outcomes: Arr.NonEmptyReadonlyArray<Outcome<A, E>>): ReadonlyArray<Written<A>> => {
      counts = add(counts, outcomes)
      const [yes, no] = split(outcomes)
      for (const outcome of no) if (first.length < listed) first.push(outcome)
      return yes
    }
    const notWritten = () =>
      counts.rejected + counts.unknown === 0 ? undefined : new RecordsNotWritten({ ...counts, first })
    return self.pipe(
      mapChunks(keepWritten),
      Stream.onEnd(
        Effect.suspend(() => {
          const error = notWritten()
          return error === undefined ? Effect.void : Effect.fail(error)
        })
      ),
      // A stream that fails for another reason tells both.
      Stream.catchCause((cause) => {
        const error = Cause.hasInterruptsOnly(cause) || hasRecordsNotWritten(cause) ? undefined : notWritten()
        return Stream.failCause(error === undefined ? cause : Cause.combine(cause, Cause.fail(error)))
      })
    )
  })

const hasRecordsNotWritten = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && reason.error instanceof RecordsNotWritten)

/**
 * Hands every record that was not written to `handler`, a chunk at a time, and lets the written ones
 * pass. The stream goes on past them: this is where a dead-letter store is plugged in.
 *
 * @example
 * ```ts
 * import { Outcome } from "@effect-connectors/core"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * declare const outcomes: Stream.Stream<Outcome.Outcome<string>>
 *
 * const program = outcomes.pipe(
 *   Outcome.divert((refused) => Effect.logWarning(`${refused.length} records need a look`)),
 *   Stream.runDrain
 * )
 * ```
 */
export const divert: {
  <A, E, X, E3, R3>(
    handler: (notWritten: Arr.NonEmptyReadonlyArray<NotWritten<A, E>>) => Effect.Effect<X, E3, R3>
  ): <E2, R>(self: Stream.Stream<Outcome<A, E>, E2, R>) => Stream.Stream<Written<A>, E2 | E3, R | R3>
  <A, E, E2, R, X, E3, R3>(
    self: Stream.Stream<Outcome<A, E>, E2, R>,
    handler: (notWritten: Arr.NonEmptyReadonlyArray<NotWritten<A, E>>) => Effect.Effect<X, E3, R3>
  ): Stream.Stream<Written<A>, E2 | E3, R | R3>
} = dual(
  2,
  <A, E, E2, R, X, E3, R3>(
    self: Stream.Stream<Outcome<A, E>, E2, R>,
    handler: (notWritten: Arr.NonEmptyReadonlyArray<NotWritten<A, E>>) => Effect.Effect<X, E3, R3>
  ): Stream.Stream<Written<A>, E2 | E3, R | R3> =>
    self.pipe(
      Stream.mapArrayEffect((outcomes) => {
        const [yes, no] = split(outcomes)
        const chunk: Arr.NonEmptyReadonlyArray<ReadonlyArray<Written<A>>> = [yes]
        return Arr.isReadonlyArrayNonEmpty(no) ? Effect.as(handler(no), chunk) : Effect.succeed(chunk)
      }),
      Stream.flattenIterable
    )
)

/** `Stream.mapArray` for functions that may leave nothing of a chunk. */
const mapChunks =
  <A, B>(f: (chunk: Arr.NonEmptyReadonlyArray<A>) => ReadonlyArray<B>) =>
  <E, R>(self: Stream.Stream<A, E, R>): Stream.Stream<B, E, R> =>
    self.pipe(
      Stream.mapArray((chunk) => Arr.of(f(chunk))),
      Stream.flattenIterable
    )

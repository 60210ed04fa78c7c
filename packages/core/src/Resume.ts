/**
 * A load that can be stopped anywhere and run again: its ledger knows by position which elements of the source are done.
 *
 * The source has to give the same elements in the same order each time, as a file does. An element is done when it was
 * written or is kept in a dead-letter store; what was not done when a run ended is sent by the next one. So everything is
 * sent at least once, and again only what was in flight.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Batch from "./Batch.ts"
import * as Ranges from "./internal/ranges.ts"
import type { KeyValueStore } from "./internal/persistence.ts"
import * as Ledger from "./Ledger.ts"

/** An element and its place in the source, counted from 0. */
export interface Entry<out A> {
  readonly position: number
  readonly value: A
}

/** What {@link Run.acknowledge} looks at: the outcome of an {@link Entry}. */
export interface Settled {
  readonly _tag: "Written" | "DeadLettered" | "Rejected" | "Unknown"
  readonly input: Entry<unknown>
}

/** The positions that are done, as ranges `[from, to)`: usually one that grows, and a few beyond it. */
export const Checkpoint = Schema.Struct({
  done: Schema.Array(Schema.Tuple([Schema.Int, Schema.Int])).check(Schema.makeFilter(Ranges.issue))
})

/** @see {@link Checkpoint} */
export type Checkpoint = typeof Checkpoint.Type

/** Limits of a run. */
export interface Options {
  /**
   * How many elements may be read past the first one that has no outcome yet; then reading waits. It bounds what the
   * ledger holds, which is at most that many ranges.
   *
   * @default 100_000
   */
  readonly window?: number | undefined
}

/** What a run has done so far. */
export interface Counts {
  /** Elements that were done before, and not given again. */
  readonly skipped: number
  /** Elements that were given to be written. */
  readonly given: number
  /** Of those, how many are done. */
  readonly done: number
}

/** One run of a load. */
export interface Run {
  /** How many elements from the start were done when the run began. */
  readonly resumedAt: number
  readonly counts: Effect.Effect<Counts>
  /**
   * What is not done of a source, with its positions. The source is a stream, of which the done elements are dropped, or a
   * function to one that starts at a position, when there is a way to begin there without reading what is before.
   *
   * Each entry must come to {@link Run.acknowledge} with an outcome, or be given to {@link Run.done}; of what was dropped on
   * the way nobody knows that it is done, and when it is more than the window, reading waits for it and says so in the log.
   */
  readonly pending: <A, E, R>(
    source: Stream.Stream<A, E, R> | ((from: number) => Stream.Stream<A, E, R>)
  ) => Stream.Stream<Entry<A>, E, R>
  /**
   * Stores which entries are written or dead-lettered, a chunk at a time, and then lets all outcomes pass. Those that are
   * neither stay pending, and are sent again by the next run.
   */
  readonly acknowledge: <O extends Settled, E, R>(
    outcomes: Stream.Stream<O, E, R>
  ) => Stream.Stream<O, E | Ledger.LedgerError, R>
  /** Stores that entries are done which were dealt with in another way. */
  readonly done: (entries: ReadonlyArray<Entry<unknown>>) => Effect.Effect<void, Ledger.LedgerError>
}

/**
 * Opens the ledger of a load.
 *
 * @example
 * ```ts
 * import { Outcome, Resume } from "@effect-connectors/core"
 * import { PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * declare const records: Stream.Stream<VectorRecord.VectorRecord>
 *
 * const program = Effect.gen(function*() {
 *   const run = yield* Resume.open({ kind: "load", index: "articles", run: "1", input: "articles.ndjson" })
 *   yield* run.pending(records).pipe(
 *     PineconeSink.upsertOutcomes({ record: (entry: Resume.Entry<VectorRecord.VectorRecord>) => entry.value }),
 *     run.acknowledge,
 *     Outcome.requireWritten,
 *     Stream.runDrain
 *   )
 * })
 * ```
 */
export const open = (job: Ledger.Job, options: Options = {}): Effect.Effect<Run, Ledger.LedgerError, KeyValueStore> =>
  Effect.map(Ledger.open({ job, checkpoint: Checkpoint, initial: { done: [] } }), (ledger) => make(ledger, options))

/** A run on a ledger that is open. On a finished one nothing is pending. */
export const make = (ledger: Ledger.Ledger<Checkpoint>, options: Options = {}): Run => {
  const window = options.window === undefined || Number.isNaN(options.window) ? 100_000 : Math.max(1, options.window)
  const done = Ranges.make(ledger.current.done)
  // What is done, and what had another outcome: reading waits for neither.
  const settled = Ranges.make(ledger.current.done)
  const anySettled = Latch.makeUnsafe(false)
  const resumedAt = done.watermark()
  const counts = { skipped: 0, given: 0, done: 0 }

  /** Notes outcomes; whether one of them has to be stored. */
  const note = (outcomes: Iterable<Settled>): boolean => {
    let any = false
    for (const { _tag, input } of outcomes) {
      settled.add(input.position)
      if (_tag !== "Written" && _tag !== "DeadLettered") continue
      done.add(input.position)
      counts.done++
      any = true
    }
    anySettled.openUnsafe()
    return any
  }

  const store = Effect.suspend(() =>
    done.count() > window
      ? Effect.fail(
          new Ledger.LedgerError({
            key: ledger.key,
            reason: new Ledger.TooManyGaps({ max: window })
          })
        )
      : ledger.save({ done: done.toArray() })
  )

  const room = (next: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      anySettled.closeUnsafe()
      return next - settled.watermark() < window ? Effect.void : Effect.flatMap(anySettled.await, () => room(next))
    })

  const patiently = (next: number): Effect.Effect<void> =>
    Effect.suspend(() =>
      next - settled.watermark() < window
        ? Effect.void
        : Effect.raceFirst(room(next), Effect.andThen(Effect.sleep("1 minute"), complaint(settled.watermark())))
    )

  const complaint = (position: number) =>
    Effect.andThen(
      Effect.logWarning(
        `Reading waits since a minute for the outcome of the element at ${position}: does every entry come to acknowledge?`
      ),
      Effect.never
    )

  const take = <A>(values: Arr.NonEmptyReadonlyArray<A>, from: number): ReadonlyArray<Entry<A>> => {
    const entries: Array<Entry<A>> = []
    if (from + values.length > done.watermark()) {
      for (let i = 0; i < values.length; i++) {
        if (!done.has(from + i)) entries.push({ position: from + i, value: values[i]! })
      }
    }
    counts.given += entries.length
    counts.skipped += values.length - entries.length
    return entries
  }

  return {
    resumedAt,
    counts: Effect.sync(() => ({ ...counts })),
    pending: (source) =>
      Stream.suspend(() => {
        if (ledger.isFinished) return Stream.empty
        const seeks = typeof source === "function"
        let next = seeks ? done.watermark() : 0
        return (seeks ? source(next) : source).pipe(
          Batch.sliced(Math.min(slice, window)),
          Stream.mapArrayEffect((values) => {
            const from = next
            next += values.length
            return Effect.map(patiently(from), () => Arr.of(take(values, from)))
          }),
          Stream.flattenIterable
        )
      }),
    acknowledge: (outcomes) =>
      Stream.mapArrayEffect(outcomes, (chunk) => (note(chunk) ? Effect.as(store, chunk) : Effect.succeed(chunk))),
    done: (entries) =>
      Effect.suspend(() => (note(entries.map((input) => ({ _tag: "Written", input }))) ? store : Effect.void))
  }
}

/** Elements that get positions at a time: what is read past the window is less than that. */
const slice = 4_096

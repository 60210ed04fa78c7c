/**
 * A load that can be killed and run again: of a source that can be read again from its start, only what was not
 * acknowledged is sent.
 *
 * {@link Resume.pending} numbers the elements of the source and leaves out those acknowledged before;
 * {@link Resume.acknowledge}, behind the sink, stores in a `Ledger` which elements are dealt with, before it passes them
 * on. What was sent and not acknowledged when the process died is sent again, and nothing else.
 *
 * A run of a load that is through reads its source once more and sends nothing.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { KeyValueStore } from "./internal/persistence.ts"
import * as Ledger from "./Ledger.ts"

/** An element with its place in the source; the first one is 0. */
export interface Entry<out A> {
  readonly position: number
  readonly value: A
}

/** Everything before `upTo` is acknowledged, and what lies in the ranges beyond it: from the first number to before the second. */
export const Checkpoint = Schema.Struct({
  upTo: Schema.Int,
  beyond: Schema.Array(Schema.Tuple([Schema.Int, Schema.Int]))
})

/** @see {@link Checkpoint} */
export type Checkpoint = typeof Checkpoint.Type

export interface Options {
  /** What is loaded, where to, and which time. `input` should change when the source does. */
  readonly job: Ledger.Job
  /**
   * Gaps among what is acknowledged: runs of elements that were refused and not kept as dead letters, or that never
   * reached {@link Resume.acknowledge}. A load with more of them fails; it bounds the size of the ledger.
   *
   * @default 10_000
   */
  readonly maxGaps?: number | undefined
}

/** One run of a load. */
export interface Resume {
  /** Elements that were acknowledged before this run. */
  readonly acknowledgedBefore: number
  /**
   * What is not acknowledged of a source: of a stream that begins at the start, or of a function that gives the stream
   * from a position on. The same position has to be the same element in every run. Every
   * entry has to come to {@link Resume.acknowledge}: filter the source, not the entries.
   */
  readonly pending: <A, E, R>(
    source: Stream.Stream<A, E, R> | ((from: number) => Stream.Stream<A, E, R>)
  ) => Stream.Stream<Entry<A>, E, R>
  /**
   * Stores that elements are dealt with, the `Written` and the `DeadLettered` ones, and then passes all outcomes on.
   */
  readonly acknowledge: <O extends Acknowledgeable, E, R>(
    outcomes: Stream.Stream<O, E, R>
  ) => Stream.Stream<O, E | Ledger.LedgerError, R>
}

/** An outcome of an entry. */
export interface Acknowledgeable {
  readonly _tag: string
  readonly input: Entry<unknown>
}

/**
 * Begins a load, or goes on with it.
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
 * const load = Effect.gen(function*() {
 *   const run = yield* Resume.make({
 *     job: { kind: "load", index: "articles", run: "2026-11-26", input: "articles.ndjson, 81,213 bytes" }
 *   })
 *   yield* run.pending(records).pipe(
 *     PineconeSink.upsertOutcomes({
 *       record: ({ value }: Resume.Entry<VectorRecord.VectorRecord>) => value
 *     }),
 *     run.acknowledge,
 *     Outcome.requireWritten,
 *     Stream.runDrain
 *   )
 * })
 * ```
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Resume, Ledger.LedgerError, KeyValueStore> {
  const maxGaps = options.maxGaps ?? 10_000
  const ledger = yield* Ledger.open({ job: options.job, checkpoint: Checkpoint, initial: { upTo: 0, beyond: [] } })
  let { beyond, upTo } = ledger.found
  const before = ledger.found
  const tooManyGaps = new Ledger.LedgerError({ key: ledger.key, reason: new Ledger.TooManyGaps({ maxGaps }) })

  const numbered = <A, E, R>(source: Stream.Stream<A, E, R>, from: number): Stream.Stream<Entry<A>, E, R> =>
    Stream.suspend(() => {
      let position = from
      return source.pipe(
        Stream.mapArray((chunk) => {
          const entries: Array<Entry<A>> = []
          for (const value of chunk) {
            if (!isIn(before, position)) entries.push({ position, value })
            position++
          }
          return Arr.of(entries)
        }),
        Stream.flattenIterable
      )
    })

  return {
    acknowledgedBefore: before.upTo + before.beyond.reduce((sum, [from, to]) => sum + to - from, 0),
    pending: (source) =>
      typeof source === "function" ? numbered(source(before.upTo), before.upTo) : numbered(source, 0),
    acknowledge: (outcomes) =>
      outcomes.pipe(
        Stream.mapArrayEffect((chunk) => {
          const positions: Array<number> = []
          for (const { _tag, input } of chunk) {
            if (_tag === "Written" || _tag === "DeadLettered") positions.push(input.position)
          }
          if (positions.length === 0) return Effect.succeed(chunk)
          ;({ beyond, upTo } = merge({ beyond, upTo }, positions))
          const saved = ledger.save({ beyond, upTo })
          return Effect.as(beyond.length > maxGaps ? Effect.andThen(saved, tooManyGaps) : saved, chunk)
        })
      )
  }
})

const isIn = ({ beyond, upTo }: Checkpoint, position: number): boolean => {
  if (position < upTo) return true
  const last = beyond.at(-1)
  return last !== undefined && position < last[1] && beyond.some(([from, to]) => position >= from && position < to)
}

/** Adds positions, in any order and any number of times. */
const merge = (checkpoint: Checkpoint, positions: ReadonlyArray<number>): Checkpoint => {
  const ranges: Array<[number, number]> = positions
    .map((position): [number, number] => [position, position + 1])
    .concat(checkpoint.beyond.map(([from, to]) => [from, to]))
    .sort(([a], [b]) => a - b)
  let { upTo } = checkpoint
  const beyond: Array<[number, number]> = []
  for (const [from, to] of ranges) {
    const last = beyond.at(-1)
    if (from <= upTo) upTo = Math.max(upTo, to)
    else if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else beyond.push([from, to])
  }
  return { upTo, beyond }
}

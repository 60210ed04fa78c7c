/**
 * How far a write has come, as a stream of snapshots: for progress bars, logs and dashboards.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Outcome from "./Outcome.ts"

export interface Snapshot extends Outcome.Counts {
  /** Records with an outcome so far. */
  readonly records: number
  readonly elapsedMillis: number
  /** Records per second since the start. */
  readonly perSecond: number
  /** The tracked stream has ended. This is the last snapshot. */
  readonly done: boolean
}

export interface Progress {
  /** Counts what passes, a chunk at a time. */
  readonly track: <A, E, E2, R>(
    outcomes: Stream.Stream<Outcome.Outcome<A, E>, E2, R>
  ) => Stream.Stream<Outcome.Outcome<A, E>, E2, R>
  readonly snapshot: Effect.Effect<Snapshot>
  /** A snapshot at once, one every `every`, and one as soon as the tracked stream has ended; then it ends too. */
  readonly snapshots: (every: Duration.Input) => Stream.Stream<Snapshot>
}

/**
 * A progress that counts from now.
 *
 * @example
 * ```ts
 * import { Outcome, Progress } from "@effect-connectors/core"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * declare const outcomes: Stream.Stream<Outcome.Outcome<string>>
 *
 * const program = Effect.gen(function*() {
 *   const progress = yield* Progress.make
 *   yield* progress.snapshots("1 second").pipe(
 *     Stream.runForEach((now) => Effect.log(`${now.records} records, ${now.perSecond.toFixed(0)}/s`)),
 *     Effect.forkChild
 *   )
 *   return yield* outcomes.pipe(progress.track, Stream.run(Outcome.count))
 * })
 * ```
 */
export const make: Effect.Effect<Progress> = Effect.gen(function* () {
  const start = yield* Clock.currentTimeMillis
  let counts = Outcome.noCounts
  let done = false
  const ended = Latch.makeUnsafe(false)
  const snapshot = Effect.map(Clock.currentTimeMillis, (now): Snapshot => {
    const records = counts.written + counts.rejected + counts.unknown
    const elapsedMillis = now - start
    return {
      ...counts,
      records,
      elapsedMillis,
      perSecond: elapsedMillis > 0 ? (records * 1000) / elapsedMillis : 0,
      done
    }
  })
  return {
    track: (outcomes) =>
      outcomes.pipe(
        Stream.mapArray((chunk) => {
          counts = Outcome.add(counts, chunk)
          return chunk
        }),
        Stream.ensuring(
          Effect.suspend(() => {
            done = true
            return ended.open
          })
        )
      ),
    snapshot,
    snapshots: (every) =>
      Stream.fromEffectSchedule(snapshot, Schedule.spaced(every)).pipe(
        Stream.interruptWhen(ended.await),
        Stream.concat(Stream.fromEffect(snapshot)),
        Stream.takeUntil((snapshot) => snapshot.done)
      )
  }
})

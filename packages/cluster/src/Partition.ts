/**
 * What a job's `run` can ask while it works on a partition: a ledger that outlives the runner, and a counter that everybody
 * sees.
 */
import type { Ledger } from "@effect-connectors/core"
import * as Resume from "@effect-connectors/core/Resume"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { KeyValueStore } from "./internal/effectCluster.ts"

/** What {@link track} counts: outcomes of a sink, and of `DeadLetter.divert`. */
export interface Settled {
  readonly _tag: "Written" | "Rejected" | "Unknown" | "DeadLettered"
}

/** The partition that is worked on. */
export interface Service {
  readonly job: string
  /** Which run of the job. */
  readonly id: string
  readonly key: string
  /** `1` when nobody has begun it before. */
  readonly attempt: number
  /** Counts outcomes; everybody sees them by `Job.progress`. */
  readonly count: (outcomes: Iterable<Settled>) => void
  /** Says where to ask how many records were done by earlier attempts. */
  readonly countBefore: (records: Effect.Effect<number>) => void
}

/**
 * The partition that a job's `run` works on. It is there in `run` only.
 *
 * @example
 * ```ts
 * import { Partition } from "@effect-connectors/cluster"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.flatMap(Partition.Partition, ({ attempt, key }) => Effect.log(`attempt ${attempt} at ${key}`))
 * ```
 */
export class Partition extends Context.Service<Partition, Service>()("@effect-connectors/cluster/Partition") {}

/**
 * Counts outcomes as they pass, a chunk at a time.
 *
 * @example
 * ```ts
 * import { Partition } from "@effect-connectors/cluster"
 * import { Outcome } from "@effect-connectors/core"
 * import { PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * declare const records: Stream.Stream<VectorRecord.VectorRecord>
 *
 * const program = records.pipe(
 *   PineconeSink.upsertOutcomes(),
 *   Partition.track,
 *   Outcome.requireWritten,
 *   Stream.runDrain
 * )
 * ```
 */
export const track = <O extends Settled, E, R>(outcomes: Stream.Stream<O, E, R>): Stream.Stream<O, E, R | Partition> =>
  Stream.unwrap(
    Effect.map(Partition, ({ count }) =>
      Stream.mapArray(outcomes, (chunk) => {
        count(chunk)
        return chunk
      })
    )
  )

/**
 * A {@link Resume.Run} over this partition: a runner that takes it over sends what was not acknowledged, and no more.
 *
 * @example
 * ```ts
 * import { Job, Partition } from "@effect-connectors/cluster"
 * import { Outcome, type Resume } from "@effect-connectors/core"
 * import { PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * declare const read: (file: string) => Stream.Stream<VectorRecord.VectorRecord>
 *
 * const load = Job.make({
 *   name: "load",
 *   partitions: Schema.String,
 *   run: (file) =>
 *     Effect.gen(function*() {
 *       const run = yield* Partition.resume()
 *       yield* run.pending(read(file)).pipe(
 *         PineconeSink.upsertOutcomes({ record: (entry: Resume.Entry<VectorRecord.VectorRecord>) => entry.value }),
 *         run.acknowledge,
 *         Partition.track,
 *         Outcome.requireWritten,
 *         Stream.runDrain
 *       )
 *     })
 * })
 * ```
 */
export const resume = Effect.fnUntraced(function* (
  options: Resume.Options = {}
): Effect.fn.Return<Resume.Run, Ledger.LedgerError, Partition | KeyValueStore.KeyValueStore> {
  const partition = yield* Partition
  const run = yield* Resume.open(
    { kind: "job", index: partition.job, run: partition.id, split: partition.key },
    options
  )
  return {
    ...run,
    pending: (source) => {
      // A source that begins at a position does not count what is before it.
      const unread = typeof source === "function" ? run.resumedAt : 0
      partition.countBefore(Effect.map(run.counts, ({ skipped }) => unread + skipped))
      return run.pending(source)
    }
  }
})

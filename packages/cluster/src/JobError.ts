/**
 * The one error of this package: a job can not be started, asked or finished.
 */
import { clip, InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Schema from "effect/Schema"

/** The storage that runners share did not answer, or refused. What a job has done is not touched by it: ask again. */
export class StorageFailed extends Schema.TaggedError<StorageFailed>()("StorageFailed", {
  detail: Schema.String,
  /** It can not keep what it was given, and will say so again. */
  refused: Schema.optionalKey(Schema.Boolean)
}) {
  override get message(): string {
    return `its storage failed: ${this.detail}`
  }
}

/** No job of this name and id was started on this storage. */
export class UnknownJob extends Schema.TaggedError<UnknownJob>()("UnknownJob", {}) {
  override get message(): string {
    return "it was never started on this storage"
  }
}

/** A job of this id was started over other partitions. */
export class OtherPartitions extends Schema.TaggedError<OtherPartitions>()("OtherPartitions", {
  stored: Schema.Int,
  asked: Schema.Int
}) {
  override get message(): string {
    return `it was started over other partitions (${this.stored} of them, and now ${this.asked}); give this run an id of its own`
  }
}

/** Partitions failed, each as often as the job tries one. The others are done; `Job.resume` tries the failed ones again. */
export class PartitionsFailed extends Schema.TaggedError<PartitionsFailed>()("PartitionsFailed", {
  failed: Schema.Int,
  partitions: Schema.Int,
  /** The first of them. */
  first: Schema.Array(Schema.Struct({ partition: Schema.String, error: Schema.String }))
}) {
  override get message(): string {
    const examples = this.first.slice(0, 3).map(({ error, partition }) => `${clip(partition, 64)}: ${error}`)
    return `${this.failed} of ${this.partitions} partitions failed. ${examples.join("; ")}`
  }
}

/** Somebody cancelled it. `Job.resume` goes on. */
export class Cancelled extends Schema.TaggedError<Cancelled>()("Cancelled", {}) {
  override get message(): string {
    return "it was cancelled"
  }
}

/** Why a call on a job failed. */
export const Reason = Schema.Union([
  StorageFailed,
  UnknownJob,
  OtherPartitions,
  PartitionsFailed,
  Cancelled,
  InvalidOption
])

/** @see {@link Reason} */
export type Reason = typeof Reason.Type

/**
 * A call on a job failed.
 *
 * @example
 * ```ts
 * import { Job, type JobError } from "@effect-connectors/cluster"
 * import * as Effect from "effect/Effect"
 *
 * declare const load: Job.Job<string>
 *
 * const program = Job.progress(load, "monday").pipe(
 *   Effect.catchReason("JobError", "UnknownJob", () => Effect.log("not started yet"))
 * )
 * ```
 */
export class JobError extends Schema.TaggedError<JobError>()("JobError", {
  operation: Schema.String,
  job: Schema.String,
  id: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    return `${this.operation} of job ${this.job} ${JSON.stringify(clip(this.id, 64))}: ${this.reason.message}`
  }
}

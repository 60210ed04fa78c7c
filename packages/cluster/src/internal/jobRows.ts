/** Rows of jobs and their partitions, as they are stored and as they are read. */
export interface JobKey {
  readonly job: string
  readonly id: string
}

export interface PartitionKey extends JobKey {
  readonly partition: string
  readonly generation: number
}

/** Who works on a partition: what it writes counts while no later attempt has begun. */
export interface Attempt extends PartitionKey {
  readonly attempt: number
}

export interface Counts {
  readonly before: number
  readonly written: number
  readonly rejected: number
  readonly unknown: number
  readonly deadLettered: number
}

export type JobState = "running" | "completed" | "failed" | "cancelled"
export type PartitionState = "waiting" | JobState

export interface JobRow {
  readonly generation: number
  readonly state: JobState
  readonly partitions: number
  readonly startedAt: number
  readonly finishedAt: number | undefined
}

export interface Totals extends Counts {
  readonly state: PartitionState
  readonly partitions: number
  readonly sentEarlier: number
}

export interface PartitionRow extends Counts {
  readonly partition: string
  readonly state: PartitionState
  readonly attempt: number
  readonly runner: string | undefined
  readonly error: string | undefined
}

export type Begun =
  | { readonly _tag: "Begun"; readonly attempt: number; readonly value: string }
  /** There is nothing to do: it was finished before, or cancelled, or belongs to another generation of the job. */
  | { readonly _tag: "Settled" }
  /** Another runner works on it, by what it reported just now. */
  | { readonly _tag: "Taken" }

/** `stale`: another attempt has begun; `settled`: somebody cancelled the job. */
export type Verdict = "go on" | "stale" | "settled"

// Drivers give whole numbers as numbers, bigints or text.
export type Whole = number | bigint | string
export const whole = (value: Whole | null | undefined): number => Number(value ?? 0)

export type CountColumns = Record<"before" | "written" | "rejected" | "unknown" | "dead_lettered", Whole>

export const toCounts = (row: CountColumns): Counts => ({
  before: whole(row.before),
  written: whole(row.written),
  rejected: whole(row.rejected),
  unknown: whole(row.unknown),
  deadLettered: whole(row.dead_lettered)
})

export const toColumns = ({ deadLettered, ...counts }: Counts) => ({ ...counts, dead_lettered: deadLettered })

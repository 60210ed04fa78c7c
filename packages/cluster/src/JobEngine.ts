/**
 * What runs jobs: a process that has it can start jobs and ask about them, and one that has it from `JobRunner` works on them
 * too. `JobRunner` and `JobClient` have its layers.
 */
import type { InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JobStore, PartitionKey } from "./internal/jobStore.ts"
import type { RateStore } from "./internal/rateStore.ts"
import type { StorageFailed } from "./JobError.ts"

/** A job as the engine knows it. */
export interface Definition {
  readonly name: string
  /** Works on a partition until it is settled. It is interrupted when another runner shall go on. */
  readonly work: (partition: PartitionKey) => Effect.Effect<void>
}

/** What a {@link JobEngine} does. */
export interface Service {
  /** Where this process can be reached by others, for people to read. */
  readonly runner: string
  readonly store: JobStore
  /** Rates that all processes on the storage share. */
  readonly rates: RateStore
  /** Lets this process work on a job while the scope is open. */
  readonly register: (definition: Definition) => Effect.Effect<void, StorageFailed | InvalidOption, Scope.Scope>
  /** Has the partitions of one generation of a job worked on; a second time nothing happens. */
  readonly dispatch: (job: {
    readonly name: string
    readonly id: string
    readonly generation: number
  }) => Effect.Effect<void, StorageFailed | InvalidOption>
  /** Runs an attempt when fewer run than this process may work on at a time. */
  readonly inRoom: <A, E, R>(attempt: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Follows an attempt: its counts are stored now and then, until the scope is closed. */
  readonly follow: (attempt: Followed) => Effect.Effect<void, never, Scope.Scope>
}

/** An attempt that this process works on. */
export interface Followed {
  readonly key: Parameters<JobStore["report"]>[0][number][0]
  readonly counts: Effect.Effect<Parameters<JobStore["report"]>[0][number][1]>
  /** Called when another attempt has begun, or the job was cancelled. */
  readonly stop: (verdict: "settled" | "stale") => Effect.Effect<unknown>
}

/** Runs jobs, or has them run. */
export class JobEngine extends Context.Service<JobEngine, Service>()("@effect-connectors/cluster/JobEngine") {}

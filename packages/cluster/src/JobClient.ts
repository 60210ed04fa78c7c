/** Processes that start jobs and ask about them, and do not work on them. */
import type { InvalidOption } from "@effect-connectors/core/ConnectorError"
import type * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Engine from "./internal/engine.ts"
import type { JobEngine } from "./JobEngine.ts"
import type { StorageFailed } from "./JobError.ts"

/**
 * A client of the runners that share a file.
 *
 * @example
 * ```ts
 * import { Job, JobClient } from "@effect-connectors/cluster"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * declare const load: Job.Job<string>
 *
 * const program = Job.watch(load, "monday").pipe(
 *   Stream.runForEach((now) => Effect.log(`${now.partitions.completed} of ${now.partitions.total}`)),
 *   Effect.provide(JobClient.layerEmbedded({ file: "jobs.db" }))
 * )
 * ```
 */
export const layerEmbedded = (options: {
  readonly file: string
}): Layer.Layer<JobEngine, StorageFailed | InvalidOption> => Engine.embeddedClient(options)

/** A client of the runners that share a PostgreSQL database. */
export const layerPostgres = (options: {
  readonly url: Redacted.Redacted
}): Layer.Layer<JobEngine, StorageFailed | InvalidOption> => Engine.postgresClient(options)

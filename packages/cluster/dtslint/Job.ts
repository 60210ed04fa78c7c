/** What the types of jobs promise; checked by the compiler, never run. */
import {
  Job,
  JobClient,
  type JobEngine,
  type JobError,
  JobPacing,
  JobRunner,
  Partition
} from "@effect-connectors/cluster"
import { type Ledger, Outcome, type Pacing, type Resume } from "@effect-connectors/core"
import type { InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

class Index extends Context.Service<Index, { readonly put: (n: number) => Effect.Effect<void, "full"> }>()("Index") {}
class Files extends Context.Service<Files, { readonly read: (file: string) => Stream.Stream<number> }>()("Files") {}

const File = Schema.Struct({ file: Schema.String, opened: Schema.DateFromString })

// A partition has the type of its schema, and what the job provides for `run` is not asked for again.
const load = Job.make({
  name: "load",
  partitions: File,
  run: ({ file, opened }) => {
    expectTypeOf(opened).toEqualTypeOf<Date>()
    return Effect.gen(function* () {
      const { attempt } = yield* Partition.Partition
      expectTypeOf(attempt).toEqualTypeOf<number>()
      yield* Effect.addFinalizer(() => Effect.void)
      const run = yield* Partition.resume()
      expectTypeOf(run).toEqualTypeOf<Resume.Run>()
      const files = yield* Files
      const index = yield* Index
      yield* run.pending(files.read(file)).pipe(
        Stream.mapEffect((entry: Resume.Entry<number>) => Effect.as(index.put(entry.value), Outcome.written(entry))),
        run.acknowledge,
        Partition.track,
        Stream.runDrain
      )
    })
  }
})
expectTypeOf(load).toEqualTypeOf<Job.Job<typeof File.Type, Index | Files>>()

const free = Job.make({ name: "free", partitions: Schema.Int, run: (n) => Effect.log(n) })
expectTypeOf(free).toEqualTypeOf<Job.Job<number, never>>()
expectTypeOf<Job.Provided>().toEqualTypeOf<Partition.Partition | KeyValueStore | Scope.Scope>()

// A program of another partition is none of this job.
Job.make({
  name: "other",
  // @ts-expect-error
  partitions: Schema.Int,
  run: (file: string) => Effect.log(file)
})
declare const served: Schema.Codec<number, number, Index>
// @ts-expect-error: partitions are read by whoever works on them, so their schema needs nothing
Job.make({ name: "served", partitions: served, run: () => Effect.void })

// What `run` needs is asked where the job is worked on, and nowhere else.
expectTypeOf(Job.layer(load)).toEqualTypeOf<
  Layer.Layer<never, JobError.StorageFailed | InvalidOption, JobEngine.JobEngine | Index | Files>
>()
expectTypeOf(Job.start(load, { id: "1", partitions: [{ file: "a", opened: new Date() }] })).toEqualTypeOf<
  Effect.Effect<void, JobError.JobError, JobEngine.JobEngine>
>()
// @ts-expect-error: not one of its partitions
export const wrongPartition = Job.start(load, { id: "1", partitions: ["a"] })
expectTypeOf(Job.execute(free, { id: "1", partitions: [1] })).toEqualTypeOf<
  Effect.Effect<Job.Progress, JobError.JobError, JobEngine.JobEngine>
>()
expectTypeOf(Job.watch(free, "1")).toEqualTypeOf<Stream.Stream<Job.Progress, JobError.JobError, JobEngine.JobEngine>>()
expectTypeOf(Job.partitions(free, "1", { states: ["waiting"] })).toEqualTypeOf<
  Effect.Effect<ReadonlyArray<Job.PartitionProgress>, JobError.JobError, JobEngine.JobEngine>
>()
expectTypeOf<Job.Progress["state"]>().toEqualTypeOf<Job.State>()
for (const ask of [Job.progress, Job.wait, Job.resume, Job.cancel]) {
  expectTypeOf<Effect.Error<ReturnType<typeof ask>>>().toEqualTypeOf<JobError.JobError>()
  expectTypeOf<Effect.Services<ReturnType<typeof ask>>>().toEqualTypeOf<JobEngine.JobEngine>()
}

// Outcomes pass unchanged, and are outcomes.
declare const outcomes: Stream.Stream<Outcome.Outcome<string, "refused">, "broken", Files>
expectTypeOf(Partition.track(outcomes)).toEqualTypeOf<
  Stream.Stream<Outcome.Outcome<string, "refused">, "broken", Files | Partition.Partition>
>()
// @ts-expect-error
export const noOutcomes = Partition.track(Stream.make(1, 2))
expectTypeOf(Partition.resume({ window: 10 })).toEqualTypeOf<
  Effect.Effect<Resume.Run, Ledger.LedgerError, Partition.Partition | KeyValueStore>
>()

// A reason is caught by its name, and has what it says.
export const failures = Job.wait(load, "1").pipe(
  Effect.catchReason("JobError", "PartitionsFailed", ({ failed, first }) => {
    expectTypeOf(failed).toEqualTypeOf<number>()
    return Effect.succeed(first.map(({ error }) => error))
  })
)
// @ts-expect-error: no reason of this error
export const noReason = Job.wait(load, "1").pipe(Effect.catchReason("JobError", "Throttled", () => Effect.void))

// Engines need nothing, and one stands for the other. The URL of a database is a secret.
declare const url: Redacted.Redacted
expectTypeOf(JobRunner.layerEmbedded({ file: "jobs.db" })).toEqualTypeOf<
  Layer.Layer<JobEngine.JobEngine, JobError.StorageFailed | InvalidOption>
>()
expectTypeOf(JobRunner.layerPostgres({ url, host: "runner-1" })).toEqualTypeOf<
  ReturnType<typeof JobRunner.layerEmbedded>
>()
expectTypeOf(JobClient.layerPostgres({ url })).toEqualTypeOf<ReturnType<typeof JobClient.layerEmbedded>>()
expectTypeOf(JobRunner.layerMemory()).toEqualTypeOf<Layer.Layer<JobEngine.JobEngine, InvalidOption>>()
// @ts-expect-error
JobRunner.layerPostgres({ url: "postgres://jobs@localhost/jobs", host: "runner-1" })
// @ts-expect-error: others must be able to reach it
JobRunner.layerPostgres({ url })

expectTypeOf(JobPacing.shared()).toEqualTypeOf<Effect.Effect<Pacing.Pacing, InvalidOption, JobEngine.JobEngine>>()
expectTypeOf<Layer.Error<ReturnType<typeof JobRunner.layerMemory>>>().toEqualTypeOf<InvalidOption>()

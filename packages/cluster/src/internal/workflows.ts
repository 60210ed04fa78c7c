/**
 * Jobs on Effect's workflow engine. One workflow for a job has its partitions worked on and ends; each partition is a workflow
 * of its own, so that it is spread over the runners, with one activity. Who the last one was is asked of the store, not of a
 * parent that waits: a parent is replayed from its start for each child that ends, which is quadratic.
 */
import type { InvalidOption } from "@effect-connectors/core/ConnectorError"
import type * as Duration from "effect/Duration"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import type { Definition, Followed, Service } from "../JobEngine.ts"
import { StorageFailed } from "../JobError.ts"
import { Activity, type SqlClient, Workflow, WorkflowEngine } from "./effectCluster.ts"
import * as JobStore from "./jobStore.ts"

/** The names of a job's two workflows. They are stored: changing them leaves running jobs behind. */
export const jobWorkflow = (job: string) =>
  Workflow.make(`Job/${job}`, {
    payload: { id: Schema.String, generation: Schema.Int },
    idempotencyKey: ({ generation, id }) => JSON.stringify([id, generation])
  })

/** @see {@link jobWorkflow} */
export const partitionWorkflow = (job: string) =>
  Workflow.make(`Partition/${job}`, {
    payload: { id: Schema.String, generation: Schema.Int, partition: Schema.String },
    idempotencyKey: ({ generation, id, partition }) => JSON.stringify([id, generation, partition])
  })

export interface Options {
  readonly runner: string
  readonly concurrency: number
  readonly reportEvery: Duration.Input
  readonly workflows: Layer.Layer<WorkflowEngine.WorkflowEngine, StorageFailed | InvalidOption, SqlClient>
}

/** How many partitions are dispatched at a time. */
const dispatching = 16

/** A storage that fails is asked again until it answers: nothing can go on without it. */
const untilStored = Schedule.jittered(Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")]))

/** Runs something on the store until it succeeds. */
export const persistently = <A, R>(effect: Effect.Effect<A, StorageFailed, R>): Effect.Effect<A, never, R> =>
  effect.pipe(
    // The engine has no error for a storage that fails: it dies.
    Effect.sandbox,
    Effect.retry({ schedule: untilStored, while: (cause) => !Cause.hasInterrupts(cause) }),
    Effect.catch((cause) => Effect.failCause(cause)),
    Effect.orDie
  )

export const make = Effect.fnUntraced(function* (options: Options) {
  // A runner is given work as soon as it joins the others, so it joins when its first job is ready.
  const joined = yield* Effect.cached(
    Effect.provideContext(
      Effect.map(
        Layer.buildWithScope(options.workflows, yield* Effect.scope),
        Context.get(WorkflowEngine.WorkflowEngine)
      ),
      yield* Effect.context<SqlClient>()
    )
  )
  const store = yield* JobStore.make
  const room = yield* Semaphore.make(options.concurrency)
  const followed = new Set<Followed>()

  const report = Effect.gen(function* () {
    const attempts = [...followed]
    if (attempts.length === 0) return
    const progress = yield* Effect.forEach(attempts, ({ counts, key }) =>
      Effect.map(counts, (counts) => [key, counts] as const)
    )
    const verdicts = yield* store.report(progress)
    yield* Effect.forEach(attempts, ({ stop }, i) => {
      const verdict = verdicts[i]
      return verdict === undefined || verdict === "go on" ? Effect.void : stop(verdict)
    })
  })
  yield* report.pipe(
    Effect.catch((error) => Effect.logDebug("The progress of partitions was not stored", error)),
    Effect.repeat(Schedule.spaced(options.reportEvery)),
    Effect.forkScoped
  )

  const inCluster = Effect.provideServiceEffect(WorkflowEngine.WorkflowEngine, joined)

  const register = ({ name, work }: Definition) =>
    Effect.gen(function* () {
      const workflows = yield* WorkflowEngine.WorkflowEngine
      const partitions = partitionWorkflow(name)
      yield* workflows.register(partitions, ({ generation, id, partition }) =>
        Activity.make({
          name: "work",
          // The reply of the activity says that a partition is settled. Who is not the last attempt may not say so, and
          // waits for the engine to notice that the partition has moved, and to end this.
          execute: Effect.flatMap(room.withPermit(work({ job: name, id, generation, partition })), (ended) =>
            ended === "settled" ? Effect.void : Effect.never
          )
        })
      )
      yield* workflows.register(jobWorkflow(name), ({ generation, id }) =>
        Effect.gen(function* () {
          const waiting = yield* persistently(store.toDispatch({ job: name, id }, generation))
          yield* Effect.forEach(
            waiting,
            (partition) =>
              persistently(partitions.execute({ id, generation, partition }, { discard: true, detached: true })),
            { concurrency: dispatching, discard: true }
          )
        })
      )
    }).pipe(inCluster)

  const service: Service = {
    runner: options.runner,
    store,
    register,
    dispatch: ({ generation, id, name }) =>
      jobWorkflow(name)
        .execute({ id, generation }, { discard: true })
        .pipe(
          Effect.catchDefect((defect) => Effect.fail(new StorageFailed({ detail: String(defect) }))),
          Effect.asVoid,
          inCluster
        ),
    follow: (attempt) =>
      Effect.acquireRelease(
        Effect.sync(() => followed.add(attempt)),
        () => Effect.sync(() => followed.delete(attempt))
      )
  }
  return service
})

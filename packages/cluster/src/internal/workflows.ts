/**
 * Jobs on Effect's workflow engine. One workflow for a job has its partitions worked on and ends; each partition is a workflow
 * of its own, so that it is spread over the runners, with one activity. Who the last one was is asked of the store, not of a
 * parent that waits: a parent is replayed from its start for each child that ends, which is quadratic.
 */
import type { InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Duration from "effect/Duration"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import type { Definition, Followed, Service } from "../JobEngine.ts"
import { StorageFailed } from "../JobError.ts"
import { Activity, type SqlClient, WorkflowEngine } from "./effectCluster.ts"
import * as JobStore from "./jobStore.ts"
import { Messages, prune } from "./messages.ts"
import { persistently } from "./persistently.ts"
import * as RateStore from "./rateStore.ts"
import { jobWorkflow, partitionWorkflow } from "./workflowNames.ts"

export interface Options {
  readonly runner: string
  readonly concurrency: number
  readonly reportEvery: Duration.Input
  readonly workflows: Layer.Layer<WorkflowEngine.WorkflowEngine | Messages, StorageFailed | InvalidOption, SqlClient>
}

/** How often a runner looks for messages that nobody needs, and for runs that nobody has dispatched. */
const tidying = Schedule.jittered(Schedule.spaced("1 minute"))

/** How many partitions are dispatched at a time. */
const dispatching = 16

/** Runs something until it has succeeded once; one that failed is run again by the next who asks. */
const onceSuccessful = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.cachedInvalidateWithTTL(effect, Duration.infinity), ([get, invalidate]) =>
    Effect.onError(get, () => invalidate)
  )

export const make = Effect.fnUntraced(function* (options: Options) {
  const scope = yield* Effect.scope
  // A runner is given work as soon as it joins the others, so it joins when its first job is ready.
  const joined = yield* onceSuccessful(
    Effect.provideContext(Layer.buildWithScope(options.workflows, scope), yield* Effect.context<SqlClient>())
  )
  const store = yield* JobStore.make
  const rates = yield* RateStore.make
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
    Effect.catchCause((cause) => Effect.logDebug("The progress of partitions was not stored", cause)),
    Effect.repeat(Schedule.spaced(options.reportEvery)),
    Effect.forkScoped
  )

  const pruning = yield* onceSuccessful(
    Effect.flatMap(joined, (cluster) =>
      prune(store, Context.get(cluster, Messages)).pipe(
        Effect.catchCause((cause) => Effect.logDebug("The messages of ended jobs were not removed", cause)),
        Effect.repeat(tidying),
        Effect.forkIn(scope)
      )
    )
  )
  const inCluster = Effect.provideServiceEffect(
    WorkflowEngine.WorkflowEngine,
    Effect.map(joined, Context.get(WorkflowEngine.WorkflowEngine))
  )

  const dispatch: Service["dispatch"] = ({ generation, id, name }) =>
    jobWorkflow(name)
      .execute({ id, generation }, { discard: true })
      .pipe(
        Effect.catchDefect((defect) => Effect.fail(new StorageFailed({ detail: String(defect) }))),
        Effect.asVoid,
        inCluster
      )

  const register = ({ name, work }: Definition) =>
    Effect.gen(function* () {
      const workflows = yield* WorkflowEngine.WorkflowEngine
      const partitions = partitionWorkflow(name)
      yield* workflows.register(partitions, ({ generation, id, partition }) =>
        Activity.make({
          name: "work",
          // The reply of the activity says that a partition is settled. Who has lost it to another runner works on until
          // that is so, or the engine notices that the partition has moved, and ends this.
          execute: work({ job: name, id, generation, partition })
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
      yield* pruning
      // Who starts a run may die when it is stored and not dispatched. A second time nothing happens.
      yield* Effect.flatMap(store.running(name), (runs) =>
        Effect.forEach(runs, (run) => dispatch({ name, ...run }))
      ).pipe(
        Effect.catchCause((cause) => Effect.logDebug("Runs were not looked for", cause)),
        Effect.repeat(tidying),
        Effect.forkScoped
      )
    }).pipe(inCluster)

  const service: Service = {
    runner: options.runner,
    store,
    rates,
    register,
    dispatch,
    inRoom: (attempt) => room.withPermit(attempt),
    follow: (attempt) =>
      Effect.acquireRelease(
        Effect.sync(() => followed.add(attempt)),
        () => Effect.sync(() => followed.delete(attempt))
      )
  }
  return service
})

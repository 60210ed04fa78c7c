/**
 * The engine's messages and replies, which it keeps for ever. Those of a job that has ended are thrown away: what became of it
 * is in tables of our own.
 */
import * as EntityAddress from "effect/cluster/EntityAddress"
import * as EntityId from "effect/cluster/EntityId"
import * as EntityType from "effect/cluster/EntityType"
import { MessageStorage } from "effect/cluster/MessageStorage"
import { Sharding } from "effect/cluster/Sharding"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { StorageFailed } from "../JobError.ts"
import type { JobStore } from "./jobStore.ts"
import { jobWorkflow, partitionWorkflow } from "./workflowNames.ts"

/** Removes what is stored of one execution of a workflow. */
export class Messages extends Context.Service<
  Messages,
  { readonly clear: (workflow: string, executionId: string) => Effect.Effect<void, StorageFailed> }
>()("@effect-connectors/cluster/Messages") {
  /** Nothing is stored. */
  static readonly layerNone = Layer.succeed(Messages, { clear: () => Effect.void })

  static readonly layer = Layer.effect(
    Messages,
    Effect.gen(function* () {
      const storage = yield* MessageStorage
      const sharding = yield* Sharding
      return {
        clear: (workflow, executionId) => {
          const entityId = EntityId.make(executionId)
          return Effect.mapError(
            storage.clearAddress(
              EntityAddress.make({
                entityType: EntityType.make(`Workflow/${workflow}`),
                entityId,
                shardId: sharding.getShardId(entityId, "default")
              })
            ),
            ({ message }) => new StorageFailed({ detail: message })
          )
        }
      }
    })
  )
}

/** How long the messages of a job that has ended are kept: others may still be about to ask for its replies. */
const kept = Duration.minutes(5)

/** Throws away what is not needed any more. Several runners may do it at the same time. */
export const prune = Effect.fnUntraced(function* (store: JobStore, { clear }: Messages["Service"]) {
  const now = yield* Clock.currentTimeMillis
  for (const { generation, id, job, pruned } of yield* store.ended(now - Duration.toMillis(kept))) {
    const partitions = yield* store.values({ job, id })
    for (let old = pruned + 1; old <= generation; old++) {
      const ofJob = jobWorkflow(job)
      yield* clear(ofJob._tag, yield* ofJob.executionId({ id, generation: old }))
      const ofPartition = partitionWorkflow(job)
      yield* Effect.forEach(partitions, ({ partition_key: partition }) =>
        Effect.flatMap(ofPartition.executionId({ id, generation: old, partition }), (executionId) =>
          clear(ofPartition._tag, executionId)
        )
      )
    }
    yield* store.pruned({ job, id }, generation)
  }
})

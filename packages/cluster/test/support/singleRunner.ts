import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import * as SingleRunner from "effect/cluster/SingleRunner"
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Messages from "../../src/internal/messages.ts"
import * as Sqlite from "../../src/internal/sqlite.ts"
import * as Workflows from "../../src/internal/workflows.ts"
import { JobEngine } from "../../src/JobEngine.ts"

/** Effect Cluster with one runner in this process, its messages and ours in one database. */
export const layer = Layer.effect(
  JobEngine,
  Workflows.make({
    runner: "test",
    concurrency: 2,
    reportEvery: Duration.seconds(1),
    workflows: Layer.provide(
      Layer.merge(ClusterWorkflowEngine.layer, Messages.Messages.layer),
      Layer.orDie(SingleRunner.layer({ runnerStorage: "memory" })).pipe(Layer.provide(NodeCrypto.layerDigest))
    )
  })
).pipe(Layer.provideMerge(Sqlite.layer({ file: ":memory:" })), Layer.orDie)

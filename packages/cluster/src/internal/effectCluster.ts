/**
 * The one door to what Effect tags unstable (`effect/cluster`, `effect/workflow`, `effect/sql`, `effect/persistence`), but for
 * the SQL of `tables.ts`, `jobStore.ts` and `sqlite.ts`: if it moves, this file follows.
 */
export * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
export * as RunnerAddress from "effect/cluster/RunnerAddress"
export type { ShardingConfig } from "effect/cluster/ShardingConfig"
export * as KeyValueStore from "effect/persistence/KeyValueStore"
export { SqlClient } from "effect/sql/SqlClient"
export type { SqlError } from "effect/sql/SqlError"
export * as Activity from "effect/workflow/Activity"
export * as Workflow from "effect/workflow/Workflow"
export * as WorkflowEngine from "effect/workflow/WorkflowEngine"

/**
 * What several modules take of what Effect tags unstable (`effect/cluster`, `effect/workflow`, `effect/sql`,
 * `effect/persistence`). What one module alone is about it takes itself: SQL (`tables.ts`, `jobStore.ts`, `sqlite.ts`), the
 * engine's messages (`messages.ts`), rates (`rateStore.ts`), and Node's sockets and PostgreSQL (`engine.ts`).
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

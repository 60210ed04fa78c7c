/** The two workflows of a job. Their names are stored: changing them leaves running jobs behind. */
import * as Schema from "effect/Schema"
import { Workflow } from "./effectCluster.ts"

/** Has the partitions of one generation of a job worked on. */
export const jobWorkflow = (job: string) =>
  Workflow.make(`Job/${job}`, {
    payload: { id: Schema.String, generation: Schema.Int },
    idempotencyKey: ({ generation, id }) => JSON.stringify([id, generation])
  })

/** Works on one partition. */
export const partitionWorkflow = (job: string) =>
  Workflow.make(`Partition/${job}`, {
    payload: { id: Schema.String, generation: Schema.Int, partition: Schema.String },
    idempotencyKey: ({ generation, id, partition }) => JSON.stringify([id, generation, partition])
  })

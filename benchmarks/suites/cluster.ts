/** What a job's engine costs beside the same load in a program without one. */
import type { Row } from "../result.ts"
import { atLeast, atMost, type Contender, isAt, type Suite } from "../suite.ts"
import { drain } from "./upserts.ts"

const as = (name: string, as: string): Contender => ({ name, program: "jobs.ts", settings: { transport: "grpc", as } })

/** What a job is compared with: a program that can be killed and goes on, too. */
const loop: Contender = { ...as("loop with ledgers in files", "loop"), baseline: true }
const job = as("job", "job")

const records = 1_000_000

const bars = (rows: ReadonlyArray<Row>) => {
  const of = ({ name }: Contender) => rows.find(isAt(name, { records }))
  const cpu = (contender: Contender) => of(contender)?.cpuMicros?.median ?? NaN
  return [
    atLeast("a job over the same load in a loop, 1,000,000 records", 0.95, of(job)?.ratio?.median ?? NaN),
    atMost("CPU of a record, a job over the same load in a loop", 1.05, cpu(job) / cpu(loop))
  ]
}

export const cluster: Suite = {
  name: "cluster",
  title: "What a job costs: 1,000,000 records by partitions, with and without the engine",
  method:
    "Records of 384 dimensions and four fields of metadata are made on their way and upserted over gRPC in batches of 100, by " +
    "partitions of 50,000 of which four are worked on at a time, 8 calls in flight in all, to a server in another process that only " +
    "drains. The baseline is a loop over partitions in one process, with a ledger in a file for each. The job has " +
    "the same program for a partition and one runner in the same process, on the embedded storage: its ledgers and progress, the " +
    "engine's messages, locks and health checks are in SQLite. What a job takes from its start until it is known to have ended " +
    "counts. 100,000 records before are not timed, by which time the runner has joined.",
  plan: ({ smoke }) => ({
    groups: [
      {
        label: "1,000,000 records",
        server: drain,
        contenders: [loop, job],
        points: [
          {
            at: { records, partition: 50_000, dimension: 384, batch: 100, concurrency: 8, latencyMillis: 0 },
            amount: smoke ? { warmUp: 0, timed: 1_000 } : { warmUp: 100_000, timed: records }
          }
        ]
      }
    ],
    bars
  })
}

/** Measures real runners, processes that share a file, where the model says what to expect: bound by calls, then by a quota. */
import { Job, JobClient } from "@effect-connectors/cluster"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { start } from "../child.ts"
import { Ready } from "../job.ts"
import { jobOf, ranges, type Settings } from "./runner.ts"
import type { Model } from "./simulate.ts"

/** What is measured, and given to the model. The time of a call and the engine's own are the model's to be told. */
export const setting = {
  partitions: 80,
  perPartition: 1_000,
  batch: 50,
  concurrency: 2,
  inFlight: 2,
  latencyMillis: 200,
  callsPerSecond: 50
} as const

export const counts = [1, 2, 4] as const

export const Measured = Schema.Struct({
  at: Schema.String,
  rows: Schema.Array(Schema.Struct({ runners: Schema.Int, seconds: Schema.Finite }))
})

/** The model of what was measured. `callSeconds` is the one figure taken from a measurement, that of one runner. */
export const modelOf = (runners: number, callSeconds: number): Model => ({
  load: { records: setting.partitions * setting.perPartition, partitions: setting.partitions, batch: setting.batch },
  runners: {
    count: runners,
    concurrency: setting.concurrency,
    inFlight: setting.inFlight,
    recordsPerSecond: Infinity,
    lifeSeconds: Infinity,
    restartSeconds: 0
  },
  limits: { callSeconds, recordsPerSecond: setting.callsPerSecond * setting.batch },
  engine: {
    shards: 48,
    dispatchedPerSecond: 70,
    failoverSeconds: 6,
    transactionsPerSecond: Infinity,
    transactionsPerCall: 1
  }
})

/** How long a call took, by the run of one runner, which is bound by nothing else. */
export const callSecondsOf = (seconds: number): number => {
  const calls = (setting.partitions * setting.perPartition) / setting.batch
  return (seconds * setting.concurrency * setting.inFlight) / calls
}

const one = Effect.fnUntraced(function* (runners: number) {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "model-"))),
    (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true }))
  )
  const file = path.join(directory, "jobs.db")
  const server = yield* start(path.join(import.meta.dirname, "../servers/drain.ts"), {
    latencies: String(setting.latencyMillis)
  })
  const { addresses } = yield* server.next(Ready)
  const { batch, callsPerSecond, concurrency, inFlight } = setting
  const host = addresses[`grpc-${setting.latencyMillis}`] ?? ""
  const settings: typeof Settings.Type = { file, host, concurrency, inFlight, batch, callsPerSecond }
  yield* Effect.forEach(Array.from({ length: runners }), () =>
    start(path.join(import.meta.dirname, "runner.ts"), settings)
  )
  const job = jobOf(setting)
  return yield* Effect.gen(function* () {
    // Runs that are not timed, until one has been worked on by all runners.
    const together = { run: 0 }
    yield* Effect.suspend(() => {
      const id = `warm up ${++together.run}`
      return Effect.andThen(
        Job.execute(job, { id, partitions: ranges(runners * 20, batch) }),
        Effect.map(Job.partitions(job, id), (rows) => new Set(rows.map(({ runner }) => runner)).size)
      )
    }).pipe(Effect.repeat({ until: (met) => met === runners, schedule: Schedule.forever }))
    const { elapsedMillis } = yield* Job.execute(job, {
      id: "timed",
      partitions: ranges(setting.partitions, setting.perPartition)
    })
    return { runners, seconds: elapsedMillis / 1000 }
  }).pipe(Effect.provide(JobClient.layerEmbedded({ file })))
}, Effect.scoped)

/** Runs of 1, 2 and 4 runners, one after the other. */
export const measure = (progress: (line: string) => Effect.Effect<void>) =>
  Effect.forEach(counts, (runners) =>
    Effect.tap(one(runners), ({ seconds }) => progress(`${runners} runners: ${seconds.toFixed(1)} s`))
  )

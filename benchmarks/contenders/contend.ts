/** What a contender is made of: it takes a job, and at each point prepares, warms up, and is timed. */
import * as Schema from "effect/Schema"
import { type Answer, Job } from "../job.ts"
import { quantile } from "../statistics.ts"
import type { Settings } from "../suite.ts"

export interface Task {
  /** The contender's own. */
  readonly settings: Settings
  /** The point. */
  readonly at: Settings
  readonly addresses: Job["addresses"]
}

/** What was seen beside the time taken. */
export interface Seen {
  /** How long each call took. */
  readonly callMillis?: ReadonlyArray<number> | undefined
  /** What only this suite measures, by name with the unit. */
  readonly extra?: Readonly<Record<string, number>> | undefined
  /** If not as many as asked for. */
  readonly records?: number | undefined
  readonly note?: string | undefined
}

export interface Prepared {
  /** Handles so many records. What it does is timed, from the call to the end of its promise. */
  readonly run: (records: number) => Promise<Seen | void>
  readonly close?: (() => Promise<void>) | undefined
}

/** Why a contender can not run, instead of {@link Prepared}. */
export interface Unable {
  readonly unable: string
}

const measure = async (prepared: Prepared, warmUp: number, timed: number): Promise<Answer> => {
  // What other points left behind is not collected in the time of this one. Before the warm-up, since the collector takes
  // back what a heap has grown to, and some compiled code: a load that has run for seconds has both.
  globalThis.gc?.()
  if (warmUp > 0) await prepared.run(warmUp)
  const cpu = process.cpuUsage()
  const start = performance.now()
  const seen = (await prepared.run(timed)) ?? {}
  const seconds = (performance.now() - start) / 1000
  const { system, user } = process.cpuUsage(cpu)
  const { callMillis = [], extra, note, records } = seen
  return {
    records: records ?? timed,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    ...(callMillis.length > 0 ? { p50Millis: quantile(callMillis, 0.5), p99Millis: quantile(callMillis, 0.99) } : {}),
    ...(extra === undefined ? {} : { extra }),
    ...(note === undefined ? {} : { note })
  }
}

const say = (answer: Answer): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(answer, () => resolve())
  })

/** Runs a contender. */
export const contend = async (prepare: (task: Task) => Promise<Prepared | Unable>): Promise<void> => {
  process.once("disconnect", () => process.exit())
  const job = Schema.decodeSync(Schema.fromJsonString(Job))(process.argv[2] ?? "")
  for (const { at, timed, warmUp } of job.points) {
    const prepared = await prepare({ settings: job.settings, at, addresses: job.addresses })
    if ("unable" in prepared) {
      await say(prepared)
      continue
    }
    await say(await measure(prepared, warmUp, timed))
    await prepared.close?.()
  }
  process.exit()
}

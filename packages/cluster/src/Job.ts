/**
 * Work that is larger than one process, cut into partitions: each is worked on by one runner at a time, again by another one
 * when that dies, until all are done. Runners share a storage and nothing else (see `JobRunner`).
 */
import { clip, InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { JobRow, Totals } from "./internal/jobStore.ts"
import * as Work from "./internal/work.ts"
import { JobEngine } from "./JobEngine.ts"
import {
  Cancelled,
  JobError,
  OtherPartitions,
  PartitionsFailed,
  type Reason,
  type StorageFailed,
  UnknownJob
} from "./JobError.ts"

/** What there is for a job's `run` while it works on a partition: the partition, its ledgers, and a scope. */
export type Provided = Work.Provided

/** A job: the program, and what it is cut into. */
export interface Job<P, out R = never> {
  readonly name: string
  readonly partitions: Schema.Codec<P, unknown>
  readonly key: ((partition: P) => string) | undefined
  readonly retries: number
  readonly run: (partition: P) => Effect.Effect<unknown, unknown, R | Provided>
}

/** Options of {@link make}. */
export interface Options<P, E, R> {
  /**
   * Tells this job from others on the same storage, 100 bytes at most. Runs that are not finished are lost to a job of another
   * name.
   */
  readonly name: string
  /** What one partition is: a file, a namespace, a prefix of ids, a range of keys. It is stored as JSON. */
  readonly partitions: Schema.Codec<P, unknown>
  /** Works on one partition. */
  readonly run: (partition: P) => Effect.Effect<unknown, E, R>
  /**
   * The name of a partition among those of a run, 1,000 bytes at most.
   *
   * @default the partition, if it is text, or its JSON
   */
  readonly key?: ((partition: P) => string) | undefined
  /**
   * How often a partition that failed is tried again, after pauses of 1, 2, 4, ... seconds. That a runner dies is no failure.
   *
   * @default 3
   */
  readonly retries?: number | undefined
}

/**
 * A job. `run` is the program for one partition: an ordinary effect with the sinks and sources that it would have in a process
 * of its own. It may be run again on the same partition after a crash; what it wrote before is known by `Partition.resume`.
 *
 * @example
 * ```ts
 * import { Job, Partition } from "@effect-connectors/cluster"
 * import { Outcome } from "@effect-connectors/core"
 * import { PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * declare const read: (file: string) => Stream.Stream<VectorRecord.VectorRecord>
 *
 * const load = Job.make({
 *   name: "load-articles",
 *   partitions: Schema.Struct({ file: Schema.String }),
 *   run: ({ file }) =>
 *     read(file).pipe(PineconeSink.upsertOutcomes(), Partition.track, Outcome.requireWritten, Stream.runDrain)
 * })
 * ```
 */
export function make<P, E, R>(options: Options<P, E, R>): Job<P, Exclude<R, Provided>>
// That an effect needs what is left of `R` and what is provided, TypeScript can not see while `R` is not known.
export function make<P, E, R>(options: Options<P, E, R | Provided>): Job<P, R> {
  const { key, name, partitions, retries = 3, run } = options
  return { name, partitions, key, retries, run }
}

/**
 * Lets this process work on a job. All runners of a storage should have the same jobs. The first job of a process makes it join
 * the other runners.
 *
 * @example
 * ```ts
 * import { Job, JobRunner } from "@effect-connectors/cluster"
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import * as Layer from "effect/Layer"
 *
 * declare const load: Job.Job<string>
 *
 * Job.layer(load).pipe(
 *   Layer.provide(JobRunner.layerEmbedded({ file: "jobs.db" })),
 *   Layer.launch,
 *   NodeRuntime.runMain
 * )
 * ```
 */
export const layer = <P, R>(job: Job<P, R>): Layer.Layer<never, StorageFailed | InvalidOption, JobEngine | R> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const engine = yield* JobEngine
      const context = yield* Effect.context<R>()
      const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.toCodecJson(job.partitions)))
      const run = (value: string) => Effect.flatMap(decode(value), job.run)
      yield* engine.register({ name: job.name, work: Work.make(engine, { retries: job.retries, run }, context) })
    })
  )

/** What became of a run. `failed`: at least one partition is, and none is worked on any more. */
export type State = "running" | "completed" | "failed" | "cancelled"

/** How far a run of a job has come. */
export interface Progress {
  readonly state: State
  readonly partitions: {
    readonly total: number
    readonly waiting: number
    readonly running: number
    readonly completed: number
    readonly failed: number
    readonly cancelled: number
  }
  /**
   * Of the partitions' last attempts: in the end they add up to the records that were read. While it runs they may fall, when a
   * partition is begun again by another runner; what its ledger knows is counted as `before` then.
   */
  readonly records: {
    /** Done by earlier attempts, as the ledgers say. */
    readonly before: number
    readonly written: number
    readonly rejected: number
    readonly unknown: number
    readonly deadLettered: number
  }
  /** Outcomes of all attempts, also of those that were cut short; it is known to a second or so. */
  readonly sent: number
  /** Outcomes a second since the start, or since the snapshot before in {@link watch}. */
  readonly perSecond: number
  readonly elapsedMillis: number
}

/** What is known of one partition of a run. */
export interface PartitionProgress {
  /** Its name: see `key` of {@link Options}. */
  readonly partition: string
  /** `waiting`: no runner has begun it yet. */
  readonly state: State | "waiting"
  /** How often it was begun. */
  readonly attempt: number
  /** Who has begun it last. */
  readonly runner: string | undefined
  /** Why it failed. */
  readonly error: string | undefined
  /** Done by earlier attempts, as its ledger says. */
  readonly before: number
  /** Outcomes of the last attempt, as {@link Progress} has them. */
  readonly written: number
  readonly rejected: number
  readonly unknown: number
  readonly deadLettered: number
}

const failing =
  (operation: string, job: { readonly name: string }, id: string) =>
  <A, R>(effect: Effect.Effect<A, Reason, R>): Effect.Effect<A, JobError, R> =>
    Effect.mapError(effect, (reason) => new JobError({ operation, job: job.name, id, reason }))

const keyOf = <P, R>(job: Job<P, R>, id: string) => ({ job: job.name, id })

/** Names and JSON of partitions; a name may be given once. */
const encoded = <P, R>(job: Job<P, R>, partitions: ReadonlyArray<P>) =>
  Effect.gen(function* () {
    const encode = Schema.encodeUnknownEffect(Schema.fromJsonString(Schema.toCodecJson(job.partitions)))
    const names = new Set<string>()
    return yield* Effect.forEach(partitions, (partition) =>
      Effect.gen(function* () {
        const value = yield* Effect.mapError(encode(partition), ({ message }) =>
          invalid(`has one that does not fit: ${message}`)
        )
        const name = job.key?.(partition) ?? (typeof partition === "string" ? partition : value)
        const wrong = unfit(name, maxKeyBytes)
        if (wrong !== undefined) return yield* invalid(`has a key that ${wrong}; see \`key\` of Job.make`)
        if (names.has(name)) return yield* invalid(`has ${clip(name, 64)} twice`)
        names.add(name)
        return { partition: name, value }
      })
    )
  })

/**
 * What PostgreSQL takes: 2,700 bytes of a key, the id of its run, its job's name and that of a ledger together, since they are
 * an index, and of the job's name what the engine's own table has room for.
 */
const maxKeyBytes = 1000
const maxIdBytes = 500
const maxNameBytes = 100

/** What is wrong with a text that storages know something by: they would refuse it, or not tell it from another one. */
const unfit = (text: string, maxBytes: number): string | undefined => {
  const bytes = Buffer.byteLength(text)
  if (bytes > maxBytes) return `has ${bytes} bytes; ${maxBytes} are allowed`
  return text.includes("\0") || !text.isWellFormed() ? "has a NUL or half a character" : undefined
}

const invalid = (issue: string) => new InvalidOption({ option: "partitions", issue: clip(issue) })

/**
 * Starts a run of a job, from any process; completes when it is stored, and runners go on by themselves. A run is known by its
 * `id`: to start it a second time changes nothing.
 *
 * @example
 * ```ts
 * import { Job, JobClient } from "@effect-connectors/cluster"
 * import * as Effect from "effect/Effect"
 *
 * declare const load: Job.Job<string>
 *
 * const program = Job.start(load, { id: "2026-11-26", partitions: ["a.ndjson", "b.ndjson"] }).pipe(
 *   Effect.provide(JobClient.layerEmbedded({ file: "jobs.db" }))
 * )
 * ```
 */
export const start = <P, R>(
  job: Job<P, R>,
  options: {
    /** Which run of the job this is: a date, a version; 500 bytes at most. */
    readonly id: string
    readonly partitions: ReadonlyArray<P>
  }
): Effect.Effect<void, JobError, JobEngine> =>
  Effect.gen(function* () {
    const engine = yield* JobEngine
    const key = keyOf(job, options.id)
    const wrongName = unfit(job.name, maxNameBytes)
    if (wrongName !== undefined) return yield* new InvalidOption({ option: "name", issue: wrongName })
    const wrongId = unfit(options.id, maxIdBytes)
    if (wrongId !== undefined) return yield* new InvalidOption({ option: "id", issue: wrongId })
    const asked = yield* encoded(job, options.partitions)
    const { generation, state } = yield* engine.store.create(key, asked)
    const stored = yield* engine.store.values(key)
    const isSame = stored.length === asked.length && asked.every(({ value }, i) => value === stored[i]?.value)
    if (!isSame) return yield* new OtherPartitions({ stored: stored.length, asked: asked.length })
    if (state === "running") yield* engine.dispatch({ name: job.name, id: options.id, generation })
  }).pipe(failing("start", job, options.id))

/**
 * Goes on with a run that failed or was cancelled: what is not completed is worked on again, from its ledgers. A run that was
 * only stopped, with all its runners, goes on by itself when they are back.
 */
export const resume = <P, R>(job: Job<P, R>, id: string): Effect.Effect<void, JobError, JobEngine> =>
  Effect.gen(function* () {
    const engine = yield* JobEngine
    const known = yield* engine.store.reopen(keyOf(job, id))
    if (known === undefined) return yield* new UnknownJob()
    if (known.state === "running") yield* engine.dispatch({ name: job.name, id, generation: known.generation })
  }).pipe(failing("resume", job, id))

/** Stops a run: nothing of it is begun from now on, and runners that work on it stop within seconds. */
export const cancel = <P, R>(job: Job<P, R>, id: string): Effect.Effect<void, JobError, JobEngine> =>
  Effect.gen(function* () {
    const { store } = yield* JobEngine
    if ((yield* store.cancel(keyOf(job, id))) === undefined) return yield* new UnknownJob()
  }).pipe(failing("cancel", job, id))

const read = Effect.fnUntraced(function* (name: string, id: string) {
  const { store } = yield* JobEngine
  const key = { job: name, id }
  const known = yield* store.job(key)
  if (known === undefined) return yield* new UnknownJob()
  return toProgress(known, yield* store.totals(key), yield* Clock.currentTimeMillis)
})

/** Asks a storage that does not answer again. */
const patiently =
  (every: Duration.Input) =>
  <A, E extends Reason, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.retry(effect, {
      while: (error: Reason) => error._tag === "StorageFailed" && error.refused !== true,
      schedule: Schedule.spaced(every)
    })

const toProgress = (job: JobRow, totals: ReadonlyArray<Totals>, now: number): Progress => {
  const partitions = { total: job.partitions, waiting: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
  const records = { before: 0, written: 0, rejected: 0, unknown: 0, deadLettered: 0 }
  let sent = 0
  for (const total of totals) {
    partitions[total.state] = total.partitions
    records.before += total.before
    records.written += total.written
    records.rejected += total.rejected
    records.unknown += total.unknown
    records.deadLettered += total.deadLettered
    sent += total.sentEarlier + total.written + total.rejected + total.unknown + total.deadLettered
  }
  const elapsedMillis = Math.max(0, (job.finishedAt ?? now) - job.startedAt)
  const perSecond = elapsedMillis > 0 ? (sent * 1000) / elapsedMillis : 0
  return { state: job.state, partitions, records, sent, perSecond, elapsedMillis }
}

/** How far a run has come, asked from any process. */
export const progress = <P, R>(job: Job<P, R>, id: string): Effect.Effect<Progress, JobError, JobEngine> =>
  failing("progress", job, id)(read(job.name, id))

/** The partitions of a run in the order they were given, at most `limit` (1000) of them, of the states asked for (all). */
export const partitions = <P, R>(
  job: Job<P, R>,
  id: string,
  options: { readonly states?: ReadonlyArray<PartitionProgress["state"]>; readonly limit?: number } = {}
): Effect.Effect<ReadonlyArray<PartitionProgress>, JobError, JobEngine> =>
  Effect.flatMap(JobEngine, ({ store }) =>
    store.partitions(keyOf(job, id), options.states ?? allStates, options.limit ?? 1000)
  ).pipe(failing("partitions", job, id))

const allStates = ["waiting", "running", "completed", "failed", "cancelled"] as const

/**
 * How far a run has come, again and again until it has ended; the last snapshot says how. `perSecond` is of the time between
 * two snapshots. A storage that does not answer is asked again.
 */
export const watch = <P, R>(
  job: Job<P, R>,
  id: string,
  every: Duration.Input = "1 second"
): Stream.Stream<Progress, JobError, JobEngine> =>
  Stream.fromEffectSchedule(
    failing("watch", job, id)(patiently(every)(read(job.name, id))),
    Schedule.spaced(every)
  ).pipe(
    Stream.takeUntil(({ state }) => state !== "running"),
    Stream.mapAccum(
      () => ({ sent: 0, elapsedMillis: 0 }),
      (last, now) => {
        const millis = now.elapsedMillis - last.elapsedMillis
        const perSecond = millis > 0 ? Math.max(0, ((now.sent - last.sent) * 1000) / millis) : now.perSecond
        return [now, [{ ...now, perSecond }]] as const
      }
    )
  )

/**
 * Waits until a run has ended. It fails when partitions failed or the run was cancelled; a storage that does not answer is
 * asked again.
 */
export const wait = <P, R>(
  job: Job<P, R>,
  id: string,
  every: Duration.Input = "500 millis"
): Effect.Effect<Progress, JobError, JobEngine> =>
  Effect.gen(function* () {
    const { store } = yield* JobEngine
    const ended = yield* read(job.name, id).pipe(
      patiently(every),
      Effect.repeat({ until: ({ state }) => state !== "running", schedule: Schedule.spaced(every) })
    )
    if (ended.state === "cancelled") return yield* new Cancelled()
    if (ended.state === "failed") {
      const failed = yield* patiently(every)(store.partitions(keyOf(job, id), ["failed"], listed))
      return yield* new PartitionsFailed({
        failed: ended.partitions.failed,
        partitions: ended.partitions.total,
        first: failed.map(({ error, partition }) => ({ partition, error: error ?? "" }))
      })
    }
    return ended
  }).pipe(failing("wait", job, id))

/** How many failed partitions {@link wait} lists. */
const listed = 20

/** Starts a run and waits until it has ended. */
export const execute = <P, R>(
  job: Job<P, R>,
  options: { readonly id: string; readonly partitions: ReadonlyArray<P> }
): Effect.Effect<Progress, JobError, JobEngine> => Effect.andThen(start(job, options), wait(job, options.id))

/**
 * What is known of jobs and their partitions, in SQL. The engine decides who works on a partition; this says what became of it.
 *
 * Each time a partition is begun it gets the next attempt number, and only the last attempt may write: a runner that still
 * works on what another one has taken over is told so (`stale`) and stops.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import {
  type Attempt,
  type Begun,
  type CountColumns,
  type Counts,
  type JobKey,
  type JobRow,
  type JobState,
  type PartitionKey,
  type PartitionRow,
  type PartitionState,
  toColumns,
  toCounts,
  type Totals,
  type Verdict,
  whole,
  type Whole
} from "./jobRows.ts"
import { storing } from "./storing.ts"
import { migrate } from "./tables.ts"

export type {
  Attempt,
  Counts,
  JobKey,
  JobRow,
  JobState,
  PartitionKey,
  PartitionRow,
  PartitionState,
  Totals
} from "./jobRows.ts"

export type JobStore = Effect.Success<typeof make>

/** How many partitions one statement inserts: drivers have a limit of parameters. */
const atATime = 100

export const make = Effect.gen(function* () {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  yield* migrate.pipe(Effect.withTracerEnabled(false))

  const whereJob = ({ id, job }: JobKey) => sql`job = ${job} AND id = ${id}`
  const wherePartition = (key: PartitionKey) => sql`${whereJob(key)} AND partition_key = ${key.partition}`
  const ofLast = (key: Attempt) => sql`${wherePartition(key)} AND attempt = ${key.attempt} AND state = 'running'`

  // PostgreSQL wants to know the type of a parameter in a SELECT, and that the row must stay as it is until the end.
  const [text, whileWritten] = sql.onDialectOrElse({
    pg: () => [(value: string) => sql`${value}::text`, sql.literal("FOR SHARE")] as const,
    orElse: () => [(value: string) => sql`${value}`, sql.literal("")] as const
  })

  // Runners compare when each other's attempts reported. Clocks of machines differ; the database has one.
  const clock = sql.onDialectOrElse({
    pg: () => () => sql.literal("(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint"),
    orElse: () => (now: number) => sql`${now}`
  })

  // In PostgreSQL who keeps locks on rows of one job while it waits for the next may wait for who cancels the job, and that
  // one for it. In SQLite there is one lock, which is taken once for all.
  const together = sql.onDialectOrElse({
    pg: (): typeof sql.withTransaction => (effect) => effect,
    orElse: () => sql.withTransaction
  })

  const jobOf = Effect.fnUntraced(function* (key: JobKey) {
    const rows = yield* sql<{
      generation: Whole
      state: JobState
      partitions: Whole
      started_at: Whole
      finished_at: Whole | null
    }>`SELECT generation, state, partitions, started_at, finished_at FROM connectors_jobs WHERE ${whereJob(key)}`
    const [row] = rows
    return row === undefined
      ? undefined
      : ({
          generation: whole(row.generation),
          state: row.state,
          partitions: whole(row.partitions),
          startedAt: whole(row.started_at),
          finishedAt: row.finished_at === null ? undefined : whole(row.finished_at)
        } satisfies JobRow)
  })

  /** Two partitions that end at the same time ask one after the other whether they were the last. */
  const lockJob = (key: JobKey, now: number) =>
    sql`UPDATE connectors_jobs SET changed_at = ${now} WHERE ${whereJob(key)}`

  const settleJob = Effect.fnUntraced(function* (key: JobKey, now: number) {
    const open = yield* sql`
      SELECT 1 FROM connectors_partitions WHERE ${whereJob(key)} AND state IN ('waiting', 'running') LIMIT 1`
    if (open.length > 0) return
    const worst = yield* sql<{ state: JobState }>`
      SELECT state FROM connectors_partitions WHERE ${whereJob(key)} AND state IN ('cancelled', 'failed')
      ORDER BY state LIMIT 1`
    const state = worst[0]?.state ?? "completed"
    yield* sql`
      UPDATE connectors_jobs SET state = ${state}, finished_at = ${now} WHERE ${whereJob(key)} AND state = 'running'`
  })

  return {
    /** Notes a job and its partitions, unless it is known; tells what is known of it. */
    create: (key: JobKey, partitions: ReadonlyArray<{ readonly partition: string; readonly value: string }>) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const state = partitions.length === 0 ? "completed" : "running"
        // Of several who start a run at the same time one inserts it, and the others wait here until it has.
        const inserted = yield* sql`INSERT INTO connectors_jobs ${sql.insert({
          job: key.job,
          id: key.id,
          generation: 1,
          state,
          partitions: partitions.length,
          started_at: now,
          changed_at: now,
          finished_at: partitions.length === 0 ? now : null,
          pruned_generation: 0
        })} ON CONFLICT (job, id) DO NOTHING RETURNING job`
        const known = inserted.length > 0 ? undefined : yield* jobOf(key)
        if (known !== undefined) return known
        const rows = partitions.map(({ partition, value }, ordinal) => ({
          job: key.job,
          id: key.id,
          partition_key: partition,
          ordinal,
          value,
          generation: 1,
          state: "waiting",
          attempt: 0,
          before: 0,
          written: 0,
          rejected: 0,
          unknown: 0,
          dead_lettered: 0,
          sent_earlier: 0,
          changed_at: now
        }))
        for (const some of Arr.chunksOf(rows, atATime)) {
          yield* sql`INSERT INTO connectors_partitions ${sql.insert(some)}`
        }
        const row: JobRow = {
          generation: 1,
          state,
          partitions: partitions.length,
          startedAt: now,
          finishedAt: partitions.length === 0 ? now : undefined
        }
        return row
      }).pipe(sql.withTransaction, storing),

    job: (key: JobKey) => storing(jobOf(key)),

    /** Names and values of a job's partitions, in the order they were given. */
    values: (key: JobKey) =>
      storing(
        sql<{ partition_key: string; value: string }>`
          SELECT partition_key, value FROM connectors_partitions WHERE ${whereJob(key)} ORDER BY ordinal`
      ),

    /** Runs of a job that have not ended. */
    running: (job: string) =>
      storing(
        Effect.map(
          sql<{ id: string; generation: Whole }>`
            SELECT id, generation FROM connectors_jobs WHERE job = ${job} AND state = 'running'`,
          Arr.map(({ generation, id }) => ({ id, generation: whole(generation) }))
        )
      ),

    /** The partitions that a generation of a job has to do. */
    toDispatch: (key: JobKey, generation: number) =>
      storing(
        Effect.map(
          sql<{ partition_key: string }>`
            SELECT partition_key FROM connectors_partitions
            WHERE ${whereJob(key)} AND generation = ${generation} ORDER BY ordinal`,
          Arr.map(({ partition_key }) => partition_key)
        )
      ),

    /** A new generation of a job that ended: what is not completed waits again. */
    reopen: (key: JobKey) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        yield* lockJob(key, now)
        const known = yield* jobOf(key)
        if (known === undefined || known.state === "running" || known.state === "completed") return known
        const generation = known.generation + 1
        yield* sql`
          UPDATE connectors_partitions SET state = 'waiting', generation = ${generation}, changed_at = ${now}
          WHERE ${whereJob(key)} AND state <> 'completed'`
        yield* sql`
          UPDATE connectors_jobs SET state = 'running', generation = ${generation}, finished_at = NULL
          WHERE ${whereJob(key)}`
        const reopened: JobRow = { ...known, generation, state: "running", finishedAt: undefined }
        return reopened
      }).pipe(sql.withTransaction, storing),

    /** Nothing of the job is begun from now on, and runners that work on it stop. */
    cancel: (key: JobKey) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        yield* lockJob(key, now)
        const known = yield* jobOf(key)
        if (known === undefined || known.state !== "running") return known
        yield* sql`
          UPDATE connectors_partitions SET state = 'cancelled', changed_at = ${now}
          WHERE ${whereJob(key)} AND state IN ('waiting', 'running')`
        yield* settleJob(key, now)
        return yield* jobOf(key)
      }).pipe(sql.withTransaction, storing),

    /**
     * Begins an attempt, unless another runner has one that reported less than `quiet` milliseconds ago. Who was paused still
     * believes to have what others have taken over: it may not take it back from them. Who stops releases what it had.
     */
    begin: (key: PartitionKey, runner: string, quiet: number) =>
      Effect.gen(function* () {
        const now = clock(yield* Clock.currentTimeMillis)
        const [row] = yield* sql<{ attempt: Whole; value: string }>`
          UPDATE connectors_partitions SET
            state = 'running', attempt = attempt + 1, runner = ${runner},
            sent_earlier = sent_earlier + written + rejected + unknown + dead_lettered,
            before = 0, written = 0, rejected = 0, unknown = 0, dead_lettered = 0, error = NULL, changed_at = ${now}
          WHERE ${wherePartition(key)} AND generation = ${key.generation} AND (state = 'waiting' OR
            state = 'running' AND (runner = ${runner} OR ABS(${now} - changed_at) >= ${quiet}))
          RETURNING attempt, value`
        if (row !== undefined) return { _tag: "Begun", attempt: whole(row.attempt), value: row.value } satisfies Begun
        const open = yield* sql`
          SELECT 1 FROM connectors_partitions
          WHERE ${wherePartition(key)} AND generation = ${key.generation} AND state IN ('waiting', 'running')`
        const begun: Begun = { _tag: open.length > 0 ? "Taken" : "Settled" }
        return begun
      }).pipe(storing),

    /** Lets others begin at once what an attempt has not ended. */
    release: (key: Attempt, counts: Counts) =>
      storing(
        sql`UPDATE connectors_partitions SET ${sql.update({ ...toColumns(counts), state: "waiting" })} WHERE ${ofLast(key)}`
      ),

    /** Notes how far attempts have come, and tells which of them should stop. */
    report: (progress: ReadonlyArray<readonly [Attempt, Counts]>) =>
      Effect.gen(function* () {
        const now = clock(yield* Clock.currentTimeMillis)
        const verdicts: Array<Verdict> = []
        for (const [key, counts] of progress) {
          const [row] = yield* sql<{ attempt: Whole; state: PartitionState }>`
            SELECT attempt, state FROM connectors_partitions WHERE ${wherePartition(key)}`
          const isLast = row !== undefined && whole(row.attempt) === key.attempt
          if (isLast) {
            // How it ended is not what a report knows that was on its way meanwhile.
            yield* sql`
              UPDATE connectors_partitions SET ${sql.update({ ...toColumns(counts) })}, changed_at = ${now}
              WHERE ${wherePartition(key)} AND attempt = ${key.attempt} AND state IN ('running', 'cancelled')`
          }
          verdicts.push(!isLast ? "stale" : row.state === "running" ? "go on" : "settled")
        }
        return verdicts
      }).pipe(together, storing),

    /** Notes how an attempt ended, unless another one has begun, and whether the job has ended with it. */
    finish: (key: Attempt, state: "completed" | "failed", counts: Counts, error: string | null) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        yield* lockJob(key, now)
        yield* sql`
          UPDATE connectors_partitions SET ${sql.update({ ...toColumns(counts), state, error, changed_at: now })} WHERE ${ofLast(key)}`
        yield* settleJob(key, now)
        const [row] = yield* sql<{ attempt: Whole }>`
          SELECT attempt FROM connectors_partitions WHERE ${wherePartition(key)}`
        return row !== undefined && whole(row.attempt) === key.attempt ? ("settled" as const) : ("stale" as const)
      }).pipe(sql.withTransaction, storing),

    totals: (key: JobKey) =>
      storing(
        Effect.map(
          sql<CountColumns & { partitions: Whole; sent_earlier: Whole; state: PartitionState }>`
            SELECT state, COUNT(*) AS partitions, SUM(before) AS before, SUM(written) AS written,
              SUM(rejected) AS rejected, SUM(unknown) AS unknown, SUM(dead_lettered) AS dead_lettered,
              SUM(sent_earlier) AS sent_earlier
            FROM connectors_partitions WHERE ${whereJob(key)} GROUP BY state`,
          Arr.map((row): Totals => ({
            state: row.state,
            partitions: whole(row.partitions),
            ...toCounts(row),
            sentEarlier: whole(row.sent_earlier)
          }))
        )
      ),

    partitions: (key: JobKey, states: ReadonlyArray<PartitionState>, limit: number) =>
      storing(
        Effect.map(
          sql<
            CountColumns & {
              attempt: Whole
              partition_key: string
              state: PartitionState
              runner: string | null
              error: string | null
            }
          >`
            SELECT partition_key, state, attempt, runner, error, before, written, rejected, unknown, dead_lettered
            FROM connectors_partitions WHERE ${whereJob(key)} AND ${sql.in("state", states)}
            ORDER BY ordinal LIMIT ${limit}`,
          Arr.map((row): PartitionRow => ({
            partition: row.partition_key,
            state: row.state,
            attempt: whole(row.attempt),
            runner: row.runner ?? undefined,
            error: row.error ?? undefined,
            ...toCounts(row)
          }))
        )
      ),

    /** Jobs that ended before a time and whose engine's messages are not removed yet, some of them. */
    ended: (before: number) =>
      storing(
        Effect.map(
          sql<JobKey & { generation: Whole; pruned_generation: Whole }>`
            SELECT job, id, generation, pruned_generation FROM connectors_jobs
            WHERE state <> 'running' AND finished_at < ${before} AND pruned_generation < generation LIMIT 10`,
          Arr.map(({ generation, id, job, pruned_generation }) => ({
            job,
            id,
            generation: whole(generation),
            pruned: whole(pruned_generation)
          }))
        )
      ),

    /** Notes that messages are removed. The ledgers of a completed job go with them: nobody goes on with it. */
    pruned: (key: JobKey, generation: number) =>
      Effect.gen(function* () {
        yield* sql`UPDATE connectors_jobs SET pruned_generation = ${generation} WHERE ${whereJob(key)}`
        const job = yield* jobOf(key)
        if (job?.state === "completed") yield* sql`DELETE FROM connectors_ledgers WHERE ${whereJob(key)}`
      }).pipe(sql.withTransaction, storing),

    ledger: {
      get: (key: Attempt, name: string) =>
        storing(
          Effect.map(
            sql<{ value: string }>`
              SELECT value FROM connectors_ledgers WHERE ${wherePartition(key)} AND name = ${name}`,
            ([row]) => row?.value
          )
        ),
      names: (key: Attempt) =>
        storing(
          Effect.map(
            sql<{ name: string }>`SELECT name FROM connectors_ledgers WHERE ${wherePartition(key)} ORDER BY name`,
            Arr.map(({ name }) => name)
          )
        ),
      /**
       * Stores what an attempt has done; one that is not the last any more is refused. It is one statement, since it is
       * what a job asks of the storage most.
       */
      set: (key: Attempt, name: string, value: string) =>
        storing(
          Effect.map(
            sql`
              INSERT INTO connectors_ledgers (job, id, partition_key, name, value)
              SELECT job, id, partition_key, ${text(name)}, ${text(value)}
              FROM connectors_partitions WHERE ${ofLast(key)} ${whileWritten}
              ON CONFLICT (job, id, partition_key, name) DO UPDATE SET value = excluded.value
              RETURNING name`,
            (rows) => rows.length > 0
          )
        ),
      remove: (key: Attempt, name: string | undefined) =>
        storing(
          name === undefined
            ? sql`DELETE FROM connectors_ledgers WHERE ${wherePartition(key)}`
            : sql`DELETE FROM connectors_ledgers WHERE ${wherePartition(key)} AND name = ${name}`
        )
    }
  }
})

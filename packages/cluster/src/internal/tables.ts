/** The tables of jobs, made when a process first meets a storage. Times are milliseconds since 1970. */
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"

const migrations = Migrator.fromRecord({
  "0001_create_tables": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      CREATE TABLE IF NOT EXISTS connectors_jobs (
        job TEXT NOT NULL,
        id TEXT NOT NULL,
        generation INTEGER NOT NULL,
        state TEXT NOT NULL,
        partitions INTEGER NOT NULL,
        started_at BIGINT NOT NULL,
        changed_at BIGINT NOT NULL,
        finished_at BIGINT,
        pruned_generation INTEGER NOT NULL,
        PRIMARY KEY (job, id)
      )`
    yield* sql`
      CREATE TABLE IF NOT EXISTS connectors_partitions (
        job TEXT NOT NULL,
        id TEXT NOT NULL,
        partition_key TEXT NOT NULL,
        ordinal INTEGER NOT NULL,
        value TEXT NOT NULL,
        generation INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        runner TEXT,
        before BIGINT NOT NULL,
        written BIGINT NOT NULL,
        rejected BIGINT NOT NULL,
        unknown BIGINT NOT NULL,
        dead_lettered BIGINT NOT NULL,
        sent_earlier BIGINT NOT NULL,
        error TEXT,
        changed_at BIGINT NOT NULL,
        PRIMARY KEY (job, id, partition_key)
      )`
    yield* sql`
      CREATE TABLE IF NOT EXISTS connectors_ledgers (
        job TEXT NOT NULL,
        id TEXT NOT NULL,
        partition_key TEXT NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (job, id, partition_key, name)
      )`
    yield* sql`
      CREATE TABLE IF NOT EXISTS connectors_rates (
        name TEXT NOT NULL PRIMARY KEY,
        tokens DOUBLE PRECISION NOT NULL,
        refilled_at DOUBLE PRECISION NOT NULL
      )`
  })
})

export const migrate = Migrator.make({})({ loader: migrations, table: "connectors_migrations" })

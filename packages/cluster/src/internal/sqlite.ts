/**
 * Node's own SQLite as a driver of `effect/sql`, for several processes on one file.
 *
 * Readers never wait (write-ahead log). Of those that write one has the file at a time; the others are refused, and ask again
 * after a pause instead of blocking their process, as SQLite's own busy handler would. A transaction takes the file when it
 * begins (`BEGIN IMMEDIATE`), so that it can not be refused half-way.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"

export interface Options {
  /** A file on a local disk, or `:memory:`. Network file systems do not lock as SQLite needs it. */
  readonly file: string
  /**
   * How long a statement asks again while another process has the file.
   *
   * @default "15 seconds"
   */
  readonly patience?: Duration.Input | undefined
}

interface SqliteConnection extends Connection {
  readonly isTransaction: () => boolean
}

/** How many prepared statements are kept; some are written anew for each list of ids. */
const kept = 200

const failed = (operation: string) => (cause: unknown) => {
  const errno = cause instanceof Error && "errcode" in cause ? cause.errcode : undefined
  return new SqlError.SqlError({
    reason: SqlError.classifySqliteError(typeof errno === "number" ? { cause, errno } : cause, {
      message: cause instanceof Error ? cause.message : String(cause),
      operation
    })
  })
}

/** What SQLite takes: it knows neither booleans nor dates. */
const toInput = (value: unknown): SQLInputValue => {
  if (typeof value === "boolean") return value ? 1 : 0
  if (value === undefined || value === null) return null
  if (value instanceof Date) return value.toISOString()
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "string") return value
  if (value instanceof Uint8Array) return value
  throw new TypeError(`SQLite takes no ${typeof value}`)
}

const connect = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<SqliteConnection, SqlError.SqlError, Scope.Scope> {
  const database = yield* Effect.acquireRelease(
    Effect.try({
      try: () => new DatabaseSync(options.file, { timeout: 0 }),
      catch: failed("open")
    }),
    (database) => Effect.sync(() => database.close())
  )
  const patiently = Schedule.spaced("5 millis").pipe(
    Schedule.jittered,
    Schedule.upTo({ duration: options.patience ?? "15 seconds" })
  )
  const whileTaken = {
    schedule: patiently,
    while: ({ reason }: SqlError.SqlError) => reason._tag === "LockTimeoutError" && !database.isTransaction
  }

  const prepared = new Map<string, StatementSync>()
  const prepare = (sql: string): StatementSync => {
    let statement = prepared.get(sql)
    if (statement === undefined) statement = database.prepare(sql)
    else prepared.delete(sql)
    prepared.set(sql, statement)
    const oldest = prepared.keys().next()
    if (prepared.size > kept && oldest.done !== true) prepared.delete(oldest.value)
    return statement
  }

  /** Finds or makes a statement, which `use` runs; again while another process has the file. */
  const run = <A>(
    sql: string,
    params: ReadonlyArray<unknown>,
    how: { readonly keep: boolean; readonly arrays: boolean },
    use: (statement: StatementSync, params: ReadonlyArray<SQLInputValue>) => A
  ): Effect.Effect<A, SqlError.SqlError> =>
    Effect.withFiber((fiber) =>
      Effect.retry(
        Effect.try({
          try: () => {
            const statement = how.keep ? prepare(sql) : database.prepare(sql)
            statement.setReadBigInts(Context.get(fiber.context, SqlClient.SafeIntegers))
            statement.setReturnArrays(how.arrays)
            return use(statement, params.map(toInput))
          },
          catch: failed("execute")
        }),
        whileTaken
      )
    )

  // Objects are rows by column, or, when it was asked for arrays, by place.
  const rows = (statement: StatementSync, params: ReadonlyArray<SQLInputValue>): ReadonlyArray<object> => {
    if (statement.columns().length > 0) return statement.all(...params)
    statement.run(...params)
    return []
  }
  const values = (
    statement: StatementSync,
    params: ReadonlyArray<SQLInputValue>
  ): ReadonlyArray<ReadonlyArray<unknown>> =>
    rows(statement, params).filter((row): row is ReadonlyArray<unknown> => Array.isArray(row))

  const asObjects = { keep: true, arrays: false }
  const once = { keep: false, arrays: false }
  const executeBy =
    (how: typeof once): Connection["execute"] =>
    (sql, params, transform) =>
      Effect.map(run(sql, params, how, rows), (rows) => (transform === undefined ? rows : transform(rows)))
  const execute = executeBy(asObjects)

  yield* run("PRAGMA journal_mode = WAL", [], once, rows)
  // A killed process loses nothing by it. A machine that loses power may lose the last moments, never the order of things.
  yield* run("PRAGMA synchronous = NORMAL", [], once, rows)

  return {
    isTransaction: () => database.isTransaction,
    execute,
    executeUnprepared: executeBy(once),
    executeRaw: (sql, params) =>
      run(sql, params, asObjects, (statement, params) =>
        statement.columns().length > 0 ? statement.all(...params) : statement.run(...params)
      ),
    executeValues: (sql, params) => run(sql, params, { ...asObjects, arrays: true }, values),
    executeValuesUnprepared: (sql, params) => run(sql, params, { ...once, arrays: true }, values),
    executeStream: (sql, params, transform) =>
      Stream.unwrap(Effect.map(execute(sql, params, transform), Stream.fromArray))
  }
})

/** One connection to a file, used by one fiber at a time. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const connection = yield* connect(options)
  return yield* SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore: yield* Semaphore.make(1),
      isTransaction: ({ isTransaction }) => isTransaction()
    }),
    compiler: Statement.makeCompilerSqlite(),
    driver: "sqlite-node",
    spanAttributes: [["db.system.name", "sqlite"]],
    beginTransaction: "BEGIN IMMEDIATE",
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
    prepareTransactionControls: true
  })
})

export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.provide(Layer.effect(SqlClient.SqlClient, make(options)), Reactivity.layer)

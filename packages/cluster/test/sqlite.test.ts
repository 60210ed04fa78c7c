import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as Sqlite from "../src/internal/sqlite.ts"
import { passing } from "./support/passing.ts"

const open = (file: string, patience?: Sqlite.Options["patience"]) =>
  Effect.provide(Sqlite.make({ file, patience }), Reactivity.layer)

const temporary = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "sqlite-"))),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true }))
).pipe(Effect.map((directory) => path.join(directory, "test.db")))

describe("the SQLite driver", () => {
  it.effect("reads what it wrote, as objects, as values, and with whole numbers of any size", () =>
    Effect.gen(function* () {
      const sql = yield* open(":memory:")
      yield* sql`CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, flag INTEGER, data BLOB)`
      const row = { id: 2n ** 60n + 1n, name: "ä'\"", flag: true, data: new Uint8Array([1, 2]) }
      yield* sql`INSERT INTO t ${sql.insert(row)}`
      const safely = Effect.provideService(SqlClient.SafeIntegers, true)
      assert.deepStrictEqual(
        (yield* safely(sql`SELECT * FROM t`)).map((row) => ({ ...row })),
        [{ ...row, flag: 1n }]
      )
      assert.deepStrictEqual(yield* sql`SELECT name, flag FROM t`.values, [["ä'\"", 1]])
      assert.deepStrictEqual(yield* sql`SELECT name FROM t`.unprepared.pipe(Effect.map((rows) => rows.length)), 1)
      assert.deepStrictEqual(
        yield* Stream.runCollect(Stream.map(sql`SELECT flag FROM t`.stream, (row) => ({ ...row }))),
        [{ flag: 1 }]
      )
    })
  )

  it.effect("undoes a transaction that fails, and one inside it alone", () =>
    Effect.gen(function* () {
      const sql = yield* open(":memory:")
      yield* sql`CREATE TABLE t (id INTEGER PRIMARY KEY)`
      const put = (id: number) => sql`INSERT INTO t ${sql.insert({ id })}`
      yield* Effect.ignore(sql.withTransaction(Effect.andThen(put(1), Effect.fail("no"))))
      yield* sql.withTransaction(
        Effect.andThen(put(2), Effect.ignore(sql.withTransaction(Effect.andThen(put(3), Effect.fail("no")))))
      )
      assert.deepStrictEqual(yield* sql`SELECT id FROM t`.values, [[2]])
    })
  )

  it.effect("says what kind of error it was", () =>
    Effect.gen(function* () {
      const sql = yield* open(":memory:")
      yield* sql`CREATE TABLE t (id INTEGER PRIMARY KEY)`
      yield* sql`INSERT INTO t ${sql.insert({ id: 1 })}`
      const unique = yield* Effect.flip(sql`INSERT INTO t ${sql.insert({ id: 1 })}`)
      assert.strictEqual(unique.reason._tag, "ConstraintError")
      const syntax = yield* Effect.flip(sql`SELEC`)
      assert.include(syntax.message, "syntax error")
      const missing = yield* Effect.flip(open("/nowhere/at/all.db"))
      assert.strictEqual(missing.reason._tag, "ConnectionError")
    })
  )

  it.effect("waits for another connection's transaction, and does not see it before it is over", () =>
    Effect.gen(function* () {
      const file = yield* temporary
      const first = yield* open(file)
      const second = yield* open(file)
      yield* first`CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)`
      yield* first`INSERT INTO t ${first.insert({ id: 1, n: 0 })}`
      const release = yield* Deferred.make<void>()
      const add = (sql: SqlClient.SqlClient) => sql`UPDATE t SET n = n + 1`
      const slow = yield* Effect.forkChild(first.withTransaction(Effect.andThen(add(first), Deferred.await(release))), {
        startImmediately: true
      })
      const other = yield* Effect.forkChild(second.withTransaction(add(second)), { startImmediately: true })
      yield* TestClock.adjust("5 seconds")
      assert.isUndefined(other.pollUnsafe())
      yield* Deferred.succeed(release, undefined)
      yield* passing(Fiber.joinAll([slow, other]))
      assert.deepStrictEqual(yield* second`SELECT n FROM t`.values, [[2]])
    })
  )

  it.effect("gives up when the file stays taken", () =>
    Effect.gen(function* () {
      const file = yield* temporary
      const first = yield* open(file)
      const second = yield* open(file, "2 seconds")
      yield* first`CREATE TABLE t (id INTEGER PRIMARY KEY)`
      yield* Effect.forkChild(first.withTransaction(Effect.never), { startImmediately: true })
      const error = yield* Effect.flip(passing(second`INSERT INTO t ${second.insert({ id: 1 })}`))
      assert.strictEqual(error.reason._tag, "LockTimeoutError")
    })
  )
})

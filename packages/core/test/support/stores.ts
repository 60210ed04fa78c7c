/** Key-value stores that tests run on. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import { DatabaseSync } from "node:sqlite"

/** Files in a directory of their own, as on Node. */
export const layerFiles = Layer.unwrap(
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    return KeyValueStore.layerFileSystem(yield* files.makeTempDirectoryScoped())
  })
).pipe(Layer.provide([NodeFileSystem.layer, NodePath.layer]))

/** A table of SQLite, by the driver that Node has. */
export const layerSqlite = Layer.effect(
  KeyValueStore.KeyValueStore,
  Effect.gen(function* () {
    const database = yield* Effect.acquireRelease(
      Effect.sync(() => new DatabaseSync(":memory:")),
      (database) => Effect.sync(() => database.close())
    )
    database.exec("CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
    const attempt = <A>(method: string, key: string, run: () => A) =>
      Effect.try({
        try: run,
        catch: (cause) =>
          new KeyValueStore.KeyValueStoreError({ method, key, message: `SQLite can not ${method}`, cause })
      })
    const keys = () =>
      database
        .prepare("SELECT key FROM entries")
        .all()
        .map((row) => String(row["key"]))
    return KeyValueStore.makeStringOnly({
      get: (key) =>
        attempt("get", key, () => {
          const row = database.prepare("SELECT value FROM entries WHERE key = ?").get(key)
          return row === undefined ? undefined : String(row["value"])
        }),
      set: (key, value) =>
        attempt("set", key, () => {
          database.prepare("INSERT OR REPLACE INTO entries (key, value) VALUES (?, ?)").run(key, value)
        }),
      remove: (key) =>
        attempt("remove", key, () => void database.prepare("DELETE FROM entries WHERE key = ?").run(key)),
      clear: attempt("clear", "", () => database.exec("DELETE FROM entries")),
      size: attempt("size", "", () => keys().length),
      keys: attempt("keys", "", keys)
    })
  })
)

export const layers = [
  ["in memory", KeyValueStore.layerMemory],
  ["in files", layerFiles],
  ["in SQLite", layerSqlite]
] as const

/** A store in memory whose entries are open to the test; `set` may be replaced. */
export const makeOpen = (
  entries: Map<string, string>,
  set: KeyValueStore.MakeStringOptions["set"] = (key, value) => Effect.sync(() => void entries.set(key, value))
): KeyValueStore.KeyValueStore =>
  KeyValueStore.makeStringOnly({
    get: (key) => Effect.sync(() => entries.get(key)),
    set,
    remove: (key) => Effect.sync(() => void entries.delete(key)),
    clear: Effect.sync(() => entries.clear()),
    size: Effect.sync(() => entries.size),
    keys: Effect.sync(() => [...entries.keys()])
  })

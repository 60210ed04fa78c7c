/**
 * Indexes kept in a directory, as one SQLite database. A commit is one transaction, written before it is applied in
 * memory, so what is read back after a crash of the process is every commit that was answered, each of them whole.
 * After a crash of the machine the last commits may be missing, for the disk is not waited for.
 *
 * One process at a time: the database is locked while it is open. Vectors are kept in the byte order of the machine.
 */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Commit } from "../commit.ts"
import type { CheckedRecord } from "../namespaceRecords.ts"
import type { SparseVector } from "../sparseVector.ts"
import { recordSize } from "../wireSize.ts"

/** The directory holds something else, is held by somebody else, or cannot be read or written. */
export class DataDirectoryError extends Schema.TaggedError<DataDirectoryError>()("DataDirectoryError", {
  directory: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `cannot keep data in ${JSON.stringify(this.directory)}: ${this.detail}`
  }
}

export interface StoredIndex {
  readonly name: string
  /** What `saveIndex` was given last. */
  readonly model: string
  /** Commits that make the index what it was, read as they are taken: take them before the next write. */
  readonly history: Iterable<Commit>
}

/** Every method throws what SQLite throws, for instance when the disk is full; nothing is half done then. */
export interface Persistence {
  /** In the order they were made. */
  readonly load: () => ReadonlyArray<StoredIndex>
  /** A new index, or a new model of one. */
  readonly saveIndex: (name: string, model: string) => void
  readonly deleteIndex: (name: string) => void
  /** Keeps a commit of an index that was saved. */
  readonly write: (index: string, commit: Commit) => void
  readonly close: () => void
}

const fileName = "pinecone.sqlite"

const version = 1

const tables = `
  CREATE TABLE indexes (
    name TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    lsn INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE namespaces (
    key INTEGER PRIMARY KEY,
    "index" TEXT NOT NULL REFERENCES indexes (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    schema TEXT,
    UNIQUE ("index", name)
  ) STRICT;
  CREATE TABLE records (
    namespace INTEGER NOT NULL REFERENCES namespaces (key) ON DELETE CASCADE,
    id TEXT NOT NULL,
    dense BLOB,
    sparse BLOB,
    metadata TEXT,
    UNIQUE (namespace, id)
  ) STRICT;
  PRAGMA user_version = ${version};
`

const IndexRow = Schema.Struct({ name: Schema.String, model: Schema.String, lsn: Schema.Int })

const NamespaceRow = Schema.Struct({
  key: Schema.Int,
  name: Schema.String,
  schema: Schema.NullOr(
    Schema.fromJsonString(
      Schema.Struct({ fields: Schema.Record(Schema.String, Schema.Struct({ filterable: Schema.Boolean })) })
    )
  )
})

const RecordRow = Schema.Struct({
  id: Schema.String,
  dense: Schema.NullOr(Schema.instanceOf(Uint8Array)),
  sparse: Schema.NullOr(Schema.instanceOf(Uint8Array)),
  metadata: Schema.NullOr(
    Schema.fromJsonString(
      Schema.Record(
        Schema.String,
        Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Array(Schema.String)])
      )
    )
  )
})

const decodeVersion = Schema.decodeUnknownSync(Schema.Struct({ user_version: Schema.Int }))
const decodeIndexes = Schema.decodeUnknownSync(Schema.Array(IndexRow))
const decodeNamespaces = Schema.decodeUnknownSync(Schema.Array(NamespaceRow))
const decodeRecords = Schema.decodeUnknownSync(Schema.Array(RecordRow))

/** Records of one commit of a history. */
const pageSize = 1_000

/** Opens the database of a directory; both are made when they are not there. */
export const open = (directory: string): Result.Result<Persistence, DataDirectoryError> =>
  Result.try({
    try: () => {
      mkdirSync(directory, { recursive: true })
      const database = new DatabaseSync(join(directory, fileName))
      try {
        prepare(database)
        return make(database)
      } catch (error) {
        database.close()
        throw error
      }
    },
    catch: (error) =>
      new DataDirectoryError({ directory, detail: error instanceof Error ? error.message : String(error) })
  })

/** Locks the database, and makes its tables when it is new. */
const prepare = (database: DatabaseSync): void => {
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
  inTransaction(database, () => {
    const { user_version } = decodeVersion(database.prepare("PRAGMA user_version").get())
    if (user_version > version) {
      throw new RangeError(`a newer version wrote it (format ${user_version}, this one knows ${version})`)
    }
    if (user_version === 0) database.exec(tables)
  })
}

const make = (database: DatabaseSync): Persistence => {
  const upsertIndex = database.prepare(
    "INSERT INTO indexes (name, model) VALUES (?, ?) ON CONFLICT DO UPDATE SET model = excluded.model"
  )
  const deleteIndex = database.prepare("DELETE FROM indexes WHERE name = ?")
  const setLsn = database.prepare("UPDATE indexes SET lsn = ? WHERE name = ?")
  const insertNamespace = database.prepare(
    `INSERT INTO namespaces ("index", name, schema) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
  )
  const selectKey = database.prepare(`SELECT key FROM namespaces WHERE "index" = ? AND name = ?`)
  const deleteNamespace = database.prepare("DELETE FROM namespaces WHERE key = ?")
  const putRecord = database.prepare(
    `INSERT INTO records (namespace, id, dense, sparse, metadata) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET dense = excluded.dense, sparse = excluded.sparse, metadata = excluded.metadata`
  )
  const changeRecord = database.prepare(
    `UPDATE records SET dense = coalesce(?, dense), sparse = coalesce(?, sparse), metadata = coalesce(?, metadata)
     WHERE namespace = ? AND id = ?`
  )
  const deleteRecord = database.prepare("DELETE FROM records WHERE namespace = ? AND id = ?")
  const deleteRecords = database.prepare("DELETE FROM records WHERE namespace = ?")

  const write = (index: string, { change, lsn, namespace }: Commit): void => {
    setLsn.run(lsn, index)
    if (change._tag === "Create" || change._tag === "Put") {
      insertNamespace.run(index, namespace, change._tag === "Create" ? json(change.schema) : null)
    }
    // no key is found when the commit is an update of records in a namespace that is not there
    const key = selectKey.get(index, namespace)?.["key"] ?? null
    switch (change._tag) {
      case "Create":
        return
      case "Drop":
        deleteNamespace.run(key)
        return
      case "Put":
        for (const { id, metadata, sparseValues, values } of change.records) {
          putRecord.run(key, id, denseBytes(values), sparseBytes(sparseValues), json(metadata))
        }
        return
      case "Change":
        for (const { id, metadata, sparseValues, values } of change.records) {
          changeRecord.run(denseBytes(values), sparseBytes(sparseValues), json(metadata), key, id)
        }
        return
      case "Remove":
        for (const id of change.ids) deleteRecord.run(key, id)
        return
      case "Clear":
        deleteRecords.run(key)
        return
    }
  }

  return {
    load: () =>
      decodeIndexes(database.prepare("SELECT name, model, lsn FROM indexes ORDER BY rowid").all()).map(
        ({ lsn, model, name }) => ({ name, model, history: history(database, name, lsn) })
      ),
    saveIndex: (name, model) => {
      upsertIndex.run(name, model)
    },
    deleteIndex: (name) => {
      deleteIndex.run(name)
    },
    write: (index, commit) => inTransaction(database, () => write(index, commit)),
    close: () => database.close()
  }
}

const inTransaction = (database: DatabaseSync, body: () => void): void => {
  database.exec("BEGIN IMMEDIATE")
  try {
    body()
    database.exec("COMMIT")
  } catch (error) {
    // SQLite has rolled back by itself after some failures, a full disk among them
    if (database.isTransaction) database.exec("ROLLBACK")
    throw error
  }
}

function* history(database: DatabaseSync, index: string, lsn: number): Generator<Commit> {
  const page = database.prepare(
    `SELECT id, dense, sparse, metadata FROM records WHERE namespace = ? AND id > ? ORDER BY id LIMIT ${pageSize}`
  )
  const namespaces = database.prepare(`SELECT key, name, schema FROM namespaces WHERE "index" = ? ORDER BY key`)
  for (const { key, name: namespace, schema } of decodeNamespaces(namespaces.all(index))) {
    yield { lsn, namespace, change: { _tag: "Create", schema: schema ?? undefined } }
    let rows = decodeRecords(page.all(key, ""))
    while (rows.length > 0) {
      yield { lsn, namespace, change: { _tag: "Put", records: rows.map(toRecord) } }
      rows = decodeRecords(page.all(key, rows[rows.length - 1]!.id))
    }
  }
  // carries the number on when nothing is left to carry it
  yield { lsn, namespace: "", change: { _tag: "Remove", ids: [] } }
}

const toRecord = ({ dense, id, metadata, sparse }: typeof RecordRow.Type): CheckedRecord => {
  const record = {
    id,
    values: dense === null ? [] : new Float32Array(dense.slice().buffer),
    sparseValues: sparse === null ? undefined : toSparse(sparse),
    metadata: metadata ?? undefined
  }
  return { ...record, bytes: recordSize(record) }
}

const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value))

const denseBytes = (values: CheckedRecord["values"] | undefined): Float32Array | null =>
  values === undefined || values.length === 0 ? null : Float32Array.from(values)

/** The positions, then the values; both take four bytes. */
const sparseBytes = (sparse: SparseVector | undefined): Uint8Array | null => {
  if (sparse === undefined) return null
  const { indices, values } = sparse
  const bytes = new Uint8Array(indices.byteLength + values.byteLength)
  new Uint32Array(bytes.buffer, 0, indices.length).set(indices)
  new Float32Array(bytes.buffer, indices.byteLength).set(values)
  return bytes
}

const toSparse = (bytes: Uint8Array): SparseVector => {
  const { buffer } = bytes.slice()
  const half = bytes.length / 2
  return { indices: new Uint32Array(buffer, 0, half / 4), values: new Float32Array(buffer, half) }
}

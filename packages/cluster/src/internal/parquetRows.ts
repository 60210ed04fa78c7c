/**
 * The rows of a Parquet file, as the JSON objects they would be. `hyparquet` is loaded when the first one is looked at.
 */
import { clip } from "@effect-connectors/core/ConnectorError"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as zlib from "node:zlib"
import type { Compressors, FileMetaData } from "hyparquet"
import { badFile, type FileError } from "./fileError.ts"
import type { FileSystem } from "./files.ts"
import type { Range, Raw } from "./ndjsonRows.ts"

/** Snappy is the library's own. */
const compressors: Compressors = {
  GZIP: (input) => zlib.gunzipSync(input),
  BROTLI: (input) => zlib.brotliDecompressSync(input),
  ZSTD: (input) => zlib.zstdDecompressSync(input)
}

/** Rows that were written together, and are read together. */
export interface Group extends Range {
  readonly bytes: number
}

const load = Effect.promise(() => import("hyparquet"))

const open = Effect.fnUntraced(function* (files: FileSystem, operation: string, file: string, size: number) {
  const parquet = yield* load
  const run = Effect.runPromiseWith(yield* Effect.context<never>())
  const asked = {
    byteLength: size,
    slice: (begin: number, end: number = size) =>
      run(
        Effect.map(
          Stream.mkUint8Array(files.stream(file, { offset: begin, bytesToRead: end - begin, chunkSize: 1_048_576 })),
          ({ buffer, byteLength, byteOffset }) => buffer.slice(byteOffset, byteOffset + byteLength)
        )
      )
  }
  const attempt = <A>(read: () => Promise<A>): Effect.Effect<A, FileError> =>
    Effect.tryPromise({
      try: read,
      catch: (error) =>
        badFile(operation, file, `can not be read: ${clip(error instanceof Error ? error.message : String(error))}`)
    })
  const metadata = yield* attempt(() => parquet.parquetMetadataAsync(asked))
  const rows = ({ from, to }: Range): Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>, FileError> =>
    attempt(() =>
      parquet.parquetReadObjects({
        file: asked,
        metadata,
        compressors,
        rowStart: from,
        rowEnd: to,
        useOffsetIndex: true
      })
    )
  return { groups: groupsOf(metadata), rows }
})

const groupsOf = (metadata: FileMetaData): ReadonlyArray<Group> => {
  let from = 0
  return metadata.row_groups.map(({ num_rows, total_byte_size }) => {
    const to = from + Number(num_rows)
    const group: Group = { from, to, bytes: Number(total_byte_size) }
    from = to
    return group
  })
}

/** The row groups of a file. */
export const groups = (files: FileSystem, file: string, size: number): Effect.Effect<ReadonlyArray<Group>, FileError> =>
  Effect.map(open(files, "plan", file, size), ({ groups }) => groups)

/** A whole number is one of JSON's where that has all its digits; what is null is left out. */
const plain = (value: unknown): unknown => {
  if (typeof value === "bigint") {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : value.toISOString()
  if (Array.isArray(value)) {
    // Numbers of a vector are not looked at one by one.
    return typeof value[0] === "number" || typeof value[0] === "string" ? value : value.map(plain)
  }
  if (!Predicate.isObject(value) || ArrayBuffer.isView(value)) return value
  const object: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) {
    if (field !== null && field !== undefined) object[name] = plain(field)
  }
  return object
}

/** The rows of a range, but the first `skip` of them. Memory holds a row group. */
export const read = (
  files: FileSystem,
  file: string,
  size: number,
  { from, to }: Range,
  skip: number
): Stream.Stream<Raw, FileError> =>
  Stream.unwrap(
    Effect.map(open(files, "read", file, size), ({ groups, rows }) =>
      Stream.fromIterable(groups).pipe(
        Stream.map((group): Range => ({ from: Math.max(group.from, from + skip), to: Math.min(group.to, to) })),
        Stream.filter((range) => range.from < range.to),
        Stream.mapEffect(rows),
        Stream.map((rows) => rows.map((row): Raw => ({ value: plain(row) }))),
        Stream.flattenIterable
      )
    )
  )

/**
 * Files as partitions of a job: each is a file of JSON lines or of Parquet, or a part of a large one, and is read row by row.
 *
 * A row that can not be read, or is not what the schema says, is a row too: what becomes of it is for the job to say. Runners
 * have to find the files under the same names as the process that plans the partitions.
 */
import * as Batch from "@effect-connectors/core/Batch"
import { range } from "@effect-connectors/core/CheckOption"
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { badFile, badRow, FileError } from "./internal/fileError.ts"
import { fileName, join } from "./internal/fileName.ts"
import { FileSystem, type PlatformError } from "./internal/files.ts"
import * as NdjsonRows from "./internal/ndjsonRows.ts"
import * as ParquetRows from "./internal/parquetRows.ts"
import type * as Partition from "./Partition.ts"

export { FileError } from "./internal/fileError.ts"

/** A file, or a part of one. */
export const Part = Schema.Struct({
  file: Schema.String,
  format: Schema.Literals(["ndjson", "parquet"]),
  /** Bytes of the file when it was planned. */
  size: Schema.Int,
  /** Of JSON lines the first byte, of Parquet the first row; a line is of the part that holds its first byte. */
  from: Schema.Int,
  /** The first byte or row that is no more of this part. */
  to: Schema.Int
})

/** @see {@link Part} */
export type Part = typeof Part.Type

/** The name of a part among those of a run. */
export const key = ({ file, from, to }: Part): string => `${file}#${from}-${to}`

/** Options of {@link partitions}. */
export interface PlanOptions {
  /**
   * Bytes of a part. Files of JSON lines are cut at any line, those of Parquet between row groups, whose size is counted
   * before compression.
   *
   * @default 64_000_000
   */
  readonly partBytes?: number | undefined
  /** What a file holds. Default: Parquet if its name ends in `.parquet`, else JSON lines. */
  readonly format?: ((file: string) => Part["format"]) | undefined
}

const formatOf = (file: string): Part["format"] => (file.toLowerCase().endsWith(".parquet") ? "parquet" : "ndjson")

/**
 * Files as partitions. Large ones are cut into several; an empty one is none.
 *
 * @example
 * ```ts
 * import { Job, JobFiles } from "@effect-connectors/cluster"
 * import * as Effect from "effect/Effect"
 *
 * declare const load: Job.Job<JobFiles.Part>
 *
 * const program = Effect.gen(function*() {
 *   const partitions = yield* JobFiles.partitions(["a.ndjson", "b.parquet"])
 *   yield* Job.start(load, { id: "2026-11-26", partitions })
 * })
 * ```
 */
export const partitions = (
  files: Iterable<string>,
  options: PlanOptions = {}
): Effect.Effect<ReadonlyArray<Part>, FileError | PlatformError, FileSystem> =>
  Effect.gen(function* () {
    const { format = formatOf, partBytes = 64_000_000 } = options
    const wrong = range("partBytes", options.partBytes)
    if (wrong !== undefined) return yield* new FileError({ operation: "plan", file: "files", reason: wrong })
    const system = yield* FileSystem
    const parts = yield* Effect.forEach(files, (file) =>
      Effect.gen(function* () {
        const size = Number((yield* system.stat(file)).size)
        const whole = { file, format: format(file), size }
        if (size === 0) return []
        const ranges =
          whole.format === "parquet"
            ? together(yield* ParquetRows.groups(system, file, size), partBytes)
            : evenly(size, partBytes)
        return ranges.map(({ from, to }): Part => ({ ...whole, from, to }))
      })
    )
    return parts.flat()
  })

/** Ranges of about the same length. */
const evenly = (size: number, most: number): ReadonlyArray<NdjsonRows.Range> => {
  const count = Math.ceil(size / most)
  const cut = (i: number) => Math.round((size * i) / count)
  return Array.from({ length: count }, (_, i) => ({ from: cut(i), to: cut(i + 1) }))
}

/** Row groups that follow each other, as many as fit. */
const together = (groups: ReadonlyArray<ParquetRows.Group>, most: number): ReadonlyArray<NdjsonRows.Range> => {
  const found: Array<ParquetRows.Group> = []
  for (const group of groups) {
    const last = found.at(-1)
    if (last === undefined || last.bytes + group.bytes > most) found.push(group)
    else found[found.length - 1] = { from: last.from, to: group.to, bytes: last.bytes + group.bytes }
  }
  return found.filter(({ from, to }) => from < to)
}

/** A row of a file. */
export interface Row<out A> {
  /** As it stands in the file: what its JSON says, or its text if it is none. */
  readonly raw: unknown
  /** What the schema makes of it, or what is wrong with it. */
  readonly value: Result.Result<A, FileError>
}

/** Options of {@link rows}. */
export interface ReadOptions {
  /**
   * How many rows from the start of the part are left out.
   *
   * @default 0
   */
  readonly skip?: number | undefined
  /**
   * Bytes of a line of JSON. A longer one is a row that can not be read, and is not held in memory.
   *
   * @default 16_000_000
   */
  readonly maxLineBytes?: number | undefined
}

/** Rows that are decoded at a time. */
const slice = 512

/**
 * The rows of a part, in order. The encoded side of the schema is JSON. A row of Parquet is read as the JSON object it would
 * be: null is left out, times are text in ISO 8601, whole numbers are numbers. Of either format, a whole number beyond 2^53 is
 * a `bigint`. Parquet is read a row group at a time, which memory has to hold.
 *
 * @example
 * ```ts
 * import { JobFiles } from "@effect-connectors/cluster"
 * import * as Effect from "effect/Effect"
 * import * as Result from "effect/Result"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * declare const part: JobFiles.Part
 *
 * const program = JobFiles.rows(part, Schema.Struct({ id: Schema.String })).pipe(
 *   Stream.runForEach(({ value }) => Effect.log(Result.isSuccess(value) ? value.success.id : value.failure.message))
 * )
 * ```
 */
export const rows = <A>(
  part: Part,
  schema: Schema.Codec<A, unknown>,
  options: ReadOptions = {}
): Stream.Stream<Row<A>, FileError | PlatformError, FileSystem> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { maxLineBytes = 16_000_000, skip = 0 } = options
      const system = yield* FileSystem
      const { file, format } = part
      const size = Number((yield* system.stat(file)).size)
      if (size !== part.size) {
        const issue = `has ${size} bytes, and had ${part.size} when its partitions were planned; start another run of the job`
        return yield* badFile("read", file, issue)
      }
      const raw: Stream.Stream<NdjsonRows.Raw, FileError | PlatformError> =
        format === "parquet"
          ? ParquetRows.read(system, file, size, part, skip)
          : NdjsonRows.read(system, file, part, { skip, maxLineBytes })
      let read = skip
      const decode = decoder(key(part), schema)
      return raw.pipe(
        Batch.sliced(slice),
        Stream.mapArray((raws) => {
          const first = read + 1
          read += raws.length
          return decode(raws, first)
        })
      )
    })
  )

/** Decodes a chunk at once, and row by row only one that holds a bad row. */
const decoder = <A>(place: string, schema: Schema.Codec<A, unknown>) => {
  const all = Schema.decodeUnknownResult(Schema.Array(schema))
  const one = Schema.decodeUnknownResult(schema)
  return (raws: Arr.NonEmptyReadonlyArray<NdjsonRows.Raw>, first: number): Arr.NonEmptyReadonlyArray<Row<A>> => {
    const decoded = raws.some(({ issue }) => issue !== undefined) ? undefined : all(raws.map(({ value }) => value))
    if (decoded !== undefined && Result.isSuccess(decoded)) {
      return Arr.map(raws, ({ value }, i) => ({ raw: value, value: Result.succeed(decoded.success[i]!) }))
    }
    return Arr.map(raws, ({ issue, value: raw }, i): Row<A> => {
      if (issue !== undefined) return { raw, value: Result.fail(badRow(place, first + i, [], issue)) }
      const value = Result.mapError(one(raw), (error) => {
        const { message, path } = firstIssue(error.issue)
        return badRow(place, first + i, path, message)
      })
      return { raw, value }
    })
  }
}

/**
 * Dead letters of a partition in a file of a directory, a file for each attempt: of two runners that both believe to have the
 * partition each writes its own. A letter holds the row as it was read, so that it can be mended and loaded again.
 *
 * @example
 * ```ts
 * import { JobFiles, Partition } from "@effect-connectors/cluster"
 * import * as Effect from "effect/Effect"
 *
 * const letters = Effect.flatMap(Partition.Partition, JobFiles.letters("dead"))
 * ```
 */
export const letters =
  (directory: string) =>
  ({
    attempt,
    id,
    job,
    key
  }: Partition.Service): Effect.Effect<
    DeadLetter.Store<unknown>,
    DeadLetter.DeadLetterError | PlatformError,
    FileSystem
  > =>
    Effect.gen(function* () {
      const files = yield* FileSystem
      yield* files.makeDirectory(directory, { recursive: true })
      const name = `${fileName(`${job}\0${id}`)}.${fileName(key)}.${attempt}.dead.ndjson`
      return yield* DeadLetter.ndjson({ path: join(directory, name), record: Schema.Unknown })
    })

/**
 * An index as a file of JSON lines, and back: one record a line, with its namespace, sorted by namespace and id.
 *
 * How far the file is complete is kept in a `Ledger`, so an export that was killed goes on where it stopped, and the
 * finished file has each record once. `PineconeCompare` takes such a file as a side, and `PineconeSink.upsert` its records.
 */
import { InvalidOption, InvalidRecord } from "@effect-connectors/core/ConnectorError"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import * as Ledger from "@effect-connectors/core/Ledger"
import type * as Retry from "@effect-connectors/core/Retry"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { compareBytes } from "./internal/byteOrder.ts"
import { checkRange, failure } from "./internal/common.ts"
import { FileSystem, type KeyValueStore, type PlatformError } from "./internal/files.ts"
import { toNumbers, toSparse } from "./internal/jsonRecord.ts"
import { lines } from "./internal/lines.ts"
import { defaultNamespace, namespaceName } from "./internal/namespace.ts"
import * as scans from "./internal/scans.ts"
import type { PineconeError } from "./PineconeError.ts"
import { PineconeIndex } from "./PineconeIndex.ts"
import { Position, type Scanned, type ScannedPage } from "./PineconeSource.ts"
import { Metadata, SparseValues, Values } from "./VectorRecord.ts"

/** Options of {@link toFile}. */
export interface Options {
  /** The file to write. */
  readonly path: string
  /**
   * Which time it is exported: a rerun of the same `run` goes on where that stopped, and does nothing when that was
   * finished.
   */
  readonly run: string
  /** The namespaces to read, or all of the index. Default: the layer's namespace. */
  readonly namespaces?: ReadonlyArray<string> | "all" | undefined
  /**
   * Let a run that begins replace a file. Otherwise it refuses one that is not empty.
   *
   * @default false
   */
  readonly overwrite?: boolean | undefined
  /**
   * Records in one fetch, 1 to 1,000.
   *
   * @default 100
   */
  readonly fetchBatch?: number | undefined
  /**
   * Fetches in flight.
   *
   * @default 8
   */
  readonly fetchConcurrency?: number | undefined
  /** When a call is repeated. */
  readonly retry?: Retry.Policy | undefined
  /**
   * Compare the count of each namespace with the index's own, as `PineconeSource.scan` does.
   *
   * @default true
   */
  readonly verify?: boolean | undefined
}

/** A finished export. */
export interface Report {
  /** Records of the file. */
  readonly records: number
  /** Bytes of the file. */
  readonly bytes: number
  /** Records that were in the file before this run. */
  readonly recordsBefore: number
}

/** Up to where the file is complete: so many bytes, so many records, and the place in the index they end at. */
const Checkpoint = Schema.Struct({
  /** The file is this run's. */
  begun: Schema.Boolean,
  bytes: Schema.Int,
  records: Schema.Int,
  namespace: Schema.String,
  next: Position,
  /** Records of the namespace in the file. */
  seen: Schema.Int,
  /** Records of the namespace as the index counted them when it was begun. */
  before: Schema.Int
})

type Checkpoint = typeof Checkpoint.Type

const initial: Checkpoint = { begun: false, bytes: 0, records: 0, namespace: "", next: "start", seen: 0, before: 0 }

/** The line of a record, as {@link toFile} writes it. */
export const line = ({ id, metadata, namespace, sparseValues, values }: Scanned): string =>
  `${JSON.stringify({ namespace, id, values: toNumbers(values), sparseValues: toSparse(sparseValues), metadata })}\n`

/**
 * Writes an index, or some of its namespaces, to a file.
 *
 * Whatever a killed run wrote beyond its last checkpoint is cut off before the next run goes on. The file is flushed to
 * the disk before a checkpoint is stored.
 *
 * @example
 * ```ts
 * import { PineconeExport } from "@effect-connectors/pinecone"
 *
 * const backup = PineconeExport.toFile({ path: "articles.ndjson", namespaces: "all", run: "2026-11-26" })
 * ```
 */
export const toFile = (
  options: Options
): Effect.Effect<
  Report,
  PineconeError | Ledger.LedgerError | PlatformError,
  PineconeIndex | FileSystem | KeyValueStore
> =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* scans.checkOptions(options)
      const index = yield* PineconeIndex
      const files = yield* FileSystem
      const ledger = yield* Ledger.open({
        job: {
          kind: "export",
          index: scans.placeOf(index),
          split: options.path,
          run: options.run,
          input: JSON.stringify(options.namespaces ?? [index.namespace])
        },
        checkpoint: Checkpoint,
        initial
      })
      const { path } = options
      const refuse = (issue: string) => failure("export", undefined, new InvalidOption({ option: "path", issue }))
      const size = (yield* files.exists(path)) ? Number((yield* files.stat(path)).size) : 0
      if (!ledger.current.begun && size > 0 && options.overwrite !== true) {
        return yield* refuse(`is a file of ${size} bytes; name another one, or set overwrite: true`)
      }
      let reached = ledger.current
      const report = (): Report => ({
        records: reached.records,
        bytes: reached.bytes,
        recordsBefore: ledger.current.records
      })
      if (size < reached.bytes || (ledger.isFinished && size !== reached.bytes)) {
        return yield* refuse(
          `has ${size} bytes, and run ${JSON.stringify(options.run)} wrote ${reached.bytes}; name another run to export it anew`
        )
      }
      if (ledger.isFinished) return report()

      const names = (yield* scans.namesOf(index, options)).toSorted(compareBytes)
      const verified = options.verify ?? true
      const counts: ReadonlyMap<string, number> = verified ? yield* scans.countsOf(index, options.retry) : new Map()
      if (verified) yield* scans.checkNames(options, names, counts)

      reached = { ...reached, begun: true }
      yield* ledger.save(reached)
      const file = yield* files.open(path, { flag: "a" })
      yield* file.truncate(reached.bytes)

      const { namespace: current, next } = reached
      const pages = scans.pages(
        index,
        names.filter((name) => compareBytes(name, current) >= 0),
        { ...options, concurrency: 1, from: ({ namespace }) => (namespace === current ? next : "start") }
      )

      const after = (page: ScannedPage, text: string): Checkpoint => {
        const { namespace, next, records } = page
        const begun = reached.namespace === namespace && page.position !== "start"
        return {
          begun: true,
          bytes: reached.bytes + Buffer.byteLength(text),
          records: reached.records + records.length,
          namespace,
          next,
          seen: (begun ? reached.seen : 0) + records.length,
          before: begun ? reached.before : (counts.get(namespace) ?? 0)
        }
      }
      const isWhole = ({ before, namespace, next, seen }: Checkpoint) =>
        !verified || next !== "end" || seen === before
          ? Effect.void
          : Effect.flatMap(scans.countsOf(index, options.retry), (now) =>
              scans.checkSeen(namespace, seen, before, now.get(namespace) ?? 0)
            )

      yield* Stream.runForEach(
        pages,
        Effect.fnUntraced(function* (page) {
          const text = page.records.map(line).join("")
          const checkpoint = after(page, text)
          yield* isWhole(checkpoint)
          if (text !== "") {
            yield* file.writeAll(new TextEncoder().encode(text))
            yield* file.sync
          }
          yield* ledger.save(checkpoint)
          reached = checkpoint
        })
      )
      yield* ledger.finish
      return report()
    })
  )

/** Options of {@link read}. */
export interface ReadOptions {
  /**
   * Characters of a line. A longer one fails the stream before it is held in memory.
   *
   * @default 4_000_000
   */
  readonly maxLineLength?: number | undefined
}

/** What a line may hold. Ids are taken as they are: they come from an index. */
const Line = Schema.Struct({
  namespace: Schema.optionalKey(Schema.String),
  id: Schema.String,
  values: Schema.optionalKey(Values),
  sparseValues: Schema.optionalKey(SparseValues),
  metadata: Schema.optionalKey(Metadata)
})
const decodeAll = Schema.decodeUnknownResult(Schema.Array(Schema.fromJsonString(Line)))
const decodeOne = Schema.decodeUnknownResult(Line)
const parse = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

const invalid = (number: number, path: ReadonlyArray<PropertyKey>, issue: string) =>
  failure("read", undefined, new InvalidRecord({ field: [`line ${number}:`, path.join(".")].join(" ").trim(), issue }))

/** The first line of a chunk that is no record. */
const blame = (chunk: ReadonlyArray<{ readonly number: number; readonly text: string }>): PineconeError | undefined => {
  for (const { number, text } of chunk) {
    const json = parse(text)
    if (Result.isFailure(json)) return invalid(number, [], "is no JSON; was the export finished?")
    const record = decodeOne(json.success)
    if (Result.isFailure(record)) {
      const { message, path } = firstIssue(record.failure.issue)
      return invalid(number, path, message)
    }
  }
  return undefined
}

/**
 * The records of a file that {@link toFile} wrote, or of any file with a record a line. A line without a namespace is of
 * the default one. Fails at the first line that is no record, naming it.
 *
 * @example
 * ```ts
 * import { PineconeExport, PineconeSink, type PineconeSource } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * const restore = PineconeExport.read("articles.ndjson").pipe(
 *   PineconeSink.upsert({ namespace: ({ namespace }: PineconeSource.Scanned) => namespace }),
 *   Stream.runDrain
 * )
 * ```
 */
export const read = (
  path: string,
  options: ReadOptions = {}
): Stream.Stream<Scanned, PineconeError | PlatformError, FileSystem> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* checkRange("read", "maxLineLength", options.maxLineLength)
      const files = yield* FileSystem
      return files.stream(path).pipe(
        Stream.decodeText,
        lines(options.maxLineLength ?? 4_000_000, (number) =>
          invalid(number, [], `is longer than ${options.maxLineLength ?? 4_000_000} characters`)
        ),
        Stream.mapArrayEffect((chunk) => {
          const decoded = decodeAll(chunk.map(({ text }) => text))
          if (Result.isFailure(decoded))
            return Effect.fail(blame(chunk) ?? invalid(chunk[0].number, [], "is no record"))
          const records = decoded.success.map(({ namespace = defaultNamespace, ...record }): Scanned => ({
            namespace: namespaceName(namespace),
            ...record
          }))
          return Arr.isReadonlyArrayNonEmpty(records) ? Effect.succeed(records) : Effect.die("a chunk had no lines")
        })
      )
    })
  )

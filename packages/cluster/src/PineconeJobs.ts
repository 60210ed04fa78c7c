/**
 * Ready jobs on Pinecone. This module needs `@effect-connectors/pinecone`.
 */
import { range } from "@effect-connectors/core/CheckOption"
import { IncompleteScan } from "@effect-connectors/core/ConnectorError"
import * as Retry from "@effect-connectors/core/Retry"
import type * as Write from "@effect-connectors/core/Write"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as PineconeExport from "@effect-connectors/pinecone/PineconeExport"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import * as VectorRecord from "@effect-connectors/pinecone/VectorRecord"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { fileName } from "./internal/fileName.ts"
import { type FileSystem, join } from "./internal/files.ts"
import * as Pieces from "./internal/pieces.ts"
import * as ReadyJob from "./internal/readyJob.ts"
import * as Settling from "./internal/settling.ts"
import { prefixes } from "./internal/splitting.ts"
import type { Job } from "./Job.ts"
import * as JobFiles from "./JobFiles.ts"
import { Partition } from "./Partition.ts"

/** A row that is a record, as `PineconeExport` and {@link exportFiles} write it. */
export const Row = Schema.Struct({
  namespace: Schema.optional(Schema.String),
  id: Schema.String,
  values: Schema.optional(VectorRecord.Values),
  sparseValues: Schema.optional(VectorRecord.SparseValues),
  metadata: Schema.optional(VectorRecord.Metadata)
})

/** @see {@link Row} */
export type Row = typeof Row.Type

/** Options of {@link load}. */
export interface LoadOptions<A, E = never, R = never>
  extends ReadyJob.Options, ReadyJob.Letters<E, R>, ReadyJob.Reading {
  /** The namespace of all rows, or of each. Default: that of the row, if it has one, and the layer's. */
  readonly namespace?: string | ((row: A) => string) | undefined
  /** How to write: see `PineconeSink.upsert`. */
  readonly write?: Write.Options | undefined
}

/** Rows of any form, and what record each is. */
export interface RowOptions<A> {
  /** What a row is. Its encoded side is JSON; see `JobFiles.rows`. */
  readonly schema: Schema.Codec<A, unknown>
  readonly record: (row: A) => VectorRecord.VectorRecord
}

/**
 * Loads files into an index. Partitions are those of `JobFiles.partitions`. A partition that is taken over goes on from its
 * ledger. Of each row there is one outcome; one that can not be read is `Rejected`, or `DeadLettered` with `deadLetters`.
 *
 * @example
 * ```ts
 * import { Job, JobClient, JobFiles } from "@effect-connectors/cluster"
 * import * as PineconeJobs from "@effect-connectors/cluster/PineconeJobs"
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 *
 * const load = PineconeJobs.load({
 *   name: "load-articles",
 *   schema: Schema.Struct({ url: Schema.String, embedding: Schema.Array(Schema.Number), title: Schema.String }),
 *   record: ({ embedding, title, url }) => ({ id: url, values: embedding, metadata: { title } }),
 *   deadLetters: JobFiles.letters("dead")
 * })
 *
 * const program = Effect.gen(function*() {
 *   const partitions = yield* JobFiles.partitions(["articles-1.parquet", "articles-2.parquet"])
 *   yield* Job.execute(load, { id: "2026-11-26", partitions })
 * }).pipe(Effect.provide([JobClient.layerEmbedded({ file: "jobs.db" }), NodeServices.layer]))
 * ```
 */
export function load<E = never, R = never>(
  options: LoadOptions<Row, E, R> & { readonly schema?: undefined; readonly record?: undefined }
): Job<JobFiles.Part, PineconeIndex | FileSystem | R>
export function load<A, E = never, R = never>(
  options: LoadOptions<A, E, R> & RowOptions<A>
): Job<JobFiles.Part, PineconeIndex | FileSystem | R>
export function load<A, E, R>(
  options:
    | (LoadOptions<Row, E, R> & { readonly schema?: undefined; readonly record?: undefined })
    | (LoadOptions<A, E, R> & RowOptions<A>)
): Job<JobFiles.Part, PineconeIndex | FileSystem | R> {
  return options.schema === undefined
    ? loadRows({ ...options, schema: Row, record: (row) => row }, ({ namespace }) => namespace)
    : loadRows(options, () => undefined)
}

const loadRows = <A, E, R>(
  options: LoadOptions<A, E, R> & RowOptions<A>,
  own: (row: A) => string | undefined
): Job<JobFiles.Part, PineconeIndex | FileSystem | R> =>
  ReadyJob.make(options, JobFiles.Part, JobFiles.key, (part) =>
    Effect.gen(function* () {
      const { maxLineBytes, namespace, record, schema, write } = options
      const { namespace: usual } = yield* PineconeIndex
      const settling = yield* Settling.make(options)
      yield* settling.run
        .pending((skip) => JobFiles.rows(part, schema, { skip, maxLineBytes }))
        .pipe(
          settling.accept(({ position, value: { raw, value } }) => [{ position, value: raw }, value] as const),
          PineconeSink.upsertOutcomes({
            ...write,
            namespace:
              typeof namespace === "string"
                ? namespace
                : ({ made }: Settling.Item<A>) => namespace?.(made) ?? own(made) ?? usual,
            record: ({ made }: Settling.Item<A>) => record(made)
          }),
          settling.settle
        )
    })
  )

/** A part of an index: a namespace, or its ids that start with a prefix. */
export const Split = Schema.Struct({ namespace: Schema.String, prefix: Schema.optionalKey(Schema.String) })

/** @see {@link Split} */
export type Split = typeof Split.Type

/** Options of {@link splits}. */
export interface SplitsOptions {
  /** The namespaces to split, or all of the index. Default: the layer's namespace. */
  readonly namespaces?: ReadonlyArray<string> | "all" | undefined
  /**
   * How many records a split should have, about: a larger namespace is split by prefixes of its ids, which are looked for by
   * listing. Ids that have much in common make more calls, and splits of other sizes.
   *
   * @default 200_000
   */
  readonly recordsPerSplit?: number | undefined
  /** When a call is repeated. */
  readonly retry?: Retry.Policy | undefined
}

/**
 * An index as partitions, for {@link exportFiles} and {@link migrate}. Together they hold each record once. What gets an id
 * later that begins like none of the others is in no split.
 *
 * @example
 * ```ts
 * import { Job } from "@effect-connectors/cluster"
 * import * as PineconeJobs from "@effect-connectors/cluster/PineconeJobs"
 * import * as Effect from "effect/Effect"
 *
 * const backup = PineconeJobs.exportFiles({ name: "backup", directory: "/mnt/backups" })
 *
 * const program = Effect.gen(function*() {
 *   const partitions = yield* PineconeJobs.splits({ namespaces: "all" })
 *   yield* Job.start(backup, { id: "2026-11-26", partitions })
 * })
 * ```
 */
export const splits = (
  options: SplitsOptions = {}
): Effect.Effect<ReadonlyArray<Split>, PineconeError, PineconeIndex> =>
  Effect.gen(function* () {
    const { namespaces, recordsPerSplit = 200_000, retry } = options
    const wrong = range("recordsPerSplit", options.recordsPerSplit)
    if (wrong !== undefined) return yield* new PineconeError({ operation: "splits", reason: wrong })
    const index = yield* PineconeIndex
    const counts = (yield* Retry.retry(index.stats, retry)).namespaces
    const asked = namespaces === "all" ? Array.from(counts.keys()).sort() : (namespaces ?? [index.namespace])
    const names = Arr.dedupe(asked.map((name) => (name === "" ? "__default__" : name)))
    const found = yield* Effect.forEach(names, (namespace) => {
      const wanted = Math.ceil((counts.get(namespace) ?? 0) / recordsPerSplit)
      return wanted <= 1
        ? Effect.succeed([{ namespace }])
        : Effect.map(prefixes(index, namespace, wanted, retry), (all) =>
            all.map((prefix): Split => (prefix === "" ? { namespace } : { namespace, prefix }))
          )
    })
    return found.flat()
  })

/** Options of {@link exportFiles}. */
export interface ExportOptions extends ReadyJob.Options {
  /** Where the files go, in a directory named by the run. Better one that all runners share. */
  readonly directory: string
  /** How to read: see `PineconeSource.scan`. */
  readonly read?: Pick<PineconeSource.ScanOptions, "fetchBatch" | "fetchConcurrency" | "retry"> | undefined
  /**
   * Compare the number of records of a split that is a whole namespace with the index's own count, as `PineconeSource.scan`
   * does.
   *
   * @default true
   */
  readonly verify?: boolean | undefined
}

const Exported = Schema.Struct({ next: PineconeSource.Position, records: Schema.Int, before: Schema.Int })

/**
 * Exports an index to files of JSON lines, one for each partition, as `PineconeExport` writes them: {@link load} takes them.
 * A file has its name, `{directory}/{run}/{namespace}@{prefix}.ndjson`, when it is whole, with each record once. A partition that is taken over
 * goes on where the last one stopped, or begins anew where the directory is not the same.
 *
 * @example
 * ```ts
 * import { Job, JobRunner } from "@effect-connectors/cluster"
 * import * as PineconeJobs from "@effect-connectors/cluster/PineconeJobs"
 * import { PineconeIndex } from "@effect-connectors/pinecone"
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Layer from "effect/Layer"
 *
 * const backup = PineconeJobs.exportFiles({ name: "backup", directory: "/mnt/backups" })
 *
 * const runner = Job.layer(backup).pipe(
 *   Layer.provide([PineconeIndex.layerConfig, NodeServices.layer, JobRunner.layerEmbedded({ file: "jobs.db" })])
 * )
 * ```
 */
export const exportFiles = (options: ExportOptions): Job<Split, PineconeIndex | FileSystem> =>
  ReadyJob.make(options, Split, JSON.stringify, ({ namespace, prefix }) =>
    Effect.gen(function* () {
      const { directory, read, verify = true } = options
      const partition = yield* Partition
      const index = yield* PineconeIndex
      const name = prefix === undefined ? fileName(namespace) : `${fileName(namespace)}@${fileName(prefix)}`
      const file = join(directory, fileName(partition.id), `${name}.ndjson`)
      const count = Effect.map(
        Retry.retry(index.stats, read?.retry),
        ({ namespaces }) => namespaces.get(namespace) ?? 0
      )
      const isVerified = verify && prefix === undefined
      const pieces = yield* Pieces.open(file, "export", Exported, { next: "start", records: 0, before: -1 })
      let now = pieces.reached
      partition.countBefore(Effect.succeed(pieces.reached.records))
      if (!pieces.isDone) {
        if (now.before < 0) now = { ...now, before: isVerified ? yield* count : 0 }
        const { next } = now
        const pages = PineconeSource.scanPages({
          ...read,
          namespaces: [namespace],
          ...(prefix === undefined ? {} : { prefixes: [prefix] }),
          from: () => next
        })
        yield* Stream.runForEachArray(pages, (chunk) =>
          Effect.gen(function* () {
            const records = chunk.flatMap((page) => page.records)
            now = { ...now, next: Arr.lastNonEmpty(chunk).next, records: now.records + records.length }
            yield* pieces.append(records.map(PineconeExport.line).join(""), now)
            partition.count(records.map(() => written))
          })
        )
        if (isVerified) yield* checkCount(namespace, now.records, now.before, yield* count)
      }
      yield* pieces.finish
    })
  )

const written = { _tag: "Written" } as const

const checkCount = (namespace: string, seen: number, before: number, after: number) =>
  seen >= Math.min(before, after) && seen <= Math.max(before, after)
    ? Effect.void
    : Effect.fail(
        new PineconeError({
          operation: "export",
          namespace,
          reason: new IncompleteScan({ scope: `namespace ${namespace}`, seen, expected: after })
        })
      )

/**
 * Ready jobs on Pinecone. This module needs `@effect-connectors/pinecone`.
 */
import { range } from "@effect-connectors/core/CheckOption"
import { IncompleteScan, InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import type * as Resume from "@effect-connectors/core/Resume"
import * as Retry from "@effect-connectors/core/Retry"
import type * as Write from "@effect-connectors/core/Write"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as PineconeExport from "@effect-connectors/pinecone/PineconeExport"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeMigrate from "@effect-connectors/pinecone/PineconeMigrate"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import * as VectorRecord from "@effect-connectors/pinecone/VectorRecord"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { fileName, join } from "./internal/fileName.ts"
import type { FileSystem } from "./internal/files.ts"
import * as Pieces from "./internal/pieces.ts"
import * as ReadyJob from "./internal/readyJob.ts"
import * as Settling from "./internal/settling.ts"
import { prefixes } from "./internal/splitting.ts"
import type { Job } from "./Job.ts"
import * as JobFiles from "./JobFiles.ts"
import { Partition, resume } from "./Partition.ts"

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
      const { maxLineBytes, namespace, record, schema, window, write } = options
      const { namespace: usual } = yield* PineconeIndex
      const run = yield* resume({ window })
      const settling = yield* Settling.make(options, run)
      yield* run
        .pending((skip) => JobFiles.rows(part, schema, { skip, maxLineBytes }))
        .pipe(
          settling.accept(({ position, value: { raw, value } }: Resume.Entry<JobFiles.Row<A>>) => [
            { position, value: raw },
            Result.map(value, (made): Settling.Item<A> => ({ position, value: raw, made }))
          ]),
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

/** A part of an index: a namespace, or its ids that start with a prefix; `as` is the namespace it becomes in {@link migrate}. */
export const Split = Schema.Struct({
  namespace: Schema.String,
  prefix: Schema.optionalKey(Schema.String),
  as: Schema.optionalKey(Schema.String)
})

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
  /**
   * The name that {@link migrate} gives a namespace in the copy: another one for each. Default: its own. It is asked for here,
   * where all namespaces are known: a partition knows of no other.
   */
  readonly rename?: ((namespace: string) => string) | undefined
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
    const { namespaces, recordsPerSplit = 200_000, rename, retry } = options
    const wrong = range("recordsPerSplit", options.recordsPerSplit)
    if (wrong !== undefined) return yield* new PineconeError({ operation: "splits", reason: wrong })
    const index = yield* PineconeIndex
    const counts = (yield* Retry.retry(index.stats, retry)).namespaces
    const asked = namespaces === "all" ? Array.from(counts.keys()).sort() : (namespaces ?? [index.namespace])
    const names = Arr.dedupe(asked.map(named))
    const targets = names.map((name) => named(rename?.(name) ?? name))
    const taken = targets.find((target, i) => targets.indexOf(target) !== i)
    if (taken !== undefined) {
      const issue = `gives two namespaces the name ${JSON.stringify(taken)}`
      return yield* new PineconeError({ operation: "splits", reason: new InvalidOption({ option: "rename", issue }) })
    }
    const found = yield* Effect.forEach(names, (namespace, i) => {
      const target = targets[i] ?? namespace
      const whole: Split = target === namespace ? { namespace } : { namespace, as: target }
      const wanted = Math.ceil((counts.get(namespace) ?? 0) / recordsPerSplit)
      return wanted <= 1
        ? Effect.succeed([whole])
        : Effect.map(prefixes(index, namespace, wanted, retry), (all) =>
            all.map((prefix): Split => (prefix === "" ? whole : { ...whole, prefix }))
          )
    })
    return found.flat()
  })

/** The default namespace has a name when it is listed. */
const named = (namespace: string): string => (namespace === "" ? "__default__" : namespace)

/** Options of {@link exportFiles}. */
export interface ExportOptions extends ReadyJob.Options {
  /** Where the files go, in a directory named by the run. Better one that all runners share, and none of another job. */
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
 * A file has its name, `{directory}/{run}/{namespace}@{prefix}.ndjson`, when it is whole, with each record once. To a part of
 * the name with capitals, or what files may not have in theirs, a digest is added: all file systems tell `a` and `A` apart then.
 * A partition that is taken over goes on where the last attempt stopped, or begins anew where the directory is not the same.
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

/** The index that {@link migrate} reads; it writes to `PineconeIndex`. */
export class Source extends Context.Service<Source, PineconeIndex["Service"]>()(
  "@effect-connectors/cluster/PineconeJobs/Source"
) {
  /** Any layer of `PineconeIndex` as the one to read. */
  static layer<E, R>(index: Layer.Layer<PineconeIndex, E, R>): Layer.Layer<Source, E, R> {
    return Layer.effect(
      Source,
      Effect.map(PineconeIndex, (service) => service)
    ).pipe(Layer.provide(index))
  }
}

/** Options of {@link migrate}; those of `PineconeMigrate.migrate` are told there. */
export interface MigrateOptions<E = never, R = never>
  extends
    ReadyJob.Options,
    ReadyJob.Letters<E, R>,
    Pick<PineconeMigrate.Options, "read" | "write" | "maxOpen" | "maxNotWritten" | "verify" | "settleWithin"> {}

/** A record as JSON has it, without typed arrays. */
const asJson = (record: PineconeSource.Scanned): unknown => JSON.parse(PineconeExport.line(record))

/**
 * Copies an index into another one by splits, and compares both sides of each in the end: see `PineconeMigrate`. What it
 * reads is {@link Source}, what it writes to `PineconeIndex`. A partition that is taken over goes on with its pages where the
 * last one stopped, and fails when records are missing in the copy or differ. To rename namespaces is an option of
 * {@link splits}.
 *
 * @example
 * ```ts
 * import { Job, JobRunner } from "@effect-connectors/cluster"
 * import * as PineconeJobs from "@effect-connectors/cluster/PineconeJobs"
 * import { PineconeIndex } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const apiKey = Redacted.make("pcsk_...")
 * const from = PineconeIndex.layer({ apiKey, index: "articles" })
 * const to = PineconeIndex.layer({ apiKey, index: "articles-v2" })
 *
 * const migrate = PineconeJobs.migrate({ name: "to-v2" })
 *
 * const runner = Job.layer(migrate).pipe(
 *   Layer.provide([PineconeJobs.Source.layer(from), to, JobRunner.layerEmbedded({ file: "jobs.db" })])
 * )
 *
 * const start = Effect.gen(function*() {
 *   const partitions = yield* Effect.provide(PineconeJobs.splits({ namespaces: "all" }), from)
 *   yield* Job.start(migrate, { id: "2026-11-26", partitions })
 * })
 * ```
 */
export const migrate = <E = never, R = never>(options: MigrateOptions<E, R>): Job<Split, Source | PineconeIndex | R> =>
  ReadyJob.make(options, Split, JSON.stringify, ({ as, namespace, prefix }) =>
    Effect.gen(function* () {
      const { deadLetters, maxNotWritten, maxOpen, read, settleWithin, verify, write } = options
      const [from, to] = [yield* Source, yield* PineconeIndex]
      const partition = yield* Partition
      const letters = deadLetters === undefined ? undefined : yield* deadLetters(partition)
      let counted = 0
      const through = (
        outcomes: Stream.Stream<PineconeMigrate.ItemOutcome, PineconeError>
      ): Stream.Stream<DeadLetter.Passed<PineconeMigrate.Item, PineconeError>, PineconeError | E, R> =>
        (letters === undefined
          ? outcomes
          : DeadLetter.divert(letters, {
              id: ({ value }: PineconeMigrate.Item) =>
                `${partition.job} ${partition.id} ${value.namespace} ${value.id}`,
              record: ({ value }) => asJson(value)
            })(outcomes)
        ).pipe(
          Stream.mapArray((chunk) => {
            partition.count(chunk)
            counted += chunk.length
            return chunk
          })
        )
      const note = ({ records }: PineconeMigrate.Report) =>
        Effect.sync(() => partition.countBefore(Effect.succeed(Math.max(0, records - counted))))
      yield* PineconeMigrate.migrate({
        from,
        to,
        run: partition.id,
        namespaces: [namespace],
        prefix,
        deadLetters: through,
        maxNotWritten,
        maxOpen,
        read,
        rename: as === undefined ? undefined : () => as,
        settleWithin,
        verify,
        write
      }).pipe(
        Effect.tap(note),
        Effect.tapError((error) => (error instanceof PineconeMigrate.NotMigrated ? note(error.report) : Effect.void))
      )
    })
  )

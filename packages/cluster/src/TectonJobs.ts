/**
 * Ready jobs on Tecton. This module needs `@effect-connectors/tecton`.
 */
import type { ConnectorError } from "@effect-connectors/core/ConnectorError"
import * as ExactJson from "@effect-connectors/core/ExactJson"
import type * as Outcome from "@effect-connectors/core/Outcome"
import type * as Resume from "@effect-connectors/core/Resume"
import type { FeatureService, Vector } from "@effect-connectors/tecton/FeatureService"
import type { TectonClient } from "@effect-connectors/tecton/TectonClient"
import type { TectonError } from "@effect-connectors/tecton/TectonError"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { fileName, join } from "./internal/fileName.ts"
import type { FileSystem } from "./internal/files.ts"
import * as Pieces from "./internal/pieces.ts"
import * as ReadyJob from "./internal/readyJob.ts"
import * as Settling from "./internal/settling.ts"
import type { Job } from "./Job.ts"
import * as JobFiles from "./JobFiles.ts"
import { Partition, resume } from "./Partition.ts"

/** A row with the features of its keys, and its place in the file; `value` is the row as it was read. */
export interface Enriched<out A, out F> extends Resume.Entry<unknown> {
  readonly row: A
  readonly features: Vector<F>
}

/** Options of {@link enrich} and {@link enrichFiles}. */
export interface Options<A, K, C, F, E = never, R = never> extends ReadyJob.Options, ReadyJob.Letters<E, R> {
  /** What a row is. Its encoded side is JSON; see `JobFiles.rows`. */
  readonly schema: Schema.Codec<A, unknown>
  readonly service: FeatureService<K, C, F>
  /** The keys of a row, and how to ask: see `TectonSource.features`. */
  readonly lookup: TectonSource.FeaturesOptions<A, NoInfer<K>, NoInfer<C>>
  /** See `JobFiles.ReadOptions`. @default 16_000_000 */
  readonly maxLineBytes?: number | undefined
}

/** Options of {@link enrich}. */
export interface EnrichOptions<A, K, C, F, E = never, R = never, R2 = never>
  extends Options<A, K, C, F, E, R>, ReadyJob.Reading {
  /** Writes what was enriched: `PineconeSink.upsertOutcomes`, or any step that has one outcome for each row. */
  readonly write: (
    rows: Stream.Stream<Enriched<A, F>, unknown>
  ) => Stream.Stream<Outcome.Outcome<Enriched<A, F>, ConnectorError>, unknown, R2>
}

/** Rows with their features, in order. What can not be read or looked up has its outcome on the way. */
const enriched =
  <A, K, C, F, E, R>({ lookup, service }: Options<A, K, C, F, E, R>, { accept }: Settling.Settling<E, R>) =>
  <E2, R2>(rows: Stream.Stream<Resume.Entry<JobFiles.Row<A>>, E2, R2>) =>
    Stream.suspend(() => {
      // The step pairs rows with their answers in order; which rows they were is kept beside it.
      const asked: Array<Settling.Item<A>> = []
      return rows.pipe(
        accept(({ position, value: { raw, value } }: Resume.Entry<JobFiles.Row<A>>) => [
          { position, value: raw },
          Result.map(value, (made): Settling.Item<A> => ({ position, value: raw, made }))
        ]),
        Stream.mapArray((items) => {
          for (const item of items) asked.push(item)
          return Arr.map(items, ({ made }) => made)
        }),
        TectonSource.featuresResults(service, lookup),
        Stream.mapArray((rows) => {
          const items = asked.splice(0, rows.length)
          return Arr.map(rows, ([, found], i) => [items[i]!, found] as const)
        }),
        accept(([{ made: row, position, value }, found]: readonly [Settling.Item<A>, Answer<F>]) => [
          { position, value },
          Result.map(found, (features): Enriched<A, F> => ({ position, value, row, features }))
        ])
      )
    })

type Answer<F> = Result.Result<Vector<F>, TectonError>

/**
 * Reads files, looks up the features of each row, and writes both. Partitions are those of `JobFiles.partitions`. Of each row
 * there is one outcome, also of those that can not be read or have no answer; they are `Rejected`, or `DeadLettered` with
 * `deadLetters`.
 *
 * @example
 * ```ts
 * import { JobFiles } from "@effect-connectors/cluster"
 * import * as TectonJobs from "@effect-connectors/cluster/TectonJobs"
 * import { PineconeSink } from "@effect-connectors/pinecone"
 * import { FeatureService } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 *
 * const User = Schema.Struct({ id: Schema.String, embedding: Schema.Array(Schema.Number) })
 * const users = FeatureService.make("users", {
 *   joinKeys: { user_id: Schema.String },
 *   features: { "profile.country": Schema.String }
 * })
 *
 * const job = TectonJobs.enrich({
 *   name: "users",
 *   schema: User,
 *   service: users,
 *   lookup: { keys: ({ id }) => ({ user_id: id }) },
 *   write: PineconeSink.upsertOutcomes({
 *     record: ({ features, row }: TectonJobs.Enriched<typeof User.Type, { "profile.country": string }>) => ({
 *       id: row.id,
 *       values: row.embedding,
 *       metadata: { country: features["profile.country"].value ?? "unknown" }
 *     })
 *   }),
 *   deadLetters: JobFiles.letters("dead")
 * })
 * ```
 */
export const enrich = <A, K, C, F, E = never, R = never, R2 = never>(
  options: EnrichOptions<A, K, C, F, E, R, R2>
): Job<JobFiles.Part, TectonClient | FileSystem | R | R2> =>
  ReadyJob.make(options, JobFiles.Part, JobFiles.key, (part) =>
    Effect.gen(function* () {
      const { maxLineBytes, schema, window, write } = options
      const context = yield* Effect.context<TectonClient | FileSystem | R>()
      const run = yield* resume({ window })
      const settling = yield* Settling.make(options, run)
      yield* run
        .pending((skip) => JobFiles.rows(part, schema, { skip, maxLineBytes }))
        .pipe(enriched(options, settling), Stream.provideContext(context), write, settling.settle)
    })
  )

/** Options of {@link enrichFiles}. */
export interface EnrichFilesOptions<A, K, C, F, E = never, R = never> extends Options<A, K, C, F, E, R> {
  /** Where the files go, in a directory named by the run. Better one that all runners share, and none of another job. */
  readonly directory: string
  /** What is written of a row, as JSON; a `bigint` with all its digits. */
  readonly line: (row: A, features: Vector<F>) => unknown
}

const Reached = Schema.Struct({ rows: Schema.Int })

/**
 * As {@link enrich}, into files of JSON lines: one for each partition, in the order of its rows, which has its name when it is
 * whole. Without `deadLetters` a partition fails at its first row that can not be read or looked up.
 *
 * @example
 * ```ts
 * import * as TectonJobs from "@effect-connectors/cluster/TectonJobs"
 * import { FeatureService } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 *
 * const users = FeatureService.make("users", {
 *   joinKeys: { user_id: Schema.String },
 *   features: { "profile.country": Schema.String }
 * })
 *
 * const job = TectonJobs.enrichFiles({
 *   name: "users",
 *   schema: Schema.Struct({ id: Schema.String }),
 *   service: users,
 *   lookup: { keys: ({ id }) => ({ user_id: id }) },
 *   line: ({ id }, features) => ({ id, country: features["profile.country"].value }),
 *   directory: "/mnt/enriched"
 * })
 * ```
 */
export const enrichFiles = <A, K, C, F, E = never, R = never>(
  options: EnrichFilesOptions<A, K, C, F, E, R>
): Job<JobFiles.Part, TectonClient | FileSystem | R> =>
  ReadyJob.make(options, JobFiles.Part, JobFiles.key, (part) =>
    Effect.gen(function* () {
      const { directory, line, maxLineBytes, schema } = options
      const partition = yield* Partition
      const file = join(directory, fileName(partition.id), `${fileName(JobFiles.key(part))}.ndjson`)
      const pieces = yield* Pieces.open(file, "enrich", Reached, { rows: 0 })
      const skip = pieces.reached.rows
      partition.countBefore(Effect.succeed(skip))
      if (!pieces.isDone) {
        const settling = yield* Settling.make(options)
        let read = skip
        yield* JobFiles.rows(part, schema, { skip, maxLineBytes }).pipe(
          Stream.map((value): Resume.Entry<JobFiles.Row<A>> => ({ position: read++, value })),
          enriched(options, settling),
          Stream.runForEachArray((chunk) =>
            Effect.gen(function* () {
              const text = chunk.map(({ features, row }) => `${ExactJson.stringify(line(row, features))}\n`).join("")
              yield* pieces.append(text, { rows: Arr.lastNonEmpty(chunk).position + 1 })
              partition.count(chunk.map(() => written))
            })
          )
        )
        yield* pieces.append("", { rows: read })
      }
      yield* pieces.finish
    })
  )

const written = { _tag: "Written" } as const

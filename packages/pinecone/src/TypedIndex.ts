/**
 * A Pinecone index whose metadata has a schema: the sinks and sources of this package with typed
 * metadata on the way in and out, and filters that are checked against it. What has nothing to do with
 * metadata (`delete`, `list`) is here as it is there.
 */
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Filter from "./Filter.ts"
import { failure } from "./internal/common.ts"
import * as destinations from "./internal/destinations.ts"
import { operations as operationsOf } from "./internal/operations.ts"
import { replace as replaceOf } from "./internal/replace.ts"
import * as recordChecks from "./internal/recordChecks.ts"
import type { PineconeError } from "./PineconeError.ts"
import type { Match, PineconeIndex } from "./PineconeIndex.ts"
import * as PineconeSink from "./PineconeSink.ts"
import * as PineconeSource from "./PineconeSource.ts"
import * as VectorRecord from "./VectorRecord.ts"

/** The sinks and sources of an index with metadata `M`, stored as `I` and changed by `C`. */
export interface TypedIndex<M, I extends VectorRecord.Metadata, C = M> {
  /** Builds filters over the metadata as it is stored. */
  readonly filter: Filter.Builder<I>
  /** @see `PineconeSink.upsert` */
  readonly upsert: PineconeSink.Upsert<M>
  /** @see `PineconeSink.upsertOutcomes` */
  readonly upsertOutcomes: PineconeSink.UpsertOutcomes<M>
  /** @see `PineconeSink.update`; the metadata of a change is a `C`. */
  readonly update: PineconeSink.UpdateChanges<C>
  /** @see `PineconeSink.updateOutcomes`; the metadata of a change is a `C`. */
  readonly updateOutcomes: PineconeSink.UpdateOutcomes<C>
  /** @see `PineconeSink.delete` */
  readonly delete: PineconeSink.Delete
  /** @see `PineconeSink.deleteOutcomes` */
  readonly deleteOutcomes: PineconeSink.DeleteOutcomes
  /** @see `PineconeSink.operations`; the metadata of a change is a `C`. */
  readonly operations: PineconeSink.Operations<M, C>
  /** @see `PineconeSink.operationsOutcomes`; the metadata of a change is a `C`. */
  readonly operationsOutcomes: PineconeSink.OperationsOutcomes<M, C>
  /** @see `PineconeSink.replace` */
  readonly replace: PineconeSink.Replace<M>
  /** @see `PineconeSink.replaceOutcomes` */
  readonly replaceOutcomes: PineconeSink.ReplaceOutcomes<M>
  /** @see `PineconeSource.query` */
  readonly query: <A>(
    options: PineconeSource.QueryOptions<A, I>
  ) => <E, R>(self: Stream.Stream<A, E, R>) => PineconeSource.Rows<A, ReadonlyArray<Match<M>>, E, R>
  /** @see `PineconeSource.queryResults` */
  readonly queryResults: <A>(
    options: PineconeSource.QueryOptions<A, I>
  ) => <E, R>(self: Stream.Stream<A, E, R>) => PineconeSource.Results<A, ReadonlyArray<Match<M>>, E, R>
  /** @see `PineconeSource.fetch` */
  readonly fetch: PineconeSource.Fetch<M>
  /** @see `PineconeSource.fetchResults` */
  readonly fetchResults: PineconeSource.FetchResults<M>
  /** @see `PineconeSource.list` */
  readonly list: typeof PineconeSource.list
  /** @see `PineconeSource.scan`; fails at a record whose metadata is not what the schema says. */
  readonly scan: (
    options?: PineconeSource.ScanOptions
  ) => Stream.Stream<PineconeSource.Scanned<M>, PineconeError, PineconeIndex>
}

/** The id of an element that is one. What is no text is no id, and refused as such. */
const itself = (element: unknown): string => (Predicate.isString(element) ? element : "")

/**
 * Binds the sinks and sources to a metadata schema. Which index they work on is still the layer's
 * choice. A stored record whose metadata is not what the schema says is an `InvalidRecord` that names it.
 *
 * An update changes the fields it names. Which of them it may name is the schema `changes`; without it every change
 * has all the fields of the metadata. (A schema of part of the fields can not be made of just any schema.)
 *
 * @example
 * ```ts
 * import { TypedIndex } from "@effect-connectors/pinecone"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * const articles = TypedIndex.make(Schema.Struct({ title: Schema.String, year: Schema.Int }))
 *
 * declare const questions: Stream.Stream<{ readonly embedding: Float32Array }>
 *
 * const titles = questions.pipe(
 *   articles.query({
 *     vector: (question) => question.embedding,
 *     topK: 3,
 *     filter: articles.filter.gte("year", 2020)
 *   }),
 *   Stream.map(([, matches]) => matches.map((match) => match.metadata?.title))
 * )
 * ```
 *
 * @example
 * ```ts
 * import { TypedIndex } from "@effect-connectors/pinecone"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 * import * as Struct from "effect/Struct"
 *
 * const Article = Schema.Struct({ title: Schema.String, year: Schema.Int })
 * const articles = TypedIndex.make(Article, Article.mapFields(Struct.map(Schema.optionalKey)))
 *
 * const corrected = Stream.make({ id: "a", metadata: { year: 2021 } }).pipe(articles.update())
 * ```
 */
export function make<M, I extends VectorRecord.Metadata>(metadata: Schema.Codec<M, I>): TypedIndex<M, I>
export function make<M, I extends VectorRecord.Metadata, C>(
  metadata: Schema.Codec<M, I>,
  changes: Schema.Codec<C, NoInfer<Partial<I>>>
): TypedIndex<M, I, C>
export function make<M, I extends VectorRecord.Metadata>(
  metadata: Schema.Codec<M, I>,
  changes: Schema.Codec<unknown, VectorRecord.Metadata> = metadata
): TypedIndex<M, I, unknown> {
  const schema = VectorRecord.metadataSchema(metadata)
  const checkChange = recordChecks.checkChangeOf(VectorRecord.metadataSchema(changes))
  const check = recordChecks.check(schema)
  const read = recordChecks.reader(schema)

  const typed = <A extends { readonly id: string; readonly metadata?: VectorRecord.Metadata | undefined }>(
    operation: string,
    record: A
  ): Result.Result<Omit<A, "metadata"> & { readonly metadata?: M | undefined }, PineconeError> =>
    Result.mapError(read(record), (reason) => failure(operation, undefined, reason))

  const upsertOutcomes = <A>(options: PineconeSink.UpsertOptions<A, M> = {}) => destinations.upsert(options, check)

  const updateOutcomes = <A>(options: PineconeSink.UpdateOptions<A, unknown> = {}) =>
    destinations.update(options, checkChange)

  const operationsOutcomes = <A>(options: PineconeSink.OperationsOptions<A, M, unknown> = {}) =>
    operationsOf(options, { record: check, change: checkChange })

  const queryResults =
    <A>({ filter, ...options }: PineconeSource.QueryOptions<A, I>) =>
    <E, R>(self: Stream.Stream<A, E, R>): PineconeSource.Results<A, ReadonlyArray<Match<M>>, E, R> =>
      self.pipe(
        PineconeSource.queryResults<A>({
          ...options,
          filter:
            typeof filter === "function"
              ? (element) => Filter.untyped(filter(element))
              : filter === undefined
                ? undefined
                : Filter.untyped(filter)
        }),
        Stream.map(([element, result]) => [
          element,
          Result.flatMap(result, (matches) => Result.all(matches.map((match) => typed("query", match))))
        ])
      )

  const fetchResults =
    <A>(options: PineconeSource.FetchOptions<A> = {}) =>
    <E, R>(
      self: Stream.Stream<A, E, R>
    ): PineconeSource.Results<A, Option.Option<VectorRecord.VectorRecord<M>>, E, R> =>
      self.pipe(
        PineconeSource.fetchResults({ ...options, id: options.id ?? itself }),
        Stream.map(([element, result]) => [
          element,
          Result.flatMap(
            result,
            Option.match({
              onNone: () => Result.succeed(Option.none()),
              onSome: (record) => Result.map(typed("fetch", record), Option.some)
            })
          )
        ])
      )

  return {
    filter: Filter.make<I>(),
    upsertOutcomes,
    upsert:
      <A>(options?: PineconeSink.UpsertOptions<A, M>) =>
      <E, R>(self: Stream.Stream<A, E, R>) =>
        Outcome.requireWritten(upsertOutcomes(options)(self)),
    updateOutcomes,
    update:
      <A>(options?: PineconeSink.UpdateOptions<A, unknown>) =>
      <E, R>(self: Stream.Stream<A, E, R>) =>
        Outcome.requireWritten(updateOutcomes(options)(self)),
    operationsOutcomes,
    operations:
      <A>(options?: PineconeSink.OperationsOptions<A, M, unknown>) =>
      <E, R>(self: Stream.Stream<A, E, R>) =>
        Outcome.requireWritten(operationsOutcomes(options)(self)),
    replaceOutcomes: (options) => replaceOf(options, check),
    replace: (options) => (self) => Outcome.requireWritten(replaceOf(options, check)(self)),
    delete: PineconeSink.delete,
    deleteOutcomes: PineconeSink.deleteOutcomes,
    list: PineconeSource.list,
    queryResults,
    query: (options) => (self) => Lookup.requireFound(queryResults(options)(self)),
    fetchResults,
    fetch:
      <A>(options?: PineconeSource.FetchOptions<A>) =>
      <E, R>(self: Stream.Stream<A, E, R>) =>
        Lookup.requireFound(fetchResults(options)(self)),
    scan: (options) =>
      PineconeSource.scan(options).pipe(Stream.mapEffect((record) => Effect.fromResult(typed("scan", record))))
  }
}

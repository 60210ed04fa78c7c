/**
 * Steps that read a Pinecone index: nearest neighbours of each element of a stream, records by id, and
 * everything an index holds.
 *
 * `query` and `fetch` pair each element with its answer, in order. The plain forms fail at the first
 * element that can not be looked up; `queryResults` and `fetchResults` give that as a `Result` and go on.
 */
import * as Lookup from "@effect-connectors/core/Lookup"
import type * as Retry from "@effect-connectors/core/Retry"
import * as Scan from "@effect-connectors/core/Scan"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Filter } from "./Filter.ts"
import { checkRange, namespaceOf } from "./internal/common.ts"
import * as reads from "./internal/reads.ts"
import * as scans from "./internal/scans.ts"
import type { PineconeError } from "./PineconeError.ts"
import { type Match, PineconeIndex } from "./PineconeIndex.ts"
import type { Metadata, SparseValues, Values, VectorRecord } from "./VectorRecord.ts"

interface NamespaceOption<A> {
  /** One namespace for all, or one for each element. Default: the layer's namespace. */
  readonly namespace?: string | ((element: A) => string) | undefined
}

/** A step that pairs each element with its answer. */
export type Rows<A, B, E, R> = Stream.Stream<[A, B], E | PineconeError, R | PineconeIndex>

/** A step that pairs each element with its answer or with why there is none. */
export type Results<A, B, E, R> = Stream.Stream<
  [A, Result.Result<B, PineconeError>],
  E | PineconeError,
  R | PineconeIndex
>

/** What to ask with: a `vector`, a `sparseVector`, both (hybrid), or the `id` of a stored record. */
export type Asking<A> =
  | {
      readonly vector: (element: A) => Values
      readonly sparseVector?: ((element: A) => SparseValues) | undefined
      readonly id?: undefined
    }
  | {
      readonly vector?: undefined
      readonly sparseVector: (element: A) => SparseValues
      readonly id?: undefined
    }
  | {
      readonly vector?: undefined
      readonly sparseVector?: undefined
      readonly id: (element: A) => string
    }

/** What to ask for each element. */
export type QueryOptions<A, M = Metadata> = Asking<A> & QuerySettings<A, M>

/** How to ask; see {@link QueryOptions}. */
export interface QuerySettings<A, M = Metadata> extends NamespaceOption<A> {
  /** How many neighbours, 1 to 10,000. */
  readonly topK: number
  /** One filter for all, or one for each element. */
  readonly filter?: Filter<M> | ((element: A) => Filter<M>) | undefined
  /**
   * Ask for the neighbours' vectors.
   *
   * @default false
   */
  readonly includeValues?: boolean | undefined
  /**
   * Ask for the neighbours' metadata.
   *
   * @default true
   */
  readonly includeMetadata?: boolean | undefined
  /**
   * Queries in flight: Pinecone answers one a call.
   *
   * @default 8
   */
  readonly concurrency?: number | undefined
  /** When a call is repeated. */
  readonly retry?: Retry.Policy | undefined
  /** Time for all queries together, from the start of the stream; see `Lookup.Options`. Default: none. */
  readonly deadline?: Lookup.Options["deadline"]
  /** Keeps the answers of equal queries for a time. Default: no cache. */
  readonly cache?: Lookup.Options["cache"]
}

export interface FetchOptions<A> extends NamespaceOption<A>, Lookup.Options {
  /** The id to fetch for an element. Default: the element is the id. `maxBatch` may be up to 1,000. */
  readonly id?: ((element: A) => string) | undefined
}

export interface ListOptions extends Omit<Scan.Options, "concurrency"> {
  /** Default: the layer's namespace. */
  readonly namespace?: string | undefined
  /** Only ids that start with it. */
  readonly prefix?: string | undefined
}

export interface ScanOptions extends Scan.Options {
  /** The namespaces to read, or all of the index. Default: the layer's namespace. */
  readonly namespaces?: ReadonlyArray<string> | "all" | undefined
  /**
   * Splits each namespace by id prefix, read side by side. None may be the start of another, and together
   * they must cover the namespace: ids that start with none of them are not read, which `verify` tells.
   */
  readonly prefixes?: ReadonlyArray<string> | undefined
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
  /**
   * Compare the count of each namespace with the index's own before and after, and fail at the end with
   * `IncompleteScan` when it lies outside both; a namespace that was named and does not exist is `NotFound`.
   * Turn it off to read a part by `prefixes`, or when others write much at the same time.
   *
   * @default true
   */
  readonly verify?: boolean | undefined
}

/** A record of a {@link scan}, with the namespace it was read from. */
export interface Scanned<M = Metadata> extends VectorRecord<M> {
  readonly namespace: string
}

/** A part of an index that is listed by itself. */
export interface Split {
  readonly namespace: string
  readonly prefix: string | undefined
}

/**
 * A place in a split: its start, the page that a token of the service leads to, or its end. How long Pinecone takes a
 * token is not documented and not verified; one that it refuses fails the scan.
 */
export const Position = Schema.Union([Schema.Literals(["start", "end"]), Schema.Struct({ token: Schema.String })])

/** @see {@link Position} */
export type Position = typeof Position.Type

/** Records that were listed together. */
export interface ScannedPage<S = Scanned> extends Split {
  /** Where the page is. */
  readonly position: Position
  /** Those of its records that were still there when they were fetched. */
  readonly records: ReadonlyArray<S>
  /** Where the next page is. */
  readonly next: Position
}

export interface ScanPagesOptions extends Omit<ScanOptions, "verify"> {
  /** Where to begin in each split; `"end"` leaves it out. Default: at the start. */
  readonly from?: ((split: Split) => Position) | undefined
}

/** {@link query} that gives a failed query as a `Result` in its row and goes on. */
export const queryResults =
  <A>(options: QueryOptions<A>) =>
  <E, R>(self: Stream.Stream<A, E, R>): Results<A, ReadonlyArray<Match>, E, R> =>
    Stream.unwrap(
      Effect.gen(function* () {
        yield* checkRange("query", "topK", options.topK, 10_000)
        yield* checkRange("query", "concurrency", options.concurrency)
        const index = yield* PineconeIndex
        const namespaceFor = namespaceOf(index, options.namespace)
        const { filter } = options
        const request = (element: A) =>
          reads.queryOf(index, {
            vector: options.vector?.(element),
            sparseVector: options.sparseVector?.(element),
            id: options.id?.(element),
            namespace: namespaceFor(element),
            topK: options.topK,
            filter: typeof filter === "function" ? filter(element) : filter,
            includeValues: options.includeValues ?? false,
            includeMetadata: options.includeMetadata ?? true
          })
        return Lookup.results(reads.queries(index, options.cache !== undefined), request, options)(self)
      })
    )

/**
 * Pairs each element with its nearest neighbours, in order. Fails at the first query that can not be
 * answered.
 *
 * @example
 * ```ts
 * import { PineconeSource } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * interface Question { readonly text: string; readonly embedding: Float32Array }
 * declare const questions: Stream.Stream<Question>
 *
 * const answers = questions.pipe(
 *   PineconeSource.query({
 *     vector: (question: Question) => question.embedding,
 *     topK: 5,
 *     filter: { lang: "en", year: { $gte: 2020 } }
 *   }),
 *   Stream.map(([question, matches]) => `${question.text}: ${matches.map((match) => match.id).join(", ")}`)
 * )
 * ```
 */
export const query =
  <A>(options: QueryOptions<A>) =>
  <E, R>(self: Stream.Stream<A, E, R>): Rows<A, ReadonlyArray<Match>, E, R> =>
    Lookup.requireFound(queryResults(options)(self))

/** {@link fetch}: of ids, or of any elements with the option `id`. */
export interface Fetch<M = Metadata> {
  <A>(
    options: FetchOptions<A> & { readonly id: (element: A) => string }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Rows<A, Option.Option<VectorRecord<M>>, E, R>
  <A extends string>(
    options?: FetchOptions<A>
  ): <E, R>(self: Stream.Stream<A, E, R>) => Rows<A, Option.Option<VectorRecord<M>>, E, R>
}

/** {@link fetchResults}: of ids, or of any elements with the option `id`. */
export interface FetchResults<M = Metadata> {
  <A>(
    options: FetchOptions<A> & { readonly id: (element: A) => string }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Results<A, Option.Option<VectorRecord<M>>, E, R>
  <A extends string>(
    options?: FetchOptions<A>
  ): <E, R>(self: Stream.Stream<A, E, R>) => Results<A, Option.Option<VectorRecord<M>>, E, R>
}

const fetchRows =
  <A>(options: FetchOptions<A> = {}) =>
  <E, R>(self: Stream.Stream<A, E, R>): Results<A, Option.Option<VectorRecord>, E, R> =>
    Stream.unwrap(
      Effect.gen(function* () {
        yield* checkRange("fetch", "maxBatch", options.maxBatch, 1000)
        yield* checkRange("fetch", "concurrency", options.concurrency)
        const index = yield* PineconeIndex
        const namespaceFor = namespaceOf(index, options.namespace)
        const key = (element: A) =>
          reads.recordKey(namespaceFor(element), options.id === undefined ? element : options.id(element))
        return Lookup.results(reads.records(index), key, options)(self)
      })
    )

/** {@link fetch} that gives a failed lookup as a `Result` in its row and goes on. */
export const fetchResults: FetchResults = fetchRows

/**
 * Pairs each id with its record, in order; `None` for an id that is not stored. Calls take up to
 * `maxBatch` ids; an id asked for twice at a time is fetched once.
 *
 * @example
 * ```ts
 * import { PineconeSource } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * const records = Stream.make("a", "b").pipe(PineconeSource.fetch({ namespace: "articles" }))
 * ```
 */
export const fetch: Fetch =
  <A>(options?: FetchOptions<A>) =>
  <E, R>(self: Stream.Stream<A, E, R>) =>
    Lookup.requireFound(fetchRows(options)(self))

/**
 * The ids of a namespace, in bytewise order.
 *
 * @example
 * ```ts
 * import { PineconeSource } from "@effect-connectors/pinecone"
 *
 * const chunksOfOneDocument = PineconeSource.list({ prefix: "doc1#" })
 * ```
 */
export const list = (options: ListOptions = {}): Stream.Stream<string, PineconeError, PineconeIndex> =>
  Stream.unwrap(
    Effect.map(PineconeIndex, (index) => {
      const split = { namespace: options.namespace ?? index.namespace, prefix: options.prefix }
      return Scan.scan(reads.keyPages(index), [split], options).pipe(Stream.mapArray(Arr.map(({ id }) => id)))
    })
  )

/** The namespaces of the index with the number of records in each. */
export const namespaces = (
  options: Omit<Scan.Options, "concurrency"> & { readonly prefix?: string | undefined } = {}
): Stream.Stream<{ readonly name: string; readonly records: number }, PineconeError, PineconeIndex> =>
  Stream.unwrap(Effect.map(PineconeIndex, (index) => scans.listNamespaces(index, options)))

/**
 * Every record of one namespace, of several or of all, with values and metadata. Ids are listed and
 * fetched at the same time, with bounded concurrency, and records emitted as they arrive. At the end
 * the count is compared with the index's own, so a scan that was cut short is not taken for a whole one.
 *
 * @example
 * ```ts
 * import { PineconeSource } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const dump = PineconeSource.scan({ namespaces: "all" }).pipe(
 *   Stream.runForEach((record) => Effect.log(`${record.namespace}/${record.id}`))
 * )
 * ```
 */
export const scan = (options: ScanOptions = {}): Stream.Stream<Scanned, PineconeError, PineconeIndex> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* scans.checkOptions(options)
      const index = yield* PineconeIndex
      return scans.records(index, yield* scans.namesOf(index, options), options)
    })
  )

/**
 * {@link scan} page by page, each with where to go on after it: what a program needs that copies an index and may be
 * stopped. Keep `next` of the last page that is dealt with (`Position` is also a schema), and give it to `from` another
 * time. Pages of a split come in order. Counts are not compared.
 *
 * @example
 * ```ts
 * import { PineconeSource } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * declare const reached: PineconeSource.Position
 *
 * const rest = PineconeSource.scanPages({ namespaces: ["articles"], from: () => reached }).pipe(
 *   Stream.runForEach(({ records, next }) => Effect.log(`${records.length} records, then`, next))
 * )
 * ```
 */
export const scanPages = (options: ScanPagesOptions = {}): Stream.Stream<ScannedPage, PineconeError, PineconeIndex> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* scans.checkOptions(options)
      const index = yield* PineconeIndex
      return scans.pages(index, yield* scans.namesOf(index, options), options)
    })
  )

/**
 * Steps that read a Pinecone index: nearest neighbours of each element of a stream, records by id, and
 * everything an index holds.
 *
 * `query` and `fetch` pair each element with its answer, in order. The plain forms fail at the first
 * element that can not be looked up; `queryResults` and `fetchResults` give that as a `Result` and go on.
 */
import { IncompleteScan, InvalidOption, NotFound } from "@effect-connectors/core/ConnectorError"
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Retry from "@effect-connectors/core/Retry"
import * as Scan from "@effect-connectors/core/Scan"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Filter } from "./Filter.ts"
import { checkRange, failure, namespaceOf } from "./internal/common.ts"
import { namespaceName } from "./internal/namespace.ts"
import * as reads from "./internal/reads.ts"
import type { Place } from "./internal/recordChecks.ts"
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
  Stream.unwrap(Effect.map(PineconeIndex, (index) => Scan.scan(reads.namespacePages(index), [options.prefix], options)))

/** No prefixes read nothing, and a prefix of a prefix reads its records twice. */
const checkPrefixes = (prefixes: ReadonlyArray<string> | undefined): Effect.Effect<void, PineconeError> => {
  const refuse = (issue: string) =>
    Effect.fail(failure("scan", undefined, new InvalidOption({ option: "prefixes", issue })))
  if (prefixes?.length === 0) return refuse("is empty; leave it out to read everything")
  const [first, second] =
    prefixes
      ?.toSorted()
      .flatMap((prefix, i, sorted) => (i > 0 && prefix.startsWith(sorted[i - 1]!) ? [sorted[i - 1]!, prefix] : [])) ??
    []
  return first === undefined
    ? Effect.void
    : refuse(
        `has ${JSON.stringify(first)}, which ${JSON.stringify(second)} starts with; records of both would come twice`
      )
}

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
      yield* checkRange("scan", "concurrency", options.concurrency)
      yield* checkRange("scan", "fetchBatch", options.fetchBatch, 1000)
      yield* checkRange("scan", "fetchConcurrency", options.fetchConcurrency)
      yield* checkPrefixes(options.prefixes)
      const index = yield* PineconeIndex
      const names =
        options.namespaces === "all"
          ? yield* Stream.runCollect(Stream.map(namespaces({ retry: options.retry }), ({ name }) => name))
          : Arr.dedupe((options.namespaces ?? [index.namespace]).map(namespaceName))
      const splits = names.flatMap((namespace): ReadonlyArray<reads.Split> =>
        (options.prefixes ?? [undefined]).map((prefix) => ({ namespace, prefix }))
      )
      const verified = options.verify ?? true
      const count = Effect.map(Retry.retry(index.stats, options.retry), (stats) => stats.namespaces)
      const before: ReadonlyMap<string, number> = verified ? yield* count : new Map()
      const unknown =
        verified && Array.isArray(options.namespaces) ? names.find((name) => !before.has(name)) : undefined
      if (unknown !== undefined) {
        return yield* failure("scan", unknown, new NotFound({ resource: "namespace", called: unknown }))
      }
      const seen = new Map<string, number>()

      const found = (rows: ReadonlyArray<[Place, Option.Option<VectorRecord>]>) => {
        const all: Array<Scanned> = []
        for (const [{ namespace }, record] of rows) {
          if (Option.isNone(record)) continue
          seen.set(namespace, (seen.get(namespace) ?? 0) + 1)
          all.push({ namespace, ...record.value })
        }
        return Arr.of(all)
      }

      const verify = Effect.gen(function* () {
        const after = yield* count
        for (const namespace of names) {
          const got = seen.get(namespace) ?? 0
          const expected = after.get(namespace) ?? 0
          const counts = [before.get(namespace) ?? 0, expected]
          if (got < Math.min(...counts) || got > Math.max(...counts)) {
            const reason = new IncompleteScan({ scope: `namespace ${namespace}`, seen: got, expected })
            return yield* failure("scan", namespace, reason)
          }
        }
      })

      return Scan.scan(reads.keyPages(index), splits, options).pipe(
        Lookup.rows(reads.records(index), Result.succeed, {
          maxBatch: options.fetchBatch,
          concurrency: options.fetchConcurrency,
          retry: options.retry
        }),
        Stream.mapArray(found),
        Stream.flattenIterable,
        Stream.onEnd(verified ? verify : Effect.void)
      )
    })
  )

/**
 * Steps that read a Pinecone index: nearest neighbours of each element of a stream, records by id, and
 * everything an index holds.
 *
 * `query` and `fetch` pair each element with its answer, in order. The plain forms fail at the first
 * element that can not be looked up; `queryResults` and `fetchResults` give that as a `Result` and go on.
 */
import * as Batch from "@effect-connectors/core/Batch"
import { IncompleteScan, InvalidOption, InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Retry from "@effect-connectors/core/Retry"
import * as Scan from "@effect-connectors/core/Scan"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Filter } from "./Filter.ts"
import { failure, namespaceOf } from "./internal/destinations.ts"
import { namespaceName } from "./internal/namespace.ts"
import type { PineconeError } from "./PineconeError.ts"
import { type Match, type NamespacesReply, PineconeIndex, type QueryRequest, type Service } from "./PineconeIndex.ts"
import {
  checkQuery,
  maxIdLength,
  type Metadata,
  type SparseValues,
  type Values,
  type VectorRecord
} from "./VectorRecord.ts"

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

/** What to ask for each element: by `vector`, by `sparseVector`, by both (hybrid), or by the `id` of a stored record. */
export interface QueryOptions<A, M = Metadata> extends NamespaceOption<A> {
  readonly vector?: ((element: A) => Values) | undefined
  readonly sparseVector?: ((element: A) => SparseValues) | undefined
  readonly id?: ((element: A) => string) | undefined
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
  /** Keeps the answers of equal queries for a time. Default: no cache. */
  readonly cache?: Lookup.Options["cache"]
}

export interface FetchOptions<A> extends NamespaceOption<A>, Lookup.Options {
  /** The id to fetch for an element. Default: the element is the id. `maxBatch` may be up to 1,000. */
  readonly id?: ((element: A) => string) | undefined
}

export interface ListOptions extends Scan.Options {
  /** Default: the layer's namespace. */
  readonly namespace?: string | undefined
  /** Only ids that start with it. */
  readonly prefix?: string | undefined
}

export interface ScanOptions extends Scan.Options {
  /** The namespaces to read, or all of the index. Default: the layer's namespace. */
  readonly namespaces?: ReadonlyArray<string> | "all" | undefined
  /**
   * Splits each namespace by id prefix, read side by side. Ids that start with none of them are not
   * read, and none may be the start of another; so counts are not compared.
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
   * `IncompleteScan` when it lies outside both. Turn it off when others write much at the same time.
   *
   * @default true
   */
  readonly verify?: boolean | undefined
}

/** A record of a {@link scan}, with the namespace it was read from. */
export interface Scanned<M = Metadata> extends VectorRecord<M> {
  readonly namespace: string
}

const targetOf = (index: Service, operation: string) => ({ system: "pinecone", operation, collection: index.name })

/** Fails with `InvalidOption` unless the option is a whole number within the limits. */
const checkRange = (operation: string, option: string, value: number | undefined, max = Infinity) => {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)) return Effect.void
  const range = max === Infinity ? "of 1 or more" : `from 1 to ${max}`
  const reason = new InvalidOption({ option, issue: `is ${value}; it must be a whole number ${range}` })
  return Effect.fail(failure(operation, undefined, reason))
}

/** The request for an element, or why none can be made. */
const requestOf = <A>(index: Service, options: QueryOptions<A>) => {
  const namespaceFor = namespaceOf(index, options.namespace)
  const { filter } = options
  return (element: A): Result.Result<QueryRequest, PineconeError> => {
    const namespace = namespaceFor(element)
    const parts = {
      vector: options.vector?.(element),
      sparseVector: options.sparseVector?.(element),
      id: options.id?.(element)
    }
    const wrong = checkQuery(parts, index.dimension)
    return wrong === undefined
      ? Result.succeed({
          ...parts,
          namespace,
          topK: options.topK,
          filter: typeof filter === "function" ? filter(element) : filter,
          includeValues: options.includeValues ?? false,
          includeMetadata: options.includeMetadata ?? true
        })
      : Result.fail(failure("query", namespace, wrong))
  }
}

/** The whole request as text, so that only equal queries share an answer. */
const queryIdentity = ({ vector, sparseVector, ...rest }: QueryRequest): string =>
  JSON.stringify([
    rest,
    vector && Array.from(vector),
    sparseVector && [Array.from(sparseVector.indices), Array.from(sparseVector.values)]
  ])

/** {@link query} that gives a failed query as a `Result` in its row and goes on. */
export const queryResults =
  <A>(options: QueryOptions<A>) =>
  <E, R>(self: Stream.Stream<A, E, R>): Results<A, ReadonlyArray<Match>, E, R> =>
    Stream.unwrap(
      Effect.gen(function* () {
        yield* checkRange("query", "topK", options.topK, 10_000)
        yield* checkRange("query", "concurrency", options.concurrency)
        const index = yield* PineconeIndex
        const store: Lookup.Store<QueryRequest, ReadonlyArray<Match>, PineconeError> = {
          target: targetOf(index, "query"),
          maxKeys: 1,
          lookup: ([request]) => Effect.map(index.query(request), ({ matches }) => [Result.succeed(matches)]),
          identity: options.cache === undefined ? () => undefined : queryIdentity
        }
        return Lookup.results(store, requestOf(index, options), options)(self)
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

interface FetchKey {
  readonly namespace: string
  readonly id: string
}

/** Answers keys of any namespaces with one call for each namespace among them. */
const fetchAll = (index: Service) => (keys: Arr.NonEmptyReadonlyArray<FetchKey>) =>
  Effect.gen(function* () {
    type Records = Result.Result<ReadonlyMap<string, VectorRecord>, PineconeError>
    const recordsOf = new Map<string, Records>()
    for (const [namespace, group] of Object.entries(Arr.groupBy(keys, (key) => key.namespace))) {
      const records = yield* index.fetch({ namespace, ids: Arr.dedupe(Arr.map(group, (key) => key.id)) }).pipe(
        Effect.map((reply): Records => Result.succeed(reply.records)),
        // A namespace that does not exist is no failure of the others.
        Effect.catchIf(
          ({ reason }) => reason._tag === "NotFound" && reason.resource === "namespace",
          (error) => Effect.succeed<Records>(Result.fail(error))
        )
      )
      recordsOf.set(namespace, records)
    }
    return keys.map(({ id, namespace }) =>
      Result.map(recordsOf.get(namespace)!, (records) => Option.fromNullishOr(records.get(id)))
    )
  })

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
        const store: Lookup.Store<FetchKey, Option.Option<VectorRecord>, PineconeError> = {
          target: targetOf(index, "fetch"),
          maxKeys: 1000,
          lookup: fetchAll(index),
          identity: ({ namespace, id }) => `${namespace}\u0000${id}`
        }
        const keyOf = (element: A): Result.Result<FetchKey, PineconeError> => {
          const id: unknown = options.id === undefined ? element : options.id(element)
          const namespace = namespaceFor(element)
          return typeof id === "string" && id.length >= 1 && id.length <= maxIdLength
            ? Result.succeed({ namespace, id })
            : Result.fail(
                failure(
                  "fetch",
                  namespace,
                  new InvalidRecord({ field: "id", issue: `must be text of 1 to ${maxIdLength} characters` })
                )
              )
        }
        return Lookup.results(store, keyOf, options)(self)
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

interface Split {
  readonly namespace: string
  readonly prefix: string | undefined
}

interface Listed {
  readonly namespace: string
  readonly id: string
}

const listPages = (index: Service): Scan.Source<Split, Listed, string, PineconeError> => ({
  target: targetOf(index, "list"),
  page: ({ namespace, prefix }, paginationToken) =>
    Effect.map(index.list({ namespace, prefix, paginationToken, limit: 100 }), ({ ids, next }) => ({
      items: ids.map((id) => ({ namespace, id })),
      next
    }))
})

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
    Effect.gen(function* () {
      yield* checkRange("list", "concurrency", options.concurrency)
      const index = yield* PineconeIndex
      const split = { namespace: options.namespace ?? index.namespace, prefix: options.prefix }
      return Scan.scan(listPages(index), [split], options).pipe(Stream.mapArray(Arr.map(({ id }) => id)))
    })
  )

/** The namespaces of the index with the number of records in each. */
export const namespaces = (
  options: Scan.Options & { readonly prefix?: string | undefined } = {}
): Stream.Stream<{ readonly name: string; readonly records: number }, PineconeError, PineconeIndex> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* checkRange("namespaces", "concurrency", options.concurrency)
      const index = yield* PineconeIndex
      const pages: Scan.Source<string | undefined, NamespacesReply["namespaces"][number], string, PineconeError> = {
        target: targetOf(index, "namespaces"),
        page: (prefix, paginationToken) =>
          Effect.map(index.namespaces({ prefix, paginationToken }), ({ namespaces, next }) => ({
            items: namespaces,
            next
          }))
      }
      return Scan.scan(pages, [options.prefix], options)
    })
  )

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
      const index = yield* PineconeIndex
      const names =
        options.namespaces === "all"
          ? yield* Stream.runCollect(Stream.map(namespaces(options), ({ name }) => name))
          : Arr.dedupe((options.namespaces ?? [index.namespace]).map(namespaceName))
      const splits = names.flatMap((namespace): ReadonlyArray<Split> =>
        (options.prefixes ?? [undefined]).map((prefix) => ({ namespace, prefix }))
      )
      const verified = (options.verify ?? true) && options.prefixes === undefined
      const count = Effect.map(Retry.retry(index.stats, options.retry), (stats) => stats.namespaces)
      const before: ReadonlyMap<string, number> = verified ? yield* count : new Map()
      const seen = new Map<string, number>()

      const fetched = (namespace: string, ids: Arr.NonEmptyReadonlyArray<string>) =>
        Effect.map(
          Retry.retry(index.fetch({ namespace, ids }), options.retry),
          ({ records }): ReadonlyArray<Scanned> => {
            const found = ids.flatMap((id) => {
              const record = records.get(id)
              return record === undefined ? [] : [{ namespace, ...record }]
            })
            seen.set(namespace, (seen.get(namespace) ?? 0) + found.length)
            return found
          }
        )

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

      return Scan.scan(listPages(index), splits, options).pipe(
        Batch.batchedBy(({ namespace }) => namespace, { maxRecords: options.fetchBatch ?? 100, linger: "5 millis" }),
        Stream.mapEffect(
          ({ key, records }) =>
            fetched(
              key,
              Arr.map(records, ({ id }) => id)
            ),
          {
            concurrency: options.fetchConcurrency ?? 8,
            unordered: true
          }
        ),
        Stream.flattenIterable,
        Stream.concat(verified ? Stream.drain(Stream.fromEffect(verify)) : Stream.empty)
      )
    })
  )

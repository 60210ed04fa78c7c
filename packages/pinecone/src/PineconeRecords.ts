/**
 * Steps that write texts to an index and ask for them by text, whoever embeds them: the layer of `PineconeRecordIndex` says
 * that. They work as those of `PineconeSink` and `PineconeSource` do.
 */
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Outcome from "@effect-connectors/core/Outcome"
import type * as Retry from "@effect-connectors/core/Retry"
import type * as Write from "@effect-connectors/core/Write"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Filter } from "./Filter.ts"
import { checkRange, failure, identityOf, namespaceOf, pacedBy, targetOf } from "./internal/common.ts"
import { naming, writeTo } from "./internal/destinations.ts"
import { prepareBy } from "./internal/prepare.ts"
import { invalidNamespace } from "./internal/recordChecks.ts"
import { checkSearch, checkTextRecord } from "./internal/textRecords.ts"
import type { PineconeError } from "./PineconeError.ts"
import { PineconeRecordIndex } from "./PineconeRecordIndex.ts"
import type { Made } from "./PineconeSink.ts"
import type { Asked, Hit, Rerank, SearchRecordsRequest, Service, SizedTextRecord, TextRecord } from "./RecordsApi.ts"

/** What a write step makes of a stream: one outcome an element. */
export type Outcomes<A, E, R> = Stream.Stream<
  Outcome.Outcome<A, PineconeError>,
  E | PineconeError,
  R | PineconeRecordIndex
>

/** What the plain form of a write step makes of a stream: the written elements, or a failure at its end. */
export type Plain<A, E, R> = Stream.Stream<
  Outcome.Written<A>,
  E | PineconeError | Outcome.RecordsNotWritten,
  R | PineconeRecordIndex
>

interface NamespaceOption<A> {
  /** One namespace for all, or one for each element. Default: the layer's namespace. */
  readonly namespace?: string | ((element: A) => string) | undefined
}

/** A call takes 96 records, the documented limit: a larger `maxRecords` has no effect. */
export interface UpsertOptions<A> extends Write.Options, NamespaceOption<A> {
  /** The record to write for an element, or why there is none. Default: the element is the record. */
  readonly record?: ((element: A) => Made<TextRecord>) | undefined
}

/** What to ask for each element. */
export interface SearchOptions<A> extends NamespaceOption<A> {
  /** Text, a vector, or the id of a stored record; or why there is nothing to ask with. */
  readonly by: (element: A) => Made<Asked>
  /** How many records, 1 to 10,000. */
  readonly topK: number
  /** One filter for all, or one for each element. */
  readonly filter?: Filter | ((element: A) => Filter) | undefined
  /** Fields of the hits to get. Default: all. */
  readonly fields?: ReadonlyArray<string> | undefined
  /** Lets a model order the hits once more. Default: none does. */
  readonly rerank?: Rerank | undefined
  /**
   * Searches in flight: Pinecone answers one a call.
   *
   * @default 8
   */
  readonly concurrency?: number | undefined
  /** When a call is repeated. */
  readonly retry?: Retry.Policy | undefined
  /** Time for all searches together, from the start of the stream; see `Lookup.Options`. Default: none. */
  readonly deadline?: Lookup.Options["deadline"]
  /** Keeps the answers of equal searches for a time. Default: no cache. */
  readonly cache?: Lookup.Options["cache"]
}

/** {@link upsert}: of elements that are records, or of any with the option `record`. */
export interface Upsert {
  <A>(
    options: UpsertOptions<A> & { readonly record: (element: A) => Made<TextRecord> }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
  <A extends TextRecord>(options?: UpsertOptions<A>): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
}

/** {@link upsertOutcomes}: of elements that are records, or of any with the option `record`. */
export interface UpsertOutcomes {
  <A>(
    options: UpsertOptions<A> & { readonly record: (element: A) => Made<TextRecord> }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
  <A extends TextRecord>(options?: UpsertOptions<A>): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
}

const itself = (element: unknown): unknown => element
const idOf = ({ _id }: TextRecord): string => _id

const writeOutcomes = <A>(options: UpsertOptions<A> = {}) =>
  writeTo(PineconeRecordIndex)<A, SizedTextRecord>("upsert", options, (index) => ({
    limits: index.limits,
    prepare: prepareBy(
      "upsert",
      namespaceOf(index, options.namespace),
      options.record ?? itself,
      (record) => checkTextRecord(record, index.textField),
      (record) => {
        const item = index.encode(record)
        return { item, bytes: item.bytes }
      },
      idOf
    ),
    send: (namespace, records) => {
      const call = index.upsert({ namespace, records })
      return records.length === 1 ? Effect.mapError(call, naming(records[0].record._id)) : call
    }
  }))

/**
 * Writes records, giving one outcome for each element as a value. What the model does not take is refused as what the index
 * does not: it is found by halving, and the others are written.
 */
export const upsertOutcomes: UpsertOutcomes = writeOutcomes

/**
 * Writes records; fails at its end with `RecordsNotWritten` when one was rejected or its answer lost.
 *
 * @example
 * ```ts
 * import { PineconeRecords } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * interface Page { readonly url: string; readonly body: string }
 * declare const pages: Stream.Stream<Page>
 *
 * const program = pages.pipe(
 *   PineconeRecords.upsert({ record: (page: Page) => ({ _id: page.url, chunk_text: page.body, lang: "en" }) }),
 *   Stream.runDrain
 * )
 * ```
 */
export const upsert: Upsert =
  <A>(options?: UpsertOptions<A>) =>
  <E, R>(self: Stream.Stream<A, E, R>) =>
    Outcome.requireWritten(writeOutcomes(options)(self))

/** Searches, one a call. With `shared`, equal searches have one answer. */
const searches = (
  index: Service,
  shared: boolean
): Lookup.Store<SearchRecordsRequest, ReadonlyArray<Hit>, PineconeError> => ({
  target: targetOf(index, "query"),
  paced: pacedBy(index, "query"),
  maxKeys: 1,
  lookup: ([request]) => Effect.map(index.search(request), ({ hits }) => [Result.succeed(hits)]),
  group: ({ namespace }) => namespace ?? index.namespace,
  identity: shared ? identityOf : () => undefined,
  late: (reason) => failure("search", undefined, reason)
})

/** A request of these parts, or why none can be made of them. */
const searchOf = (
  request: SearchRecordsRequest & { readonly namespace: string }
): Result.Result<SearchRecordsRequest, PineconeError> => {
  const wrong = invalidNamespace(request.namespace)
  return Result.mapBoth(wrong === undefined ? checkSearch(request) : Result.fail(wrong), {
    onFailure: (reason) => failure("search", request.namespace, reason),
    onSuccess: () => request
  })
}

/** {@link search} that gives a failed search as a `Result` in its row and goes on. */
export const searchResults =
  <A>(options: SearchOptions<A>) =>
  <E, R>(
    self: Stream.Stream<A, E, R>
  ): Stream.Stream<[A, Result.Result<ReadonlyArray<Hit>, PineconeError>], E | PineconeError, R | PineconeRecordIndex> =>
    Stream.unwrap(
      Effect.gen(function* () {
        yield* checkRange("search", "topK", options.topK, 10_000)
        yield* checkRange("search", "concurrency", options.concurrency)
        const index = yield* PineconeRecordIndex
        const namespaceFor = namespaceOf(index, options.namespace)
        const { filter } = options
        const request = (element: A) => {
          const asked = options.by(element)
          return Result.flatMap(Result.isResult(asked) ? asked : Result.succeed(asked), (by) =>
            searchOf({
              by,
              namespace: namespaceFor(element),
              topK: options.topK,
              filter: typeof filter === "function" ? filter(element) : filter,
              fields: options.fields,
              rerank: options.rerank
            })
          )
        }
        return Lookup.results(searches(index, options.cache !== undefined), request, options)(self)
      })
    )

/**
 * Pairs each element with the records that are nearest, in order. Fails at the first search that can not be answered.
 *
 * @example
 * ```ts
 * import { PineconeRecords } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * declare const questions: Stream.Stream<string>
 *
 * const answers = questions.pipe(
 *   PineconeRecords.search({
 *     by: (text: string) => ({ text }),
 *     topK: 20,
 *     rerank: { model: "bge-reranker-v2-m3", rankFields: ["chunk_text"], topN: 5 }
 *   })
 * )
 * ```
 */
export const search =
  <A>(options: SearchOptions<A>) =>
  <E, R>(
    self: Stream.Stream<A, E, R>
  ): Stream.Stream<[A, ReadonlyArray<Hit>], E | PineconeError, R | PineconeRecordIndex> =>
    Lookup.requireFound(searchResults(options)(self))

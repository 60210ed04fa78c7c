/**
 * Documents ordered once more as a step of a stream, by a model of Pinecone: search wide, by words or by vectors, and let a
 * model that reads the texts choose. What is ranked may be the matches of any search, or come from anywhere else.
 */
import * as Batch from "@effect-connectors/core/Batch"
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Lookup from "@effect-connectors/core/Lookup"
import type * as Retry from "@effect-connectors/core/Retry"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { checkRange, failure, identityOf, pacedBy } from "./internal/common.ts"
import { checkRanked, checkRerank, invalidDocuments, invalidRanking } from "./internal/rerankChecks.ts"
import type { PineconeError } from "./PineconeError.ts"
import {
  PineconeReranker,
  type Ranked,
  type RerankDocument,
  type RerankRequest,
  type Service
} from "./PineconeReranker.ts"
import type { Made } from "./PineconeSink.ts"

/** A document in its new place. */
export interface RankedDocument<D> extends Pick<Ranked, "index" | "score"> {
  /** As the element has it, whatever was sent of it. */
  readonly document: D
}

/** What to rank for each element, and how. */
export interface Options<A, D> extends Pick<RerankRequest, "model" | "topN" | "rankFields" | "parameters"> {
  /** What to compare with, or why there is nothing. */
  readonly query: (element: A) => Made<string>
  /** What to order, or why there is nothing. None are ranked without a call. */
  readonly documents: (element: A) => Made<ReadonlyArray<D>>
  /** What the model reads of a document. Default: the document, which is text or has the `rankFields`. */
  readonly read?: ((document: D) => RerankDocument) | undefined
  /**
   * Calls in flight: one element a call.
   *
   * @default 8
   */
  readonly concurrency?: number | undefined
  /** When a call is repeated. */
  readonly retry?: Retry.Policy | undefined
  /** Time for all calls together, from the start of the stream; see `Lookup.Options`. Default: none. */
  readonly deadline?: Lookup.Options["deadline"]
  /** Keeps the answers of equal requests for a time. Default: no cache. */
  readonly cache?: Lookup.Options["cache"]
}

/** {@link rerankResults}: of documents that the model reads as they are, or of any with the option `read`. */
export interface RerankResults {
  <A, D>(
    options: Options<A, D> & { readonly read: (document: D) => RerankDocument }
  ): <E, R>(
    self: Stream.Stream<A, E, R>
  ) => Stream.Stream<
    [A, Result.Result<ReadonlyArray<RankedDocument<D>>, PineconeError>],
    E | PineconeError,
    R | PineconeReranker
  >
  <A, D extends RerankDocument>(
    options: Options<A, D>
  ): <E, R>(
    self: Stream.Stream<A, E, R>
  ) => Stream.Stream<
    [A, Result.Result<ReadonlyArray<RankedDocument<D>>, PineconeError>],
    E | PineconeError,
    R | PineconeReranker
  >
}

/** {@link rerank}: of documents that the model reads as they are, or of any with the option `read`. */
export interface Rerank {
  <A, D>(
    options: Options<A, D> & { readonly read: (document: D) => RerankDocument }
  ): <E, R>(
    self: Stream.Stream<A, E, R>
  ) => Stream.Stream<[A, ReadonlyArray<RankedDocument<D>>], E | PineconeError, R | PineconeReranker>
  <A, D extends RerankDocument>(
    options: Options<A, D>
  ): <E, R>(
    self: Stream.Stream<A, E, R>
  ) => Stream.Stream<[A, ReadonlyArray<RankedDocument<D>>], E | PineconeError, R | PineconeReranker>
}

const failed = (reason: PineconeError["reason"]): PineconeError => failure("rerank", undefined, reason)

/** An element, its documents, and the request that they make, or why they make none. */
interface Asking<A, D> {
  readonly element: A
  readonly documents: ReadonlyArray<D>
  readonly request: Result.Result<RerankRequest, PineconeError>
}

const made = <B>(given: Made<B>): Result.Result<B, PineconeError> =>
  Result.isResult(given) ? given : Result.succeed(given)

/**
 * Stands in an element's row whose search found nothing. The engine asks for nothing there, so that no rate is used up; it
 * becomes an empty ranking, for it is no failure.
 */
const nothingToRank = failed(new InvalidRecord({ field: "documents", issue: "is empty" }))

const itself = (document: unknown): unknown => document

/** The documents in their new order. */
const inPlace = <D>(
  documents: ReadonlyArray<D>,
  answer: Result.Result<ReadonlyArray<Ranked>, PineconeError>
): Result.Result<ReadonlyArray<RankedDocument<D>>, PineconeError> =>
  Result.isFailure(answer) && answer.failure === nothingToRank
    ? Result.succeed([])
    : Result.map(answer, (ranked) =>
        ranked.flatMap(({ index, score }) =>
          documents.slice(index, index + 1).map((document) => ({ index, score, document }))
        )
      )

/** Rankings, one a call. With `shared`, equal requests have one answer. */
const rankings = (
  reranker: Service,
  model: string,
  shared: boolean
): Lookup.Store<RerankRequest, ReadonlyArray<Ranked>, PineconeError> => ({
  target: { system: "pinecone", operation: "rerank", collection: model },
  paced: pacedBy(reranker, "rerank"),
  maxKeys: 1,
  lookup: ([request]) =>
    Effect.map(reranker.rerank(request), ({ ranked }) => [
      Result.mapError(checkRanked(ranked, request, request.documents.length), failed)
    ]),
  identity: shared ? identityOf : () => undefined,
  late: failed
})

const rankResults =
  <A, D>(options: Options<A, D>) =>
  <E, R>(
    self: Stream.Stream<A, E, R>
  ): Stream.Stream<
    [A, Result.Result<ReadonlyArray<RankedDocument<D>>, PineconeError>],
    E | PineconeError,
    R | PineconeReranker
  > =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { cache, model, parameters, rankFields, read, topN } = options
        const wrong = invalidRanking(options)
        if (wrong !== undefined) return yield* failed(wrong)
        yield* checkRange("rerank", "concurrency", options.concurrency)
        const reranker = yield* PineconeReranker
        const maxDocuments = reranker.maxDocuments(model)

        /** What is sent of the documents is all that the request holds on to. */
        const requestOf = (
          ranking: Omit<RerankRequest, "documents">,
          documents: ReadonlyArray<D>
        ): Result.Result<RerankRequest, PineconeError> => {
          const noList = invalidDocuments(documents)
          if (noList !== undefined) return Result.fail(failed(noList))
          if (documents.length === 0) return Result.fail(nothingToRank)
          const checked = checkRerank({ ...ranking, documents: documents.map(read ?? itself) }, maxDocuments)
          return Result.mapBoth(checked, { onFailure: failed, onSuccess: (sent) => ({ ...ranking, documents: sent }) })
        }

        const asking = (element: A): Asking<A, D> => {
          const documents = made(options.documents(element))
          if (Result.isFailure(documents)) return { element, documents: [], request: Result.fail(documents.failure) }
          const request = Result.flatMap(made(options.query(element)), (query) =>
            requestOf({ model, query, rankFields, topN, parameters }, documents.success)
          )
          return { element, documents: documents.success, request }
        }

        return self.pipe(
          // A source's chunk may be long. Only what is about to be asked is made into requests.
          Batch.sliced(1),
          Stream.map(asking),
          Lookup.results(rankings(reranker, model, cache !== undefined), ({ request }) => request, options),
          Stream.map(
            ([{ documents, element }, ranked]): [A, Result.Result<ReadonlyArray<RankedDocument<D>>, PineconeError>] => [
              element,
              inPlace(documents, ranked)
            ]
          )
        )
      })
    )

/**
 * {@link rerank} that gives a ranking that failed as a `Result` in its row and goes on. It fails only with what stops all
 * progress, for instance a wrong key.
 */
export const rerankResults: RerankResults = rankResults

/**
 * Pairs each element with its documents in the order that the model gives them, each as it was, with its old place and its
 * score. Fails at the first element that can not be ranked.
 *
 * @example
 * ```ts
 * import { PineconeSource, Reranking } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * interface Question { readonly text: string; readonly vector: Float32Array }
 * declare const questions: Stream.Stream<Question>
 *
 * // Search wide, then keep the five that answer the question best.
 * const answers = questions.pipe(
 *   PineconeSource.query({ vector: ({ vector }: Question) => vector, topK: 50, includeMetadata: true }),
 *   Reranking.rerank({
 *     model: "bge-reranker-v2-m3",
 *     query: ([{ text }]) => text,
 *     documents: ([, matches]) => matches,
 *     read: ({ metadata }) => ({ text: metadata?.["body"] }),
 *     topN: 5
 *   })
 * )
 * ```
 */
export const rerank: Rerank =
  <A, D>(options: Options<A, D>) =>
  <E, R>(self: Stream.Stream<A, E, R>) =>
    Lookup.requireFound(rankResults(options)(self))

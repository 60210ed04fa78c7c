/**
 * Texts turned into vectors as a step of a stream, by whatever `EmbeddingModel` of `effect/ai` a program has. Texts are
 * embedded in batches, one that is asked for twice at a time is embedded once, and calls are repeated and counted as those
 * of every lookup. A text that the model does not take is a failed `Result` in its row; the sinks take it for the outcome of
 * its element.
 */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { EmbeddingModel } from "./internal/ai.ts"
import { embedAll, targetOf } from "./internal/embedAll.ts"
import { checkRange, failure } from "./internal/common.ts"
import type { PineconeError } from "./PineconeError.ts"
import type { Values } from "./VectorRecord.ts"

/** How texts are embedded. `maxBatch` are texts in a call: the model's provider has a limit. */
export interface Options<A> extends Lookup.Options {
  /** The text of an element. */
  readonly text: (element: A) => string
  /**
   * What the model is called in telemetry.
   *
   * @default "model"
   */
  readonly name?: string | undefined
}

const isEmpty = (text: unknown): boolean => !Predicate.isString(text) || text.trim() === ""

/**
 * Pairs each element with the vector of its text, in order, or with why it has none. Fails only with what stops all
 * progress, for instance a wrong key.
 *
 * @example
 * ```ts
 * import { DocumentIndex, Embedding, PineconeDocuments } from "@effect-connectors/pinecone"
 * import * as Result from "effect/Result"
 * import * as Stream from "effect/Stream"
 *
 * const articles = DocumentIndex.make({
 *   body: DocumentIndex.text(),
 *   embedding: DocumentIndex.dense({ dimension: 384, metric: "cosine" })
 * })
 *
 * interface Page { readonly url: string; readonly body: string }
 * declare const pages: Stream.Stream<Page>
 *
 * // A page that can not be embedded is a `Rejected` outcome; the others are written.
 * const outcomes = pages.pipe(
 *   Embedding.results({ text: (page: Page) => page.body }),
 *   PineconeDocuments.upsertOutcomes(articles, {
 *     document: ([{ body, url }, vector]) => Result.map(vector, (embedding) => ({ _id: url, body, embedding }))
 *   })
 * )
 * ```
 */
export const results =
  <A>(options: Options<A>) =>
  <E, R>(
    self: Stream.Stream<A, E, R>
  ): Stream.Stream<[A, Result.Result<Values, PineconeError>], E | PineconeError, R | EmbeddingModel> =>
    Stream.unwrap(
      Effect.gen(function* () {
        yield* checkRange("embed", "maxBatch", options.maxBatch)
        yield* checkRange("embed", "concurrency", options.concurrency)
        const model = yield* EmbeddingModel
        const store: Lookup.Store<string, Values, PineconeError> = {
          target: targetOf(options.name ?? "model"),
          maxKeys: Number.MAX_SAFE_INTEGER,
          lookup: (texts) => Effect.map(embedAll(model, texts), (vectors) => vectors.map(Result.succeed)),
          identity: (text) => text,
          late: (reason) => failure("embed", undefined, reason)
        }
        const key = (element: A): Result.Result<string, PineconeError> => {
          const text = options.text(element)
          return isEmpty(text)
            ? Result.fail(
                failure(
                  "embed",
                  undefined,
                  new InvalidRecord({ field: "text", issue: "is empty; there is nothing to embed" })
                )
              )
            : Result.succeed(text)
        }
        return Lookup.results(store, key, options)(self)
      })
    )

/**
 * {@link results} that fails at the first element that can not be embedded: for questions, of which none may be left out.
 *
 * @example
 * ```ts
 * import { Embedding, PineconeSource } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * declare const questions: Stream.Stream<string>
 *
 * const answers = questions.pipe(
 *   Embedding.vectors({ text: (question: string) => question }),
 *   PineconeSource.query({ vector: ([, vector]) => vector, topK: 5 })
 * )
 * ```
 */
export const vectors =
  <A>(options: Options<A>) =>
  <E, R>(self: Stream.Stream<A, E, R>): Stream.Stream<[A, Values], E | PineconeError, R | EmbeddingModel> =>
    Lookup.requireFound(results(options)(self))

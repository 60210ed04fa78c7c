/**
 * Models that rank, in memory: a layer of `PineconeReranker` for tests and demos, with no account and no network.
 *
 * There is no model: what stands for it compares hashed words and the trigrams of their letters, unless `embed` is given. It
 * is the ranking of the emulator, whose guide says what Pinecone does not document.
 */
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { checkRequest, PineconeReranker } from "@effect-connectors/pinecone/PineconeReranker"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Embedder from "./internal/records/embedder.ts"
import { type Embed, rerankModels } from "./internal/records/embedding.ts"
import { rankDocuments } from "./internal/records/rank.ts"

export type { Embed, EmbedRequest } from "./internal/records/embedding.ts"

export interface Options {
  /**
   * Makes the vectors that texts are compared by. When it fails, so does the call, with `Unavailable`.
   *
   * @default words and letters, hashed: texts that share words are near each other, whatever they mean
   */
  readonly embed?: Embed | undefined
}

/**
 * `bge-reranker-v2-m3`, `cohere-rerank-3.5` and `pinecone-rerank-v0`; another model is `NotFound`. Requests that
 * `PineconeReranker.layer` does not send are refused as there, but their bytes are not counted.
 *
 * @example
 * ```ts
 * import { Reranking } from "@effect-connectors/pinecone"
 * import { PineconeRerankerMemory } from "@effect-connectors/testkit"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const ranked = Stream.make("rain").pipe(
 *   Reranking.rerank({
 *     model: "bge-reranker-v2-m3",
 *     query: (word) => word,
 *     documents: () => ["dry ground", "rain again"]
 *   }),
 *   Stream.runCollect,
 *   Effect.provide(PineconeRerankerMemory.layer)
 * )
 * ```
 */
export const layerWith = (options: Options): Layer.Layer<PineconeReranker> =>
  Layer.sync(PineconeReranker, () => make(options))

/** Models that compare words and letters. */
export const layer: Layer.Layer<PineconeReranker> = layerWith({})

const make = (options: Options): typeof PineconeReranker.Service => {
  const embedder = Embedder.make(options.embed)
  const maxDocuments = (model: string) => rerankModels.get(model)
  return {
    maxDocuments,
    rerank: (request) =>
      Effect.gen(function* () {
        const { model, query, rankFields, returnDocuments = false } = request
        const documents = yield* Effect.fromResult(checkRequest(request, maxDocuments(model)))
        const topN = Math.min(request.topN ?? documents.length, documents.length)
        const ranked = yield* rankDocuments(embedder, { model, query, documents, rankFields, topN })
        return {
          ranked: returnDocuments ? ranked.map((place) => ({ ...place, document: documents[place.index] })) : ranked,
          rerankUnits: 1
        }
      }).pipe(
        Effect.mapError((reason) => new PineconeError({ operation: "rerank", reason })),
        // A call to a service gives other fibers a turn.
        (call) => Effect.andThen(Effect.yieldNow, call)
      )
  }
}

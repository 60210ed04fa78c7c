/**
 * Models that rank, in memory: a layer of `PineconeReranker` for tests and demos, with no account and no network.
 *
 * There is no model: what stands for it compares hashed words and the trigrams of their letters, unless `embed` is given. It
 * is the ranking of the emulator, whose guide says what Pinecone does not document.
 */
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeReranker, type RerankDocument } from "@effect-connectors/pinecone/PineconeReranker"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
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
 * `bge-reranker-v2-m3`, `cohere-rerank-3.5` and `pinecone-rerank-v0`; another model is refused with `RequestRefused`.
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
  return {
    maxDocuments: (model) => rerankModels.get(model),
    rerank: ({ documents, model, query, rankFields = ["text"], returnDocuments = false, topN }) =>
      Effect.gen(function* () {
        const given = documents.map(fieldsOf)
        const ranked = yield* rankDocuments(embedder, {
          model,
          query,
          documents: given,
          rankFields,
          topN: topN === undefined ? undefined : Math.min(topN, documents.length)
        })
        return {
          ranked: returnDocuments
            ? ranked.map((place) => ({ ...place, document: chosen(given[place.index] ?? {}, rankFields) }))
            : ranked,
          rerankUnits: 1
        }
      }).pipe(
        Effect.mapError((reason) => new PineconeError({ operation: "rerank", reason })),
        // A call to a service gives other fibers a turn.
        (call) => Effect.andThen(Effect.yieldNow, call)
      )
  }
}

interface Fields {
  readonly [field: string]: unknown
}

const fieldsOf = (document: RerankDocument): Fields =>
  Predicate.isString(document) ? { text: document } : Object.fromEntries(Object.entries(document))

const chosen = (fields: Fields, names: ReadonlyArray<string>): Fields =>
  Object.fromEntries(names.map((name) => [name, fields[name]]))

/**
 * Models of the service by name, and vectors made of texts without one.
 *
 * The dense vector of a text is its words and the trigrams of its letters, hashed to positions, and has length 1: texts
 * that share words are near each other, whatever they mean. The sparse one has a position for each word, and how often
 * it is there. Both are the same on every machine. Which models there are is from the service's documentation.
 */
import type { RequestRefused } from "@effect-connectors/core/ConnectorError"
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { no } from "../answer.ts"
import { wordsOf } from "../words.ts"
import type { Metric } from "../denseVectors.ts"

/** Texts to make dense vectors of. */
export interface EmbedRequest {
  readonly model: string
  readonly texts: ReadonlyArray<string>
  readonly inputType: "passage" | "query"
  /** What the vectors have to have. */
  readonly dimension: number
}

/** Makes a vector of each text. */
export type Embed = (
  request: EmbedRequest
) => Effect.Effect<ReadonlyArray<ReadonlyArray<number> | Float32Array>, unknown>

export interface EmbeddingModel {
  readonly vectorType: "dense" | "sparse"
  /** None of a sparse model. */
  readonly dimension?: number
  readonly dimensions?: ReadonlyArray<number>
  readonly metrics: readonly [Metric, ...Array<Metric>]
}

/** Texts of one call that embeds. */
export const maxTexts = 96

export const embeddingModels: ReadonlyMap<string, EmbeddingModel> = new Map<string, EmbeddingModel>([
  [
    "llama-text-embed-v2",
    {
      vectorType: "dense",
      dimension: 1_024,
      dimensions: [384, 512, 768, 1_024, 2_048],
      metrics: ["cosine", "dotproduct"]
    }
  ],
  [
    "multilingual-e5-large",
    { vectorType: "dense", dimension: 1_024, dimensions: [1_024], metrics: ["cosine", "euclidean"] }
  ],
  ["pinecone-sparse-english-v0", { vectorType: "sparse", metrics: ["dotproduct"] }]
])

export const embeddingModel = (name: string): Result.Result<EmbeddingModel, RequestRefused> => {
  const model = embeddingModels.get(name)
  return model === undefined ? no(unknownModel(name, embeddingModels.keys())) : Result.succeed(model)
}

/** The dimension a model is asked for, by default its own; `undefined` of a sparse one. */
export const dimensionOf = (
  name: string,
  model: EmbeddingModel,
  asked: number | undefined
): Result.Result<number | undefined, RequestRefused> =>
  asked === undefined || model.dimensions?.includes(asked)
    ? Result.succeed(asked ?? model.dimension)
    : no(`Model '${name}' has no vectors of dimension ${asked}`)

export const unknownModel = (name: string, known: Iterable<string>): string =>
  `Model '${name}' is none of the emulator's: ${[...known].join(", ")}`

/** Models that rank, and how many documents each takes in a call, which is assumed. */
export const rerankModels: ReadonlyMap<string, number> = new Map([
  ["bge-reranker-v2-m3", 100],
  ["cohere-rerank-3.5", 200],
  ["pinecone-rerank-v0", 100]
])

/** Words, for want of a model's own tokens. */
export const tokensOf = (texts: ReadonlyArray<string>): number =>
  texts.reduce((sum, text) => sum + wordsOf(text).length, 0)

/** The vector of a text as described above. */
export const denseOf = (text: string, dimension: number): Float32Array => {
  const values = new Float32Array(dimension)
  const words = wordsOf(text)
  const features = words.length === 0 ? [text] : words.flatMap((word) => [word, ...trigramsOf(`^${word}$`)])
  for (const feature of features) {
    const hash = hashOf(feature)
    values[hash % dimension]! += hash & 0x8000_0000 ? 1 : -1
  }
  let length = Math.hypot(...values)
  if (length === 0) {
    // hashes that cancel out: the text has a place of its own all the same
    values[hashOf(text) % dimension] = 1
    length = 1
  }
  return values.map((value) => value / length)
}

export const sparseOf = (text: string): { readonly indices: Array<number>; readonly values: Array<number> } => {
  const counts = new Map<number, number>()
  const words = wordsOf(text)
  // a text without words has a place of its own all the same
  for (const word of words.length === 0 ? [text] : words) {
    const index = hashOf(word)
    counts.set(index, (counts.get(index) ?? 0) + 1)
  }
  return { indices: [...counts.keys()], values: [...counts.values()] }
}

const trigramsOf = (word: string): ReadonlyArray<string> =>
  Array.from({ length: Math.max(0, word.length - 2) }, (_, at) => word.slice(at, at + 3))

/** FNV-1a over the code units, as an unsigned 32 bit number. */
const hashOf = (text: string): number => {
  let hash = 0x811c_9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  return hash >>> 0
}

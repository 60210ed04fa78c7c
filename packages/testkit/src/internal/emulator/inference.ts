/**
 * Models by themselves: `/embed`, `/rerank` and `/models` of the control plane.
 *
 * Reranking is not a model either: texts are ranked by the cosine of their vectors with that of the query, as a number
 * from 0 to 1.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Answer, inRange, no } from "../answer.ts"
import {
  type EmbeddingModel,
  embeddingModels,
  maxTexts,
  rerankModels,
  sparseOf,
  unknownModel,
  wordsOf
} from "../embedding.ts"
import { refused } from "../refusals.ts"
import type { Handler } from "./controlPlane.ts"
import type { Embedder } from "./embedder.ts"
import { refuseControl, refusedInControlForm } from "./envelopes.ts"
import { shortValues } from "./numbers.ts"
import { json } from "./reply.ts"
import { Fields, optional, reader } from "./wire.ts"

const Embed = Schema.Struct({
  model: Schema.String,
  inputs: Schema.Array(Schema.Struct({ text: Schema.String })),
  parameters: optional(
    Schema.Struct({
      input_type: optional(Schema.Literals(["passage", "query"])),
      truncate: optional(Schema.Literals(["END", "NONE", "START"])),
      // the types of the official client take text alone
      dimension: optional(Schema.Union([Schema.Finite, Schema.FiniteFromString]))
    })
  )
})

const readEmbed = reader(Embed)

export const embed: Handler = async ({ embedder }, { body }) => {
  const request = Result.gen(function* () {
    const { inputs, model: name, parameters } = yield* Result.mapError(readEmbed(body), refused)
    const model = yield* embeddingModel(name)
    yield* inRange("Number of inputs", 1, maxTexts, inputs.length)
    const texts = inputs.map(({ text }) => text)
    const dimension = yield* dimensionOf(name, model, parameters?.dimension ?? undefined)
    return { name, texts, dimension, inputType: parameters?.input_type ?? "passage" }
  })
  if (Result.isFailure(request)) return refusedInControlForm(request.failure)
  const { dimension, inputType, name, texts } = request.success
  const usage = { total_tokens: tokensOf(texts) }
  if (dimension === undefined) {
    const data = texts.map((text) => {
      const { indices, values } = sparseOf(text)
      return { vector_type: "sparse", sparse_values: values, sparse_indices: indices }
    })
    return json(200, { model: name, vector_type: "sparse", data, usage })
  }
  const vectors = await embedder.dense({ model: name, texts, inputType, dimension })
  const data = vectors.map((values) => ({ vector_type: "dense", values: shortValues(Float32Array.from(values)) }))
  return json(200, { model: name, vector_type: "dense", data, usage })
}

const Rerank = Schema.Struct({
  model: Schema.String,
  query: Schema.String,
  documents: Schema.Array(Fields),
  top_n: optional(Schema.Finite),
  return_documents: optional(Schema.Boolean),
  rank_fields: optional(Schema.Array(Schema.String))
})

const readRerank = reader(Rerank)

export const rerank: Handler = async ({ embedder }, { body }) => {
  const request = Result.gen(function* () {
    const { documents, model, query, rank_fields, return_documents, top_n } = yield* Result.mapError(
      readRerank(body),
      refused
    )
    yield* inRange("Number of documents", 1, maxRanked, documents.length)
    const topN = yield* inRange("top_n", 1, maxRanked, top_n ?? documents.length)
    const texts: Array<string> = []
    for (const document of documents) texts.push(yield* textToRank(document, rank_fields ?? ["text"]))
    return { documents, query, texts, topN, model: yield* rerankModel(model), returns: return_documents ?? true }
  })
  if (Result.isFailure(request)) return refusedInControlForm(request.failure)
  const { documents, model, query, returns, texts, topN } = request.success
  const ranked = await rank(embedder, { model, query, texts })
  const data = ranked
    .slice(0, topN)
    .map(({ index, score }) => ({ index, score, ...(returns ? { document: documents[index] } : {}) }))
  return json(200, { model, data, usage: { rerank_units: 1 } })
}

const infos = [
  ...Array.from(embeddingModels, ([model, { dimension, dimensions, metrics, vectorType }]) => ({
    model,
    short_description: "Words and letters of a text, hashed: not the model of that name",
    type: "embed",
    vector_type: vectorType,
    ...(dimension === undefined ? {} : { default_dimension: dimension, supported_dimensions: dimensions }),
    modality: "text",
    max_batch_size: maxTexts,
    supported_metrics: metrics,
    supported_parameters: []
  })),
  ...rerankModels.map((model) => ({
    model,
    short_description: "Cosine of hashed words and letters: not the model of that name",
    type: "rerank",
    vector_type: undefined,
    modality: "text",
    max_batch_size: 100,
    supported_parameters: []
  }))
]

export const listModels: Handler = (_, { query }) => {
  const wants = (name: string, value: string | undefined) => (query.get(name) ?? value) === value
  return json(200, {
    models: infos.filter((info) => wants("type", info.type) && wants("vector_type", info.vector_type))
  })
}

export const describeModel: Handler = (_, { name }) => {
  const info = infos.find(({ model }) => model === name)
  return info === undefined ? refuseControl(404, `Model ${name} not found`) : json(200, info)
}

const embeddingModel = (name: string): Answer<EmbeddingModel> => {
  const model = embeddingModels.get(name)
  return model === undefined ? no(unknownModel(name)) : Result.succeed(model)
}

export const rerankModel = (name: string): Answer<string> =>
  rerankModels.includes(name) ? Result.succeed(name) : no(unknownModel(name, rerankModels))

/** The dimension a model is asked for, `undefined` of a sparse one. */
const dimensionOf = (name: string, model: EmbeddingModel, asked: number | undefined): Answer<number | undefined> =>
  asked === undefined || model.dimensions?.includes(asked)
    ? Result.succeed(asked ?? model.dimension)
    : no(`Model '${name}' has no vectors of dimension ${asked}`)

/** Words, for want of the model's own tokens. */
export const tokensOf = (texts: ReadonlyArray<string>): number =>
  texts.reduce((sum, text) => sum + wordsOf(text).length, 0)

/** The text that some fields are ranked by. */
export const textToRank = (fields: Readonly<Record<string, unknown>>, names: ReadonlyArray<string>): Answer<string> => {
  const missing = names.find((name) => typeof fields[name] !== "string")
  return missing === undefined
    ? Result.succeed(names.map((name) => fields[name]).join("\n"))
    : no(`Field '${missing}' to rank by must be a string in every document`)
}

export interface Ranked {
  readonly index: number
  readonly score: number
}

/** Documents of one call that ranks; of the service some models take 100, some 200. */
const maxRanked = 100

/** What texts are compared in. */
const rankDimension = 384

/** The places of texts, the nearest to the query first; equal ones stay in their order. */
export const rank = async (
  embedder: Embedder,
  { model, query, texts }: { readonly model: string; readonly query: string; readonly texts: ReadonlyArray<string> }
): Promise<ReadonlyArray<Ranked>> => {
  const common = { model, dimension: rankDimension }
  const [near] = await embedder.dense({ ...common, texts: [query], inputType: "query" })
  const vectors = await embedder.dense({ ...common, texts, inputType: "passage" })
  const score = (vector: ArrayLike<number>): number => (1 + cosine(near ?? [], vector)) / 2
  return vectors
    .map((vector, index) => ({ index, score: score(vector) }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
}

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb)
}

/**
 * Models by themselves: `/embed`, `/rerank` and `/models` of the control plane.
 */
import type { Unavailable } from "@effect-connectors/core/ConnectorError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { inRange } from "../answer.ts"
import {
  dimensionOf,
  embeddingModel,
  embeddingModels,
  maxTexts,
  rerankModels,
  sparseOf,
  tokensOf
} from "../records/embedding.ts"
import { rankDocuments } from "../records/rank.ts"
import { type Refusal, refused } from "../refusals.ts"
import type { Reply } from "./call.ts"
import type { Handler } from "./controlPlane.ts"
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

const answering = (answer: Effect.Effect<Reply, Refusal | Unavailable>): Promise<Reply> =>
  Effect.runPromise(Effect.catch(answer, (reason) => Effect.succeed(refusedInControlForm(reason))))

const embedRequest = (body: unknown) =>
  Result.gen(function* () {
    const { inputs, model: name, parameters } = yield* Result.mapError(readEmbed(body), refused)
    const model = yield* embeddingModel(name)
    yield* inRange("Number of inputs", 1, maxTexts, inputs.length)
    const texts = inputs.map(({ text }) => text)
    const dimension = yield* dimensionOf(name, model, parameters?.dimension ?? undefined)
    return { name, texts, dimension, inputType: parameters?.input_type ?? "passage" }
  })

export const embed: Handler = ({ embedder }, { body }) =>
  answering(
    Effect.gen(function* () {
      const { dimension, inputType, name, texts } = yield* Effect.fromResult(embedRequest(body))
      const usage = { total_tokens: tokensOf(texts) }
      if (dimension === undefined) {
        const data = texts.map((text) => {
          const { indices, values } = sparseOf(text)
          return { vector_type: "sparse", sparse_values: values, sparse_indices: indices }
        })
        return json(200, { model: name, vector_type: "sparse", data, usage })
      }
      const vectors = yield* embedder.dense({ model: name, texts, inputType, dimension })
      const data = vectors.map((values) => ({ vector_type: "dense", values: shortValues(Float32Array.from(values)) }))
      return json(200, { model: name, vector_type: "dense", data, usage })
    })
  )

const Rerank = Schema.Struct({
  model: Schema.String,
  query: Schema.String,
  documents: Schema.Array(Fields),
  top_n: optional(Schema.Finite),
  return_documents: optional(Schema.Boolean),
  rank_fields: optional(Schema.Array(Schema.String))
})

const readRerank = reader(Rerank)

export const rerank: Handler = ({ embedder }, { body }) =>
  answering(
    Effect.gen(function* () {
      const given = yield* Effect.fromResult(Result.mapError(readRerank(body), refused))
      const { documents, model, query } = given
      const ranked = yield* rankDocuments(embedder, {
        model,
        query,
        documents,
        topN: given.top_n ?? undefined,
        rankFields: given.rank_fields ?? undefined
      })
      const data = ranked.map(({ index, score }) => ({
        index,
        score,
        ...((given.return_documents ?? true) ? { document: documents[index] } : {})
      }))
      return json(200, { model, data, usage: { rerank_units: 1 } })
    })
  )

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
  ...Array.from(rerankModels, ([model, max]) => ({
    model,
    short_description: "Cosine of hashed words and letters: not the model of that name",
    type: "rerank",
    vector_type: undefined,
    modality: "text",
    max_batch_size: max,
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

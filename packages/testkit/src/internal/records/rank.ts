/** Ranking of texts by a query: the cosine of their vectors with that of the query, as a number from 0 to 1. */
import { clip, NotFound, type Unavailable } from "@effect-connectors/core/ConnectorError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Answer, inRange, no } from "../answer.ts"
import type { Embedder } from "./embedder.ts"
import type { Refusal } from "../refusals.ts"
import { rerankModels, unknownModel } from "./embedding.ts"

export interface Ranked {
  readonly index: number
  readonly score: number
}

/** What texts are compared in. */
const dimension = 384

/** The places of texts, the nearest to the query first; equal ones stay in their order. */
export const rank = (
  embedder: Embedder,
  { model, query, texts }: { readonly model: string; readonly query: string; readonly texts: ReadonlyArray<string> }
): Effect.Effect<ReadonlyArray<Ranked>, Unavailable> =>
  Effect.gen(function* () {
    const [near = []] = yield* embedder.dense({ model, dimension, texts: [query], inputType: "query" })
    const vectors = yield* embedder.dense({ model, dimension, texts, inputType: "passage" })
    return vectors
      .map((vector, index) => ({ index, score: (1 + cosine(near, vector)) / 2 }))
      .sort((a, b) => b.score - a.score || a.index - b.index)
  })

/** How many records a model ranks in a search. That is about an index, which a 404 would say is not there. */
export const maxRanked = (model: string): Answer<number> => {
  const max = rerankModels.get(model)
  return max === undefined ? no(unknownModel(model, rerankModels.keys())) : Result.succeed(max)
}

/** How many documents a model ranks by itself. */
const maxDocuments = (model: string): Answer<number> => {
  const max = rerankModels.get(model)
  if (max !== undefined) return Result.succeed(max)
  const detail = clip(unknownModel(model, rerankModels.keys()))
  return Result.fail(new NotFound({ resource: "model", called: model, detail, wire: { status: 404 } }))
}

/** Documents to rank by themselves. */
export interface RankRequest {
  readonly model: string
  readonly query: string
  readonly documents: ReadonlyArray<Fields>
  readonly topN?: number | undefined
  /** @default ["text"] */
  readonly rankFields?: ReadonlyArray<string> | undefined
}

/** The best of the documents, or why there are none. */
export const rankDocuments = (
  embedder: Embedder,
  { documents, model, query, rankFields = ["text"], topN = documents.length }: RankRequest
): Effect.Effect<ReadonlyArray<Ranked>, Refusal | Unavailable> =>
  Effect.gen(function* () {
    const texts = yield* Effect.fromResult(
      Result.gen(function* () {
        const max = yield* maxDocuments(model)
        yield* inRange("Number of documents", 1, max, documents.length)
        yield* inRange("top_n", 1, max, topN)
        return yield* Result.all(documents.map((document) => textToRank(document, rankFields)))
      })
    )
    return (yield* rank(embedder, { model, query, texts })).slice(0, topN)
  })

type Fields = Readonly<Record<string, unknown>>

/** The text that some fields are ranked by. Of how many a model takes nothing is known: each takes several. */
export const textToRank = (fields: Fields, names: ReadonlyArray<string>): Answer<string> => {
  const missing = names.find((name) => typeof fields[name] !== "string")
  return missing === undefined
    ? Result.succeed(names.map((name) => fields[name]).join("\n"))
    : no(`Field '${missing}' to rank by must be a string in every document`)
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

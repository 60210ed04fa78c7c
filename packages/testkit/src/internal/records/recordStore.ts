/**
 * Records with text over an index of vectors: the vector of a record is made of one of its fields, and all its fields are
 * its metadata, that one too. Searches by text, by vectors or by a record's id; the last two also on an index without a
 * model.
 *
 * Decided here, not known of the service: a record that breaks a rule refuses the whole request; the limit of metadata
 * counts the text; tokens are words.
 */
import type { Unavailable } from "@effect-connectors/core/ConnectorError"
import type { Match } from "@effect-connectors/pinecone/PineconeIndex"
import type { Metadata, SparseValues, Values, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { type Answer, inRange, no } from "../answer.ts"
import type { Limits } from "../limits.ts"
import type { Matches } from "../metadataFilter.ts"
import { type Refusal, requestTooLarge } from "../refusals.ts"
import type { VectorStore } from "../vectorStore.ts"
import { wordsOf } from "../words.ts"
import type { Embedder } from "./embedder.ts"
import { maxTexts, sparseOf, tokensOf } from "./embedding.ts"
import { maxRanked, rank, textToRank } from "./rank.ts"

/** The model of an index, and the field of a record that has its text. */
export interface Model {
  readonly model: string
  readonly field: string
}

export interface RecordStoreOptions {
  readonly store: VectorStore
  readonly limits: Pick<Limits, "maxRequestBytes">
  readonly model: Model | undefined
  /** Of the vectors; none of a sparse model. */
  readonly dimension: number | undefined
  readonly embedder: Embedder
  /** Asks the store, for what has an answer at once. */
  readonly ask: <A>(question: () => Answer<A>) => Effect.Effect<A, Refusal>
}

export interface UpsertRequest {
  readonly namespace: string
  readonly records: ReadonlyArray<unknown>
  /** Of the request as lines of JSON. */
  readonly bytes: number
}

export interface SearchRequest {
  readonly namespace: string
  readonly topK: number
  readonly text?: string | undefined
  readonly vector?: Values | undefined
  readonly sparseVector?: SparseValues | undefined
  readonly id?: string | undefined
  readonly filter?: object | undefined
  /** Words that the text of a record must have. */
  readonly terms?: ReadonlyArray<string> | undefined
  /** @default all */
  readonly fields?: ReadonlyArray<string> | undefined
  readonly rerank?:
    | {
        readonly model: string
        readonly rankFields: ReadonlyArray<string>
        readonly topN?: number | undefined
        readonly query?: string | undefined
      }
    | undefined
}

export interface Hit {
  readonly id: string
  readonly score: number
  readonly fields: Metadata
}

export interface SearchReply {
  readonly hits: ReadonlyArray<Hit>
  readonly readUnits: number
  /** What the hits saw; a rerank may take longer than the next write. */
  readonly indexedLsn: number
  readonly embedTokens: number | undefined
  readonly rerankUnits: number | undefined
}

export interface RecordStore {
  readonly upsert: (
    request: UpsertRequest
  ) => Effect.Effect<{ readonly lsn: number | undefined }, Refusal | Unavailable>
  readonly search: (request: SearchRequest) => Effect.Effect<SearchReply, Refusal | Unavailable>
}

export const make = (options: RecordStoreOptions): RecordStore => {
  const { ask, dimension, embedder, limits, model, store } = options
  const configured: Answer<Model> =
    model === undefined ? no("Integrated inference is not configured for this index") : Result.succeed(model)

  const vectorsOf = (name: string, texts: ReadonlyArray<string>, inputType: "passage" | "query") =>
    dimension === undefined
      ? Effect.succeed(texts.map((text): Vectors => ({ sparseValues: sparseOf(text) })))
      : Effect.map(embedder.dense({ model: name, texts, inputType, dimension }), (dense) =>
          dense.map((values): Vectors => ({ values }))
        )

  const readLines = ({ bytes, records }: UpsertRequest, field: string): Answer<ReadonlyArray<Line>> =>
    Result.gen(function* () {
      yield* inRange("Number of records in an upsert of text", 1, maxTexts, records.length)
      if (bytes > limits.maxRequestBytes) return yield* Result.fail(requestTooLarge(bytes, limits.maxRequestBytes))
      const lines: Array<Line> = []
      for (const record of records) lines.push(yield* readLine(record, field))
      return lines
    })

  const upsert: RecordStore["upsert"] = (request) =>
    Effect.gen(function* () {
      const { field, model } = yield* Effect.fromResult(configured)
      const lines = yield* Effect.fromResult(readLines(request, field))
      const vectors = yield* vectorsOf(
        model,
        lines.map(({ text }) => text),
        "passage"
      )
      const records = lines.map(({ id, metadata }, at): VectorRecord => ({ id, metadata, ...vectors[at] }))
      const { namespace } = request
      const { lsn } = yield* ask(() =>
        Arr.isArrayNonEmpty(records) ? store.upsert({ namespace, records }) : no("An upsert needs records")
      )
      return { lsn }
    })

  /** What the service says no to before it embeds. */
  const checkSearch = (request: SearchRequest) =>
    Result.gen(function* () {
      const { id, sparseVector, text, vector } = request
      const ways = [text !== undefined, vector !== undefined || sparseVector !== undefined, id !== undefined]
      if (ways.filter(Boolean).length !== 1) return yield* no("A search needs exactly one of inputs, vector and id")
      const also = request.terms === undefined ? undefined : yield* termsOf(yield* configured, request.terms)
      return { also, model: text === undefined ? undefined : yield* configured, rerank: yield* rerankOf(request) }
    })

  const search: RecordStore["search"] = (request) =>
    Effect.gen(function* () {
      const { also, model, rerank } = yield* Effect.fromResult(checkSearch(request))
      const { fields, id, namespace, text, topK } = request
      const [near = { values: request.vector, sparseValues: request.sparseVector }] =
        text === undefined || model === undefined ? [] : yield* vectorsOf(model.model, [text], "query")
      const query = {
        namespace,
        topK,
        id,
        vector: near.values,
        sparseVector: near.sparseValues,
        filter: request.filter,
        includeMetadata: true
      }
      const found = yield* ask(() =>
        Result.map(store.query(query, also), (reply) => ({ ...reply, indexedLsn: store.indexedLsn(namespace) }))
      )
      const matches = rerank === undefined ? found.matches : yield* reranked(found.matches, rerank)
      return {
        hits: matches.map(({ id, metadata = {}, score }) => ({ id, score, fields: chosen(metadata, fields) })),
        readUnits: found.readUnits ?? 0,
        indexedLsn: found.indexedLsn,
        embedTokens: text === undefined ? undefined : tokensOf([text]),
        rerankUnits: rerank === undefined ? undefined : 1
      }
    })

  const reranked = (matches: ReadonlyArray<Match>, { fields, max, model, query, topN }: Rerank) =>
    Effect.gen(function* () {
      const texts = yield* Effect.fromResult(
        Result.gen(function* () {
          yield* inRange("Number of records to rank", 0, max, matches.length)
          return yield* Result.all(matches.map(({ metadata = {} }) => textToRank(metadata, fields)))
        })
      )
      const ranked = yield* rank(embedder, { model, query, texts })
      return ranked.slice(0, topN).map(({ index, score }) => ({ ...matches[index]!, score }))
    })

  return { upsert, search }
}

interface Vectors {
  readonly values?: Values | undefined
  readonly sparseValues?: SparseValues | undefined
}

/** A record without its vector. */
interface Line {
  readonly id: string
  readonly text: string
  readonly metadata: Metadata
}

const readLine = (line: unknown, field: string): Answer<Line> => {
  if (!isFields(line)) return no("Each record must be an object")
  const { _id, id, ...rest } = line
  const name = _id ?? id
  if (typeof name !== "string") return no("Each record needs an _id, which is a string")
  const text = rest[field]
  return typeof text === "string"
    ? Result.succeed({ id: name, text, metadata: rest })
    : no(`Record '${name}' has no text in its field '${field}', which is embedded`)
}

/** The store looks at the values of the fields, and says what is wrong with them. */
const isFields = (line: unknown): line is Metadata => Predicate.isReadonlyObject(line)

const termsOf = ({ field, model }: Model, given: ReadonlyArray<string>): Answer<Matches> => {
  if (model !== "pinecone-sparse-english-v0") {
    return no("match_terms is supported only for indexes with the model pinecone-sparse-english-v0")
  }
  const terms = given.flatMap(wordsOf)
  return Result.succeed((metadata) => {
    const text = metadata?.[field]
    const words = new Set(typeof text === "string" ? wordsOf(text) : [])
    return terms.every((term) => words.has(term))
  })
}

interface Rerank {
  readonly model: string
  /** Records that the model takes. */
  readonly max: number
  readonly query: string
  readonly fields: ReadonlyArray<string>
  readonly topN: number
}

const rerankOf = ({ rerank, text, topK }: SearchRequest): Answer<Rerank | undefined> =>
  Result.gen(function* () {
    if (rerank === undefined) return undefined
    const query = rerank.query ?? text
    if (query === undefined) return yield* no("A search without text needs a query to rerank by")
    const { model } = rerank
    const max = yield* maxRanked(model)
    const topN = yield* inRange("top_n", 1, maxTopN, rerank.topN ?? topK)
    return { model, max, query, fields: rerank.rankFields, topN }
  })

const maxTopN = 10_000

const chosen = (metadata: Metadata, fields: ReadonlyArray<string> | undefined): Metadata =>
  fields === undefined
    ? metadata
    : Object.fromEntries(Object.entries(metadata).filter(([field]) => fields.includes(field)))

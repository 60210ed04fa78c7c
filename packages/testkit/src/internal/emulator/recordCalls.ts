/**
 * Records with text, of an index that has an embedding model: the vector of a record is made of one of its fields, and
 * all its fields are its metadata, that one too. Searches by text, by a vector or by a record's id; the last two also on
 * an index without a model.
 *
 * Decided here, not known of the service: a line that breaks a rule refuses the whole request; the limit of metadata
 * counts the text.
 */
import type { Match, QueryRequest } from "@effect-connectors/pinecone/PineconeIndex"
import type { Metadata, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Arr from "effect/Array"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Answer, inRange, no } from "../answer.ts"
import { maxTexts, sparseOf, wordsOf } from "../embedding.ts"
import type { Matches } from "../metadataFilter.ts"
import { hasDocuments, refused, requestTooLarge } from "../refusals.ts"
import type { Reply } from "./call.ts"
import { found, namespaceOf, written } from "./dataPlane.ts"
import type { Embedder } from "./embedder.ts"
import { refusedInControlForm } from "./envelopes.ts"
import type { EmulatedIndex, VectorIndex } from "./indexes.ts"
import type { Integrated } from "./indexModel.ts"
import { rank, rerankModel, textToRank, tokensOf } from "./inference.ts"
import { short } from "./numbers.ts"
import { empty, json } from "./reply.ts"
import type { Handler } from "./restCalls.ts"
import { FilterObject, isTooDeep, Numbers, optional, reader } from "./wire.ts"

const onVectors = (index: EmulatedIndex, what: "writes" | "reads"): Answer<VectorIndex> =>
  index.plane === "vectors" ? Result.succeed(index) : Result.fail(hasDocuments(what))

/** The model of an index. */
const modelOf = ({ definition: { embed } }: VectorIndex): Answer<Integrated> =>
  embed === undefined ? no("Integrated inference is not configured for this index") : Result.succeed(embed)

/** A record without its vector. */
interface Line {
  readonly id: string
  readonly text: string
  readonly metadata: Metadata
}

const readLine = (line: unknown, field: string): Answer<Line> => {
  if (!Predicate.isReadonlyObject(line) || isTooDeep(line)) return no("Each line must be an object")
  const { _id, id, ...rest }: Record<string, unknown> = line
  const name = _id ?? id
  if (typeof name !== "string") return no("Each record needs an _id, which is a string")
  const text = rest[field]
  if (typeof text !== "string") return no(`Record '${name}' has no text in its field '${field}', which is embedded`)
  return isMetadata(rest) ? Result.succeed({ id: name, text, metadata: rest }) : no("Each line must be an object")
}

/** The store looks at the values of the fields, and says what is wrong with them. */
const isMetadata = (fields: object): fields is Metadata => Predicate.isReadonlyObject(fields)

export const upsert: Handler = async (emulated, { body, bytes, name, version }, { embedder }) => {
  const request = Result.gen(function* () {
    const index = yield* onVectors(emulated, "writes")
    const model = yield* modelOf(index)
    const namespace = yield* namespaceOf(version, name)
    const given = Array.isArray(body) ? body : []
    yield* inRange("Number of records in an upsert of text", 1, maxTexts, given.length)
    const { maxRequestBytes } = index.store.limits
    if (bytes > maxRequestBytes) return yield* Result.fail(requestTooLarge(bytes, maxRequestBytes))
    const lines: Array<Line> = []
    for (const line of given) lines.push(yield* readLine(line, model.field))
    return { index, model, namespace, lines }
  })
  if (Result.isFailure(request)) return refusedInControlForm(request.failure)
  const { index, lines, model, namespace } = request.success
  const vectors = await vectorsOf(embedder, index, model, lines, "passage")
  const records = lines.map(({ id, metadata }, at): VectorRecord => ({ id, metadata, ...vectors[at] }))
  return Result.match(Arr.isArrayNonEmpty(records) ? index.store.upsert({ namespace, records }) : no("No records"), {
    onFailure: refusedInControlForm,
    onSuccess: ({ lsn }) => ({ ...empty(201), headers: written({}, lsn).headers })
  })
}

type Vectors = Pick<VectorRecord, "values" | "sparseValues">

const vectorsOf = async (
  embedder: Embedder,
  { definition: { dimension } }: VectorIndex,
  { model }: Integrated,
  texts: ReadonlyArray<{ readonly text: string }>,
  inputType: "passage" | "query"
): Promise<ReadonlyArray<Vectors>> => {
  if (dimension === undefined) return texts.map(({ text }) => ({ sparseValues: sparseOf(text) }))
  const dense = await embedder.dense({ model, texts: texts.map(({ text }) => text), inputType, dimension })
  return dense.map((values) => ({ values }))
}

const Search = Schema.Struct({
  query: Schema.Struct({
    top_k: Schema.Finite,
    filter: optional(FilterObject),
    inputs: optional(Schema.Struct({ text: Schema.String })),
    vector: optional(
      Schema.Struct({ values: optional(Numbers), sparse_values: optional(Numbers), sparse_indices: optional(Numbers) })
    ),
    id: optional(Schema.String),
    match_terms: optional(Schema.Struct({ strategy: Schema.Literal("all"), terms: Schema.Array(Schema.String) }))
  }),
  fields: optional(Schema.Array(Schema.String)),
  rerank: optional(
    Schema.Struct({
      model: Schema.String,
      rank_fields: Schema.Array(Schema.String),
      top_n: optional(Schema.Finite),
      query: optional(Schema.String)
    })
  )
})
type Search = typeof Search.Type

const readSearch = reader(Search)

export const search: Handler = async (emulated, { body, name, version }, { embedder }): Promise<Reply> => {
  const request = Result.gen(function* () {
    const index = yield* onVectors(emulated, "reads")
    const namespace = yield* namespaceOf(version, name)
    const request = yield* Result.mapError(readSearch(body), refused)
    const near = yield* nearOf(index, request.query)
    const also = yield* termsOf(index, request.query)
    const { fields, query } = request
    return { index, namespace, near, also, query, fields, rerank: yield* rerankOf(request) }
  })
  if (Result.isFailure(request)) return refusedInControlForm(request.failure)
  const { also, fields, index, namespace, near, query, rerank } = request.success
  const [vectors] =
    near._tag === "Text" ? await vectorsOf(embedder, index, near.model, [near], "query") : [near.vectors]
  const answer = index.store.query(
    {
      namespace,
      topK: query.top_k,
      id: near._tag === "Vectors" ? near.id : undefined,
      vector: vectors?.values,
      sparseVector: vectors?.sparseValues,
      filter: query.filter ?? undefined,
      includeMetadata: true
    },
    also
  )
  if (Result.isFailure(answer)) return refusedInControlForm(answer.failure)
  const { matches, readUnits } = answer.success
  const ranked = rerank === undefined ? Result.succeed(matches) : await reranked(embedder, matches, rerank)
  if (Result.isFailure(ranked)) return refusedInControlForm(ranked.failure)
  const told = found(index, version, namespace, {}, readUnits)
  const usage = {
    read_units: told.answer.readUnits,
    ...(near._tag === "Text" ? { embed_total_tokens: tokensOf([near.text]) } : {}),
    ...(rerank === undefined ? {} : { rerank_units: 1 })
  }
  const hits = ranked.success.map((match) => ({
    _id: match.id,
    _score: short(match.score),
    fields: chosen(match.metadata ?? {}, fields ?? undefined)
  }))
  return json(200, { result: { hits }, usage }, told.headers)
}

/** What a search is near: a text, or vectors or a record. */
type Near =
  | { readonly _tag: "Text"; readonly model: Integrated; readonly text: string }
  | { readonly _tag: "Vectors"; readonly id: string | undefined; readonly vectors: QueryVectors | undefined }

interface QueryVectors {
  readonly values: QueryRequest["vector"]
  readonly sparseValues: QueryRequest["sparseVector"]
}

const nearOf = (index: VectorIndex, { id, inputs, vector }: Search["query"]): Answer<Near> => {
  const given = [inputs, vector, id].filter((way) => way !== undefined && way !== null)
  if (given.length !== 1) return no("A search needs exactly one of inputs, vector and id")
  if (inputs) return Result.map(modelOf(index), (model) => ({ _tag: "Text", model, text: inputs.text }))
  if (!vector) return Result.succeed({ _tag: "Vectors", id: id ?? undefined, vectors: undefined })
  const { sparse_indices: indices, sparse_values: sparse, values } = vector
  const vectors = {
    values: values?.length ? values : undefined,
    sparseValues: indices?.length || sparse?.length ? { indices: indices ?? [], values: sparse ?? [] } : undefined
  }
  return Result.succeed({ _tag: "Vectors", id: undefined, vectors })
}

/** Words that the text of a record must have. */
const termsOf = (index: VectorIndex, { match_terms }: Search["query"]): Answer<Matches | undefined> =>
  Result.gen(function* () {
    if (!match_terms) return undefined
    const { field, model } = yield* modelOf(index)
    if (model !== "pinecone-sparse-english-v0") {
      return yield* no("match_terms is supported only for indexes with the model pinecone-sparse-english-v0")
    }
    const terms = match_terms.terms.flatMap(wordsOf)
    return (metadata) => {
      const text = metadata?.[field]
      const words = new Set(typeof text === "string" ? wordsOf(text) : [])
      return terms.every((term) => words.has(term))
    }
  })

interface Rerank {
  readonly model: string
  readonly query: string
  readonly fields: ReadonlyArray<string>
  readonly topN: number
}

const rerankOf = ({ query, rerank }: Search): Answer<Rerank | undefined> =>
  Result.gen(function* () {
    if (!rerank) return undefined
    const text = rerank.query ?? query.inputs?.text
    if (text === undefined) return yield* no("A search without text needs a query to rerank by")
    const model = yield* rerankModel(rerank.model)
    const topN = yield* inRange("top_n", 1, maxTopN, rerank.top_n ?? query.top_k)
    return { model, query: text, fields: rerank.rank_fields, topN }
  })

const maxTopN = 10_000

const reranked = async (
  embedder: Embedder,
  matches: ReadonlyArray<Match>,
  { fields, model, query, topN }: Rerank
): Promise<Answer<ReadonlyArray<Match>>> => {
  const texts = Result.all(matches.map(({ metadata = {} }) => textToRank(metadata, fields)))
  if (Result.isFailure(texts)) return Result.fail(texts.failure)
  const ranked = await rank(embedder, { model, query, texts: texts.success })
  return Result.succeed(ranked.slice(0, topN).map(({ index, score }) => ({ ...matches[index]!, score })))
}

const chosen = (metadata: Metadata, fields: ReadonlyArray<string> | undefined): Metadata =>
  fields === undefined
    ? metadata
    : Object.fromEntries(Object.entries(metadata).filter(([field]) => fields.includes(field)))

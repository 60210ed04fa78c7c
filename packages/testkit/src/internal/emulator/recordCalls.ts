/** Records with text over REST: lines of JSON, and searches in snake case. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Answer } from "../answer.ts"
import * as RecordStore from "../records/recordStore.ts"
import { hasDocuments, indexNotFound, refused } from "../refusals.ts"
import type { Project } from "./controlPlane.ts"
import { indexed, namespaceOf, written } from "./dataPlane.ts"
import { refusedInControlForm } from "./envelopes.ts"
import type { EmulatedIndex, VectorIndex } from "./indexes.ts"
import { short } from "./numbers.ts"
import { empty, json } from "./reply.ts"
import type { Handler } from "./restCalls.ts"
import { FilterObject, type Incoming, Numbers, optional, reader, Shallow } from "./wire.ts"

const onVectors = (index: EmulatedIndex, what: "writes" | "reads"): Answer<VectorIndex> =>
  index.plane === "vectors" ? Result.succeed(index) : Result.fail(hasDocuments(what))

const storeOf = ({ definition: { dimension, embed, name }, store }: VectorIndex, { embedder, indexes }: Project) =>
  RecordStore.make({
    store,
    limits: store.limits,
    model: embed,
    dimension,
    embedder,
    // not of an index that was deleted while its texts were embedded: another may have its name
    ask: (question) =>
      Effect.suspend(() =>
        Effect.fromResult(indexes.get(name)?.store === store ? question() : Result.fail(indexNotFound(name)))
      )
  })

const Lines = Schema.Array(Shallow)

const readLines = reader(Lines)

const inNamespace = (emulated: EmulatedIndex, what: "writes" | "reads", { name, version }: Incoming) =>
  Result.all({ index: onVectors(emulated, what), namespace: namespaceOf(version, name) })

export const upsert: Handler = (emulated, incoming, project) =>
  Effect.gen(function* () {
    const { index, namespace } = yield* Effect.fromResult(inNamespace(emulated, "writes", incoming))
    const records = yield* Effect.fromResult(Result.mapError(readLines(incoming.body), refused))
    const { lsn } = yield* storeOf(index, project).upsert({ namespace, records, bytes: incoming.bytes })
    return { ...empty(201), headers: written({}, lsn).headers }
  }).pipe(
    Effect.catch((reason) => Effect.succeed(refusedInControlForm(reason))),
    Effect.runPromise
  )

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

const readSearch = reader(Search)

const requestOf = (namespace: string, { fields, query, rerank }: typeof Search.Type): RecordStore.SearchRequest => {
  const { sparse_indices: indices, sparse_values: sparse, values } = query.vector ?? {}
  return {
    namespace,
    topK: query.top_k,
    text: query.inputs?.text,
    vector: values?.length ? values : undefined,
    sparseVector: indices?.length || sparse?.length ? { indices: indices ?? [], values: sparse ?? [] } : undefined,
    id: query.id ?? undefined,
    filter: query.filter ?? undefined,
    terms: query.match_terms?.terms,
    fields: fields ?? undefined,
    rerank: rerank
      ? {
          model: rerank.model,
          rankFields: rerank.rank_fields,
          topN: rerank.top_n ?? undefined,
          query: rerank.query ?? undefined
        }
      : undefined
  }
}

export const search: Handler = (emulated, incoming, project) =>
  Effect.gen(function* () {
    const { index, namespace } = yield* Effect.fromResult(inNamespace(emulated, "reads", incoming))
    const request = yield* Effect.fromResult(Result.mapError(readSearch(incoming.body), refused))
    const reply = yield* storeOf(index, project).search(requestOf(namespace, request))
    const { embedTokens, rerankUnits } = reply
    const usage = {
      read_units: reply.readUnits,
      ...(embedTokens === undefined ? {} : { embed_total_tokens: embedTokens }),
      ...(rerankUnits === undefined ? {} : { rerank_units: rerankUnits })
    }
    const hits = reply.hits.map(({ fields, id, score }) => ({ _id: id, _score: short(score), fields }))
    return json(200, { result: { hits }, usage }, indexed(reply.indexedLsn))
  }).pipe(
    Effect.catch((reason) => Effect.succeed(refusedInControlForm(reason))),
    Effect.runPromise
  )

import * as Result from "effect/Result"
import type { Answer } from "../src/internal/answer.ts"
import * as DocumentStore from "../src/internal/documents/documentStore.ts"
import { type GivenFields, read } from "../src/internal/documents/schema.ts"
import { defaultLimits, type Limits } from "../src/internal/limits.ts"
import { assertRefused } from "./storeSupport.ts"

export const articles: GivenFields = {
  title: { type: "string", full_text_search: {} },
  body: { type: "string", full_text_search: {} },
  dense: { type: "dense_vector", dimension: 2, metric: "dotproduct" },
  sparse: { type: "sparse_vector" }
}

export interface Options extends Omit<DocumentStore.DocumentStoreOptions, "schema" | "limits"> {
  readonly fields?: GivenFields
  readonly limits?: Partial<Limits>
}

/** An index with two text fields, a dense one of dimension 2 and a sparse one, unless told otherwise. */
export const make = ({ fields = articles, limits, ...options }: Options = {}): DocumentStore.DocumentStore =>
  DocumentStore.make({
    ...options,
    schema: Result.getOrThrow(read(fields)),
    limits: { ...defaultLimits, ...limits }
  })

/** Documents as a request that has them. */
export const request = (...documents: ReadonlyArray<unknown>): DocumentStore.UpsertRequest => ({
  documents,
  bytes: Buffer.byteLength(JSON.stringify({ documents }))
})

/** Ids of what a search finds. */
export const found = (
  store: DocumentStore.DocumentStore,
  ...scoreBy: DocumentStore.SearchRequest["scoreBy"]
): ReadonlyArray<string> => Result.getOrThrow(store.search({ scoreBy, topK: 100 })).matches.map(({ id }) => id)

/** Why a call was refused, as it must be, with status 400. */
export const refusalOf = <A>(answer: Answer<A>): string => assertRefused(answer, 400, 3, "").message

/** The documents of one namespace, each put whole, also when it is changed. What leaves here is a copy. */
import type { MetadataValue } from "@effect-connectors/pinecone/VectorRecord"
import type * as Result from "effect/Result"
import type { Contents } from "../commit.ts"
import { dot, inverseNorm, type Metric, squaredDistance } from "../denseVectors.ts"
import type { CheckedRecord, NamespaceSchema } from "../namespaceRecords.ts"
import { type Page, page, type PageRequest } from "../page.ts"
import type { Refusal } from "../refusals.ts"
import * as Sparse from "../sparseVector.ts"
import { TopK } from "../topK.ts"
import type { Analyze } from "./analyzer.ts"
import type { Roles } from "./schema.ts"
import { TextIndex } from "./textIndex.ts"
import { evaluate, type TextColumn, type TextQuery } from "./textQuery.ts"

/** The value of a field. */
export type FieldValue = MetadataValue | Float32Array | Sparse.SparseVector

/** The fields of a document by name, without its id. */
export interface DocumentFields {
  readonly [field: string]: FieldValue
}

/** What a filter looks at. */
export interface Filtered {
  readonly id: string
  readonly record: CheckedRecord
  readonly columns: ReadonlyMap<string, TextColumn>
}

export type Matches = (document: Filtered) => boolean

/** What documents are scored by. */
export type ScoreBy =
  | { readonly _tag: "Dense"; readonly values: Float32Array }
  | { readonly _tag: "Sparse"; readonly sparseValues: Sparse.SparseVector }
  | { readonly _tag: "Text"; readonly query: TextQuery }

export interface Scored {
  readonly id: string
  /** `null` when it is no finite number. */
  readonly score: number | null
}

interface Stored {
  readonly record: CheckedRecord
  readonly values: Float32Array | undefined
  /** 1 / length of the dense vector. */
  readonly inverseNorm: number
}

export class NamespaceDocuments implements Contents {
  readonly schema: NamespaceSchema | undefined
  readonly #roles: Roles
  readonly #stored = new Map<string, Stored>()
  readonly #columns: ReadonlyMap<string, TextColumn>
  /** Every stored id in order, and some that were removed since; made anew when an id was added. */
  #sortedIds: ReadonlyArray<string> | undefined
  #bytes = 0

  constructor(roles: Roles, analyzers: ReadonlyMap<string, Analyze>, schema?: NamespaceSchema) {
    this.schema = schema
    this.#roles = roles
    this.#columns = new Map(
      Array.from(analyzers, ([field, analyze]) => [field, { analyze, index: new TextIndex() }] as const)
    )
  }

  get size(): number {
    return this.#stored.size
  }

  /** The size of all documents in protobuf form. */
  get bytes(): number {
    return this.#bytes
  }

  put(record: CheckedRecord): void {
    const { id, metadata = {} } = record
    if (this.#stored.has(id)) this.#forget(id)
    else this.#sortedIds = undefined
    const values = record.values.length === 0 ? undefined : Float32Array.from(record.values)
    this.#stored.set(id, {
      record: { ...record, values: values ?? [] },
      values,
      inverseNorm: values === undefined ? 0 : inverseNorm(values)
    })
    this.#bytes += record.bytes
    for (const [field, { analyze, index }] of this.#columns) {
      const text = metadata[field]
      if (typeof text === "string") index.add(id, analyze(text))
    }
  }

  remove(id: string): void {
    this.#forget(id)
    this.#stored.delete(id)
    if (this.#sortedIds !== undefined && this.#sortedIds.length > 2 * this.size) this.#sortedIds = undefined
  }

  clear(): void {
    this.#stored.clear()
    this.#sortedIds = undefined
    this.#bytes = 0
    for (const { index } of this.#columns.values()) index.clear()
  }

  /** The stored record itself, not to be handed out. */
  record(id: string): CheckedRecord | undefined {
    return this.#stored.get(id)?.record
  }

  /** Chosen fields of a document; all of them when none are chosen. */
  fields(id: string, chosen?: ReadonlySet<string>): DocumentFields | undefined {
    const record = this.record(id)
    if (record === undefined) return undefined
    const { dense, sparse } = this.#roles
    const entries: Array<[string, FieldValue]> = []
    if (dense !== undefined && record.values.length > 0) entries.push([dense.name, Float32Array.from(record.values)])
    if (sparse !== undefined && record.sparseValues) entries.push([sparse, Sparse.copy(record.sparseValues)])
    for (const [field, value] of Object.entries(record.metadata ?? {})) {
      entries.push([field, Array.isArray(value) ? value.slice() : value])
    }
    return Object.fromEntries(chosen === undefined ? entries : entries.filter(([field]) => chosen.has(field)))
  }

  /** The ids of the documents that match, in no order. */
  idsWhere(matches: Matches): Array<string> {
    return Array.from(this.#stored.keys()).filter((id) => this.#is(id, matches))
  }

  /** The best documents, best first; documents with the same score in the order of their ids. */
  search(scoreBy: ScoreBy, topK: number, matches: Matches | undefined): ReadonlyArray<Scored> {
    const ids: Array<string> = []
    const scores: Array<number> = []
    const direction = scoreBy._tag === "Dense" && this.#roles.dense?.metric === "euclidean" ? -1 : 1
    const top = new TopK(topK, (row, other) => ids[row]! < ids[other]!)
    for (const [id, exact] of this.#scores(scoreBy)) {
      if (matches !== undefined && !this.#is(id, matches)) continue
      const score = Math.fround(exact)
      // what has no number as its score comes last
      top.offer(Number.isFinite(score) ? direction * score : -Infinity, ids.length)
      ids.push(id)
      scores.push(score)
    }
    return top.ranked().map(({ row }) => ({ id: ids[row]!, score: Number.isFinite(scores[row]) ? scores[row]! : null }))
  }

  /** A page of the ids, in order. */
  page(request: PageRequest, maxLimit: number): Result.Result<Page, Refusal> {
    return page(this.#sorted(), (id) => this.#stored.has(id), request, maxLimit)
  }

  /** A page of the ids of the documents that match, in order. */
  pageWhere(matches: Matches, request: PageRequest, maxLimit: number): Result.Result<Page, Refusal> {
    return page(this.#sorted(), (id) => this.#is(id, matches), request, maxLimit)
  }

  #is(id: string, matches: Matches): boolean {
    const record = this.record(id)
    return record !== undefined && matches({ id, record, columns: this.#columns })
  }

  *#scores(scoreBy: ScoreBy): Iterable<readonly [id: string, score: number]> {
    switch (scoreBy._tag) {
      case "Text":
        yield* evaluate(scoreBy.query, this.#columns)
        return
      case "Dense": {
        const score = scorer(this.#roles.dense?.metric ?? "cosine", scoreBy.values)
        for (const [id, { inverseNorm, values }] of this.#stored) {
          if (values !== undefined) yield [id, score(values, inverseNorm)]
        }
        return
      }
      case "Sparse":
        for (const [id, { record }] of this.#stored) {
          const score = record.sparseValues === undefined ? 0 : Sparse.dot(scoreBy.sparseValues, record.sparseValues)
          // what shares no position with the query is not a match, as on a sparse index
          if (score !== 0) yield [id, score]
        }
    }
  }

  #forget(id: string): void {
    this.#bytes -= this.record(id)?.bytes ?? 0
    for (const { index } of this.#columns.values()) index.remove(id)
  }

  #sorted(): ReadonlyArray<string> {
    return (this.#sortedIds ??= Array.from(this.#stored.keys()).sort())
  }
}

const scorer = (metric: Metric, query: Float32Array): ((values: Float32Array, inverseNorm: number) => number) => {
  const q = Float64Array.from(query)
  const queryNorm = inverseNorm(q)
  switch (metric) {
    case "dotproduct":
      return (values) => dot(q, values, 0)
    case "euclidean":
      return (values) => squaredDistance(q, values, 0)
    case "cosine":
      return (values, norm) => dot(q, values, 0) * norm * queryNorm
  }
}

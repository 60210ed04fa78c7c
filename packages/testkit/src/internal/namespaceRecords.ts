/**
 * The records of one namespace, row by row: a removed row is filled with the last one, so rows have no holes and
 * their order means nothing. What leaves here is a copy.
 */
import type { Match } from "@effect-connectors/pinecone/PineconeIndex"
import type { Metadata, Values, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import type * as Result from "effect/Result"
import { DenseVectors, type Metric } from "./denseVectors.ts"
import type { Matches } from "./metadataFilter.ts"
import { type Page, page, type PageRequest } from "./page.ts"
import { copyMetadata } from "./recordRules.ts"
import type { Refusal } from "./refusals.ts"
import * as Sparse from "./sparseVector.ts"
import { TopK } from "./topK.ts"
import { recordSize } from "./wireSize.ts"

/** A record that passed every rule; its sparse vector and metadata are already the store's own copies. */
export interface CheckedRecord {
  readonly id: string
  /** Empty on a sparse index. */
  readonly values: Values
  readonly sparseValues: Sparse.SparseVector | undefined
  readonly metadata: Metadata | undefined
  /** Its size in protobuf form. */
  readonly bytes: number
}

/** The parts of a record that an update replaces. */
export interface RecordChange {
  readonly id: string
  readonly values?: Values | undefined
  readonly sparseValues?: Sparse.SparseVector | undefined
  readonly metadata?: Metadata | undefined
}

/** What the records of an index are. */
export interface Kind {
  readonly isSparse: boolean
  readonly metric: Metric
}

/** The fields of metadata that can be filtered by, as they were declared; filters do not look at it. */
export interface NamespaceSchema {
  readonly fields: Readonly<Record<string, { readonly filterable: boolean }>>
}

/** The vectors to search near. */
export interface Near {
  readonly values: Values | undefined
  readonly sparseValues: Sparse.SparseVector | undefined
}

export interface Search {
  readonly near: Near
  readonly topK: number
  readonly matches: Matches | undefined
  readonly includeValues: boolean
  readonly includeMetadata: boolean
}

export class NamespaceRecords {
  readonly schema: NamespaceSchema | undefined
  readonly #kind: Kind
  /** Made for the first record, which has the dimension; none on a sparse index. */
  #dense: DenseVectors | undefined
  readonly #rowOf = new Map<string, number>()
  readonly #ids: Array<string> = []
  readonly #sparse: Array<Sparse.SparseVector | undefined> = []
  readonly #metadata: Array<Metadata | undefined> = []
  readonly #sizes: Array<number> = []
  #bytes = 0
  /** Every stored id in order, and some that were removed since; made anew when an id was added. */
  #sortedIds: ReadonlyArray<string> | undefined

  constructor(kind: Kind, schema?: NamespaceSchema) {
    this.#kind = kind
    this.schema = schema
  }

  get size(): number {
    return this.#ids.length
  }

  /** The size of all records in protobuf form. */
  get bytes(): number {
    return this.#bytes
  }

  /** Of the dense vectors; none is known before the first record. */
  get dimension(): number | undefined {
    return this.#dense?.dimension
  }

  put(record: CheckedRecord): void {
    let row = this.#rowOf.get(record.id)
    if (row === undefined) {
      row = this.#ids.length
      this.#rowOf.set(record.id, row)
      this.#ids.push(record.id)
      this.#sizes.push(0)
      this.#sortedIds = undefined
    }
    if (!this.#kind.isSparse) {
      this.#dense ??= new DenseVectors(record.values.length, this.#kind.metric)
      this.#dense.set(row, record.values)
    }
    this.#sparse[row] = record.sparseValues
    this.#metadata[row] = record.metadata
    this.#resize(row, record.bytes)
  }

  get(id: string): VectorRecord | undefined {
    const row = this.#rowOf.get(id)
    return row === undefined ? undefined : { id, ...this.#valuesOf(row), ...this.#metadataOf(row) }
  }

  /** The vectors of a record, to search near it. */
  near(id: string): Near | undefined {
    const row = this.#rowOf.get(id)
    return row === undefined ? undefined : { values: this.#dense?.get(row), sparseValues: this.#sparse[row] }
  }

  /** The metadata itself, not to be handed out. */
  metadata(id: string): Metadata | undefined {
    const row = this.#rowOf.get(id)
    return row === undefined ? undefined : this.#metadata[row]
  }

  /** Replaces the parts that are given. */
  change({ id, metadata, sparseValues, values }: RecordChange): void {
    const row = this.#rowOf.get(id)
    if (row === undefined) return
    if (values !== undefined) this.#dense?.set(row, values)
    if (sparseValues !== undefined) this.#sparse[row] = sparseValues
    if (metadata !== undefined) this.#metadata[row] = metadata
    this.#resize(row, recordSize({ id, ...this.near(id), metadata: this.#metadata[row] }))
  }

  remove(id: string): void {
    const row = this.#rowOf.get(id)
    if (row === undefined) return
    const last = this.#ids.length - 1
    this.#resize(row, 0)
    if (row !== last) {
      const moved = this.#ids[last]!
      this.#ids[row] = moved
      this.#sparse[row] = this.#sparse[last]
      this.#metadata[row] = this.#metadata[last]
      this.#sizes[row] = this.#sizes[last]!
      this.#dense?.move(last, row)
      this.#rowOf.set(moved, row)
    }
    this.#rowOf.delete(id)
    this.#truncate(last)
  }

  /** The ids of the records that match, in no order. */
  idsWhere(matches: Matches): Array<string> {
    return this.#ids.filter((_, row) => matches(this.#metadata[row]))
  }

  clear(): void {
    this.#rowOf.clear()
    this.#sortedIds = undefined
    this.#bytes = 0
    this.#truncate(0)
  }

  /** The nearest records, nearest first; records with the same score in the order of their ids. */
  search(search: Search): Array<Match> {
    const score = this.#scorer(search.near)
    const { includeMetadata, includeValues, matches } = search
    const direction = this.#kind.metric === "euclidean" ? -1 : 1
    const top = new TopK(search.topK, (row, other) => this.#ids[row]! < this.#ids[other]!)
    for (let row = 0; row < this.#ids.length; row++) {
      if (matches !== undefined && !matches(this.#metadata[row])) continue
      const value = Math.fround(score(row))
      // what shares no position with the query is not a match of a sparse index
      if (value === 0 && this.#kind.isSparse) continue
      top.offer(direction * value, row)
    }
    return top.ranked().map(({ row, score }) => ({
      id: this.#ids[row]!,
      score: direction * score,
      ...(includeValues ? this.#valuesOf(row) : undefined),
      ...(includeMetadata ? this.#metadataOf(row) : undefined)
    }))
  }

  /** A page of the ids, in order. */
  page(request: PageRequest, maxLimit: number): Result.Result<Page, Refusal> {
    return page(this.#sorted(), (id) => this.#rowOf.has(id), request, maxLimit)
  }

  /** A page of the ids of the records that match, in order. */
  pageWhere(matches: Matches, request: PageRequest, maxLimit: number): Result.Result<Page, Refusal> {
    const isThere = (id: string) => {
      const row = this.#rowOf.get(id)
      return row !== undefined && matches(this.#metadata[row])
    }
    return page(this.#sorted(), isThere, request, maxLimit)
  }

  #sorted(): ReadonlyArray<string> {
    if (this.#sortedIds === undefined || this.#sortedIds.length > 2 * this.size) {
      this.#sortedIds = [...this.#ids].sort()
    }
    return this.#sortedIds
  }

  #resize(row: number, bytes: number): void {
    this.#bytes += bytes - this.#sizes[row]!
    this.#sizes[row] = bytes
  }

  #scorer(near: Near): (row: number) => number {
    const sparse = near.sparseValues
    const sparseScore =
      sparse === undefined
        ? undefined
        : (row: number) => {
            const stored = this.#sparse[row]
            return stored === undefined ? 0 : Sparse.dot(sparse, stored)
          }
    if (this.#dense === undefined || near.values === undefined) return sparseScore ?? (() => 0)
    const denseScore = this.#dense.scorer(near.values)
    // only a dotproduct index takes sparse values, so the two parts can be added
    return sparseScore === undefined ? denseScore : (row) => denseScore(row) + sparseScore(row)
  }

  #valuesOf(row: number): Pick<VectorRecord, "values" | "sparseValues"> {
    const sparse = this.#sparse[row]
    return {
      ...(this.#dense === undefined ? undefined : { values: this.#dense.get(row) }),
      ...(sparse === undefined ? undefined : { sparseValues: Sparse.copy(sparse) })
    }
  }

  #metadataOf(row: number): Pick<VectorRecord, "metadata"> {
    const metadata = this.#metadata[row]
    return metadata === undefined ? {} : { metadata: copyMetadata(metadata) }
  }

  #truncate(size: number): void {
    this.#ids.length = size
    this.#sparse.length = size
    this.#metadata.length = size
    this.#sizes.length = size
    this.#dense?.shrink(size)
  }
}

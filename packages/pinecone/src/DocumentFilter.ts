/**
 * Filters over documents: those of metadata, and operators on the words of fields with full text search. They are
 * checked against the fields that a `DocumentIndex` declares.
 *
 * Text operators select in a search and in a fetch by filter; an update or a delete by filter does not take them.
 */
import type { Condition as MetadataCondition, Filter } from "./Filter.ts"
import * as MetadataFilter from "./Filter.ts"
import type { Metadata } from "./VectorRecord.ts"

type Scalar<V> = V extends ReadonlyArray<infer S> ? S : NonNullable<V>

/** Conditions on the words of a text, each as the text is cut into words by the index. */
export interface TextCondition {
  /** Has these words, one after the other. */
  readonly $match_phrase?: string
  /** Has all of these words. */
  readonly $match_all?: string
  /** Has one of these words. */
  readonly $match_any?: string
}

/** Conditions on metadata `M` and texts named `T`; several fields must all match. */
export type Fields<M, T extends string> = {
  readonly [K in keyof M | T]?:
    | (K extends keyof M ? Scalar<M[K]> | MetadataCondition<M[K]> : never)
    | (K extends T ? TextCondition : never)
}

/** A filter over documents with metadata `M` and texts named `T`. */
export type DocumentFilter<M = Metadata, T extends string = string> =
  | Fields<M, T>
  | { readonly $and: ReadonlyArray<DocumentFilter<M, T>> }
  | { readonly $or: ReadonlyArray<DocumentFilter<M, T>> }
  | { readonly $not: DocumentFilter<M, T> }

/** The functions {@link make} gives: those of `Filter.Builder`, and those on words. */
export interface Builder<M, T extends string> extends Omit<MetadataFilter.Builder<M>, "and" | "or" | "not"> {
  /** Has these words, one after the other. */
  readonly matchPhrase: (field: T, words: string) => DocumentFilter<M, T>
  /** Has all of these words. */
  readonly matchAll: (field: T, words: string) => DocumentFilter<M, T>
  /** Has one of these words. */
  readonly matchAny: (field: T, words: string) => DocumentFilter<M, T>
  readonly and: (...filters: ReadonlyArray<DocumentFilter<M, T>>) => DocumentFilter<M, T>
  readonly or: (...filters: ReadonlyArray<DocumentFilter<M, T>>) => DocumentFilter<M, T>
  readonly not: (filter: DocumentFilter<M, T>) => DocumentFilter<M, T>
}

const ofWords = {
  matchPhrase: (field: string, words: string) => ({ [field]: { $match_phrase: words } }),
  matchAll: (field: string, words: string) => ({ [field]: { $match_all: words } }),
  matchAny: (field: string, words: string) => ({ [field]: { $match_any: words } })
}

/**
 * Functions that build filters over documents. A `DocumentIndex` has them for its fields, as `filter`.
 *
 * @example
 * ```ts
 * import { DocumentFilter } from "@effect-connectors/pinecone"
 *
 * const f = DocumentFilter.make<{ readonly year: number }, "body">()
 * const recent = f.and(f.gte("year", 2020), f.matchPhrase("body", "vector database"))
 * ```
 */
export function make<M = Metadata, T extends string = string>(): Builder<M, T>
// The functions are the same for every M and T, which only tell the compiler what to accept.
export function make(): unknown {
  return { ...MetadataFilter.make(), ...ofWords }
}

/** A filter as the service takes it, the types of its fields forgotten. */
export const untyped = (filter: object): Filter => MetadataFilter.untyped(filter)

/**
 * Metadata filters, checked against the type of the metadata.
 *
 * A filter is the JSON Pinecone documents (`{ year: { $gte: 2020 } }`). Write it as a literal, or build
 * it with {@link make}; either way a field that is not there or a value of another type does not compile.
 * Sources: operators and the limit of 10,000 values in `$in`/`$nin` are from Pinecone's documentation.
 */
import type { Metadata } from "./VectorRecord.ts"

/** What a field is compared with: a list of strings matches when any of its elements does. */
type Scalar<V> = V extends ReadonlyArray<infer S> ? S : NonNullable<V>

/** Comparisons that a field of type `V` allows. */
export type Condition<V> = {
  readonly $eq?: Scalar<V>
  readonly $ne?: Scalar<V>
  readonly $in?: ReadonlyArray<Scalar<V>>
  readonly $nin?: ReadonlyArray<Scalar<V>>
  readonly $exists?: boolean
} & ([Extract<Scalar<V>, number>] extends [never]
  ? unknown
  : {
      readonly $gt?: number
      readonly $gte?: number
      readonly $lt?: number
      readonly $lte?: number
    })

/** Conditions on the fields of `M`; several fields must all match. */
export type Fields<M> = { readonly [K in keyof M]?: Scalar<M[K]> | Condition<M[K]> }

/** A filter over metadata of type `M`. */
export type Filter<M = Metadata> =
  | Fields<M>
  | { readonly $and: ReadonlyArray<Filter<M>> }
  | { readonly $or: ReadonlyArray<Filter<M>> }
  | { readonly $not: Filter<M> }

type NumberKeys<M> = { [K in keyof M]-?: [Extract<Scalar<M[K]>, number>] extends [never] ? never : K }[keyof M] & string

/** The functions {@link make} gives, for metadata of type `M`. */
export interface Builder<M> {
  readonly eq: <K extends keyof M & string>(field: K, value: Scalar<M[K]>) => Filter<M>
  readonly ne: <K extends keyof M & string>(field: K, value: Scalar<M[K]>) => Filter<M>
  readonly gt: <K extends NumberKeys<M>>(field: K, value: number) => Filter<M>
  readonly gte: <K extends NumberKeys<M>>(field: K, value: number) => Filter<M>
  readonly lt: <K extends NumberKeys<M>>(field: K, value: number) => Filter<M>
  readonly lte: <K extends NumberKeys<M>>(field: K, value: number) => Filter<M>
  /** At most 10,000 values. */
  readonly in: <K extends keyof M & string>(field: K, values: ReadonlyArray<Scalar<M[K]>>) => Filter<M>
  /** At most 10,000 values. */
  readonly nin: <K extends keyof M & string>(field: K, values: ReadonlyArray<Scalar<M[K]>>) => Filter<M>
  readonly exists: <K extends keyof M & string>(field: K, exists?: boolean) => Filter<M>
  readonly and: (...filters: ReadonlyArray<Filter<M>>) => Filter<M>
  readonly or: (...filters: ReadonlyArray<Filter<M>>) => Filter<M>
  readonly not: (filter: Filter<M>) => Filter<M>
}

const builder: Builder<Metadata> = {
  eq: (field, value) => ({ [field]: { $eq: value } }),
  ne: (field, value) => ({ [field]: { $ne: value } }),
  gt: (field, value) => ({ [field]: { $gt: value } }),
  gte: (field, value) => ({ [field]: { $gte: value } }),
  lt: (field, value) => ({ [field]: { $lt: value } }),
  lte: (field, value) => ({ [field]: { $lte: value } }),
  in: (field, values) => ({ [field]: { $in: values } }),
  nin: (field, values) => ({ [field]: { $nin: values } }),
  exists: (field, exists = true) => ({ [field]: { $exists: exists } }),
  and: (...filters) => ({ $and: filters }),
  or: (...filters) => ({ $or: filters }),
  not: (filter) => ({ $not: filter })
}

/**
 * Functions that build filters over metadata of type `M`.
 *
 * @example
 * ```ts
 * import { Filter } from "@effect-connectors/pinecone"
 *
 * interface Article { readonly title: string; readonly year: number; readonly tags: ReadonlyArray<string> }
 *
 * const f = Filter.make<Article>()
 * const recent = f.and(f.gte("year", 2020), f.in("tags", ["ml", "db"]))
 * ```
 */
export function make<M = Metadata>(): Builder<M>
// The functions are the same for every M, which only tells the compiler what to accept.
export function make(): unknown {
  return builder
}

/** A filter as the service takes it, the type of its metadata forgotten. */
export const untyped = (filter: object): Filter => ({ ...filter })

/**
 * A filter as JSON, or what is wrong with it (`InvalidRecord` of the field `filter`): it is empty, or holds an empty
 * condition, `null`, `undefined`, `NaN` or an infinity.
 */
export { toWireFilter as toWire } from "./internal/wireFilter.ts"

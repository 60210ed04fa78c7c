/** The records of the audit, made from a seed and a place: what was sent can be computed again anywhere. */
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { below, chance, oneOf } from "./chance.ts"

export const dimension = 8

/** What is wrong with a poison record, and who has to notice. */
export const poisons = {
  /** Sparse values, in an index of the metric cosine. */
  sparse: "RequestRefused",
  /** Two numbers too many. */
  dimension: "RequestRefused",
  /** A value that is no number. */
  notANumber: "InvalidRecord",
  noId: "InvalidRecord",
  /** Metadata beyond what a record may have. */
  heavy: "InvalidRecord"
} as const

export type Poison = keyof typeof poisons

const kinds: ReadonlyArray<Poison> = ["sparse", "dimension", "notANumber", "noId", "heavy"]

/** One element of the stream. */
export interface Item {
  /** Its place in the stream. */
  readonly n: number
  readonly namespace: string
  readonly record: VectorRecord
  readonly poison: Poison | undefined
}

export interface Corpus {
  readonly seed: number
  readonly records: number
  /** From 0 to 1. */
  readonly poisoned: number
  /** From 0 to 1: how many write an id again that an earlier one wrote. */
  readonly rewritten: number
  readonly namespaces: ReadonlyArray<string>
}

const words = ["straße", "日本", "naïve", "🚀", "plain", "tab\tand\nline", '"quoted"', "\\", "‮", "é"]

const idAt = (n: number): string => `record-${n.toString().padStart(8, "0")}`

const isPoison = ({ poisoned, seed }: Corpus, n: number): boolean => chance(seed, n, 1) < poisoned
const isRewrite = ({ rewritten, seed }: Corpus, n: number): boolean => chance(seed, n, 2) < rewritten

/** The place whose id the element has: its own, or that of one shortly before. */
const placeOfId = (corpus: Corpus, n: number): number => {
  if (n === 0 || !isRewrite(corpus, n)) return n
  const earlier = n - 1 - below(Math.min(n, 300), corpus.seed, n, 3)
  return isPoison(corpus, earlier) || isRewrite(corpus, earlier) ? n : earlier
}

/** The element at a place. */
export const itemAt = (corpus: Corpus, n: number): Item => {
  const { namespaces, seed } = corpus
  const poison = isPoison(corpus, n) ? oneOf(kinds, seed, n, 4) : undefined
  const place = poison === undefined ? placeOfId(corpus, n) : n
  const values = Float32Array.from({ length: dimension }, (_, at) => chance(seed, n, 5, at) * 2 - 1)
  const record: VectorRecord = {
    id: idAt(place),
    values,
    metadata: { n, word: oneOf(words, seed, n, 6), tags: [`t${below(9, seed, n, 7)}`, "all"], even: n % 2 === 0 }
  }
  const namespace = namespaces[place % namespaces.length]!
  return { n, namespace, poison, record: poison === undefined ? record : poisonedBy(poison, record) }
}

const poisonedBy = (poison: Poison, record: VectorRecord): VectorRecord => {
  switch (poison) {
    case "sparse":
      return { ...record, sparseValues: { indices: [1, 7], values: [0.5, 0.25] } }
    case "dimension":
      return { ...record, values: Float32Array.from({ length: dimension + 2 }, () => 1) }
    case "notANumber":
      return { ...record, values: Float32Array.from({ length: dimension }, () => NaN) }
    case "noId":
      return { ...record, id: "" }
    case "heavy":
      return { ...record, metadata: { text: "x".repeat(41_000) } }
  }
}

/** The elements from one place to before another. */
export function* items(corpus: Corpus, from = 0, to = corpus.records): Iterable<Item> {
  for (let n = from; n < to; n++) yield itemAt(corpus, n)
}

/** What must be stored in the end: the last element of each id, by namespace. */
export const expected = (corpus: Corpus): ReadonlyMap<string, ReadonlyMap<string, number>> => {
  const all = new Map(corpus.namespaces.map((name) => [name, new Map<string, number>()]))
  for (let n = 0; n < corpus.records; n++) {
    if (isPoison(corpus, n)) continue
    const place = placeOfId(corpus, n)
    all.get(corpus.namespaces[place % corpus.namespaces.length]!)!.set(idAt(place), n)
  }
  return all
}

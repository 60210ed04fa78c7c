/**
 * Several rankings made into one, for instance by words and by meaning. A document index ranks by one thing at a time, so who
 * wants both asks twice and merges.
 */

/** How rankings are merged. A number that is negative, infinite or `NaN` is taken as not given. */
export interface Options<in A> {
  /** Items with one id are the same. */
  readonly id: (item: A) => string
  /**
   * How much the first places count over the next: the less, the more; 0 or more. Source of the default: Cormack, Clarke and
   * Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods" (2009).
   *
   * @default 60
   */
  readonly k?: number | undefined
  /** What each ranking counts for, in their order; 0 or more, relative to each other. @default 1 for each */
  readonly weights?: ReadonlyArray<number> | undefined
}

/** An item with its score in the merged ranking. */
export interface Fused<out A> {
  /** As it is in the first ranking that has it. */
  readonly item: A
  /** Higher is better; it compares with others of the same call alone. */
  readonly score: number
}

const given = (value: number | undefined, otherwise: number): number =>
  typeof value === "number" && value >= 0 && value !== Infinity ? value : otherwise

/**
 * Merges rankings, best first, by reciprocal rank fusion: the score of an item is the sum of `weight / (k + rank)` over the
 * rankings it is in, the first having rank 1. Scores of different kinds can not be added, ranks can.
 *
 * Equal scores come in the order of their ids. Of an id that is in one ranking twice the better place counts. Give it
 * rankings that are deeper than what you need: what is far down in one may be high in another.
 *
 * @example
 * ```ts
 * import { DocumentIndex, PineconeDocuments, RankFusion } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * const notes = DocumentIndex.make({
 *   text: DocumentIndex.text(),
 *   embedding: DocumentIndex.dense({ dimension: 384, metric: "cosine" })
 * })
 *
 * interface Question { readonly words: string; readonly vector: Float32Array }
 * declare const questions: Stream.Stream<Question>
 *
 * const found = questions.pipe(
 *   PineconeDocuments.search(notes, { scoreBy: ({ words }: Question) => notes.score.text("text", words), topK: 50 }),
 *   PineconeDocuments.search(notes, { scoreBy: ([{ vector }]) => notes.score.dense("embedding", vector), topK: 50 }),
 *   Stream.map(([[question, byWords], byMeaning]) => {
 *     const both = RankFusion.fuse([byWords, byMeaning], { id: ({ _id }) => _id })
 *     return { question, documents: both.slice(0, 5).map(({ item }) => item) }
 *   })
 * )
 * ```
 */
export const fuse = <A>(rankings: ReadonlyArray<ReadonlyArray<A>>, options: Options<A>): ReadonlyArray<Fused<A>> => {
  const { id, weights = [] } = options
  const k = given(options.k, 60)
  const found = new Map<string, { readonly item: A; readonly parts: Array<number> }>()
  for (const [i, ranking] of rankings.entries()) {
    const weight = given(weights[i], 1)
    const seen = new Set<string>()
    for (const item of ranking) {
      const of = id(item)
      if (seen.has(of)) continue
      seen.add(of)
      const part = weight / (k + seen.size)
      const known = found.get(of)
      if (known === undefined) found.set(of, { item, parts: [part] })
      else known.parts.push(part)
    }
  }
  // Summed from the smallest: in another order the sum could differ in its last digit.
  const sum = (parts: ReadonlyArray<number>) => parts.toSorted((a, b) => a - b).reduce((all, part) => all + part, 0)
  return Array.from(found, ([of, { item, parts }]) => ({ of, fused: { item, score: sum(parts) } }))
    .sort((a, b) => b.fused.score - a.fused.score || (a.of < b.of ? -1 : 1))
    .map(({ fused }) => fused)
}

/**
 * Several rankings of the same documents made into one.
 */

/** A document with its score in the merged ranking; higher is better. */
export interface Fused {
  readonly id: string
  readonly score: number
}

/**
 * Merges rankings by reciprocal rank fusion: the score of a document is the sum of `1 / (k + rank)` over the rankings it
 * is in, the first having rank 1. Scores of different kinds can not be added, ranks can. Cormack, Clarke and Büttcher,
 * "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods" (2009); 60 is the constant of the paper.
 *
 * Equal scores come in the order of their ids, so that the order of the rankings does not matter. Of an id that comes
 * twice in one ranking the better place counts.
 */
export const fuse = (rankings: ReadonlyArray<ReadonlyArray<string>>, k = 60): ReadonlyArray<Fused> => {
  const shares = new Map<string, Array<number>>()
  for (const ranking of rankings) {
    for (const [i, id] of [...new Set(ranking)].entries()) {
      shares.set(id, [...(shares.get(id) ?? []), 1 / (k + i + 1)])
    }
  }
  // Summed from the smallest: in another order the sum could differ in its last digit.
  const sum = (parts: ReadonlyArray<number>) => parts.toSorted((a, b) => a - b).reduce((all, part) => all + part, 0)
  return Array.from(shares, ([id, parts]): Fused => ({ id, score: sum(parts) })).sort(
    (a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)
  )
}

/**
 * The best `k` of many scored rows, in one pass: a binary heap whose root is the worst row kept, so that a row which
 * does not make it costs one comparison.
 */
export interface Ranked {
  readonly row: number
  readonly score: number
}

export class TopK {
  readonly #capacity: number
  readonly #precedes: (row: number, other: number) => boolean
  readonly #scores: Array<number> = []
  readonly #rows: Array<number> = []
  /** Scores below it cannot enter. */
  #floor = -Infinity

  /** `precedes` orders rows of equal score. */
  constructor(capacity: number, precedes: (row: number, other: number) => boolean) {
    this.#capacity = capacity
    this.#precedes = precedes
  }

  /** Higher scores are better. */
  offer(score: number, row: number): void {
    if (score < this.#floor) return
    const size = this.#rows.length
    if (size < this.#capacity) {
      this.#rise(size, score, row)
    } else if (this.#isWorse(this.#scores[0]!, this.#rows[0]!, score, row)) {
      this.#sink(score, row)
    } else {
      return
    }
    if (this.#rows.length === this.#capacity) this.#floor = this.#scores[0]!
  }

  /** The rows kept, best first. */
  ranked(): Array<Ranked> {
    return this.#rows
      .map((row, at): Ranked => ({ row, score: this.#scores[at]! }))
      .sort((a, b) => b.score - a.score || (this.#precedes(a.row, b.row) ? -1 : 1))
  }

  #isWorse(score: number, row: number, otherScore: number, otherRow: number): boolean {
    return score < otherScore || (score === otherScore && this.#precedes(otherRow, row))
  }

  /** Puts a row at the free place `at` and lets it rise towards the root while it is worse than its parent. */
  #rise(at: number, score: number, row: number): void {
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isWorse(score, row, this.#scores[parent]!, this.#rows[parent]!)) break
      this.#place(at, this.#scores[parent]!, this.#rows[parent]!)
      at = parent
    }
    this.#place(at, score, row)
  }

  /** Replaces the root by a row and lets it sink while a child is worse. */
  #sink(score: number, row: number): void {
    const size = this.#rows.length
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      const right = child + 1
      if (
        right < size &&
        this.#isWorse(this.#scores[right]!, this.#rows[right]!, this.#scores[child]!, this.#rows[child]!)
      )
        child = right
      if (!this.#isWorse(this.#scores[child]!, this.#rows[child]!, score, row)) break
      this.#place(at, this.#scores[child]!, this.#rows[child]!)
      at = child
    }
    this.#place(at, score, row)
  }

  #place(at: number, score: number, row: number): void {
    this.#scores[at] = score
    this.#rows[at] = row
  }
}

/**
 * The inverted index of one text field, and BM25 on it.
 *
 * The score of a document for a token is `idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average length))` with
 * `idf = ln(1 + (N - n + 0.5) / (n + 0.5))`, k1 = 1.2 and b = 0.75, where `tf` is how often the document has the token,
 * lengths are counted in tokens, `N` documents have the field and `n` of them the token. This is the formula of Lucene
 * and Tantivy. Which one the service computes, and with which constants, is not documented.
 */
const k1 = 1.2
const b = 0.75

export class TextIndex {
  /** How often each document has a token, by token and id. */
  readonly #postings = new Map<string, Map<string, number>>()
  readonly #tokens = new Map<string, ReadonlyArray<string>>()
  #length = 0

  /** Sets the tokens of a document, which has none here yet. */
  add(id: string, tokens: ReadonlyArray<string>): void {
    this.#tokens.set(id, tokens)
    this.#length += tokens.length
    for (const token of tokens) {
      let posting = this.#postings.get(token)
      if (posting === undefined) this.#postings.set(token, (posting = new Map()))
      posting.set(id, (posting.get(id) ?? 0) + 1)
    }
  }

  remove(id: string): void {
    const tokens = this.#tokens.get(id)
    if (tokens === undefined) return
    this.#tokens.delete(id)
    this.#length -= tokens.length
    for (const token of new Set(tokens)) {
      const posting = this.#postings.get(token)
      posting?.delete(id)
      if (posting?.size === 0) this.#postings.delete(token)
    }
  }

  clear(): void {
    this.#postings.clear()
    this.#tokens.clear()
    this.#length = 0
  }

  /** The tokens of a document in their order; none when it does not have the field. */
  tokens(id: string): ReadonlyArray<string> {
    return this.#tokens.get(id) ?? []
  }

  /** Ids of the documents with a token. */
  idsWith(token: string): Iterable<string> {
    return this.#postings.get(token)?.keys() ?? []
  }

  /** The tokens that begin with `prefix`. */
  tokensWith(prefix: string): ReadonlyArray<string> {
    return Array.from(this.#postings.keys()).filter((token) => token.startsWith(prefix))
  }

  idf(token: string): number {
    const n = this.#postings.get(token)?.size ?? 0
    return Math.log(1 + (this.#tokens.size - n + 0.5) / (n + 0.5))
  }

  /** The score of a document that has something of weight `idf` so many times. */
  score(id: string, frequency: number, idf: number): number {
    const relative = this.tokens(id).length / (this.#length / this.#tokens.size)
    return (idf * frequency * (k1 + 1)) / (frequency + k1 * (1 - b + b * relative))
  }

  /** Adds the scores of a token to `scores`, each times `boost`. */
  addScores(token: string, scores: Map<string, number>, boost: number): void {
    const posting = this.#postings.get(token)
    if (posting === undefined) return
    const idf = this.idf(token)
    for (const [id, frequency] of posting) {
      scores.set(id, (scores.get(id) ?? 0) + boost * this.score(id, frequency, idf))
    }
  }
}

/**
 * Full-text queries and what they score. A document matches when the query says so, whatever its score.
 *
 * Decided here, not known of the service: a phrase counts as one token whose weight is the sum of its tokens'; a word of
 * which the beginning is given scores 1.
 */
import type { Analyze } from "./analyzer.ts"
import { occurrences } from "./phrase.ts"
import type { TextIndex } from "./textIndex.ts"

export type TextQuery =
  /** Any of the words. */
  | { readonly _tag: "Words"; readonly field: string; readonly text: string }
  /** The words in their order. */
  | {
      readonly _tag: "Phrase"
      readonly field: string
      readonly text: string
      /** Words that may be between them, all together. */
      readonly slop: number
      /** Is the last word only the beginning of one? */
      readonly isPrefix: boolean
    }
  | {
      readonly _tag: "Group"
      readonly must: ReadonlyArray<TextQuery>
      readonly should: ReadonlyArray<TextQuery>
      readonly mustNot: ReadonlyArray<TextQuery>
    }
  | { readonly _tag: "Boost"; readonly query: TextQuery; readonly factor: number }

/** A text field of a namespace. */
export interface TextColumn {
  readonly analyze: Analyze
  readonly index: TextIndex
}

export type Scores = Map<string, number>

/** The scores of the documents that match, by id. */
export const evaluate = (query: TextQuery, columns: ReadonlyMap<string, TextColumn>): Scores => {
  switch (query._tag) {
    case "Words":
      return words(query, columns)
    case "Phrase":
      return phrase(query, columns)
    case "Boost": {
      const scores = evaluate(query.query, columns)
      for (const [id, score] of scores) scores.set(id, score * query.factor)
      return scores
    }
    case "Group": {
      const must = query.must.map((part) => evaluate(part, columns))
      const should = query.should.map((part) => evaluate(part, columns))
      const scores = must.length === 0 ? sum(should) : sum(must, should)
      for (const part of must) for (const id of scores.keys()) if (!part.has(id)) scores.delete(id)
      for (const part of query.mustNot) for (const id of evaluate(part, columns).keys()) scores.delete(id)
      return scores
    }
  }
}

/** The documents of the first of these, with what the others add to their scores. */
const sum = (parts: ReadonlyArray<Scores>, optional: ReadonlyArray<Scores> = []): Scores => {
  const scores: Scores = new Map()
  for (const part of parts) for (const [id, score] of part) scores.set(id, (scores.get(id) ?? 0) + score)
  for (const part of optional) {
    for (const [id, score] of part) {
      const before = scores.get(id)
      if (before !== undefined) scores.set(id, before + score)
    }
  }
  return scores
}

const words = (query: TextQuery & { readonly _tag: "Words" }, columns: ReadonlyMap<string, TextColumn>): Scores => {
  const scores: Scores = new Map()
  const column = columns.get(query.field)
  if (column === undefined) return scores
  for (const token of column.analyze(query.text)) column.index.addScores(token, scores, 1)
  return scores
}

const phrase = (query: TextQuery & { readonly _tag: "Phrase" }, columns: ReadonlyMap<string, TextColumn>): Scores => {
  const scores: Scores = new Map()
  const column = columns.get(query.field)
  if (column === undefined) return scores
  const { analyze, index } = column
  const tokens = analyze(query.text)
  const last = tokens.at(-1)
  if (last === undefined) return scores
  if (query.isPrefix && tokens.length === 1) {
    for (const token of index.tokensWith(last)) for (const id of index.idsWith(token)) scores.set(id, 1)
    return scores
  }
  const weight = tokens.reduce((sum, token) => sum + index.idf(token), 0)
  for (const id of index.idsWith(tokens[0]!)) {
    const frequency = occurrences(index.tokens(id), tokens, query.slop, query.isPrefix)
    if (frequency > 0) scores.set(id, index.score(id, frequency, weight))
  }
  return scores
}

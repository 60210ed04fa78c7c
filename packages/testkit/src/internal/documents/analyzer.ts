/**
 * How text becomes tokens: runs of letters and digits, in lower case. With an n-gram setting each of these gives its
 * parts of so many characters instead. A document and a query go through the same.
 */
import type { FullTextSearch } from "./schema.ts"

/** Cuts text into tokens, in the order they are in. */
export type Analyze = (text: string) => ReadonlyArray<string>

const words = /[\p{Alphabetic}\p{Number}\p{Mark}]+/gu

export const make = ({ ngram }: FullTextSearch): Analyze => {
  const split: Analyze = (text) => text.toLowerCase().match(words) ?? []
  return ngram === undefined ? split : (text) => split(text).flatMap((word) => gramsOf(word, ngram))
}

const gramsOf = (word: string, { max_gram, min_gram, prefix_only }: NonNullable<FullTextSearch["ngram"]>) => {
  const characters = Array.from(word)
  const grams: Array<string> = []
  const lastStart = prefix_only ? 0 : characters.length - 1
  for (let start = 0; start <= lastStart; start++) {
    for (let size = min_gram; size <= max_gram && start + size <= characters.length; size++) {
      grams.push(characters.slice(start, start + size).join(""))
    }
  }
  return grams
}

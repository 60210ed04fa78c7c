/**
 * How text becomes tokens: runs of letters and digits, in lower case. Stemming is Porter's, of English; the stop words are
 * the 33 of Lucene, and leave no gap behind. With an n-gram setting each run gives its parts of so many characters
 * instead. A document and a query go through the same. Which stemmer and which stop words the service has is not known.
 */
import { stemmer } from "stemmer"
import { wordsOf } from "../words.ts"
import type { FullTextSearch } from "./schema.ts"

/** Cuts text into tokens, in the order they are in. */
export type Analyze = (text: string) => ReadonlyArray<string>

const stopWords: ReadonlySet<string> = new Set(
  (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this " +
    "to was will with"
  ).split(" ")
)

export const make = ({ ngram, stemming, stop_words }: FullTextSearch): Analyze => {
  if (ngram !== undefined) return (text) => wordsOf(text).flatMap((word) => gramsOf(word, ngram))
  if (!stemming) return wordsOf
  return stop_words
    ? (text) => wordsOf(text).flatMap((word) => (stopWords.has(word) ? [] : stemmer(word)))
    : (text) => wordsOf(text).map(stemmer)
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

/** The limits of text that is searched by its words. */
import type { TextLimits } from "../DocumentsApi.ts"

/** The documented limits of text with full text search. What 100 KB are is not said: the larger reading is taken. */
export const documentedText: TextLimits = { maxBytes: 102_400, maxTokens: 10_000, maxTokenBytes: 256 }

// What a token is, Pinecone does not say. Runs of letters and digits are its safe part: in scripts that put no spaces
// between words a run is no word, so those are left to the service.
const words = /(?:(?!\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Thai})[\p{L}\p{N}])+/gu

const isAlphanumeric = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57)

/** How many tokens, and the longest of them in bytes. */
const tokensOf = (text: string): { readonly count: number; readonly longest: number } => {
  let count = 0
  let longest = 0
  let run = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 32
    if (code > 127) {
      const found = text.match(words) ?? []
      return { count: found.length, longest: found.reduce((max, word) => Math.max(max, Buffer.byteLength(word)), 0) }
    }
    if (isAlphanumeric(code)) {
      run++
    } else if (run > 0) {
      count++
      if (run > longest) longest = run
      run = 0
    }
  }
  return { count, longest }
}

const separates = (code: number): boolean => code <= 127 && !isAlphanumeric(code)

/**
 * Can text have a word of so many bytes? A unit of a string takes 3 at most, so such a word lies on one of the places that
 * are looked at here: most of a text needs no look.
 */
const mayHaveWord = (text: string, bytes: number): boolean => {
  const length = Math.max(1, Math.floor(bytes / 3))
  for (let at = length - 1; at < text.length; at += length) {
    let from = at + 1
    while (from > 0 && !separates(text.charCodeAt(from - 1))) from--
    if (from === at + 1) continue
    let to = at + 1
    while (to < text.length && !separates(text.charCodeAt(to))) to++
    if (to - from >= length) return true
  }
  return false
}

/** What is wrong with text that is searched by its words, if anything is. */
export const textIssue = (text: string, limits: TextLimits, isCutIntoWords: boolean): string | undefined => {
  const bytes = 3 * text.length <= limits.maxBytes ? 0 : Buffer.byteLength(text)
  if (bytes > limits.maxBytes) return `has ${bytes} bytes; text with full text search may have ${limits.maxBytes}`
  if (!isCutIntoWords) return undefined
  const hasFew = text.length < 2 * limits.maxTokens
  if (hasFew && !mayHaveWord(text, limits.maxTokenBytes)) return undefined
  const { count, longest } = tokensOf(text)
  if (count > limits.maxTokens) return `has ${count} words; text with full text search may have ${limits.maxTokens}`
  return longest > limits.maxTokenBytes
    ? `has a word of ${longest} bytes; a word may have ${limits.maxTokenBytes}`
    : undefined
}

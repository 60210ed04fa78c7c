/** The words of a text: runs of letters and digits, in lower case. */
export const wordsOf = (text: string): ReadonlyArray<string> =>
  text.toLowerCase().match(/[\p{Alphabetic}\p{Number}\p{Mark}]+/gu) ?? []

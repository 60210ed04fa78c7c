/** Tokens side by side. */

/**
 * How often `tokens` has the phrase: its tokens in order with at most `slop` others between them all. The last one of
 * the phrase only has to begin as it does with `isPrefix`.
 */
export const occurrences = (
  tokens: ReadonlyArray<string>,
  phrase: ReadonlyArray<string>,
  slop = 0,
  isPrefix = false
): number => {
  const last = phrase.length - 1
  if (last < 0) return 0
  const is = (token: string, at: number): boolean =>
    isPrefix && at === last ? token.startsWith(phrase[at]!) : token === phrase[at]
  let count = 0
  for (let start = 0; start < tokens.length; start++) {
    if (!is(tokens[start]!, 0)) continue
    const end = start + last + slop
    let at = 1
    for (let next = start + 1; at <= last && next <= end && next < tokens.length; next++) {
      if (is(tokens[next]!, at)) at++
    }
    if (at > last) count++
  }
  return count
}

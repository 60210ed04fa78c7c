const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff

/** Orders text as its UTF-8 bytes are. JavaScript's own order differs where a character takes two code units. */
export const compareBytes = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x === y) continue
    return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1
  }
  return a.length - b.length
}

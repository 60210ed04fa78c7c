const mask = 0xffffffff

/**
 * 64 bits of a text as 16 hex digits: tells damaged text from whole, and short names apart. It is not secret and not made
 * to withstand somebody who tries. It is stored, so it must never change; and it takes no time that a test clock would
 * have to wait for, as Web Crypto does.
 */
export const digest = (text: string): string => {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    high = Math.imul(high ^ unit, 2654435761)
    low = Math.imul(low ^ unit, 1597334677)
  }
  const mixedHigh = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  const mixedLow = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(mixedHigh ^ (mixedHigh >>> 13), 3266489909)
  return [mixedHigh, mixedLow].map((half) => ((half & mask) >>> 0).toString(16).padStart(8, "0")).join("")
}

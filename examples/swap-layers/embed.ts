import * as Hash from "effect/Hash"

/** A stand-in for an embedding model: counts the words of a text in 512 bins. */
export const embed = (text: string): Float32Array => {
  const vector = new Float32Array(512)
  for (const [word] of text.toLowerCase().matchAll(/\w+/g)) {
    const bin = Hash.string(word) & 511
    vector[bin] = (vector[bin] ?? 0) + 1
  }
  return vector
}

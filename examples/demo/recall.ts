/**
 * How good the answers are: against the exact ones, and against the answers people expect.
 */

/** What brute force compares with: every stored vector, of length 1, by id. */
export type Vectors = ReadonlyMap<string, Float32Array>

const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/**
 * The share of `found` that belongs among the `found.length` nearest, by comparing with every vector.
 * A vector as near as the last of the true ones counts: which of equals comes first is chance.
 */
export const recall = (vectors: Vectors, question: Float32Array, found: ReadonlyArray<string>): number => {
  if (found.length === 0) return 0
  const scores = Float64Array.from(vectors.values(), (vector) => dot(question, vector)).sort()
  const last = scores[scores.length - found.length] ?? Infinity
  const right = found.filter((id) => {
    const vector = vectors.get(id)
    // Stores keep and compare float32.
    return vector !== undefined && dot(question, vector) >= last - 1e-6
  })
  return right.length / found.length
}

export const mean = (values: ReadonlyArray<number>): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

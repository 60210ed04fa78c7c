/**
 * How exact a store's answers are, measured against brute force.
 */
import * as Effect from "effect/Effect"

/** What brute force compares with: every stored vector, of length 1, by id. */
export type Vectors = ReadonlyMap<string, Float32Array>

const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/**
 * The share of the `k` vectors nearest to `question` that is among the `found`, by comparing with every vector.
 * A vector as near as the last of the true ones counts: which of equals comes first is chance.
 */
export const recall = (vectors: Vectors, question: Float32Array, found: ReadonlyArray<string>, k: number): number => {
  const wanted = Math.min(k, vectors.size)
  if (wanted === 0) return 1
  const scores = Float64Array.from(vectors.values(), (vector) => dot(question, vector)).sort()
  // Stores keep and compare float32.
  const last = scores[scores.length - wanted]! - 1e-6
  const right = [...new Set(found.slice(0, k))].filter((id) => {
    const vector = vectors.get(id)
    return vector !== undefined && dot(question, vector) >= last
  })
  return right.length / wanted
}

/** The mean {@link recall} of several questions; 1 of none. */
export const meanRecall = (
  vectors: Vectors,
  answers: ReadonlyArray<{ readonly question: Float32Array; readonly found: ReadonlyArray<string> }>,
  k: number
): Effect.Effect<number> =>
  Effect.forEach(answers, ({ found, question }) =>
    // Brute force takes its time, so a signal gets its turn between questions.
    Effect.map(Effect.yieldNow, () => recall(vectors, question, found, k))
  ).pipe(
    Effect.map((shares) => (shares.length === 0 ? 1 : shares.reduce((sum, share) => sum + share, 0) / shares.length))
  )

/** Sparse vectors in the order of their positions, so that a dot product is one merge. */
import type { SparseValues } from "@effect-connectors/pinecone/VectorRecord"

export interface SparseVector {
  readonly indices: Uint32Array
  readonly values: Float32Array
}

export const make = (sparse: SparseValues): SparseVector => {
  const order = Uint32Array.from(sparse.values.keys()).sort((a, b) => sparse.indices[a]! - sparse.indices[b]!)
  return {
    indices: order.map((at) => sparse.indices[at]!),
    values: Float32Array.from(order, (at) => sparse.values[at]!)
  }
}

export const copy = (sparse: SparseVector): SparseVector => ({
  indices: sparse.indices.slice(),
  values: sparse.values.slice()
})

/** The sum over the positions both have. */
export const dot = (a: SparseVector, b: SparseVector): number => {
  let sum = 0
  let i = 0
  let j = 0
  while (i < a.indices.length && j < b.indices.length) {
    const step = a.indices[i]! - b.indices[j]!
    if (step === 0) sum += a.values[i]! * b.values[j]!
    if (step <= 0) i++
    if (step >= 0) j++
  }
  return sum
}

/**
 * Dense vectors as rows of float32, in slabs of about a megabyte, and the scores of a query against them.
 *
 * Slabs keep memory contiguous without ever copying it to grow, and a small test pays for one slab.
 * Sums run in float64 over four accumulators: one alone would make every addition wait for the one before.
 */
import type { Values } from "@effect-connectors/pinecone/VectorRecord"

export type Metric = "cosine" | "dotproduct" | "euclidean"

/** The score of a row against one query; for euclidean the squared distance. */
export type Scorer = (row: number) => number

const slabFloats = 262_144

interface Slab {
  readonly floats: Float32Array
  /** 1 / length of each vector, which only cosine needs. */
  readonly inverseNorms: Float64Array
}

export class DenseVectors {
  readonly dimension: number
  readonly #metric: Metric
  readonly #shift: number
  readonly #mask: number
  readonly #slabs: Array<Slab> = []

  constructor(dimension: number, metric: Metric) {
    this.dimension = dimension
    this.#metric = metric
    // a power of two, so that a row finds its slab by a shift
    this.#shift = Math.max(0, Math.floor(Math.log2(slabFloats / dimension)))
    this.#mask = (1 << this.#shift) - 1
  }

  set(row: number, values: Values): void {
    const slab = this.#slabs[row >> this.#shift] ?? this.#grow()
    const at = row & this.#mask
    const start = at * this.dimension
    slab.floats.set(values, start)
    if (this.#metric === "cosine") {
      slab.inverseNorms[at] = inverseNorm(slab.floats.subarray(start, start + this.dimension))
    }
  }

  /** A copy of a row. */
  get(row: number): Float32Array {
    const start = (row & this.#mask) * this.dimension
    return this.#slab(row).floats.slice(start, start + this.dimension)
  }

  move(from: number, to: number): void {
    this.set(to, this.get(from))
  }

  /** Frees the slabs that `count` rows do not need. */
  shrink(count: number): void {
    this.#slabs.length = Math.min(this.#slabs.length, Math.ceil(count / (this.#mask + 1)))
  }

  scorer(query: Values): Scorer {
    const slabs = this.#slabs
    const shift = this.#shift
    const mask = this.#mask
    const dimension = this.dimension
    // rounded as the service stores it, then widened once instead of at every multiplication
    const q = Float64Array.from(Float32Array.from(query))
    switch (this.#metric) {
      case "dotproduct":
        return (row) => dot(q, slabs[row >> shift]!.floats, (row & mask) * dimension)
      case "euclidean":
        return (row) => squaredDistance(q, slabs[row >> shift]!.floats, (row & mask) * dimension)
      case "cosine": {
        const queryNorm = inverseNorm(q)
        return (row) => {
          const slab = slabs[row >> shift]!
          const at = row & mask
          return dot(q, slab.floats, at * dimension) * slab.inverseNorms[at]! * queryNorm
        }
      }
    }
  }

  #slab(row: number): Slab {
    return this.#slabs[row >> this.#shift]!
  }

  #grow(): Slab {
    const rows = this.#mask + 1
    const slab = { floats: new Float32Array(rows * this.dimension), inverseNorms: new Float64Array(rows) }
    this.#slabs.push(slab)
    return slab
  }
}

/** 1 / length, or 0 of nothing but zeros. */
export const inverseNorm = (values: Float32Array | Float64Array): number => {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!
  return sum === 0 ? 0 : 1 / Math.sqrt(sum)
}

export const dot = (q: Float64Array, floats: Float32Array, start: number): number => {
  const length = q.length
  const whole = length - (length % 4)
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let i = 0
  for (; i < whole; i += 4) {
    a += q[i]! * floats[start + i]!
    b += q[i + 1]! * floats[start + i + 1]!
    c += q[i + 2]! * floats[start + i + 2]!
    d += q[i + 3]! * floats[start + i + 3]!
  }
  for (; i < length; i++) a += q[i]! * floats[start + i]!
  return a + b + (c + d)
}

export const squaredDistance = (q: Float64Array, floats: Float32Array, start: number): number => {
  const length = q.length
  const whole = length - (length % 4)
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let i = 0
  for (; i < whole; i += 4) {
    const w = q[i]! - floats[start + i]!
    const x = q[i + 1]! - floats[start + i + 1]!
    const y = q[i + 2]! - floats[start + i + 2]!
    const z = q[i + 3]! - floats[start + i + 3]!
    a += w * w
    b += x * x
    c += y * y
    d += z * z
  }
  for (; i < length; i++) a += (q[i]! - floats[start + i]!) ** 2
  return a + b + (c + d)
}

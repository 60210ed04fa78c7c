/** The records that contenders write: the same in every process, and made before anything is timed. */

/** Uniform in [0, 1) and the same for the same seed (mulberry32): millions are needed, at the start of each process. */
export const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

export interface LoadRecord {
  readonly id: string
  readonly values: Array<number>
  readonly metadata: { title: string; genre: string; year: number; score: number }
}

/** Vectors that differ: more would only take memory. */
const distinctVectors = 1000

/** Records that differ: more than are ever in flight, since of one id a later write waits for an earlier one. */
const distinctRecords = 20_000

/** Numbers between -1 and 1 as an embedding model gives them: of float32, held as numbers. */
export const numbers = (seed: number): (() => number) => {
  const next = random(seed)
  return () => Math.fround(next() * 2 - 1)
}

export const vectors = (dimension: number, count = distinctVectors): Array<Array<number>> => {
  const next = numbers(dimension)
  return Array.from({ length: count }, () => Array.from({ length: dimension }, next))
}

const genres = ["drama", "comedy", "documentary", "thriller"]

const made = new Map<number, Array<LoadRecord>>()

/** Ids of their own, four fields of metadata, and vectors in turn. Made once a process. */
export const records = (dimension: number): Array<LoadRecord> => {
  const known = made.get(dimension) ?? make(dimension)
  made.set(dimension, known)
  return known
}

const make = (dimension: number): Array<LoadRecord> => {
  const values = vectors(dimension)
  return Array.from({ length: distinctRecords }, (_, i) => ({
    id: `record-${i}`,
    values: values[i % values.length] ?? [],
    metadata: {
      title: `A title of some words, number ${i}`,
      genre: genres[i % genres.length] ?? "",
      year: 1950 + (i % 75),
      score: i / distinctRecords
    }
  }))
}

/** So many of them, from the first again after the last. */
export const take = <A>(all: ReadonlyArray<A>, count: number): Array<A> => {
  const taken: Array<A> = []
  for (let i = 0; i < count; i++) {
    const one = all[i % all.length]
    if (one !== undefined) taken.push(one)
  }
  return taken
}

/** Bytes of an upsert as the official client writes it. */
const bodyBytes = (records: ReadonlyArray<LoadRecord>): number =>
  Buffer.byteLength(JSON.stringify({ vectors: records, namespace: "" }))

/** The most records of a call within a limit of bytes, as a careful program would work it out beforehand. */
export const largestBatch = (records: ReadonlyArray<LoadRecord>, maxBytes: number, maxRecords: number): number => {
  const sample = records.slice(0, 200)
  const largest = Math.max(...sample.map((record) => bodyBytes([record])))
  return Math.max(1, Math.min(maxRecords, Math.floor(maxBytes / largest)))
}

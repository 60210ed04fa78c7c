/**
 * GloVe word vectors and the sentence encoder made of them.
 *
 * A text is the mean of its words' vectors, rare words counting more (smooth inverse frequency, SIF),
 * minus the direction that all texts share. Arora, Liang and Ma, "A simple but tough-to-beat baseline for
 * sentence embeddings" (2017). Word order and grammar are lost; it is fast and knows what words mean.
 *
 * The files are described in `examples/data/README.md`.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"

/** Numbers of a vector. */
export const dimension = 100

/** Word vectors as they lie in the file: one byte a number, with a scale for each word. */
export interface Glove {
  /** Rows by word, most frequent first. */
  readonly rows: ReadonlyMap<string, number>
  readonly scales: Float32Array
  readonly codes: Int8Array
  /** The direction that texts have in common, of length 1. */
  readonly common: Float32Array
}

/** The word vectors could not be read, or are not what they should be. */
export class GloveError extends Schema.TaggedError<GloveError>()("GloveError", {
  message: Schema.String
}) {}

/** Where the files are. */
export const file = (name: "glove-50k.txt" | "glove-50k.bin"): string =>
  fileURLToPath(new URL(`../data/${name}`, import.meta.url))

/** Reads the two files. */
export const load: Effect.Effect<Glove, GloveError, FileSystem.FileSystem> = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const words = (yield* files.readFileString(file("glove-50k.txt"))).trimEnd().split("\n")
  const bytes = yield* files.readFile(file("glove-50k.bin"))
  const expected = 4 * dimension + words.length * (4 + dimension)
  if (bytes.length !== expected) {
    return yield* new GloveError({ message: `glove-50k.bin has ${bytes.length} bytes instead of ${expected}` })
  }
  // A copy of its own, because a Float32Array must start at a multiple of 4 and a file's bytes may not.
  const buffer = bytes.slice().buffer
  const common = new Float32Array(buffer, 0, dimension)
  const scales = new Float32Array(buffer, 4 * dimension, words.length)
  const codes = new Int8Array(buffer, 4 * (dimension + words.length))
  return { rows: new Map(words.map((word, row) => [word, row])), scales, codes, common }
}).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(new GloveError({ message: error.message }))))

/** The words of a text. Compounds with a hyphen that have no vector count as their parts. */
const tokens = (rows: Glove["rows"], text: string): ReadonlyArray<string> =>
  (text.toLowerCase().match(/[a-z0-9]+(?:[-'][a-z0-9]+)*/g) ?? []).flatMap((word) =>
    rows.has(word) ? [word] : word.split(/[-']/)
  )

/**
 * The weight of a word by its rank among all words. Words follow Zipf's law: the one at rank r makes up
 * about 1 / (r * 12) of English text. 1e-3 is the constant of the paper.
 */
const weight = (row: number): number => 1e-3 / (1e-3 + 1 / ((row + 1) * 12))

/** The weighted mean of the vectors of a text's known words, scaled to length 1. */
export const mean = (glove: Omit<Glove, "common">, text: string): Float32Array => {
  const sum = new Float32Array(dimension)
  let known = false
  for (const token of tokens(glove.rows, text)) {
    const row = glove.rows.get(token)
    if (row === undefined) continue
    known = true
    const factor = weight(row) * (glove.scales[row] ?? 0)
    const start = row * dimension
    for (let i = 0; i < dimension; i++) sum[i]! += factor * glove.codes[start + i]!
  }
  return normalize(known ? sum : fromLetters(text))
}

/**
 * A direction made from the letters of a text without a known word ("whydahs"): it resembles itself and nothing
 * else. A store with the cosine metric has no place for a vector of zeros. FNV-1a gives the seed, xorshift the numbers.
 */
const fromLetters = (text: string): Float32Array => {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return Float32Array.from({ length: dimension }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state / 0x80000000
  })
}

/** Encodes a text as a vector of length 1. */
export const encode = (glove: Glove, text: string): Float32Array => {
  const vector = mean(glove, text)
  let shared = 0
  for (let i = 0; i < dimension; i++) shared += vector[i]! * glove.common[i]!
  for (let i = 0; i < dimension; i++) vector[i]! -= shared * glove.common[i]!
  return normalize(vector)
}

/** Scales a vector to length 1, in place. */
export const normalize = (vector: Float32Array): Float32Array => {
  let squares = 0
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!
  const scale = 1 / Math.sqrt(squares)
  for (let i = 0; i < vector.length; i++) vector[i]! *= scale
  return vector
}

/**
 * The ten nearest of many vectors: by `PineconeMemory`, or (setting `by`: `loop`) by the loop one would write over one
 * `Float32Array`.
 */
import { PineconeIndex } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { numbers } from "../load.ts"
import { contend } from "./contend.ts"

const topK = 10

const inverseNorm = (vector: Float32Array): number => {
  let sum = 0
  for (const value of vector) sum += value * value
  return 1 / Math.sqrt(sum)
}

/** The rows found, best first. */
type Query = (vector: Float32Array) => Promise<ReadonlyArray<string>>

const loop = (vectors: Float32Array, rows: number, dimension: number): Query => {
  const inverseNorms = Float64Array.from({ length: rows }, (_, row) =>
    inverseNorm(vectors.subarray(row * dimension, (row + 1) * dimension))
  )
  return async (query) => {
    const queryNorm = inverseNorm(query)
    const scores: Array<number> = []
    const found: Array<string> = []
    for (let row = 0; row < rows; row++) {
      let sum = 0
      for (let i = 0; i < dimension; i++) sum += query[i]! * vectors[row * dimension + i]!
      const score = sum * inverseNorms[row]! * queryNorm
      if (found.length === topK && score <= scores[topK - 1]!) continue
      let at = found.length
      while (at > 0 && scores[at - 1]! < score) at--
      scores.splice(at, 0, score)
      found.splice(at, 0, String(row))
      scores.length = found.length = Math.min(topK, found.length)
    }
    return found
  }
}

const memory = async (vectors: Float32Array, rows: number, dimension: number): Promise<Query> => {
  const runtime = ManagedRuntime.make(PineconeMemory.layer)
  const load = Effect.gen(function* () {
    const index = yield* PineconeIndex
    for (const chunk of Arr.chunksOf(Arr.range(0, rows - 1), 1_000)) {
      yield* index.upsert({
        records: Arr.map(chunk, (row) => ({
          id: String(row),
          values: vectors.subarray(row * dimension, (row + 1) * dimension)
        }))
      })
    }
    return index
  })
  const index = await runtime.runPromise(load)
  return async (vector) => {
    const { matches } = await runtime.runPromise(index.query({ vector, topK }))
    return matches.map(({ id }) => id)
  }
}

await contend(async ({ at, settings }) => {
  const rows = Number(at["rows"])
  const dimension = Number(at["dimension"])
  const next = numbers(7)
  const vectors = new Float32Array(rows * dimension)
  for (let i = 0; i < vectors.length; i++) vectors[i] = next()
  const questions = Array.from({ length: 50 }, () => Float32Array.from({ length: dimension }, next))
  const make = settings["by"] === "loop" ? loop : memory
  const query = await make(vectors, rows, dimension)
  return {
    run: async (count) => {
      for (let i = 0; i < count; i++) {
        const found = await query(questions[i % questions.length]!)
        if (found.length !== topK) throw new Error(`${found.length} rows were found, not ${topK}`)
      }
    }
  }
})

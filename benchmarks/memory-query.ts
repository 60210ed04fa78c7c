/**
 * A top-10 query over 100,000 x 384 in `PineconeMemory` against the plain loop over the same vectors: one
 * `Float32Array`, one `for` loop, the same top 10. Both run in one process, in pairs that alternate which goes first.
 *
 *     node --conditions=@effect-connectors/source benchmarks/memory-query.ts [--json]
 */
import { PineconeIndex } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

const rows = 100_000
const dimension = 384
const topK = 10
const warmUp = 10
const rounds = 40
/** The bar: the store may take this many times the plain loop. */
const allowedRatio = 2

const randomVector = Effect.map(Effect.replicateEffect(Random.nextBetween(-1, 1), dimension), (values) =>
  Float32Array.from(values)
)

interface Data {
  readonly vectors: Float32Array
  readonly inverseNorms: Float64Array
}

const inverseNorm = (vector: Float32Array): number => {
  let sum = 0
  for (const value of vector) sum += value * value
  return 1 / Math.sqrt(sum)
}

/** What one would write by hand. Returns the rows found, best first. */
const plainQuery = ({ inverseNorms, vectors }: Data, query: Float32Array): Array<number> => {
  const queryNorm = inverseNorm(query)
  const scores: Array<number> = []
  const found: Array<number> = []
  for (let row = 0; row < rows; row++) {
    let sum = 0
    for (let i = 0; i < dimension; i++) sum += query[i]! * vectors[row * dimension + i]!
    const score = sum * inverseNorms[row]! * queryNorm
    if (found.length === topK && score <= scores[topK - 1]!) continue
    let at = found.length
    while (at > 0 && scores[at - 1]! < score) at--
    scores.splice(at, 0, score)
    found.splice(at, 0, row)
    scores.length = found.length = Math.min(topK, found.length)
  }
  return found
}

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeNanos
    const result = yield* effect
    return { result, millis: Number((yield* Clock.currentTimeNanos) - start) / 1e6 }
  })

const quantile = (values: ReadonlyArray<number>, q: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.round(q * (sorted.length - 1))]!
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000

const summary = (values: ReadonlyArray<number>) => ({
  median: rounded(quantile(values, 0.5)),
  p10: rounded(quantile(values, 0.1)),
  p90: rounded(quantile(values, 0.9))
})

const load = (vectors: Float32Array) =>
  Effect.gen(function* () {
    const index = yield* PineconeIndex
    for (const chunk of Arr.chunksOf(Arr.range(0, rows - 1), 1_000)) {
      yield* index.upsert({
        records: Arr.map(chunk, (row) => ({
          id: String(row),
          values: vectors.subarray(row * dimension, (row + 1) * dimension)
        }))
      })
    }
  })

const benchmark = Effect.gen(function* () {
  const index = yield* PineconeIndex
  const vectors = new Float32Array(rows * dimension)
  for (let row = 0; row < rows; row++) vectors.set(yield* randomVector, row * dimension)
  const inverseNorms = Float64Array.from({ length: rows }, (_, row) =>
    inverseNorm(vectors.subarray(row * dimension, (row + 1) * dimension))
  )
  const loading = yield* timed(load(vectors))

  const store: Array<number> = []
  const plain: Array<number> = []
  let differences = 0
  for (let round = 0; round < warmUp + rounds; round++) {
    const query = yield* randomVector
    const byStore = timed(index.query({ vector: query, topK }))
    const byLoop = timed(Effect.sync(() => plainQuery({ vectors, inverseNorms }, query)))
    const pair = round % 2 === 0 ? yield* Effect.all({ byStore, byLoop }) : yield* Effect.all({ byLoop, byStore })
    if (pair.byStore.result.matches.some((match, rank) => match.id !== String(pair.byLoop.result[rank]))) differences++
    if (round < warmUp) continue
    store.push(pair.byStore.millis)
    plain.push(pair.byLoop.millis)
  }
  const ratio = summary(store.map((millis, round) => millis / plain[round]!))
  return {
    benchmark: "memory-query",
    rows,
    dimension,
    topK,
    rounds,
    loadMillis: Math.round(loading.millis),
    storeMillis: summary(store),
    plainMillis: summary(plain),
    ratio,
    allowedRatio,
    withinBar: ratio.median <= allowedRatio,
    queriesWithOtherAnswers: differences
  }
}).pipe(Effect.provide(PineconeMemory.layer), Random.withSeed("memory-query"))

const spread = (unit: string, { median, p10, p90 }: ReturnType<typeof summary>): string =>
  `${median}${unit} (p10 ${p10}, p90 ${p90})`

const program = Effect.gen(function* () {
  const result = yield* benchmark
  yield* process.argv.includes("--json")
    ? Console.log(JSON.stringify(result))
    : Console.log(
        [
          `top ${topK} of ${rows} x ${dimension}, cosine, ${rounds} pairs, median per query`,
          `  PineconeMemory  ${spread(" ms", result.storeMillis)}`,
          `  plain loop      ${spread(" ms", result.plainMillis)}`,
          `  ratio           ${spread("", result.ratio)}; the bar is ${allowedRatio}`,
          `  loading         ${result.loadMillis} ms`,
          `  queries whose answers differ: ${result.queriesWithOtherAnswers}`
        ].join("\n")
      )
})

NodeRuntime.runMain(program)

import type { Match, Service } from "@effect-connectors/pinecone/PineconeIndex"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { withIndex } from "./support.ts"

/** Few small numbers, so that equal scores are frequent. */
const Coordinate = Schema.Literals([-2, -1, 0, 0.5, 1, 3])
const Vector = Schema.Tuple([Coordinate, Coordinate, Coordinate, Coordinate, Coordinate])
const NonZero = Schema.Tuple([Schema.Literals([-1, 0.1, 2]), Coordinate, Coordinate, Coordinate, Coordinate])
const Id = Schema.Literals(["a", "b", "c", "a#1", "a#2", "B", "zz", "0", "1", "10"])
const Metadata = Schema.Struct({
  n: Schema.optionalKey(Schema.Literals([0, 1, 2])),
  tags: Schema.optionalKey(Schema.Array(Schema.Literals(["x", "y"])))
})
const Sparse = Schema.Struct({
  at: Schema.Literals([0, 7, 4_294_967_295]),
  value: Schema.Literals([-1, 0.5, 2])
})
const Metric = Schema.Literals(["cosine", "dotproduct", "euclidean"])
const TopK = Schema.Literals([1, 2, 3, 5, 100])

const dot = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

const naiveScore = (metric: typeof Metric.Type, a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  switch (metric) {
    case "dotproduct":
      return dot(a, b)
    case "euclidean":
      return a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0)
    case "cosine":
      return dot(a, a) === 0 || dot(b, b) === 0 ? 0 : dot(a, b) / Math.sqrt(dot(a, a)) / Math.sqrt(dot(b, b))
  }
}

/** Scores are float32: seven digits. */
const isNear = (score: number, expected: number) =>
  assert.approximately(score, expected, 1e-6 * Math.max(1, Math.abs(expected)))

/** The matches are those of a sort of all scores, but for scores that rounding may order either way. */
const assertNearest = (
  matches: ReadonlyArray<Match>,
  scores: ReadonlyMap<string, number>,
  topK: number,
  lowerFirst: boolean
) => {
  const sorted = [...scores.values()].sort((a, b) => (lowerFirst ? a - b : b - a))
  assert.strictEqual(matches.length, Math.min(topK, sorted.length))
  assert.strictEqual(new Set(matches.map((match) => match.id)).size, matches.length)
  matches.forEach((match, rank) => {
    isNear(match.score, scores.get(match.id) ?? NaN)
    isNear(match.score, sorted[rank]!)
    const before = matches[rank - 1]
    if (before?.score === match.score) assert.isTrue(before.id < match.id)
  })
}

describe("queries, by property", () => {
  it.effect.prop(
    "find what brute force finds",
    { metric: Metric, vectors: Schema.NonEmptyArray(NonZero), query: Vector, topK: TopK },
    ({ metric, query, topK, vectors }) =>
      withIndex({ metric }, (index) =>
        Effect.gen(function* () {
          const records = Arr.map(vectors, (values, n) => ({ id: String(n), values }))
          yield* index.upsert({ records })
          const { matches } = yield* index.query({ vector: query, topK })
          const scores = new Map(records.map(({ id, values }) => [id, naiveScore(metric, query, values)]))
          assertNearest(matches, scores, topK, metric === "euclidean")
        })
      ),
    { arbitrary: { runs: 500, size: 60 } }
  )

  it.effect.prop(
    "hybrid scores are the sum of both parts",
    {
      records: Schema.NonEmptyArray(Schema.Struct({ values: NonZero, sparse: Schema.optionalKey(Sparse) })),
      query: Vector,
      sparse: Sparse,
      topK: TopK
    },
    ({ query, records, sparse, topK }) =>
      withIndex({ metric: "dotproduct" }, (index) =>
        Effect.gen(function* () {
          yield* index.upsert({
            records: Arr.map(records, ({ sparse, values }, n) => ({
              id: String(n),
              values,
              sparseValues: sparse && { indices: [sparse.at], values: [sparse.value] }
            }))
          })
          const sparseVector = { indices: [sparse.at, 99], values: [sparse.value, 1] }
          const { matches } = yield* index.query({ vector: query, sparseVector, topK })
          const scores = new Map(
            records.map((record, n) => [
              String(n),
              dot(query, record.values) + (record.sparse?.at === sparse.at ? record.sparse.value * sparse.value : 0)
            ])
          )
          assertNearest(matches, scores, topK, false)
        })
      ),
    { arbitrary: { runs: 200 } }
  )
})

const Step = Schema.Union([
  Schema.TaggedStruct("Upsert", { id: Id, values: NonZero, metadata: Schema.optionalKey(Metadata) }),
  Schema.TaggedStruct("Update", {
    id: Id,
    values: Schema.optionalKey(NonZero),
    metadata: Schema.optionalKey(Metadata)
  }),
  Schema.TaggedStruct("Delete", { ids: Schema.NonEmptyArray(Id) }),
  Schema.TaggedStruct("DeleteWhere", { n: Schema.Literals([0, 1, 2]) }),
  Schema.TaggedStruct("DeleteAll", {}),
  Schema.TaggedStruct("List", {})
])
type Step = typeof Step.Type

type Model = Map<string, VectorRecord>

const applyToModel = (model: Model, step: Step): void => {
  switch (step._tag) {
    case "Upsert":
      model.set(step.id, { id: step.id, values: step.values, metadata: step.metadata })
      return
    case "Update": {
      const old = model.get(step.id)
      if (old === undefined) return
      const metadata = step.metadata === undefined ? old.metadata : Object.assign({}, old.metadata, step.metadata)
      model.set(step.id, { id: step.id, values: step.values ?? old.values, metadata })
      return
    }
    case "Delete":
      return step.ids.forEach((id) => model.delete(id))
    case "DeleteWhere":
      for (const [id, record] of model) if (record.metadata?.["n"] === step.n) model.delete(id)
      return
    case "DeleteAll":
      return model.clear()
    case "List":
      return
  }
}

const applyToIndex = (index: Service, step: Step) => {
  switch (step._tag) {
    case "Upsert":
      return index.upsert({ records: [step] })
    case "Update":
      return index.update(step)
    case "Delete":
      return index.delete(step)
    case "DeleteWhere":
      return index.delete({ filter: { n: step.n } })
    case "DeleteAll":
      return index.delete({ all: true })
    case "List":
      return index.list({})
  }
}

/** A record as plain data with float32 values. */
const plain = ({ id, metadata, values = [] }: VectorRecord) => ({
  id,
  values: Array.from(values, Math.fround),
  ...(metadata && { metadata })
})

const walk = (index: Service, prefix: string, limit: number) =>
  Effect.gen(function* () {
    const ids: Array<string> = []
    let page = yield* index.list({ prefix, limit })
    ids.push(...page.ids)
    while (page.next !== undefined) {
      assert.lengthOf(page.ids, limit)
      page = yield* index.list({ prefix, limit, paginationToken: page.next })
      ids.push(...page.ids)
    }
    return ids
  })

describe("writes, by property", () => {
  it.effect.prop(
    "any sequence leaves what a Map would hold, and a walk lists it complete and in order",
    {
      steps: Schema.Array(Step),
      prefix: Schema.Literals(["", "a", "a#", "1", "q"]),
      limit: Schema.Literals([1, 2, 7])
    },
    ({ limit, prefix, steps }) =>
      withIndex({}, (index) =>
        Effect.gen(function* () {
          // the namespace must be there to delete from it
          yield* index.upsert({ records: [{ id: "first", values: [1, 0, 0, 0, 0] }] })
          const model: Model = new Map([["first", { id: "first", values: [1, 0, 0, 0, 0] }]])
          for (const step of steps) {
            yield* applyToIndex(index, step)
            applyToModel(model, step)
          }
          const ids = [...model.keys()].filter((id) => id.startsWith(prefix)).sort()
          assert.deepStrictEqual(yield* walk(index, prefix, limit), ids)
          assert.strictEqual((yield* index.stats).totalRecords, model.size)
          const { records } = yield* index.fetch({ ids: ["first", ...Id.literals] })
          assert.deepStrictEqual(
            [...records.values()].map(plain).sort((a, b) => (a.id < b.id ? -1 : 1)),
            [...model.values()].map(plain).sort((a, b) => (a.id < b.id ? -1 : 1))
          )
          const query = [1, 2, -1, 0, 3]
          const { matches } = yield* index.query({ vector: query, topK: 100 })
          const scores = new Map(
            [...model].map(([id, { values = [] }]) => [id, naiveScore("cosine", query, Array.from(values))])
          )
          assertNearest(matches, scores, 100, false)
        })
      ),
    { arbitrary: { runs: 500, size: 60 } }
  )

  it.effect("vectors over several slabs survive deletes", () =>
    withIndex({ dimension: 5_000, limits: { maxRequestBytes: 10_000_000 } }, (index) =>
      Effect.gen(function* () {
        const values = (n: number) => Float32Array.from({ length: 5_000 }, (_, i) => ((i * (n + 1)) % 101) - 50)
        const record = (n: number) => ({ id: `r${n}`, values: values(n) })
        yield* index.upsert({ records: Arr.map(Arr.range(0, 99), record) })
        const gone = Arr.range(0, 99).filter((n) => n % 3 === 0 || n > 80)
        yield* index.delete({ ids: ["r0", ...gone.map((n) => `r${n}`)] })
        yield* index.upsert({ records: [record(99)] })
        const kept = Arr.range(0, 99).filter((n) => n === 99 || !gone.includes(n))
        for (const n of kept) {
          const {
            matches: [match]
          } = yield* index.query({ vector: values(n), topK: 1, includeValues: true })
          assert.deepStrictEqual([match?.id, match?.score, match?.values], [`r${n}`, 1, values(n)])
        }
        assert.strictEqual((yield* index.stats).totalRecords, kept.length)
      })
    )
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { isRefused, ranking, reasonOf, withIndex } from "./support.ts"

describe("scores", () => {
  it.effect("cosine is the angle, whatever the lengths, highest first", () =>
    withIndex({ metric: "cosine" }, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [
            { id: "same", values: [3, 4] },
            { id: "longer", values: [30, 40] },
            { id: "across", values: [-4, 3] },
            { id: "opposite", values: [-3, -4] }
          ]
        })
        const { matches } = yield* index.query({ vector: [6, 8], topK: 10 })
        assert.deepStrictEqual(ranking(matches), [
          ["longer", 1],
          ["same", 1],
          ["across", 0],
          ["opposite", -1]
        ])
      })
    )
  )

  it.effect("dotproduct is the plain sum, highest first", () =>
    withIndex({ metric: "dotproduct" }, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [
            { id: "a", values: [1, 2, 3] },
            { id: "b", values: [10, 0, 0] }
          ]
        })
        const { matches } = yield* index.query({ vector: [1, 1, 2], topK: 2 })
        assert.deepStrictEqual(ranking(matches), [
          ["b", 10],
          ["a", 9]
        ])
      })
    )
  )

  it.effect("euclidean is the squared distance, lowest first", () =>
    withIndex({ metric: "euclidean" }, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [
            { id: "far", values: [3, 4] },
            { id: "here", values: [0, 0.5] },
            { id: "near", values: [1, 1] }
          ]
        })
        const { matches } = yield* index.query({ vector: [0, 0], topK: 2 })
        assert.deepStrictEqual(ranking(matches), [
          ["here", 0.25],
          ["near", 2]
        ])
      })
    )
  )

  it.effect("values and scores are float32", () =>
    withIndex({ metric: "dotproduct" }, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: [{ id: "a", values: [0.4] }] })
        const {
          matches: [match]
        } = yield* index.query({ vector: [0.1], topK: 1, includeValues: true })
        assert.strictEqual(match?.values?.[0], Math.fround(0.4))
        assert.strictEqual(match?.score, Math.fround(Math.fround(0.4) * Math.fround(0.1)))
      })
    )
  )

  it.effect("records of equal score come in the order of their ids, also past topK", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        const ids = ["m", "c", "x", "a", "t", "b"]
        yield* index.upsert({ records: [{ id: "z", values: [1, 0] }] })
        for (const id of ids) yield* index.upsert({ records: [{ id, values: [1, 0] }] })
        yield* index.delete({ ids: ["z"] })
        const { matches } = yield* index.query({ vector: [1, 0], topK: 3 })
        assert.deepStrictEqual(
          matches.map((match) => match.id),
          ["a", "b", "c"]
        )
      })
    )
  )

  it.effect("a query of zeros finds everything, in the order of ids", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [
            { id: "b", values: [1, 0] },
            { id: "a", values: [0, 1] }
          ]
        })
        const { matches } = yield* index.query({ vector: [0, 0], topK: 5 })
        assert.deepStrictEqual(ranking(matches), [
          ["a", 0],
          ["b", 0]
        ])
      })
    )
  )
})

describe("sparse and hybrid", () => {
  it.effect("a sparse index sums over shared positions and drops what scores zero", () =>
    withIndex({ vectorType: "sparse" }, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [
            { id: "both", sparseValues: { indices: [7, 2], values: [0.5, 2] } },
            { id: "one", sparseValues: { indices: [2], values: [1] } },
            { id: "none", sparseValues: { indices: [4_294_967_295], values: [9] } }
          ]
        })
        const { matches } = yield* index.query({ sparseVector: { indices: [2, 7], values: [1, 4] }, topK: 10 })
        assert.deepStrictEqual(ranking(matches), [
          ["both", 4],
          ["one", 1]
        ])
      })
    )
  )

  it.effect("hybrid adds the dense and the sparse sum", () =>
    withIndex({ metric: "dotproduct" }, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [
            { id: "dense", values: [2, 0] },
            { id: "both", values: [1, 0], sparseValues: { indices: [5], values: [3] } }
          ]
        })
        const hybrid = yield* index.query({
          vector: [1, 0],
          sparseVector: { indices: [5], values: [2] },
          topK: 2
        })
        assert.deepStrictEqual(ranking(hybrid.matches), [
          ["both", 7],
          ["dense", 2]
        ])
        const dense = yield* index.query({ vector: [1, 0], topK: 2 })
        assert.deepStrictEqual(ranking(dense.matches), [
          ["dense", 2],
          ["both", 1]
        ])
      })
    )
  )

  it.effect("a query by id searches with the record's dense and sparse vectors", () =>
    withIndex({ metric: "dotproduct" }, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [
            { id: "a", values: [1, 0], sparseValues: { indices: [1], values: [2] } },
            { id: "b", values: [3, 0], sparseValues: { indices: [1], values: [1] } }
          ]
        })
        const { matches } = yield* index.query({ id: "a", topK: 2 })
        assert.deepStrictEqual(ranking(matches), [
          ["a", 5],
          ["b", 5]
        ])
      })
    )
  )

  it.effect("sparse values are refused by cosine and euclidean indexes, in records, updates and queries", () =>
    Effect.forEach(["cosine", "euclidean"] as const, (metric) =>
      withIndex({ metric }, (index) =>
        Effect.gen(function* () {
          const sparse = { indices: [1], values: [1] }
          const text = "Index configuration does not support sparse values"
          yield* isRefused(index.upsert({ records: [{ id: "a", values: [1], sparseValues: sparse }] }), text)
          yield* isRefused(index.update({ id: "a", sparseValues: sparse }), text)
          yield* isRefused(index.query({ vector: [1], sparseVector: sparse, topK: 1 }), text)
        })
      )
    )
  )

  it.effect("a sparse index takes no dense vector and needs a sparse one", () =>
    withIndex({ vectorType: "sparse" }, (index) =>
      Effect.gen(function* () {
        const sparseValues = { indices: [1], values: [1] }
        yield* isRefused(index.upsert({ records: [{ id: "a", values: [1], sparseValues }] }), "dimension 1")
        yield* isRefused(index.upsert({ records: [{ id: "a" }] }), "has no sparse values")
        yield* isRefused(index.query({ vector: [1], topK: 1 }), "dimension 1")
      })
    )
  )

  it.effect("malformed sparse vectors are refused", () =>
    withIndex({ vectorType: "sparse" }, (index) =>
      Effect.gen(function* () {
        const write = (indices: ReadonlyArray<number>, values: ReadonlyArray<number>) =>
          index.upsert({ records: [{ id: "a", sparseValues: { indices, values } }] })
        yield* isRefused(write([1, 2], [1]), "2 indices and 1 values")
        yield* isRefused(write([], []), "Sparse vector size")
        yield* isRefused(write([1, 1], [1, 2]), "index 1 is repeated")
        yield* isRefused(write([-1], [1]), "unsigned 32 bit")
        yield* isRefused(write([4_294_967_296], [1]), "unsigned 32 bit")
        yield* isRefused(write([1], [NaN]), "finite")
        const many = Array.from({ length: 2_049 }, (_, i) => i)
        yield* isRefused(write(many, many), "Sparse vector size")
        yield* write(many.slice(1), many.slice(1))
      })
    )
  )
})

describe("what a query gives", () => {
  it.effect("values and metadata come only when asked for", () =>
    withIndex({ metric: "dotproduct" }, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [
            {
              id: "a",
              values: [1, 2],
              sparseValues: { indices: [9, 3], values: [1, 2] },
              metadata: { tags: ["x"] }
            }
          ]
        })
        const bare = yield* index.query({ vector: [1, 1], topK: 1 })
        assert.deepStrictEqual(bare.matches, [{ id: "a", score: 3 }])
        const full = yield* index.query({ vector: [1, 1], topK: 1, includeValues: true, includeMetadata: true })
        assert.deepStrictEqual(full.matches, [
          {
            id: "a",
            score: 3,
            values: Float32Array.of(1, 2),
            sparseValues: { indices: Uint32Array.of(3, 9), values: Float32Array.of(2, 1) },
            metadata: { tags: ["x"] }
          }
        ])
      })
    )
  )

  it.effect("topK larger than the data gives all of it", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [
            { id: "a", values: [1] },
            { id: "b", values: [2] }
          ]
        })
        assert.lengthOf((yield* index.query({ vector: [1], topK: 10_000 })).matches, 2)
      })
    )
  )

  it.effect("a query by id finds the record itself first, and nothing for an unknown id", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [
            { id: "a", values: [1, 0] },
            { id: "b", values: [1, 1] }
          ]
        })
        const { matches } = yield* index.query({ id: "b", topK: 2 })
        assert.deepStrictEqual(
          matches.map((match) => match.id),
          ["b", "a"]
        )
        assert.deepStrictEqual((yield* index.query({ id: "nobody", topK: 2 })).matches, [])
      })
    )
  )

  it.effect("a namespace that does not exist has no matches, records or ids", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: [{ id: "a", values: [1, 0] }] })
        const namespace = "nowhere"
        assert.deepStrictEqual((yield* index.query({ namespace, vector: [1, 0], topK: 1 })).matches, [])
        assert.strictEqual((yield* index.fetch({ namespace, ids: ["a"] })).records.size, 0)
        assert.deepStrictEqual(yield* index.list({ namespace }), {
          ids: [],
          next: undefined,
          readUnits: 1,
          indexedLsn: 1
        })
        assert.deepStrictEqual([...(yield* index.stats).namespaces.keys()], ["__default__"])
      })
    )
  )

  it.effect("an index nothing was written to has no matches", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* index.query({ vector: [1, 0], topK: 1 })).matches, [])
      })
    )
  )
})

describe("queries that are refused", () => {
  it.effect("topK must be a whole number from 1 to 10,000", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: [{ id: "a", values: [1] }] })
        for (const topK of [0, -1, 1.5, NaN, 10_001]) {
          yield* isRefused(
            index.query({ vector: [1], topK }),
            `topK must be a whole number from 1 to 10000, got ${topK}`
          )
        }
      })
    )
  )

  it.effect("a vector of another dimension, or none on a dense index", () =>
    withIndex({ dimension: 3 }, (index) =>
      Effect.gen(function* () {
        const text = (got: number) => `Vector dimension ${got} does not match the dimension of the index 3`
        yield* isRefused(index.query({ vector: [1, 2], topK: 1 }), text(2))
        yield* isRefused(index.query({ vector: [], topK: 1 }), text(0))
        yield* isRefused(index.query({ vector: [1, NaN, 2], topK: 1 }), "finite")
      })
    )
  )

  it.effect("a sparse vector alone on a dense index", () =>
    withIndex({ metric: "dotproduct", dimension: 3 }, (index) =>
      isRefused(
        index.query({ sparseVector: { indices: [1], values: [1] }, topK: 1 }),
        "Vector dimension 0 does not match the dimension of the index 3"
      )
    )
  )

  it.effect("an id together with a vector, and neither", () =>
    withIndex({ metric: "dotproduct" }, (index) =>
      Effect.gen(function* () {
        const sparseVector = { indices: [1], values: [1] }
        yield* isRefused(
          index.query({ id: "a", sparseVector, topK: 1 }),
          "Cannot provide both 'ID' and 'sparse_vector' at the same time"
        )
        yield* isRefused(index.query({ id: "a", vector: [1], topK: 1 }), "Cannot provide both 'ID' and 'vector'")
        yield* isRefused(index.query({ topK: 1 }), "needs a vector, a sparse vector or the id")
      })
    )
  )

  it.effect("matches over the size of a reply", () =>
    withIndex({ limits: { maxReplyBytes: 1_000 } }, (index) =>
      Effect.gen(function* () {
        const values = Float32Array.from({ length: 100 }, (_, i) => i + 1)
        yield* index.upsert({
          records: [
            { id: "a", values },
            { id: "b", values },
            { id: "c", values }
          ]
        })
        const query = { vector: values, topK: 3 }
        assert.lengthOf((yield* index.query(query)).matches, 3)
        const reason = yield* reasonOf(index.query({ ...query, includeValues: true }))
        assert.strictEqual(reason._tag, "RequestTooLarge")
        assert.include(reason.message, "the limit is: 1000 bytes")
      })
    )
  )
})

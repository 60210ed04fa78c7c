import { PineconeIndex } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { withIndex } from "./support.ts"

const writeOne = Effect.gen(function* () {
  const index = yield* PineconeIndex
  yield* index.upsert({ records: [{ id: "a", values: [1] }] })
  return (yield* index.stats).totalRecords
})

describe("PineconeMemory", () => {
  it.effect("layer is an empty dense cosine index", () =>
    Effect.gen(function* () {
      const index = yield* PineconeIndex
      assert.deepStrictEqual([index.name, index.namespace], ["memory", "__default__"])
      assert.deepStrictEqual(yield* index.stats, {
        dimension: undefined,
        metric: "cosine",
        totalRecords: 0,
        namespaces: new Map()
      })
    }).pipe(Effect.provide(PineconeMemory.layer))
  )

  it.effect("each build has a store of its own", () =>
    Effect.gen(function* () {
      const build = Effect.provide(writeOne, PineconeMemory.layer, { local: true })
      assert.deepStrictEqual([yield* build, yield* build], [1, 1])
    })
  )

  it.effect("calls that name no namespace use the layer's", () =>
    withIndex({ namespace: "mine", name: "books" }, (index) =>
      Effect.gen(function* () {
        assert.deepStrictEqual([index.name, index.namespace], ["books", "mine"])
        yield* index.upsert({ records: [{ id: "a", values: [1] }] })
        yield* index.upsert({ namespace: "", records: [{ id: "b", values: [1] }] })
        assert.deepStrictEqual(
          [...(yield* index.stats).namespaces],
          [
            ["mine", 1],
            ["__default__", 1]
          ]
        )
        assert.deepStrictEqual((yield* index.list({})).ids, ["a"])
        assert.strictEqual((yield* index.query({ vector: [1], topK: 5 })).matches.length, 1)
      })
    )
  )

  it.effect("errors name the operation and the namespace", () =>
    withIndex({ namespace: "mine", dimension: 1 }, (index) =>
      Effect.gen(function* () {
        const calls = {
          upsert: index.upsert({ records: [{ id: "", values: [1] }] }),
          query: index.query({ vector: [1], topK: 0 }),
          fetch: index.fetch({ namespace: "\u00e9", ids: ["a"] }),
          list: index.list({ limit: 0 }),
          update: index.update({ id: "a", values: [1, 2] }),
          delete: index.delete({ all: true }),
          namespaces: index.namespaces({ limit: 0 }),
          deleteNamespace: index.deleteNamespace("gone")
        }
        const namespaces = Object.entries(
          yield* Effect.all(
            Object.fromEntries(
              Object.entries(calls).map(([operation, call]) => [
                operation,
                Effect.map(Effect.flip(Effect.asVoid(call)), (error) => {
                  assert.strictEqual(error._tag, "PineconeError")
                  assert.strictEqual(error.operation, operation)
                  return error.namespace
                })
              ])
            )
          )
        )
        assert.deepStrictEqual(namespaces, [
          ["upsert", "mine"],
          ["query", "mine"],
          ["fetch", "\u00e9"],
          ["list", "mine"],
          ["update", "mine"],
          ["delete", "mine"],
          ["namespaces", undefined],
          ["deleteNamespace", "gone"]
        ])
      })
    )
  )

  it.effect("a change of the caller's objects after a write changes nothing stored", () =>
    withIndex({ metric: "dotproduct" }, (index) =>
      Effect.gen(function* () {
        const values = Float32Array.of(1, 2)
        const indices = [3]
        const tags = ["x"]
        const metadata: Record<string, string | Array<string>> = { tags, title: "old" }
        yield* index.upsert({ records: [{ id: "a", values, sparseValues: { indices, values: [1] }, metadata }] })
        values[0] = 9
        indices[0] = 9
        tags.push("y")
        metadata["title"] = "new"
        const { records } = yield* index.fetch({ ids: ["a"] })
        assert.deepStrictEqual(records.get("a"), {
          id: "a",
          values: Float32Array.of(1, 2),
          sparseValues: { indices: Uint32Array.of(3), values: Float32Array.of(1) },
          metadata: { tags: ["x"], title: "old" }
        })
      })
    )
  )

  it.effect("a change of a reply changes nothing stored", () =>
    withIndex({ metric: "dotproduct" }, (index) =>
      Effect.gen(function* () {
        const sparseValues = { indices: [3], values: [1] }
        yield* index.upsert({ records: [{ id: "a", values: [1, 2], sparseValues, metadata: { tags: ["x"] } }] })
        const read = Effect.map(index.fetch({ ids: ["a"] }), ({ records }) => records.get("a"))
        const query = Effect.map(
          index.query({ id: "a", topK: 1, includeValues: true, includeMetadata: true }),
          ({ matches }) => matches[0]
        )
        const before = structuredClone([yield* read, yield* query])
        for (const reply of [yield* read, yield* query]) {
          assert.isDefined(reply)
          for (const vector of [reply?.values, reply?.sparseValues?.values, reply?.sparseValues?.indices]) {
            assert.isTrue(ArrayBuffer.isView(vector))
            if (ArrayBuffer.isView(vector)) new Uint8Array(vector.buffer).fill(0)
          }
          const tags = reply?.metadata?.["tags"]
          if (Array.isArray(tags)) tags.push("y")
        }
        assert.deepStrictEqual([yield* read, yield* query], before)
      })
    )
  )

  it.effect("limits are settings", () =>
    withIndex({ limits: { maxRecords: 1, maxTopK: 5, maxRequestBytes: 100 } }, (index) =>
      Effect.gen(function* () {
        assert.deepInclude(index.limits, { maxRecords: 1, maxBytes: 100 })
        const upsert = yield* Effect.flip(
          index.upsert({
            records: [
              { id: "a", values: [1] },
              { id: "b", values: [1] }
            ]
          })
        )
        assert.include(upsert.message, "from 1 to 1, got 2")
        const query = yield* Effect.flip(index.query({ vector: [1], topK: 6 }))
        assert.include(query.message, "from 1 to 5, got 6")
        const large = yield* Effect.flip(index.upsert({ records: [{ id: "a", values: Array(50).fill(1) }] }))
        assert.include(large.message, "larger than the maximum supported size - 100 bytes")
      })
    )
  )

  it.effect("a dimension that no index can have is a defect", () =>
    Effect.forEach([0, 1.5, 20_001], (dimension) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Effect.provide(writeOne, PineconeMemory.layerWith({ dimension })))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      })
    )
  )
})

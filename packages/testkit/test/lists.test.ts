import type { Service } from "@effect-connectors/pinecone/PineconeIndex"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { isRefused, withIndex } from "./support.ts"

const write = (index: Service, ids: ReadonlyArray<string>, namespace?: string) =>
  Effect.forEach(ids, (id) => index.upsert({ namespace, records: [{ id, values: [1] }] }), { discard: true })

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `doc#${n}`)

describe("list", () => {
  it.effect("ids come in bytewise order", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* write(index, ["b", "a10", "a2", "B", "_", "a", "~", " "])
        assert.deepStrictEqual((yield* index.list({})).ids, [" ", "B", "_", "a", "a10", "a2", "b", "~"])
      })
    )
  )

  it.effect("a page holds 100 ids by default, the last has no token, a walk sees every id once", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* write(index, numbered(250))
        const first = yield* index.list({})
        const second = yield* index.list({ paginationToken: first.next })
        const third = yield* index.list({ paginationToken: second.next })
        assert.deepStrictEqual(
          [first, second, third].map((page) => page.ids.length),
          [100, 100, 50]
        )
        assert.isUndefined(third.next)
        assert.deepStrictEqual([...first.ids, ...second.ids, ...third.ids], numbered(250).sort())
      })
    )
  )

  it.effect("no token when the last page is just full", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* write(index, ["a", "b"])
        assert.isUndefined((yield* index.list({ limit: 2 })).next)
        assert.isDefined((yield* index.list({ limit: 1 })).next)
      })
    )
  )

  it.effect("only ids with the prefix; the token keeps it", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* write(index, ["a#1", "a#2", "a#3", "a", "b#1"])
        const first = yield* index.list({ prefix: "a#", limit: 2 })
        assert.deepStrictEqual(first.ids, ["a#1", "a#2"])
        const second = yield* index.list({ paginationToken: first.next })
        assert.deepStrictEqual(second, { ids: ["a#3"], next: undefined, readUnits: 1, indexedLsn: 5 })
        assert.deepStrictEqual((yield* index.list({ prefix: "c" })).ids, [])
      })
    )
  )

  it.effect("a token of one prefix is refused with another", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* write(index, ["a1", "a2", "b1", "b2"])
        const all = yield* index.list({ limit: 1 })
        const some = yield* index.list({ limit: 1, prefix: "a" })
        for (const [{ next }, prefix] of [
          [all, "a"],
          [some, "b"],
          [some, ""]
        ] as const) {
          yield* isRefused(index.list({ prefix, paginationToken: next }), "Invalid pagination token")
        }
        assert.deepStrictEqual((yield* index.list({ prefix: "", paginationToken: all.next })).ids, ["a2", "b1", "b2"])
        assert.deepStrictEqual((yield* index.list({ prefix: "a", paginationToken: some.next })).ids, ["a2"])
      })
    )
  )

  it.effect("the token is base64 of the last id and the prefix", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* write(index, ["a1", "a2"])
        const { next } = yield* index.list({ prefix: "a", limit: 1 })
        assert.strictEqual(next, btoa(`{"skip_past":"a1","prefix":"a"}`))
        assert.deepStrictEqual((yield* index.list({ paginationToken: btoa(`{"skip_past":"a1"}`) })).ids, ["a2"])
      })
    )
  )

  it.effect("a walk is not disturbed by deletes and additions on the way", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* write(index, ["a", "b", "c", "d", "e"])
        const first = yield* index.list({ limit: 2 })
        yield* index.delete({ ids: ["b", "c"] })
        yield* write(index, ["a0", "d0"])
        const second = yield* index.list({ limit: 2, paginationToken: first.next })
        const third = yield* index.list({ limit: 2, paginationToken: second.next })
        assert.deepStrictEqual(
          [second.ids, third],
          [["d", "d0"], { ids: ["e"], next: undefined, readUnits: 1, indexedLsn: 8 }]
        )
        yield* index.delete({ all: true })
        assert.deepStrictEqual((yield* index.list({})).ids, [])
      })
    )
  )

  it.effect("a limit outside 1 to 100 and a token of another kind are refused", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* isRefused(index.list({ limit: 0 }), "limit must be a whole number from 1 to 100, got 0")
        yield* isRefused(index.list({ limit: 101 }), "got 101")
        yield* isRefused(index.list({ paginationToken: "%%%" }), "Invalid pagination token")
        yield* isRefused(index.list({ paginationToken: btoa(`{"after":"a"}`) }), "Invalid pagination token")
      })
    )
  )
})

describe("namespaces", () => {
  it.effect("no namespace, the empty name and __default__ are one", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: [{ id: "a", values: [1] }] })
        yield* index.upsert({ namespace: "", records: [{ id: "b", values: [1] }] })
        yield* index.upsert({ namespace: "__default__", records: [{ id: "c", values: [1] }] })
        assert.deepStrictEqual([...(yield* index.stats).namespaces], [["__default__", 3]])
        yield* index.deleteNamespace("")
        assert.strictEqual((yield* index.stats).namespaces.size, 0)
      })
    )
  )

  it.effect("each keeps its own records; stats count them", () =>
    withIndex({ metric: "euclidean" }, (index) =>
      Effect.gen(function* () {
        yield* write(index, ["a", "b"], "one")
        yield* write(index, ["a"], "two")
        yield* index.delete({ namespace: "one", ids: ["a"] })
        assert.isTrue((yield* index.fetch({ namespace: "two", ids: ["a"] })).records.has("a"))
        assert.deepStrictEqual(yield* index.stats, {
          dimension: 1,
          metric: "euclidean",
          totalRecords: 2,
          namespaces: new Map([
            ["one", 1],
            ["two", 1]
          ])
        })
      })
    )
  )

  it.effect("are listed in order, by prefix and by page", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        for (const name of ["t2", "t1", "other", "t3"]) yield* write(index, ["a"], name)
        const first = yield* index.namespaces({ prefix: "t", limit: 2 })
        assert.deepStrictEqual(first.namespaces, [
          { name: "t1", records: 1 },
          { name: "t2", records: 1 }
        ])
        const second = yield* index.namespaces({ prefix: "t", limit: 2, paginationToken: first.next })
        assert.deepStrictEqual(second, { namespaces: [{ name: "t3", records: 1 }], next: undefined })
        yield* isRefused(index.namespaces({ limit: 101 }), "limit")
      })
    )
  )

  it.effect("a name must be ASCII, without NUL and at most 512 characters", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* isRefused(write(index, ["a"], "caf\u00e9"), "Namespace must be ASCII without NUL")
        yield* isRefused(write(index, ["a"], "a\0"), "Namespace must be ASCII without NUL")
        yield* isRefused(write(index, ["a"], "n".repeat(513)), "Namespace length")
        yield* write(index, ["a"], "n".repeat(512))
      })
    )
  )
})

describe("fetch", () => {
  it.effect("missing ids are absent, repeated ones collapse", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* write(index, ["a", "b"])
        const { records } = yield* index.fetch({ ids: ["b", "nobody", "a", "b"] })
        assert.deepStrictEqual([...records.keys()], ["b", "a"])
      })
    )
  )
})

/** Scanning: every record once, whole, however the index is cut up. */
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { changed, ids, many, plain, type Settings, store, type Test } from "./bench.ts"
import { holds } from "./ground.ts"

const collect = (options: PineconeSource.ScanOptions) => Stream.runCollect(PineconeSource.scan(options))

const byId = <A extends { readonly id: string }>(records: ReadonlyArray<A>): ReadonlyArray<A> =>
  records.toSorted((a, b) => (a.id < b.id ? -1 : 1))

export const scan = (test: Test, settings: Settings): void => {
  test("gives each of 1,050 records once and whole, and finds their count right", (bench) =>
    Effect.gen(function* () {
      const records = many(bench, 1050)
      yield* store(bench, records)
      const found = yield* collect({ namespaces: [bench.namespace] })
      assert.deepStrictEqual(byId(found).map(plain), records.map(plain))
      assert.deepStrictEqual(new Set(found.map(({ namespace }) => namespace)), new Set([bench.namespace]))
    }))

  test("by prefixes side by side gives what starts with them, once", (bench) =>
    Effect.gen(function* () {
      const [a, b, c] = [many(bench, 130, "a"), many(bench, 120, "b"), many(bench, 5, "c")]
      yield* store(bench, [...a, ...b, ...c])
      let now = 0
      let most = 0
      const found = yield* collect({ namespaces: [bench.namespace], prefixes: ["a", "b"], verify: false }).pipe(
        changed(bench.index, {
          list: (request) =>
            Effect.acquireUseRelease(
              Effect.sync(() => (most = Math.max(most, ++now))),
              // Another fiber has its turn, also where the store answers at once.
              () => Effect.andThen(Effect.yieldNow, bench.index.list(request)),
              () => Effect.sync(() => now--)
            )
        })
      )
      assert.deepStrictEqual(byId(found).map(plain), [...a, ...b].map(plain))
      assert.strictEqual(most, 2, "prefixes read at the same time")
    }))

  test("of several namespaces", (bench) =>
    Effect.gen(function* () {
      const other = bench.another("other")
      yield* store(bench, many(bench, 3))
      yield* store(bench, many(bench, 150), other)
      const found = yield* collect({ namespaces: [other, bench.namespace] })
      const from = (namespace: string) => ids(byId(found.filter((record) => record.namespace === namespace)))
      assert.lengthOf(found, 153)
      assert.deepStrictEqual(from(bench.namespace), ids(many(bench, 3)))
      assert.deepStrictEqual(from(other), ids(many(bench, 150)))
    }))

  if (!settings.live) {
    test("of all namespaces", (bench) =>
      Effect.gen(function* () {
        const other = bench.another("other")
        yield* store(bench, many(bench, 3))
        yield* store(bench, many(bench, 2), other)
        const found = yield* collect({ namespaces: "all" })
        const ours = found.filter(({ namespace }) => namespace.startsWith(bench.namespace))
        assert.deepStrictEqual(
          ours.map(({ id, namespace }) => `${namespace}/${id}`).sort(),
          [
            ...ids(many(bench, 3)).map((id) => `${bench.namespace}/${id}`),
            ...ids(many(bench, 2)).map((id) => `${other}/${id}`)
          ].sort()
        )
      }))
  }

  test("notices that a record was left out, unless told not to look", (bench) =>
    Effect.gen(function* () {
      yield* store(bench, many(bench, 120))
      const options = { namespaces: [bench.namespace] }
      yield* Effect.gen(function* () {
        const error = yield* Effect.flip(collect(options))
        assert.deepInclude(error.reason, { _tag: "IncompleteScan", seen: 119, expected: 120 })
        assert.lengthOf(yield* collect({ ...options, verify: false }), 119)
      }).pipe(
        changed(bench.index, {
          list: (request) =>
            Effect.map(bench.index.list(request), (reply) => ({
              ...reply,
              ids: reply.ids.filter((id) => id !== "id-0007")
            }))
        })
      )
    }))

  test("ids are listed page after page in bytewise order, all or those with a prefix", (bench) =>
    Effect.gen(function* () {
      const { index, namespace } = bench
      const names = ["b#1", "B", "a", "a#10", "a#2", "_", "~", "A#1", "10", "9"]
      yield* store(
        bench,
        names.map((id) => ({ id, values: many(bench, 1)[0]?.values }))
      )
      const listed = (prefix?: string) => Stream.runCollect(PineconeSource.list({ namespace, prefix }))
      assert.deepStrictEqual(yield* listed(), names.toSorted())
      assert.deepStrictEqual(yield* listed("a#"), ["a#10", "a#2"])
      assert.deepStrictEqual(yield* listed("nothing"), [])

      const pages: Array<ReadonlyArray<string>> = []
      let paginationToken: string | undefined
      do {
        const page = yield* index.list({ namespace, limit: 4, paginationToken })
        pages.push(page.ids)
        paginationToken = page.next
      } while (paginationToken !== undefined)
      assert.deepStrictEqual(
        pages.map((page) => page.length),
        [4, 4, 2]
      )
      assert.deepStrictEqual(pages.flat(), names.toSorted())
    }))

  test("namespaces are listed with their counts, and a removed one is gone", (bench) =>
    Effect.gen(function* () {
      const [one, two] = [bench.another("one"), bench.another("two")]
      yield* store(bench, many(bench, 3), one)
      yield* store(bench, many(bench, 2), two)
      const listed = Stream.runCollect(PineconeSource.namespaces({ prefix: bench.namespace }))
      const becomes = (expected: ReadonlyArray<{ readonly name: string; readonly records: number }>) =>
        bench.soon(Effect.map(listed, (found) => assert.deepStrictEqual(found, [...expected])))
      yield* becomes([
        { name: one, records: 3 },
        { name: two, records: 2 }
      ])
      yield* bench.index.deleteNamespace(one)
      yield* becomes([{ name: two, records: 2 }])
      yield* holds(bench, 0, one)
      const error = yield* Effect.flip(bench.index.deleteNamespace(one))
      assert.deepInclude(error.reason, { _tag: "NotFound", resource: "namespace" })
    }))
}

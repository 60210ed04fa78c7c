/** Reads by id: rows in order, all pages, and nothing left out. */
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { articles, becomes, many, plain, type Settings, some, store, type Test } from "./bench.ts"
import { allWritten } from "../conformance/outcomes.ts"

export const read = (test: Test, settings: Settings): void => {
  test("a row for each id, in order, none for one that is not there", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      yield* store(bench, [...some, ...many(20)])
      const ids = ["c", "nobody", "a", "c", ...many(20).map(({ _id }) => _id)]
      const rows = yield* Stream.fromIterable(ids).pipe(
        PineconeDocuments.fetch(articles, { namespace, maxBatch: 5 }),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        rows.map(([id]) => id),
        ids
      )
      for (const [id, document] of rows) {
        assert.strictEqual(Option.isSome(document), id !== "nobody")
        if (Option.isSome(document)) assert.strictEqual(document.value._id, id)
      }
      assert.deepStrictEqual(plain(Option.getOrThrow(rows[2]![1])), plain(some[0]!))
    }))

  test("a fetch by filter gives all pages", (bench) =>
    Effect.gen(function* () {
      const { index, namespace } = bench
      yield* store(bench, many(25))
      const filter = articles.filter.lt("year", 21)
      const ids: Array<string> = []
      let paginationToken: string | undefined
      do {
        const page = yield* index.fetch({ namespace, filter, limit: 10, paginationToken, includeFields: ["year"] })
        for (const [id, document] of page.documents) {
          assert.deepStrictEqual(Object.keys(document).toSorted(), ["_id", "year"])
          ids.push(id)
        }
        paginationToken = page.next
      } while (paginationToken !== undefined)
      assert.deepStrictEqual(
        ids.toSorted(),
        many(21).map(({ _id }) => _id)
      )
    }))

  test("a list gives the ids of a prefix in order", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      yield* store(bench, [...many(15, "x"), ...many(3, "y")])
      const ids = yield* Stream.runCollect(PineconeDocuments.list({ namespace, prefix: "x-" }))
      assert.deepStrictEqual(
        ids,
        many(15, "x").map(({ _id }) => _id)
      )
    }))

  test("a scan gives every document once", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      const documents = [...some, ...many(40)]
      yield* store(bench, documents)
      const found = yield* bench.soon(
        Stream.runCollect(PineconeDocuments.scan(articles, { namespaces: [namespace], fetchBatch: 7 }))
      )
      const byId = (a: { readonly _id: string }, b: { readonly _id: string }) => (a._id < b._id ? -1 : 1)
      assert.deepStrictEqual(
        found.map(({ document }) => plain(document)).toSorted(byId),
        documents.map(plain).toSorted(byId)
      )
    }))

  test("what is written can be awaited", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      yield* allWritten(some, PineconeDocuments.upsertOutcomes(articles, { namespace }))
      yield* PineconeDocuments.awaitReadable({ namespace })
      for (const document of some) yield* becomes({ ...bench, soon: (check) => check }, document)
    }))

  if (settings.live) return

  test("namespaces are listed, counted and removed", (bench) =>
    Effect.gen(function* () {
      const { index, namespace, soon } = bench
      yield* store(bench)
      const { namespaces } = yield* index.namespaces({ prefix: namespace })
      assert.deepStrictEqual(
        namespaces.map(({ name }) => name),
        [namespace]
      )
      yield* index.deleteNamespace(namespace)
      yield* soon(Effect.map(index.stats, (stats) => assert.isFalse(stats.namespaces.has(namespace))))
    }))
}

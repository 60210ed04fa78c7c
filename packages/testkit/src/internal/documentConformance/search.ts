/** Searches: what is found by words, by vectors and by filters, and in which order. */
import type * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { articles, type Bench, plain, some, store, type Test } from "./bench.ts"

type Fields = NonNullable<typeof articles.fields>
type ScoreBy = DocumentIndex.ScoreBy<Fields>
type Filter = DocumentIndex.Filter<Fields>

const matchesOf = ({ namespace }: Bench, scoreBy: ScoreBy, filter?: Filter, topK = 10) =>
  Stream.make(0).pipe(
    PineconeDocuments.search(articles, { namespace, scoreBy: () => scoreBy, topK, filter }),
    Stream.runHead,
    Effect.map((row) => Option.getOrThrow(row)[1])
  )

/** Checks what a search finds, in its order. */
const finds = (bench: Bench, ids: ReadonlyArray<string>, scoreBy: ScoreBy, filter?: Filter, topK?: number) =>
  bench.soon(
    Effect.map(matchesOf(bench, scoreBy, filter, topK), (matches) =>
      assert.deepStrictEqual(
        matches.map(({ _id }) => _id),
        ids
      )
    )
  )

/** Checks what a search finds, whatever its order. */
const findsAll = (bench: Bench, ids: ReadonlyArray<string>, scoreBy: ScoreBy, filter?: Filter) =>
  bench.soon(
    Effect.map(matchesOf(bench, scoreBy, filter), (matches) =>
      assert.sameMembers(
        matches.map(({ _id }) => _id),
        [...ids]
      )
    )
  )

export const search = (test: Test): void => {
  const { filter, score } = articles

  test("a dense vector finds the nearest documents first, and only those with a vector", (bench) =>
    Effect.gen(function* () {
      yield* store(bench)
      yield* finds(bench, ["a", "b", "d"], score.dense("dense", [1, 0.1]))
      yield* finds(bench, ["d"], score.dense("dense", [0, -2]), undefined, 1)
    }))

  test("a sparse vector finds the documents that share a position", (bench) =>
    Effect.gen(function* () {
      yield* store(bench)
      yield* finds(bench, ["a", "c"], score.sparse("sparse", { indices: [7], values: [1] }))
      yield* finds(bench, ["a"], score.sparse("sparse", { indices: [1], values: [1] }))
    }))

  test("words find the documents that have one of them", (bench) =>
    Effect.gen(function* () {
      yield* store(bench)
      yield* findsAll(bench, ["a", "b"], score.text("title", "SHOES"))
      yield* findsAll(bench, ["a", "b", "d"], score.text("title", "red shoes"))
      yield* finds(bench, ["a"], score.text("title", "red shoes"), undefined, 1)
      yield* findsAll(bench, ["a", "c"], score.text(["title", "body"], "rain"))
      yield* finds(bench, [], score.text("title", "nothing"))
    }))

  test("a query string finds what it says, and goes together with words", (bench) =>
    Effect.gen(function* () {
      yield* store(bench)
      yield* finds(bench, ["a"], score.queryString("title:(shoes) AND body:(rain)"))
      yield* findsAll(bench, ["b", "c"], [score.text("title", "umbrella"), score.queryString("body:(dry)")])
    }))

  test("filters by metadata and by text, in every search", (bench) =>
    Effect.gen(function* () {
      yield* store(bench)
      const words = score.text("title", "shoes umbrella red")
      yield* findsAll(bench, ["a", "d"], words, filter.gte("year", 2021))
      yield* findsAll(bench, ["a"], words, filter.in("tags", ["sport"]))
      yield* findsAll(bench, ["b"], words, filter.matchPhrase("body", "dry ground"))
      yield* findsAll(bench, ["a"], words, filter.matchAll("body", "rain running"))
      yield* findsAll(bench, ["a", "c"], words, filter.matchAny("body", "rain snow"))
      yield* finds(bench, ["b"], score.dense("dense", [1, 0]), filter.eq("year", 2020))
      const sparse = score.sparse("sparse", { indices: [7], values: [1] })
      yield* finds(bench, ["c"], sparse, filter.not(filter.exists("year")))
    }))

  test("a match has its score and the fields that are asked for", (bench) =>
    Effect.gen(function* () {
      const { index, namespace } = bench
      yield* store(bench)
      const request = { namespace, scoreBy: [score.dense("dense", [1, 0])], topK: 1 }
      const [first] = yield* bench.soon(
        Effect.tap(
          Effect.map(index.search(request), ({ matches }) => matches),
          (matches) => Effect.sync(() => assert.strictEqual(matches.length, 1))
        )
      )
      assert.deepStrictEqual(Object.keys(first ?? {}).toSorted(), ["_id", "_score"])
      assert.approximately(first?._score ?? 0, 1, 0.001)
      const rows = yield* Stream.make(0).pipe(
        PineconeDocuments.search(articles, {
          ...request,
          scoreBy: () => score.dense("dense", [1, 0]),
          fields: ["title", "dense", "year"]
        }),
        Stream.runHead
      )
      const [match] = Option.getOrThrow(rows)[1]
      assert(match !== undefined)
      const { _score, ...found } = match
      const { body: _, sparse: __, tags: ___, ...chosen } = some[0]!
      assert.deepStrictEqual(plain(found), plain(chosen))
    }))
}

/** Looking up: each element gets its own answer, in order, whatever becomes of the others. */
import type { FetchRequest, Match } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { at, type Bench, changed, ids, many, plain, type Settings, store, type Test } from "./bench.ts"

/** Runs a lookup step over elements. */
export const rows = <A, B, E, R>(
  elements: ReadonlyArray<A>,
  step: (self: Stream.Stream<A>) => Stream.Stream<B, E, R>
): Effect.Effect<ReadonlyArray<B>, E, R> => Stream.runCollect(step(Stream.fromIterable(elements)))

/** Runs an effect and keeps the fetches it makes. */
const noting = ({ index }: Bench, calls: Array<FetchRequest>) =>
  changed(index, { fetch: (request) => Effect.suspend(() => (calls.push(request), index.fetch(request))) })

/** Of the vector that is `length` times the first axis, asked for by the first axis itself. */
const scoreOf = (metric: Settings["metric"], length: number): number =>
  metric === "cosine" ? 1 : metric === "dotproduct" ? length : (length - 1) ** 2

const isNear = (score: number | undefined, expected: number) => assert.approximately(score ?? NaN, expected, 1e-4)

export const lookup = (test: Test, settings: Settings): void => {
  const vector = (degrees: number) => at(settings, degrees)

  test("a query pairs each element with its neighbours, nearest first, in the order of the elements", (bench) =>
    Effect.gen(function* () {
      yield* store(bench, many(bench, 9))
      const questions = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? 1 : 81))
      const answers = yield* rows(questions, PineconeSource.query({ vector, topK: 3, namespace: bench.namespace }))
      assert.deepStrictEqual(
        answers.map(([degrees, matches]) => [degrees, ...ids(matches)]),
        questions.map((degrees) =>
          degrees === 1 ? [1, "id-0000", "id-0001", "id-0002"] : [81, "id-0008", "id-0007", "id-0006"]
        )
      )
    }))

  test(`scores are those of ${settings.metric}`, (bench) =>
    Effect.gen(function* () {
      const values = (length: number, degrees: number) => at(bench, degrees).map((x) => x * length)
      yield* store(bench, [
        { id: "same", values: values(1, 0) },
        { id: "long", values: values(3, 0) },
        { id: "right angle", values: values(1, 90) }
      ])
      const { matches } = yield* bench.index.query({ namespace: bench.namespace, vector: at(bench, 0), topK: 10 })
      const scores = new Map(matches.map(({ id, score }) => [id, score]))
      isNear(scores.get("same"), scoreOf(bench.metric, 1))
      isNear(scores.get("long"), scoreOf(bench.metric, 3))
      isNear(scores.get("right angle"), bench.metric === "euclidean" ? 2 : 0)
      const ranked = matches.map(({ score }) => score)
      const ascending = ranked.toSorted((a, b) => a - b)
      assert.deepStrictEqual(ranked, bench.metric === "euclidean" ? ascending : ascending.reverse())
    }))

  test("a query by the id of a stored record; nothing for one that is not there", (bench) =>
    Effect.gen(function* () {
      yield* store(bench, many(bench, 9))
      const answers = yield* rows(
        ["id-0008", "nothing"],
        PineconeSource.query({ id: (id: string) => id, topK: 2, namespace: bench.namespace })
      )
      assert.deepStrictEqual(
        answers.map(([, matches]) => ids(matches)),
        [["id-0008", "id-0007"], []]
      )
    }))

  test("a query gives no more than there is, and nothing from a namespace that does not exist", (bench) =>
    Effect.gen(function* () {
      yield* store(bench, many(bench, 4))
      const nowhere = bench.another("nowhere")
      const answers = yield* rows(
        [bench.namespace, nowhere],
        PineconeSource.query({ vector: () => at(bench, 0), topK: 100, namespace: (namespace) => namespace })
      )
      assert.deepStrictEqual(
        answers.map(([, matches]) => matches.length),
        [4, 0]
      )
    }))

  test("a query gives values and metadata when asked, and neither when not", (bench) =>
    Effect.gen(function* () {
      const record: VectorRecord = { id: "a", values: at(bench, 30), metadata: { title: "A", tags: ["x", "y"] } }
      yield* store(bench, [record, { id: "bare", values: at(bench, 80) }])
      const first = (options: { readonly includeValues: boolean; readonly includeMetadata: boolean }) =>
        Effect.map(
          rows([30], PineconeSource.query({ vector, topK: 1, namespace: bench.namespace, ...options })),
          ([row]): Match => row?.[1][0] ?? assert.fail("no match")
        )
      assert.deepStrictEqual(plain(yield* first({ includeValues: true, includeMetadata: true })), plain(record))
      const bare = yield* first({ includeValues: false, includeMetadata: false })
      assert.strictEqual(bare.id, "a")
      assert.isUndefined(bare.values)
      assert.isUndefined(bare.metadata)
    }))

  test("a query that is refused is a failed row in its place, and the others are answered", (bench) =>
    Effect.gen(function* () {
      yield* store(bench, many(bench, 9))
      const good = at(bench, 0)
      const elements = [good, new Float32Array(bench.dimension + 1).fill(1), good, good.map(() => NaN), good]
      const results = yield* rows(
        elements,
        PineconeSource.queryResults({ vector: (element) => element, topK: 1, namespace: bench.namespace })
      )
      assert.deepStrictEqual(
        results.map(([element]) => element),
        elements
      )
      const answers = results.map(([, result]) =>
        Result.isSuccess(result) ? ids(result.success) : result.failure.reason._tag
      )
      // Refused here when the layer knows the dimension, by the store when it does not.
      const wrong = bench.index.dimension === undefined ? "RequestRefused" : "InvalidRecord"
      assert.deepStrictEqual(answers, [["id-0000"], wrong, ["id-0000"], "InvalidRecord", ["id-0000"]])
    }))

  test("a fetch pairs each id with its record, and with none what is not stored", (bench) =>
    Effect.gen(function* () {
      const records = many(bench, 5)
      yield* store(bench, records)
      const asked = ["id-0003", "nothing", "id-0001"]
      const answers = yield* rows(asked, PineconeSource.fetch({ namespace: bench.namespace }))
      assert.deepStrictEqual(
        answers.map(([id, record]) => [id, Option.getOrUndefined(Option.map(record, plain))]),
        asked.map((id) => [id, records.filter((record) => record.id === id).map(plain)[0]])
      )
    }))

  test("a fetch asks for many at once, and for duplicates once", (bench) =>
    Effect.gen(function* () {
      const all = ids(many(bench, 250))
      yield* store(bench, many(bench, 250))
      const calls: Array<FetchRequest> = []
      const asked = [...all, "id-0249", "id-0249", "nothing"]
      const answers = yield* rows(asked, PineconeSource.fetch({ namespace: bench.namespace, maxBatch: 100 })).pipe(
        noting(bench, calls)
      )
      assert.deepStrictEqual(
        answers.map(([id, record]) => [id, Option.getOrUndefined(record)?.id]),
        asked.map((id) => [id, id === "nothing" ? undefined : id])
      )
      assert.deepStrictEqual(
        calls.map((call) => call.ids.length),
        [100, 100, 51]
      )
    }))

  test("a fetch of 1,000 ids of 60 characters is one call", (bench) =>
    Effect.gen(function* () {
      const asked = Array.from({ length: 1000 }, (_, n) => `${n}`.padEnd(60, "?&#/+%="))
      yield* store(bench, many(bench, 1))
      const calls: Array<FetchRequest> = []
      const answers = yield* rows(
        [...asked.slice(1), "id-0000"],
        PineconeSource.fetch({ namespace: bench.namespace, maxBatch: 1000, linger: "1 second" })
      ).pipe(noting(bench, calls))
      assert.lengthOf(calls, 1)
      assert.deepStrictEqual(
        answers.flatMap(([id, record]) => (Option.isSome(record) ? [id] : [])),
        ["id-0000"]
      )
    }))

  test("a fetch from several namespaces, some of which do not exist", (bench) =>
    Effect.gen(function* () {
      const other = bench.another("other")
      yield* store(bench, [{ id: "a", values: at(bench, 1) }])
      yield* store(bench, [{ id: "b", values: at(bench, 2) }], other)
      const elements = [
        { id: "a", namespace: bench.namespace },
        { id: "b", namespace: other },
        { id: "a", namespace: other },
        { id: "a", namespace: bench.another("nowhere") }
      ]
      const answers = yield* rows(
        elements,
        PineconeSource.fetch({
          id: (element: (typeof elements)[number]) => element.id,
          namespace: (element) => element.namespace
        })
      )
      assert.deepStrictEqual(
        answers.map(([element, record]) => [element, Option.isSome(record)]),
        elements.map((element, n) => [element, n < 2])
      )
    }))

  test("what is no id is a failed row in its place", (bench) =>
    Effect.gen(function* () {
      yield* store(bench, many(bench, 2))
      const results = yield* rows(
        ["id-0000", "", "x".repeat(513), "id-0001"],
        PineconeSource.fetchResults({ namespace: bench.namespace })
      )
      assert.deepStrictEqual(
        results.map(([, result]) => (Result.isSuccess(result) ? "found" : result.failure.reason._tag)),
        ["found", "InvalidRecord", "InvalidRecord", "found"]
      )
    }))

  if (settings.metric === "dotproduct") {
    test("a hybrid score is the sum of both parts", (bench) =>
      Effect.gen(function* () {
        const sparse = (...indices: ReadonlyArray<number>) => ({ indices, values: indices.map(() => 0.5) })
        yield* store(bench, [
          { id: "dense", values: at(bench, 0), sparseValues: sparse(1) },
          { id: "both", values: at(bench, 60), sparseValues: sparse(4_294_967_295, 7) }
        ])
        const { matches } = yield* bench.index.query({
          namespace: bench.namespace,
          vector: at(bench, 0),
          sparseVector: { indices: [7, 8, 4_294_967_295], values: [2, 9, 4] },
          topK: 2,
          includeValues: true
        })
        assert.deepStrictEqual(ids(matches), ["both", "dense"])
        isNear(matches[0]?.score, 0.5 + 3)
        isNear(matches[1]?.score, 1)
        const found = matches[0]?.sparseValues
        const pairs = Array.from(found?.indices ?? [], (index, n) => [index, found?.values[n]])
        assert.sameDeepMembers(pairs, [
          [7, 0.5],
          [4_294_967_295, 0.5]
        ])
      }))
  }
}

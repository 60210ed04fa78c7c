/** Schemas: metadata typed on the way in and out, and a typed reason for whatever can not be stored. */
import * as Outcome from "@effect-connectors/core/Outcome"
import type { Reason } from "@effect-connectors/core/ConnectorError"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import * as TypedIndex from "@effect-connectors/pinecone/TypedIndex"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { at, becomes, type Bench, many, store, type Test } from "./bench.ts"
import { holds } from "./ground.ts"
import { allWritten, outcomesOf } from "./outcomes.ts"
import { rows } from "./lookup.ts"

const articles = TypedIndex.make(
  Schema.Struct({
    title: Schema.String,
    year: Schema.Int,
    score: Schema.Finite,
    published: Schema.Boolean,
    /** A number in the program, text in the store. */
    pages: Schema.FiniteFromString,
    tags: Schema.Array(Schema.String),
    note: Schema.optionalKey(Schema.String)
  })
)

const article = {
  title: 'Émigré, "quoted" \u2028 and 😀',
  year: 2020,
  score: 0.1 + 0.2,
  published: false,
  pages: 12,
  tags: ["a", ""]
}

/** Records that can not be with the reasons one may be refused for. */
const unfit = (bench: Bench) => {
  const { dimension } = bench
  const values = at(bench, 30)
  const json = (text: string): VectorRecord["metadata"] => JSON.parse(text)
  const notText: VectorRecord["id"] = JSON.parse("7")
  const before = ["InvalidRecord"] as const
  // Refused here by a sink that knows the rule or the dimension, by the store otherwise.
  const either = ["InvalidRecord", "RequestRefused"] as const
  const table: ReadonlyArray<readonly [what: string, reasons: ReadonlyArray<Reason["_tag"]>, record: VectorRecord]> = [
    ["NaN", before, { id: "bad", values: values.map(() => NaN) }],
    ["Infinity", before, { id: "bad", values: Array.from(values, () => Infinity) }],
    ["over float32", before, { id: "bad", values: Array.from(values, () => 1e39) }],
    ["no vector", before, { id: "bad" }],
    ["an empty vector", before, { id: "bad", values: [] }],
    ["an empty id", before, { id: "", values }],
    ["an id of 513 characters", before, { id: "x".repeat(513), values }],
    ["an id that is no text", before, { id: notText, values }],
    ["an id that is not ASCII", either, { id: "né", values }],
    ["nested metadata", before, { id: "bad", values, metadata: json(`{"a":{"b":1}}`) }],
    ["null in metadata", before, { id: "bad", values, metadata: json(`{"a":null}`) }],
    ["a list of numbers in metadata", before, { id: "bad", values, metadata: json(`{"a":[1]}`) }],
    ["a field that starts with $", before, { id: "bad", values, metadata: { $a: 1 } }],
    ["40,961 bytes of metadata", before, { id: "bad", values, metadata: { text: "x".repeat(40_961 - 11) } }],
    ["all zeros", either, { id: "bad", values: new Float32Array(dimension) }],
    ["a wrong dimension", either, { id: "bad", values: new Float32Array(dimension + 1).fill(1) }]
  ]
  return table
}

export const schema = (test: Test): void => {
  test("metadata comes back as the type it was written with", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      const record = { id: "a", values: at(bench, 30), metadata: article }
      yield* allWritten([record], articles.upsertOutcomes({ namespace }))
      yield* holds(bench, 1)
      const [fetched] = yield* rows(["a"], articles.fetch({ namespace }))
      assert.deepStrictEqual(Option.getOrUndefined(fetched![1])?.metadata, article)
      const [queried] = yield* rows(
        [0],
        articles.query({
          vector: () => record.values,
          topK: 1,
          namespace,
          filter: articles.filter.and(articles.filter.eq("pages", "12"), articles.filter.gte("year", 2020))
        })
      )
      assert.deepStrictEqual(queried?.[1][0]?.metadata, article)
      const scanned = yield* Stream.runCollect(articles.scan({ namespaces: [namespace] }))
      assert.deepStrictEqual(
        scanned.map(({ metadata }) => metadata),
        [article]
      )
    }))

  test("stored metadata of another type is a failed row that names the record", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      yield* allWritten(
        [{ id: "good", values: at(bench, 1), metadata: article }],
        articles.upsertOutcomes({ namespace })
      )
      yield* store({ ...bench, namespace: bench.another("foreign") }, [
        { id: "foreign", values: at(bench, 2), metadata: { title: "A", year: 1.5 } }
      ])
      yield* holds(bench, 1)
      const elements = [
        { id: "good", namespace },
        { id: "foreign", namespace: bench.another("foreign") },
        { id: "good", namespace }
      ]
      const results = yield* rows(
        elements,
        articles.fetchResults({
          id: (element: (typeof elements)[number]) => element.id,
          namespace: (element) => element.namespace
        })
      )
      assert.deepStrictEqual(
        results.map(([, result]) => (Result.isSuccess(result) ? "found" : result.failure.reason._tag)),
        ["found", "InvalidRecord", "found"]
      )
      const failure = Option.getOrUndefined(Result.getFailure(results[1]![1]))
      assert.match(failure?.message ?? "", /record "foreign": metadata/)
    }))

  test("what can not be stored is refused with its reason, and the records around it are written", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      const [first, second] = many(bench, 2)
      for (const [what, reasons, record] of unfit(bench)) {
        const outcomes = yield* outcomesOf([first!, record, second!], PineconeSink.upsertOutcomes({ namespace }))
        const [refused, ...more] = outcomes.filter(Outcome.isNotWritten)
        assert.lengthOf(more, 0, what)
        assert(refused?._tag === "Rejected", what)
        assert.strictEqual(refused.input, record, what)
        assert.include(reasons, refused.error.reason._tag, what)
      }
      yield* holds(bench, 2)
    }))

  test("what is just small enough is stored", (bench) =>
    Effect.gen(function* () {
      const longest: VectorRecord = {
        id: "x".repeat(512),
        values: at(bench, 30),
        metadata: { text: "x".repeat(40_960 - 11) }
      }
      yield* store(bench, [longest])
      yield* becomes(bench, longest)
    }))

  test("options that can not work fail before the stream is pulled", (bench) =>
    Effect.gen(function* () {
      let pulled = 0
      const source = Stream.drain(Stream.fromEffect(Effect.sync(() => pulled++)))
      const { namespace } = bench
      for (const [option, step] of [
        ["topK", source.pipe(PineconeSource.query({ id: String, topK: 0, namespace }))],
        ["topK", source.pipe(PineconeSource.query({ id: String, topK: 10_001, namespace }))],
        ["maxBatch", source.pipe(PineconeSource.fetch({ maxBatch: 1001, namespace }))],
        ["concurrency", source.pipe(PineconeSink.upsert({ concurrency: 0, namespace }))]
      ] as const) {
        const error = yield* Effect.flip(Stream.runDrain<unknown, unknown, Stream.Services<typeof step>>(step))
        assert.deepInclude(error, { _tag: "PineconeError" })
        assert(error instanceof Object && "reason" in error)
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option })
      }
      assert.strictEqual(pulled, 0)
    }))
}

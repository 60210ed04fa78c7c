import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as TypedIndex from "@effect-connectors/pinecone/TypedIndex"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { counts, inMemory, stored } from "./support/index.ts"
import { runAll, writeAll } from "../../../test/support/outcomes.ts"
import { refusalOf } from "./support/secrets.ts"

const Article = Schema.Struct({
  title: Schema.NonEmptyString,
  at: Schema.DateFromString,
  year: Schema.Int,
  tags: Schema.optionalKey(Schema.Array(Schema.String))
})
type Article = typeof Article.Type

const articles = TypedIndex.make(Article)

const first: VectorRecord<Article> = {
  id: "first",
  values: [1, 0],
  metadata: { title: "First", at: new Date("2020-03-01T12:00:00Z"), year: 2020, tags: ["a", "b"] }
}
const second: VectorRecord<Article> = {
  id: "second",
  values: [0, 1],
  metadata: { title: "Second", at: new Date("2021-03-01T12:00:00Z"), year: 2021 }
}
const bare: VectorRecord<Article> = { id: "bare", values: [1, 1] }
const all = [first, second, bare]

/** A stored record that is none of the schema's. */
const odd = { id: "odd", values: [1, 0.5], metadata: { title: "Odd", at: "2020-03-01T12:00:00.000Z", year: "old" } }

const vector = (question: ReadonlyArray<number>) => question

const collect = <B, E, R>(stream: Stream.Stream<B, E, R>) => Stream.runCollect(stream)

describe("TypedIndex", () => {
  it.effect("stores metadata as the schema encodes it", () =>
    Effect.gen(function* () {
      yield* writeAll(all, articles.upsertOutcomes())
      assert.deepStrictEqual((yield* stored("first"))?.metadata, {
        title: "First",
        at: "2020-03-01T12:00:00.000Z",
        year: 2020,
        tags: ["a", "b"]
      })
      assert.isUndefined((yield* stored("bare"))?.metadata)
    }).pipe(inMemory())
  )

  it.effect("gives it back as the program had it: query, fetch, scan", () =>
    Effect.gen(function* () {
      assert.lengthOf(yield* collect(articles.upsert()(Stream.fromIterable(all))), 3)

      const [row] = yield* collect(Stream.make([1, 0.1]).pipe(articles.query({ vector, topK: 3 })))
      assert.deepStrictEqual(
        row?.[1].map(({ id, metadata }) => ({ id, metadata })),
        [first, bare, second].map(({ id, metadata }) => ({ id, metadata }))
      )

      const fetched = yield* collect(Stream.make("second", "nothing").pipe(articles.fetch()))
      assert.deepStrictEqual(
        fetched.map(([id, record]) => [id, Option.map(record, ({ metadata }) => metadata)]),
        [
          ["second", Option.some(second.metadata)],
          ["nothing", Option.none()]
        ]
      )

      const scanned = yield* collect(articles.scan())
      assert.sameDeepMembers(
        scanned.map(({ id, metadata, namespace }) => ({ id, metadata, namespace })),
        all.map(({ id, metadata }) => ({ id, metadata, namespace: "__default__" }))
      )
    }).pipe(inMemory())
  )

  it.effect("maps elements to records and to ids", () =>
    Effect.gen(function* () {
      const pages = [{ url: "u", article: second.metadata }]
      type Page = (typeof pages)[number]
      const record = ({ article, url }: Page) => ({ id: url, values: [1], metadata: article })
      yield* writeAll(pages, articles.upsertOutcomes({ record, namespace: "pages" }))
      const rows = yield* collect(
        Stream.fromIterable(pages).pipe(articles.fetch({ id: (page) => page.url, namespace: "pages" }))
      )
      assert.deepStrictEqual(
        rows.map(([page, found]) => [page, Option.map(found, ({ metadata }) => metadata)]),
        [[pages[0], Option.some(second.metadata)]]
      )
    }).pipe(inMemory())
  )

  it.effect("a record the schema refuses is an outcome that names the field, and the others are written", () =>
    Effect.gen(function* () {
      // What the compiler refuses can still arrive from code without types.
      for (const [field, part] of [
        ["title", `{"title":""}`],
        ["year", `{"year":1.5}`],
        ["year", `{"year":null}`],
        ["at", `{"at":"yesterday"}`],
        ["tags.1", `{"tags":["a",7]}`]
      ] as const) {
        const wrong: VectorRecord<Article> = {
          id: "wrong",
          values: [1, 1],
          metadata: { ...first.metadata, ...JSON.parse(part) }
        }
        const { notWritten, written } = yield* runAll([first, wrong, second], articles.upsertOutcomes())
        assert.sameMembers([...written], [first, second])
        const [refused] = notWritten
        assert(refused?._tag === "Rejected" && refused.error.reason._tag === "InvalidRecord")
        assert.include(refused.error.reason, { id: "wrong", field: `metadata.${field}` })
        assert.include(refused.error.message, `record "wrong": metadata.${field}`)
      }
      assert.deepStrictEqual(yield* counts, { __default__: 2 })
      const error = yield* refusalOf(
        Stream.runDrain(articles.upsert()(Stream.make({ ...first, id: "", values: [1, 1] })))
      )
      assert.strictEqual(error._tag, "RecordsNotWritten")
    }).pipe(inMemory())
  )

  it.effect("changes are encoded as the schema says: whole ones, or part of the fields", () =>
    Effect.gen(function* () {
      yield* writeAll([first, second], articles.upsertOutcomes())
      yield* writeAll([{ id: "first", metadata: { ...second.metadata! } }], articles.updateOutcomes())
      const at = "2021-03-01T12:00:00.000Z"
      assert.deepStrictEqual((yield* stored("first"))?.metadata, { title: "Second", at, year: 2021, tags: ["a", "b"] })

      const edited = TypedIndex.make(Article, Article.mapFields(Struct.map(Schema.optionalKey)))
      const late = { id: "second", metadata: { at: new Date("2022-01-01T00:00:00Z") } }
      const moved = { id: "second", values: [3, 4] }
      const bad: ReadonlyArray<PineconeSink.Update<Partial<Article>>> = [
        { id: "bad", metadata: { title: "" } },
        { id: "empty", metadata: {} }
      ]
      const { notWritten, written } = yield* runAll([late, ...bad, moved], edited.updateOutcomes())
      assert.sameMembers([...written], [late, moved])
      assert.deepStrictEqual(
        notWritten.map(({ error }) => error.reason._tag === "InvalidRecord" && error.reason.field),
        ["metadata.title", "values"]
      )
      const found = yield* stored("second")
      assert.deepStrictEqual(found?.metadata, { title: "Second", at: "2022-01-01T00:00:00.000Z", year: 2021 })
      assert.deepStrictEqual(found?.values, Float32Array.of(3, 4))

      const error = yield* refusalOf(Stream.runDrain(edited.update()(Stream.fromIterable(bad))))
      assert.include(error, { _tag: "RecordsNotWritten", rejected: 2 })
    }).pipe(inMemory())
  )

  it.effect("lists and deletes", () =>
    Effect.gen(function* () {
      yield* writeAll(all, articles.upsertOutcomes())
      assert.deepStrictEqual(yield* collect(articles.list()), ["bare", "first", "second"])
      yield* writeAll(["bare"], articles.deleteOutcomes())
      assert.lengthOf(yield* collect(articles.delete()(Stream.make("first"))), 1)
      assert.deepStrictEqual(yield* collect(articles.list()), ["second"])
    }).pipe(inMemory())
  )

  it.effect("encoded metadata keeps to Pinecone's limits", () =>
    Effect.gen(function* () {
      const heavy = { ...first, id: "heavy", metadata: { title: "x".repeat(41_000), at: new Date(), year: 1 } }
      const { notWritten } = yield* runAll([first, heavy], articles.upsertOutcomes())
      assert.match(notWritten[0]?.error.message ?? "", /record "heavy": metadata takes \d+ bytes/)
    }).pipe(inMemory())
  )

  it.effect("stored metadata that does not match is a failed row that names the record", () =>
    Effect.gen(function* () {
      yield* writeAll([first, second], articles.upsertOutcomes())
      yield* writeAll([odd], PineconeSink.upsertOutcomes())
      const message = /record "odd": metadata\.year/

      const fetched = yield* collect(Stream.make("first", "odd", "second").pipe(articles.fetchResults()))
      assert.deepStrictEqual(
        fetched.map(([id, result]) => [id, result._tag]),
        [
          ["first", "Success"],
          ["odd", "Failure"],
          ["second", "Success"]
        ]
      )
      const queried = yield* collect(Stream.make([1, 0.5], [0, 1]).pipe(articles.queryResults({ vector, topK: 1 })))
      assert.deepStrictEqual(
        queried.map(([, result]) => result._tag),
        ["Failure", "Success"]
      )
      const failures = [...fetched, ...queried].flatMap(([, result]) =>
        Result.isFailure<unknown, PineconeError>(result) ? [result.failure] : []
      )
      assert.lengthOf(failures, 2)
      for (const failure of failures) {
        assert.strictEqual(failure.reason._tag, "InvalidRecord")
        assert.match(failure.message, message)
      }

      for (const plain of [
        Effect.asVoid(collect(Stream.make("odd").pipe(articles.fetch()))),
        Effect.asVoid(collect(Stream.make([1, 0.5]).pipe(articles.query({ vector, topK: 1 })))),
        Effect.asVoid(collect(articles.scan()))
      ]) {
        assert.match((yield* refusalOf(plain)).message, message)
      }
    }).pipe(inMemory())
  )

  it.effect("matches without metadata are not decoded", () =>
    Effect.gen(function* () {
      yield* writeAll([odd], PineconeSink.upsertOutcomes())
      const [row] = yield* collect(
        Stream.make([1, 0.5]).pipe(articles.query({ vector, topK: 1, includeMetadata: false }))
      )
      assert.strictEqual(row?.[1][0]?.id, "odd")
    }).pipe(inMemory())
  )

  it.effect("filters, built or literal, fixed or for each element", () =>
    Effect.gen(function* () {
      yield* writeAll([first, second], articles.upsertOutcomes())
      const f = articles.filter
      const found = (filter: Parameters<typeof articles.query<ReadonlyArray<number>>>[0]["filter"]) =>
        Effect.map(collect(Stream.make([1, 1]).pipe(articles.query({ vector, topK: 9, filter }))), ([row]) =>
          row?.[1].map(({ id }) => id)
        )
      assert.deepStrictEqual(yield* found(f.gte("year", 2021)), ["second"])
      assert.deepStrictEqual(yield* found(f.and(f.in("tags", ["b", "c"]), f.not(f.eq("title", "Second")))), ["first"])
      assert.deepStrictEqual(yield* found(f.or(f.exists("tags", false), f.lt("year", 2000))), ["second"])
      assert.deepStrictEqual(yield* found({ at: "2020-03-01T12:00:00.000Z" }), ["first"])
      assert.deepStrictEqual(yield* found(([x]) => ({ year: { $gt: 2019 + (x ?? 0) } })), ["second"])
    }).pipe(inMemory())
  )

  it.effect("works on whichever index the layer is", () =>
    Effect.gen(function* () {
      const index = yield* PineconeIndex
      yield* writeAll([first], articles.upsertOutcomes())
      assert.strictEqual((yield* index.stats).totalRecords, 1)
    }).pipe(inMemory({ namespace: "other" }))
  )
})

/** Writes: what was written is stored just so, each element has one outcome, and a bad document stops nothing else. */
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Article, articles, becomes, type Change, isGone, many, some, store, type Test } from "./bench.ts"
import { holds } from "../conformance/ground.ts"
import { allWritten, outcomesOf } from "../conformance/outcomes.ts"

export const write = (test: Test): void => {
  test("documents are stored as they were, in several calls too", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      const documents = [...some, ...many(30)]
      yield* allWritten(documents, PineconeDocuments.upsertOutcomes(articles, { namespace, maxRecords: 7 }))
      yield* holds(bench, documents.length)
      for (const document of [...some, documents.at(-1)!]) yield* becomes(bench, document)
    }))

  test("a stored document is replaced whole, and of one id the last wins", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      yield* store(bench)
      const again: ReadonlyArray<Article> = [
        { _id: "a", title: "first" },
        { _id: "a", title: "second", year: 1 }
      ]
      yield* allWritten(again, PineconeDocuments.upsertOutcomes(articles, { namespace }))
      yield* becomes(bench, again[1]!)
      yield* holds(bench, some.length)
    }))

  test("a change sets and removes fields and leaves the others; of a document that is not there it does nothing", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      yield* store(bench)
      const changes: ReadonlyArray<Change> = [
        { _id: "a", year: 2025, _remove_fields: ["tags", "sparse"] },
        { _id: "b", dense: [0, 1], title: "Green shoes" },
        { _id: "nobody", year: 1 }
      ]
      yield* allWritten(changes, PineconeDocuments.updateOutcomes(articles, { namespace }))
      const { sparse: _, tags: __, ...rest } = some[0]!
      yield* becomes(bench, { ...rest, year: 2025 })
      yield* becomes(bench, { ...some[1]!, dense: [0, 1], title: "Green shoes" })
      yield* isGone(bench, "nobody")
      yield* holds(bench, some.length)
    }))

  test("documents are deleted by id, one that is not there too", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      yield* store(bench)
      yield* allWritten(["b", "nobody", "d"], PineconeDocuments.deleteOutcomes({ namespace }))
      yield* holds(bench, 2)
      yield* isGone(bench, "b")
      yield* becomes(bench, some[0]!)
    }))

  test("documents are changed and deleted by filter, and counted", (bench) =>
    Effect.gen(function* () {
      const { index, namespace } = bench
      const { filter } = articles
      yield* store(bench)
      const changed = yield* index.update({
        namespace,
        filter: filter.gte("year", 2022),
        setFields: { title: "New" },
        removeFields: ["body"]
      })
      assert.strictEqual(changed.count, 2)
      const { body: _, ...rest } = some[0]!
      yield* becomes(bench, { ...rest, title: "New" })
      yield* becomes(bench, some[1]!)
      const deleted = yield* index.delete({ namespace, filter: filter.eq("year", 2020) })
      assert.strictEqual(deleted.count, 1)
      yield* isGone(bench, "b")
      yield* index.delete({ namespace, all: true })
      yield* holds(bench, 0)
    }))

  test("a document that breaks a rule is rejected with its reason, and the others are written", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      const bad: ReadonlyArray<Article> = [
        { _id: "", title: "no id" },
        { _id: "long text", title: "word ".repeat(20_481) },
        { _id: "long word", title: "x".repeat(257) },
        { _id: "zeros", title: "t", dense: [0, 0] },
        { _id: "other dimension", title: "t", dense: [1, 2, 3] }
      ]
      const documents = [...some, ...bad, ...many(3)]
      const outcomes = yield* outcomesOf(documents, PineconeDocuments.upsertOutcomes(articles, { namespace }))
      const rejected = outcomes.filter((outcome) => outcome._tag === "Rejected")
      assert.sameMembers(
        rejected.map(({ input }) => input),
        [...bad]
      )
      for (const { error } of rejected) {
        assert.include(["InvalidRecord", "RecordTooLarge", "RequestRefused"], error.reason._tag)
      }
      yield* holds(bench, some.length + 3)
    }))

  test("documents that are too large together go in several requests", (bench) =>
    Effect.gen(function* () {
      const { namespace } = bench
      const large = many(60).map((document) => ({ ...document, body: `${"x".repeat(200)} `.repeat(480) }))
      yield* allWritten(large, PineconeDocuments.upsertOutcomes(articles, { namespace }))
      yield* holds(bench, large.length)
    }))
}

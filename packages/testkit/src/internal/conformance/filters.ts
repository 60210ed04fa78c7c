/** What every operator of a filter selects, as a table. */
import type { Filter } from "@effect-connectors/pinecone/Filter"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { at, ids, store, type Test } from "./bench.ts"

const books = {
  blank: {},
  dune: { title: "Dune", year: 1965, tags: ["sand", "space"], read: true },
  emma: { title: "Emma", year: 1815, tags: ["love"], read: false },
  ubik: { title: "Ubik", year: 1969, tags: ["space", "time"] }
}

type Row = readonly [what: string, filter: Filter, found: ReadonlyArray<keyof typeof books>]

const documented: ReadonlyArray<Row> = [
  ["a bare value is $eq", { title: "Dune" }, ["dune"]],
  ["a bare false", { read: false }, ["emma"]],
  ["$eq", { year: { $eq: 1815 } }, ["emma"]],
  ["$eq compares types too", { year: "1815" }, []],
  ["$ne", { $and: [{ year: { $exists: true } }, { year: { $ne: 1815 } }] }, ["dune", "ubik"]],
  ["$gt", { year: { $gt: 1965 } }, ["ubik"]],
  ["$gte", { year: { $gte: 1965 } }, ["dune", "ubik"]],
  ["$lt", { year: { $lt: 1965 } }, ["emma"]],
  ["$lte", { year: { $lte: 1965 } }, ["dune", "emma"]],
  ["$in", { title: { $in: ["Ubik", "Emma", "Other"] } }, ["emma", "ubik"]],
  ["$nin", { $and: [{ title: { $exists: true } }, { title: { $nin: ["Ubik", "Emma"] } }] }, ["dune"]],
  ["$exists true", { read: { $exists: true } }, ["dune", "emma"]],
  ["$exists false", { read: { $exists: false } }, ["blank", "ubik"]],
  ["a list equals any of its elements", { tags: "space" }, ["dune", "ubik"]],
  ["$in on a list: any of its elements", { tags: { $in: ["time", "love"] } }, ["emma", "ubik"]],
  ["several operators must all match", { year: { $gt: 1800, $lt: 1966 } }, ["dune", "emma"]],
  ["several fields must all match", { tags: "space", read: true }, ["dune"]],
  ["$and", { $and: [{ tags: "space" }, { year: { $gt: 1965 } }] }, ["ubik"]],
  ["$or", { $or: [{ title: "Emma" }, { year: 1969 }] }, ["emma", "ubik"]],
  ["nesting", { $or: [{ title: "Emma" }, { $and: [{ tags: "time" }, { year: { $gt: 1 } }] }] }, ["emma", "ubik"]]
]

/** Pinecone does not document these; they are what the memory layer and the emulator assume. */
const assumed: ReadonlyArray<Row> = [
  ["$ne, also without the field", { year: { $ne: 1815 } }, ["blank", "dune", "ubik"]],
  ["$nin, also without the field", { title: { $nin: ["Ubik", "Emma"] } }, ["blank", "dune"]],
  ["$ne on a list: none of its elements", { tags: { $ne: "space" } }, ["blank", "emma"]],
  ["$nin on a list: none of its elements", { tags: { $nin: ["time", "love"] } }, ["blank", "dune"]],
  ["$not", { $not: { tags: "space" } }, ["blank", "emma"]]
]

/** As JSON, since they do not compile. */
const malformed: ReadonlyArray<readonly [what: string, json: string]> = [
  ["an unknown operator on a field", `{"year":{"$like":"19"}}`],
  ["an unknown operator", `{"$nor":[{"year":1}]}`],
  ["$gt with text", `{"year":{"$gt":"1900"}}`],
  ["$in without a list", `{"year":{"$in":1900}}`],
  ["$in with 10,001 values", JSON.stringify({ year: { $in: Array.from({ length: 10_001 }, (_, n) => n) } })]
]

export const filters = (test: Test): void => {
  const selects = (title: string, table: ReadonlyArray<Row>) =>
    test(title, (bench) =>
      Effect.gen(function* () {
        const { index, namespace } = bench
        yield* store(
          bench,
          Object.entries(books).map(([id, metadata]) => ({ id, values: at(bench, 45), metadata }))
        )
        for (const [what, filter, found] of table) {
          const { matches } = yield* index.query({ namespace, vector: at(bench, 45), topK: 10, filter })
          assert.deepStrictEqual([...ids(matches)].sort(), [...found], what)
        }
      })
    )

  selects("each operator selects what is documented", documented)
  selects("records without the field, and lists of which one matches, where nothing is documented", assumed)

  test("malformed ones are refused", (bench) =>
    Effect.gen(function* () {
      const { index, namespace } = bench
      yield* store(bench, [{ id: "a", values: at(bench, 0), metadata: { year: 1 } }])
      for (const [what, json] of malformed) {
        const filter: Filter = JSON.parse(json)
        const error = yield* Effect.flip(index.query({ namespace, vector: at(bench, 0), topK: 1, filter }))
        assert.strictEqual(error.reason._tag, "RequestRefused", what)
      }
    }))
}

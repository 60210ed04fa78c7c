/** The tests of records with text, and what they work with. */
import { PineconeIndex, type Service as VectorService } from "@effect-connectors/pinecone/PineconeIndex"
import {
  type Asked,
  PineconeRecordIndex,
  type SearchRecordsRequest,
  type Service,
  type TextRecord
} from "@effect-connectors/pinecone/PineconeRecordIndex"
import * as PineconeRecords from "@effect-connectors/pinecone/PineconeRecords"
import { assert } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Ground, holds, onGround } from "./conformance/ground.ts"
import { allWritten, outcomesOf } from "./conformance/outcomes.ts"

/** The suite's options, complete. */
export interface Settings {
  readonly textField: string
  /** How long a write may take to be readable; zero when it is at once. */
  readonly eventually: Duration.Duration
}

/** What a test is given. */
export interface Bench extends Settings, Ground {
  readonly records: Service
  readonly index: VectorService
}

/** Registers a test. */
export type Test = (
  name: string,
  body: (bench: Bench) => Effect.Effect<unknown, unknown, PineconeRecordIndex | PineconeIndex>
) => void

/** Runs a test. */
export const onBench = <A, E, R>(settings: Settings, body: (bench: Bench) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const index = yield* PineconeIndex
    const records = yield* PineconeRecordIndex
    return yield* onGround(index, settings.eventually, (ground) => body({ ...settings, ...ground, index, records }))
  })

const textsById = {
  rain: "The umbrella keeps the rain off",
  shoes: "Running shoes for dry ground",
  coats: "Rain boots and rain coats"
}

const some = ({ textField }: Settings): ReadonlyArray<TextRecord> => [
  { _id: "rain", [textField]: textsById.rain, year: 2020 },
  { _id: "shoes", [textField]: textsById.shoes, year: 2024, tags: ["sport"] },
  { _id: "coats", [textField]: textsById.coats, year: 2024, sold: true }
]

/** Writes records, each of which must be written. */
const write = ({ namespace }: Bench, records: ReadonlyArray<TextRecord>) =>
  allWritten(records, PineconeRecords.upsertOutcomes({ namespace }))

/** Stores records, and waits until they are counted. */
const store = (bench: Bench, records = some(bench)) =>
  Effect.gen(function* () {
    yield* write(bench, records)
    yield* holds(bench, records.length)
  })

/** Checks which records a search finds, in their order. */
const finds = (
  { namespace, records, soon }: Bench,
  ids: ReadonlyArray<string>,
  by: Asked,
  options: Partial<SearchRecordsRequest> = {}
) =>
  soon(
    Effect.map(records.search({ namespace, by, topK: ids.length, ...options }), ({ hits }) =>
      assert.deepStrictEqual(
        hits.map(({ _id }) => _id),
        ids
      )
    )
  )

export const tests = (test: Test): void => {
  test("records are stored with all their fields, in several calls too", (bench) =>
    Effect.gen(function* () {
      const { index, namespace, soon, textField } = bench
      const many = Array.from({ length: 120 }, (_, n) => ({ _id: `n-${n}`, [textField]: `number ${n}`, n }))
      yield* store(bench, [...some(bench), ...many])
      const [{ _id, ...fields }] = [some(bench)[1]!]
      yield* soon(
        Effect.map(index.fetch({ namespace, ids: [_id, "n-119"] }), ({ records }) => {
          assert.deepStrictEqual(records.get(_id)?.metadata, fields)
          assert.deepStrictEqual(records.get("n-119")?.metadata, { [textField]: "number 119", n: 119 })
        })
      )
    }))

  test("a stored record is replaced whole, its vector too", (bench) =>
    Effect.gen(function* () {
      const { index, namespace, soon, textField } = bench
      yield* store(bench)
      yield* write(bench, [{ _id: "rain", [textField]: "dry shoes for running on ground" }])
      yield* finds(bench, ["coats"], { text: "rain" })
      yield* soon(
        Effect.map(index.fetch({ namespace, ids: ["rain"] }), ({ records }) =>
          assert.deepStrictEqual(Object.keys(records.get("rain")?.metadata ?? {}), [textField])
        )
      )
      yield* holds(bench, 3)
    }))

  test("texts are found by texts that share their words", (bench) =>
    Effect.gen(function* () {
      yield* store(bench)
      yield* finds(bench, ["rain"], { text: "umbrella keeps rain off" })
      yield* finds(bench, ["shoes"], { text: "dry ground" })
      yield* finds(bench, ["shoes"], { text: "rain shoes" }, { filter: { tags: { $in: ["sport"] } } })
      yield* finds(bench, ["coats"], { text: "rain" }, { filter: { year: { $gt: 2020 } } })
    }))

  test("a record is found by its id, and by its vector", (bench) =>
    Effect.gen(function* () {
      const { index, namespace, soon } = bench
      yield* store(bench)
      yield* finds(bench, ["coats"], { id: "coats" })
      const stored = yield* soon(
        Effect.tap(
          Effect.map(index.fetch({ namespace, ids: ["shoes"] }), ({ records }) => records.get("shoes")),
          (record) => Effect.sync(() => assert.isDefined(record))
        )
      )
      const { sparseValues: sparseVector, values: vector = [] } = stored ?? {}
      // A sparse index has no dense vectors.
      const by = vector.length > 0 ? { vector } : sparseVector && { sparseVector }
      assert(by !== undefined)
      yield* finds(bench, ["shoes"], by)
    }))

  test("a hit has the fields that are asked for, by default all", (bench) =>
    Effect.gen(function* () {
      const { namespace, records } = bench
      yield* store(bench)
      yield* finds(bench, ["shoes"], { text: "shoes" })
      const by = { text: "shoes" }
      const [all] = (yield* records.search({ namespace, by, topK: 1 })).hits
      const { _id: _, ...fields } = some(bench)[1]!
      assert.deepStrictEqual(all?.fields, fields)
      const [one] = (yield* records.search({ namespace, by, topK: 1, fields: ["year", "nothing"] })).hits
      assert.deepStrictEqual(one?.fields, { year: 2024 })
    }))

  test("rows come in the order of what was asked", (bench) =>
    Effect.gen(function* () {
      const { namespace, soon } = bench
      yield* store(bench)
      const questions = ["umbrella", "shoes", "boots", "umbrella"]
      yield* soon(
        Stream.fromIterable(questions).pipe(
          PineconeRecords.search({ namespace, by: (text) => ({ text }), topK: 1 }),
          Stream.runCollect,
          Effect.map((rows) =>
            assert.deepStrictEqual(
              rows.map(([question, hits]) => [question, hits[0]?._id]),
              [
                ["umbrella", "rain"],
                ["shoes", "shoes"],
                ["boots", "coats"],
                ["umbrella", "rain"]
              ]
            )
          )
        )
      )
    }))

  test("a record that breaks a rule is rejected with its reason, and the others are written", (bench) =>
    Effect.gen(function* () {
      const { textField } = bench
      const bad: ReadonlyArray<TextRecord> = [
        { _id: "", [textField]: "no id" },
        { _id: "no text", year: 1 },
        { _id: "text that is a number", [textField]: 5 },
        { _id: "empty text", [textField]: " " },
        { _id: "too much metadata", [textField]: "t", more: "x".repeat(41_000) }
      ]
      const outcomes = yield* outcomesOf(
        [...some(bench), ...bad],
        PineconeRecords.upsertOutcomes({ namespace: bench.namespace })
      )
      const rejected = outcomes.filter((outcome) => outcome._tag === "Rejected")
      assert.sameMembers(
        rejected.map(({ input }) => input),
        [...bad]
      )
      for (const { error } of rejected) {
        assert.include(["InvalidRecord", "RecordTooLarge", "RequestRefused"], error.reason._tag)
      }
      yield* holds(bench, 3)
    }))
}

/** Tests of an index with a model that ranks again. */
export const reranks = (test: Test, model: string): void => {
  test("hits are ranked again, by the text of the search or another", (bench) =>
    Effect.gen(function* () {
      const { textField } = bench
      yield* store(bench)
      const rerank = { model, rankFields: [textField], topN: 1 }
      yield* finds(bench, ["rain"], { text: "umbrella keeps rain off" }, { topK: 3, rerank })
      yield* finds(
        bench,
        ["shoes"],
        { text: "umbrella keeps rain off" },
        { topK: 3, rerank: { ...rerank, query: "running on dry ground" } }
      )
    }))
}

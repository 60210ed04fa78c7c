/** The document store against the plainest way to say the same: formulas over all documents, sorted. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type * as DocumentStore from "../src/internal/documents/documentStore.ts"
import { make, request } from "./documentSupport.ts"
import { ok } from "./storeSupport.ts"

/** Few words, so that they meet. */
const Word = Schema.Literals(["rain", "Rain,", "shoes", "red", "the", "wi-fi"])
const Text = Schema.optionalKey(Schema.Array(Word).check(Schema.isMinLength(0)))
const Coordinate = Schema.Literals([-2, 0.1, 1, 3])
const Fields = Schema.Struct({
  title: Text,
  body: Text,
  dense: Schema.optionalKey(Schema.Tuple([Coordinate, Coordinate])),
  sparse: Schema.optionalKey(
    Schema.Struct({ indices: Schema.Tuple([Schema.Literals([0, 7])]), values: Schema.Tuple([Coordinate]) })
  ),
  n: Schema.optionalKey(Schema.Literals([0, 1, 2]))
})
const Id = Schema.Literals(["a", "b", "c", "d", "B", "10"])
const Step = Schema.Union([
  Schema.TaggedStruct("Upsert", { documents: Schema.Array(Schema.Struct({ id: Id, fields: Fields })) }),
  Schema.TaggedStruct("Update", {
    id: Id,
    fields: Fields,
    removed: Schema.Array(Schema.Literals(["title", "dense", "sparse", "n"]))
  }),
  Schema.TaggedStruct("UpdateByFilter", { n: Schema.Literals([0, 1, 2]), title: Schema.Array(Word) }),
  Schema.TaggedStruct("Delete", { id: Id }),
  Schema.TaggedStruct("DeleteByFilter", { n: Schema.Literals([0, 1, 2]) })
])
const Steps = Schema.Array(Step)

type Doc = Readonly<Record<string, unknown>>

const documentOf = (id: string, { body, title, ...rest }: typeof Fields.Type): Doc => ({
  _id: id,
  ...rest,
  ...(title && { title: title.join(" ") }),
  ...(body && { body: body.join(" ") })
})

const searched = ["title", "body", "dense", "sparse"]
const isWhole = (document: Doc): boolean => searched.some((field) => field in document)

/** What a list of documents by id becomes; requests the store refuses are left out by both. */
class Model {
  readonly documents = new Map<string, Doc>()

  apply(store: DocumentStore.DocumentStore, step: typeof Step.Type): void {
    switch (step._tag) {
      case "Upsert": {
        const documents = step.documents.map(({ fields, id }) => documentOf(id, fields)).filter(isWhole)
        if (documents.length === 0) return
        ok(store.upsert(request(...documents)))
        for (const document of documents) this.documents.set(String(document["_id"]), document)
        return
      }
      case "Update": {
        const given = documentOf(step.id, step.fields)
        const removed = step.removed.filter((field) => !(field in given))
        const before = this.documents.get(step.id)
        const kept = Object.entries(before ?? {}).filter(([field]) => !removed.some((one) => one === field))
        const after = { ...Object.fromEntries(kept), ...given }
        if (before !== undefined && !isWhole(after)) return
        ok(store.update(request({ ...given, _remove_fields: removed })))
        if (before !== undefined) this.documents.set(step.id, after)
        return
      }
      case "UpdateByFilter": {
        const title = step.title.join(" ")
        const matching = [...this.documents].filter(([, document]) => document["n"] === step.n)
        const { matched } = ok(
          store.updateByFilter({ filter: { n: step.n }, setFields: { title }, removeFields: ["n"] })
        )
        assert.strictEqual(matched, matching.length)
        for (const [id, { n: _, ...rest }] of matching) this.documents.set(id, { ...rest, title })
        return
      }
      case "Delete":
        if (this.documents.size === 0) return
        ok(store.delete({ ids: [step.id] }))
        this.documents.delete(step.id)
        return
      case "DeleteByFilter":
        if (this.documents.size === 0) return
        ok(store.delete({ filter: { n: step.n } }))
        for (const [id, { n }] of [...this.documents]) if (n === step.n) this.documents.delete(id)
    }
  }
}

const tokensOf = (text: unknown): ReadonlyArray<string> =>
  typeof text === "string" ? (text.toLowerCase().match(/[a-z]+/g) ?? []) : []

/** BM25 as the documentation has it. */
const bm25 = (documents: ReadonlyMap<string, Doc>, field: string, query: string): Map<string, number> => {
  const texts = [...documents].flatMap(([id, document]) =>
    field in document ? [[id, tokensOf(document[field])] as const] : []
  )
  const average = texts.reduce((sum, [, tokens]) => sum + tokens.length, 0) / texts.length
  const scores = new Map<string, number>()
  for (const token of tokensOf(query)) {
    const n = texts.filter(([, tokens]) => tokens.includes(token)).length
    const idf = Math.log(1 + (texts.length - n + 0.5) / (n + 0.5))
    for (const [id, tokens] of texts) {
      const tf = tokens.filter((other) => other === token).length
      if (tf === 0) continue
      const score = (idf * tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * tokens.length) / average))
      scores.set(id, (scores.get(id) ?? 0) + score)
    }
  }
  return scores
}

const plus = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Map<string, number> => {
  const sum = new Map(a)
  for (const [id, score] of b) sum.set(id, (sum.get(id) ?? 0) + score)
  return sum
}

/** The matches are those of a sort of all scores, but for scores that rounding may order either way. */
const assertBest = (
  matches: ReadonlyArray<DocumentStore.DocumentMatch>,
  scores: ReadonlyMap<string, number>,
  topK: number
): void => {
  const sorted = [...scores.values()].sort((a, b) => b - a)
  assert.strictEqual(matches.length, Math.min(topK, sorted.length))
  assert.strictEqual(new Set(matches.map(({ id }) => id)).size, matches.length)
  matches.forEach(({ id, score }, rank) => {
    assert.approximately(score ?? NaN, scores.get(id) ?? NaN, 1e-5)
    assert.approximately(score ?? NaN, sorted[rank]!, 1e-5)
    const before = matches[rank - 1]
    if (before?.score === score) assert.isTrue(before.id < id)
  })
}

const numbers = (value: unknown): ReadonlyArray<number> | undefined => (Array.isArray(value) ? value : undefined)

const written = (steps: typeof Steps.Type) => {
  const model = new Model()
  const store = make()
  for (const step of steps) model.apply(store, step)
  return { model, store }
}

const settings = { arbitrary: { runs: 300, size: 30 } }

describe("documents, by property", () => {
  it.prop(
    "what is stored is what was written, whatever the order",
    { steps: Steps },
    ({ steps }) => {
      const { model, store } = written(steps)
      const ids = [...model.documents.keys()].sort()
      assert.deepStrictEqual(ok(store.list({})).ids, ids)
      if (ids.length === 0) return
      const { documents } = ok(store.fetch({ ids }))
      for (const id of ids) {
        const { _id: _, ...fields } = model.documents.get(id)!
        const stored = Object.fromEntries(
          Object.entries(documents.get(id) ?? {}).map(([field, value]) => [
            field,
            value instanceof Float32Array
              ? Array.from(value)
              : typeof value === "object" && "indices" in value
                ? { indices: Array.from(value.indices), values: Array.from(value.values) }
                : value
          ])
        )
        const rounded = JSON.parse(
          JSON.stringify(fields, (_, value) => (typeof value === "number" ? Math.fround(value) : value))
        )
        assert.deepStrictEqual(stored, rounded)
      }
    },
    settings
  )

  it.prop(
    "text scores BM25 over what is there now",
    { steps: Steps, query: Schema.Array(Word), topK: Schema.Literals([1, 3, 10]) },
    ({ query, steps, topK }) => {
      const { model, store } = written(steps)
      const text = query.join(" ") || "rain"
      const search = (...scoreBy: DocumentStore.SearchRequest["scoreBy"]) => ok(store.search({ topK, scoreBy })).matches
      const title = bm25(model.documents, "title", text)
      const body = bm25(model.documents, "body", text)
      assertBest(search({ type: "text", fields: ["title"], query: text }), title, topK)
      assertBest(search({ type: "text", fields: ["title", "body"], query: text }), plus(title, body), topK)
      const quoted = query.length === 0 ? text : query.join(" ").replaceAll(",", "")
      assertBest(search({ type: "query_string", query: quoted }), plus(title, body), topK)
    },
    settings
  )

  it.prop(
    "vectors score as a sort of all documents, filtered",
    {
      steps: Steps,
      query: Schema.Tuple([Coordinate, Coordinate]),
      topK: Schema.Literals([1, 3, 10]),
      n: Schema.Literals([0, 1])
    },
    ({ n, query, steps, topK }) => {
      const { model, store } = written(steps)
      const all = [...model.documents].filter(([, document]) => document["n"] !== n)
      const filter = { n: { $ne: n } }
      const dense = new Map<string, number>()
      const sparse = new Map<string, number>()
      for (const [id, document] of all) {
        const values = numbers(document["dense"])
        if (values !== undefined) dense.set(id, values[0]! * query[0] + values[1]! * query[1])
        const { indices, values: weights }: { indices: Array<number>; values: Array<number> } = Object(
          document["sparse"] ?? { indices: [], values: [] }
        )
        if (indices[0] === 7) sparse.set(id, weights[0]! * query[0])
      }
      const search = (scoreBy: DocumentStore.SearchRequest["scoreBy"][number]) =>
        ok(store.search({ topK, scoreBy: [scoreBy], filter })).matches
      assertBest(search({ type: "dense_vector", fields: ["dense"], values: query }), dense, topK)
      const sparseValues = { indices: [7], values: [query[0]] }
      assertBest(search({ type: "sparse_vector", fields: ["sparse"], sparseValues }), sparse, topK)
    },
    settings
  )
})

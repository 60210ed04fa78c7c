/** The official client's calls of documents, unchanged, against the emulator. */
import { PineconeEmulator } from "@effect-connectors/testkit"
import type { Options, Service } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Index, Pinecone } from "pinecone-sdk-9"

let clients = 0

const deployment = { deploymentType: "managed", cloud: "aws", region: "us-east-1" } as const

/** Runs `body` with an index of articles in an emulator of its own. */
const withArticles = (
  body: (articles: Index, client: Pinecone, emulator: Service) => Promise<void>,
  options?: Options
) =>
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator.make(options)
    const client = new Pinecone({ apiKey: `documents-${++clients}`, controllerHostUrl: emulator.url, maxRetries: 0 })
    yield* Effect.promise(async () => {
      await client.indexes.create({
        name: "articles",
        deployment,
        schema: {
          fields: {
            title: { type: "string", fullTextSearch: {} },
            body: { type: "string", fullTextSearch: {} },
            dense: { type: "dense_vector", dimension: 2, metric: "dotproduct" },
            sparse: { type: "sparse_vector" }
          }
        },
        waitUntilReady: true
      })
      await body(client.index({ name: "articles", namespace: "news" }), client, emulator)
    })
  })

const documents = [
  {
    _id: "a",
    title: "Red shoes",
    body: "Shoes for running in the rain",
    dense: [1, 0.4],
    sparse: { indices: [1, 7], values: [0.5, 2] },
    year: 2024,
    tags: ["sport", "rain"]
  },
  { _id: "b", title: "Blue shoes", body: "A walk on dry ground", dense: [0, 1], year: 2020 },
  { _id: "c", title: "Umbrella", body: "Against the rain" }
]

/** The error of a call that must fail. */
const fails = async (call: Promise<unknown>, name: string, part: string): Promise<void> => {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error
  )
  assert.instanceOf(error, Error)
  assert.strictEqual(error.name, name)
  assert.include(error.message, part)
}

describe("documents of the official client", () => {
  it.effect("an index tells the schema it was made with", () =>
    withArticles(async (_, client) => {
      const { schema } = await client.describeIndex("articles")
      assert.deepStrictEqual(JSON.parse(JSON.stringify(schema.fields["title"])), {
        type: "string",
        fullTextSearch: { language: "en", stemming: false, stopWords: false }
      })
      assert.deepInclude(schema.fields["dense"], { type: "dense_vector", dimension: 2, metric: "dotproduct" })
      assert.deepInclude(schema.fields["sparse"], { type: "sparse_vector" })
    })
  )

  it.effect("upsert, then fetch gives back what was written", () =>
    withArticles(async (articles) => {
      assert.strictEqual((await articles.documents.upsert({ documents })).upsertedCount, 3)
      const all = await articles.documents.fetch({ ids: ["a", "c", "nobody"] })
      assert.deepStrictEqual(all.documents, { a: documents[0]!, c: documents[2]! })
      assert.deepInclude(all, { namespace: "news", usage: { readUnits: 1 } })
      const some = await articles.documents.fetch({ ids: ["b"], includeFields: ["year", "dense"] })
      assert.deepStrictEqual(some.documents, { b: { _id: "b", dense: [0, 1], year: 2020 } })
    })
  )

  it.effect("search scores by text, by a query string, by a dense and by a sparse vector", () =>
    withArticles(async (articles) => {
      await articles.documents.upsert({ documents })
      const ids = async (...[options]: Parameters<typeof articles.documents.search>) =>
        (await articles.documents.search(options)).matches.map(({ _id }) => _id)
      const topK = 10
      assert.deepStrictEqual(await ids({ topK, scoreBy: [{ type: "text", fields: ["title"], query: "red shoes" }] }), [
        "a",
        "b"
      ])
      const rain = { type: "text", fields: ["title", "body"], query: "rain umbrella" }
      assert.deepStrictEqual(await ids({ topK, scoreBy: [rain] }), ["c", "a"])
      assert.deepStrictEqual(await ids({ topK: 1, scoreBy: [rain] }), ["c"])
      assert.deepStrictEqual(
        await ids({ topK, scoreBy: [{ type: "query_string", query: 'title:(shoes) AND NOT body:"dry ground"' }] }),
        ["a"]
      )
      assert.deepStrictEqual(
        await ids({ topK, scoreBy: [{ type: "dense_vector", fields: ["dense"], values: [1, 2] }] }),
        ["b", "a"]
      )
      const sparseValues = { indices: [7], values: [3] }
      const [match] = (
        await articles.documents.search({
          topK,
          scoreBy: [{ type: "sparse_vector", field: "sparse", sparseValues }],
          includeFields: ["*"]
        })
      ).matches
      assert.deepStrictEqual(match, { ...documents[0]!, _score: 6 })
      const filtered = { topK, scoreBy: [{ type: "dense_vector", fields: ["dense"], values: [1, 2] }] }
      assert.deepStrictEqual(await ids({ ...filtered, filter: { year: { $gt: 2020 } } }), ["a"])
      assert.deepStrictEqual(await ids({ ...filtered, filter: { body: { $match_phrase: "dry ground" } } }), ["b"])
      assert.deepStrictEqual(await ids({ ...filtered, filter: { body: { $match_all: "ground dry" } } }), ["b"])
      assert.deepStrictEqual(await ids({ ...filtered, filter: { title: { $match_any: "green red" } } }), ["a"])
    })
  )

  it.effect("a match has no fields unless they are asked for", () =>
    withArticles(async (articles) => {
      await articles.documents.upsert({ documents })
      const { matches } = await articles.documents.search({
        topK: 1,
        scoreBy: [{ type: "text", fields: ["title"], query: "umbrella" }]
      })
      assert.deepStrictEqual(Object.keys(matches[0]!), ["_id", "_score"])
    })
  )

  it.effect("update merges and removes fields, by id and by filter", () =>
    withArticles(async (articles) => {
      await articles.documents.upsert({ documents })
      const read = async (id: string) => (await articles.documents.fetch({ ids: [id] })).documents[id]
      const one = await articles.documents.update({
        documents: [
          { _id: "a", year: 2025, _remove_fields: ["tags", "sparse"] },
          { _id: "nobody", year: 1 }
        ]
      })
      assert.strictEqual(one.matchedRecords, undefined)
      const { sparse: _, tags: __, ...rest } = documents[0]!
      assert.deepStrictEqual(await read("a"), { ...rest, year: 2025 })
      assert.isUndefined(await read("nobody"))
      const many = await articles.documents.update({
        filter: { year: { $exists: true } },
        setFields: { title: "Boots" },
        removeFields: ["year"]
      })
      assert.strictEqual(many.matchedRecords, 2)
      assert.deepInclude(await read("b"), { title: "Boots", body: documents[1]!.body })
      assert.notProperty(await read("b"), "year")
      const { matches } = await articles.documents.search({
        topK: 9,
        scoreBy: [{ type: "text", fields: ["title"], query: "shoes boots" }]
      })
      assert.deepStrictEqual(
        matches.map(({ _id }) => _id),
        ["a", "b"]
      )
    })
  )

  it.effect("list and fetch by filter give pages", () =>
    withArticles(async (articles) => {
      const many = Array.from({ length: 5 }, (_, n) => ({ _id: `n${n}`, title: `number ${n}`, even: n % 2 === 0 }))
      await articles.documents.upsert({ documents: [...many, { _id: "other", title: "other" }] })
      const first = await articles.documents.list({ prefix: "n", limit: 3 })
      assert.deepStrictEqual(
        first.documents.map(({ _id }) => _id),
        ["n0", "n1", "n2"]
      )
      const last = await articles.documents.list({ prefix: "n", limit: 3, paginationToken: first.pagination!.next })
      assert.deepStrictEqual(
        last.documents.map(({ _id }) => _id),
        ["n3", "n4"]
      )
      assert.isUndefined(last.pagination)
      const filter = { even: true }
      const page = await articles.documents.fetch({ filter, limit: 2 })
      assert.deepStrictEqual(Object.keys(page.documents), ["n0", "n2"])
      const rest = await articles.documents.fetch({ filter, limit: 2, paginationToken: page.pagination!.next })
      assert.deepStrictEqual(rest.documents, { n4: many[4]! })
      const text = await articles.documents.fetch({ filter: { title: { $match_any: "3 other" } } })
      assert.deepStrictEqual(Object.keys(text.documents), ["n3", "other"])
    })
  )

  it.effect("delete by ids, by filter and of all", () =>
    withArticles(async (articles) => {
      await articles.documents.upsert({ documents })
      const ids = async () => (await articles.documents.list()).documents.map(({ _id }) => _id)
      assert.strictEqual((await articles.documents.delete({ ids: ["a", "nobody"] })).matchedRecords, undefined)
      assert.deepStrictEqual(await ids(), ["b", "c"])
      assert.strictEqual((await articles.documents.delete({ filter: { year: 2020 } })).matchedRecords, 1)
      assert.deepStrictEqual(await ids(), ["c"])
      await articles.documents.delete({ deleteAll: true })
      assert.deepStrictEqual(await ids(), [])
    })
  )

  it.effect("an index has one data plane", () =>
    withArticles(async (articles, client) => {
      const words = "This index has a document schema, so writes must go through the documents API."
      await fails(articles.upsert({ records: [{ id: "a", values: [1, 2] }] }), "PineconeBadRequestError", words)
      await fails(articles.deleteOne({ id: "a" }), "PineconeBadRequestError", words)
      await fails(articles.query({ vector: [1, 2], topK: 1 }), "PineconeBadRequestError", "has a document schema")
      await client.createIndex({
        name: "vectors",
        dimension: 2,
        spec: { serverless: { cloud: "aws", region: "us-east-1" } }
      })
      await fails(
        client.index({ name: "vectors" }).documents.upsert({ documents }),
        "PineconeBadRequestError",
        "This index has no document schema"
      )
    })
  )
})

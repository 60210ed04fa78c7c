/** The official client's calls of documents, unchanged, against the emulator. */
import { PineconeGrpc, PineconeIndex } from "@effect-connectors/pinecone"
import { FaultPlan, PineconeEmulator } from "@effect-connectors/testkit"
import type { Options, Service } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { type Index, Pinecone } from "pinecone-sdk-9"
import { json, sender } from "./rawHttp.ts"

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

describe("documents that are refused", () => {
  const bad = "PineconeBadRequestError"
  const good = { _id: "good", title: "kept out" }

  it.effect("with the status and the words of the service's form of errors, and those beside them too", () =>
    withArticles(async (articles, _, { url }) => {
      const upsert = (document: object) => articles.documents.upsert({ documents: [good, document] as never })
      await fails(upsert({ title: "a" }), bad, "Document is missing required field '_id'")
      await fails(upsert({ _id: 5, title: "a" }), bad, "Document field '_id' must be a string, got 5")
      await fails(upsert({ _id: "a", year: 1 }), bad, "at least one field of the index schema")
      await fails(upsert({ _id: "a", title: 5 }), bad, "Field 'title' of document 'a' must be a string")
      await fails(upsert({ _id: "a", title: "x ".repeat(51_201) }), bad, "102402 bytes, which exceeds the limit")
      await fails(upsert({ _id: "a", title: "x".repeat(257) }), bad, "a token of 257 bytes")
      await fails(
        upsert({ _id: "a", dense: [1] }),
        bad,
        "Vector dimension 1 does not match the dimension of the index 2"
      )
      await fails(upsert({ _id: "a", title: "t", deep: { a: 1 } }), bad, "Metadata value must be a string")
      const many = Array.from({ length: 1_001 }, (_, n) => ({ _id: `${n}`, title: "x" }))
      await fails(articles.documents.upsert({ documents: many }), bad, "from 1 to 1000, got 1001")
      const large = Object.fromEntries(Array.from({ length: 22 }, (_, n) => [`m${n}`, "y".repeat(100_000)]))
      await fails(upsert({ _id: "huge", title: "t", ...large }), bad, "Document 'huge' is larger than the maximum")
      const texts = Array.from({ length: 30 }, (_, n) => ({ _id: `${n}`, title: "word ".repeat(18_000) }))
      await fails(articles.documents.upsert({ documents: texts }), bad, "Your request is larger than the maximum")
      assert.deepStrictEqual((await articles.documents.list()).documents, [])
      const response = await fetch(`${url}/i/articles/namespaces/news/documents/upsert`, {
        method: "POST",
        headers: { "api-key": "k" },
        body: JSON.stringify({ documents: [{ title: "a" }] })
      })
      assert.strictEqual(response.status, 400)
      assert.deepStrictEqual(await response.json(), {
        error: { code: "INVALID_ARGUMENT", message: "Document is missing required field '_id'" },
        status: 400
      })
    })
  )

  it.effect("searches too", () =>
    withArticles(async (articles) => {
      const search = (...scoreBy: Parameters<typeof articles.documents.search>[0]["scoreBy"]) =>
        articles.documents.search({ topK: 5, scoreBy })
      const text = { type: "text", fields: ["title"], query: "rain" }
      const dense = { type: "dense_vector", fields: ["dense"], values: [1, 1] }
      await fails(search({ ...text, query: " " }), bad, "a query that is not empty")
      await fails(search(text, dense), bad, "a dense_vector or sparse_vector method must be on its own")
      await fails(search({ ...text, fields: ["year"] }), bad, "'year' is not a field with full-text search")
      await fails(search({ type: "query_string", query: "(rain" }), bad, "has a ( without its )")
      const all = { topK: 5, scoreBy: [text] }
      await fails(articles.documents.search({ ...all, topK: 10_001 }), bad, "top_k must be a whole number")
      await fails(articles.documents.search({ ...all, filter: { title: "rain" } }), bad, "$eq on field 'title'")
      const undeclared = await articles.documents.search({ ...all, filter: { undeclared: 1 } })
      assert.deepStrictEqual(undeclared.matches, [])
    })
  )

  it.effect("indexes too", () =>
    withArticles(async (_, client) => {
      const dense = { type: "dense_vector", dimension: 2, metric: "cosine" } as const
      const create = (fields: NonNullable<Parameters<typeof client.indexes.create>[0]["schema"]>["fields"]) =>
        client.indexes.create({ name: "other", deployment, schema: { fields } })
      await fails(create({ a: dense, b: dense }), bad, "2 dense_vector fields, at most one is allowed")
      await fails(create({}), bad, "Schema must contain at least one of the following field types")
      await fails(create({ _values: dense, title: { type: "string", fullTextSearch: {} } }), bad, "'_values'")
    })
  )

  it.effect("ways that exclude each other, on the wire", () =>
    withArticles(async (_, __, { url }) => {
      const post = async (call: string, body: object) => {
        const address = `${url}/i/articles/namespaces/news/documents/${call}`
        const response = await fetch(address, {
          method: "POST",
          headers: { "api-key": "k" },
          body: JSON.stringify(body)
        })
        return `${response.status} ${await response.text()}`
      }
      for (const [call, body, why] of [
        ["fetch", {}, "exactly one of ids and filter"],
        ["fetch", { ids: ["a"], filter: { n: 1 } }, "exactly one of ids and filter"],
        ["fetch", { ids: ["a"], pagination_token: "x" }, "only valid together with a filter"],
        ["fetch", { filter: {} }, "Fetch with empty metadata filter is not allowed"],
        ["update", {}, "exactly one of documents and filter"],
        ["update", { documents: [good], set_fields: { n: 1 } }, "only valid together with a filter"],
        ["update", { filter: { n: 1 } }, "set_fields or remove_fields that are not empty"],
        ["update", { filter: { n: 1 }, set_fields: { n: 1 }, remove_fields: ["n"] }, "both set and removed"],
        ["delete", {}, "exactly one of ids, filter and delete_all: true"],
        ["delete", { delete_all: false }, "exactly one of ids, filter and delete_all: true"],
        ["delete", { ids: ["a"], delete_all: true }, "exactly one of ids, filter and delete_all: true"],
        ["upsert", {}, "documents"],
        ["search", { top_k: 1 }, "score_by"],
        ["search", { top_k: 1, score_by: [] }, "at least one scoring method"]
      ] as const) {
        const answer = await post(call, body)
        assert.match(answer, /^400 /)
        assert.include(answer, why)
      }
      assert.include(await post("upsert", { documents: [good] }), '202 {"upserted_count":1}')
      assert.strictEqual(await post("update", { documents: [good], set_fields: {} }), "202 {}")
      assert.strictEqual(await post("delete", { ids: ["good"] }), "202 {}")
    })
  )
})

describe("requests of documents that are none", () => {
  const nested = (levels: number): unknown => (levels === 0 ? "x" : { a: nested(levels - 1) })

  it.effect.each([
    ["POST", "articles/namespaces/n/documents/upsert", "{", 400, "not JSON"],
    ["POST", "articles/namespaces/n/documents/upsert", "[]", 400, "object"],
    ["POST", "articles/namespaces/n/documents/upsert", JSON.stringify({ documents: [nested(200)] }), 400, "too deeply"],
    ["POST", "articles/namespaces/n/documents/fetch", JSON.stringify({ filter: nested(200) }), 400, "too deeply"],
    ["POST", "articles/namespaces/n/documents/upsert", "x".repeat(200_000), 413, "at most 100000 bytes"],
    ["POST", "articles/namespaces/%E0%A4%A/documents/list", "{}", 400, "not a well encoded path"],
    ["POST", `articles/namespaces/${"n".repeat(513)}/documents/list`, "{}", 400, "Namespace length"],
    ["POST", "nothing/namespaces/n/documents/list", "{}", 404, "Index nothing not found"]
  ] as const)("%s %s", ([method, path, body, status, why]) =>
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator.make({ maxBodyBytes: 100_000 })
      yield* emulator.createIndex({ name: "articles", schema: { fields: { sparse: { type: "sparse_vector" } } } })
      const answer = yield* sender(emulator.url, { "api-key": "k" })(method, `/i/${path}`, body)
      assert.strictEqual(answer.status, status)
      assert.deepInclude(json(answer), { status })
      assert.include(answer.text, why)
    })
  )
})

describe("an index of documents has what an index has", () => {
  it.effect("namespaces and counts", () =>
    withArticles(async (articles, client) => {
      await articles.documents.upsert({ documents })
      await client.index({ name: "articles" }).documents.upsert({ documents: [documents[0]!] })
      assert.deepStrictEqual((await articles.describeIndexStats()).namespaces, {
        news: { recordCount: 3 },
        __default__: { recordCount: 1 }
      })
      assert.strictEqual((await articles.describeNamespace("news")).recordCount, "3")
      await articles.deleteNamespace("news")
      assert.deepStrictEqual(
        (await articles.listNamespaces()).namespaces?.map(({ name }) => name),
        ["__default__"]
      )
      await fails(articles.documents.delete({ ids: ["a"] }), "PineconeNotFoundError", "")
    })
  )

  it.effect("a form for older versions of the API", () =>
    withArticles(async (_, __, { url }) => {
      const headers = { "api-key": "k", "x-pinecone-api-version": "2025-10" }
      const model: unknown = await (await fetch(`${url}/indexes/articles`, { headers })).json()
      assert.deepInclude(model, { dimension: 2, metric: "dotproduct", vector_type: "dense" })
    })
  )

  it.effect("no vectors over gRPC either", () =>
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator.make()
      const schema = { fields: { sparse: { type: "sparse_vector" } } } as const
      const { host } = yield* emulator.createIndex({ name: "articles", schema })
      const upsert = Effect.flatMap(PineconeIndex, (index) => index.upsert({ records: [{ id: "a", values: [1] }] }))
      const grpc = PineconeGrpc.layer({ apiKey: Redacted.make("k"), host })
      const error = yield* Effect.flip(Effect.provide(upsert, grpc))
      assert.strictEqual(error.reason._tag, "RequestRefused")
      assert.include(error.message, "This index has a document schema, so writes must go through the documents API.")
    })
  )

  it.effect("writes that are seen when their numbers say so", () =>
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator.make({ visibleAfter: "2 seconds" })
      const { host } = yield* emulator.createIndex({
        name: "articles",
        schema: { fields: { title: { type: "string", fullTextSearch: {} } } }
      })
      let headers = new Headers()
      const fetchApi: typeof fetch = async (input, init) => {
        const response = await fetch(input, init)
        headers = response.headers
        return response
      }
      const client = new Pinecone({ apiKey: `documents-${++clients}`, controllerHostUrl: emulator.url, fetchApi })
      const articles = client.index({ host }).documents
      const search = Effect.promise(async () => {
        const { matches } = await articles.search({
          topK: 1,
          scoreBy: [{ type: "text", fields: ["title"], query: "rain" }]
        })
        return { found: matches.length, indexed: Number(headers.get("x-pinecone-max-indexed-lsn")) }
      })
      yield* Effect.promise(() => articles.upsert({ documents: [{ _id: "a", title: "rain" }] }))
      const lsn = Number(headers.get("x-pinecone-request-lsn"))
      const early = yield* search
      assert.strictEqual(early.found, 0)
      assert.isBelow(early.indexed, lsn)
      yield* TestClock.adjust("2 seconds")
      const late = yield* search
      assert.strictEqual(late.found, 1)
      assert.isAtLeast(late.indexed, lsn)
    })
  )

  const plan = FaultPlan.make([
    {
      name: "busy",
      operations: ["upsert"],
      namespace: "news",
      when: FaultPlan.nth(1),
      fault: FaultPlan.throttle({ retryAfter: "1 second" })
    },
    { name: "away", operations: ["search"], when: FaultPlan.nth(1), fault: FaultPlan.status(503) }
  ])
  it.effect("faults, in its own form", () =>
    withArticles(
      async (articles, _, emulator) => {
        await fails(articles.documents.upsert({ documents }), "PineconeUnmappedHttpError", "Status: 429")
        await articles.documents.upsert({ documents })
        const search = { topK: 1, scoreBy: [{ type: "text", fields: ["title"], query: "red" }] }
        await fails(articles.documents.search(search), "PineconeMaxRetriesExceededError", "")
        assert.strictEqual((await articles.documents.search(search)).matches.length, 1)
        assert.deepStrictEqual(await Effect.runPromise(emulator.faults.fired), { busy: 1, away: 1 })
        await Effect.runPromise(emulator.faults.reset)
        const response = await fetch(`${emulator.url}/i/articles/namespaces/news/documents/upsert`, {
          method: "POST",
          headers: { "api-key": "k" },
          body: "{}"
        })
        assert.strictEqual(response.status, 429)
        assert.deepInclude(await response.json(), { status: 429 })
      },
      { faultPlan: plan }
    )
  )

  it.effect("quotas", () =>
    withArticles(
      async (articles, _, emulator) => {
        await articles.documents.upsert({ documents })
        await fails(articles.documents.upsert({ documents }), "PineconeUnmappedHttpError", "Status: 429")
        await articles.documents.delete({ filter: { year: 1 } })
        await fails(articles.documents.delete({ filter: { year: 1 } }), "PineconeUnmappedHttpError", "Status: 429")
        const two = { documents: documents.slice(0, 2).map(({ _id }) => ({ _id, year: 2020 })) }
        await articles.documents.update(two)
        await fails(articles.documents.update(two), "PineconeUnmappedHttpError", "Status: 429")
        assert.deepStrictEqual(await Effect.runPromise(emulator.faults.overQuota), {
          upsertRequestsPerNamespace: 1,
          deleteByMetadataRequestsPerNamespace: 1,
          updateRecordsPerNamespace: 1
        })
      },
      {
        quotas: {
          upsertRequestsPerNamespace: 1,
          deleteByMetadataRequestsPerNamespace: 1,
          updateRecordsPerNamespace: 3
        }
      }
    )
  )
})

describe("an emulator that keeps its data", () => {
  it.effect("keeps documents, their schema and what was changed", () =>
    Effect.gen(function* () {
      const data = fs.mkdtempSync(path.join(os.tmpdir(), "documents-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(data, { recursive: true })))
      const { title, ...rest } = documents[0]!
      yield* Effect.scoped(
        withArticles(
          async (articles) => {
            await articles.documents.upsert({ documents })
            await articles.documents.update({ documents: [{ _id: "a", _remove_fields: ["title", "dense"] }] })
            await articles.documents.delete({ ids: ["b"] })
          },
          { data }
        )
      )
      const emulator = yield* PineconeEmulator.make({ data })
      const client = new Pinecone({ apiKey: `documents-${++clients}`, controllerHostUrl: emulator.url })
      yield* Effect.promise(async () => {
        const articles = client.index({ name: "articles", namespace: "news" })
        const { dense: _, ...kept } = rest
        assert.deepStrictEqual((await articles.documents.fetch({ ids: ["a", "b", "c"] })).documents, {
          a: kept,
          c: documents[2]!
        })
        const search = { topK: 9, scoreBy: [{ type: "text", fields: ["title", "body"], query: `${title} rain` }] }
        assert.deepStrictEqual(
          (await articles.documents.search(search)).matches.map(({ _id }) => _id),
          ["a", "c"]
        )
        await fails(
          articles.upsert({ records: [{ id: "a", values: [1, 2] }] }),
          "PineconeBadRequestError",
          "documents API"
        )
      })
    })
  )
})

describe("an index of documents made in a program", () => {
  it.effect("has the schema it is given, or says what is wrong with it", () =>
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator.make()
      const fullTextSearch = { stemming: true, stopWords: true }
      yield* emulator.createIndex({ name: "a", schema: { fields: { title: { type: "string", fullTextSearch } } } })
      const client = new Pinecone({ apiKey: `documents-${++clients}`, controllerHostUrl: emulator.url })
      const { schema } = yield* Effect.promise(() => client.describeIndex("a"))
      assert.deepStrictEqual(JSON.parse(JSON.stringify(schema.fields["title"])), {
        type: "string",
        fullTextSearch: { language: "en", ...fullTextSearch }
      })
      const error = yield* Effect.flip(emulator.createIndex({ name: "b", schema: { fields: {} } }))
      assert.strictEqual(error.reason._tag, "RequestRefused")
      assert.include(error.message, "Schema must contain at least one")
    })
  )
})

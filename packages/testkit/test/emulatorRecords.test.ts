/** Records with text and models by themselves: the official client, unchanged, against the emulator. */
import { PineconeEmulator } from "@effect-connectors/testkit"
import type { EmbedRequest, Options, Service } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { type Index, Pinecone } from "pinecone-sdk-9"
import { denseOf, sparseOf } from "../src/internal/records/embedding.ts"
import { sender } from "./rawHttp.ts"

let clients = 0

/** Runs `body` with an index of records with text in an emulator of its own. */
const withNotes = (
  body: (notes: Index, client: Pinecone, emulator: Service) => Promise<void>,
  { model = "llama-text-embed-v2", ...options }: Options & { readonly model?: string } = {}
) =>
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator.make(options)
    const client = new Pinecone({ apiKey: `records-${++clients}`, controllerHostUrl: emulator.url, maxRetries: 0 })
    yield* Effect.promise(async () => {
      await client.createIndexForModel({
        name: "notes",
        cloud: "aws",
        region: "us-east-1",
        embed: { model, fieldMap: { text: "note" } },
        waitUntilReady: true
      })
      await body(client.index({ name: "notes", namespace: "ns" }), client, emulator)
    })
  })

const records = [
  { _id: "a", note: "The umbrella keeps the rain off", year: 2020 },
  { id: "b", note: "Running shoes for dry ground", year: 2024 },
  { _id: "c", note: "Rain boots and rain coats", year: 2024, tags: ["wet"] }
]

const fails = async (call: Promise<unknown>, name: string, part: string): Promise<void> => {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error
  )
  assert.instanceOf(error, Error)
  assert.strictEqual(error.name, name)
  assert.include(error.message, part)
}

const hitsOf = async (notes: Index, ...[options]: Parameters<Index["searchRecords"]>) =>
  (await notes.searchRecords(options)).result.hits

const idsOf = async (notes: Index, ...[options]: Parameters<Index["searchRecords"]>) =>
  (await hitsOf(notes, options)).map(({ _id }) => _id)

describe("records of the official client", () => {
  it.effect("an index tells its model", () =>
    withNotes(async (_, client) => {
      const model = await client.describeIndex("notes")
      assert.deepInclude(model.schema.fields["note"], {
        type: "semantic_text",
        model: "llama-text-embed-v2",
        dimension: 1_024,
        metric: "cosine"
      })
      await fails(
        client.createIndexForModel({
          name: "other",
          cloud: "aws",
          region: "r",
          embed: { model: "gpt", fieldMap: { text: "t" } }
        }),
        "PineconeBadRequestError",
        "'gpt' is none of the emulator's"
      )
    })
  )

  it.effect("are found by text, with their fields", () =>
    withNotes(async (notes) => {
      await notes.upsertRecords({ records })
      const near = { topK: 2, inputs: { text: "rain umbrella" } }
      const reply = await notes.searchRecords({ query: near })
      const [first, second] = reply.result.hits
      assert.deepStrictEqual(first?.fields, { note: records[0]!.note, year: 2020 })
      assert(second?._id === "c")
      assert.isAbove(first?._score ?? NaN, second._score)
      assert.deepInclude(reply.usage, { readUnits: 0.25, embedTotalTokens: 2 })
      assert.deepStrictEqual(await idsOf(notes, { query: { ...near, filter: { year: 2024 } } }), ["c", "b"])
      const [chosen] = await hitsOf(notes, { query: near, fields: ["year"] })
      assert.deepStrictEqual(chosen?.fields, { year: 2020 })
    })
  )

  it.effect("are found by a vector and by the id of another", () =>
    withNotes(async (notes) => {
      await notes.upsertRecords({ records })
      const values = Array.from(denseOf(records[1]!.note, 1_024))
      const [hit] = await hitsOf(notes, { query: { topK: 1, vector: { values } } })
      assert(hit?._id === "b")
      assert.approximately(hit._score, 1, 1e-5)
      assert.deepStrictEqual(await idsOf(notes, { query: { topK: 1, id: "c" } }), ["c"])
      assert.deepStrictEqual(await idsOf(notes, { query: { topK: 1, id: "nobody" } }), [])
    })
  )

  it.effect("are vectors with metadata to the other calls", () =>
    withNotes(async (notes) => {
      await notes.upsertRecords({ records })
      const { records: stored } = await notes.fetch({ ids: ["b"] })
      assert.deepStrictEqual(stored["b"]?.metadata, { note: records[1]!.note, year: 2024 })
      assert.strictEqual(stored["b"]?.values?.length, 1_024)
      await notes.deleteOne({ id: "b" })
      assert.deepStrictEqual((await notes.describeIndexStats()).namespaces, { ns: { recordCount: 2 } })
    })
  )

  it.effect("are ranked again, by the text of the search or by another", () =>
    withNotes(async (notes) => {
      await notes.upsertRecords({ records })
      const query = { topK: 3, inputs: { text: "rain umbrella" } }
      const rerank = { model: "bge-reranker-v2-m3", rankFields: ["note"], topN: 2 }
      const same = await notes.searchRecords({ query, rerank })
      assert.deepStrictEqual(
        same.result.hits.map(({ _id }) => _id),
        ["a", "c"]
      )
      assert.strictEqual(same.usage.rerankUnits, 1)
      for (const { _score } of same.result.hits) assert.isTrue(_score > 0.5 && _score <= 1)
      const other = { ...rerank, query: "running on dry ground" }
      assert.deepStrictEqual(await idsOf(notes, { query, rerank: other }), ["b", "c"])
      const byId = notes.searchRecords({ query: { topK: 3, id: "a" }, rerank })
      await fails(byId, "PineconeBadRequestError", "needs a query to rerank by")
      const missing = notes.searchRecords({ query, rerank: { ...rerank, rankFields: ["tags"] } })
      await fails(missing, "PineconeBadRequestError", "Field 'tags' to rank by")
      const unknown = notes.searchRecords({ query, rerank: { ...rerank, model: "magic" } })
      await fails(unknown, "PineconeBadRequestError", "'magic' is none of the emulator's")
    })
  )

  it.effect("of a sparse model are found by words they share, and by words they must have", () =>
    withNotes(
      async (notes, client) => {
        const { schema } = await client.describeIndex("notes")
        assert.deepInclude(schema.fields["note"], { type: "semantic_text", metric: "dotproduct" })
        await notes.upsertRecords({ records })
        const query = { topK: 3, inputs: { text: "rain shoes" } }
        const [first] = await hitsOf(notes, { query })
        assert.deepInclude(first, { _id: "c", _score: 2 })
        assert.deepStrictEqual(await idsOf(notes, { query }), ["c", "a", "b"])
        const matchTerms = { strategy: "all", terms: ["KEEPS the", "rain"] }
        assert.deepStrictEqual(await idsOf(notes, { query: { ...query, matchTerms } }), ["a"])
        const filter = { year: 2024 }
        assert.deepStrictEqual(await idsOf(notes, { query: { ...query, matchTerms, filter } }), [])
        const { indices, values } = sparseOf("dry")
        const vector = { sparseIndices: indices, sparseValues: values }
        assert.deepStrictEqual(await idsOf(notes, { query: { topK: 1, vector } }), ["b"])
      },
      { model: "pinecone-sparse-english-v0" }
    )
  )

  it.effect("that break a rule are refused, with those beside them", () =>
    withNotes(async (notes, client) => {
      const bad = "PineconeBadRequestError"
      const many = Array.from({ length: 97 }, (_, n) => ({ _id: `${n}`, note: "x" }))
      await fails(notes.upsertRecords({ records: many }), bad, "from 1 to 96, got 97")
      await fails(notes.upsertRecords({ records: [] }), bad, "from 1 to 96, got 0")
      const noText = notes.upsertRecords({ records: [records[0]!, { _id: "x", year: 1 }] })
      await fails(noText, bad, "Record 'x' has no text in its field 'note'")
      const nested = notes.upsertRecords({ records: [{ _id: "x", note: "t", deep: { a: 1 } }] as never })
      await fails(nested, bad, "Metadata value must be")
      await fails(notes.searchRecords({ query: { topK: 1 } }), bad, "exactly one of inputs, vector and id")
      const terms = { topK: 1, inputs: { text: "rain" }, matchTerms: { strategy: "all", terms: ["rain"] } }
      await fails(notes.searchRecords({ query: terms }), bad, "only for indexes with the model pinecone-sparse")
      await fails(notes.searchRecords({ query: { topK: 0, inputs: { text: "x" } } }), bad, "topK must be")
      assert.strictEqual((await notes.describeIndexStats()).totalRecordCount, 0)
      const spec = { serverless: { cloud: "aws", region: "us-east-1" } } as const
      await client.createIndex({ name: "vectors", dimension: 2, spec })
      const vectors = client.index({ name: "vectors" })
      await fails(vectors.upsertRecords({ records }), bad, "Integrated inference is not configured for this index")
    })
  )

  it.effect("on the wire: 201 without a body, lines that are no JSON, and the number of the write", () =>
    withNotes(async (_, __, { url }) => {
      const send = sender(`${url}/i/notes`, { "api-key": "k", "content-type": "application/x-ndjson" })
      const post = (path: string, body: string) =>
        Effect.runPromise(send("POST", `/records/namespaces/ns/${path}`, body))
      const upsert = (body: string) => post("upsert", body)
      const written = await upsert(records.map((record) => JSON.stringify(record)).join("\n"))
      assert.deepStrictEqual([written.status, written.text], [201, ""])
      assert.strictEqual(written.headers.get("x-pinecone-request-lsn"), "1")
      const broken = await upsert('{"_id":"x","note":"t"}\n{"_id"')
      assert.strictEqual(broken.status, 400)
      assert.deepInclude(JSON.parse(broken.text), { status: 400 })
      const found = await post("search", JSON.stringify({ query: { top_k: 1, inputs: { text: "rain" } } }))
      assert.strictEqual(found.headers.get("x-pinecone-max-indexed-lsn"), "1")
      assert.deepStrictEqual(Object.keys(JSON.parse(found.text)), ["result", "usage"])
    })
  )

  const asked: Array<EmbedRequest> = []
  it.effect("get their vectors from the function that is given", () =>
    withNotes(
      async (notes, client) => {
        await notes.upsertRecords({ records })
        assert.deepStrictEqual(await idsOf(notes, { query: { topK: 1, inputs: { text: "shoes?" } } }), ["b"])
        assert.deepStrictEqual(
          asked.map(({ dimension, inputType, model, texts }) => [model, inputType, dimension, texts.length]),
          [
            ["llama-text-embed-v2", "passage", 1_024, 3],
            ["llama-text-embed-v2", "query", 1_024, 1]
          ]
        )
        const embedding = await client.inference.embed({ model: "llama-text-embed-v2", inputs: ["shoes"] })
        assert.deepInclude(embedding.data[0], { vectorType: "dense" })
        const sparse = await client.inference.embed({ model: "pinecone-sparse-english-v0", inputs: ["rain"] })
        assert.deepInclude(sparse.data[0], { sparseIndices: sparseOf("rain").indices })
        assert.lengthOf(asked, 3)
        await fails(
          notes.upsertRecords({ records: [{ _id: "x", note: "fail" }] }),
          "PineconeMaxRetriesExceededError",
          ""
        )
        await fails(
          notes.upsertRecords({ records: [{ _id: "x", note: "short" }] }),
          "PineconeMaxRetriesExceededError",
          ""
        )
        assert.strictEqual((await notes.describeIndexStats()).totalRecordCount, 3)
      },
      {
        embed: (request) => {
          asked.push(request)
          if (request.texts.includes("fail")) return Effect.fail("no model today")
          const size = request.texts.includes("short") ? 1 : request.dimension
          return Effect.succeed(
            request.texts.map((text) => {
              const vector = Array.from({ length: size }, () => 0)
              vector[/shoes/.test(text) ? 1 : 0] = 1
              return vector
            })
          )
        }
      }
    )
  )
})

describe("models by themselves", () => {
  it.effect("embed texts, dense and sparse", () =>
    withNotes(async (_, client) => {
      const dense = await client.inference.embed({
        model: "llama-text-embed-v2",
        inputs: ["rain", "rain", "shoes"],
        parameters: { input_type: "query", dimension: "384" }
      })
      const vectors = dense.data.map((one) => ("values" in one ? one.values : []))
      assert.strictEqual(vectors[0]?.length, 384)
      assert.deepStrictEqual(vectors[0], vectors[1])
      assert.notDeepEqual(vectors[0], vectors[2])
      assert.deepInclude(dense, { model: "llama-text-embed-v2", vectorType: "dense", usage: { totalTokens: 3 } })
      const sparse = await client.inference.embed({ model: "pinecone-sparse-english-v0", inputs: ["rain on rain"] })
      const { indices, values } = sparseOf("rain on rain")
      assert.deepInclude(sparse.data[0], { vectorType: "sparse", sparseIndices: indices, sparseValues: values })
      const many = Array.from({ length: 97 }, () => "x")
      const bad = "PineconeBadRequestError"
      await fails(client.inference.embed({ model: "llama-text-embed-v2", inputs: many }), bad, "from 1 to 96, got 97")
      await fails(client.inference.embed({ model: "gpt", inputs: ["x"] }), bad, "'gpt' is none of the emulator's")
      await fails(
        client.inference.embed({ model: "multilingual-e5-large", inputs: ["x"], parameters: { dimension: "3" } }),
        bad,
        "has no vectors of dimension 3"
      )
    })
  )

  it.effect("rank documents", () =>
    withNotes(async (_, client) => {
      const model = "bge-reranker-v2-m3"
      const documents = ["dry ground", "rain boots", "red rain"]
      const { data, usage } = await client.inference.rerank({ model, query: "red rain", documents, topN: 2 })
      assert.deepStrictEqual(
        data.map(({ document, index }) => [index, document]),
        [
          [2, { text: "red rain" }],
          [1, { text: "rain boots" }]
        ]
      )
      assert.approximately(data[0]!.score, 1, 1e-5)
      assert.deepStrictEqual(usage, { rerankUnits: 1 })
      const fields = [{ title: "rain" }, { title: "shoes" }]
      const some = await client.inference.rerank({
        model,
        query: "shoes",
        documents: fields,
        rankFields: ["title"],
        returnDocuments: false
      })
      assert.deepStrictEqual(
        some.data.map(({ document, index }) => [index, document]),
        [
          [1, undefined],
          [0, undefined]
        ]
      )
      const wrong = (change: Partial<Parameters<typeof client.inference.rerank>[0]>, name: string, says: string) =>
        fails(client.inference.rerank({ model, query: "shoes", documents, ...change }), name, says)
      await wrong({ model: "magic" }, "PineconeNotFoundError", "/rerank returned HTTP status 404")
      const many = Array.from({ length: 101 }, () => "x")
      const bad = "PineconeBadRequestError"
      await wrong({ documents: many }, bad, "Number of documents must be a whole number from 1 to 100, got 101")
      await wrong({ topN: -1 }, bad, "top_n must be a whole number from 1 to 100, got -1")
      await wrong({ rankFields: ["title"] }, bad, "Field 'title' to rank by must be a string")
    })
  )

  it.effect("texts do not come into an index that took the place of theirs meanwhile", () =>
    Effect.gen(function* () {
      const embeds = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const emulator = yield* PineconeEmulator.make({
        embed: ({ dimension, texts }) =>
          Effect.gen(function* () {
            yield* Deferred.succeed(embeds, undefined)
            yield* Deferred.await(goOn)
            return texts.map(() => Float32Array.from({ length: dimension }, () => 1))
          })
      })
      const send = sender(emulator.url, { "api-key": "records" })
      yield* emulator.createIndex({ name: "notes", embed: { model: "llama-text-embed-v2" } })
      const record = `${JSON.stringify({ _id: "a", text: "rain" })}\n`
      const upsert = yield* Effect.forkChild(send("POST", "/i/notes/records/namespaces/ns/upsert", record))
      yield* Deferred.await(embeds)
      assert.strictEqual((yield* send("DELETE", "/indexes/notes")).status, 202)
      yield* emulator.createIndex({ name: "notes", dimension: 3 })
      yield* Deferred.succeed(goOn, undefined)
      assert.strictEqual((yield* Fiber.join(upsert)).status, 404)
      const stats = yield* send("POST", "/i/notes/describe_index_stats", {})
      assert.include(stats.text, '"totalVectorCount":0')
    })
  )

  it.effect("are listed", () =>
    withNotes(async (_, client) => {
      const { models = [] } = await client.inference.listModels({ type: "embed", vectorType: "sparse" })
      assert.deepStrictEqual(
        models.map(({ model }) => model),
        ["pinecone-sparse-english-v0"]
      )
      assert.deepInclude(await client.inference.getModel("bge-reranker-v2-m3"), { type: "rerank" })
      await fails(client.inference.getModel("gpt"), "PineconeNotFoundError", "")
    })
  )
})

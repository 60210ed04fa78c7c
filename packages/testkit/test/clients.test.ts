/** The emulator as clients see it that were not written for it: each is used as it is published. */
import { PineconeEmulator } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Client, clients, type Index, type WithMetadata, type WithNamespaces } from "./clientsSupport.ts"

const create = (client: Client, name: string, dimension = 2) =>
  client.control.createIndex({
    name,
    dimension,
    metric: "cosine",
    spec: { serverless: { cloud: "aws", region: "us-east-1" } },
    waitUntilReady: true
  })

/** The ids of every page, page by page. */
const pages = async (index: Index, prefix: string, limit: number) => {
  const walked: Array<Array<string>> = []
  let paginationToken: string | undefined
  do {
    const page = await index.listPaginated({ prefix, limit, ...(paginationToken && { paginationToken }) })
    walked.push((page.vectors ?? []).map(({ id }) => String(id)))
    paginationToken = page.pagination?.next
  } while (paginationToken !== undefined)
  return walked
}

const left = async (index: Index): Promise<string> => (await pages(index, "", 100)).flat().join(" ")

const failureOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "none",
    (error: unknown) => (error instanceof Error ? error.name : "unknown")
  )

const books = Array.from({ length: 25 }, (_, at) => ({
  id: `book-${String(at).padStart(2, "0")}`,
  values: [1, at / 10],
  metadata: { genre: at % 2 === 0 ? "even" : "odd", at, tags: ["paper", `t${at}`], inPrint: true }
}))

const round = async (client: Client, url: string) => {
  const { control } = client

  // the index
  await create(client, "books")
  for (const model of [await control.describeIndex("books"), (await control.listIndexes()).indexes?.[0]]) {
    assert.deepInclude(model?.status, { ready: true })
    assert.deepStrictEqual([model?.name, model?.dimension, model?.metric], ["books", 2, "cosine"])
    assert.match(model?.host ?? "", /^http:\/\/127\.0\.0\.1:\d+$/)
    assert.notStrictEqual(model?.host, url)
  }
  assert.strictEqual(await failureOf(create(client, "books")), "PineconeConflictError")

  // records in
  const index = client.index("books", "shelf")
  await index.upsert({ records: books })
  await client.index("books", "other").upsert({ records: [{ id: "lonely", values: [3, 4] }] })
  const stats = await index.describeIndexStats()
  assert.deepInclude(stats, {
    namespaces: { shelf: { recordCount: 25 }, other: { recordCount: 1 } },
    dimension: 2,
    totalRecordCount: 26
  })

  // records out
  const { matches, usage } = await index.query({
    vector: [1, 0],
    topK: 3,
    filter: { genre: { $eq: "even" }, at: { $gt: 0 } },
    includeMetadata: true
  })
  assert.deepStrictEqual(
    matches.map(({ id, metadata }) => [id, metadata]),
    [2, 4, 6].map((at) => [books[at]?.id, books[at]?.metadata])
  )
  for (const [i, { score }] of matches.entries()) {
    assert.closeTo(score ?? Number.NaN, 1 / Math.hypot(1, ((i + 1) * 2) / 10), 1e-6)
  }
  assert.isAbove(usage?.readUnits ?? 0, 0)
  const { records } = await index.fetch({ ids: ["book-07", "nobody"] })
  assert.deepStrictEqual(Object.keys(records), ["book-07"])
  assert.deepInclude(records["book-07"], books[7])
  assert.deepStrictEqual(
    (await pages(index, "book-", 10)).map((page) => page.length),
    [10, 10, 5]
  )
  assert.deepStrictEqual(await pages(index, "book-1", 100), [books.slice(10, 20).map(({ id }) => id)])

  // changes
  await index.update({ id: "book-07", values: [0.1, 0.7], metadata: { genre: "new" } })
  const updated = (await index.fetch({ ids: ["book-07"] })).records["book-07"]
  assert.deepStrictEqual(updated?.values, [0.1, 0.7])
  assert.deepStrictEqual(updated?.metadata, { ...books[7]?.metadata, genre: "new" })

  // deletes
  await index.deleteOne({ id: "book-00" })
  await index.deleteMany({ ids: ["book-01", "book-02"] })
  await index.deleteMany({ filter: { at: { $gte: 6 } } })
  assert.strictEqual(await left(index), "book-03 book-04 book-05")
  await index.deleteAll()
  assert.strictEqual(await left(index), "")
  assert.strictEqual(await left(client.index("books", "other")), "lonely")
}

const namespacesRound = async (index: WithNamespaces) => {
  const names = async () => ((await index.listNamespaces()).namespaces ?? []).map(({ name }) => name)
  assert.deepStrictEqual(await names(), ["other", "shelf"])
  const { name, recordCount } = await index.describeNamespace("other")
  assert.deepStrictEqual([name, Number(recordCount)], ["other", 1])
  await index.deleteNamespace("other")
  assert.deepStrictEqual(await names(), ["shelf"])
}

const metadataRound = async (index: Index & WithMetadata) => {
  await index.upsert({ records: books })
  await index.update({ filter: { genre: "odd" }, metadata: { sold: true } })
  const filter = { sold: true }
  const first = await index.fetchByMetadata({ filter, limit: 8 })
  const second = await index.fetchByMetadata({ filter, limit: 8, paginationToken: first.pagination?.next ?? "" })
  assert.strictEqual(Object.keys(first.records).length, 8)
  assert.isUndefined(second.pagination)
  assert.deepStrictEqual(
    Object.values({ ...first.records, ...second.records }).map(({ id, metadata, values }) => ({
      id,
      values,
      metadata
    })),
    books
      .filter(({ metadata }) => metadata.genre === "odd")
      .map((book) => ({ ...book, metadata: { ...book.metadata, sold: true } }))
  )
  const { name, recordCount } = await index.createNamespace({ name: "made" })
  assert.deepStrictEqual([name, Number(recordCount)], ["made", 0])
  assert.strictEqual(await failureOf(index.createNamespace({ name: "made" })), "PineconeConflictError")
}

describe("the official client", () => {
  it.effect.each(Object.keys(clients))("%s: the whole round", (version) =>
    Effect.gen(function* () {
      const { url } = yield* PineconeEmulator.make()
      const client = clients[version]!(url)
      yield* Effect.promise(async () => {
        await round(client, url)
        if (client.namespaces) await namespacesRound(client.namespaces("books"))
        if (client.metadata) await metadataRound(client.metadata("books", "shelf"))
        await client.control.deleteIndex("books")
        assert.strictEqual(await failureOf(client.control.describeIndex("books")), "PineconeNotFoundError")
      })
    })
  )
})

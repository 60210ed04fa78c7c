/** What each call of a document index sends, and what becomes of its answer. */
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeDocumentIndex, type Service } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { atDocuments, bodies, byName, described } from "./support/documents.ts"
import { key, refusalOf } from "./support/secrets.ts"

interface Row {
  readonly name: string
  readonly call: (index: Service) => Effect.Effect<unknown, PineconeError>
  readonly path: string
  readonly body?: unknown
  readonly status?: number
  readonly answer?: unknown
  readonly reply: unknown
}

const sparse = { indices: Uint32Array.of(3, 4_294_967_295), values: Float32Array.of(0.5, 2) }
const plainSparse = { indices: [3, 4_294_967_295], values: [0.5, 2] }

const rows: ReadonlyArray<Row> = [
  {
    name: "upsert",
    call: (index) =>
      index.upsert({
        namespace: "a b",
        documents: [
          { _id: 'a"\n', title: "é", embedding: Float32Array.of(0.5, -2), terms: sparse, tags: ["x"], n: 0, ok: false },
          index.encode({ _id: "b", embedding: [0.25, 1], tags: [] })
        ]
      }),
    path: "/namespaces/a%20b/documents/upsert",
    body: {
      documents: [
        { _id: 'a"\n', title: "é", embedding: [0.5, -2], terms: plainSparse, tags: ["x"], n: 0, ok: false },
        { _id: "b", embedding: [0.25, 1], tags: [] }
      ]
    },
    status: 202,
    answer: { upserted_count: 2 },
    reply: { count: 2, lsn: 42 }
  },
  {
    name: "search by a dense vector",
    call: (index) =>
      index.search({
        scoreBy: [{ type: "dense_vector", fields: ["embedding"], values: Float32Array.of(0.5, 1) }],
        topK: 10,
        filter: { year: { $gte: 2020 }, flag: false },
        includeFields: ["title", "year"]
      }),
    path: "/namespaces/__default__/documents/search",
    body: {
      score_by: [{ type: "dense_vector", fields: ["embedding"], values: [0.5, 1] }],
      top_k: 10,
      filter: { year: { $gte: 2020 }, flag: { $eq: false } },
      include_fields: ["title", "year"]
    },
    answer: {
      matches: [
        { _id: "a", _score: 0.5, title: "A", year: 2021, gone: null },
        { _id: "b", _score: null }
      ],
      namespace: "__default__",
      usage: { read_units: 3 }
    },
    reply: {
      matches: [
        { _id: "a", _score: 0.5, title: "A", year: 2021 },
        { _id: "b", _score: null }
      ],
      readUnits: 3,
      indexedLsn: 41
    }
  },
  {
    name: "search by a sparse vector",
    call: (index) =>
      index.search({ scoreBy: [{ type: "sparse_vector", fields: ["terms"], sparseValues: sparse }], topK: 1 }),
    path: "/namespaces/__default__/documents/search",
    body: { score_by: [{ type: "sparse_vector", fields: ["terms"], sparse_values: plainSparse }], top_k: 1 },
    answer: { matches: [] },
    reply: { matches: [], readUnits: undefined, indexedLsn: 41 }
  },
  {
    name: "search by text and a query string",
    call: (index) =>
      index.search({
        scoreBy: [
          { type: "text", fields: ["title", "body"], query: 'say "hi"' },
          { type: "query_string", query: "title:(a AND b)" }
        ],
        topK: 1
      }),
    path: "/namespaces/__default__/documents/search",
    body: {
      score_by: [
        { type: "text", fields: ["title", "body"], query: 'say "hi"' },
        { type: "query_string", query: "title:(a AND b)" }
      ],
      top_k: 1
    },
    answer: { matches: [] },
    reply: { matches: [], readUnits: undefined, indexedLsn: 41 }
  },
  {
    name: "fetch by ids",
    call: (index) => index.fetch({ ids: ["a", "b c"], includeFields: ["title"] }),
    path: "/namespaces/__default__/documents/fetch",
    body: { ids: ["a", "b c"], include_fields: ["title"] },
    answer: { documents: { a: { _id: "a", title: "A", terms: plainSparse, embedding: [1, 2] } }, usage: {} },
    reply: {
      documents: new Map([["a", { _id: "a", title: "A", terms: plainSparse, embedding: [1, 2] }]]),
      next: undefined,
      readUnits: undefined,
      indexedLsn: 41
    }
  },
  {
    name: "fetch by filter",
    call: (index) => index.fetch({ filter: { n: 0 }, limit: 10_000, paginationToken: "t" }),
    path: "/namespaces/__default__/documents/fetch",
    body: { filter: { n: { $eq: 0 } }, limit: 10_000, pagination_token: "t" },
    answer: { documents: {}, pagination: { next: "u" } },
    reply: { documents: new Map(), next: "u", readUnits: undefined, indexedLsn: 41 }
  },
  {
    name: "list",
    call: (index) => index.list({ prefix: "a#", limit: 2, paginationToken: "t" }),
    path: "/namespaces/__default__/documents/list",
    body: { prefix: "a#", limit: 2, pagination_token: "t" },
    answer: { documents: [{ _id: "a#1" }, { _id: "a#2" }], pagination: { next: "u" }, usage: { read_units: 1 } },
    reply: { ids: ["a#1", "a#2"], next: "u", readUnits: 1, indexedLsn: 41 }
  },
  {
    name: "update by id",
    call: (index) =>
      index.update({
        documents: [
          { _id: "a", title: "B", _remove_fields: ["year"] },
          { _id: "b", embedding: [1] }
        ]
      }),
    path: "/namespaces/__default__/documents/update",
    body: {
      documents: [
        { _id: "a", title: "B", _remove_fields: ["year"] },
        { _id: "b", embedding: [1] }
      ]
    },
    status: 202,
    reply: { count: undefined, lsn: 42 }
  },
  {
    name: "update by filter",
    call: (index) =>
      index.update({
        filter: { year: 2020 },
        setFields: { title: "C", embedding: Float32Array.of(0.5) },
        removeFields: ["year"]
      }),
    path: "/namespaces/__default__/documents/update",
    body: {
      filter: { year: { $eq: 2020 } },
      set_fields: { title: "C", embedding: [0.5] },
      remove_fields: ["year"]
    },
    status: 202,
    answer: { matched_records: 7 },
    reply: { count: 7, lsn: 42 }
  },
  {
    name: "delete by ids",
    call: (index) => index.delete({ ids: ["a"], namespace: "" }),
    path: "/namespaces/__default__/documents/delete",
    body: { ids: ["a"] },
    status: 202,
    answer: "",
    reply: { count: undefined, lsn: 42 }
  },
  {
    name: "delete by filter",
    call: (index) => index.delete({ filter: { ok: false } }),
    path: "/namespaces/__default__/documents/delete",
    body: { filter: { ok: { $eq: false } } },
    status: 202,
    answer: { matched_records: 0 },
    reply: { count: 0, lsn: 42 }
  },
  {
    name: "delete all",
    call: (index) => index.delete({ all: true }),
    path: "/namespaces/__default__/documents/delete",
    body: { delete_all: true },
    status: 202,
    answer: {},
    reply: { count: undefined, lsn: 42 }
  }
]

describe("the wire of documents", () => {
  it.effect("namespaces are those of every index", () =>
    atDocuments(
      [
        { body: { namespaces: { "": { vectorCount: 2 }, news: { vectorCount: 3 } }, totalVectorCount: 5 } },
        { body: { namespaces: [{ name: "news", record_count: "3" }], pagination: { next: "t" } } },
        { body: {} }
      ],
      (server) =>
        Effect.gen(function* () {
          const index = yield* PineconeDocumentIndex
          const { namespaces, totalRecords } = yield* index.stats
          assert.strictEqual(totalRecords, 5)
          assert.deepStrictEqual(Object.fromEntries(namespaces), { __default__: 2, news: 3 })
          assert.deepStrictEqual(yield* index.namespaces({ prefix: "n", limit: 1 }), {
            namespaces: [{ name: "news", records: 3 }],
            next: "t"
          })
          yield* index.deleteNamespace("")
          assert.deepStrictEqual(
            server.received.map(({ method, path }) => `${method} ${path}`),
            ["POST /describe_index_stats", "GET /namespaces?limit=1&prefix=n", "DELETE /namespaces/__default__"]
          )
        })
    )
  )

  for (const row of rows) {
    it.effect(row.name, () =>
      atDocuments(
        [
          {
            status: row.status ?? 200,
            headers: { "x-pinecone-request-lsn": "42", "x-pinecone-max-indexed-lsn": "41" },
            body: row.answer ?? {}
          }
        ],
        (server) =>
          Effect.gen(function* () {
            const reply = yield* row.call(yield* PineconeDocumentIndex)
            assert.deepStrictEqual(reply, row.reply)
            assert.deepStrictEqual(bodies(server), [row.body])
            const [request] = server.received
            assert.strictEqual(request?.method, "POST")
            assert.strictEqual(request?.path, row.path)
            assert.strictEqual(request?.headers["api-key"], key)
            assert.strictEqual(request?.headers["x-pinecone-api-version"], "2026-07")
            assert.strictEqual(request?.headers["content-type"], "application/json")
          })
      )
    )
  }

  const refused: ReadonlyArray<
    readonly [name: string, call: Row["call"], reason: string, says: RegExp, options?: { readonly maxRecords?: number }]
  > = [
    [
      "1,001 documents",
      (index) =>
        index.upsert({
          documents: [{ _id: "-", n: 1 }, ...Array.from({ length: 1000 }, (_, i) => ({ _id: `${i}`, n: 1 }))]
        }),
      "RequestTooLarge",
      /1001 documents, and maxRecords is 1000/
    ],
    ["no scores", (index) => index.search({ scoreBy: [], topK: 1 }), "InvalidRecord", /scoreBy is empty/],
    [
      "scores of mixed kinds",
      (index) =>
        index.search({
          scoreBy: [
            { type: "text", fields: ["title"], query: "a" },
            { type: "dense_vector", fields: ["embedding"], values: [1] }
          ],
          topK: 1
        }),
      "InvalidRecord",
      /mixes text and dense_vector/
    ],
    [
      "a query of blanks",
      (index) => index.search({ scoreBy: [{ type: "query_string", query: " \n" }], topK: 1 }),
      "InvalidRecord",
      /empty query/
    ],
    [
      "a query of 11 KB",
      (index) => index.search({ scoreBy: [{ type: "text", fields: ["a"], query: "é".repeat(5500) }], topK: 1 }),
      "InvalidRecord",
      /query of 11000 bytes; it may have 10240/
    ],
    [
      "an empty vector",
      (index) => index.search({ scoreBy: [{ type: "dense_vector", fields: ["a"], values: [] }], topK: 1 }),
      "InvalidRecord",
      /empty vector/
    ],
    [
      "a vector of two fields",
      (index) => index.search({ scoreBy: [{ type: "dense_vector", fields: ["a", "b"], values: [1] }], topK: 1 }),
      "InvalidRecord",
      /2 fields for a vector/
    ],
    [
      "a vector that is no number",
      (index) => index.search({ scoreBy: [{ type: "dense_vector", fields: ["a"], values: [NaN] }], topK: 1 }),
      "InvalidRecord",
      /NaN at position 0/
    ],
    [
      "a topK of none",
      (index) => index.search({ scoreBy: [{ type: "query_string", query: "a" }], topK: 0 }),
      "InvalidOption",
      /topK/
    ],
    ["an empty filter", (index) => index.delete({ filter: {} }), "InvalidRecord", /filter is empty/],
    ["a page of 10,001", (index) => index.fetch({ filter: { a: 1 }, limit: 10_001 }), "InvalidOption", /limit/],
    [
      "1,001 ids",
      (index) => index.fetch({ ids: ["-", ...Array.from({ length: 1000 }, (_, i) => `${i}`)] }),
      "RequestTooLarge",
      /1001 ids/
    ],
    ["a document of no fields", (index) => index.upsert({ documents: [{ _id: "a" }] }), "InvalidRecord", /no fields/],
    [
      "a field with $",
      (index) => index.upsert({ documents: [{ _id: "a", $b: 1 }] }),
      "InvalidRecord",
      /starts with \$/
    ],
    ["a field with _", (index) => index.upsert({ documents: [{ _id: "a", _b: 1 }] }), "InvalidRecord", /starts with _/],
    [
      "a field's name of 65 bytes",
      (index) => index.upsert({ documents: [{ _id: "a", ["é".repeat(33)]: 1 }] }),
      "InvalidRecord",
      /has 66 bytes; a name may have 64/
    ],
    ["a change of nothing", (index) => index.update({ documents: [{ _id: "a" }] }), "InvalidRecord", /changes nothing/],
    [
      "a field set and removed",
      (index) => index.update({ documents: [{ _id: "a", b: 1, _remove_fields: ["b"] }] }),
      "InvalidRecord",
      /set and removed/
    ],
    [
      "a change by filter of nothing",
      (index) => index.update({ filter: { a: 1 }, setFields: {}, removeFields: [] }),
      "InvalidRecord",
      /changes nothing/
    ],
    [
      "a change by filter to what JSON has not",
      (index) => index.update({ filter: { a: 1 }, setFields: { n: NaN } }),
      "InvalidRecord",
      /n holds none of what a field can/
    ],
    ["describe without a name", (index) => index.describe, "InvalidOption", /index is missing/]
  ]

  for (const [name, call, reason, says] of refused) {
    it.effect(`${name} is refused and not sent`, () =>
      atDocuments([], (server) =>
        Effect.gen(function* () {
          const error = yield* refusalOf(call(yield* PineconeDocumentIndex))
          assert.strictEqual(error.reason._tag, reason)
          assert.match(error.message, says)
          assert.lengthOf(server.received, 0)
        })
      )
    )
  }

  const planes: ReadonlyArray<readonly [plane: string, fields: Readonly<Record<string, unknown>>, says: RegExp]> = [
    ["vectors", { _values: { type: "dense_vector", dimension: 3, metric: "cosine" } }, /use PineconeIndex/],
    ["sparse vectors", { _sparse_values: { type: "sparse_vector" } }, /use PineconeIndex/],
    ["records", { text: { type: "semantic_text", model: "m", dimension: 3 } }, /use PineconeRecordIndex/]
  ]

  for (const [plane, fields, says] of planes) {
    it.effect(`an index of ${plane} is refused when the layer is built`, () =>
      Effect.gen(function* () {
        const used = atDocuments([described(fields)], () => Effect.die("it was built"), byName)
        const error = yield* refusalOf(used)
        assert.strictEqual(error.operation, "layer")
        assert.strictEqual(error.reason._tag, "InvalidOption")
        assert.match(error.message, says)
      })
    )
  }
})

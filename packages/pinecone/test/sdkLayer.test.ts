import type * as ConnectorError from "@effect-connectors/core/ConnectorError"
import type { Filter } from "@effect-connectors/pinecone/Filter"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { type Options, PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { type Line, type ScriptedServer, scriptedServer } from "../../../test/support/scriptedServer.ts"

const key = "pcsk_very_secret_0123456789"

const serviceOf = (options: Partial<Options>) =>
  Effect.map(Layer.build(PineconeIndex.layer({ apiKey: Redacted.make(key), ...options })), Context.get(PineconeIndex))

/** The service on a server that follows the script. */
const scripted = Effect.fnUntraced(function* (script: ReadonlyArray<Line>, options?: Partial<Options>) {
  const server = yield* scriptedServer(...script)
  return { server, index: yield* serviceOf({ host: server.url, ...options }) }
})

const onlyRequest = (server: ScriptedServer) => {
  assert.lengthOf(server.received, 1)
  const [request] = server.received
  assert(request !== undefined)
  return request
}

/** Fails when the key is anywhere in what a program can print of an error. */
const assertHidden = (error: unknown) => {
  const texts = [
    String(error),
    JSON.stringify(error),
    inspect(error, { depth: 10 }),
    Cause.pretty(Cause.fail(error)),
    error instanceof Error ? (error.stack ?? "") : ""
  ]
  for (const text of texts) assert.notInclude(text, key)
}

/** The reason of a call that must fail, with the key nowhere in the error. */
const reasonOf = <A, E extends { readonly reason: ConnectorError.Reason }, R>(call: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(call), (error) => {
    assertHidden(error)
    return error.reason
  })

type Call = (index: Service) => Effect.Effect<unknown, PineconeError>

interface Article {
  readonly flag: boolean
  readonly n: number
  readonly year: number
  readonly a: string
  readonly b: string
}

const filter: Filter<Article> = {
  $and: [{ flag: false, n: 0, year: { $gte: 2020 } }, { $or: [{ a: "x" }, { $not: { b: { $in: ["y", "z"] } } }] }]
}

interface WireRow {
  readonly name: string
  readonly call: Call
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly answer?: unknown
  readonly reply: unknown
}

const sparse = { indices: Uint32Array.of(3, 4_294_967_295), values: Float32Array.of(0.5, 2) }
const plainSparse = { indices: [3, 4_294_967_295], values: [0.5, 2] }

const wire: ReadonlyArray<WireRow> = [
  {
    name: "upsert",
    call: (index) =>
      index.upsert({
        records: [
          { id: 'a"\n', values: [0.1, -2], metadata: { tag: ["é"], n: 0, ok: false } },
          { id: "b", sparseValues: sparse }
        ]
      }),
    method: "POST",
    path: "/vectors/upsert",
    body: {
      vectors: [
        { id: 'a"\n', values: [0.1, -2], metadata: { tag: ["é"], n: 0, ok: false } },
        { id: "b", sparseValues: plainSparse }
      ],
      namespace: "__default__"
    },
    answer: { upsertedCount: 2, usage: { later: 1 } },
    reply: { count: 2, lsn: 42 }
  },
  {
    name: "query by vector",
    call: (index) =>
      index.query({
        topK: 10,
        vector: Float32Array.of(0.5, 1),
        sparseVector: sparse,
        filter,
        includeValues: true,
        includeMetadata: true,
        namespace: "news"
      }),
    method: "POST",
    path: "/query",
    body: {
      namespace: "news",
      topK: 10,
      filter: {
        $and: [
          { flag: { $eq: false }, n: { $eq: 0 }, year: { $gte: 2020 } },
          { $or: [{ a: { $eq: "x" } }, { $not: { b: { $in: ["y", "z"] } } }] }
        ]
      },
      includeValues: true,
      includeMetadata: true,
      vector: [0.5, 1],
      sparseVector: plainSparse
    },
    answer: {
      results: [],
      matches: [
        { id: "a", score: 0.9, values: [1, 2], metadata: { t: "x", gone: null } },
        { id: "b", score: -1, values: [], sparseValues: plainSparse }
      ],
      namespace: "news",
      usage: { readUnits: 5 }
    },
    reply: {
      matches: [
        { id: "a", score: 0.9, values: [1, 2], sparseValues: undefined, metadata: { t: "x" } },
        { id: "b", score: -1, values: undefined, sparseValues: plainSparse, metadata: undefined }
      ],
      readUnits: 5
    }
  },
  {
    name: "query by sparse vector alone, no matches",
    call: (index) => index.query({ topK: 1, sparseVector: sparse }),
    method: "POST",
    path: "/query",
    body: { namespace: "__default__", topK: 1, sparseVector: plainSparse },
    answer: {},
    reply: { matches: [], readUnits: undefined }
  },
  {
    name: "query by id",
    call: (index) => index.query({ topK: 1, id: "a", namespace: "" }),
    method: "POST",
    path: "/query",
    body: { namespace: "__default__", topK: 1, id: "a" },
    answer: { matches: [] },
    reply: { matches: [], readUnits: undefined }
  },
  {
    name: "fetch",
    call: (index) => index.fetch({ ids: ["a", "b c", "+&"], namespace: "news" }),
    method: "GET",
    path: "/vectors/fetch?ids=a&ids=b%20c&ids=%2B%26&namespace=news",
    answer: {
      vectors: {
        a: { id: "a", values: [1.5] },
        "b c": { id: "b c", values: [], sparseValues: plainSparse, metadata: null }
      },
      usage: { readUnits: 1 }
    },
    reply: {
      records: new Map([
        ["a", { id: "a", values: [1.5], sparseValues: undefined, metadata: undefined }],
        ["b c", { id: "b c", values: undefined, sparseValues: plainSparse, metadata: undefined }]
      ]),
      readUnits: 1
    }
  },
  {
    name: "list",
    call: (index) => index.list({ prefix: "a#", limit: 3, paginationToken: "t=" }),
    method: "GET",
    path: "/vectors/list?prefix=a%23&limit=3&paginationToken=t%3D&namespace=__default__",
    answer: { vectors: [{ id: "a#1" }, { id: "a#2" }], pagination: { next: "more" }, usage: { readUnits: 1 } },
    reply: { ids: ["a#1", "a#2"], next: "more", readUnits: 1 }
  },
  {
    name: "list, last page",
    call: (index) => index.list({ prefix: undefined }),
    method: "GET",
    path: "/vectors/list?namespace=__default__",
    answer: { pagination: { next: "" } },
    reply: { ids: [], next: undefined, readUnits: undefined }
  },
  {
    name: "update",
    call: (index) =>
      index.update({ id: "a", values: Float32Array.of(1), sparseValues: sparse, metadata: { tags: ["x"], n: 1 } }),
    method: "POST",
    path: "/vectors/update",
    body: {
      id: "a",
      values: [1],
      sparseValues: plainSparse,
      setMetadata: { tags: ["x"], n: 1 },
      namespace: "__default__"
    },
    answer: { matchedRecords: 1 },
    reply: { count: 1, lsn: 42 }
  },
  {
    name: "delete by ids",
    call: (index) => index.delete({ ids: ["a", "b"] }),
    method: "POST",
    path: "/vectors/delete",
    body: { ids: ["a", "b"], namespace: "__default__" },
    reply: { count: undefined, lsn: 42 }
  },
  {
    name: "delete by filter, empty answer",
    call: (index) => index.delete({ filter: { flag: false }, namespace: "news" }),
    method: "POST",
    path: "/vectors/delete",
    body: { filter: { flag: { $eq: false } }, namespace: "news" },
    answer: "",
    reply: { count: undefined, lsn: 42 }
  },
  {
    name: "delete all",
    call: (index) => index.delete({ all: true }),
    method: "POST",
    path: "/vectors/delete",
    body: { deleteAll: true, namespace: "__default__" },
    reply: { count: undefined, lsn: 42 }
  },
  {
    name: "stats",
    call: (index) => index.stats,
    method: "POST",
    path: "/describe_index_stats",
    body: {},
    answer: {
      namespaces: { "": { vectorCount: 3 }, news: {} },
      dimension: 3,
      indexFullness: 0,
      totalVectorCount: 3,
      metric: "cosine"
    },
    reply: {
      dimension: 3,
      metric: "cosine",
      totalRecords: 3,
      namespaces: new Map([
        ["__default__", 3],
        ["news", 0]
      ])
    }
  },
  {
    name: "stats of a sparse index that leaves out the sum",
    call: (index) => index.stats,
    method: "POST",
    path: "/describe_index_stats",
    body: {},
    answer: { namespaces: { a: { vectorCount: 1 }, b: { vectorCount: 2 } }, dimension: null },
    reply: {
      dimension: undefined,
      metric: undefined,
      totalRecords: 3,
      namespaces: new Map([
        ["a", 1],
        ["b", 2]
      ])
    }
  },
  {
    name: "namespaces",
    call: (index) => index.namespaces({ prefix: "n", limit: 2, paginationToken: "t" }),
    method: "GET",
    path: "/namespaces?limit=2&paginationToken=t&prefix=n",
    answer: {
      namespaces: [{ name: "news", record_count: "12" }, { name: "", record_count: 1 }, { name: "nil" }],
      pagination: { next: "u" }
    },
    reply: {
      namespaces: [
        { name: "news", records: 12 },
        { name: "__default__", records: 1 },
        { name: "nil", records: 0 }
      ],
      next: "u"
    }
  },
  {
    name: "deleteNamespace",
    call: (index) => index.deleteNamespace("a/b"),
    method: "DELETE",
    path: "/namespaces/a%2Fb",
    reply: undefined
  }
]

describe("on the wire", () => {
  it.live.each(wire)("$name", ({ answer, body, call, method, path, reply }) =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([{ body: answer, headers: { "x-pinecone-request-lsn": "42" } }])
      assert.deepStrictEqual(yield* call(index), reply)
      const request = onlyRequest(server)
      assert.strictEqual(request.method, method)
      assert.strictEqual(request.path, path)
      if (body === undefined) assert.strictEqual(request.body, "")
      else assert.deepStrictEqual(JSON.parse(request.body), body)
      assert.strictEqual(request.headers["api-key"], key)
      assert.strictEqual(request.headers["x-pinecone-api-version"], "2026-07")
      assert.match(request.headers["user-agent"] ?? "", /^@pinecone-database\/pinecone v9/)
      assert.strictEqual(request.headers["content-type"], body === undefined ? undefined : "application/json")
    })
  )

  it.live("a field called __proto__ stays in the filter", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([{}])
      const filter: Filter = JSON.parse(`{"a":1,"$and":[{"__proto__":"x"}],"__proto__":{"$gte":2}}`)
      yield* index.delete({ filter })
      assert.include(
        onlyRequest(server).body,
        `{"a":{"$eq":1},"$and":[{"__proto__":{"$eq":"x"}}],"__proto__":{"$gte":2}}`
      )
    })
  )

  it.live("ids and metadata called __proto__ come back", () =>
    Effect.gen(function* () {
      const record = `{"id":"__proto__","values":[1],"metadata":{"__proto__":"x","a":null}}`
      const { index } = yield* scripted([
        { body: `{"vectors":{"__proto__":${record}}}` },
        { body: `{"namespaces":{"__proto__":{"vectorCount":7}}}` }
      ])
      const found = (yield* index.fetch({ ids: ["__proto__"] })).records.get("__proto__")
      assert.strictEqual(JSON.stringify(found?.metadata), `{"__proto__":"x"}`)
      assert.strictEqual((yield* index.stats).namespaces.get("__proto__"), 7)
    })
  )

  it.live("the layer's namespace is that of calls that name none", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([{}, {}], { namespace: "mine" })
      yield* index.delete({ all: true })
      yield* index.delete({ all: true, namespace: "" })
      assert.strictEqual(index.namespace, "mine")
      assert.deepStrictEqual(
        server.received.map(({ body }) => JSON.parse(body).namespace),
        ["mine", "__default__"]
      )
    })
  )

  it.live("headers of the caller are added, but none in place of the key", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([{}], {
        additionalHeaders: { "X-Pinecone-Api-Version": "2025-10", "x-team": "search", "api-key": "other" }
      })
      yield* index.stats
      const { headers } = onlyRequest(server)
      assert.strictEqual(headers["x-pinecone-api-version"], "2025-10")
      assert.strictEqual(headers["x-team"], "search")
      assert.strictEqual(headers["api-key"], key)
    })
  )
})

describe("upsert", () => {
  it.live("every float32 arrives exact", () =>
    Effect.gen(function* () {
      const values = Float32Array.from({ length: 2000 }, (_, i) => Math.fround(Math.sin(i) * 10 ** ((i % 70) - 35)))
      const { index, server } = yield* scripted([{}])
      yield* index.upsert({ records: [{ id: "a", values }] })
      const [sent] = JSON.parse(onlyRequest(server).body).vectors
      assert.deepStrictEqual(Float32Array.from(sent.values), values)
    })
  )

  it.live("sizes are those of the body that is sent", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([{}])
      const records = [index.encode({ id: "ü", values: [1, 2] }), index.encode({ id: "b\n", values: [0.25] })] as const
      yield* index.upsert({ records, namespace: "naïve" })
      const bytes = Buffer.byteLength(onlyRequest(server).body)
      const budget = index.limits.envelopeBytes("naïve") + records[0].bytes + records[1].bytes
      // The last record needs no separator.
      assert.strictEqual(budget - 1, bytes)
    })
  )

  it.live("an encoded record is sent as it was encoded", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([{}])
      const values = [1, 2]
      const record = index.encode({ id: "a", values })
      assert.strictEqual(record.values, values)
      values[0] = 9
      yield* index.upsert({ records: [record] })
      assert.deepStrictEqual(JSON.parse(onlyRequest(server).body).vectors, [{ id: "a", values: [1, 2] }])
    })
  )

  it.live("nothing leaves over the limits", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([{}], { maxRequestBytes: 100, maxRecords: 2 })
      const record = { id: "a", values: [1] }
      const exact = {
        id: "x".repeat(100 - index.limits.envelopeBytes("n") - `{"id":"","values":[1]}`.length),
        values: [1]
      }
      assert.strictEqual(index.limits.envelopeBytes("n") + index.encode(exact).bytes - 1, 100)
      const over = { ...exact, id: `${exact.id}x` }
      for (const records of [[record, record, record], [over]] as const) {
        const reason = yield* reasonOf(index.upsert({ records, namespace: "n" }))
        assert.strictEqual(reason._tag, "RequestTooLarge")
        assert.isTrue(reason.blamesRecords)
      }
      assert.lengthOf(server.received, 0)
      yield* index.upsert({ records: [exact], namespace: "n" })
      assert.strictEqual(Buffer.byteLength(onlyRequest(server).body), 100)
    })
  )
})

describe("what is refused before it is sent", () => {
  const cases: ReadonlyArray<readonly [string, Call, ConnectorError.Reason["_tag"], RegExp]> = [
    ["NaN in a record", (i) => i.upsert({ records: [{ id: "a", values: [1, NaN] }] }), "InvalidRecord", /"a".*NaN.*1/],
    [
      "Infinity in sparse values",
      (i) => i.upsert({ records: [{ id: "a", sparseValues: { indices: [1], values: [Infinity] } }] }),
      "InvalidRecord",
      /sparseValues/
    ],
    ["NaN in an update", (i) => i.update({ id: "a", values: [NaN] }), "InvalidRecord", /values/],
    ["an update of no id", (i) => i.update({ id: "", values: [1] }), "InvalidRecord", /id has 0 characters/],
    ["topK 0", (i) => i.query({ topK: 0, vector: [1] }), "InvalidOption", /topK.*10000.*is 0/],
    ["topK 10001", (i) => i.query({ topK: 10_001, vector: [1] }), "InvalidOption", /topK/],
    ["topK 1.5", (i) => i.query({ topK: 1.5, vector: [1] }), "InvalidOption", /topK/],
    ["a query for nothing", (i) => i.query({ topK: 1 }), "InvalidRecord", /nothing to ask with/],
    ["an empty vector", (i) => i.query({ topK: 1, vector: [] }), "InvalidRecord", /vector is empty/],
    [
      "an empty sparse vector",
      (i) => i.query({ topK: 1, sparseVector: { indices: [], values: [] } }),
      "InvalidRecord",
      /sparseVector is empty/
    ],
    ["an empty id", (i) => i.query({ topK: 1, id: "" }), "InvalidRecord", /id has 0 characters/],
    ["id and vector", (i) => i.query({ topK: 1, id: "a", vector: [1] }), "InvalidRecord", /an id and a vector/],
    ["NaN in a question", (i) => i.query({ topK: 1, vector: [NaN] }), "InvalidRecord", /vector holds NaN/],
    ["an empty filter", (i) => i.query({ topK: 1, vector: [1], filter: {} }), "InvalidRecord", /^filter is empty/],
    ["an empty filter to delete by", (i) => i.delete({ filter: {} }), "InvalidRecord", /^filter is empty/],
    [
      "an empty condition to delete by",
      (i) => i.delete({ filter: { $and: [{ a: 1 }, { b: {} }] } }),
      "InvalidRecord",
      /^filter has nothing at "\$and\[1\]\.b"/
    ],
    [
      "a filter that JSON drops",
      (i) => i.delete({ filter: { a: 1, b: NaN } }),
      "InvalidRecord",
      /filter has NaN at "b"/
    ],
    [
      "a nested filter that JSON drops",
      (i) => i.delete({ filter: { $and: [{ a: { $in: [1, Infinity] } }] } }),
      "InvalidRecord",
      /\$and\[0\]\.a\.\$in\[1\]/
    ],
    [
      "1001 ids",
      (i) => i.fetch({ ids: ["x", ...Array.from({ length: 1000 }, String)] }),
      "RequestTooLarge",
      /1001 ids/
    ],
    ["an empty id to delete", (i) => i.delete({ ids: ["a", ""] }), "InvalidRecord", /record "": id has 0 characters/],
    ["an id that is not ASCII", (i) => i.fetch({ ids: ["é"] }), "InvalidRecord", /record "é": id holds "é" at/],
    ["an update of nothing", (i) => i.update({ id: "a" }), "InvalidRecord", /"a".*nothing to change/],
    ["only zeros", (i) => i.upsert({ records: [{ id: "a", values: [0, 0] }] }), "InvalidRecord", /"a".*only zeros/],
    ["no id at all", (i) => i.delete(JSON.parse(`{"ids":[]}`)), "InvalidRecord", /ids is empty; name at least one/],
    ["a delete of nothing in particular", (i) => i.delete(JSON.parse("{}")), "InvalidOption", /all must be true/],
    ["a page of 101", (i) => i.list({ limit: 101 }), "InvalidOption", /limit/],
    ["a page of none", (i) => i.namespaces({ limit: 0 }), "InvalidOption", /limit/],
    ["a namespace that is a path", (i) => i.deleteNamespace(".."), "RequestRefused", /not ".." or|"\.\."/]
  ]
  it.live.each(cases)("%s", ([, call, tag, message]) =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([])
      const reason = yield* reasonOf(call(index))
      assert.strictEqual(reason._tag, tag)
      assert.match(reason.message, message)
      assert.lengthOf(server.received, 0)
    })
  )
})

describe("failures", () => {
  const upsert: Call = (index) => index.upsert({ records: [{ id: "a", values: [1] }], namespace: "news" })
  const calls: ReadonlyArray<readonly [string, Call]> = [
    ["upsert", upsert],
    ["query", (index) => index.query({ topK: 1, vector: [1], namespace: "news" })],
    ["fetch", (index) => index.fetch({ ids: ["a"], namespace: "news" })]
  ]

  it.live.each(calls)("%s: the status, the code, the wait and the request's id come through", ([operation, call]) =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([
        { status: 429, body: { code: 8, message: "slow down" }, headers: { "retry-after": "3" } },
        { status: 503, body: "overloaded", headers: { "x-pinecone-request-id": "r-1" } }
      ])
      const limited = yield* Effect.flip(call(index))
      assert.deepInclude(limited, { _tag: "PineconeError", operation, namespace: "news", retryAfter: 3000 })
      assert.deepInclude(limited.reason, {
        _tag: "RateLimited",
        detail: "slow down",
        wire: { status: 429, grpcCode: 8 }
      })
      const reason = yield* reasonOf(call(index))
      assert.deepInclude(reason, {
        _tag: "Unavailable",
        detail: "overloaded",
        wire: { status: 503, requestId: "r-1" }
      })
      // The SDK retried neither.
      assert.lengthOf(server.received, 2)
    })
  )

  it.live("a date in Retry-After is a wait from now", () =>
    Effect.gen(function* () {
      const at = new Date(Date.now() + 60_000).toUTCString()
      const { index } = yield* scripted([{ status: 429, body: "wait", headers: { "retry-after": at } }])
      const error = yield* Effect.flip(upsert(index))
      assert.isAbove(error.retryAfter, 30_000)
      assert.isAtMost(error.retryAfter, 60_000)
    })
  )

  it.live("a missing namespace is no reason to stop, a missing index is", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([
        { status: 404, body: { code: 5, message: "Namespace not found", details: [] } },
        { status: 404, body: "" }
      ])
      const namespace = yield* reasonOf(index.delete({ all: true, namespace: "gone" }))
      assert.deepInclude(namespace, { _tag: "NotFound", resource: "namespace", called: "gone", isFatal: false })
      const missing = yield* reasonOf(index.stats)
      assert.deepInclude(missing, { resource: "index", called: new URL(server.url).host, isFatal: true })
    })
  )

  it.live("a service that quotes the key it refuses", () =>
    Effect.gen(function* () {
      const { index } = yield* scripted([{ status: 401, body: `API key ${key} is not valid` }, { body: `{"${key}` }])
      const reason = yield* reasonOf(upsert(index))
      assert.deepInclude(reason, { _tag: "Unauthorized", detail: "API key <redacted> is not valid" })
      assert.strictEqual((yield* reasonOf(upsert(index)))._tag, "InvalidResponse")
    })
  )

  it.live("a gateway that quotes the key in its headers", () =>
    Effect.gen(function* () {
      const { index } = yield* scripted([
        { status: 400, headers: { "x-pinecone-request-id": `r ${key}` } },
        { status: 302, headers: { location: `https://a.b/?key=${key}` } },
        { status: 200, headers: { "x-pinecone-request-id": key }, body: "[]" }
      ])
      // reasonOf looks for the key in all that can be printed.
      assert.deepInclude(yield* reasonOf(upsert(index)), { wire: { status: 400, requestId: "r <redacted>" } })
      assert.include((yield* reasonOf(upsert(index))).message, "a redirect to https://a.b/?key=<redacted>")
      assert.deepInclude(yield* reasonOf(upsert(index)), { wire: { status: 200, requestId: "<redacted>" } })
    })
  )

  it.live("a redirect is not followed with the key", () =>
    Effect.gen(function* () {
      const elsewhere = yield* scriptedServer({})
      const { index } = yield* scripted([{ status: 308, headers: { location: elsewhere.url } }])
      const reason = yield* reasonOf(upsert(index))
      assert.strictEqual(reason._tag, "InvalidOption")
      assert.include(reason.message, `answers HTTP 308, a redirect to ${elsewhere.url}`)
      assert.lengthOf(elsewhere.received, 0)
    })
  )

  it.live("only the head of a long failure is read", () =>
    Effect.gen(function* () {
      const { index } = yield* scripted([{ status: 502, body: "x".repeat(5_000_000) }])
      const reason = yield* reasonOf(upsert(index))
      assert(reason._tag === "Unavailable")
      assert.isBelow(reason.detail.length, 510)
    })
  )

  const odd: ReadonlyArray<readonly [string, unknown]> = [
    ["HTML", "<html></html>"],
    ["nothing", ""],
    ["half", `{"matches":[{"id":"a"`],
    ["null", "null"],
    ["no id", { matches: [{ score: 1 }] }],
    ["no score", { matches: [{ id: "a" }] }],
    ["values that are no numbers", { matches: [{ id: "a", score: 1, values: [1, null] }] }],
    ["metadata that is nested", { matches: [{ id: "a", score: 1, metadata: { a: { b: 1 } } }] }],
    ["metadata that is a list", { matches: [{ id: "a", score: 1, metadata: ["a"] }] }]
  ]
  it.live.each(odd)("200 with %s is an invalid response", ([, body]) =>
    Effect.gen(function* () {
      const { index } = yield* scripted([{ body }])
      const reason = yield* reasonOf(index.query({ topK: 1, vector: [1] }))
      assert.deepInclude(reason, { _tag: "InvalidResponse", wire: { status: 200 }, isRetryable: false })
    })
  )

  it.live.each(["reset at once", "reset after the request", "break off"] as const)("%s", (line) =>
    Effect.gen(function* () {
      const { index } = yield* scripted([line])
      const reason = yield* reasonOf(upsert(index))
      assert.deepInclude(reason, { _tag: "ConnectionFailed", sent: true, isRetryable: true, mayHaveApplied: true })
    })
  )

  it.live("nobody listens", () =>
    Effect.gen(function* () {
      const { url } = yield* Effect.scoped(scriptedServer())
      const reason = yield* reasonOf(upsert(yield* serviceOf({ host: url })))
      assert.deepInclude(reason, { _tag: "ConnectionFailed", sent: false, mayHaveApplied: false })
      assert.include(reason.message, "ECONNREFUSED")
    })
  )

  it.live("interrupting a call closes its connection", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted(["hang"])
      const fiber = yield* Effect.forkChild(upsert(index))
      yield* Effect.promise(() => server.hanging)
      yield* Fiber.interrupt(fiber)
      yield* Effect.promise(() => server.gone)
    })
  )

  it.live("a call that takes too long is cancelled", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted(["hang"], { timeout: "50 millis" })
      const reason = yield* reasonOf(upsert(index))
      assert.deepInclude(reason, { _tag: "TimedOut", afterMillis: 50, mayHaveApplied: true })
      yield* Effect.promise(() => server.gone)
    })
  )

  it.live("the SDK's debug output does not hold the key", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const { debug } = console
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          process.env.PINECONE_DEBUG_CURL = "1"
          console.debug = (...parts: ReadonlyArray<unknown>) => lines.push(parts.join(" "))
        }),
        () =>
          Effect.sync(() => {
            delete process.env.PINECONE_DEBUG_CURL
            console.debug = debug
          })
      )
      const { index } = yield* scripted([{}])
      yield* upsert(index)
      assert.include(lines.join(), "Api-Key")
      assert.notInclude(lines.join(), key)
    })
  )
})

describe("building the layer", () => {
  const described = (host: string): Line => ({ body: { name: "articles", host, status: { ready: true } } })

  it.live("finds the host by the index's name, for each controller anew", () =>
    Effect.gen(function* () {
      for (const expected of [1, 2]) {
        const data = yield* scriptedServer({ body: { totalVectorCount: expected } })
        const controller = yield* scriptedServer(described(new URL(data.url).host))
        const index = yield* serviceOf({ index: "articles", controllerHost: `${controller.url}/` })
        assert.strictEqual(index.name, "articles")
        assert.strictEqual((yield* index.stats).totalRecords, expected)
        assert.deepInclude(onlyRequest(controller), { method: "GET", path: "/indexes/articles", body: "" })
        assert.strictEqual(onlyRequest(controller).headers["api-key"], key)
      }
    })
  )

  const descriptions: ReadonlyArray<readonly [object, number | undefined]> = [
    [{ schema: { fields: { _values: { type: "dense_vector", dimension: 384 }, _sparse_values: {} } } }, 384],
    [{ schema: { fields: { _sparse_values: { type: "sparse_vector" } } }, dimension: null }, undefined],
    [{ dimension: 1536, metric: "cosine", schema: null }, 1536]
  ]
  it.live.each(descriptions)("knows the dimension from %j", ([body, dimension]) =>
    Effect.gen(function* () {
      const controller = yield* scriptedServer({ body: { host: "127.0.0.1:1", ...body } })
      const index = yield* serviceOf({ index: "articles", controllerHost: controller.url })
      assert.strictEqual(index.dimension, dimension)
    })
  )

  it.live("asks again for the host when the controller fails for a moment", () =>
    Effect.gen(function* () {
      const controller = yield* scriptedServer({ status: 503 }, described("127.0.0.1:1"))
      const index = yield* serviceOf({ index: "articles", controllerHost: controller.url })
      assert.strictEqual(index.name, "articles")
      assert.lengthOf(controller.received, 2)
    })
  )

  it.live("prefers the private host", () =>
    Effect.gen(function* () {
      const data = yield* scriptedServer({})
      const body = { name: "articles", host: "127.0.0.1:1", private_host: data.url }
      const controller = yield* scriptedServer({ body })
      yield* (yield* serviceOf({ index: "articles", controllerHost: controller.url })).stats
      assert.lengthOf(data.received, 1)
    })
  )

  const refusals: ReadonlyArray<readonly [Line, object]> = [
    [
      { status: 401, body: "Invalid API Key" },
      { _tag: "Unauthorized", isFatal: true }
    ],
    [
      { status: 404, body: { status: 404, error: { code: "NOT_FOUND", message: "Resource articles not found" } } },
      {
        _tag: "NotFound",
        resource: "index",
        called: "articles"
      }
    ],
    // Longer than anybody waits for it.
    [{ status: 503, headers: { "retry-after": "11" } }, { _tag: "Unavailable" }],
    [{ body: { called: "articles" } }, { _tag: "InvalidResponse" }]
  ]
  it.live.each(refusals)("the controller answers %j", ([line, expected]) =>
    Effect.gen(function* () {
      const controller = yield* scriptedServer(line)
      const reason = yield* reasonOf(serviceOf({ index: "articles", controllerHost: controller.url }))
      assert.deepInclude(reason, expected)
    })
  )

  it.live("takes a host without scheme, with slashes at the end or with a path", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer({}, {}, {}, {})
      const { host, port } = new URL(server.url)
      for (const address of [host, `${server.url}//`, `localhost:${port}`, `${host}/i/demo/`]) {
        yield* (yield* serviceOf({ host: address })).stats
      }
      assert.deepStrictEqual(
        server.received.map(({ path }) => path),
        ["/describe_index_stats", "/describe_index_stats", "/describe_index_stats", "/i/demo/describe_index_stats"]
      )
    })
  )

  const bad: ReadonlyArray<readonly [string, Partial<Options>, string, RegExp]> = [
    ["an empty key", { apiKey: Redacted.make(""), index: "a" }, "apiKey", /PINECONE_API_KEY/],
    ["a key with a line break", { apiKey: Redacted.make(`${key}\n`), index: "a" }, "apiKey", /copy it again/],
    ["neither index nor host", { index: "", host: undefined }, "index", /PINECONE_INDEX_HOST/],
    ["a host with another scheme", { host: "ftp://x" }, "host", /write it like https/],
    ["a host that is none", { host: "https://" }, "host", /write it like https/],
    ["a host with a password", { host: "https://u:p@x" }, "host", /write it like https/],
    ["a controller that is none", { index: "a", controllerHost: "a b" }, "controllerHost", /write it like https/],
    ["no time", { host: "x", timeout: 0 }, "timeout", /above zero/],
    ["endless time", { host: "x", timeout: Infinity }, "timeout", /above zero/],
    ["a namespace that can not be", { host: "x", namespace: "über" }, "namespace", /holds "ü" at position 0/],
    ["too many records", { host: "x", maxRecords: 1001 }, "maxRecords", /1 to 1000/],
    ["half a byte", { host: "x", maxRequestBytes: 0.5 }, "maxRequestBytes", /whole number/],
    ["a bad header", { host: "x", additionalHeaders: { "x-a": `${key}\n\n.` } }, "additionalHeaders", /"x-a"/]
  ]
  it.live.each(bad)("refuses %s", ([, options, option, message]) =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(serviceOf(options))
      assert(reason._tag === "InvalidOption")
      assert.strictEqual(reason.option, option)
      assert.match(reason.message, message)
    })
  )

  it.live("the service does not show the key", () =>
    Effect.gen(function* () {
      const index = yield* serviceOf({ host: "127.0.0.1:1" })
      for (const text of [
        JSON.stringify(index),
        inspect(index, { depth: 10, showHidden: true }),
        String(index.stats)
      ]) {
        assert.notInclude(text, key)
      }
    })
  )
})

describe("layerConfig", () => {
  const build = (env: Record<string, string>) =>
    Layer.build(PineconeIndex.layerConfig).pipe(
      Effect.map(Context.get(PineconeIndex)),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(env)))
    )
  const reason = (env: Record<string, string>) =>
    build(env).pipe(
      Effect.flip,
      Effect.map((error) => {
        assertHidden(error)
        assert(error._tag === "PineconeError")
        return error.reason
      })
    )

  it.live("reads the environment's names", () =>
    Effect.gen(function* () {
      const data = yield* scriptedServer({})
      const controller = yield* scriptedServer({ body: { host: data.url } })
      const index = yield* build({
        PINECONE_API_KEY: key,
        PINECONE_INDEX: "articles",
        PINECONE_NAMESPACE: "news",
        PINECONE_CONTROLLER_HOST: controller.url
      })
      yield* index.delete({ all: true })
      assert.strictEqual(onlyRequest(data).headers["api-key"], key)
      assert.deepInclude(index, { name: "articles", namespace: "news" })
    })
  )

  it.live("a host is enough, and what is empty counts as absent", () =>
    Effect.gen(function* () {
      const data = yield* scriptedServer({})
      const index = yield* build({
        PINECONE_API_KEY: key,
        PINECONE_INDEX: "",
        PINECONE_INDEX_HOST: data.url,
        PINECONE_NAMESPACE: "",
        PINECONE_CONTROLLER_HOST: ""
      })
      yield* index.stats
      assert.deepInclude(index, { name: new URL(data.url).host, namespace: "__default__" })
    })
  )

  it.live("names the variable that is missing", () =>
    Effect.gen(function* () {
      for (const env of [{ PINECONE_INDEX: "a" }, { PINECONE_INDEX: "a", PINECONE_API_KEY: "" }]) {
        assert.include((yield* reason(env)).message, "PINECONE_API_KEY")
      }
      assert.include((yield* reason({ PINECONE_API_KEY: key })).message, "PINECONE_INDEX")
    })
  )
})

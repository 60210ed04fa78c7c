/** Every method of the service, over plain gRPC, beside REST on the same index. */
import { status } from "@grpc/grpc-js"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { grpcRaw, struct } from "./grpcRaw.ts"
import { json, sender } from "./rawHttp.ts"

const dense = { dimension: 2 }
const rest = (host: string) => sender(host, { "api-key": "k", "content-type": "application/json" })

/** A page, whose records are a list or a map. */
const Item = Schema.Struct({ id: Schema.String })
const decodePage = Schema.decodeUnknownSync(
  Schema.Struct({
    vectors: Schema.Union([Schema.Array(Item), Schema.Record(Schema.String, Item)]),
    pagination: Schema.optional(Schema.Struct({ next: Schema.String }))
  })
)

const three = [
  { id: "a", values: [1, 0], metadata: struct({ n: 1, tags: ["x", ""], ok: false }) },
  { id: "b", values: [0.6, 0.8], metadata: struct({ n: 2 }) },
  { id: "c", values: [0, 1] }
]

describe("gRPC", () => {
  it.effect("upserts, queries and fetches float32 as it is", () =>
    Effect.gen(function* () {
      const { call } = yield* grpcRaw(dense)
      const upserted = yield* call("Upsert", { vectors: three, namespace: "n" })
      assert.strictEqual(upserted.code, status.OK)
      assert.deepStrictEqual(upserted.reply, { upsertedCount: 3 })
      assert.deepInclude(upserted.metadata, { "x-pinecone-request-lsn": "1", "x-pinecone-request-id": "1" })

      const found = yield* call("Query", {
        namespace: "n",
        vector: [1, 0],
        topK: 2,
        includeValues: true,
        includeMetadata: true
      })
      assert.deepStrictEqual(found.reply, {
        matches: [
          { id: "a", score: 1, values: [1, 0], metadata: struct({ n: 1, tags: ["x", ""], ok: false }) },
          {
            id: "b",
            score: Math.fround(0.6),
            values: [Math.fround(0.6), Math.fround(0.8)],
            metadata: struct({ n: 2 })
          }
        ],
        namespace: "n",
        usage: { readUnits: 1 }
      })
      assert.deepInclude(found.metadata, { "x-pinecone-max-indexed-lsn": "1", "x-pinecone-request-id": "2" })

      const bare = yield* call("Query", { namespace: "n", id: "c", topK: 1, filter: struct({ n: { $gt: 1 } }) })
      assert.deepStrictEqual(bare.reply, {
        matches: [{ id: "b", score: Math.fround(0.8) }],
        namespace: "n",
        usage: { readUnits: 1 }
      })

      const fetched = yield* call("Fetch", { ids: ["c", "nobody"], namespace: "n" })
      assert.deepStrictEqual(fetched.reply, {
        vectors: { c: { id: "c", values: [0, 1] } },
        namespace: "n",
        usage: { readUnits: 1 }
      })
    })
  )

  it.effect("updates and deletes, by id and by metadata", () =>
    Effect.gen(function* () {
      const { call } = yield* grpcRaw(dense)
      yield* call("Upsert", { vectors: three })
      const named = yield* call("Update", { id: "c", values: [1, 1], setMetadata: struct({ n: 3 }) })
      assert.deepStrictEqual(named.reply, {})
      assert.deepInclude(named.metadata, { "x-pinecone-request-lsn": "2" })
      const filter = struct({ n: { $gte: 2 } })
      const counted = yield* call("Update", { filter, setMetadata: struct({ seen: true }), dryRun: true })
      assert.deepStrictEqual(counted.reply, { matchedRecords: 2 })
      const updated = yield* call("Update", { filter, setMetadata: struct({ seen: true }) })
      assert.deepStrictEqual(updated.reply, { matchedRecords: 2 })
      const { reply } = yield* call("Fetch", { ids: ["a", "c"] })
      assert.deepInclude(reply, {
        vectors: {
          a: { id: "a", values: [1, 0], metadata: struct({ n: 1, tags: ["x", ""], ok: false }) },
          c: { id: "c", values: [1, 1], metadata: struct({ n: 3, seen: true }) }
        }
      })

      const ids = Effect.map(call("List", {}), ({ reply }) => reply)
      const listed = (...names: ReadonlyArray<string>) => ({
        ...(names.length > 0 && { vectors: names.map((id) => ({ id })) }),
        namespace: "__default__",
        usage: { readUnits: 1 }
      })
      assert.deepStrictEqual((yield* call("Delete", { ids: ["a", "nobody"] })).reply, {})
      assert.deepStrictEqual(yield* ids, listed("b", "c"))
      yield* call("Delete", { filter: struct({ n: 3 }) })
      assert.deepStrictEqual(yield* ids, listed("b"))
      yield* call("Delete", { deleteAll: true })
      assert.deepStrictEqual(yield* ids, listed())
    })
  )

  it.effect("lists and fetches by metadata in pages", () =>
    Effect.gen(function* () {
      const { call } = yield* grpcRaw(dense)
      const vectors = ["p-1", "p-2", "p-3", "q"].map((id) => ({ id, values: [1, 2], metadata: struct({ k: "v" }) }))
      yield* call("Upsert", { vectors })
      const pages = (method: string, request: object) =>
        Effect.gen(function* () {
          const seen: Array<ReadonlyArray<string>> = []
          let next: string | undefined
          do {
            const { reply } = yield* call(method, { ...request, ...(next && { paginationToken: next }) })
            const { pagination, vectors } = decodePage(reply)
            seen.push(Object.values(vectors).map(({ id }) => id))
            next = pagination?.next
          } while (next !== undefined)
          return seen
        })
      assert.deepStrictEqual(yield* pages("List", { prefix: "p-", limit: 2 }), [["p-1", "p-2"], ["p-3"]])
      assert.deepStrictEqual(yield* pages("FetchByMetadata", { filter: struct({ k: "v" }), limit: 3 }), [
        ["p-1", "p-2", "p-3"],
        ["q"]
      ])
    })
  )

  it.effect("takes sparse and hybrid vectors", () =>
    Effect.gen(function* () {
      const { call } = yield* grpcRaw({ dimension: 2, metric: "dotproduct" })
      const sparseValues = { indices: [4_294_967_295, 7], values: [0.5, 2] }
      yield* call("Upsert", { vectors: [{ id: "h", values: [1, 2], sparseValues }] })
      const sparseVector = { indices: [7], values: [3] }
      const { reply } = yield* call("Query", { vector: [1, 1], sparseVector, topK: 1, includeValues: true })
      assert.deepInclude(reply, {
        matches: [
          { id: "h", score: 9, values: [1, 2], sparseValues: { indices: [7, 4_294_967_295], values: [2, 0.5] } }
        ]
      })
    })
  )

  it.effect("makes, tells, lists and deletes namespaces", () =>
    Effect.gen(function* () {
      const { call } = yield* grpcRaw(dense)
      const schema = { fields: { genre: { filterable: true } } }
      const made = { name: "n-1", schema, indexedFields: { fields: ["genre"] } }
      assert.deepStrictEqual((yield* call("CreateNamespace", { name: "n-1", schema })).reply, made)
      assert.strictEqual((yield* call("CreateNamespace", { name: "n-1" })).code, status.ALREADY_EXISTS)
      yield* call("Upsert", { vectors: three, namespace: "n-2" })
      assert.deepStrictEqual((yield* call("DescribeNamespace", { namespace: "n-2" })).reply, {
        name: "n-2",
        recordCount: "3"
      })
      const { reply } = yield* call("ListNamespaces", { prefix: "n-", limit: 1 })
      assert.deepInclude(reply, { namespaces: [made], totalCount: 2 })
      assert.deepStrictEqual((yield* call("DeleteNamespace", { namespace: "n-2" })).reply, {})
      assert.strictEqual((yield* call("DescribeNamespace", { namespace: "n-2" })).code, status.NOT_FOUND)
    })
  )

  it.effect("sees what REST wrote, and REST what it wrote, on one port", () =>
    Effect.gen(function* () {
      const { call, emulator, host } = yield* grpcRaw(dense)
      const send = rest(host)
      yield* send("POST", "/vectors/upsert", { vectors: [{ id: "r", values: [0.1, 0.2], metadata: { by: "REST" } }] })
      yield* call("Upsert", { vectors: [{ id: "g", values: [0.3, 0.4], metadata: struct({ by: "gRPC" }) }] })
      const stats = (yield* call("DescribeIndexStats", {})).reply
      assert.deepStrictEqual(stats, {
        namespaces: { __default__: { vectorCount: 2 } },
        dimension: 2,
        totalVectorCount: 2,
        metric: "cosine",
        vectorType: "dense"
      })
      assert.deepStrictEqual(json(yield* send("POST", "/describe_index_stats", {})), { ...stats, indexFullness: 0 })
      assert.deepInclude((yield* call("Fetch", { ids: ["r"] })).reply, {
        vectors: {
          r: { id: "r", values: [Math.fround(0.1), Math.fround(0.2)], metadata: struct({ by: "REST" }) }
        }
      })
      const seen = { g: { id: "g", values: [0.3, 0.4], metadata: { by: "gRPC" } } }
      assert.deepInclude(json(yield* send("GET", "/vectors/fetch?ids=g")), { vectors: seen })
      const below = rest(emulator.url)
      assert.deepInclude(json(yield* below("GET", "/i/demo/vectors/fetch?ids=g")), { vectors: seen })
      assert.strictEqual((yield* send("GET", "/indexes")).status, 404)
    })
  )

  it.effect("calls the default namespace as the version of the caller does", () =>
    Effect.gen(function* () {
      const { call } = yield* grpcRaw(dense)
      const old = { metadata: { "x-pinecone-api-version": "2025-01" } }
      yield* call("Upsert", { vectors: three })
      // the empty name is what a message has that names none
      assert.notProperty((yield* call("List", {}, old)).reply, "namespace")
      assert.deepInclude((yield* call("List", {})).reply, { namespace: "__default__" })
      assert.strictEqual((yield* call("List", { namespace: "__default__" }, old)).code, status.INVALID_ARGUMENT)
    })
  )

  it.effect.each([
    ["Upsert", {}, status.INVALID_ARGUMENT, "An upsert needs vectors"],
    ["Upsert", { vectors: [{ id: "a", values: [1] }] }, status.INVALID_ARGUMENT, "Vector dimension 1 does not match"],
    [
      "Upsert",
      { vectors: [{ id: "å", values: [1, 2] }] },
      status.INVALID_ARGUMENT,
      "Vector ID must be ASCII without NUL, but got 'å'"
    ],
    ["Upsert", { vectors: [{ id: "a", values: [1, NaN] }] }, status.INVALID_ARGUMENT, "finite"],
    [
      "Upsert",
      { vectors: [{ id: "a", values: [1, 2], metadata: struct({ a: { b: 1 } }) }] },
      status.INVALID_ARGUMENT,
      "Metadata value must be"
    ],
    [
      "Upsert",
      { vectors: [{ id: "a", values: [1, 2], metadata: struct({ a: Infinity }) }] },
      status.INVALID_ARGUMENT,
      "Metadata value must be"
    ],
    ["Query", { vector: [1, 2] }, status.INVALID_ARGUMENT, "topK"],
    ["Query", { vector: [1, 2], topK: 1, filter: struct({ a: { $foo: 1 } }) }, status.INVALID_ARGUMENT, "$foo"],
    ["Fetch", {}, status.INVALID_ARGUMENT, "A fetch needs at least one id"],
    ["List", { limit: 0 }, status.INVALID_ARGUMENT, "from 1 to 100, got 0"],
    ["Delete", { ids: ["a"], deleteAll: true }, status.INVALID_ARGUMENT, "exactly one"],
    ["Delete", { filter: struct({}) }, status.INVALID_ARGUMENT, "empty metadata filter"],
    ["Delete", { ids: ["a"], namespace: "nope" }, status.NOT_FOUND, "Namespace not found"],
    ["DescribeIndexStats", { filter: struct({ a: 1 }) }, status.INVALID_ARGUMENT, "do not support"]
  ] as const)("refuses %s %j", ([method, request, code, part]) =>
    Effect.gen(function* () {
      const { call } = yield* grpcRaw(dense)
      const ended = yield* call(method, request)
      assert.strictEqual(ended.code, code)
      assert.include(ended.details, part)
      assert.strictEqual(ended.metadata["x-pinecone-request-id"], "1")
    })
  )

  it.effect("lets in who has a key, and says who has not", () =>
    Effect.gen(function* () {
      const { call } = yield* grpcRaw(dense, { apiKeys: ["mine"] })
      for (const [key, why] of [
        ["", "API key is missing"],
        ["other", "API key is unknown"]
      ] as const) {
        const ended = yield* call("List", {}, { metadata: { "api-key": key } })
        assert.strictEqual(ended.code, status.UNAUTHENTICATED)
        assert.strictEqual(ended.details, "Invalid API key.")
        assert.strictEqual(ended.metadata["x-pinecone-auth-rejected-reason"], why)
      }
      assert.strictEqual((yield* call("List", {}, { metadata: { "api-key": "mine" } })).code, status.OK)
    })
  )

  it.effect("has a record of any id and metadata of any name", () =>
    Effect.gen(function* () {
      const { call } = yield* grpcRaw(dense)
      const metadata = {
        fields: Object.fromEntries([
          ["__proto__", { numberValue: 1 }],
          ["constructor", { stringValue: "x" }]
        ])
      }
      yield* call("Upsert", { vectors: [{ id: "__proto__", values: [1, 2], metadata }] })
      const { reply } = yield* call("Query", { id: "__proto__", topK: 1, includeMetadata: true })
      assert.include(
        JSON.stringify(reply),
        `"fields":{"__proto__":{"numberValue":1},"constructor":{"stringValue":"x"}}`
      )
      const fetched = yield* call("Fetch", { ids: ["__proto__"] })
      assert.include(JSON.stringify(fetched.reply), `"vectors":{"__proto__":{"id":"__proto__"`)
    })
  )
})

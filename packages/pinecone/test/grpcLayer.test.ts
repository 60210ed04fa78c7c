/** `PineconeGrpc` on a server that follows a script. What it does on an index is in the conformance suite of `testkit`. */
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as PineconeGrpc from "@effect-connectors/pinecone/PineconeGrpc"
import { type Options, PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { scriptedServer } from "../../../test/support/scriptedServer.ts"
import { decode, encode, structMessage } from "./support/dataPlane.ts"
import { type Line, scriptedGrpc } from "./support/scriptedGrpc.ts"
import { key, refusalOf } from "./support/secrets.ts"

const serviceOf = (options: Partial<Options>) =>
  Effect.map(Layer.build(PineconeGrpc.layer({ apiKey: Redacted.make(key), ...options })), Context.get(PineconeIndex))

/** The service on a server that follows the script. */
const scripted = Effect.fnUntraced(function* (script: ReadonlyArray<Line>, options?: Partial<Options>) {
  const server = yield* scriptedGrpc(...script)
  return { server, index: yield* serviceOf({ host: server.url, ...options }) }
})

/** The reason of a call that must fail, with the key nowhere in the error. */
const reasonOf = <A, R>(call: Effect.Effect<A, PineconeError, R>) => Effect.map(refusalOf(call), ({ reason }) => reason)

type Call = (index: Service) => Effect.Effect<unknown, PineconeError>

const upsert: Call = (index) => index.upsert({ records: [{ id: "a", values: [1] }], namespace: "news" })
const upserted: Line = { message: encode("UpsertResponse", { upserted_count: 1 }) }

describe("on the wire", () => {
  const rows: ReadonlyArray<{
    readonly method: string
    readonly call: Call
    readonly request: object
    readonly answer: Uint8Array
    readonly reply: unknown
  }> = [
    {
      method: "Upsert",
      call: (index) => index.upsert({ records: [{ id: "a", values: [1, 2], metadata: { n: 1, tag: ["x"] } }] }),
      request: { vectors: [{ id: "a", values: [1, 2], metadata: structMessage({ n: 1, tag: ["x"] }) }] },
      answer: encode("UpsertResponse", { upserted_count: 1 }),
      reply: { count: 1, lsn: 42 }
    },
    {
      method: "Query",
      call: (index) => index.query({ topK: 3, vector: Float32Array.of(1), filter: { a: 1 }, namespace: "news" }),
      request: { namespace: "news", top_k: 3, vector: [1], filter: structMessage({ a: { $eq: 1 } }) },
      answer: encode("QueryResponse", { matches: [{ id: "a", score: 0.5, values: [2] }], usage: { read_units: 6 } }),
      reply: {
        matches: [{ id: "a", score: 0.5, values: Float32Array.of(2), sparseValues: undefined, metadata: undefined }],
        readUnits: 6,
        indexedLsn: 41
      }
    },
    {
      method: "Fetch",
      call: (index) => index.fetch({ ids: ["a", "b"] }),
      request: { ids: ["a", "b"] },
      answer: encode("FetchResponse", { vectors: { b: { id: "b", values: [1] } } }),
      reply: {
        records: new Map([
          ["b", { id: "b", values: Float32Array.of(1), sparseValues: undefined, metadata: undefined }]
        ]),
        readUnits: undefined,
        indexedLsn: 41
      }
    },
    {
      method: "List",
      call: (index) => index.list({ prefix: "a", limit: 2 }),
      request: { prefix: "a", limit: 2 },
      answer: encode("ListResponse", { vectors: [{ id: "a1" }], pagination: { next: "t" } }),
      reply: { ids: ["a1"], next: "t", readUnits: undefined, indexedLsn: 41 }
    },
    {
      method: "Update",
      call: (index) => index.update({ id: "a", metadata: { n: 2 } }),
      request: { id: "a", set_metadata: structMessage({ n: 2 }) },
      answer: encode("UpdateResponse", { matched_records: 1 }),
      reply: { count: 1, lsn: 42 }
    },
    {
      method: "Delete",
      call: (index) => index.delete({ ids: ["a"] }),
      request: { ids: ["a"] },
      answer: encode("DeleteResponse", {}),
      reply: { count: undefined, lsn: 42 }
    },
    {
      method: "DescribeIndexStats",
      call: (index) => index.stats,
      request: {},
      answer: encode("DescribeIndexStatsResponse", { namespaces: {}, dimension: 3 }),
      reply: { dimension: 3, metric: undefined, totalRecords: 0, namespaces: new Map() }
    },
    {
      method: "ListNamespaces",
      call: (index) => index.namespaces({ limit: 5 }),
      request: { limit: 5 },
      answer: encode("ListNamespacesResponse", { namespaces: [{ name: "a", record_count: 2 }] }),
      reply: { namespaces: [{ name: "a", records: 2 }], next: undefined }
    },
    {
      method: "DeleteNamespace",
      call: (index) => index.deleteNamespace(""),
      request: { namespace: "__default__" },
      answer: new Uint8Array(0),
      reply: undefined
    }
  ]

  it.live.each(rows)("$method", ({ answer, call, method, reply, request }) =>
    Effect.gen(function* () {
      const lsn = { "x-pinecone-request-lsn": "42", "x-pinecone-max-indexed-lsn": "41" }
      const { index, server } = yield* scripted([{ message: answer, headers: lsn }], {
        additionalHeaders: { "X-Team": "blue" }
      })
      assert.deepStrictEqual(yield* call(index), reply)
      assert.lengthOf(server.received, 1)
      const [received] = server.received
      assert(received !== undefined)
      assert.strictEqual(received.path, `/VectorService/${method}`)
      assert.deepInclude(received.headers, {
        "api-key": key,
        "x-pinecone-api-version": "2026-04",
        "x-team": "blue",
        ":scheme": "http"
      })
      assert.match(String(received.headers["grpc-timeout"]), /^(29\d{3}|30000)m$|^\d+[mSMun]$/)
      const type = `${method}Request`
      assert.deepStrictEqual(decode(type, received.message), decode(type, encode(type, request)))
    })
  )

  it.live("numbers of writes may come after the message", () =>
    Effect.gen(function* () {
      const { index } = yield* scripted([
        { message: encode("UpsertResponse", { upserted_count: 1 }), trailers: { "x-pinecone-lsn-committed": "7" } }
      ])
      assert.deepInclude(yield* upsert(index), { lsn: 7 })
      assert.deepStrictEqual(index.written("news"), { lsn: 7 })
    })
  )

  it.live("calls share a connection, and it ends with the layer", () =>
    Effect.gen(function* () {
      const server = yield* scriptedGrpc(upserted, upserted, "hang")
      const waiting = yield* Effect.scoped(
        Effect.gen(function* () {
          const index = yield* serviceOf({ host: server.url })
          yield* Effect.all([upsert(index), upsert(index)], { concurrency: 2 })
          const fiber = yield* Effect.forkDetach(upsert(index))
          yield* Effect.promise(() => server.hanging)
          return fiber
        })
      )
      assert.strictEqual(server.connections(), 1)
      yield* Fiber.interrupt(waiting)
      yield* Effect.promise(() => server.gone)
    })
  )
})

describe("limits", () => {
  it.live("are of protobuf bytes, and hold for the very message", () =>
    Effect.gen(function* () {
      const record = { id: "a", values: new Array<number>(100).fill(0.123456789) }
      const bytes = encode("UpsertRequest", { vectors: [record], namespace: "news" }).length
      const request = { records: [record], namespace: "news" } as const
      const fits = yield* scripted([upserted], { maxRequestBytes: bytes })
      yield* fits.index.upsert(request)
      assert.strictEqual(fits.server.received[0]?.message.length, bytes)
      assert.strictEqual(fits.index.encode(record).bytes + fits.index.limits.envelopeBytes("news"), bytes)
      const over = yield* scripted([], { maxRequestBytes: bytes - 1 })
      assert.deepInclude(yield* reasonOf(over.index.upsert(request)), {
        _tag: "RequestTooLarge",
        detail: `it has ${bytes} bytes, and maxRequestBytes is ${bytes - 1}`
      })
      assert.lengthOf(over.server.received, 0)
    })
  )

  const refused: ReadonlyArray<readonly [string, Call, string]> = [
    ["NaN in a record", (i) => i.upsert({ records: [{ id: "a", values: [NaN] }] }), "InvalidRecord"],
    ["topK 0", (i) => i.query({ topK: 0, vector: [1] }), "InvalidOption"],
    ["an empty filter", (i) => i.delete({ filter: {} }), "InvalidRecord"],
    ["a page of 101", (i) => i.list({ limit: 101 }), "InvalidOption"],
    ["a delete of nothing in particular", (i) => i.delete(JSON.parse("{}")), "InvalidOption"]
  ]
  it.live.each(refused)("%s is not sent", ([, call, tag]) =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([])
      assert.strictEqual((yield* reasonOf(call(index)))._tag, tag)
      assert.lengthOf(server.received, 0)
    })
  )
})

describe("failures", () => {
  it.live("the code, the wait and the request's id come through", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted([
        { code: 8, details: "slow down: 100 %", headers: { "retry-after": "3" } },
        { code: 14, details: "overloaded", headers: { "x-pinecone-request-id": "r-1" } }
      ])
      const limited = yield* Effect.flip(upsert(index))
      assert.deepInclude(limited, { operation: "upsert", namespace: "news", retryAfter: 3000 })
      assert.deepInclude(limited.reason, { _tag: "RateLimited", detail: "slow down: 100 %", wire: { grpcCode: 8 } })
      assert.deepInclude(yield* reasonOf(upsert(index)), {
        _tag: "Unavailable",
        detail: "overloaded",
        wire: { grpcCode: 14, requestId: "r-1" }
      })
      // The library retried neither.
      assert.lengthOf(server.received, 2)
    })
  )

  it.live("a service that quotes the key it refuses", () =>
    Effect.gen(function* () {
      const { index } = yield* scripted([
        { code: 16, details: `API key ${key} is not valid`, headers: { "x-pinecone-request-id": `r ${key}` } }
      ])
      assert.deepInclude(yield* reasonOf(upsert(index)), {
        _tag: "Unauthorized",
        detail: "API key <redacted> is not valid",
        wire: { grpcCode: 16, requestId: "r <redacted>" }
      })
    })
  )

  const broken: ReadonlyArray<readonly [Line, object]> = [
    ["destroy the connection", { _tag: "ConnectionFailed", sent: true, mayHaveApplied: true, isRetryable: true }],
    ["reset the stream", { _tag: "ConnectionFailed", sent: true, mayHaveApplied: true, isRetryable: true }],
    ["break off", { _tag: "ConnectionFailed", sent: true, mayHaveApplied: true, isRetryable: true }],
    ["no message", { _tag: "InvalidResponse", isRetryable: false }],
    ["plain 404", { _tag: "NotFound", resource: "index", isFatal: true }],
    [{ message: Uint8Array.of(0x0a) }, { _tag: "InvalidResponse", isRetryable: false }]
  ]
  it.live.each(broken)("%j", ([line, expected]) =>
    Effect.gen(function* () {
      const { index } = yield* scripted([line])
      assert.deepInclude(yield* reasonOf(index.query({ topK: 1, vector: [1] })), expected)
    })
  )

  it.live("the next call after a broken connection makes a new one", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted(["destroy the connection", upserted])
      yield* Effect.flip(upsert(index))
      yield* upsert(index)
      assert.strictEqual(server.connections(), 2)
    })
  )

  it.live("a call after the layer is closed was never sent", () =>
    Effect.gen(function* () {
      const server = yield* scriptedGrpc()
      const index = yield* Effect.scoped(serviceOf({ host: server.url }))
      assert.deepInclude(yield* reasonOf(upsert(index)), { _tag: "ConnectionFailed", sent: false })
    })
  )

  it.live("nobody listens", () =>
    Effect.gen(function* () {
      const { url } = yield* Effect.scoped(scriptedGrpc())
      const reason = yield* reasonOf(upsert(yield* serviceOf({ host: url })))
      assert.deepInclude(reason, { _tag: "ConnectionFailed", sent: false, mayHaveApplied: false })
      assert.include(reason.message, "ECONNREFUSED")
    })
  )

  it.live("a server that speaks HTTP/1 only", () =>
    Effect.gen(function* () {
      const { url } = yield* scriptedServer()
      const reason = yield* reasonOf(upsert(yield* serviceOf({ host: url })))
      assert.strictEqual(reason._tag, "ConnectionFailed")
    })
  )

  it.live("interrupting a call cancels it at the service", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted(["hang"])
      const fiber = yield* Effect.forkChild(upsert(index))
      yield* Effect.promise(() => server.hanging)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* Effect.promise(() => server.gone), 8)
    })
  )

  it.live("a call that takes too long is cancelled", () =>
    Effect.gen(function* () {
      const { index, server } = yield* scripted(["hang"], { timeout: "200 millis" })
      const reason = yield* reasonOf(upsert(index))
      assert.deepInclude(reason, { _tag: "TimedOut", mayHaveApplied: true })
      yield* Effect.promise(() => server.gone)
    })
  )
})

describe("building the layer", () => {
  it.live("finds the host by the index's name, over REST", () =>
    Effect.gen(function* () {
      const data = yield* scriptedGrpc({ message: encode("DescribeIndexStatsResponse", { total_vector_count: 3 }) })
      const controller = yield* scriptedServer({ body: { host: new URL(data.url).host, dimension: 4 } })
      const index = yield* serviceOf({ index: "articles", controllerHost: controller.url })
      assert.deepInclude(index, { name: "articles", dimension: 4 })
      assert.strictEqual((yield* index.stats).totalRecords, 3)
    })
  )

  const bad: ReadonlyArray<readonly [string, Partial<Options>, string, RegExp]> = [
    ["an empty key", { apiKey: Redacted.make(""), host: "x" }, "apiKey", /PINECONE_API_KEY/],
    ["a host with a path", { host: "127.0.0.1:1/i/demo" }, "host", /has a path, \/i\/demo, and gRPC has none/],
    ["a header of gRPC's own", { host: "x", additionalHeaders: { "grpc-timeout": "1" } }, "additionalHeaders", /grpc-/],
    [
      "a header of bytes",
      { host: "x", additionalHeaders: { "X-Trace-Bin": "a" } },
      "additionalHeaders",
      /"X-Trace-Bin"/
    ]
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

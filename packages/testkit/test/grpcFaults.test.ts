/** Faults and quotas as they strike calls over gRPC. */
import { status } from "@grpc/grpc-js"
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import type { Service } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { encode, grpcRaw } from "./grpcRaw.ts"
import { closed, exchange, framed, http2Session } from "./http2Raw.ts"
import { json, sender } from "./rawHttp.ts"

const vectors = [{ id: "a", values: [1, 2] }]

const dense = { dimension: 2 }

const struck = (fault: FaultPlan.Fault, changes: Partial<FaultPlan.Rule> = {}) =>
  grpcRaw(dense, {
    faultPlan: FaultPlan.make([{ name: "f", operations: ["upsert"], when: FaultPlan.always, fault, ...changes }])
  })

/** Records that were written, asked over REST: a connection of its own. */
const records = (host: string) =>
  Effect.map(sender(host, { "api-key": "k" })("POST", "/describe_index_stats", "{}"), (answer) => {
    const body = json(answer)
    return typeof body === "object" && body !== null && "totalVectorCount" in body ? body.totalVectorCount : undefined
  })

/** Waits until a rule struck; every turn is a round over the network. */
const struckOnce = (emulator: Service) =>
  Effect.gen(function* () {
    while ((yield* emulator.faults.fired)["f"] === 0) yield* Effect.promise(() => fetch(emulator.url))
  })

describe("a fault", () => {
  it.effect.each([
    [400, status.INVALID_ARGUMENT],
    [401, status.UNAUTHENTICATED],
    [403, status.PERMISSION_DENIED],
    [404, status.NOT_FOUND],
    [413, status.OUT_OF_RANGE],
    [429, status.RESOURCE_EXHAUSTED],
    [500, status.INTERNAL],
    [503, status.UNAVAILABLE],
    [504, status.DEADLINE_EXCEEDED],
    [599, status.UNKNOWN]
  ] as const)("answer %d is code %d", ([http, code]) =>
    Effect.gen(function* () {
      const { call, emulator, host } = yield* struck(FaultPlan.status(http, { message: "Ouch, 100 % å\n😀" }))
      const ended = yield* call("Upsert", { vectors })
      assert.deepInclude(ended, { code, details: "Ouch, 100 % å\n😀", reply: undefined })
      assert.strictEqual(ended.metadata["x-pinecone-request-id"], "1")
      assert.deepStrictEqual(yield* emulator.faults.fired, { f: 1 })
      assert.strictEqual(yield* records(host), 0)
    })
  )

  it.effect("throttle says when to come back, in both ways", () =>
    Effect.gen(function* () {
      const { call } = yield* struck(FaultPlan.throttle({ retryAfter: "2 seconds" }))
      const { code, metadata } = yield* call("Upsert", { vectors })
      assert.strictEqual(code, status.RESOURCE_EXHAUSTED)
      assert.deepInclude(metadata, { "retry-after": "2", "grpc-retry-pushback-ms": "2000" })
    })
  )

  it.effect("throttle as text is the gateway, which does not speak gRPC", () =>
    Effect.gen(function* () {
      const { host } = yield* struck(FaultPlan.throttle({ format: "text", message: "slow down" }))
      const answer = yield* exchange(yield* http2Session(host), [framed(encode("UpsertRequest", { vectors }))])
      assert.deepInclude(answer, { status: 429, code: undefined, body: Buffer.from("slow down") })
      assert.strictEqual(answer.headers["content-type"], "text/plain; charset=utf-8")
    })
  )

  it.effect.each([
    ["before", 0],
    ["headers", 1],
    ["body", 1],
    ["after", 1]
  ] as const)("reset %s breaks the connection, with %d records written", ([at, written]) =>
    Effect.gen(function* () {
      const { call, host } = yield* struck(FaultPlan.reset(at), { times: 1 })
      const ended = yield* call("Upsert", { vectors })
      assert.strictEqual(ended.code, status.UNAVAILABLE)
      assert.strictEqual(yield* records(host), written)
      assert.strictEqual((yield* call("Upsert", { vectors })).code, status.OK)
    })
  )

  it.effect("reset breaks every call on the connection, and none on another", () =>
    Effect.gen(function* () {
      const plan = FaultPlan.make([
        { name: "f", operations: ["query"], when: FaultPlan.always, fault: FaultPlan.stall("1 hour") },
        { name: "reset", operations: ["upsert"], when: FaultPlan.always, fault: FaultPlan.reset("before") }
      ])
      const { emulator, host } = yield* grpcRaw(dense, { faultPlan: plan })
      const session = yield* http2Session(host)
      const other = yield* http2Session(host)
      const errors: Array<unknown> = []
      session.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code))
      const query = [framed(encode("QueryRequest", { vector: [1, 2], topK: 1 }))]
      const ended = yield* Effect.forkChild(closed(session), { startImmediately: true })
      const waiting = yield* Effect.forkChild(exchange(session, query, { path: "/VectorService/Query" }))
      yield* struckOnce(emulator)
      yield* exchange(session, [framed(encode("UpsertRequest", { vectors }))])
      assert.strictEqual((yield* Fiber.join(waiting)).code, undefined)
      yield* Fiber.join(ended)
      assert.deepStrictEqual(errors, ["ECONNRESET"])
      const list = yield* exchange(other, [framed(encode("ListRequest", {}))], { path: "/VectorService/List" })
      assert.strictEqual(list.code, status.OK)
    })
  )

  it.effect("reset in the body comes after half of the frame", () =>
    Effect.gen(function* () {
      const { host } = yield* struck(FaultPlan.reset("body"))
      const answer = yield* exchange(yield* http2Session(host), [framed(encode("UpsertRequest", { vectors }))])
      // five bytes of head, two of the message: three are half of seven
      assert.deepInclude(answer, { status: 200, code: undefined, body: Buffer.from([0, 0, 0]) })
    })
  )

  it.effect("lost answer is applied, and the client waits until it does not", () =>
    Effect.gen(function* () {
      const { call, host } = yield* struck(FaultPlan.loseAnswer)
      assert.strictEqual((yield* call("Upsert", { vectors }, { timeout: 200 })).code, status.DEADLINE_EXCEEDED)
      assert.strictEqual(yield* records(host), 1)
    })
  )

  it.effect("stall is late", () =>
    Effect.gen(function* () {
      const { call } = yield* struck(FaultPlan.stall("30 millis"))
      assert.deepInclude(yield* call("Upsert", { vectors }), { code: status.OK, reply: { upsertedCount: 1 } })
    })
  )

  it.effect("stall is not applied when the client leaves", () =>
    Effect.gen(function* () {
      const { call, emulator, host } = yield* struck(FaultPlan.stall("100 millis"), { times: 1 })
      const waiting = yield* Effect.forkChild(call("Upsert", { vectors }))
      yield* struckOnce(emulator)
      yield* Fiber.interrupt(waiting)
      // later on the same connection: the server knows of the first end by then, and its time is over
      yield* emulator.faults.replace(
        FaultPlan.make([
          { name: "f", operations: ["list"], when: FaultPlan.always, fault: FaultPlan.stall("200 millis") }
        ])
      )
      yield* call("List", {})
      assert.strictEqual(yield* records(host), 0)
    })
  )

  it.effect("stall ends with the deadline, unapplied", () =>
    Effect.gen(function* () {
      const { host } = yield* struck(FaultPlan.stall("1 hour"))
      const body = [framed(encode("UpsertRequest", { vectors }))]
      const answer = yield* exchange(yield* http2Session(host), body, { headers: { "grpc-timeout": "40m" } })
      assert.deepInclude(answer, { code: status.DEADLINE_EXCEEDED, message: "Deadline exceeded" })
      assert.strictEqual(yield* records(host), 0)
    })
  )

  it.effect("slow body arrives whole, also that of a refusal", () =>
    Effect.gen(function* () {
      const { call } = yield* struck(FaultPlan.slowBody("30 millis"))
      assert.deepInclude(yield* call("Upsert", { vectors }), { code: status.OK, reply: { upsertedCount: 1 } })
      assert.deepInclude(yield* call("Upsert", {}), { code: status.INVALID_ARGUMENT, reply: undefined })
    })
  )

  it.effect("truncated body is applied, and its stream ends as broken", () =>
    Effect.gen(function* () {
      const { call, host } = yield* struck(FaultPlan.truncatedBody, { times: 1 })
      assert.strictEqual((yield* call("Upsert", { vectors })).code, status.INTERNAL)
      assert.strictEqual(yield* records(host), 1)
      // the connection is still there
      assert.strictEqual((yield* call("Upsert", { vectors })).code, status.OK)
    })
  )

  it.effect("is for the namespace and the index of the message", () =>
    Effect.gen(function* () {
      const { call, emulator } = yield* struck(FaultPlan.status(503), { index: "demo", namespace: "n" })
      assert.strictEqual((yield* call("Upsert", { vectors, namespace: "m" })).code, status.OK)
      assert.strictEqual((yield* call("Upsert", { vectors, namespace: "n" })).code, status.UNAVAILABLE)
      assert.deepStrictEqual(yield* emulator.faults.matched, { f: 1 })
    })
  )
})

describe("a deadline", () => {
  it.effect("that is over when the message is there is the answer", () =>
    Effect.gen(function* () {
      const { host } = yield* grpcRaw(dense)
      const session = yield* http2Session(host)
      const body = [framed(encode("UpsertRequest", { vectors }))]
      for (const timeout of ["0m", "0S"]) {
        const answer = yield* exchange(session, body, { headers: { "grpc-timeout": timeout } })
        assert.strictEqual(answer.code, status.DEADLINE_EXCEEDED)
      }
      assert.strictEqual(yield* records(host), 0)
      for (const timeout of ["1H", "99999999S", "soon", "-1S", ""]) {
        const answer = yield* exchange(session, body, { headers: { "grpc-timeout": timeout } })
        assert.strictEqual(answer.code, status.OK)
      }
    })
  )
})

describe("quotas", () => {
  it.effect("refuse calls over gRPC and REST together, in the service's words", () =>
    Effect.gen(function* () {
      const { call, emulator, host } = yield* grpcRaw(dense, { quotas: { upsertRequestsPerNamespace: 2 } })
      const send = sender(host, { "api-key": "k" })
      assert.strictEqual((yield* send("POST", "/vectors/upsert", { vectors, namespace: "n" })).status, 200)
      assert.strictEqual((yield* call("Upsert", { vectors, namespace: "n" })).code, status.OK)
      const refused = yield* call("Upsert", { vectors, namespace: "n" })
      assert.strictEqual(refused.code, status.RESOURCE_EXHAUSTED)
      assert.include(refused.details, "upsert QPS limit for namespace n (2 QPS)")
      assert.strictEqual((yield* send("POST", "/vectors/upsert", { vectors, namespace: "n" })).status, 429)
      assert.deepStrictEqual(yield* emulator.faults.overQuota, { upsertRequestsPerNamespace: 2 })
    })
  )

  it.effect("count the bytes of the message, and the records of a delete", () =>
    Effect.gen(function* () {
      const bytes = encode("UpsertRequest", { vectors }).length
      const { call } = yield* grpcRaw(dense, {
        quotas: {
          upsertBytesPerNamespace: 2 * bytes,
          deleteRecordsPerNamespace: 3,
          deleteByMetadataRequestsPerNamespace: 0
        }
      })
      const codes = [
        yield* call("Upsert", { vectors }),
        yield* call("Upsert", { vectors }),
        yield* call("Upsert", { vectors }),
        yield* call("Delete", { ids: ["a", "b", "c"] }),
        yield* call("Delete", { ids: ["a"] }),
        yield* call("Delete", { filter: { fields: { a: { numberValue: 1 } } } })
      ].map(({ code }) => code)
      assert.deepStrictEqual(codes, [0, 0, 8, 0, 8, 8])
    })
  )
})

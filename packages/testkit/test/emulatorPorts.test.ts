/** The ports of indexes: two protocols on each, opened and closed with the index. */
import { PineconeEmulator } from "@effect-connectors/testkit"
import { status } from "@grpc/grpc-js"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { once } from "node:events"
import * as net from "node:net"
import { connect, encode, grpcRaw } from "./grpcRaw.ts"
import { closed, exchange, framed, http2Session } from "./http2Raw.ts"
import { temporary } from "./programSupport.ts"
import { json, sender } from "./rawHttp.ts"

const dense = { dimension: 2 }
const key = { "api-key": "k" }
const list = [framed(encode("ListRequest", {}))]
const path = "/VectorService/List"

/** Opens a connection, writes the pieces one by one and takes what comes until `isEnough`, or the end. */
const talk = (
  host: string,
  pieces: ReadonlyArray<string | Buffer>,
  isEnough: (seen: Buffer) => boolean = () => false
) =>
  Effect.promise(async () => {
    const socket = net.connect({ port: Number(new URL(host).port), host: "127.0.0.1", noDelay: true })
    await once(socket, "connect")
    let seen = Buffer.alloc(0)
    const ended = new Promise<void>((resolve) => {
      socket.on("error", () => {}).on("close", () => resolve())
      socket.on("data", (chunk) => {
        seen = Buffer.concat([seen, chunk])
        if (isEnough(seen)) socket.destroy()
      })
    })
    for (const piece of pieces) await new Promise<void>((written) => socket.write(piece, () => written()))
    await ended
    return seen
  })

describe("a port of an index", () => {
  it.effect("knows HTTP/2 by its preface, however it comes", () =>
    Effect.gen(function* () {
      const { host } = yield* grpcRaw(dense)
      const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
      const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
      for (const pieces of [
        [preface, settings],
        [Buffer.concat([preface, settings])],
        [...Array.from(preface, (byte) => Buffer.from([byte])), settings],
        [preface.subarray(0, 23), Buffer.concat([preface.subarray(23), settings])]
      ]) {
        const seen = yield* talk(host, pieces, ({ length }) => length >= 9)
        // a frame of settings on stream 0
        assert.strictEqual(seen[3], 4)
      }
    })
  )

  it.effect("takes everything else for HTTP/1.1", () =>
    Effect.gen(function* () {
      const { host } = yield* grpcRaw(dense)
      const request = "GET /vectors/list HTTP/1.1\r\nHost: h\r\nApi-Key: k\r\nConnection: close\r\n\r\n"
      for (const pieces of [[request], [...request], ["GET", request.slice(3)]]) {
        const seen = yield* talk(host, pieces)
        assert.match(seen.toString(), /^HTTP\/1\.1 200 OK\r\n/)
        assert.include(seen.toString(), `{"vectors":[],"namespace":"__default__"`)
      }
      const almost = yield* talk(host, ["PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"])
      assert.match(almost.toString(), /^HTTP\/1\.1 4/)
      const post =
        "POST /describe_index_stats HTTP/1.1\r\nHost: h\r\nApi-Key: k\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
      assert.include((yield* talk(host, ["P", post.slice(1)])).toString(), `"totalVectorCount":0`)
    })
  )

  it.effect("is left by clients that say nothing, or half a preface", () =>
    Effect.gen(function* () {
      const { call, host } = yield* grpcRaw(dense)
      yield* Effect.promise(async () => {
        for (const bytes of ["", "PRI * HTT"]) {
          const socket = net.connect(Number(new URL(host).port), "127.0.0.1")
          socket.resume().end(bytes)
          await once(socket, "close")
        }
      })
      assert.strictEqual((yield* call("List", {})).code, status.OK)
    })
  )

  it.effect("is closed with its index, and a new index of the name has another", () =>
    Effect.gen(function* () {
      const { emulator, host } = yield* grpcRaw(dense)
      const control = sender(emulator.url, key)
      const session = yield* http2Session(host)
      assert.strictEqual((yield* exchange(session, list, { path })).code, status.OK)
      const ended = yield* Effect.forkChild(closed(session), { startImmediately: true })
      assert.strictEqual((yield* control("DELETE", "/indexes/demo")).status, 202)
      yield* Fiber.join(ended)
      assert.strictEqual((yield* (yield* connect(host)).call("List", {})).code, status.UNAVAILABLE)
      assert.strictEqual((yield* control("GET", "/i/demo/vectors/list")).status, 404)
      assert.deepStrictEqual(yield* emulator.indexes, [])

      const again = yield* emulator.createIndex({ name: "demo", dimension: 2 })
      assert.strictEqual((yield* (yield* connect(again.host)).call("List", {})).code, status.OK)
      assert.deepStrictEqual(yield* emulator.indexes, [{ name: "demo", host: again.host }])
    })
  )

  it.effect("is told by everything that tells of the index", () =>
    Effect.gen(function* () {
      const { emulator, host } = yield* grpcRaw(dense)
      const control = sender(emulator.url, { ...key, "content-type": "application/json" })
      assert.deepInclude(json(yield* control("GET", "/indexes/demo")), { host })
      assert.deepInclude(json(yield* control("PATCH", "/indexes/demo", { tags: { a: "b" } })), { host })
      assert.include((yield* control("GET", "/indexes")).text, `"host":"${host}"`)
      const spec = { serverless: { cloud: "aws", region: "r" } }
      const made = yield* Effect.forEach(
        Array.from({ length: 5 }),
        () => control("POST", "/indexes", { name: "same", dimension: 3, spec }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        made.map((answer) => answer.status).toSorted((a, b) => a - b),
        [201, 409, 409, 409, 409]
      )
      const [, same] = yield* emulator.indexes
      assert.strictEqual(same?.name, "same")
      assert.include(made.find((answer) => answer.status === 201)?.text, `"host":"${same?.host}"`)
      assert.notStrictEqual(same?.host, host)
    })
  )

  it.effect("ends with the emulator, and is there again with the data", () =>
    Effect.gen(function* () {
      const data = yield* temporary
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(PineconeEmulator.make({ data }), scope)
      const { host } = yield* first.createIndex({ name: "kept", dimension: 2 })
      yield* (yield* connect(host)).call("Upsert", { vectors: [{ id: "a", values: [1, 2] }] })
      const session = yield* http2Session(host)
      yield* exchange(session, list, { path })
      const ended = yield* Effect.forkChild(closed(session), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(ended)
      assert.strictEqual((yield* (yield* connect(host)).call("List", {})).code, status.UNAVAILABLE)

      const second = yield* PineconeEmulator.make({ data })
      const [kept] = yield* second.indexes
      assert.strictEqual(kept?.name, "kept")
      const { call } = yield* connect(kept?.host ?? "")
      assert.deepInclude((yield* call("List", {})).reply, { vectors: [{ id: "a" }] })
    })
  )
})

/** Bytes that want to break the emulator, in frames and in messages. */
import { status } from "@grpc/grpc-js"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { constants } from "node:http2"
import * as net from "node:net"
import { gzipSync } from "node:zlib"
import { connect, encode, grpcRaw, struct } from "./grpcRaw.ts"
import { exchange, framed, http2Session, type StreamOptions } from "./http2Raw.ts"

const dense = { dimension: 2 }
const vectors = [{ id: "a", values: [1, 2] }]
const upsert = encode("UpsertRequest", { vectors })
const gzip = { "grpc-encoding": "gzip" }

/** An emulator with small limits, and one connection to it on which every stream of a test goes. */
const hostile = Effect.gen(function* () {
  const { host } = yield* grpcRaw(dense, { maxBodyBytes: 1_000_000 })
  const session = yield* http2Session(host)
  const isAlive = Effect.map(exchange(session, [framed(upsert)]), ({ code }) => code === status.OK)
  return { host, session, isAlive }
})

/** Fields of protobuf by hand. */
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex")

/** A record with metadata of so many levels, innermost first. */
const nested = (levels: number): Buffer => {
  const wrap = (tag: number, content: Buffer): Buffer => {
    const length: Array<number> = []
    for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
      length.push(rest < 128 ? rest : (rest % 128) + 128)
      if (rest < 128) return Buffer.concat([Buffer.from([tag, ...length]), content])
    }
  }
  let value = hex("08 00")
  for (let level = 0; level < levels; level++) {
    // a value that is a struct whose field "k" is the value
    value = wrap(0x2a, wrap(0x0a, Buffer.concat([hex("0a 01 6b"), wrap(0x12, value)])))
  }
  const metadata = wrap(0x0a, Buffer.concat([hex("0a 01 6b"), wrap(0x12, value)]))
  return wrap(0x0a, Buffer.concat([hex("0a 01 61"), wrap(0x1a, metadata)]))
}

describe("frames", () => {
  it.effect.each([
    ["no byte", [], status.INTERNAL, "got none", {}],
    ["half a head", [hex("00 00 00")], status.INTERNAL, "ends after 3 bytes", {}],
    ["a head alone", [framed(Buffer.alloc(0), { length: 3 })], status.INTERNAL, "ends after 5 bytes", {}],
    ["less than its length", [framed(upsert, { length: upsert.length + 1 })], status.INTERNAL, "ends after", {}],
    ["more than its length", [framed(upsert, { length: upsert.length - 1 })], status.INTERNAL, "got more", {}],
    ["two messages", [framed(upsert), framed(upsert)], status.INTERNAL, "got more", {}],
    [
      "a length over the limit",
      [framed(upsert, { length: 1_000_001 })],
      status.RESOURCE_EXHAUSTED,
      "at most 1000000 bytes, got 1000001",
      {}
    ],
    [
      "the greatest length",
      [framed(upsert, { length: 4_294_967_295 })],
      status.RESOURCE_EXHAUSTED,
      "got 4294967295",
      {}
    ],
    ["a flag that is none", [framed(upsert, { flag: 2 })], status.INTERNAL, "is 0 or 1, got 2", {}],
    ["compression that is not named", [framed(gzipSync(upsert), { flag: 1 })], status.INTERNAL, "does not say how", {}],
    ["compression that is none", [framed(upsert, { flag: 1 })], status.INTERNAL, "not gzip", gzip],
    [
      "half of a compressed message",
      [framed(gzipSync(upsert).subarray(0, 20), { flag: 1 })],
      status.INTERNAL,
      "not gzip",
      gzip
    ],
    [
      "few bytes that become many",
      [framed(gzipSync(Buffer.alloc(50_000_000)), { flag: 1 })],
      status.RESOURCE_EXHAUSTED,
      "more when it is unpacked",
      gzip
    ],
    ["a compression of its own", [framed(upsert)], status.UNIMPLEMENTED, "not by br", { "grpc-encoding": "br" }]
  ] as const)("%s", ([, pieces, code, part, headers]) =>
    Effect.gen(function* () {
      const { isAlive, session } = yield* hostile
      const answer = yield* exchange(session, pieces, { headers })
      assert.strictEqual(answer.code, code)
      assert.include(answer.message, part)
      assert.isTrue(yield* isAlive)
    })
  )

  it.effect("that are good come byte by byte, compressed, or not compressed where they could be", () =>
    Effect.gen(function* () {
      const { session } = yield* hostile
      const bytes = Array.from(framed(upsert), (byte) => Buffer.from([byte]))
      assert.strictEqual((yield* exchange(session, bytes)).code, status.OK)
      const packed = framed(gzipSync(upsert), { flag: 1 })
      assert.strictEqual((yield* exchange(session, [packed], { headers: gzip })).code, status.OK)
      assert.strictEqual((yield* exchange(session, [framed(upsert)], { headers: gzip })).code, status.OK)
    })
  )

  it.effect("of a large message flow, and over the limit are refused while they come", () =>
    Effect.gen(function* () {
      const { host, session } = yield* hostile
      const endless = [framed(Buffer.alloc(1_000_000), { length: 40_000_000 }), Buffer.alloc(39_000_000)]
      const answer = yield* exchange(session, endless)
      assert.strictEqual(answer.code, status.RESOURCE_EXHAUSTED)
      const gzipped = yield* connect(host, { "grpc.default_compression_algorithm": 2 })
      const many = Array.from({ length: 900 }, (_, at) => ({ id: `${at}`, values: [at, 1] }))
      assert.deepInclude(yield* gzipped.call("Upsert", { vectors: many }), { reply: { upsertedCount: 900 } })
    })
  )

  it.effect("of a client that leaves in their middle write nothing", () =>
    Effect.gen(function* () {
      const { session } = yield* hostile
      const stream = session.request({
        ":method": "POST",
        ":path": "/VectorService/Upsert",
        "content-type": "application/grpc",
        "api-key": "k"
      })
      stream.on("error", () => {})
      // all of the message, but not the end of the stream
      stream.write(framed(upsert))
      stream.close(constants.NGHTTP2_CANCEL)
      const list = yield* exchange(session, [framed(encode("ListRequest", {}))], { path: "/VectorService/List" })
      assert.strictEqual(list.code, status.OK)
      assert.notInclude(list.body.toString(), "\n\u0001a")
    })
  )
})

describe("messages", () => {
  it.effect.each([
    ["no protobuf", hex("ff ff ff ff ff ff ff ff ff ff ff")],
    ["a field without its content", hex("0a")],
    ["a length beyond the end", hex("0a 7f 00")],
    ["a length of 2^63", hex("0a ff ff ff ff ff ff ff ff 7f")],
    ["a group that does not end", hex("0b 08 01")],
    ["the end of a group that is none", hex("0c")],
    ["field number 0", hex("02 00")],
    ["seven bytes of floats", hex("0a 0c 0a 01 61 12 07 00 00 00 00 00 00 00")],
    ["a record that is a number", hex("08 01")],
    ["an id that is a number", hex("0a 0c 08 61 12 08 00 00 80 3f 00 00 80 3f")],
    ["an id that is no UTF-8", hex("0a 0d 0a 01 ff 12 08 00 00 80 3f 00 00 80 3f")],
    ["metadata that is no message", hex("0a 05 0a 01 61 1a 05 ff ff ff ff ff")],
    ["metadata of 10,000 levels", nested(10_000)],
    ["metadata of 60 levels", nested(60)],
    ["more records than an upsert has", Buffer.from("0a00".repeat(400_000), "hex")]
  ] as const)("%s", ([, message]) =>
    Effect.gen(function* () {
      const { isAlive, session } = yield* hostile
      const answer = yield* exchange(session, [framed(message)])
      assert.strictEqual(answer.code, status.INVALID_ARGUMENT)
      assert.isNotEmpty(answer.message)
      assert.isBelow(answer.message.length, 1_000)
      assert.isTrue(yield* isAlive)
    })
  )

  it.effect("may have fields nobody knows, floats that are not packed, and fields twice", () =>
    Effect.gen(function* () {
      const { host, session } = yield* hostile
      const { call } = yield* connect(host)
      const unknown = hex("a2 06 03 78 79 7a  a8 06 01  b1 06 00 00 00 00 00 00 00 00")
      const record = Buffer.concat([
        hex("0a 01 62"),
        hex("0a 01 61"),
        hex("15 00 00 80 3f"),
        hex("12 04 00 00 00 40"),
        unknown
      ])
      const message = Buffer.concat([unknown, hex("0a"), Buffer.from([record.length]), record])
      assert.strictEqual((yield* exchange(session, [framed(message)])).code, status.OK)
      assert.deepInclude((yield* call("Fetch", { ids: ["a", "b"] })).reply, {
        vectors: { a: { id: "a", values: [1, 2] } }
      })
    })
  )

  it.effect("drop a field of metadata that is null or nothing, as JSON does", () =>
    Effect.gen(function* () {
      const { host } = yield* hostile
      const { call } = yield* connect(host)
      const metadata = { fields: { gone: { nullValue: 0 }, empty: {}, here: { stringValue: "" } } }
      yield* call("Upsert", { vectors: [{ id: "a", values: [1, 2], metadata }] })
      assert.deepInclude((yield* call("Fetch", { ids: ["a"] })).reply, {
        vectors: { a: { id: "a", values: [1, 2], metadata: struct({ here: "" }) } }
      })
    })
  )
})

describe("what is no call", () => {
  it.effect.each([
    ["/", {}],
    ["/VectorService", {}],
    ["/VectorService/", {}],
    ["/VectorService/upsert", {}],
    ["/VectorService/__proto__", {}],
    ["/VectorService/constructor", {}],
    ["/pinecone.VectorService/Upsert", {}],
    ["/VectorService/Upsert", { ":method": "PUT" }]
  ] as const)("%s %j is not implemented", ([path, headers]) =>
    Effect.gen(function* () {
      const { isAlive, session } = yield* hostile
      const answer = yield* exchange(session, [framed(upsert)], { path, headers })
      assert.strictEqual(answer.code, status.UNIMPLEMENTED)
      assert.isTrue(yield* isAlive)
    })
  )

  it.effect.each(["application/json", "application/grpc+json", "application/grpcs", "text/plain"])(
    "%s is another protocol",
    (type) =>
      Effect.gen(function* () {
        const { session } = yield* hostile
        const options: StreamOptions = { headers: { "content-type": type } }
        const answer = yield* exchange(session, [framed(upsert)], options)
        assert.deepInclude(answer, { status: 415, code: undefined })
      })
  )

  it.effect("is not HTTP/2 after its preface, and ends its own connection alone", () =>
    Effect.gen(function* () {
      const { host, isAlive } = yield* hostile
      const ended = yield* Effect.promise(
        () =>
          new Promise<boolean>((resolve) => {
            const socket = net.connect(Number(new URL(host).port), "127.0.0.1")
            socket.on("error", () => {}).on("close", () => resolve(true))
            socket.resume().write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"garbage ".repeat(1_000)}`)
          })
      )
      assert.isTrue(ended)
      assert.isTrue(yield* isAlive)
    })
  )
})

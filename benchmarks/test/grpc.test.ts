import { PineconeGrpc, PineconeIndex } from "@effect-connectors/pinecone"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { acceptGrpc, vectorCounter } from "../servers/grpc.ts"
import { listen } from "../servers/serve.ts"

/** Two vectors with ids of 1 and 200 characters, and a namespace, in a frame. */
const frame = Uint8Array.from([
  ...[0, 0, 0, 0, 0],
  ...[0x0a, 3, 0x0a, 1, 0x61],
  ...[0x0a, 0xcb, 0x01, 0x0a, 0xc8, 0x01, ...Array.from({ length: 200 }, () => 0x0a)],
  ...[0x12, 2, 0x0a, 0x0a]
])

describe("the gRPC server that drains", () => {
  it("counts vectors wherever a message is cut", () => {
    for (let cut = 0; cut <= frame.length; cut++) {
      const counter = vectorCounter()
      counter.add(frame.subarray(0, cut))
      counter.add(frame.subarray(cut))
      assert.strictEqual(counter.count(), 2, `cut at ${cut}`)
    }
  })

  it.live("answers upserts of the layer with their count", () =>
    Effect.gen(function* () {
      const server = acceptGrpc({ afterMillis: () => 0, counted: false })
      const host = yield* Effect.promise(() => listen(server))
      yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
      const records = Arr.makeBy(300, (i) => ({ id: `record-${i}`, values: [i, 1, 2] }))
      const count = yield* Effect.gen(function* () {
        const index = yield* PineconeIndex
        return (yield* index.upsert({ records })).count
      }).pipe(Effect.provide(PineconeGrpc.layer({ apiKey: Redacted.make("any"), host })))
      assert.strictEqual(count, 300)
    }).pipe(Effect.scoped)
  )
})

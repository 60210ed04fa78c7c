import { assert, describe, it } from "@effect/vitest"
import { type Profile, summarize } from "../profile.ts"

const node = (id: number, functionName: string, url: string, children: ReadonlyArray<number> = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
  children
})

/** Milliseconds of self time by node. */
const profile = (nodes: Profile["nodes"], millis: Readonly<Record<number, number>>): Profile => ({
  nodes,
  samples: Object.keys(millis).map(Number),
  timeDeltas: Object.values(millis).map((value) => value * 1000)
})

describe("summarize", () => {
  it("sums self time by kind, without idle time", () => {
    const { busyMillis, kinds } = summarize(
      profile(
        [
          node(1, "(root)", "", [2, 3, 4, 5, 6]),
          node(2, "(idle)", ""),
          node(3, "(garbage collector)", ""),
          node(4, "run", "file:///a/node_modules/effect/dist/Effect.js", [7]),
          node(5, "send", "node:internal/http2/core"),
          node(6, "written", "file:///a/packages/core/src/Write.ts"),
          node(7, "encode", "file:///a/packages/pinecone/src/internal/protoRequests.ts")
        ],
        { 2: 100, 3: 4, 4: 5, 5: 3, 6: 2, 7: 10 }
      )
    )
    assert.strictEqual(busyMillis, 24)
    assert.deepStrictEqual(kinds, [
      { name: "writing and reading the wire form", millis: 10 },
      { name: "Effect", millis: 5 },
      { name: "garbage collection", millis: 4 },
      { name: "HTTP/2", millis: 3 },
      { name: "engines (core)", millis: 2 }
    ])
  })

  it("counts a native function to its caller, and JSON by itself", () => {
    const { functions, kinds } = summarize(
      profile(
        [
          node(1, "(root)", "", [2]),
          node(2, "send", "file:///a/node_modules/@grpc/grpc-js/build/src/call.js", [3, 4]),
          node(3, "writev", ""),
          node(4, "stringify", "")
        ],
        { 2: 1, 3: 2, 4: 5 }
      )
    )
    assert.deepStrictEqual(kinds, [
      { name: "JSON.stringify and JSON.parse", millis: 5 },
      { name: "grpc-js", millis: 3 }
    ])
    assert.deepStrictEqual(
      functions.map(({ name }) => name),
      ["stringify", "writev", "send node_modules/@grpc/grpc-js/build/src/call.js:10"]
    )
  })
})

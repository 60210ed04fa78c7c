/** The program `pinecone-emulator`, as its users start it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import * as fs from "node:fs"
import * as http from "node:http"
import * as net from "node:net"
import * as path from "node:path"
import { started, temporary, urlOf } from "./programSupport.ts"

const program = "pineconeEmulator.ts"

const post = (url: string, body: object) =>
  Effect.promise(async () => {
    const response = await fetch(url, { method: "POST", headers: { "api-key": "k" }, body: JSON.stringify(body) })
    return response.text()
  })

describe("pinecone-emulator", () => {
  it.effect.each(["SIGTERM", "SIGINT"] as const)("says where it is, and ends at %s with a client connected", (signal) =>
    Effect.gen(function* () {
      const emulator = yield* started(program, "--port", "0", "--index", "a:3:euclidean", "--index", "b:sparse")
      const line = yield* emulator.firstLine
      assert.strictEqual(
        line.replaceAll(/127\.0\.0\.1:\d+/g, "here"),
        `{"url":"http://here","indexes":[{"name":"a","host":"http://here"},{"name":"b","host":"http://here"}]}`
      )
      const agent = new http.Agent({ keepAlive: true })
      const listed = yield* Effect.promise(
        () =>
          new Promise<string>((resolve, reject) => {
            const request = http.get(`${urlOf(line)}/indexes`, { agent, headers: { "api-key": "k" } }, (response) => {
              let text = ""
              response.on("data", (chunk: Buffer) => (text += chunk.toString())).on("end", () => resolve(text))
            })
            request.on("error", reject)
          })
      )
      assert.include(listed, `"dimension":3,"metric":"euclidean"`)
      assert.include(listed, `"vector_type":"sparse"`)
      assert.strictEqual(yield* emulator.end(signal), 0)
      agent.destroy()
    })
  )

  it.effect("keeps its data from one run to the next", () =>
    Effect.gen(function* () {
      const args = ["--port", "0", "--index", "a:2", "--data", yield* temporary]
      const first = yield* started(program, ...args)
      const url = urlOf(yield* first.firstLine)
      yield* post(`${url}/i/a/vectors/upsert`, { vectors: [{ id: "x", values: [1, 2] }] })
      yield* post(`${url}/indexes`, { name: "c", dimension: 4, spec: { serverless: { cloud: "aws", region: "r" } } })
      assert.strictEqual(yield* first.end("SIGTERM"), 0)

      const second = yield* started(program, ...args)
      const again = urlOf(yield* second.firstLine)
      assert.include(yield* post(`${again}/i/a/query`, { id: "x", topK: 1 }), `"matches":[{"id":"x"`)
      assert.include(yield* post(`${again}/i/c/describe_index_stats`, {}), `"dimension":4`)
    })
  )

  it.effect("makes indexes of documents and for a model", () =>
    Effect.gen(function* () {
      const file = path.join(yield* temporary, "a:schema=1,2.json")
      fs.writeFileSync(file, JSON.stringify({ fields: { title: { type: "string", full_text_search: {} } } }))
      const emulator = yield* started(
        program,
        "--port",
        "0",
        "--index",
        `stories:documents=${file}`,
        "--index",
        "texts:model=multilingual-e5-large,field=chunk_text"
      )
      const url = urlOf(yield* emulator.firstLine)
      yield* post(`${url}/i/stories/namespaces/ns/documents/upsert`, { documents: [{ _id: "a", title: "Rain again" }] })
      const scoreBy = { score_by: [{ type: "text", fields: ["title"], query: "rain" }], top_k: 1 }
      assert.include(yield* post(`${url}/i/stories/namespaces/ns/documents/search`, scoreBy), `"_id":"a"`)
      yield* post(`${url}/i/texts/records/namespaces/ns/upsert`, { _id: "b", chunk_text: "Rain again" })
      const query = { query: { top_k: 1, inputs: { text: "rain" } } }
      assert.include(yield* post(`${url}/i/texts/records/namespaces/ns/search`, query), `"_id":"b"`)
    })
  )

  it.effect("says in a line that its port is taken", () =>
    Effect.gen(function* () {
      const taken = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const server = net.createServer().listen(0, "127.0.0.1")
          await once(server, "listening")
          return server
        }),
        (server) => Effect.sync(() => server.close())
      )
      const address = taken.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const emulator = yield* started(program, "--port", `${port}`)
      assert.strictEqual(yield* emulator.end(), 1)
      assert.include(emulator.stderr(), `EADDRINUSE: address already in use 127.0.0.1:${port}`)
      assert.isAtMost(emulator.stderr().trim().split("\n").length, 2)
    })
  )

  it.effect.each([
    ["--index", "a:b"],
    ["--index", "a:documents=/nowhere/schema.json"],
    ["--index", "A:3"],
    ["--port", "70000"],
    ["--max-request-bytes", "many"]
  ] as const)("refuses %s %s", ([flag, value]) =>
    Effect.gen(function* () {
      const emulator = yield* started(program, "--port", "0", flag, value)
      assert.strictEqual(yield* emulator.end(), 1)
      assert.isNotEmpty(emulator.stderr())
      assert.notInclude(emulator.stderr(), "    at ")
    })
  )
})

import { PineconeIndex } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { execFile } from "node:child_process"
import * as path from "node:path"
import { promisify } from "node:util"
import { load } from "./load-ndjson.ts"

describe("load-ndjson", () => {
  it.effect("writes the good lines and keeps the others, with their numbers and what is wrong", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const rejected = path.join(yield* files.makeTempDirectoryScoped(), "rejected.ndjson")
      const counts = yield* load(path.join(import.meta.dirname, "data", "fruits.ndjson"), rejected)
      assert.deepStrictEqual(counts, { lines: 6, written: 3, kept: 3 })

      const { namespaces } = yield* (yield* PineconeIndex).stats
      assert.deepStrictEqual([...namespaces.values()], [counts.written])

      const kept = (yield* files.readFileString(rejected)).trimEnd().split("\n").sort()
      assert.strictEqual(kept.length, counts.kept)
      assert.match(
        kept[0]!,
        /^\{"line":3,"outcome":"Rejected","error":"Expected a valid JSON string","text":"\{.*melon/
      )
      assert.match(kept[1]!, /^\{"line":5,"outcome":"Rejected","error":".*has 2 numbers and the index has dimension 3/)
      assert.match(kept[2]!, /^\{"line":7,"outcome":"Rejected","error":"has null in field/)
    }).pipe(Effect.provide([PineconeMemory.layerWith({ dimension: 3 }), NodeFileSystem.layer]))
  )

  it.effect("loads a file that is longer than a batch, and leaves no old rejected lines", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const directory = yield* files.makeTempDirectoryScoped()
      const [file, rejected] = [path.join(directory, "in.ndjson"), path.join(directory, "out.ndjson")]
      yield* files.writeFileString(rejected, "old")
      const record = (_: unknown, i: number) => JSON.stringify({ id: `r${i}`, values: [1, i] })
      yield* files.writeFileString(file, Array.from({ length: 2_500 }, record).join("\r\n"))
      assert.deepStrictEqual(yield* load(file, rejected), { lines: 2_500, written: 2_500, kept: 0 })
      assert.strictEqual(yield* files.readFileString(rejected), "")
    }).pipe(Effect.provide([PineconeMemory.layer, NodeFileSystem.layer]))
  )

  it("runs as a program", async () => {
    const file = path.join(import.meta.dirname, "load-ndjson.ts")
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@effect-connectors/source", file])
    assert.match(stdout, /^6 lines: 3 written, 3 kept in \S+rejected.ndjson\n$/)
  })
})

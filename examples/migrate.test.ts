import * as PineconeCompare from "@effect-connectors/pinecone/PineconeCompare"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { execFile } from "node:child_process"
import * as path from "node:path"
import { promisify } from "node:util"
import { run } from "./migrate.ts"

describe("migrate", () => {
  it.live("is stopped, goes on, and ends with two indexes and a file that hold the same", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const { report, ...result } = yield* run(2_000, yield* files.makeTempDirectoryScoped())
      const same = { ...PineconeCompare.empty, compared: 2_000, same: 2_000 }
      assert.deepInclude(report, { records: 2_000, written: 2_000 - report.recordsBefore, notWritten: 0 })
      assert.deepStrictEqual(report.comparison, same)
      assert.deepStrictEqual(result.withFile, same)
      assert.strictEqual(result.exported.records, 2_000)
      assert.isAtLeast(result.writtenBefore, 1_000)
      for (const fired of Object.values(result.faultsFired)) assert.isAbove(fired, 0)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it("runs as a program", async () => {
    const file = path.join(import.meta.dirname, "migrate.ts")
    const node = ["--conditions=@effect-connectors/source", file, "--json"]
    const { stdout } = await promisify(execFile)(process.execPath, node)
    const { report, withFile } = JSON.parse(stdout)
    assert.strictEqual(report.records, 5_000)
    assert.strictEqual(report.comparison.same, 5_000)
    assert.strictEqual(withFile.same, 5_000)
  }, 60_000)
})

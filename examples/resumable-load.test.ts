import { ConnectorError } from "@effect-connectors/core"
import { PineconeError, PineconeIndex } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { layerLedger, load, openLetters, redrive } from "./resumable-load.ts"

/** Three good records, one with a number too few, and two that are no records. */
const fruits = path.join(import.meta.dirname, "data", "fruits.ndjson")

/** A file of records, of which every 100th is no JSON and every 70th has another dimension. */
const isBroken = (i: number) => i % 100 === 99
const isOdd = (i: number) => i % 70 === 69 && !isBroken(i)
const lineOf = (_: unknown, i: number) =>
  isBroken(i) ? `{"id":"r${i}` : JSON.stringify({ id: `r${i}`, values: isOdd(i) ? [i] : [1, i] })

const makeInput = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const state = yield* files.makeTempDirectoryScoped()
  const file = path.join(state, "in.ndjson")
  const lines = Array.from({ length: 3_000 }, lineOf)
  yield* files.writeFileString(file, lines.join("\n"))
  return { state, file, lines }
})

const stored = Effect.map(
  Effect.flatMap(PineconeIndex, (index) => index.stats),
  (stats) => stats.totalRecords
)

const services = Layer.merge(PineconeMemory.layerWith({ dimension: 2 }), NodeServices.layer)

describe("resumable-load", () => {
  it.effect("is done when every line is written or kept, however often it breaks off", () =>
    Effect.gen(function* () {
      const { file, lines, state } = yield* makeInput
      const index = yield* PineconeIndex
      let calls = 0
      // The key is taken away after some calls.
      const brittle = PineconeIndex.of({
        ...index,
        upsert: (request) =>
          Effect.suspend(() => {
            if (++calls % 6 === 0) {
              const reason = new ConnectorError.Unauthorized({ detail: "revoked" })
              return Effect.fail(new PineconeError({ operation: "upsert", reason }))
            }
            return index.upsert(request)
          })
      })
      const once = load(file, state).pipe(Effect.provide(layerLedger(state)))
      let runs = 0
      for (let failed = true; failed; runs++) {
        assert.isBelow(runs, 100)
        failed = (yield* Effect.exit(Effect.provideService(once, PineconeIndex, brittle)))._tag === "Failure"
      }
      assert.isAbove(runs, 1)

      const letters = yield* openLetters(state)
      const kept = yield* Stream.runCollect(letters.letters)
      const bad = lines.filter((_, i) => isBroken(i) || isOdd(i))
      const keptLines = new Set(kept.map(({ record }) => record))
      assert.strictEqual(keptLines.size, kept.length)
      for (const line of bad) assert.isTrue(keptLines.has(line))
      // What was taken in when the key was gone is kept as well, and written now.
      assert.deepStrictEqual(yield* redrive(state), { written: kept.length - bad.length, kept: bad.length })
      assert.strictEqual(yield* stored, lines.length - bad.length)
      assert.deepStrictEqual(yield* once, { done: 0, skipped: lines.length, kept: bad.length })
    }).pipe(Effect.provide(services))
  )

  it("runs as a program, and again, and for its dead letters", async ({ onTestFinished }) => {
    const state = fs.mkdtempSync(path.join(os.tmpdir(), "resumable-load-"))
    onTestFinished(() => fs.rmSync(state, { recursive: true }))
    const program = path.join(import.meta.dirname, "resumable-load.ts")
    const run = async (...args: ReadonlyArray<string>) => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        "--conditions=@effect-connectors/source",
        program,
        fruits,
        state,
        ...args
      ])
      return stdout.trimEnd().replace(state, "state")
    }
    assert.strictEqual(await run(), "0 lines were done before, 6 now; dead letters: 3, in state")
    assert.strictEqual(await run(), "6 lines were done before, 0 now; dead letters: 3, in state")
    // Into an index that is empty, so that the vector of two numbers is the first.
    assert.strictEqual(await run("--redrive"), "1 written now, 2 still kept")
  })
})

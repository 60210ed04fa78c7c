import { TectonClient } from "@effect-connectors/tecton"
import { PineconeMemory, TectonMemory } from "@effect-connectors/testkit"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFile } from "node:child_process"
import * as path from "node:path"
import { promisify } from "node:util"
import { workspace } from "./closed-loop/features.ts"
import { run } from "./closed-loop/loop.ts"
import * as Corpora from "./demo/corpora.ts"
import { Encoder } from "./demo/encoders.ts"

const tecton = TectonMemory.layerWith({ definition: workspace })

const looped = Effect.gen(function* () {
  const { texts } = yield* Corpora.webFeatures
  return yield* run(texts.slice(0, 120), () => Effect.void)
})

const encoder = Layer.provide(Encoder.glove, NodeServices.layer)

describe("closed-loop", () => {
  it.live("gives every item neighbours that are not itself, and reads them back", () =>
    Effect.gen(function* () {
      const { neighbours, report } = yield* looped
      assert.deepStrictEqual(report, { items: 120, written: 120, readBack: 120 })
      for (const { item, scores, similar } of neighbours) {
        assert.lengthOf(similar, 5)
        assert.notInclude(similar, item)
        assert.deepStrictEqual(
          scores,
          scores.toSorted((a, b) => b - a)
        )
      }
    }).pipe(Effect.provide([tecton, PineconeMemory.layer, encoder]))
  )

  it.live("does not count what was not stored as it was pushed", () =>
    Effect.gen(function* () {
      const { report } = yield* looped
      assert.deepStrictEqual(report, { items: 120, written: 120, readBack: 0 })
    }).pipe(
      // Acknowledges neighbours and writes none.
      Effect.updateService(TectonClient, (client) =>
        TectonClient.of({
          ...client,
          ingest: (request) =>
            request.records.has("neighbours") ? Effect.succeed({ featureViews: [] }) : client.ingest(request)
        })
      ),
      Effect.provide([tecton, PineconeMemory.layer, encoder])
    )
  )

  for (const where of ["in memory", "through the emulators"]) {
    it(`runs as a program, ${where}`, async () => {
      const file = path.join(import.meta.dirname, "closed-loop/main.ts")
      const args = ["--conditions=@effect-connectors/source", file, "--limit", "150", "--json"]
      const { stderr, stdout } = await promisify(execFile)(
        process.execPath,
        where === "in memory" ? args : [...args, "--emulator"]
      )
      assert.strictEqual(stdout, '{"items":150,"written":150,"readBack":150}\n')
      assert.isTrue(stderr.startsWith(`${where}\n`))
    })
  }

  it("prints neighbours of some items", async () => {
    const file = path.join(import.meta.dirname, "closed-loop/main.ts")
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@effect-connectors/source", file])
    assert.match(stdout, /\ngrid: (?:\S+, )*subgrid/)
    assert.match(stdout, /\n1204 items, 1204 written, 1204 read back as they were written\n$/)
  })
})

/** Export, restore, migration and comparison through the official SDK, at emulators that fail now and then. */
import * as PineconeCompare from "@effect-connectors/pinecone/PineconeCompare"
import * as PineconeExport from "@effect-connectors/pinecone/PineconeExport"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeMigrate from "@effect-connectors/pinecone/PineconeMigrate"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { Scanned } from "@effect-connectors/pinecone/PineconeSource"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { fill, temporaryFile, withStores } from "./support/kill.ts"
import { assertHidden, key } from "./support/secrets.ts"

const records = (count: number): ReadonlyArray<VectorRecord> =>
  Array.from({ length: count }, (_, i) => ({
    id: `doc ${i % 7}#${i}`,
    values: [Math.sin(i), Math.cos(i), 1 / (i + 1)],
    ...(i % 3 === 0 ? { sparseValues: { indices: [i, i + 1], values: [0.1 * (i + 1), 1] } } : {}),
    ...(i % 2 === 0
      ? { metadata: { title: `title ${i} "é"`, year: 1900 + i / 3, tags: ["a", String(i)], odd: false } }
      : {})
  }))

/** An index of an emulator of its own. */
const indexAt = (name: string, faultPlan: FaultPlan.FaultPlan) =>
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator.make({ faultPlan, undeclaredSparse: "accept" })
    yield* emulator.createIndex({ name, dimension: 3, metric: "dotproduct" })
    const layer = PineconeIndex.layer({ apiKey: Redacted.make(key), index: name, controllerHost: emulator.url })
    return { emulator, index: yield* Effect.provide(PineconeIndex, layer) }
  })

const flaky = FaultPlan.make([
  { name: "busy", operations: ["list", "fetch", "upsert"], when: FaultPlan.every(9), fault: FaultPlan.throttle({}) },
  { name: "lost", operations: ["upsert"], when: FaultPlan.nth(4), fault: FaultPlan.reset("after") },
  { name: "reset", operations: ["list", "fetch"], when: FaultPlan.nth(5), fault: FaultPlan.reset("before") }
])

const retry = { base: "10 millis" } as const
const all = { namespaces: "all", retry } as const

describe("at emulators", () => {
  it.live(
    "what is migrated, and what is exported and restored, is the same on both sides",
    () =>
      Effect.gen(function* () {
        const [old, copy, restored] = yield* Effect.all([
          indexAt("old", FaultPlan.none),
          indexAt("copy", flaky),
          indexAt("restored", FaultPlan.none)
        ])
        yield* fill(old.index, records(320), "articles")
        yield* fill(old.index, records(5))
        yield* old.emulator.faults.replace(flaky)

        const report = yield* PineconeMigrate.migrate({
          from: old.index,
          to: copy.index,
          namespaces: "all",
          run: "1",
          read: { retry },
          write: { maxRecords: 50, retry }
        })
        assert.deepInclude(report, { records: 325, written: 325, notWritten: 0 })
        assert.deepStrictEqual(report.comparison, { ...PineconeCompare.empty, compared: 325, same: 325 })
        for (const { emulator } of [old, copy]) {
          const fired = yield* emulator.faults.fired
          assert.isAbove(fired["busy"] ?? 0, 0)
          assert.strictEqual(fired["reset"], 1)
        }
        assert.strictEqual((yield* copy.emulator.faults.fired)["lost"], 1)

        const path = yield* temporaryFile
        const exported = yield* Effect.provideService(
          PineconeExport.toFile({ path, ...all, run: "1" }),
          PineconeIndex,
          copy.index
        )
        assert.strictEqual(exported.records, 325)
        yield* PineconeExport.read(path).pipe(
          PineconeSink.upsert({ namespace: ({ namespace }: Scanned) => namespace }),
          Stream.runDrain,
          Effect.provideService(PineconeIndex, restored.index)
        )
        const sides = PineconeCompare.summarize(
          PineconeCompare.index(old.index, all),
          PineconeCompare.index(restored.index, all)
        )
        assert.deepStrictEqual(yield* sides, { ...PineconeCompare.empty, compared: 325, same: 325 })
        yield* restored.index.update({ namespace: "articles", id: "doc 1#1", values: [1, 2, 3] })
        assert.deepStrictEqual((yield* sides).first, [
          { _tag: "Different", namespace: "articles", id: "doc 1#1", parts: ["values"] }
        ])
        yield* assertHidden({ report, exported })
      }).pipe(withStores),
    30_000
  )
})

/** Steps that make several kinds of calls, through the official client, while the emulator fails in every way it can. */
import * as Operation from "@effect-connectors/pinecone/Operation"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import { FaultPlan, PineconeEmulator } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { writeAll } from "../../../test/support/outcomes.ts"

const when = FaultPlan.probability(0.06)

const plan = FaultPlan.make(
  [
    { name: "throttled", when, fault: FaultPlan.throttle() },
    { name: "down", when, fault: FaultPlan.status(503) },
    { name: "reset before", when, fault: FaultPlan.reset("before") },
    { name: "reset after", when, fault: FaultPlan.reset("after") },
    { name: "lost", when, fault: FaultPlan.loseAnswer }
  ],
  { seed: 7 }
)

const retry = { base: "1 millis", maxAttempts: 30 } as const

/** Runs a body on an index of the emulator, with a switch for the faults. */
const atEmulator = <A, E>(body: (faults: Effect.Effect<void>) => Effect.Effect<A, E, PineconeIndex>) =>
  Effect.gen(function* () {
    const { createIndex, faults } = yield* PineconeEmulator
    const { host } = yield* createIndex({ name: "i", dimension: 2 })
    const result = yield* Effect.provide(
      body(faults.replace(plan)),
      PineconeIndex.layer({ apiKey: Redacted.make("any"), host, timeout: "200 millis" })
    )
    const fired = yield* faults.fired
    for (const { name } of plan.rules) assert.isAbove(fired[name] ?? 0, 0, name)
    return result
  }).pipe(Effect.provide(PineconeEmulator.layer))

/** The metadata of everything stored, by id. */
const stored = PineconeSource.scan({ retry }).pipe(
  Stream.runCollect,
  Effect.map((records) => Object.fromEntries(Array.from(records, ({ id, metadata }) => [id, metadata])))
)

describe("at an emulator that fails", () => {
  it.live(
    "operations leave what one after the other would",
    () =>
      atEmulator((faults) =>
        Effect.gen(function* () {
          yield* writeAll([Operation.upsert({ id: "seed", values: [1, 1] })], PineconeSink.operationsOutcomes())
          const operations: Array<Operation.Operation> = []
          const expected: Record<string, Record<string, number> | undefined> = { seed: undefined }
          for (let n = 0; n < 600; n++) {
            // Strides without a common factor, so that every id gets every kind, in many orders.
            const id = `id-${(n * 7) % 40}`
            const kind = (n * n + 3 * n) % 5
            const before = expected[id]
            if (kind === 0) {
              operations.push(Operation.delete(id))
              delete expected[id]
            } else if (kind === 3) {
              operations.push(Operation.update({ id, metadata: { changed: n } }))
              if (before !== undefined) expected[id] = { ...before, changed: n }
            } else {
              operations.push(Operation.upsert({ id, values: [n + 1, 1], metadata: { n } }))
              expected[id] = { n }
            }
          }
          yield* faults
          yield* writeAll(operations, PineconeSink.operationsOutcomes({ retry, maxRecords: 10 }))
          assert.deepStrictEqual(yield* stored, expected)
        })
      ),
    30_000
  )

  it.live(
    "documents are replaced by their chunks",
    () =>
      atEmulator((faults) =>
        Effect.gen(function* () {
          interface Doc {
            readonly name: string
            readonly version: number
            readonly chunks: number
          }
          const docs = Array.from({ length: 150 }, (_, n): Doc => ({
            name: `doc${n % 60}`,
            version: n,
            chunks: (n * 5) % 7
          }))
          yield* faults
          yield* writeAll(
            docs,
            PineconeSink.replaceOutcomes({
              parent: ({ name }: Doc) => name,
              records: ({ chunks, name, version }) =>
                Array.from({ length: chunks }, (_, i) => ({
                  id: `${name}#${i}`,
                  values: [version + 1, i],
                  metadata: { version }
                })),
              retry
            })
          )
          const expected: Record<string, { readonly version: number }> = {}
          for (const { chunks, name, version } of docs.slice(-60)) {
            for (let i = 0; i < chunks; i++) expected[`${name}#${i}`] = { version }
          }
          assert.deepStrictEqual(yield* stored, expected)
        })
      ),
    30_000
  )
})

/** Documents at an emulator that fails: one outcome for each, and what is written is there. */
import * as Outcome from "@effect-connectors/core/Outcome"
import * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import { type DocumentOptions, PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import { PineconeEmulator, type Service } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { atDocuments } from "./support/documents.ts"
import { key, refusalOf } from "./support/secrets.ts"

const notes = DocumentIndex.make({ text: DocumentIndex.text(), n: Schema.Int })
const retry = { base: "1 millis" } as const

/** Runs `body` on an index of `notes` at an emulator that fails as the plan says. */
const failing = <A, E>(
  faultPlan: FaultPlan.FaultPlan,
  body: (emulator: Service) => Effect.Effect<A, E, PineconeDocumentIndex>,
  options: Partial<DocumentOptions> = {}
) =>
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator.make({ faultPlan })
    const { host } = yield* emulator.createIndex({ name: "notes", schema: yield* DocumentIndex.createSchema(notes) })
    const layer = PineconeDocumentIndex.layer({ apiKey: Redacted.make(key), host, pacing: false, ...options })
    return yield* Effect.provide(body(emulator), layer)
  })

describe("documents at a service that fails", () => {
  it.live("are all written, and all read, through throttling, errors and broken connections", () =>
    failing(
      FaultPlan.make([
        {
          name: "busy",
          operations: ["upsert"],
          when: FaultPlan.every(7),
          fault: FaultPlan.throttle({})
        },
        { name: "down", operations: ["upsert"], when: FaultPlan.nth(3), fault: FaultPlan.status(503) },
        { name: "lost", operations: ["upsert"], when: FaultPlan.nth(5), fault: FaultPlan.reset("after") },
        { name: "reset", operations: ["fetch", "list"], when: FaultPlan.nth(4), fault: FaultPlan.reset("before") }
      ]),
      (emulator) =>
        Effect.gen(function* () {
          const outcomes = yield* Stream.range(0, 499).pipe(
            PineconeDocuments.upsertOutcomes(notes, {
              document: (n) => ({ _id: `${n}`.padStart(3, "0"), text: `note ${n}`, n }),
              maxRecords: 20,
              retry
            }),
            Stream.runCollect
          )
          assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 500, rejected: 0, unknown: 0 })
          const found = yield* Stream.runCollect(PineconeDocuments.scan(notes, { retry }))
          assert.deepStrictEqual(
            found.map(({ document: { n } }) => n),
            Array.from({ length: 500 }, (_, n) => n)
          )
          const fired = yield* emulator.faults.fired
          assert.deepInclude(fired, { lost: 1, reset: 1, down: 1 })
          assert.isAbove(fired["busy"] ?? 0, 2)
        })
    )
  )

  it.live("are unknown when the answers stay away, and rejected when they surely were not taken", () =>
    failing(
      FaultPlan.make([
        { name: "lost", operations: ["upsert"], when: FaultPlan.always, fault: FaultPlan.reset("after") },
        { name: "busy", operations: ["update"], when: FaultPlan.always, fault: FaultPlan.throttle({}) }
      ]),
      () =>
        Effect.gen(function* () {
          const options = { retry: { ...retry, maxAttempts: 2 } }
          const written = yield* Stream.make({ _id: "a", text: "A", n: 1 }).pipe(
            PineconeDocuments.upsertOutcomes(notes, options),
            Stream.runCollect
          )
          const changed = yield* Stream.make({ _id: "a", n: 2 }).pipe(
            PineconeDocuments.updateOutcomes(notes, options),
            Stream.runCollect
          )
          assert.deepStrictEqual(
            [...written, ...changed].map((outcome) => [
              outcome._tag,
              outcome._tag === "Written" ? 0 : outcome.attempts,
              outcome._tag === "Written" ? "" : outcome.error.reason._tag
            ]),
            [
              ["Unknown", 2, "ConnectionFailed"],
              ["Rejected", 2, "RateLimited"]
            ]
          )
        })
    )
  )

  it.live("end the stream when the key is wrong, which is in no error", () =>
    failing(
      FaultPlan.make([{ name: "key", operations: ["upsert"], when: FaultPlan.always, fault: FaultPlan.status(401) }]),
      () =>
        Effect.gen(function* () {
          const error = yield* refusalOf(
            Stream.make({ _id: "a", text: "A", n: 1 }).pipe(PineconeDocuments.upsert(notes), Stream.runDrain)
          )
          assert.strictEqual(error._tag, "PineconeError")
          assert(error._tag === "PineconeError")
          assert.strictEqual(error.reason._tag, "Unauthorized")
        })
    )
  )

  it.live("a search that is given up is cancelled", () =>
    atDocuments(["hang"], (server) =>
      Effect.gen(function* () {
        const search = Stream.make("a").pipe(
          PineconeDocuments.search(notes, { scoreBy: (word) => notes.score.text("text", word), topK: 1 }),
          Stream.runDrain
        )
        yield* Effect.raceFirst(
          search,
          Effect.promise(() => server.hanging)
        )
        yield* Effect.promise(() => server.gone)
      })
    )
  )
})

import type * as Pacing from "@effect-connectors/core/Pacing"
import * as Operation from "@effect-connectors/pinecone/Operation"
import * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import { PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import * as PineconePacing from "@effect-connectors/pinecone/PineconePacing"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeDocumentMemory, PineconeEmulator } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { changed } from "./support/index.ts"

/** Runs an effect on an index in memory, and tells which calls were paced. */
const spied = <A, E>(effect: Effect.Effect<A, E, PineconeIndex>) =>
  Effect.gen(function* () {
    const calls: Array<Pacing.Call> = []
    const pacing: Pacing.Pacing = {
      paced: (call, attempt) =>
        Effect.suspend(() => {
          calls.push(call)
          return attempt
        })
    }
    yield* effect.pipe(changed(() => ({ pacing })))
    return calls.map(({ key, operation, records }) => `${operation} ${key} ${records}`)
  })

const record = (id: string) => ({ id, values: [1, 2] })

describe("each call of a step is paced", () => {
  it.live("under its own operation, its namespace and with what it holds", () =>
    Effect.gen(function* () {
      const namespace = "n"
      const written = Stream.make(record("a"), record("b")).pipe(PineconeSink.upsert({ namespace }), Stream.runDrain)
      assert.deepStrictEqual(yield* spied(written), ["upsert n 2"])

      const steps = Effect.gen(function* () {
        yield* written
        yield* Stream.make({ id: "a", metadata: { n: 1 } }).pipe(PineconeSink.update({ namespace }), Stream.runDrain)
        yield* Stream.make([1, 2]).pipe(
          PineconeSource.query({ namespace, topK: 1, vector: (vector) => vector }),
          Stream.runDrain
        )
        yield* Stream.make("a", "b").pipe(PineconeSource.fetch({ namespace }), Stream.runDrain)
        yield* Stream.runDrain(PineconeSource.list({ namespace }))
        yield* Stream.make("a", "b").pipe(PineconeSink.delete({ namespace }), Stream.runDrain)
      })
      assert.deepStrictEqual(yield* spied(steps), [
        "upsert n 2",
        "update n 1",
        "query n 1",
        "fetch n 2",
        "list  0",
        "delete n 2"
      ])

      const operations = Stream.make(
        Operation.upsert(record("a")),
        Operation.update({ id: "b", metadata: { n: 1 } }),
        Operation.delete("c")
      ).pipe(PineconeSink.operationsOutcomes({ namespace }), Stream.runDrain)
      assert.sameMembers(yield* spied(operations), ["upsert n 1", "update n 1", "delete n 1"])
    })
  )

  it.effect("by names that have a documented rate", () =>
    Effect.sync(() => {
      assert.sameMembers(Object.keys(PineconePacing.documented.rates), [
        "upsert",
        "update",
        "delete",
        "query",
        "fetch",
        "list"
      ])
    })
  )
})

describe("an index with quotas", () => {
  it.live("refuses no call of several loaders that share a layer, and some without pacing", () =>
    Effect.gen(function* () {
      const refusals = (pacing: false | Pacing.Options) =>
        Effect.gen(function* () {
          // A second's worth of calls is let in before quotas bite; any machine is faster than these.
          const emulator = yield* PineconeEmulator.make({ quotas: { upsertRequestsPerNamespace: 20 } })
          const { host } = yield* emulator.createIndex({ name: "a", dimension: 2 })
          const loader = (n: number) =>
            Stream.range(1, 15).pipe(
              Stream.map((i) => record(`${n}-${i}`)),
              PineconeSink.upsert({ maxRecords: 1, linger: 0 }),
              Stream.runCount
            )
          const written = yield* Effect.all([1, 2, 3, 4].map(loader), { concurrency: 4 }).pipe(
            Effect.provide(PineconeIndex.layer({ apiKey: Redacted.make("key"), host, pacing }))
          )
          assert.deepStrictEqual(written, [15, 15, 15, 15])
          const refused = yield* emulator.faults.overQuota
          return Object.values(refused).reduce((sum, n) => sum + n, 0)
        }).pipe(Effect.scoped)
      assert.strictEqual(yield* refusals({ rates: { upsert: { requestsPerSecond: 20 } } }), 0)
      assert.isAbove(yield* refusals(false), 0)
    })
  )
})

describe("each call of documents is paced", () => {
  const notes = DocumentIndex.make({ text: DocumentIndex.text() })

  it.live("under its own operation, which has a rate", () =>
    Effect.gen(function* () {
      const calls: Array<Pacing.Call> = []
      const pacing: Pacing.Pacing = {
        paced: (call, attempt) =>
          Effect.suspend(() => {
            calls.push(call)
            return attempt
          })
      }
      const namespace = "n"
      yield* Effect.gen(function* () {
        yield* Stream.make({ _id: "a", text: "A" }, { _id: "b", text: "B" }).pipe(
          PineconeDocuments.upsert(notes, { namespace }),
          Stream.runDrain
        )
        yield* Stream.make({ _id: "a", text: "C" }).pipe(
          PineconeDocuments.update(notes, { namespace }),
          Stream.runDrain
        )
        yield* Stream.make("c").pipe(
          PineconeDocuments.search(notes, { namespace, topK: 1, scoreBy: (word) => notes.score.text("text", word) }),
          Stream.runDrain
        )
        yield* Stream.make("a", "b").pipe(PineconeDocuments.fetch(notes, { namespace }), Stream.runDrain)
        yield* Stream.runDrain(PineconeDocuments.list({ namespace }))
        yield* Stream.make("a", "b").pipe(PineconeDocuments.delete({ namespace }), Stream.runDrain)
      }).pipe(
        Effect.provide(
          Layer.effect(
            PineconeDocumentIndex,
            Effect.map(PineconeDocumentIndex, (index) => ({ ...index, pacing }))
          ).pipe(Layer.provide(PineconeDocumentMemory.layer(notes)))
        )
      )
      assert.deepStrictEqual(
        calls.map(({ key, operation, records }) => `${operation} ${key} ${records}`),
        ["upsert n 2", "update n 1", "query n 1", "fetch n 2", "list  0", "delete n 2"]
      )
      const paced = calls.map(({ operation }) => operation)
      assert.sameMembers(Object.keys(PineconePacing.documented.rates), paced)
    })
  )
})

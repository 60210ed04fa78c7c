import * as Pacing from "@effect-connectors/core/Pacing"
import * as Operation from "@effect-connectors/pinecone/Operation"
import * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import { PineconeDocumentIndex, type Service } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import * as PineconePacing from "@effect-connectors/pinecone/PineconePacing"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeDocumentMemory, PineconeEmulator } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { changed } from "./support/index.ts"
import { inTime } from "./support/time.ts"

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
        "fetchByFilter",
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
  const notes = DocumentIndex.make({ text: DocumentIndex.text(), n: Schema.optionalKey(Schema.Int) })
  const notesWith = (change: (index: Service) => Partial<Service>) =>
    Layer.effect(
      PineconeDocumentIndex,
      Effect.map(PineconeDocumentIndex, (index) => ({ ...index, ...change(index) }))
    ).pipe(Layer.provide(PineconeDocumentMemory.layer(notes)))

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
        yield* Stream.runDrain(PineconeDocuments.select(notes, { namespace, filter: notes.filter.gt("n", 0) }))
        yield* Stream.runDrain(PineconeDocuments.list({ namespace }))
        yield* Stream.make("a", "b").pipe(PineconeDocuments.delete({ namespace }), Stream.runDrain)
      }).pipe(Effect.provide(notesWith(() => ({ pacing }))))
      assert.deepStrictEqual(
        calls.map(({ key, operation, records }) => `${operation} ${key} ${records}`),
        ["upsert n 2", "update n 1", "query n 1", "fetch n 2", "fetchByFilter n 0", "list  0", "delete n 2"]
      )
      const paced = calls.map(({ operation }) => operation)
      assert.sameMembers(Object.keys(PineconePacing.documented.rates), paced)
    })
  )

  /** When each update of `count` documents is sent, and with how many of them. */
  const updates = (count: number, maxRecords?: number) =>
    Effect.gen(function* () {
      const pacing = yield* Pacing.make(PineconePacing.documented)
      const start = yield* Clock.currentTimeMillis
      const sent: Array<readonly [after: number, documents: number]> = []
      const layer = notesWith(({ update }) => ({
        pacing,
        update: (request) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => {
            sent.push([now - start, "documents" in request ? request.documents.length : 0])
            return update(request)
          })
      }))
      const written = yield* Stream.range(1, count).pipe(
        PineconeDocuments.update(notes, { change: (n) => ({ _id: `${n}`, n }), maxRecords }),
        Stream.runCount,
        Effect.provide(layer),
        (run) => inTime(run, "10 millis")
      )
      assert.strictEqual(written, count)
      return sent
    })

  it.effect("an update by its documents: a hundred by default, about one call a second", () =>
    Effect.gen(function* () {
      const sent = yield* updates(500)
      assert.deepStrictEqual(
        sent.map(([, documents]) => documents),
        [100, 100, 100, 100, 100]
      )
      const waits = sent.map(([at], i) => at - (sent[i - 1]?.[0] ?? 0))
      assert.isAtMost(waits[0]!, 1_000)
      for (const wait of waits.slice(1)) assert.isTrue(wait >= 1_000 && wait <= 1_050, `waited for ${wait} ms`)
    })
  )

  it.effect("an update of more documents than a second may hold, which is sent in its time", () =>
    Effect.gen(function* () {
      const sent = yield* updates(2_000, 1_000)
      assert.deepStrictEqual(
        sent.map(([, documents]) => documents),
        [1_000, 1_000]
      )
      const [first, second] = sent.map(([at]) => at)
      assert.isAtMost(first!, 10_300)
      assert.isTrue(second! - first! >= 10_000 && second! - first! <= 10_300, `${first} and ${second}`)
    })
  )

  it.live("so that an index with the documented quotas refuses none of them, and some without pacing", () =>
    Effect.gen(function* () {
      const refusals = (pacing: false | undefined) =>
        Effect.gen(function* () {
          const emulator = yield* PineconeEmulator.make({
            quotas: {
              updateRequestsPerNamespace: 100,
              updateRecordsPerNamespace: 100,
              fetchRequestsPerIndex: 100,
              fetchByMetadataRequestsPerNamespace: 5
            }
          })
          const schema = yield* DocumentIndex.createSchema(notes)
          const { host } = yield* emulator.createIndex({ name: "notes", schema })
          const ids = Stream.range(1, 150)
          const read = yield* Effect.gen(function* () {
            yield* ids.pipe(
              PineconeDocuments.upsert(notes, { document: (n) => ({ _id: `${n}`, text: "note" }) }),
              Stream.runDrain
            )
            yield* ids.pipe(
              PineconeDocuments.update(notes, { change: (n) => ({ _id: `${n}`, n }), maxRecords: 50 }),
              Stream.runDrain
            )
            return yield* Stream.runCollect(
              PineconeDocuments.select(notes, { filter: notes.filter.gt("n", 0), fields: ["n"], pageSize: 20 })
            )
          }).pipe(Effect.provide(PineconeDocumentIndex.layer({ apiKey: Redacted.make("key"), host, pacing })))
          assert.lengthOf(read, 150)
          return yield* emulator.faults.overQuota
        }).pipe(Effect.scoped)
      assert.deepStrictEqual(yield* refusals(undefined), {})
      assert.hasAllKeys(yield* refusals(false), ["updateRecordsPerNamespace", "fetchByMetadataRequestsPerNamespace"])
    })
  )
})

import { QuotaExhausted, RateLimited, type Reason } from "@effect-connectors/core/ConnectorError"
import { PineconeError, PineconeIndex } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { NoteSearch } from "./search.ts"

const notes = [
  { id: "bread", text: "Let the dough rest for an hour" },
  { id: "train", text: "The train leaves at nine" },
  { id: "pizza", text: "Pizza dough needs a hot oven" }
]

/** The app over an empty index in memory, a new one for each test; the test too can look into it. */
const inMemory = NoteSearch.layer.pipe(Layer.provideMerge(PineconeMemory.layer))

const stored = Effect.flatMap(PineconeIndex, (index) => Effect.map(index.stats, (stats) => stats.totalRecords))

/** The same, but the first `times` queries of the index fail. */
const failing = (times: number, reason: Reason) =>
  NoteSearch.layer.pipe(
    Layer.updateService(PineconeIndex, (index) => {
      let left = times
      const failure = Effect.fail(new PineconeError({ operation: "query", reason }))
      return { ...index, query: (request) => Effect.suspend(() => (left-- > 0 ? failure : index.query(request))) }
    }),
    Layer.provideMerge(PineconeMemory.layer)
  )

describe("NoteSearch", () => {
  it.effect("finds the notes that are most alike, the nearest first", () =>
    Effect.gen(function* () {
      const search = yield* NoteSearch
      yield* search.add(notes)
      const found = yield* search.similar("how hot must the oven be for pizza dough", 2)
      assert.deepStrictEqual(
        found.map((note) => note.id),
        ["pizza", "bread"]
      )
      assert.strictEqual(found[0]?.text, "Pizza dough needs a hot oven")
      assert.strictEqual(yield* stored, notes.length)
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("says which notes it could not keep, and keeps the others", () =>
    Effect.gen(function* () {
      const search = yield* NoteSearch
      const nameless = { id: "", text: "A note without an id" }
      const error = yield* Effect.flip(search.add([...notes, nameless]))
      if (error._tag !== "RecordsNotWritten") return assert.fail(error.message)
      assert.deepStrictEqual(
        error.first.map(({ input }) => input),
        [nameless]
      )
      assert.include(error.message, "id has 0 characters")
      // One outcome for each note, and what was written is there.
      const { rejected, unknown, written } = error
      assert.deepStrictEqual({ rejected, unknown, written }, { rejected: 1, unknown: 0, written: notes.length })
      assert.strictEqual(yield* stored, written)
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("is closed when the quota is used up", () =>
    Effect.gen(function* () {
      const search = yield* NoteSearch
      const error = yield* Effect.flip(search.similar("dough", 1))
      assert.strictEqual(error._tag, "SearchClosed")
    }).pipe(Effect.provide(failing(1, new QuotaExhausted({ detail: "no read units left this month" }))))
  )

  it.effect("waits when it is told to slow down, and then answers", () =>
    Effect.gen(function* () {
      const search = yield* NoteSearch
      yield* search.add(notes)
      const found = yield* Effect.forkChild(search.similar("train", 1))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* Fiber.join(found))[0]?.id, "train")
      assert.strictEqual(yield* stored, notes.length)
    }).pipe(Effect.provide(failing(2, new RateLimited({ detail: "slow down", retryAfterMillis: 15_000 }))))
  )
})

/** Dead-letter stores that tests run on, each made again and again on what is kept under it. */
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as path from "node:path"
import * as Stores from "./stores.ts"
import { refused, type TestError } from "./TestError.ts"
import { inTime } from "./time.ts"

export const Row = Schema.Struct({
  id: Schema.String,
  at: Schema.BigInt,
  values: Schema.Array(Schema.Number)
})

export type Row = typeof Row.Type

export const row = (n: number): Row => ({ id: `r${n}`, at: BigInt(n) * 10_000_000_000_000_000n, values: [n, 0.1] })

type Open = Effect.Effect<DeadLetter.Store<Row>, DeadLetter.DeadLetterError, Scope.Scope>

export interface Harness {
  /** `open` makes the store, the next time on what the one before has left. */
  readonly run: <A, E>(body: (open: Open) => Effect.Effect<A, E, Scope.Scope>) => Effect.Effect<A, unknown>
  /** Runs to the end what may wait for the clock. */
  readonly timed: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** The path of a file in a directory of its own, which is not there yet. */
export const newFile = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  return path.join(yield* files.makeTempDirectoryScoped(), "dead.ndjson")
})

const keyValue = (layer: Layer.Layer<KeyValueStore.KeyValueStore, unknown>): Harness => ({
  run: (body) =>
    Effect.gen(function* () {
      const store = yield* KeyValueStore.KeyValueStore
      const open = DeadLetter.keyValue({ name: "rows", record: Row })
      return yield* Effect.scoped(body(Effect.provideService(open, KeyValueStore.KeyValueStore, store)))
    }).pipe(Effect.provide(layer)),
  timed: (effect) => effect
})

const ndjson: Harness = {
  run: (body) =>
    Effect.scoped(
      Effect.gen(function* () {
        const path = yield* newFile
        return yield* body(Effect.provide(DeadLetter.ndjson({ path, record: Row }), NodeFileSystem.layer))
      })
    ).pipe(Effect.provide(NodeFileSystem.layer)),
  timed: (effect) => effect
}

export const layerQueue = PersistedQueue.layer.pipe(Layer.provide(PersistedQueue.layerStoreMemory))

const queue: Harness = {
  run: (body) =>
    Effect.gen(function* () {
      const factory = yield* PersistedQueue.PersistedQueueFactory
      const open = DeadLetter.queue({ name: "rows", record: Row, maxAttempts: 1_000 })
      return yield* Effect.scoped(body(Effect.provideService(open, PersistedQueue.PersistedQueueFactory, factory)))
    }).pipe(Effect.provide(layerQueue)),
  // What was refused again is kept back for a while.
  timed: (effect) => Effect.andThen(TestClock.adjust("10 minutes"), inTime(effect, "1 second"))
}

export const harnesses: ReadonlyArray<readonly [string, Harness]> = [
  ...Stores.layers.map(([name, layer]) => [`as entries ${name}`, keyValue(layer)] as const),
  ["as lines of a file", ndjson],
  ["in a queue", queue]
]

/** Rows of which those that `isBad` names are refused. */
export const outcomes = (
  rows: Iterable<number>,
  isBad: (n: number) => boolean = () => true
): Stream.Stream<Outcome.Outcome<Row, TestError>> =>
  Stream.fromIterable(rows, { chunkSize: 4 }).pipe(
    Stream.map((n) => (isBad(n) ? Outcome.rejected(row(n), refused(`row ${n}`), 2) : Outcome.written(row(n))))
  )

/** What is in a store, by the ids of the records. */
export const recordsIn = (store: DeadLetter.Store<Row>) =>
  Effect.map(Stream.runCollect(store.letters), (letters) =>
    letters.map((letter) => (letter._tag === "DeadLetter" ? letter.record.id : "unfit")).sort()
  )

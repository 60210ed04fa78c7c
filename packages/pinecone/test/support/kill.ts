/** Programs that are stopped in the middle, at any call, and run again. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { writeAll } from "../../../../test/support/outcomes.ts"

type Service = PineconeIndex["Service"]

/** An index in memory of its own. */
export const memoryIndex = (options: PineconeMemory.Options = {}) =>
  Effect.provide(PineconeIndex, PineconeMemory.layerWith(options), { local: true })

/** Writes records to an index; all of them must be taken. */
export const fill = (index: Service, records: ReadonlyArray<VectorRecord>, namespace?: string) =>
  writeAll(records, (self: Stream.Stream<VectorRecord>) =>
    self.pipe(PineconeSink.upsertOutcomes({ namespace }), Stream.provideService(PineconeIndex, index))
  )

/** A ledger's store and the file system, which outlive the programs that use them. */
export const withStores = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, KeyValueStore.KeyValueStore | FileSystem.FileSystem>> =>
  Effect.provide(effect, Layer.mergeAll(KeyValueStore.layerMemory, NodeFileSystem.layer))

/** The name of a file in a directory that is gone with the test. */
export const temporaryFile: Effect.Effect<string, never, FileSystem.FileSystem | Scope.Scope> = Effect.gen(
  function* () {
    const files = yield* FileSystem.FileSystem
    return `${yield* Effect.orDie(files.makeTempDirectoryScoped())}/export.ndjson`
  }
)

/** Lets the clock and the disk go on until `done`. */
const goOn = (done: () => boolean) =>
  Effect.gen(function* () {
    while (!done()) {
      yield* TestClock.adjust("100 millis")
      yield* Effect.promise(() => new Promise(setImmediate))
    }
  })

/** Runs an effect to its end, with the test clock going on as fast as it can. */
export const toEnd = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* goOn(() => fiber.pollUnsafe() !== undefined)
    return yield* Fiber.join(fiber)
  })

/** Counts the steps of a program, and stops it for good at one of them: nothing it does after that reaches a store. */
export const makeKill = (at: number) => {
  let steps = 0
  const step = Effect.suspend(() => (++steps < at ? Effect.void : Effect.die("killed")))
  /** Both a call and its answer are steps: what is asked for may be done without being known. */
  const around = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.andThen(step, Effect.tap(call, step))
  return {
    index: (service: Service): Service => ({
      ...service,
      list: (request) => around(service.list(request)),
      fetch: (request) => around(service.fetch(request)),
      upsert: (request) => around(service.upsert(request))
    }),
    /** Runs a program; none is what it gives when it was killed. */
    run: <A, E, R>(program: Effect.Effect<A, E, R>) =>
      Effect.gen(function* () {
        const store = yield* KeyValueStore.KeyValueStore
        const exit = yield* program.pipe(
          Effect.provideService(KeyValueStore.KeyValueStore, {
            ...store,
            set: (key, value) => around(store.set(key, value))
          }),
          Effect.exit,
          toEnd
        )
        if (Exit.isSuccess(exit)) return Option.some(exit.value)
        if (steps < at) return yield* Effect.failCause(exit.cause)
        return Option.none<A>()
      })
  }
}

import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import * as Outcome from "@effect-connectors/core/Outcome"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { layerQueue } from "./support/letters.ts"
import { refused } from "./support/TestError.ts"
import { inTime } from "./support/time.ts"

const options = { name: "numbers", record: Schema.Number }
const open = DeadLetter.queue(options)

const divert = (store: DeadLetter.Store<number>, numbers: ReadonlyArray<number>) =>
  Stream.fromIterable(numbers).pipe(
    Stream.map((n) => Outcome.rejected(n, refused(), 1)),
    DeadLetter.divert(store, { id: (n) => `${n}` }),
    Stream.runDrain
  )

const ascending = (a: number, b: number) => a - b

/** Redrives once; of what is read `isGood` is written. Gives what was read, in order of the numbers. */
const redrive = (store: DeadLetter.Store<number>, isGood: (n: number) => boolean, seen: Array<number> = []) =>
  inTime(
    DeadLetter.redrive(store).pipe(
      Stream.tap(({ record }) => Effect.sync(() => seen.push(record))),
      Stream.map((letter) =>
        isGood(letter.record) ? Outcome.written(letter) : Outcome.rejected(letter, refused(), 1)
      ),
      DeadLetter.settle(store),
      Stream.runDrain,
      Effect.map(() => seen.sort(ascending))
    ),
    "1 second"
  )

const all = () => true
const none = () => false

describe("letters in a queue", () => {
  it.effect("come back by the queue's schedule when they are refused again, once in a redrive", () =>
    Effect.gen(function* () {
      const store = yield* DeadLetter.queue({ ...options, retrySchedule: Schedule.spaced("1 hour"), maxAttempts: 3 })
      yield* divert(store, [1, 2, 3])
      assert.deepStrictEqual(yield* redrive(store, (n) => n === 2), [1, 2, 3])
      assert.deepStrictEqual(yield* redrive(store, all), [])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* redrive(store, none), [1, 3])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* redrive(store, none), [1, 3])
      // Three times are enough.
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(yield* redrive(store, all), [])
    }).pipe(Effect.scoped, Effect.provide(layerQueue))
  )

  it.effect("that come back soon are not tried again in the same redrive", () =>
    Effect.gen(function* () {
      const store = yield* DeadLetter.queue({
        ...options,
        retrySchedule: Schedule.spaced("1 second"),
        maxAttempts: 100
      })
      yield* divert(store, [1, 2, 3])
      assert.deepStrictEqual(yield* redrive(store, none), [1, 2, 3])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* redrive(store, all), [1, 2, 3])
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(yield* redrive(store, all), [])
    }).pipe(Effect.scoped, Effect.provide(layerQueue))
  )

  it.effect(
    "that were read and not answered are given back unchanged when the scope closes, or they are read anew",
    () =>
      Effect.gen(function* () {
        yield* Effect.scoped(Effect.flatMap(open, (store) => divert(store, [1, 2, 3, 4])))
        const look = (store: DeadLetter.Store<number>) =>
          inTime(
            Effect.map(Stream.runCollect(Stream.take(store.letters, 3)), (letters) =>
              letters.map(({ record }) => record)
            ),
            "1 second"
          )
        // More often than a letter may be tried.
        for (let i = 0; i < 8; i++) assert.strictEqual((yield* Effect.scoped(Effect.flatMap(open, look))).length, 3)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const store = yield* open
            for (let i = 0; i < 8; i++) assert.strictEqual((yield* look(store)).length, 3)
            assert.deepStrictEqual(yield* redrive(store, all), [1, 2, 3, 4])
            assert.deepStrictEqual(yield* redrive(store, all), [])
          })
        )
      }).pipe(Effect.provide(layerQueue))
  )

  it.effect("are all read, a few held at a time", () =>
    Effect.gen(function* () {
      const store = yield* DeadLetter.queue({ ...options, maxHeld: 3 })
      const numbers = Arr.range(1, 50)
      yield* divert(store, numbers)
      assert.deepStrictEqual(yield* redrive(store, all), numbers)
    }).pipe(Effect.scoped, Effect.provide(layerQueue))
  )

  it.effect("are shared between two that redrive at the same time", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* open, yield* open]
      const numbers = Arr.range(1, 50)
      yield* divert(one, numbers)
      const seen: Array<number> = []
      yield* Effect.all([redrive(one, all, seen), redrive(two, all, seen)], { concurrency: 2 })
      assert.deepStrictEqual(
        seen.sort((a, b) => a - b),
        numbers
      )
    }).pipe(Effect.scoped, Effect.provide(layerQueue))
  )

  it.effect("of an id that was redriven before are not dropped, as a queue would", () =>
    Effect.gen(function* () {
      const store = yield* open
      yield* divert(store, [1])
      assert.deepStrictEqual(yield* redrive(store, all), [1])
      yield* divert(store, [1])
      assert.deepStrictEqual(yield* redrive(store, all), [1])
    }).pipe(Effect.scoped, Effect.provide(layerQueue))
  )

  it.effect("that were not read here are not removed, and what fails says so", () =>
    Effect.gen(function* () {
      const store = yield* open
      yield* divert(store, [1])
      yield* store.remove(["1", "none"])
      assert.deepStrictEqual(yield* redrive(store, all), [1])

      const down = new PersistedQueue.PersistedQueueError({ message: "connection refused" })
      const broken = yield* open.pipe(
        Effect.provide(Layer.fresh(PersistedQueue.layer)),
        Effect.provideService(PersistedQueue.PersistedQueueStore, {
          offer: () => Effect.fail(down),
          take: () => Effect.fail(down),
          cleanup: () => Effect.void
        })
      )
      const messages = [yield* Effect.flip(divert(broken, [1])), yield* Effect.flip(redrive(broken, all))].map(
        ({ message }) => message
      )
      assert.deepStrictEqual(messages, [
        "dead letters numbers: can not write: connection refused",
        "dead letters numbers: can not read: connection refused"
      ])
    }).pipe(Effect.scoped, Effect.provide(layerQueue))
  )

  it.effect("is an error when the queue can not note that one is done", () =>
    Effect.gen(function* () {
      const store = yield* open.pipe(
        Effect.provide(Layer.fresh(PersistedQueue.layer)),
        Effect.provideService(PersistedQueue.PersistedQueueStore, {
          offer: () => Effect.void,
          take: () =>
            Effect.acquireRelease(
              Effect.succeed({
                id: "1",
                attempts: 1,
                element: {
                  id: "",
                  outcome: "Unknown",
                  error: "",
                  reason: { _tag: "", message: "" },
                  attempts: 1,
                  time: "",
                  record: 1
                }
              }),
              () => Effect.die("lost the connection")
            ),
          cleanup: () => Effect.void
        })
      )
      const error = yield* Effect.flip(redrive(store, all))
      assert.include(error.message, "can not remove")
      assert.include(error.message, "lost the connection")
    }).pipe(Effect.scoped)
  )
})

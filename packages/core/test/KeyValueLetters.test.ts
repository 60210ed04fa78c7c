import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import * as Outcome from "@effect-connectors/core/Outcome"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Stores from "./support/stores.ts"
import { refused } from "./support/TestError.ts"

const open = (name = "rows") => DeadLetter.keyValue({ name, record: Schema.String })

const within = (entries: Map<string, string>) =>
  Effect.provideService(KeyValueStore.KeyValueStore, Stores.makeOpen(entries))

const divert = (store: DeadLetter.Store<string>, texts: ReadonlyArray<string>) =>
  Stream.fromIterable(texts).pipe(
    Stream.map((text) => Outcome.rejected(text, refused(), 1)),
    DeadLetter.divert(store, { id: (text) => text }),
    Stream.runDrain
  )

/** Tries all letters once more, in vain. */
const retry = (store: DeadLetter.Store<string>) =>
  DeadLetter.redrive(store).pipe(
    Stream.map((letter) => Outcome.rejected(letter, refused(), 1)),
    DeadLetter.settle(store),
    Stream.runDrain
  )

const read = (store: DeadLetter.Store<string>) =>
  Effect.map(Stream.runCollect(store.letters), (letters) =>
    letters.map((letter) => (letter._tag === "Unfit" ? "unfit" : `${letter.record} ${letter.attempts}`)).sort()
  )

describe("letters as entries of a key-value store", () => {
  it.effect("stay apart from letters of another name, and from all else", () =>
    Effect.gen(function* () {
      const entries = new Map([["letters.rows", "else"]])
      yield* Effect.gen(function* () {
        const [rows, others, similar] = [yield* open(), yield* open("others"), yield* open("Rows")]
        yield* divert(rows, ["a"])
        yield* divert(others, ["a", "b"])
        yield* divert(similar, ["c"])
        assert.deepStrictEqual(yield* read(rows), ["a 1"])
        assert.deepStrictEqual(yield* read(others), ["a 1", "b 1"])
        yield* others.remove(["a", "b", "c"])
        assert.deepStrictEqual(yield* read(similar), ["c 1"])
        assert.deepStrictEqual(yield* read(rows), ["a 1"])
        assert.strictEqual(entries.size, 3)
      }).pipe(within(entries))
    })
  )

  it.effect("have keys that files and databases take, whatever the ids", () =>
    Effect.gen(function* () {
      const entries = new Map<string, string>()
      const ids = [
        "a",
        "A",
        "a/b",
        "a.b",
        "",
        "..",
        "é".repeat(1_000),
        `${"é".repeat(1_000)}e`,
        "x".repeat(65),
        "x".repeat(64)
      ]
      yield* Effect.gen(function* () {
        const store = yield* open("Ö".repeat(300))
        yield* divert(store, ids)
        assert.strictEqual((yield* read(store)).length, ids.length)
        assert.strictEqual(new Set([...entries.keys()].map((key) => key.toLowerCase())).size, ids.length)
        for (const key of entries.keys())
          assert.match(key, /^letters\.[0-9a-z-]{0,40}\.[0-9a-f]{16}\.[0-9a-z.-]{1,64}\.[ab]$/)
      }).pipe(within(entries))
    })
  )

  it.effect("are whole, as before or as after, whichever byte a process is killed at", () =>
    Effect.gen(function* () {
      const start = new Map<string, string>()
      for (const versions of [0, 1, 2]) {
        if (versions > 0)
          yield* Effect.flatMap(open(), versions === 1 ? (store) => divert(store, ["a"]) : retry).pipe(within(start))
        for (let cut = 0, ended = false; !ended; cut++) {
          const entries = new Map(start)
          const dying = Stores.makeOpen(entries, (key, text) =>
            Effect.suspend(() => {
              ended = cut === text.length
              entries.set(key, text.slice(0, cut))
              return Effect.die("killed")
            })
          )
          yield* Effect.flatMap(open(), versions === 0 ? (store) => divert(store, ["a"]) : retry).pipe(
            Effect.provideService(KeyValueStore.KeyValueStore, dying),
            Effect.exit
          )
          const said: Array<unknown> = []
          yield* Effect.gen(function* () {
            const store = yield* open()
            const found = yield* read(store)
            const before = versions === 0 ? [] : [`a ${versions}`]
            assert.deepStrictEqual(found, ended ? [`a ${versions + 1}`] : before)
            assert.strictEqual(said.length, versions === 0 && !ended ? 1 : 0)
            // And it goes on from there.
            yield* divert(store, ["a"])
            assert.deepStrictEqual(yield* read(store), ["a 1"])
            assert.strictEqual(entries.size, 1)
            yield* store.remove(["a"])
            assert.strictEqual(entries.size, 0)
          }).pipe(within(entries), Effect.provide(Logger.layer([Logger.make(({ message }) => said.push(message))])))
        }
      }
    })
  )

  it.effect("fail with the store's own words", () =>
    Effect.gen(function* () {
      const cause = new Error("no route to host")
      const broken = KeyValueStore.make({
        ...Stores.makeOpen(new Map([["x", "y"]])),
        ...Object.fromEntries(
          (["set", "remove"] as const).map((method) => [
            method,
            () => Effect.fail(new KeyValueStore.KeyValueStoreError({ method, message: `can not ${method}`, cause }))
          ])
        ),
        keys: Effect.fail(new KeyValueStore.KeyValueStoreError({ method: "keys", message: "can not list", cause }))
      })
      const store = yield* Effect.provideService(open(), KeyValueStore.KeyValueStore, broken)
      const errors = [
        yield* Effect.flip(divert(store, ["a"])),
        yield* Effect.flip(store.remove(["a"])),
        yield* Effect.flip(read(store))
      ]
      assert.deepStrictEqual(
        errors.map(({ message }) => message),
        [
          "dead letters rows: can not write: can not set: no route to host",
          "dead letters rows: can not remove: can not remove: no route to host",
          "dead letters rows: can not read: can not list: no route to host"
        ]
      )
    })
  )
})

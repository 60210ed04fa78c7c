import * as Ledger from "@effect-connectors/core/Ledger"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { mapStore } from "./support/stores.ts"

const job: Ledger.Job = { kind: "load", host: "https://a.example", index: "articles", run: "1" }
const Page = Schema.Struct({ page: Schema.Int })
const first = { job, checkpoint: Page, initial: { page: 0 } }

const reasonOf = <A>(opened: Result.Result<A, Ledger.LedgerError>): Ledger.LedgerError["reason"] =>
  Result.isFailure(opened) ? opened.failure.reason : assert.fail("the ledger opened")

describe("a ledger", () => {
  it.effect("begins with the initial checkpoint, and is found again with the last one", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger.open(first)
      assert.deepStrictEqual([ledger.found, ledger.isNew, ledger.wasFinished], [{ page: 0 }, true, false])
      for (const page of [1, 2, 3]) {
        yield* ledger.save({ page })
        const again = yield* Ledger.open(first)
        assert.deepStrictEqual([again.found, again.isNew, again.wasFinished], [{ page }, false, false])
      }
      yield* ledger.finish({ page: 4 })
      const done = yield* Ledger.open(first)
      assert.deepStrictEqual([done.found, done.wasFinished], [{ page: 4 }, true])
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("is another one for another host, index, namespace, split or run", () =>
    Effect.gen(function* () {
      const others: ReadonlyArray<Ledger.Job> = [
        { ...job, host: "https://b.example" },
        { ...job, index: "articles-2" },
        { ...job, namespace: "articles" },
        { ...job, split: "articles" },
        { ...job, run: "2" },
        { ...job, index: "art", run: "icles1" },
        { ...job, index: "x".repeat(400) },
        { ...job, index: `${"x".repeat(400)}y` }
      ]
      yield* (yield* Ledger.open(first)).save({ page: 1 })
      for (const other of others) {
        const ledger = yield* Ledger.open({ ...first, job: other })
        assert.isTrue(ledger.isNew, JSON.stringify(other))
        yield* ledger.save({ page: 7 })
      }
      assert.deepStrictEqual((yield* Ledger.open(first)).found, { page: 1 })
      const store = yield* KeyValueStore.KeyValueStore
      for (const key of yield* store.keys) assert.match(key, /^[A-Za-z0-9._-]{1,160}$/)
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("refuses a job of another kind or with another input, naming both", () =>
    Effect.gen(function* () {
      const loading = { ...first, job: { ...job, input: "a.ndjson" } }
      yield* (yield* Ledger.open(loading)).save({ page: 1 })
      for (const other of [job, { ...job, input: "b.ndjson" }, { ...loading.job, kind: "export" }]) {
        const opened = yield* Effect.result(Ledger.open({ ...first, job: other }))
        const reason = reasonOf(opened)
        assert.strictEqual(reason._tag, "LedgerOfAnotherJob")
        assert.include(reason.message, "reading a.ndjson")
        assert.include(reason.message, other.kind)
      }
      yield* Ledger.clear(job)
      assert.isTrue((yield* Ledger.open(first)).isNew)
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("keeps no secret of an address", () => {
    const { layer, map } = mapStore()
    return Effect.gen(function* () {
      const host = "https://user:s3cret@a.example/path?key=s3cret#s3cret"
      yield* (yield* Ledger.open({ ...first, job: { ...job, host } })).save({ page: 1 })
      const all = JSON.stringify([...map])
      assert.notInclude(all, "s3cret")
      assert.include(all, "https://a.example/path")
    }).pipe(Effect.provide(layer))
  })

  it.effect("refuses a format that is newer than it knows", () => {
    const { layer, map } = mapStore()
    return Effect.gen(function* () {
      yield* (yield* Ledger.open(first)).save({ page: 1 })
      for (const [key, text] of map) map.set(key, text.replace('"format":1', '"format":2'))
      assert.strictEqual(reasonOf(yield* Effect.result(Ledger.open(first)))._tag, "NewerFormat")
    }).pipe(Effect.provide(layer))
  })

  it.effect("never takes what it can not read for a fresh start", () => {
    const { layer, map } = mapStore()
    return Effect.gen(function* () {
      const ledger = yield* Ledger.open(first)
      yield* ledger.save({ page: 1 })
      for (const bad of ["", "{", "null", "no ledger", '{"format":1}', '{"format":1,"sequence":1,"__proto__":{}}']) {
        for (const key of map.keys()) map.set(key, bad)
        const keys = [...map.keys()]
        map.set(keys[0]!.replace(/\.[01]$/, ".0"), bad)
        const opened = yield* Effect.result(Ledger.open(first))
        assert.strictEqual(reasonOf(opened)._tag, "Unreadable", bad)
      }
      const opened = yield* Effect.result(Ledger.open({ ...first, checkpoint: Schema.Struct({ page: Schema.Int }) }))
      assert.strictEqual(reasonOf(opened)._tag, "Unreadable")
    }).pipe(Effect.provide(layer))
  })

  it.effect("tells that its store failed", () =>
    Effect.gen(function* () {
      const opened = yield* Effect.result(Ledger.open(first))
      assert.strictEqual(reasonOf(opened)._tag, "StoreFailed")
    }).pipe(Effect.provide(mapStore({ failing: true }).layer))
  )

  it.effect("survives a save that was cut at any byte", () =>
    Effect.gen(function* () {
      for (let pages = 0; pages < 3; pages++) {
        let length = Infinity
        for (let bytes = 0; bytes < length; bytes++) {
          const { layer, map, tearNext } = mapStore()
          yield* Effect.gen(function* () {
            const ledger = yield* Ledger.open(first)
            for (let page = 1; page <= pages; page++) yield* ledger.save({ page })
            tearNext(bytes)
            yield* Effect.exit(ledger.save({ page: pages + 1 }))
            length = Math.max(...[...map.values()].map((text) => text.length), 160)

            const again = yield* Ledger.open(first)
            assert.isTrue(
              again.found.page === pages || again.found.page === pages + 1,
              `${pages} pages, ${bytes} bytes`
            )
            // The next save may not overwrite the only slot that is whole.
            tearNext(bytes)
            yield* Effect.exit(again.save({ page: pages + 2 }))
            const third = yield* Ledger.open(first)
            assert.isAtLeast(third.found.page, again.found.page)
          }).pipe(Effect.provide(layer))
        }
      }
    })
  )

  it.effect("writes only the last of the checkpoints that come while one is written", () => {
    const gate = Deferred.makeUnsafe<void>()
    const { layer, map, writes } = mapStore({ before: Deferred.await(gate) })
    return Effect.gen(function* () {
      const ledger = yield* Ledger.open(first)
      const saving = yield* Effect.forEach([1, 2, 3, 4, 5], (page) =>
        Effect.forkChild(ledger.save({ page }), { startImmediately: true })
      )
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.joinAll(saving)
      assert.deepStrictEqual((yield* Ledger.open(first)).found, { page: 5 })
      assert.isAtMost(writes(), 2)
      assert.strictEqual(map.size, 2)
    }).pipe(Effect.provide(layer))
  })
})

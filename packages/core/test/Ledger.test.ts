import * as Ledger from "@effect-connectors/core/Ledger"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { digest } from "../src/internal/digest.ts"
import * as Stores from "./support/stores.ts"
import { settle } from "./support/time.ts"

const job: Ledger.Job = { kind: "load", index: "articles", namespace: "en", run: "1", input: "articles.ndjson" }

const Checkpoint = Schema.Struct({ at: Schema.BigInt, token: Schema.optionalKey(Schema.String) })

const openAs = (as: Ledger.Job) => Ledger.open({ job: as, checkpoint: Checkpoint, initial: { at: 0n } })
const reopen = openAs(job)

const reasonOf = <A, R>(effect: Effect.Effect<A, Ledger.LedgerError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

const within = (entries: Map<string, string>) =>
  Effect.provideService(KeyValueStore.KeyValueStore, Stores.makeOpen(entries))

describe.each(Stores.layers)("a ledger %s", (_, layer) => {
  it.effect("is new at first, and goes on where it was saved", () =>
    Effect.gen(function* () {
      const first = yield* reopen
      assert.deepStrictEqual(
        { isNew: first.isNew, isFinished: first.isFinished, current: first.current, job: first.job },
        { isNew: true, isFinished: false, current: { at: 0n }, job }
      )
      for (const at of [1n, 2n, 3n]) {
        yield* first.save({ at, token: `t${at}` })
        const { current, isFinished, isNew } = yield* reopen
        assert.deepStrictEqual(
          { current, isFinished, isNew },
          { current: { at, token: `t${at}` }, isFinished: false, isNew: false }
        )
      }
      // Who opens it again goes on with the places in turn.
      const second = yield* reopen
      yield* second.save({ at: 4n })
      yield* second.save({ at: 5n })
      assert.deepStrictEqual((yield* reopen).current, { at: 5n })
    }).pipe(Effect.provide(layer))
  )

  it.effect("stays finished, with its last checkpoint, until it is cleared", () =>
    Effect.gen(function* () {
      const ledger = yield* reopen
      yield* ledger.save({ at: 7n })
      yield* ledger.finish
      yield* ledger.save({ at: 8n })
      const { current, isFinished } = yield* reopen
      assert.deepStrictEqual({ current, isFinished }, { current: { at: 8n }, isFinished: true })
      yield* Ledger.clear(job)
      const store = yield* KeyValueStore.KeyValueStore
      assert.strictEqual(yield* store.size, 0)
      assert.isTrue((yield* reopen).isNew)
    }).pipe(Effect.provide(layer))
  )

  it.effect("refuses another kind of job and another input, also when nothing was saved yet", () =>
    Effect.gen(function* () {
      yield* reopen
      for (const asked of [
        { ...job, kind: "scan" },
        { ...job, input: "other.ndjson" }
      ]) {
        assert.deepStrictEqual(yield* reasonOf(openAs(asked)), new Ledger.LedgerOfAnotherJob({ stored: job, asked }))
      }
      const { input: _input, ...without } = job
      assert.strictEqual((yield* reasonOf(openAs(without)))._tag, "LedgerOfAnotherJob")
      const { message } = yield* Effect.flip(openAs({ ...job, kind: "scan" }))
      assert.include(message, `belongs to a load of index "articles", namespace "en", run "1" from articles.ndjson`)
      assert.include(message, "this is a scan of")
    }).pipe(Effect.provide(layer))
  )
})

describe("the key of a ledger", () => {
  it.effect("is another one for another host, index, namespace, split or run", () =>
    Effect.gen(function* () {
      const jobs: ReadonlyArray<Ledger.Job> = [
        { kind: "load", index: "a", run: "1" },
        { kind: "load", index: "a", run: "2" },
        { kind: "load", index: "A", run: "1" },
        { kind: "load", index: "a", run: "1", namespace: "" },
        { kind: "load", index: "a", run: "1", namespace: "n" },
        { kind: "load", index: "a", run: "1", split: "n" },
        { kind: "load", index: "a", run: "1", namespace: "n", split: "n" },
        { kind: "load", index: "a", run: "1", host: "n" },
        { kind: "load", index: "a/1", run: "1" },
        { kind: "load", index: "a", run: "1/1" },
        { kind: "load", index: "ä".repeat(500), run: "..\u0000/".repeat(500) }
      ]
      const keys = yield* Effect.forEach(jobs, (job) => Effect.map(openAs(job), (ledger) => ledger.key))
      assert.strictEqual(new Set(keys.map((key) => key.toLowerCase())).size, jobs.length)
      for (const key of keys) assert.match(key, /^ledger\.[a-z0-9-]{0,40}\.[a-z0-9-]{0,40}\.[0-9a-f]{16}$/)
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )

  it.effect("does not change between versions, nor does what is stored", () =>
    Effect.gen(function* () {
      const entries = new Map<string, string>()
      const ledger = yield* reopen.pipe(within(entries))
      yield* ledger.save({ at: 1n })
      const job = `{"kind":"load","index":"articles","namespace":"en","run":"1","input":"articles.ndjson"}`
      const body = `{"sequence":2,"finished":false,"job":${job},"checkpoint":{"at":"1"}}`
      assert.strictEqual(
        entries.get("ledger.articles.1.8803b86c45c2ca22.b"),
        `effect-connectors/ledger 1 06970bdc4c4e8d66\n${body}`
      )
    })
  )

  it.effect("and the job hold of a host's URL only host and port", () =>
    Effect.gen(function* () {
      const entries = new Map<string, string>()
      const hosts = ["https://user:secret@h.example:81/x?key=secret#secret", "user:secret@h.example:81", "h.example:81"]
      const ledgers = yield* Effect.forEach(hosts, (host) => openAs({ ...job, host })).pipe(within(entries))
      assert.deepStrictEqual(new Set(ledgers.map(({ job }) => job.host)), new Set(["h.example:81"]))
      assert.strictEqual(new Set(ledgers.map(({ key }) => key)).size, 1)
      const odd = yield* openAs({ ...job, host: "secret@a b/?secret" }).pipe(within(entries))
      assert.strictEqual(odd.job.host, "a b")
      assert.notInclude([...entries].join(), "secret")
    })
  )
})

describe("a process that dies while it writes", () => {
  /** What may be left of a text: its beginning alone, on zeros, or over what was there before. */
  const remains = (before: string, text: string, bytes: number) => [
    text.slice(0, bytes),
    text.slice(0, bytes) + "\u0000".repeat(text.length - bytes),
    text.slice(0, bytes) + before.slice(bytes)
  ]

  it.effect("leaves the checkpoint before or the new one, whichever byte it dies at", () =>
    Effect.gen(function* () {
      for (const saves of [0, 1, 2, 5]) {
        const whole = new Map<string, string>()
        const states: Array<Map<string, string>> = []
        const store = Stores.makeOpen(whole, (key, value) =>
          Effect.sync(() => {
            states.push(new Map(whole))
            whole.set(key, value)
          })
        )
        yield* Effect.gen(function* () {
          const ledger = yield* reopen
          for (let i = 1; i <= saves; i++) yield* ledger.save({ at: BigInt(i) })
        }).pipe(Effect.provideService(KeyValueStore.KeyValueStore, store))
        const before = states.at(-1)!
        const [key, text] = [...whole].find(([key, text]) => before.get(key) !== text)!
        for (let bytes = 0; bytes <= text.length; bytes++) {
          for (const torn of remains(before.get(key) ?? "", text, bytes)) {
            const entries = new Map(before).set(key, torn)
            yield* Effect.gen(function* () {
              const found = (yield* reopen).current.at
              assert.include([BigInt(Math.max(0, saves - 1)), BigInt(saves)], found)
              if (bytes === text.length) assert.strictEqual(found, BigInt(saves))
              // And going on from there works.
              const again = yield* reopen
              yield* again.save({ at: 100n })
              assert.strictEqual((yield* reopen).current.at, 100n)
            }).pipe(within(entries))
          }
        }
      }
    })
  )

  it.effect("can not damage both places, so both damaged is an error and no new start", () =>
    Effect.gen(function* () {
      const entries = new Map<string, string>()
      const ledger = yield* reopen.pipe(within(entries))
      yield* ledger.save({ at: 1n })
      for (const [key, text] of entries) entries.set(key, text.slice(0, -5))
      const error = yield* Effect.flip(reopen).pipe(within(entries))
      assert.strictEqual(error.reason._tag, "Unreadable")
      assert.include(error.message, "clear the ledger")
      for (const key of [...entries.keys()].filter((key) => key.endsWith(".a"))) entries.delete(key)
      assert.strictEqual((yield* reasonOf(reopen).pipe(within(entries)))._tag, "Unreadable")
      yield* Ledger.clear(job).pipe(within(entries))
      assert.isTrue((yield* reopen.pipe(within(entries))).isNew)
    })
  )
})

describe("what is stored", () => {
  it.effect("by a newer version is refused", () =>
    Effect.gen(function* () {
      const entries = new Map<string, string>()
      const { key } = yield* reopen.pipe(within(entries))
      entries.set(`${key}.b`, "effect-connectors/ledger 2\nanything")
      assert.deepStrictEqual(
        yield* reasonOf(reopen).pipe(within(entries)),
        new Ledger.NewerFormat({ format: 2, known: 1 })
      )

      // No version will ever have this number.
      entries.set(`${key}.a`, `effect-connectors/ledger ${"9".repeat(400)}\nanything`)
      entries.set(`${key}.b`, `effect-connectors/ledger ${"9".repeat(20)}\nanything`)
      assert.strictEqual((yield* reasonOf(reopen).pipe(within(entries)))._tag, "Unreadable")
    })
  )

  it.effect("for another schema of checkpoint is refused", () =>
    Effect.gen(function* () {
      yield* reopen
      const other = Ledger.open({
        job,
        checkpoint: Schema.Struct({ at: Schema.Int, of: Schema.Int }),
        initial: { at: 0, of: 1 }
      })
      const reason = yield* reasonOf(other)
      assert.strictEqual(reason._tag, "Unreadable")
      assert.include(reason.message, "Expected")
    }).pipe(Effect.provide(KeyValueStore.layerMemory))
  )
})

describe("what can not be done", () => {
  it.effect("is told: a checkpoint without JSON, an entry that can not be read or removed", () =>
    Effect.gen(function* () {
      const cause = new Error("gone")
      const broken = KeyValueStore.make({
        ...Stores.makeOpen(new Map()),
        remove: (key) =>
          Effect.fail(new KeyValueStore.KeyValueStoreError({ method: "remove", key, message: "no", cause }))
      })
      const reasons = [
        yield* reasonOf(Ledger.clear(job)).pipe(Effect.provideService(KeyValueStore.KeyValueStore, broken)),
        yield* reasonOf(reopen).pipe(
          Effect.provideService(KeyValueStore.KeyValueStore, {
            ...broken,
            get: (key) => Effect.fail(new KeyValueStore.KeyValueStoreError({ method: "get", key, message: "none" }))
          })
        ),
        yield* reasonOf(
          Ledger.open({ job, checkpoint: Schema.instanceOf(Map), initial: new Map() }).pipe(within(new Map()))
        )
      ]
      assert.deepStrictEqual(
        reasons.map((reason) => (reason._tag === "StoreFailed" ? reason.during : reason._tag)),
        ["remove", "read", "write"]
      )
      assert.strictEqual(reasons[0]?.message, "its store failed to remove it: no: gone")
    })
  )

  it.effect("what is whole and no checkpoint of a ledger does not count", () =>
    Effect.gen(function* () {
      const entries = new Map<string, string>()
      const { key } = yield* reopen.pipe(within(entries))
      const body = `{"sequence":7}`
      entries.set(`${key}.b`, `effect-connectors/ledger 1 ${digest(body)}\n${body}`)
      assert.deepStrictEqual((yield* reopen.pipe(within(entries))).current, { at: 0n })
    })
  )
})

describe("saves", () => {
  it.effect("asked for while one is written become one, and each completes when it or a later one is stored", () =>
    Effect.gen(function* () {
      const entries = new Map<string, string>()
      const gate = Latch.makeUnsafe(true)
      let writes = 0
      const store = Stores.makeOpen(entries, (key, value) =>
        Effect.andThen(
          gate.await,
          Effect.sync(() => {
            writes++
            entries.set(key, value)
          })
        )
      )
      const ledger = yield* reopen.pipe(Effect.provideService(KeyValueStore.KeyValueStore, store))
      writes = 0
      gate.closeUnsafe()
      const fibers = yield* Effect.forEach([1n, 2n, 3n, 4n, 5n], (at) => Effect.forkChild(ledger.save({ at })))
      yield* settle
      assert.deepStrictEqual(
        fibers.map((fiber) => fiber.pollUnsafe()),
        fibers.map(() => undefined)
      )
      gate.openUnsafe()
      yield* Fiber.joinAll(fibers)
      assert.strictEqual(writes, 2)
      assert.strictEqual((yield* reopen.pipe(within(entries))).current.at, 5n)
    })
  )

  it.effect("that were interrupted leave a good ledger", () =>
    Effect.gen(function* () {
      const entries = new Map<string, string>()
      const started = Latch.makeUnsafe(false)
      const store = Stores.makeOpen(entries, (key, value) =>
        Effect.gen(function* () {
          entries.set(key, value.slice(0, 10))
          yield* started.open
          yield* Effect.yieldNow
          entries.set(key, value)
        })
      )
      const ledger = yield* reopen.pipe(Effect.provideService(KeyValueStore.KeyValueStore, store))
      started.closeUnsafe()
      const fiber = yield* Effect.forkChild(ledger.save({ at: 1n }))
      yield* started.await
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* reopen.pipe(within(entries))).current.at, 1n)
      yield* ledger.save({ at: 2n })
      assert.strictEqual((yield* reopen.pipe(within(entries))).current.at, 2n)
    })
  )

  it.effect("that fail tell why, leave the checkpoint before, and can be asked for again", () =>
    Effect.gen(function* () {
      const entries = new Map<string, string>()
      let full = false
      const store = Stores.makeOpen(entries, (key, value) =>
        Effect.suspend(() => {
          if (!full) return Effect.sync(() => void entries.set(key, value))
          entries.set(key, "")
          const cause = new Error("no space left on device")
          return Effect.fail(
            new KeyValueStore.KeyValueStoreError({ method: "set", key, message: "Unable to set", cause })
          )
        })
      )
      const ledger = yield* reopen.pipe(Effect.provideService(KeyValueStore.KeyValueStore, store))
      yield* ledger.save({ at: 1n })
      full = true
      const detail = "Unable to set: no space left on device"
      assert.deepStrictEqual(
        yield* reasonOf(ledger.save({ at: 2n })),
        new Ledger.StoreFailed({ during: "write", detail })
      )
      assert.strictEqual((yield* reopen.pipe(within(entries))).current.at, 1n)
      full = false
      yield* ledger.save({ at: 3n })
      assert.strictEqual((yield* reopen.pipe(within(entries))).current.at, 3n)
    })
  )

  it.effect("by a thousand fibers end at the last one asked for", () =>
    Effect.gen(function* () {
      const ledger = yield* reopen
      yield* Stream.range(1, 1000).pipe(
        Stream.mapEffect((at) => ledger.save({ at: BigInt(at) }), { concurrency: 100, unordered: true }),
        Stream.runDrain
      )
      assert.strictEqual((yield* reopen).current.at, 1000n)
    }).pipe(Effect.provide(Stores.layerFiles))
  )
})

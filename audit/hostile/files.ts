/** Files and entries that a disk, a person or a half written line has spoiled: ledgers, dead letters, exports. */
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import * as Ledger from "@effect-connectors/core/Ledger"
import * as Resume from "@effect-connectors/core/Resume"
import * as PineconeExport from "@effect-connectors/pinecone/PineconeExport"
import * as VectorRecord from "@effect-connectors/pinecone/VectorRecord"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as path from "node:path"
import { below, chance } from "../support/chance.ts"
import { temporary } from "../support/temporary.ts"
import { spoiled, token, value } from "./generate.ts"
import type { Group } from "./group.ts"

const job: Ledger.Job = { kind: "load", index: "articles", namespace: "a", run: "1", input: "file, 12 bytes" }

/** A store whose entries can be spoiled. */
const storeOf = (texts: Map<string, string>) =>
  KeyValueStore.makeStringOnly({
    get: (key) => Effect.sync(() => texts.get(key)),
    set: (key, text) =>
      Effect.sync(() => {
        texts.set(key, text)
      }),
    remove: (key) =>
      Effect.sync(() => {
        texts.delete(key)
      }),
    clear: Effect.sync(() => texts.clear()),
    size: Effect.sync(() => texts.size),
    keys: Effect.sync(() => Array.from(texts.keys()))
  })

export const ledgers: Group = {
  name: "ledgers",
  errors: ["LedgerError"],
  size: 1,
  share: 7,
  make: Effect.fnUntraced(function* (seed) {
    const valid = new Map<string, string>()
    const recording = storeOf(valid)
    const open = Ledger.open({ job, checkpoint: Resume.Checkpoint, initial: { done: [] } })
    yield* Effect.gen(function* () {
      const ledger = yield* open
      yield* ledger.save({ done: [[0, 10]] })
      yield* ledger.save({
        done: [
          [0, 10],
          [12, 20]
        ]
      })
    }).pipe(Effect.provideService(KeyValueStore.KeyValueStore, recording))
    const slots = Array.from(valid)
    return (n) => {
      const texts = new Map(
        slots.map(([key, text], at) => {
          const how = chance(seed, n, 41, at)
          if (how < 0.3) return [key, text]
          const cut = below(text.length, seed, n, 42, at)
          if (how < 0.5) return [key, text.slice(0, cut)]
          if (how < 0.7) return [key, text.slice(0, cut) + token({ seed, n }, at) + text.slice(cut + 1)]
          return [key, spoiled({ format: 1, job }, { seed, n }, 43 + at)]
        })
      )
      const store = storeOf(texts)
      // A checkpoint that is stored as it should be, and is not one.
      const checkpoint = value(
        spoiled(
          {
            done: [
              [0, 10],
              [12, 20]
            ]
          },
          { seed, n },
          45
        )
      )
      const odd = Effect.gen(function* () {
        const ledger = yield* Ledger.open({ job: { ...job, run: "odd" }, checkpoint: Schema.Unknown, initial: null })
        yield* ledger.save(checkpoint)
        yield* Ledger.open({ job: { ...job, run: "odd" }, checkpoint: Resume.Checkpoint, initial: { done: [] } })
      })
      return Effect.gen(function* () {
        const run = Resume.make(yield* open)
        yield* Stream.range(0, 30).pipe(
          run.pending,
          Stream.map((input): Resume.Settled => ({ _tag: "Written", input })),
          run.acknowledge,
          Stream.runDrain
        )
        yield* odd
      }).pipe(Effect.provideService(KeyValueStore.KeyValueStore, store))
    }
  })
}

const letter = {
  id: "1",
  outcome: "Rejected",
  error: "PineconeError",
  operation: "upsert",
  reason: {
    _tag: "InvalidRecord",
    message: "record a: field values: is empty",
    id: "a",
    field: "values",
    issue: "is empty"
  },
  attempts: 0,
  time: "2026-11-26T00:00:00.000Z",
  record: { id: "a", values: [1, 2], metadata: { title: "x" } }
}

/** Lines of which some are spoiled, and the last perhaps not ended. */
const lines = (valid: { readonly id: string }, seed: number, n: number): string => {
  const all = Array.from({ length: 5 }, (_, at) => {
    const one = { ...valid, id: `id-${at}` }
    return chance(seed, n, 51, at) < 0.5 ? JSON.stringify(one) : spoiled(one, { seed, n }, 52 + at)
  })
  return all.join("\n") + (chance(seed, n, 57) < 0.5 ? "\n" : "")
}

export const deadLetters: Group = {
  name: "files of dead letters",
  errors: ["DeadLetterError"],
  size: 1,
  share: 4,
  make: (seed) =>
    Effect.map(temporary, (directory) => (n) => {
      const file = path.join(directory, `${n}.ndjson`)
      return Effect.gen(function* () {
        yield* Effect.sync(() => fs.writeFileSync(file, lines(letter, seed, n)))
        const store = yield* DeadLetter.ndjson({ path: file, record: VectorRecord.VectorRecord })
        const before = yield* Stream.runCollect(store.letters)
        yield* store.remove(["id-1", "nobody"])
        yield* store.write([
          {
            _tag: "DeadLetter",
            id: "new",
            outcome: "Unknown",
            error: "PineconeError",
            operation: undefined,
            reason: { _tag: "TimedOut", message: "too late" },
            attempts: 1,
            time: "2026-11-26T00:00:00.000Z",
            record: { id: "b", values: [1] }
          }
        ])
        const after = yield* Stream.runCollect(store.letters)
        const kept = before.filter(({ id }) => id !== "id-1" && id !== "new")
        if (!kept.every(({ id }) => after.some((now) => now.id === id)) || !after.some(({ id }) => id === "new")) {
          return yield* Effect.die(`letters were lost: ${before.length} before, ${after.length} after`)
        }
        return yield* Effect.sync(() => fs.rmSync(file))
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
    })
}

const exported = {
  namespace: "a",
  id: "1",
  values: [0.5, 1],
  sparseValues: { indices: [1], values: [0.5] },
  metadata: { n: 1 }
}

export const exports: Group = {
  name: "lines of exports",
  errors: ["PineconeError", "PlatformError"],
  size: 1,
  share: 4,
  make: (seed) =>
    Effect.map(temporary, (directory) => (n) => {
      const file = path.join(directory, `${n}.ndjson`)
      return Effect.gen(function* () {
        yield* Effect.sync(() => fs.writeFileSync(file, lines(exported, seed, n)))
        yield* Stream.runDrain(PineconeExport.read(file, { maxLineLength: 50_000 }))
        return yield* Effect.sync(() => fs.rmSync(file))
      }).pipe(Effect.provide(NodeServices.layer))
    })
}

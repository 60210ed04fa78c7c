import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import * as Indexes from "../src/internal/emulator/indexes.ts"
import * as Persistence from "../src/internal/emulator/persistence.ts"
import { defaultLimits } from "../src/internal/limits.ts"
import type { VectorStore } from "../src/internal/vectorStore.ts"
import { assertRefused, content, make, ok, type Options, run, Step } from "./storeSupport.ts"

const withDirectory = <A>(body: (directory: string) => A): A => {
  const directory = mkdtempSync(join(tmpdir(), "persistence-"))
  try {
    return body(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const withOpen = <A>(directory: string, body: (persistence: Persistence.Persistence) => A): A => {
  const persistence = Result.getOrThrow(Persistence.open(directory))
  try {
    return body(persistence)
  } finally {
    persistence.close()
  }
}

/** The store of a saved index, with what is kept of it. */
const storeOf = (persistence: Persistence.Persistence, index: string, options: Options = {}): VectorStore => {
  const history = persistence.load().find(({ name }) => name === index)?.history
  return make({ ...options, onCommit: (commit) => persistence.write(index, commit), ...(history && { history }) })
}

const why = (directory: string): string => {
  const opened = Persistence.open(directory)
  assert.isTrue(Result.isFailure(opened))
  return Result.getOrThrow(Result.flip(opened)).message
}

const a = { id: "a", values: [1, 2] }

describe("persistence", () => {
  it.prop(
    "what was written is there again, in equal stores, however often it is reopened",
    { sessions: Schema.Array(Schema.Array(Step)) },
    ({ sessions }) =>
      withDirectory((directory) => {
        withOpen(directory, (persistence) => persistence.saveIndex("i", "{}"))
        const memory = make()
        for (const steps of sessions) {
          withOpen(directory, (persistence) => {
            const store = storeOf(persistence, "i")
            assert.deepStrictEqual(content(store), content(memory))
            for (const step of steps) {
              run(store, step)
              run(memory, step)
            }
          })
        }
        withOpen(directory, (persistence) =>
          assert.deepStrictEqual(content(storeOf(persistence, "i")), content(memory))
        )
      }),
    { arbitrary: { runs: 40, size: 20 } }
  )

  it("sparse indexes too, and numbers to the last bit", () =>
    withDirectory((directory) => {
      const sparse = { vectorType: "sparse", dimension: undefined } as const
      const record = {
        id: "s",
        sparseValues: { indices: [4_294_967_295, 0, 7], values: [1e-45, -0.1, 3.4028234663852886e38] },
        metadata: { n: 0.1 + 0.2, text: "caf\u00e9 \ud800", list: [], flag: false }
      }
      const before = withOpen(directory, (persistence) => {
        persistence.saveIndex("i", "{}")
        const store = storeOf(persistence, "i", sparse)
        ok(store.upsert({ records: [record] }))
        return ok(store.fetch({ ids: ["s"] })).records.get("s")
      })
      withOpen(directory, (persistence) => {
        const store = storeOf(persistence, "i", sparse)
        assert.deepStrictEqual(ok(store.fetch({ ids: ["s"] })).records.get("s"), before)
        assert.deepStrictEqual(before?.metadata, record.metadata)
      })
    }))

  it("indexes are kept apart, models are replaced, a deleted index leaves nothing to the next of its name", () =>
    withDirectory((directory) => {
      withOpen(directory, (persistence) => {
        for (const name of ["one", "two", "three"]) {
          persistence.saveIndex(name, `{"name":"${name}"}`)
          ok(storeOf(persistence, name).upsert({ namespace: name, records: [a] }))
        }
        persistence.saveIndex("two", "new model")
        persistence.deleteIndex("three")
        persistence.saveIndex("three", "another")
      })
      withOpen(directory, (persistence) => {
        assert.deepStrictEqual(
          persistence
            .load()
            .map(({ model, name }) => [name, model, [...storeOf(persistence, name).stats().namespaces]]),
          [
            ["one", `{"name":"one"}`, [["one", 1]]],
            ["two", "new model", [["two", 1]]],
            ["three", "another", []]
          ]
        )
      })
    }))

  it("indexes come in the order they were made, also when one is changed later", () =>
    withDirectory((directory) => {
      withOpen(directory, (persistence) => {
        for (const name of ["b", "c", "a"]) persistence.saveIndex(name, "{}")
        persistence.saveIndex("b", "new model")
      })
      withOpen(directory, (persistence) =>
        assert.deepStrictEqual(
          persistence.load().map(({ name }) => name),
          ["b", "c", "a"]
        )
      )
    }))

  it("an index kept before schemas counted takes sparse values, one made with a dense schema does not again", () =>
    withDirectory((directory) => {
      const fields = { vectorType: "dense", metric: "dotproduct", dimension: 2, cloud: "aws", region: "r" } as const
      const shared = { limits: defaultLimits, undeclaredSparse: "refuse" } as const
      const rest = { tags: {}, isProtected: false }
      withOpen(directory, (persistence) => {
        persistence.saveIndex("old", JSON.stringify({ name: "old", ...fields, ...rest }))
        Indexes.make(shared, persistence).create({ name: "new", ...fields, ...rest, takesSparse: false })
      })
      withOpen(directory, (persistence) => {
        const indexes = Indexes.make(shared, persistence)
        const upsert = (name: string) => {
          const index = indexes.get(name)
          assert(index?.plane === "vectors")
          return index.store.upsert({ records: [{ ...a, sparseValues: { indices: [1], values: [1] } }] })
        }
        assert.strictEqual(ok(upsert("old")).count, 1)
        assertRefused(upsert("new"), 400, 3, "Index configuration does not support sparse values")
      })
    }))

  it("sequence numbers go on when every namespace is gone", () =>
    withDirectory((directory) => {
      withOpen(directory, (persistence) => {
        persistence.saveIndex("i", "{}")
        const store = storeOf(persistence, "i")
        ok(store.upsert({ records: [a] }))
        ok(store.deleteNamespace(""))
      })
      withOpen(directory, (persistence) => {
        assert.strictEqual(ok(storeOf(persistence, "i").upsert({ records: [a] })).lsn, 3)
      })
    }))

  it("more records than one page of a load holds", () =>
    withDirectory((directory) => {
      withOpen(directory, (persistence) => {
        persistence.saveIndex("i", "{}")
        const store = storeOf(persistence, "i")
        for (let block = 0; block < 5; block++) {
          const record = (n: number) => ({ id: String(block * 500 + n), values: [block + 1, n] })
          const [first, ...rest] = Array.from({ length: 500 }, (_, n) => record(n))
          ok(store.upsert({ records: [first!, ...rest] }))
        }
      })
      withOpen(directory, (persistence) => {
        const store = storeOf(persistence, "i")
        assert.strictEqual(store.stats().totalRecords, 2_500)
        const { records } = ok(store.fetch({ ids: ["0", "1234", "2499"] }))
        assert.deepStrictEqual(
          Array.from(records.values(), (record) => record.values),
          [Float32Array.of(1, 0), Float32Array.of(3, 234), Float32Array.of(5, 499)]
        )
      })
    }))

  it("a commit that fails half way leaves nothing, on disk or in memory", () =>
    withDirectory((directory) => {
      withOpen(directory, (persistence) => {
        persistence.saveIndex("i", "{}")
        const store = storeOf(persistence, "i")
        ok(store.upsert({ records: [a] }))
        // the second record breaks in the middle of the transaction
        const broken = { id: "c", values: [1, 2], sparseValues: undefined, metadata: undefined, bytes: 0 }
        Object.defineProperty(broken, "metadata", {
          get: () => {
            throw new RangeError("unreadable")
          }
        })
        const good = { id: "b", values: [1, 2], sparseValues: undefined, metadata: undefined, bytes: 0 }
        assert.throws(
          () => persistence.write("i", { lsn: 2, namespace: "n", change: { _tag: "Put", records: [good, broken] } }),
          "unreadable"
        )
        assert.deepStrictEqual([...storeOf(persistence, "i").stats().namespaces], [["__default__", 1]])
        persistence.deleteIndex("i")
        assert.throws(() => store.upsert({ namespace: "n", records: [a] }), "constraint")
        assert.deepStrictEqual([...store.stats().namespaces], [["__default__", 1]])
        persistence.saveIndex("i", "{}")
        ok(store.upsert({ records: [a] }))
      })
      withOpen(directory, (persistence) =>
        assert.deepStrictEqual([...storeOf(persistence, "i").stats().namespaces], [["__default__", 1]])
      )
    }))

  it("after a kill in the middle of writing, every answered batch is there, and no part of one", async () => {
    const directory = mkdtempSync(join(tmpdir(), "persistence-"))
    try {
      const writer = fileURLToPath(new URL("persistenceWriter.ts", import.meta.url))
      const child = spawn(process.execPath, ["--conditions=@effect-connectors/source", writer, directory])
      const exit = once(child, "exit")
      let said = ""
      for await (const chunk of child.stdout) {
        said += String(chunk)
        if (said.split("\n").length > 50) child.kill("SIGKILL")
      }
      // its lock is gone when the process is
      await exit
      const answered = said.split("\n").length - 1
      assert.isAtLeast(answered, 50)
      withOpen(directory, (persistence) => {
        const store = storeOf(persistence, "i")
        const { totalRecords } = store.stats()
        assert.isAtLeast(totalRecords, 10 * answered)
        for (let batch = 0; batch < totalRecords / 10; batch++) {
          assert.strictEqual(ok(store.fetchByMetadata({ filter: { batch } })).records.size, 10)
        }
      })
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it("a directory in use is refused until it is closed", () =>
    withDirectory((directory) => {
      withOpen(directory, () => assert.include(why(directory), "database is locked"))
      withOpen(directory, () => undefined)
    }))

  it("a database of a newer version, a file that is none and a directory that cannot be are refused by name", () =>
    withDirectory((directory) => {
      withOpen(directory, () => undefined)
      const database = new DatabaseSync(join(directory, "pinecone.sqlite"))
      database.exec("PRAGMA user_version = 2")
      database.close()
      assert.include(why(directory), "a newer version wrote it (format 2, this one knows 1)")
      assert.include(why(directory), JSON.stringify(directory))
      const other = join(directory, "other")
      withOpen(other, () => undefined)
      writeFileSync(join(other, "pinecone.sqlite"), "not a database, whatever it is ".repeat(200))
      assert.include(why(other), "not a database")
      writeFileSync(join(directory, "file"), "")
      assert.include(why(join(directory, "file")), "cannot keep data in")
    }))
})

import { Partition } from "@effect-connectors/cluster"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as path from "node:path"
import * as Pieces from "../src/internal/pieces.ts"
import { inDirectory } from "./support/jobs.ts"

/** Opens the file as an attempt at a partition; what the store of an attempt refuses is not looked at here. */
const open = (file: string, attempt: number) =>
  Pieces.open(file, "test", Schema.Int, 0).pipe(
    Effect.provideService(Partition.Partition, {
      job: "test",
      id: "1",
      key: "a",
      attempt,
      count: () => undefined,
      countBefore: () => undefined
    })
  )

/** A program with a directory and one store for all attempts. */
const withStore = <A, E>(
  program: (file: string) => Effect.Effect<A, E, KeyValueStore.KeyValueStore | FileSystem.FileSystem | Scope.Scope>
) =>
  inDirectory((directory) => program(path.join(directory, "run", "a.txt"))).pipe(
    Effect.provide(KeyValueStore.layerMemory)
  )

const listed = (file: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.readDirectory(path.dirname(file)))
const content = (file: string) => Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(file))

describe("the pieces of a file", () => {
  it.effect("are one file in the end, whatever an attempt that was given up still writes", () =>
    withStore((file) =>
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const first = yield* open(file, 1)
        assert.strictEqual(first.reached, 0)
        yield* first.append("one\n", 1)
        yield* first.append("two\n", 2)
        const second = yield* open(file, 2)
        assert.strictEqual(second.reached, 2)
        yield* files.writeFileString(`${file}.1.part`, "three of the first\n", { flag: "a" })
        yield* second.append("", 3)
        yield* second.append("three\n", 4)
        yield* files.writeFileString(`${file}.1.part`, "four of the first\n", { flag: "a" })
        // One that died before it wrote anything.
        yield* open(file, 3)
        const fourth = yield* open(file, 4)
        assert.strictEqual(fourth.reached, 4)
        assert.isFalse(yield* files.exists(file))
        yield* fourth.finish
        assert.strictEqual(yield* content(file), "one\ntwo\nthree\n")
        assert.deepStrictEqual(yield* listed(file), ["a.txt"])
      })
    )
  )

  it.effect("are put together by the next attempt when the last one died before it did", () =>
    withStore((file) =>
      Effect.gen(function* () {
        const first = yield* open(file, 1)
        yield* first.append("one\n", 1)
        yield* first.finish
        // A death between the file and the end of the partition.
        const second = yield* open(file, 2)
        assert.deepStrictEqual([second.reached, second.isDone], [1, true])
        yield* second.finish
        assert.strictEqual(yield* content(file), "one\n")
        assert.deepStrictEqual(yield* listed(file), ["a.txt"])
        // On a machine that has nothing of it.
        const files = yield* FileSystem.FileSystem
        yield* files.remove(file)
        const third = yield* open(file, 3)
        assert.deepStrictEqual([third.reached, third.isDone], [0, false])
        yield* third.append("anew\n", 1)
        yield* third.finish
        assert.strictEqual(yield* content(file), "anew\n")
      })
    )
  )

  it.effect("are an empty file when there was nothing to write", () =>
    withStore((file) =>
      Effect.gen(function* () {
        const pieces = yield* open(file, 1)
        yield* pieces.append("", 1)
        yield* pieces.finish
        assert.strictEqual(yield* content(file), "")
        assert.deepStrictEqual(yield* listed(file), ["a.txt"])
      })
    )
  )
})

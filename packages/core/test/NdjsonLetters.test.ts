import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Logger from "effect/Logger"
import * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { newFile } from "./support/letters.ts"
import { refused } from "./support/TestError.ts"

type Options = Omit<DeadLetter.NdjsonOptions<string>, "path" | "record">

const open = (path: string, options: Options = {}) => DeadLetter.ndjson({ path, record: Schema.String, ...options })

/** The letter's id is the text itself, so that its versions can be told. */
const divert = (store: DeadLetter.Store<string>, texts: ReadonlyArray<string>) =>
  Stream.fromArray(texts).pipe(
    Stream.map((text) => Outcome.rejected(text, refused(), 1)),
    DeadLetter.divert(store, { id: (text) => text }),
    Stream.runDrain
  )

const recordsIn = (store: DeadLetter.Store<string>) =>
  Effect.map(Stream.runCollect(store.letters), (letters) => letters.map(({ record }) => record))

const linesOf = (path: string) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const text = yield* files.readFileString(path)
    assert.isTrue(text === "" || text.endsWith("\n"))
    return text === "" ? [] : text.trimEnd().split("\n")
  })

const reasonOf = <A, R>(effect: Effect.Effect<A, DeadLetter.DeadLetterError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

const logged = (texts: Array<string>) =>
  Effect.provide(Logger.layer([Logger.make(({ message }) => texts.push(String(message)))]))

describe("a file of letters", () => {
  it.effect("has a letter in each line, as JSON that other programs can read", () =>
    Effect.gen(function* () {
      const path = yield* newFile
      yield* divert(yield* open(path), ["a\nb"])
      const lines = yield* linesOf(path)
      assert.deepStrictEqual(
        lines.map((line): unknown => JSON.parse(line)),
        [
          {
            id: "a\nb",
            outcome: "Rejected",
            error: "TestError",
            reason: { _tag: "RequestRefused", detail: "no", message: refused().message },
            attempts: 1,
            time: "1970-01-01T00:00:00.000Z",
            record: "a\nb"
          }
        ]
      )
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("is on disk before the letters count as kept", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const steps: Array<string> = []
      const watched: FileSystem.FileSystem = {
        ...files,
        open: (path, options) =>
          Effect.map(files.open(path, options), (file) => ({
            ...file,
            writeAll: (bytes) => Effect.tap(file.writeAll(bytes), () => Effect.sync(() => steps.push("written"))),
            sync: Effect.suspend(() => Effect.tap(file.sync, () => Effect.sync(() => steps.push("synced"))))
          }))
      }
      const store = yield* Effect.provideService(open(yield* newFile), FileSystem.FileSystem, watched)
      yield* divert(store, ["a", "b"])
      steps.push("passed")
      assert.deepStrictEqual(steps, ["written", "synced", "passed"])
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("keeps what was whole, whichever byte of a write its process is killed at", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const path = yield* newFile
      yield* divert(yield* open(path), ["one", "two"])
      const before = (yield* files.readFile(path)).length
      yield* divert(yield* open(path), ["drei €", "four 😀"])
      const bytes = yield* files.readFile(path)
      const middle = bytes.indexOf(10, before) + 1
      // Inside letters of several bytes, about the ends of lines, and here and there.
      const isTelling = (end: number) =>
        end % 11 === 0 || bytes[end]! >= 128 || Math.abs(end - middle) < 3 || bytes.length - end < 3
      for (const end of Arr.range(before, bytes.length).filter(isTelling)) {
        yield* files.writeFile(path, bytes.slice(0, end))
        const whole = [
          "one",
          "two",
          ...(end >= middle - 1 ? ["drei €"] : []),
          ...(end >= bytes.length - 1 ? ["four 😀"] : [])
        ]
        const store = yield* open(path)
        assert.deepStrictEqual(yield* recordsIn(store), whole, `${end}`)
        yield* divert(store, ["five"])
        assert.deepStrictEqual(yield* recordsIn(store), [...whole, "five"])
        assert.deepStrictEqual(yield* recordsIn(yield* open(path)), [...whole, "five"])
        assert.strictEqual((yield* linesOf(path)).length, whole.length + 1)
      }
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("mends what a failed write left, with the next one", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      let full = false
      const small: FileSystem.FileSystem = {
        ...files,
        open: (path, options) =>
          Effect.map(files.open(path, options), (file) => ({
            ...file,
            sync: Effect.suspend(() => file.sync),
            writeAll: (bytes) =>
              full
                ? Effect.andThen(
                    file.writeAll(bytes.slice(0, 20)),
                    Effect.fail(
                      PlatformError.systemError({
                        _tag: "Unknown",
                        module: "FileSystem",
                        method: "writeAll",
                        description: "disk full"
                      })
                    )
                  )
                : file.writeAll(bytes)
          }))
      }
      const path = yield* newFile
      const store = yield* Effect.provideService(open(path), FileSystem.FileSystem, small)
      yield* divert(store, ["a"])
      full = true
      const reason = yield* reasonOf(divert(store, ["b"]))
      assert.strictEqual(reason._tag, "StoreFailed")
      assert.include(reason.message, "disk full")
      assert.strictEqual((yield* reasonOf(store.remove(["a"])))._tag, "StoreFailed")
      assert.deepStrictEqual(yield* recordsIn(store), ["a"])
      full = false
      yield* divert(store, ["c"])
      assert.deepStrictEqual(yield* recordsIn(yield* open(path)), ["a", "c"])
      assert.strictEqual((yield* linesOf(path)).length, 2)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("takes in a last line that somebody wrote without its end", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const path = yield* newFile
      yield* divert(yield* open(path), ["a", "b"])
      yield* files.writeFileString(path, (yield* files.readFileString(path)).trimEnd())
      const store = yield* open(path)
      assert.deepStrictEqual(yield* recordsIn(store), ["a", "b"])
      yield* divert(store, ["c"])
      assert.deepStrictEqual(yield* recordsIn(yield* open(path)), ["a", "b", "c"])
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("leaves lines alone that are no letters, and says so", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const path = yield* newFile
      yield* divert(yield* open(path), ["a", "b"])
      const [a, b] = yield* linesOf(path)
      const damaged = [a, "{", `{"id":"x"}`, b, ""]
      yield* files.writeFileString(path, damaged.join("\n"))
      const store = yield* open(path)
      const said: Array<string> = []
      assert.deepStrictEqual(yield* recordsIn(store).pipe(logged(said)), ["a", "b"])
      assert.deepStrictEqual(said, [`${path} holds lines that are no letters, and they are left alone: 2,3`])
      // Also when the file is written anew.
      yield* store.remove(["a", "b"])
      assert.deepStrictEqual(yield* linesOf(path), damaged.slice(1, 3))
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("holds the latest version of a letter, and where it was read while it came it is not given again", () =>
    Effect.gen(function* () {
      const path = yield* newFile
      const store = yield* open(path)
      const texts = Arr.makeBy(300, (i) => `text ${i}`)
      yield* divert(store, texts)
      const seen: Array<string> = []
      yield* DeadLetter.redrive(store).pipe(
        Stream.tap(({ record }) => Effect.sync(() => seen.push(record))),
        Stream.rechunk(10),
        Stream.map((letter) => Outcome.rejected(letter, refused(), 1)),
        DeadLetter.settle(store),
        Stream.runDrain
      )
      assert.deepStrictEqual(seen, texts)
      for (const letters of [
        yield* Stream.runCollect(store.letters),
        yield* Stream.runCollect((yield* open(path)).letters)
      ]) {
        assert.deepStrictEqual(
          letters.map(({ record }) => record),
          texts
        )
        assert.deepStrictEqual(new Set(letters.map(({ attempts }) => attempts)), new Set([2]))
      }
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("shrinks to nothing when all is redriven, and on the way when most is gone", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const path = yield* newFile
      const store = yield* open(path)
      // Left by a process that was killed while it wrote the file anew.
      yield* files.writeFileString(`${path}.new`, "half a li")
      const texts = Arr.makeBy(1_500, (i) => `text ${i}`)
      yield* divert(store, texts)
      for (const text of texts.slice(0, 400)) yield* store.remove([text])
      assert.strictEqual((yield* linesOf(path)).length, 1_900)
      yield* store.remove(Arr.makeBy(500, (i) => `text ${400 + i}`))
      assert.strictEqual((yield* linesOf(path)).length, 600)
      const rest = texts.slice(900)
      assert.deepStrictEqual(yield* recordsIn(store), rest)
      yield* divert(store, ["later"])
      assert.deepStrictEqual(yield* recordsIn(yield* open(path)), [...rest, "later"])
      yield* DeadLetter.redrive(store).pipe(Stream.map(Outcome.written), DeadLetter.settle(store), Stream.runDrain)
      assert.deepStrictEqual(yield* linesOf(path), [])
      assert.isFalse(yield* files.exists(`${path}.new`))
      yield* divert(store, ["more"])
      assert.deepStrictEqual(yield* recordsIn(yield* open(path)), ["more"])
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("is not written anew under somebody who reads it", () =>
    Effect.gen(function* () {
      const path = yield* newFile
      const store = yield* open(path)
      yield* divert(
        store,
        Arr.makeBy(4_000, (i) => `text ${i}`)
      )
      const seen: Array<unknown> = []
      yield* Stream.runForEachArray(Stream.rechunk(store.letters, 100), (letters) =>
        Effect.gen(function* () {
          seen.push(...letters.map(({ record }) => record))
          if (seen.length === 100) yield* store.remove(Arr.makeBy(3_000, (i) => `text ${i}`))
        })
      )
      assert.strictEqual(new Set(seen).size, seen.length)
      assert.deepStrictEqual(
        seen.slice(-1_000),
        Arr.makeBy(1_000, (i) => `text ${3_000 + i}`)
      )
      assert.deepStrictEqual((yield* recordsIn(store)).length, 1_000)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})

describe("the limits of a file of letters", () => {
  it.effect("are the number of letters, where another version of one is none more", () =>
    Effect.gen(function* () {
      const path = yield* newFile
      const store = yield* open(path, { maxLetters: 3 })
      yield* divert(store, ["a", "b"])
      yield* divert(store, ["b", "c", "c"])
      assert.deepStrictEqual(yield* reasonOf(divert(store, ["d"])), new DeadLetter.StoreFull({ max: 3 }))
      const { message } = yield* Effect.flip(divert(yield* open(path, { maxLetters: 3 }), ["d"]))
      assert.include(message, `dead letters ${path}: it holds 3 letters`)
      yield* store.remove(["a"])
      yield* divert(store, ["d"])
      assert.deepStrictEqual(yield* recordsIn(store), ["b", "c", "d"])
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("are the bytes of a line, when it is written and when it is read", () =>
    Effect.gen(function* () {
      const path = yield* newFile
      const store = yield* open(path, { maxLineBytes: 1_000 })
      yield* divert(store, ["short"])
      const reason = yield* reasonOf(divert(store, ["shorter", "€".repeat(300)]))
      assert.strictEqual(reason._tag, "LetterTooLarge")
      assert.deepStrictEqual(yield* recordsIn(store), ["short"])
      yield* divert(yield* open(path), ["€".repeat(60_000)])
      assert.strictEqual((yield* reasonOf(open(path, { maxLineBytes: 1_000 })))._tag, "LetterTooLarge")
      assert.strictEqual((yield* recordsIn(yield* open(path))).length, 2)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("and a path that can not be written or read is an error that says so", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const path = yield* newFile
      const store = yield* open(`${path}/none/dead.ndjson`)
      assert.deepStrictEqual(yield* recordsIn(store), [])
      assert.strictEqual((yield* reasonOf(divert(store, ["a"])))._tag, "StoreFailed")
      yield* files.makeDirectory(path)
      const reason = yield* reasonOf(open(path))
      assert.include(reason, { _tag: "StoreFailed", during: "open" })
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})

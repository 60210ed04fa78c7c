import * as PineconeCompare from "@effect-connectors/pinecone/PineconeCompare"
import * as PineconeExport from "@effect-connectors/pinecone/PineconeExport"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { fill, makeKill, memoryIndex, temporaryFile, toEnd, withStores } from "./support/kill.ts"
import { refusalOf } from "./support/secrets.ts"

const many = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i): VectorRecord => ({
    id: `${prefix}${String(i).padStart(4, "0")}`,
    values: [0.1, i],
    metadata: { i }
  }))

type Service = PineconeIndex["Service"]

const toFile = (index: Service, options: PineconeExport.Options) =>
  Effect.provideService(PineconeExport.toFile(options), PineconeIndex, index)

const textOf = (path: string) => Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(path))
const writeText = (path: string, text: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.writeFileString(path, text))

describe("toFile", () => {
  it.effect("writes a record a line, sorted by namespace and id, that reads back as it is in the index", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex({ metric: "dotproduct" })
      const odd: ReadonlyArray<VectorRecord> = [
        {
          id: 'a "b" \\ c',
          values: [1e-7, -3.4e38],
          metadata: { text: "line\nbreak\u2028 😀", tags: ["x"], yes: true }
        },
        { id: "a!", values: [0.3, 1], sparseValues: { indices: [4294967295, 0], values: [0.1, 2] } },
        { id: "~", values: [1, 2] }
      ]
      yield* fill(index, odd, "odd")
      yield* fill(index, many(250, "k"), "")
      yield* fill(index, many(3, "k"), "Alpha")
      const path = yield* temporaryFile
      const report = yield* toEnd(toFile(index, { path, namespaces: "all", run: "1" }))
      const text = yield* textOf(path)
      assert.deepStrictEqual(report, { records: 256, bytes: Buffer.byteLength(text), recordsBefore: 0 })
      const lines = text.trimEnd().split("\n")
      assert.lengthOf(lines, 256)
      assert.deepStrictEqual(JSON.parse(lines[0]!), {
        namespace: "Alpha",
        id: "k0000",
        values: [Math.fround(0.1), 0],
        metadata: { i: 0 }
      })
      const summary = yield* toEnd(
        PineconeCompare.summarize(PineconeExport.read(path), PineconeCompare.index(index, { namespaces: "all" }))
      )
      assert.deepStrictEqual(summary, { ...PineconeCompare.empty, compared: 256, same: 256 })
    }).pipe(withStores)
  )

  it.effect("killed at any step and run again, gives the same file, and reads no more than what was under way", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex()
      for (const [count, name] of [
        [350, "one"],
        [1, "two"],
        [120, "three"]
      ] as const) {
        yield* fill(index, many(count, "k"), name)
      }
      const path = yield* temporaryFile
      yield* toEnd(toFile(index, { path, namespaces: "all", run: "whole" }))
      const whole = yield* textOf(path)
      let at = 1
      for (let done = false; !done; at++) {
        const run = `killed ${at}`
        const kill = makeKill(at)
        const file = `${path}.${at}`
        done = Option.isSome(yield* kill.run(toFile(kill.index(index), { path: file, namespaces: "all", run })))
        let fetched = 0
        const counting: Service = {
          ...index,
          fetch: (request) => Effect.suspend(() => ((fetched += request.ids.length), index.fetch(request)))
        }
        const report = yield* toEnd(toFile(counting, { path: file, namespaces: "all", run }))
        assert.strictEqual(yield* textOf(file), whole)
        assert.strictEqual(report.records, 471)
        assert.strictEqual(fetched, 471 - report.recordsBefore)
      }
      // Seven pages, each listed, fetched and acknowledged, and a beginning and an end.
      assert.isAbove(at, 6 * 7)
    }).pipe(withStores)
  )

  it.effect("goes on after each of several kills", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex()
      yield* fill(index, many(1_000, "k"))
      const path = yield* temporaryFile
      const before: Array<number> = []
      for (;;) {
        const kill = makeKill(20)
        const done = yield* kill.run(toFile(kill.index(index), { path, run: "1", fetchConcurrency: 1 }))
        if (Option.isNone(done)) continue
        before.push(done.value.recordsBefore)
        break
      }
      assert.isAbove(before[0]!, 500)
      const ids = yield* Stream.runCollect(Stream.map(PineconeExport.read(path), ({ id }) => id))
      assert.deepStrictEqual(
        ids,
        many(1_000, "k").map(({ id }) => id)
      )
    }).pipe(withStores)
  )

  it.effect("of an empty index and of an empty namespace is an empty file", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex()
      const path = yield* temporaryFile
      for (const namespaces of [undefined, "all", []] as const) {
        const report = yield* toEnd(toFile(index, { path, namespaces, run: String(namespaces) }))
        assert.deepStrictEqual(report, { records: 0, bytes: 0, recordsBefore: 0 })
        assert.strictEqual(yield* textOf(path), "")
      }
      const error = yield* refusalOf(toFile(index, { path, namespaces: ["no such"], run: "2" }))
      assert.deepInclude("reason" in error ? error.reason : {}, { _tag: "NotFound", called: "no such" })
    }).pipe(withStores)
  )

  it.effect("finished, does nothing when it is run again, whatever the index holds by then", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex()
      yield* fill(index, many(5, "k"))
      const path = yield* temporaryFile
      const report = yield* toEnd(toFile(index, { path, run: "1" }))
      yield* fill(index, many(9, "k"))
      const again = yield* toEnd(toFile({ ...index, list: () => Effect.die("it reads") }, { path, run: "1" }))
      assert.deepStrictEqual(again, { ...report, recordsBefore: 5 })
    }).pipe(withStores)
  )

  it.effect("refuses a file that is not its own, or not what it wrote", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex()
      yield* fill(index, many(350, "k"))
      const path = yield* temporaryFile
      yield* writeText(path, "precious")
      const refused = (run: string, says: RegExp) =>
        Effect.map(refusalOf(toEnd(toFile(index, { path, run }))), ({ message, ...error }) => {
          assert.deepInclude("reason" in error ? error.reason : {}, { _tag: "InvalidOption", option: "path" })
          assert.match(message, says)
        })
      for (let times = 0; times < 2; times++) {
        yield* refused("1", /path is a file of 8 bytes; name another one, or set overwrite: true/)
      }
      assert.strictEqual(yield* textOf(path), "precious")

      yield* toEnd(toFile(index, { path, run: "1", overwrite: true }))
      const whole = yield* textOf(path)
      yield* writeText(path, `${whole}more`)
      yield* refused("1", /path has \d+ bytes, and run "1" wrote \d+; name another run to export it anew/)

      // With the index left alone only saving the ledger has steps, two each: opened, begun, and one page.
      const kill = makeKill(7)
      const other = { path: `${path}.2`, run: "2" }
      assert.isTrue(Option.isNone(yield* kill.run(toFile(index, other))))
      assert.isAbove((yield* textOf(other.path)).length, 0)
      yield* writeText(other.path, "")
      const error = yield* refusalOf(toEnd(toFile(index, other)))
      assert.match(error.message, /path has 0 bytes, and run "2" wrote \d+/)
    }).pipe(withStores)
  )

  it.effect("refuses the ledger of an export of other namespaces", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex()
      yield* fill(index, many(5, "k"), "a")
      const path = yield* temporaryFile
      yield* toEnd(toFile(index, { path, namespaces: ["a"], run: "1" }))
      const error = yield* refusalOf(toFile(index, { path, namespaces: "all", run: "1" }))
      assert.deepInclude("reason" in error ? error.reason : {}, { _tag: "LedgerOfAnotherJob" })
    }).pipe(withStores)
  )

  it.effect("finds out that the list left out a record, and may be told not to look", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex()
      yield* fill(index, many(150, "k"))
      const dropping: Service = {
        ...index,
        list: (request) =>
          Effect.map(index.list(request), (reply) => ({ ...reply, ids: reply.ids.filter((id) => id !== "k0123") }))
      }
      const path = yield* temporaryFile
      const error = yield* refusalOf(toEnd(toFile(dropping, { path, run: "1" })))
      assert.deepInclude("reason" in error ? error.reason : {}, { _tag: "IncompleteScan", seen: 149, expected: 150 })
      const { records } = yield* toEnd(toFile(dropping, { path, run: "1", verify: false }))
      assert.strictEqual(records, 149)
    }).pipe(withStores)
  )

  it.effect("allows for what others write and delete meanwhile", () =>
    Effect.gen(function* () {
      const index = yield* memoryIndex()
      yield* fill(index, many(250, "k"))
      let calls = 0
      const busy: Service = {
        ...index,
        list: (request) =>
          Effect.tap(index.list(request), () =>
            ++calls === 1
              ? Effect.andThen(
                  index.delete({ ids: ["k0007", "k0200"] }),
                  index.upsert({ records: many(3, "z") as [VectorRecord] })
                )
              : Effect.void
          )
      }
      const path = yield* temporaryFile
      const { records } = yield* toEnd(toFile(busy, { path, run: "1" }))
      assert.strictEqual(records, 251)
    }).pipe(withStores)
  )
})

describe("read", () => {
  const readText = (text: string, options?: PineconeExport.ReadOptions) =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      yield* writeText(path, text)
      return yield* Stream.runCollect(PineconeExport.read(path, options))
    })

  it.effect("takes lines with any ends, blank ones, and none", () =>
    Effect.gen(function* () {
      const a = { id: "a", values: [1] }
      const expected = { namespace: "__default__", ...a }
      assert.deepStrictEqual(yield* readText(""), [])
      for (const text of ["{}\n{}", "{}\r\n\r\n{}\r\n", "\n {}\n\n{}\n\n"]) {
        assert.deepStrictEqual(yield* readText(text.replaceAll("{}", JSON.stringify(a))), [expected, expected])
      }
      assert.deepStrictEqual(yield* readText(`{"namespace":"","id":"é","other":1}`), [
        { namespace: "__default__", id: "é" }
      ])
    }).pipe(withStores)
  )

  it.effect("names the line that is no record, and what is wrong with it", () =>
    Effect.gen(function* () {
      const good = `{"id":"a","values":[1]}\n`
      for (const [line, says] of [
        [`{"id":"b","values":[1`, /line 3: is no JSON; was the export finished\?/],
        [`[]`, /line 3:/],
        [`null`, /line 3:/],
        [`{"values":[1]}`, /line 3: id/],
        [`{"id":7}`, /line 3: id/],
        [`{"id":"b","values":[1,"2"]}`, /line 3: values holds 2 at position 1/],
        [`{"id":"b","metadata":{"x":null}}`, /line 3: metadata has null in field "x"/],
        [`{"id":"b","namespace":1}`, /line 3: namespace/]
      ] as const) {
        const error = yield* refusalOf(readText(`${good}\n${line}\n${good}`))
        assert.deepInclude("reason" in error ? error.reason : {}, { _tag: "InvalidRecord" })
        assert.match(error.message, says, line)
      }
    }).pipe(withStores)
  )

  it.effect("refuses a line that is too long, also one without an end", () =>
    Effect.gen(function* () {
      const long = JSON.stringify({ id: "b", metadata: { text: "x".repeat(200_000) } })
      for (const text of [`{"id":"a"}\n${long}\n`, `{"id":"a"}\n${long}`]) {
        const error = yield* refusalOf(readText(text, { maxLineLength: 100_000 }))
        assert.match(error.message, /line 2: is longer than 100000 characters/)
      }
      const { reason } = yield* refusalOf(readText("", { maxLineLength: 0 }))
      assert.deepInclude(reason, { _tag: "InvalidOption", option: "maxLineLength" })
    }).pipe(withStores)
  )

  it.effect("fails when there is no file", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Stream.runDrain(PineconeExport.read("/nowhere/at all")))
      assert.strictEqual(error._tag, "PlatformError")
    }).pipe(withStores)
  )
})

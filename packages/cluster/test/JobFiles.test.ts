import { JobFiles } from "@effect-connectors/cluster"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { parquetWriteBuffer, type ColumnSource } from "hyparquet-writer"
import * as path from "node:path"
import * as zlib from "node:zlib"

/** A file with this content. */
const fileOf = Effect.fnUntraced(function* (name: string, content: string | Uint8Array) {
  const files = yield* FileSystem.FileSystem
  const file = path.join(yield* files.makeTempDirectoryScoped(), name)
  yield* files.writeFile(file, typeof content === "string" ? new TextEncoder().encode(content) : content)
  return file
})

/** Reads files a few bytes at a time. */
const inPieces = (chunkSize: number) =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (files) => ({
      ...files,
      stream: (path, options) => files.stream(path, { ...options, chunkSize })
    }))
  ).pipe(Layer.provide(NodeFileSystem.layer))

/** Values, or what is wrong with a row. */
const valuesOf = <A>(part: JobFiles.Part, schema: Schema.Codec<A, unknown>, options?: JobFiles.ReadOptions) =>
  JobFiles.rows(part, schema, options).pipe(
    Stream.map(({ value }) => (Result.isSuccess(value) ? value.success : value.failure.reason.message)),
    Stream.runCollect
  )

const Numbered = Schema.Struct({ n: Schema.Int, text: Schema.String })
const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))

const columns: ReadonlyArray<ColumnSource> = [
  { name: "id", type: "STRING", data: Array.from({ length: 10 }, (_, i) => `p${i}`) },
  { name: "values", data: Array.from({ length: 10 }, (_, i) => [i, i + 0.5]) },
  { name: "year", type: "INT64", data: Array.from({ length: 10 }, (_, i) => (i === 3 ? null : 2000n + BigInt(i))) },
  { name: "big", type: "INT64", data: Array.from({ length: 10 }, () => 9_007_199_254_740_993n) },
  { name: "at", type: "TIMESTAMP", data: Array.from({ length: 10 }, () => new Date("2026-11-26T00:00:00Z")) }
]

const parquet = (options: Partial<Parameters<typeof parquetWriteBuffer>[0]> = {}) =>
  new Uint8Array(parquetWriteBuffer({ columnData: [...columns], rowGroupSize: 4, ...options }))

describe("JobFiles", () => {
  it.effect.prop(
    "JSON lines cut anywhere give each line once, in order, whatever comes at a time",
    [Schema.Array(Schema.String), small(40), small(9), Schema.Boolean],
    ([texts, partBytes, chunkSize, isEnded]) =>
      Effect.gen(function* () {
        const expected = texts.map((text, n) => ({ n, text }))
        const lines = expected.map((row) => `${n(row.n)}${JSON.stringify(row)}`)
        const file = yield* fileOf("a.ndjson", `${lines.join("\n")}${isEnded ? "\n" : ""}`)
        const parts = yield* JobFiles.partitions([file], { partBytes })
        const found = yield* Effect.forEach(parts, (part) => valuesOf(part, Numbered))
        assert.deepStrictEqual(found.flat(), expected)
        // What is left out when a part is gone on with.
        const rest = yield* Effect.forEach(parts, (part, i) =>
          valuesOf(part, Numbered, { skip: Math.ceil(found[i]!.length / 2) })
        )
        assert.deepStrictEqual(
          rest,
          found.map((rows) => rows.slice(Math.ceil(rows.length / 2)))
        )
      }).pipe(Effect.provide(inPieces(chunkSize)), Effect.scoped),
    { arbitrary: { runs: 150 } }
  )

  it.effect("names a line that can not be read, and goes on", () =>
    Effect.gen(function* () {
      const bytes = Buffer.concat([
        Buffer.from('\uFEFF{"n":1,"text":"first"}\r\n\n{"n":'),
        Buffer.from('\n{"n":"2","text":""}\n{"n":3,"text":"'),
        Buffer.from([0xff]),
        Buffer.from(`"}\n{"n":4,"text":"${"x".repeat(100)}"}\n{"n":5,"text":"ü"}`)
      ])
      const file = yield* fileOf("bad.ndjson", bytes)
      const parts = yield* JobFiles.partitions([file])
      assert.strictEqual(parts.length, 1)
      const rows = yield* Stream.runCollect(JobFiles.rows(parts[0]!, Numbered, { maxLineBytes: 64 }))
      assert.deepStrictEqual(
        rows.map(({ value }) => (Result.isSuccess(value) ? value.success.n : value.failure.reason.message)),
        [1, "row 2 is no JSON", "row 3: n must be number", "row 4 is no UTF-8", "row 5 is longer than 64 bytes", 5]
      )
      assert.deepStrictEqual(rows[1]?.raw, '{"n":')
      assert.deepStrictEqual(rows[2]?.raw, { n: "2", text: "" })
      assert.include(
        Result.isFailure(rows[1]!.value) ? rows[1]!.value.failure.message : "",
        `read ${file}#0-${bytes.length}: row 2`
      )
    }).pipe(Effect.provide(inPieces(10)), Effect.scoped)
  )

  it.effect("keeps the digits of long whole numbers", () =>
    Effect.gen(function* () {
      const file = yield* fileOf("long.ndjson", '{"n":9007199254740993}')
      const [part] = yield* JobFiles.partitions([file])
      assert.deepStrictEqual(yield* valuesOf(part!, Schema.Struct({ n: Schema.BigInt })), [{ n: 9007199254740993n }])
    }).pipe(Effect.provide(NodeFileSystem.layer), Effect.scoped)
  )

  it.effect("cuts Parquet between row groups, and reads rows as the JSON they would be", () =>
    Effect.gen(function* () {
      const file = yield* fileOf("a.parquet", parquet())
      const whole = yield* JobFiles.partitions([file])
      assert.deepStrictEqual(
        whole.map(({ format, from, to }) => ({ format, from, to })),
        [{ format: "parquet", from: 0, to: 10 }]
      )
      const rows = yield* valuesOf(whole[0]!, Schema.Unknown)
      assert.deepStrictEqual(
        rows,
        Array.from({ length: 10 }, (_, i) => ({
          id: `p${i}`,
          values: [i, i + 0.5],
          ...(i === 3 ? {} : { year: 2000 + i }),
          big: 9007199254740993n,
          at: "2026-11-26T00:00:00.000Z"
        }))
      )
      const parts = yield* JobFiles.partitions([file], { partBytes: 1 })
      assert.deepStrictEqual(
        parts.map(({ from, to }) => [from, to]),
        [
          [0, 4],
          [4, 8],
          [8, 10]
        ]
      )
      const cut = yield* Effect.forEach(parts, (part) => valuesOf(part, Schema.Unknown))
      assert.deepStrictEqual(cut.flat(), rows)
      assert.deepStrictEqual(yield* valuesOf(whole[0]!, Schema.Unknown, { skip: 5 }), rows.slice(5))
    }).pipe(Effect.provide(NodeFileSystem.layer), Effect.scoped)
  )

  it.effect("reads Parquet that is compressed", () =>
    Effect.gen(function* () {
      const compressors = {
        GZIP: (input: Uint8Array) => zlib.gzipSync(input),
        ZSTD: (input: Uint8Array) => zlib.zstdCompressSync(input),
        BROTLI: (input: Uint8Array) => zlib.brotliCompressSync(input)
      }
      for (const codec of ["UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "BROTLI"] as const) {
        const file = yield* fileOf("c.parquet", parquet({ codec, compressors }))
        const [part] = yield* JobFiles.partitions([file])
        const rows = yield* valuesOf(part!, Schema.Struct({ id: Schema.String }))
        assert.deepStrictEqual(rows.at(-1), { id: "p9" }, codec)
      }
    }).pipe(Effect.provide(NodeFileSystem.layer), Effect.scoped)
  )

  it.effect("refuses a file that is not there, is no Parquet, or is not the one that was planned", () =>
    Effect.gen(function* () {
      const missing = yield* Effect.flip(JobFiles.partitions(["/nowhere.ndjson"]))
      assert.strictEqual(missing._tag, "PlatformError")
      const broken = yield* Effect.flip(JobFiles.partitions([yield* fileOf("no.parquet", "this is no Parquet file")]))
      assert.match(broken.message, /^plan .*no\.parquet: option file can not be read: /)
      const files = yield* FileSystem.FileSystem
      const file = yield* fileOf("a.ndjson", '{"n":1,"text":""}')
      const [part] = yield* JobFiles.partitions([file])
      yield* files.writeFileString(file, "\n", { flag: "a" })
      const changed = yield* Effect.flip(valuesOf(part!, Numbered))
      assert.include(changed.message, "has 18 bytes, and had 17")
      const option = yield* Effect.flip(JobFiles.partitions([file], { partBytes: 0 }))
      assert.include(option.message, "option partBytes is 0")
      assert.deepStrictEqual(yield* JobFiles.partitions([yield* fileOf("empty.ndjson", "")]), [])
    }).pipe(Effect.provide(NodeFileSystem.layer), Effect.scoped)
  )
})

/** Blank lines, here and there. */
const n = (number: number): string => (number % 3 === 1 ? " \n\n" : "")

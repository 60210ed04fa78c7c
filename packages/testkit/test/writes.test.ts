import type { Filter, VectorRecord } from "@effect-connectors/pinecone"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { isRefused, reasonOf, withIndex } from "./support.ts"

const wide = (length: number) => Float32Array.from({ length }, (_, i) => i + 1)

describe("upsert", () => {
  it.effect("replaces a record whole: old metadata and sparse values are gone", () =>
    withIndex({ metric: "dotproduct" }, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({
          records: [{ id: "a", values: [1, 2], sparseValues: { indices: [1], values: [1] }, metadata: { old: 1 } }]
        })
        yield* index.upsert({ records: [{ id: "a", values: [3, 4] }] })
        const { records } = yield* index.fetch({ ids: ["a"] })
        assert.deepStrictEqual(records.get("a"), { id: "a", values: Float32Array.of(3, 4) })
        assert.strictEqual((yield* index.stats).totalRecords, 1)
      })
    )
  )

  it.effect("of records with the same id in one request the last wins, and all are counted", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        const reply = yield* index.upsert({
          records: [
            { id: "a", values: [1], metadata: { n: 1 } },
            { id: "b", values: [1] },
            { id: "a", values: [2] }
          ]
        })
        assert.strictEqual(reply.count, 3)
        const { records } = yield* index.fetch({ ids: ["a"] })
        assert.deepStrictEqual(records.get("a"), { id: "a", values: Float32Array.of(2) })
        assert.strictEqual((yield* index.stats).totalRecords, 2)
      })
    )
  )

  it.effect("a request with one bad record changes nothing, not even the dimension", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* isRefused(
          index.upsert({
            records: [
              { id: "a", values: [1, 2] },
              { id: "b", values: [1] }
            ]
          }),
          "Vector dimension 1 does not match the dimension of the index 2"
        )
        const stats = yield* index.stats
        assert.deepStrictEqual([stats.totalRecords, stats.namespaces.size, stats.dimension], [0, 0, undefined])
        yield* index.upsert({ records: [{ id: "c", values: [1, 2, 3] }] })
        assert.strictEqual((yield* index.stats).dimension, 3)
      })
    )
  )

  it.effect("the dimension of the first vector stays, also when everything is deleted", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: [{ id: "a", values: [1, 2] }] })
        yield* index.delete({ all: true })
        yield* isRefused(index.upsert({ records: [{ id: "a", values: [1] }] }), "dimension of the index 2")
      })
    )
  )

  it.effect("sequence numbers rise with every write, also in a namespace made anew", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        const write = index.upsert({ records: [{ id: "a", values: [1] }] })
        const lsns = [
          (yield* write).lsn,
          (yield* index.update({ id: "a", metadata: { x: 1 } })).lsn,
          (yield* index.delete({ ids: ["a"] })).lsn
        ]
        // takes 4 and does not tell
        yield* index.deleteNamespace("__default__")
        lsns.push((yield* write).lsn)
        assert.deepStrictEqual(lsns, [1, 2, 3, 5])
      })
    )
  )

  it.effect("bad ids are refused: empty, 513 characters, not ASCII, NUL", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        const write = (id: string) => index.upsert({ records: [{ id, values: [1] }] })
        yield* isRefused(write(""), "Vector ID length must be a whole number from 1 to 512, got 0")
        yield* isRefused(write("x".repeat(513)), "got 513")
        yield* isRefused(write("caf\u00e9"), "Vector ID must be ASCII without NUL, but got 'caf\u00e9'")
        yield* isRefused(write("a\0b"), "without NUL")
        yield* write("x".repeat(512))
        yield* write("with space#and~signs")
        yield* isRefused(index.update({ id: "", metadata: { n: 1 } }), "Vector ID length")
        yield* isRefused(index.update({ id: "caf\u00e9", metadata: { n: 1 } }), "Vector ID must be ASCII")
        yield* isRefused(index.fetch({ ids: ["a", "x".repeat(513)] }), "got 513")
        yield* isRefused(index.delete({ ids: ["with space#and~signs", "a\0b"] }), "without NUL")
        assert.strictEqual((yield* index.stats).totalRecords, 2)
      })
    )
  )

  it.effect("bad values are refused: none, all zero, NaN, infinite, over float32, over 20,000", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        const write = (values: VectorRecord.Values) => index.upsert({ records: [{ id: "x", values }] })
        const zeros = "Dense vectors must contain at least one non-zero value. Vector ID x contains only zeros"
        yield* isRefused(index.upsert({ records: [{ id: "x" }] }), "Vector dimension")
        yield* isRefused(write([]), "Vector dimension must be a whole number from 1 to 20000, got 0")
        yield* isRefused(write(wide(20_001)), "got 20001")
        yield* isRefused(write([0, 0]), zeros)
        yield* isRefused(write([9e-9, -9e-9]), zeros)
        yield* isRefused(write([1, NaN]), "must be finite float32 numbers, got NaN at 1")
        yield* isRefused(write(Float32Array.of(-Infinity)), "got -Infinity at 0")
        yield* isRefused(write([1e39]), "got 1e+39 at 0")
        yield* write([1.1e-8, 0])
      })
    )
  )

  it.effect("bad metadata is refused: nested, list of numbers, not finite, $ field, over 40,960 bytes", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        const write = (metadata: string) =>
          index.upsert({ records: [{ id: "a", values: [1], metadata: JSON.parse(metadata) }] })
        const type = "Metadata value must be a string, number, boolean or list of strings, got"
        yield* isRefused(write(`{"price":{"usd":10}}`), `${type} '{"usd":10}' for field 'price'`)
        yield* isRefused(write(`{"sizes":[1,2]}`), `${type} '[1,2]' for field 'sizes'`)
        yield* isRefused(write(`{"n":1e999}`), `${type} 'Infinity' for field 'n'`)
        yield* isRefused(write(`{"$n":1}`), "Metadata field '$n' must not start with $")
        const ofBytes = (bytes: number) => JSON.stringify({ text: "x".repeat(bytes - `{"text":""}`.length) })
        yield* isRefused(
          write(ofBytes(40_961)),
          "Metadata size is 40961 bytes, which exceeds the limit of 40960 bytes per vector"
        )
        yield* write(ofBytes(40_960))
      })
    )
  )

  it.effect("fields that are null are dropped", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: [{ id: "a", values: [1], metadata: JSON.parse(`{"a":null,"b":1}`) }] })
        yield* index.update({ id: "a", metadata: JSON.parse(`{"b":null,"c":2}`) })
        const { records } = yield* index.fetch({ ids: ["a"] })
        assert.deepStrictEqual(records.get("a")?.metadata, { b: 1, c: 2 })
      })
    )
  )

  it.effect("a request holds at most 1,000 records", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        const record = (id: number) => ({ id: String(id), values: [1] })
        const rest = Array.from({ length: 999 }, (_, id) => record(id))
        assert.strictEqual((yield* index.upsert({ records: [record(999), ...rest] })).count, 1_000)
        yield* isRefused(index.upsert({ records: [record(999), record(1_000), ...rest] }), "from 1 to 1000, got 1001")
      })
    )
  )

  it.effect("a request holds at most maxRequestBytes, exactly as encode measures it", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        const { envelopeBytes, maxBytes } = index.limits
        assert.strictEqual(maxBytes, 2_097_152)
        const record = (id: number) => ({ id: String(id), values: wide(600) })
        let bytes = envelopeBytes("ns")
        let last = -1
        while (bytes <= maxBytes) bytes += index.encode(record(++last)).bytes
        const send = (until: number) => index.upsert({ namespace: "ns", records: Arr.map(Arr.range(0, until), record) })
        yield* send(last - 1)
        const reason = yield* reasonOf(send(last))
        assert.strictEqual(reason._tag, "RequestTooLarge")
        assert.include(reason.message, "Your request is larger than the maximum supported size - 2MB.")
      })
    )
  )
})

describe("a request of exactly maxRequestBytes", () => {
  const record = { id: "a", values: wide(100) }
  const upsert = (maxRequestBytes: number) =>
    withIndex({ limits: { maxRequestBytes } }, (index) => index.upsert({ records: [record] }))

  it.effect("is taken, and refused one byte above", () =>
    Effect.gen(function* () {
      const size = yield* withIndex({}, (index) =>
        Effect.succeed(index.limits.envelopeBytes("") + index.encode(record).bytes)
      )
      assert.strictEqual((yield* upsert(size)).count, 1)
      assert.strictEqual((yield* reasonOf(upsert(size - 1)))._tag, "RequestTooLarge")
    })
  )
})

describe("update", () => {
  const stored = { id: "a", values: [1, 2], sparseValues: { indices: [1], values: [1] }, metadata: { x: 1, y: ["p"] } }

  it.effect("replaces the given parts and merges metadata", () =>
    withIndex({ metric: "dotproduct" }, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: [stored] })
        yield* index.update({ id: "a", metadata: { y: ["q"], z: true } })
        yield* index.update({ id: "a", values: [3, 4] })
        const { records } = yield* index.fetch({ ids: ["a"] })
        assert.deepStrictEqual(records.get("a"), {
          id: "a",
          values: Float32Array.of(3, 4),
          sparseValues: { indices: Uint32Array.of(1), values: Float32Array.of(1) },
          metadata: { x: 1, y: ["q"], z: true }
        })
        yield* index.update({ id: "a", sparseValues: { indices: [8], values: [2] } })
        const { matches } = yield* index.query({
          vector: [1, 0],
          sparseVector: { indices: [8], values: [10] },
          topK: 1
        })
        assert.strictEqual(matches[0]?.score, 23)
      })
    )
  )

  it.effect("new values change cosine scores", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: [{ id: "a", values: [1, 0] }] })
        yield* index.update({ id: "a", values: [0, 5] })
        assert.strictEqual((yield* index.query({ vector: [0, 1], topK: 1 })).matches[0]?.score, 1)
      })
    )
  )

  it.effect("a missing id or namespace is no error and changes nothing", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: [{ id: "a", values: [1] }] })
        yield* index.update({ id: "b", values: [2], metadata: { x: 1 } })
        yield* index.update({ namespace: "nowhere", id: "a", metadata: { x: 1 } })
        const stats = yield* index.stats
        assert.deepStrictEqual([...stats.namespaces], [["__default__", 1]])
      })
    )
  )

  it.effect("what would break a rule is refused: dimension, zeros, metadata too large once merged", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: [{ id: "a", values: [1, 2], metadata: { x: "x".repeat(30_000) } }] })
        yield* isRefused(index.update({ id: "a", values: [1] }), "Vector dimension 1")
        yield* isRefused(index.update({ id: "a", values: [0, 0] }), "Vector ID a contains only zeros")
        yield* isRefused(index.update({ id: "a", metadata: { y: "y".repeat(20_000) } }), "Metadata size is")
        yield* index.update({ id: "a", metadata: { x: "y".repeat(20_000) } })
      })
    )
  )
})

describe("delete", () => {
  const three = (["a", "b", "c"] as const).map((id, n) => ({ id, values: [n + 1], metadata: { n } }))
  const seed = [three[0]!, three[1]!, three[2]!] as const

  it.effect("by ids; ids that are not there are fine", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: seed })
        yield* index.delete({ ids: ["a", "nobody", "a"] })
        assert.deepStrictEqual((yield* index.list({})).ids, ["b", "c"])
        assert.strictEqual((yield* index.fetch({ ids: ["c"] })).records.get("c")?.metadata?.["n"], 2)
      })
    )
  )

  it.effect("by filter", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: seed })
        const filter: Filter.Filter<{ readonly n: number }> = { n: { $gte: 1 } }
        yield* index.delete({ filter })
        assert.deepStrictEqual((yield* index.list({})).ids, ["a"])
      })
    )
  )

  it.effect("an empty filter is refused", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: seed })
        yield* isRefused(index.delete({ filter: {} }), "Delete with empty metadata filter is not allowed")
      })
    )
  )

  it.effect("what names neither ids nor a filter nor all is refused", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: seed })
        for (const request of ["{}", `{"all":false}`]) {
          yield* isRefused(index.delete(JSON.parse(request)), "A delete needs ids, a filter or all: true")
        }
        assert.strictEqual((yield* index.stats).totalRecords, 3)
      })
    )
  )

  it.effect("all empties the namespace and keeps it; deleteNamespace removes it", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ namespace: "n", records: seed })
        yield* index.delete({ namespace: "n", all: true })
        assert.deepStrictEqual([...(yield* index.stats).namespaces], [["n", 0]])
        yield* index.upsert({ namespace: "n", records: seed })
        yield* index.deleteNamespace("n")
        assert.strictEqual((yield* index.stats).namespaces.size, 0)
      })
    )
  )

  it.effect("a namespace that does not exist is NotFound (404, gRPC 5), and not fatal", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        for (const call of [
          index.delete({ namespace: "nowhere", ids: ["a"] }),
          index.delete({ namespace: "nowhere", all: true }),
          Effect.as(index.deleteNamespace("nowhere"), {})
        ]) {
          const reason = yield* reasonOf(call)
          assert.deepInclude(reason, { _tag: "NotFound", resource: "namespace", called: "nowhere" })
          assert.deepInclude(reason, { wire: { status: 404, grpcCode: 5 }, isFatal: false })
        }
      })
    )
  )

  it.effect("at most 1,000 ids in a delete and in a fetch", () =>
    withIndex({}, (index) =>
      Effect.gen(function* () {
        yield* index.upsert({ records: seed })
        const ids = Array.from({ length: 1_000 }, (_, id) => String(id))
        yield* index.delete({ ids: ["a", ...ids.slice(1)] })
        yield* isRefused(index.delete({ ids: ["b", ...ids] }), "from 1 to 1000, got 1001")
        assert.strictEqual((yield* index.fetch({ ids: ["b", ...ids.slice(1)] })).records.size, 1)
        yield* isRefused(index.fetch({ ids: ["b", ...ids] }), "from 1 to 1000, got 1001")
      })
    )
  )
})

/** The layer's protobuf against another implementation. */
import { assert, describe, it } from "@effect/vitest"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { envelopeBytes, message, ProtoRecord, writeUpsert } from "../src/internal/protoRecord.ts"
import * as Reply from "../src/internal/protoReplies.ts"
import * as Request from "../src/internal/protoRequests.ts"
import type { VectorRecord } from "../src/VectorRecord.ts"
import { decode, encode, structMessage } from "./support/dataPlane.ts"

const Float = Schema.Finite.check(Schema.isBetween({ minimum: -3e38, maximum: 3e38 }))
const Position = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
const Text = Schema.String.check(Schema.isPattern(/^[ -~éλ🙂]{0,200}$/u))
const Metadata = Schema.Record(Text, Schema.Union([Text, Schema.Finite, Schema.Boolean, Schema.Array(Text)]))
const Vector = Schema.Struct({
  id: Schema.String.check(Schema.isPattern(/^[!-~]{1,64}$/)),
  values: Schema.Array(Float),
  sparse: Schema.Array(Schema.Struct({ index: Position, value: Float })),
  metadata: Schema.optionalKey(Metadata)
})
type Vector = typeof Vector.Type

const toRecord = ({ id, metadata, sparse, values }: Vector, typed: boolean): VectorRecord => ({
  id,
  values: typed ? Float32Array.from(values) : values,
  ...(sparse.length === 0
    ? {}
    : { sparseValues: { indices: sparse.map(({ index }) => index), values: sparse.map(({ value }) => value) } }),
  ...(metadata === undefined ? {} : { metadata })
})

const floats = (values: ReadonlyArray<number>) => values.map(Math.fround)

/** The message of a vector as the other implementation takes it. */
const toMessage = ({ id, metadata, sparse, values }: Vector) => ({
  id,
  values: floats(values),
  ...(metadata === undefined ? {} : { metadata: structMessage(metadata) }),
  ...(sparse.length === 0
    ? {}
    : {
        sparse_values: {
          indices: sparse.map(({ index }) => index),
          values: floats(sparse.map(({ value }) => value))
        }
      })
})

/** A record as plain data. */
const plain = (record: VectorRecord | undefined) =>
  record && {
    id: record.id,
    values: Array.from(record.values ?? []),
    sparse: Array.from(record.sparseValues?.indices ?? [], (index, i) => ({
      index,
      value: record.sparseValues!.values[i]
    })),
    metadata: record.metadata
  }

const rounded = ({ id, metadata, sparse, values }: Vector) => ({
  id,
  values: floats(values),
  sparse: sparse.map(({ index, value }) => ({ index, value: Math.fround(value) })),
  metadata
})

const upsertMessage = (records: ReadonlyArray<ProtoRecord>, namespace: string): Buffer =>
  message((writer) => writeUpsert(writer, records, namespace))

describe("upserts", () => {
  it.effect.prop(
    "have the very bytes of the other implementation, and are as long as was said",
    {
      vectors: Schema.Array(Vector),
      namespace: Schema.String.check(Schema.isPattern(/^[a-z]{0,200}$/)),
      typed: Schema.Boolean
    },
    ({ namespace, typed, vectors }) =>
      Effect.sync(() => {
        const records = vectors.map((vector) => new ProtoRecord(toRecord(vector, typed)))
        const ours = upsertMessage(records, namespace)
        assert.strictEqual(
          ours.length,
          records.reduce((sum, { bytes }) => sum + bytes, envelopeBytes(namespace))
        )
        const theirs = encode("UpsertRequest", { vectors: vectors.map(toMessage), namespace })
        assert.strictEqual(Buffer.from(ours).toString("hex"), theirs.toString("hex"))
      })
  )

  it("are whole after one that could not be written", () => {
    const bad: {
      readonly id: string
      readonly values: ReadonlyArray<number>
      readonly metadata: { readonly a: string }
    } = {
      id: "bad",
      values: [1],
      get metadata(): never {
        throw new Error("no metadata")
      }
    }
    assert.throws(() =>
      Request.query(
        "ns",
        { topK: 1, id: "a" },
        {
          get a(): never {
            throw new Error("no filter")
          }
        }
      )
    )
    assert.throws(() => new ProtoRecord(bad))
    assert.deepStrictEqual(decode("UpsertRequest", upsertMessage([new ProtoRecord({ id: "a", values: [1] })], "ns")), {
      vectors: [{ id: "a", values: [1] }],
      namespace: "ns"
    })
  })

  it("name no default namespace", () => {
    const record = new ProtoRecord({ id: "a", values: [1] })
    assert.deepStrictEqual(decode("UpsertRequest", upsertMessage([record], "__default__")), {
      vectors: [{ id: "a", values: [1] }]
    })
    assert.strictEqual(envelopeBytes("__default__"), 0)
  })

  it("keep the numbers of a typed array of the moment they were encoded", () => {
    const values = Float32Array.of(1, 2)
    const record = new ProtoRecord({ id: "a", values })
    values.fill(9)
    assert.deepStrictEqual(decode("UpsertRequest", upsertMessage([record], "ns")), {
      vectors: [{ id: "a", values: [1, 2] }],
      namespace: "ns"
    })
  })

  it("are whole when an array of numbers has grown or shrunk since it was measured", () => {
    for (const length of [0, 1, 3, 5000]) {
      const values = [1, 2]
      const records = [new ProtoRecord({ id: "a", values }), new ProtoRecord({ id: "b", values: [3] })]
      values.length = 0
      for (let i = 0; i < length; i++) values.push(i)
      assert.deepStrictEqual(decode("UpsertRequest", upsertMessage(records, "ns")), {
        vectors: [
          { id: "a", ...(length === 0 ? {} : { values }) },
          { id: "b", values: [3] }
        ],
        namespace: "ns"
      })
    }
  })

  it("take a vector that is a part of a larger array, at any place", () => {
    const all = Float32Array.from({ length: 40_000 }, (_, i) => i)
    for (const [start, end] of [
      [1, 4],
      [7, 20_007],
      [0, 40_000]
    ] as const) {
      const part = all.subarray(start, end)
      const typed = upsertMessage([new ProtoRecord({ id: "a", values: part })], "")
      assert.deepStrictEqual(typed, upsertMessage([new ProtoRecord({ id: "a", values: Array.from(part) })], ""))
    }
  })
})

describe("requests", () => {
  const filter = { $and: [{ year: { $gte: 2020 } }, { tags: { $in: ["a", "é"] } }, { ok: { $eq: false } }] }
  const sparseVector = { indices: Uint32Array.of(3, 4_294_967_295), values: Float32Array.of(0.5, 2) }
  const sparse_vector = { indices: [3, 4_294_967_295], values: [0.5, 2] }
  const cases: ReadonlyArray<readonly [string, Uint8Array, object]> = [
    [
      "QueryRequest",
      Request.query(
        "news",
        { topK: 10, vector: [0.5, 1], sparseVector, includeValues: true, includeMetadata: true },
        filter
      ),
      {
        namespace: "news",
        top_k: 10,
        filter: structMessage(filter),
        include_values: true,
        include_metadata: true,
        vector: [0.5, 1],
        sparse_vector
      }
    ],
    ["QueryRequest", Request.query("__default__", { topK: 1, id: "a" }, undefined), { top_k: 1, id: "a" }],
    ["FetchRequest", Request.fetch("news", ["a", "b"]), { ids: ["a", "b"], namespace: "news" }],
    [
      "ListRequest",
      Request.list("news", { prefix: "p", limit: 7, paginationToken: "t" }),
      { prefix: "p", limit: 7, pagination_token: "t", namespace: "news" }
    ],
    ["ListRequest", Request.list("__default__", {}), {}],
    [
      "UpdateRequest",
      Request.update("news", { id: "a", values: [1], sparseValues: sparseVector, metadata: { n: 0 } }),
      { id: "a", values: [1], set_metadata: structMessage({ n: 0 }), namespace: "news", sparse_values: sparse_vector }
    ],
    ["DeleteRequest", Request.remove("news", { ids: ["a", "b"] }), { ids: ["a", "b"], namespace: "news" }],
    ["DeleteRequest", Request.remove("news", { all: true }), { delete_all: true, namespace: "news" }],
    ["DeleteRequest", Request.remove("news", { filter }), { namespace: "news", filter: structMessage(filter) }],
    ["DescribeIndexStatsRequest", Request.stats(), {}],
    [
      "ListNamespacesRequest",
      Request.namespaces({ prefix: "p", limit: 100, paginationToken: "t" }),
      { pagination_token: "t", limit: 100, prefix: "p" }
    ],
    ["DeleteNamespaceRequest", Request.deleteNamespace("__default__"), { namespace: "__default__" }]
  ]
  it.each(cases)("%s", (type, bytes, message) => {
    assert.deepStrictEqual(decode(type, bytes), decode(type, encode(type, message)))
  })
})

describe("replies", () => {
  it.effect.prop("of a fetch hold the records that were sent", { vectors: Schema.Array(Vector) }, ({ vectors }) =>
    Effect.sync(() => {
      const byId = new Map(vectors.map((vector) => [vector.id, vector]))
      const message = Object.fromEntries(Array.from(byId, ([id, vector]) => [id, toMessage(vector)]))
      const reply = Reply.fetched(
        encode("FetchResponse", { vectors: message, namespace: "ns", usage: { read_units: 3 } })
      )
      assert.strictEqual(reply.readUnits, 3)
      assert.strictEqual(reply.records.size, byId.size)
      for (const [id, vector] of byId) assert.deepStrictEqual(plain(reply.records.get(id)), rounded(vector))
    })
  )

  it.effect.prop(
    "of a query hold the matches in their order",
    { matches: Schema.Array(Schema.Struct({ vector: Vector, score: Float })) },
    ({ matches }) =>
      Effect.sync(() => {
        const reply = Reply.query(
          encode("QueryResponse", { matches: matches.map(({ score, vector }) => ({ ...toMessage(vector), score })) })
        )
        assert.deepStrictEqual(
          reply.matches.map((match) => ({ vector: plain(match), score: match.score })),
          matches.map(({ score, vector }) => ({ vector: rounded(vector), score: Math.fround(score) }))
        )
      })
  )

  it("hold vectors of their own", () => {
    const bytes = encode("FetchResponse", { vectors: { a: { id: "a", values: [1, 2] } } })
    const { records } = Reply.fetched(bytes)
    bytes.fill(0)
    const values = records.get("a")?.values
    assert.deepStrictEqual(values, Float32Array.of(1, 2))
  })

  it("have other forms, too", () => {
    assert.strictEqual(Reply.upserted(encode("UpsertResponse", { upserted_count: 300 })), 300)
    assert.strictEqual(Reply.upserted(new Uint8Array(0)), 0)
    assert.strictEqual(Reply.updated(encode("UpdateResponse", { matched_records: 2 })), 2)
    assert.isUndefined(Reply.updated(new Uint8Array(0)))
    assert.deepStrictEqual(
      Reply.listed(encode("ListResponse", { vectors: [{ id: "a" }, { id: "b" }], pagination: { next: "t" } })),
      { ids: ["a", "b"], next: "t", readUnits: undefined }
    )
    assert.deepStrictEqual(
      Reply.listed(encode("ListResponse", { vectors: [], pagination: { next: "" }, usage: { read_units: 1 } })),
      { ids: [], next: undefined, readUnits: 1 }
    )
    assert.deepStrictEqual(
      Reply.namespaces(
        encode("ListNamespacesResponse", {
          namespaces: [{ name: "" }, { name: "big", record_count: 5_000_000_000 }],
          pagination: { next: "t" }
        })
      ),
      {
        namespaces: [
          { name: "__default__", records: 0 },
          { name: "big", records: 5_000_000_000 }
        ],
        next: "t"
      }
    )
    assert.deepStrictEqual(
      Reply.stats(
        encode("DescribeIndexStatsResponse", {
          namespaces: { "": { vector_count: 2 }, news: { vector_count: 3 } },
          dimension: 8,
          total_vector_count: 5,
          metric: "cosine"
        })
      ),
      {
        dimension: 8,
        metric: "cosine",
        totalRecords: 5,
        namespaces: new Map([
          ["__default__", 2],
          ["news", 3]
        ])
      }
    )
    assert.deepStrictEqual(
      Reply.stats(encode("DescribeIndexStatsResponse", { namespaces: { a: { vector_count: 2 } } })),
      {
        dimension: undefined,
        metric: undefined,
        totalRecords: 2,
        namespaces: new Map([["a", 2]])
      }
    )
  })

  it("may hold floats unpacked, or in several runs", () => {
    // Field 2 of a vector: a run of one, a single float, a run of two.
    const floatBytes = (...values: ReadonlyArray<number>) => Buffer.from(Float32Array.from(values).buffer)
    const vector = Buffer.concat([
      Buffer.from([0x0a, 1, 0x61, 0x12, 4]),
      floatBytes(1),
      Buffer.from([0x15]),
      floatBytes(2),
      Buffer.from([0x12, 8]),
      floatBytes(3, 4)
    ])
    const entry = Buffer.concat([Buffer.from([0x0a, 1, 0x61, 0x12, vector.length]), vector])
    const { records } = Reply.fetched(Buffer.concat([Buffer.from([0x0a, entry.length]), entry]))
    assert.deepStrictEqual(records.get("a")?.values, Float32Array.of(1, 2, 3, 4))
  })

  it("drop metadata that is null, and keep a field called __proto__", () => {
    const metadata = { fields: { gone: { null_value: 0 }, ["__proto__"]: { number_value: 1 }, n: { number_value: 2 } } }
    const { records } = Reply.fetched(encode("FetchResponse", { vectors: { a: { id: "a", values: [1], metadata } } }))
    const found = Object.entries(records.get("a")?.metadata ?? {})
    assert.sameDeepMembers(found, [
      ["n", 2],
      ["__proto__", 1]
    ])
  })

  it.effect.prop("of any bytes end, in a reply or an error", { bytes: Schema.Array(Position) }, ({ bytes }) =>
    Effect.sync(() => {
      for (const read of [Reply.upserted, Reply.query, Reply.fetched, Reply.listed, Reply.stats, Reply.namespaces]) {
        try {
          read(Uint8Array.from(bytes))
        } catch (error) {
          assert.instanceOf(error, Error)
        }
      }
    })
  )

  it("are refused when a field reaches beyond its message", () => {
    // A list of ids whose second id begins inside the first one's message, or that is longer than all there is.
    const id = Uint8Array.of(0x0a, 3, 0x61, 0x62, 0x63)
    for (const length of [3, 4, 60]) {
      assert.throws(() => Reply.listed(Uint8Array.of(0x0a, length, ...id, ...field(1, id))), RangeError)
    }
    // An entry without a record has one that is empty.
    assert.deepStrictEqual(Reply.fetched(field(1, Uint8Array.of(0x0a, 1, 0x61))).records.get("a"), {
      id: "",
      values: undefined,
      sparseValues: undefined,
      metadata: undefined
    })
  })

  /** A field of bytes. */
  const field = (number: number, bytes: Uint8Array): Uint8Array =>
    new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish()

  /** A value that is a list that holds a list, and so on. */
  const nested = (levels: number): Uint8Array => {
    let value = Uint8Array.of()
    for (let level = 0; level < levels; level++) value = Uint8Array.from(field(6, field(1, value)))
    return value
  }

  const broken: ReadonlyArray<readonly [string, Uint8Array]> = [
    ["a length beyond the end", Uint8Array.of(0x12, 200, 1, 0)],
    ["a group that never ends", Uint8Array.of(0x0b)],
    ["a tag of field 0", Uint8Array.of(0x02, 0)],
    ["floats that are cut", Uint8Array.of(0x12, 5, 0x1a, 3, 0, 0, 0)],
    ["an id that is no UTF-8", Uint8Array.of(0x12, 3, 0x0a, 1, 0xff)],
    ["a score that is no number", encode("QueryResponse", { matches: [{ id: "a", score: NaN }] })],
    [
      "nested metadata",
      encode("QueryResponse", { matches: [{ id: "a", score: 1, metadata: structMessage({ a: { b: 1 } }) }] })
    ],
    [
      "metadata without end",
      field(2, field(4, field(1, Buffer.concat([field(1, Buffer.from("a")), field(2, nested(5_000))]))))
    ]
  ]
  it.each(broken)("with %s are refused", (_, bytes) => {
    assert.throws(() => Reply.query(bytes))
  })
})

/**
 * Bad input, item by item: the reason is typed, its message names the record or the option and says what to do, the
 * other records of the stream are written, and nothing that can be printed holds the key.
 */
import type { Reason } from "@effect-connectors/core/ConnectorError"
import type * as Outcome from "@effect-connectors/core/Outcome"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { type Line, scriptedServer } from "../../../test/support/scriptedServer.ts"
import { accept, atServer, changed, counts, inMemory, stored, upserted } from "./support/index.ts"
import { run, runAll } from "../../../test/support/outcomes.ts"
import { assertHidden, key, refusalOf } from "./support/secrets.ts"

const good = [
  { id: "first", values: [1, 2, 3] },
  { id: "second", values: Float32Array.of(4, 5, 6) }
] as const

/** Good records with bad ones between them. */
const among = (bad: ReadonlyArray<VectorRecord>): ReadonlyArray<VectorRecord> => [good[0], ...bad, good[1]]

interface Expected {
  readonly tag: Reason["_tag"]
  /** The id as messages show it. */
  readonly names: string
  readonly says: RegExp
}

const assertRefusal = (error: PineconeError, expected: Expected) =>
  Effect.suspend(() => {
    assert.strictEqual(error.reason._tag, expected.tag)
    assert.include(error.message, expected.names)
    assert.match(error.message, expected.says)
    return assertHidden(error)
  })

const assertOnlyGood = (
  bad: ReadonlyArray<VectorRecord>,
  expected: Expected,
  result: {
    readonly written: ReadonlyArray<VectorRecord>
    readonly notWritten: ReadonlyArray<Outcome.NotWritten<VectorRecord, PineconeError>>
  }
) =>
  Effect.gen(function* () {
    assert.sameMembers([...result.written], [...good])
    assert.sameMembers(
      result.notWritten.map(({ input }) => input),
      [...bad]
    )
    for (const refused of result.notWritten) {
      assert.strictEqual(refused._tag, "Rejected")
      yield* assertRefusal(refused.error, expected)
    }
  })

/** The bad records are refused before anything is sent, in memory and at the service; the good ones are written. */
const refusedUnsent = (bad: ReadonlyArray<VectorRecord>, expected: Expected) =>
  Effect.gen(function* () {
    yield* Effect.gen(function* () {
      const result = yield* runAll(among(bad), PineconeSink.upsertOutcomes())
      yield* assertOnlyGood(bad, expected, result)
      for (const { attempts } of result.notWritten.filter((outcome) => outcome._tag === "Rejected")) {
        assert.strictEqual(attempts, 0)
      }
      assert.deepStrictEqual(yield* counts, { __default__: 2 })

      const plain = yield* refusalOf(Stream.runDrain(PineconeSink.upsert()(Stream.fromIterable(among(bad)))))
      assert(plain._tag === "RecordsNotWritten")
      assert.include(plain, { written: 2, rejected: bad.length, unknown: 0 })
      assert.include(plain.message, expected.names)
      assert.match(plain.message, expected.says)
    }).pipe(inMemory())
    yield* atServer(accept(1), (server) =>
      Effect.gen(function* () {
        yield* assertOnlyGood(bad, expected, yield* runAll(among(bad), PineconeSink.upsertOutcomes()))
        assert.deepStrictEqual(
          upserted(server).map(({ id }) => id),
          ["first", "second"]
        )
      })
    )
  })

/** The failure of every step that works on a stream; none of them may start the stream. */
const failuresOfLayer = (layer: Layer.Layer<PineconeIndex, PineconeError>) =>
  refusalOf(Effect.provide(run([...good], PineconeSink.upsertOutcomes()), layer))

const optionOf = (error: PineconeError): string => {
  assert(error.reason._tag === "InvalidOption")
  return error.reason.option
}

const longId = "x".repeat(513)

/** Metadata of this many bytes as JSON; the last characters take two bytes each. */
const metadataOf = (bytes: number) => ({ text: `${"x".repeat(bytes - 11 - 2 * 10)}${"é".repeat(10)}` })

describe("bad input", () => {
  it.live("empty stream", () =>
    atServer([], (server) =>
      Effect.gen(function* () {
        const none: Stream.Stream<never> = Stream.empty
        const steps: ReadonlyArray<Stream.Stream<unknown, unknown, PineconeIndex>> = [
          none.pipe(PineconeSink.upsert()),
          none.pipe(PineconeSink.upsertOutcomes()),
          none.pipe(PineconeSink.update()),
          none.pipe(PineconeSink.delete()),
          none.pipe(PineconeSource.query({ id: String, topK: 1 })),
          none.pipe(PineconeSource.fetch())
        ]
        for (const step of steps) assert.deepStrictEqual(yield* Stream.runCollect(step), [])
        assert.lengthOf(server.received, 0)
      })
    )
  )

  it.live("wrong dimension, known by the layer", () =>
    Effect.gen(function* () {
      const bad = [{ id: "short", values: [1, 2] }]
      const data = yield* scriptedServer({})
      const controller = yield* scriptedServer({ body: { host: data.url, dimension: 3 } })
      const layer = PineconeIndex.layer({
        apiKey: Redacted.make(key),
        index: "articles",
        controllerHost: controller.url
      })
      const result = yield* Effect.provide(runAll(among(bad), PineconeSink.upsertOutcomes()), layer)
      yield* assertOnlyGood(
        bad,
        {
          tag: "InvalidRecord",
          names: `"short"`,
          says: /has 2 numbers and the index has dimension 3; use the model the index was made for/
        },
        result
      )
      assert.deepStrictEqual(
        upserted(data).map(({ id }) => id),
        ["first", "second"]
      )
    })
  )

  it.effect("wrong dimension, known only to the store", () =>
    Effect.gen(function* () {
      const bad = [
        { id: "short", values: [1, 2] },
        { id: "short", values: Float32Array.of(1) }
      ]
      const result = yield* runAll(among(bad), PineconeSink.upsertOutcomes())
      yield* assertOnlyGood(
        bad,
        { tag: "RequestRefused", names: `"short"`, says: /dimension [12] does not match the dimension of the index 3/ },
        result
      )
      assert.deepStrictEqual(yield* counts, { __default__: 2 })
    }).pipe(changed(() => ({ dimension: undefined }), { dimension: 3 }))
  )

  it.live("NaN and Infinity", () =>
    Effect.gen(function* () {
      for (const [value, text] of [
        [NaN, "NaN"],
        [Infinity, "Infinity"],
        [-Infinity, "-Infinity"]
      ] as const) {
        yield* refusedUnsent(
          [
            { id: "odd", values: [1, value, 3] },
            { id: "odd", values: Float32Array.of(1, value, 3) }
          ],
          {
            tag: "InvalidRecord",
            names: `"odd"`,
            says: new RegExp(`values holds ${text} at position 1; every number must be finite`)
          }
        )
        yield* refusedUnsent([{ id: "odd", sparseValues: { indices: [7], values: [value] } }], {
          tag: "InvalidRecord",
          names: `"odd"`,
          says: new RegExp(`sparseValues.values holds ${text} at position 0; every number must be finite`)
        })
      }
      yield* refusedUnsent([{ id: "odd", values: [1, 1e39, 3] }], {
        tag: "InvalidRecord",
        names: `"odd"`,
        says: /values holds 1e\+39 at position 1; every number must be finite and fit float32/
      })
    })
  )

  it.live("empty id", () =>
    refusedUnsent([{ id: "", values: [1, 2, 3] }], {
      tag: "InvalidRecord",
      names: `record ""`,
      says: /id has 0 characters; it must have 1 to 512/
    })
  )

  it.live("513-character id", () =>
    Effect.gen(function* () {
      yield* refusedUnsent([{ id: longId, values: [1, 2, 3] }], {
        tag: "InvalidRecord",
        names: "xxxxxxxx...",
        says: /id has 513 characters; it must have 1 to 512/
      })
      yield* Effect.gen(function* () {
        const fits = longId.slice(1)
        yield* runAll([{ id: fits, values: [1, 2, 3] }], PineconeSink.upsertOutcomes())
        assert.strictEqual((yield* stored(fits))?.id, fits)
      }).pipe(inMemory())
    })
  )

  it.live("40,961-byte metadata", () =>
    Effect.gen(function* () {
      const over = metadataOf(40_961)
      assert.strictEqual(Buffer.byteLength(JSON.stringify(over)), 40_961)
      yield* refusedUnsent([{ id: "heavy", values: [1, 2, 3], metadata: over }], {
        tag: "InvalidRecord",
        names: `"heavy"`,
        says: /metadata takes 40961 bytes as JSON; it may take 40960/
      })
      yield* Effect.gen(function* () {
        const metadata = metadataOf(40_960)
        const { written } = yield* runAll([{ id: "heavy", values: [1, 2, 3], metadata }], PineconeSink.upsertOutcomes())
        assert.lengthOf(written, 1)
        assert.deepStrictEqual((yield* stored("heavy"))?.metadata, metadata)
      }).pipe(inMemory())
    })
  )

  it.live("nested or null metadata", () =>
    Effect.gen(function* () {
      for (const [json, says] of [
        [`{"author":{"name":"A"}}`, /has a nested object in field "author"; a value is a string, a finite number/],
        [`{"author":null}`, /has null in field "author".*leave a field out instead of null/],
        [`{"author":[1,2]}`, /has a list of other things than strings in field "author"/],
        [`{"author":["a",null]}`, /has a list of other things than strings in field "author"/],
        [`{"$author":"A"}`, /has a field "\$author"; names must not start with \$/],
        [`"text"`, /metadata must be a flat object/],
        [`["text"]`, /metadata must be a flat object/]
      ] as const) {
        yield* refusedUnsent([{ id: "deep", values: [1, 2, 3], metadata: JSON.parse(json) }], {
          tag: "InvalidRecord",
          names: `record "deep": metadata`,
          says
        })
      }
    })
  )

  it.live("0 values and no sparse", () =>
    refusedUnsent(
      [
        { id: "void", values: [] },
        { id: "void", values: new Float32Array(0) },
        { id: "void" },
        { id: "void", values: [], sparseValues: { indices: [], values: [] } }
      ],
      {
        tag: "InvalidRecord",
        names: `record "void"`,
        says: /values is empty and there are no sparseValues; a record needs one or the other/
      }
    )
  )

  describe("one record larger than 2 MB", () => {
    it.live("breaks a limit of records before it comes to bytes", () =>
      Effect.gen(function* () {
        const values = Array.from({ length: 120_000 }, (_, i) => Math.sin(i) / 3)
        assert.isAbove(JSON.stringify(values).length, 2_000_000)
        yield* refusedUnsent([{ id: "huge", values }], {
          tag: "InvalidRecord",
          names: `"huge"`,
          says: /values has 120000 numbers; a vector has at most 20000/
        })
        yield* refusedUnsent([{ id: "huge", values: [1, 2, 3], metadata: { text: "x".repeat(2_000_000) } }], {
          tag: "InvalidRecord",
          names: `"huge"`,
          says: /metadata takes 2000011 bytes as JSON; it may take 40960/
        })
      })
    )

    it.live("is set aside where a request holds less than a record may", () =>
      atServer(
        accept(1),
        (server) =>
          Effect.gen(function* () {
            const huge: VectorRecord = {
              id: "huge",
              values: Array.from({ length: 20_000 }, (_, i) => Math.sin(i) / 3),
              metadata: metadataOf(40_960)
            }
            const result = yield* runAll(among([huge]), PineconeSink.upsertOutcomes())
            yield* assertOnlyGood(
              [huge],
              {
                tag: "RecordTooLarge",
                names: `"huge"`,
                says: /takes 2\d{5} bytes on the wire and a request may hold 250000; make its values or metadata smaller/
              },
              result
            )
            assert.lengthOf(server.received, 1)
            assert.isAtMost(Buffer.byteLength(server.received[0]?.body ?? ""), 250_000)
          }),
        { maxRequestBytes: 250_000 }
      )
    )

    it.effect("is set aside in memory too", () =>
      Effect.gen(function* () {
        const huge: VectorRecord = { id: "huge", values: [1, 2, 3], metadata: { text: "x".repeat(2000) } }
        const result = yield* runAll(among([huge]), PineconeSink.upsertOutcomes())
        yield* assertOnlyGood([huge], { tag: "RecordTooLarge", names: `"huge"`, says: /may hold 2000;/ }, result)
        assert.deepStrictEqual(yield* counts, { __default__: 2 })
      }).pipe(inMemory({ limits: { maxRequestBytes: 2000 } }))
    )

    it.live("no call over 2 MB leaves, whoever makes it", () =>
      atServer([], (server) =>
        Effect.gen(function* () {
          const index = yield* PineconeIndex
          const values = Array.from({ length: 20_000 }, (_, i) => Math.sin(i) / 3)
          const records = Array.from({ length: 10 }, (_, i) => ({ id: `${i}`, values }))
          const error = yield* refusalOf(index.upsert({ records: [{ id: "0", values }, ...records] }))
          assert.strictEqual(error.reason._tag, "RequestTooLarge")
          assert.match(error.message, /it has 2\d{6} bytes, and maxRequestBytes is 2000000/)
          assert.lengthOf(server.received, 0)
        })
      )
    )
  })

  it.live("duplicate ids", () =>
    Effect.gen(function* () {
      const records = [
        { id: "twin", values: [1, 1, 1] },
        { id: "other", values: [2, 2, 2] },
        { id: "twin", values: [3, 3, 3] }
      ]
      yield* atServer(accept(2), (server) =>
        Effect.gen(function* () {
          const last = yield* runAll(records, PineconeSink.upsertOutcomes())
          assert.lengthOf(last.written, 3)
          assert.sameDeepMembers([...upserted(server)], records.slice(1))

          const all = yield* runAll(records, PineconeSink.upsertOutcomes({ duplicates: "sendAll" }))
          assert.lengthOf(all.written, 3)
          assert.deepStrictEqual(upserted(server).slice(2), records)
        })
      )
      yield* Effect.gen(function* () {
        const withBad = [...records, { id: "twin", values: [4] }]
        const { notWritten, written } = yield* runAll(withBad, PineconeSink.upsertOutcomes())
        // The last is refused, so the one before it is what is stored.
        assert.lengthOf(written, 3)
        assert.strictEqual(notWritten[0]?.input, withBad[3])
        assert.deepStrictEqual((yield* stored("twin"))?.values, Float32Array.of(3, 3, 3))
      }).pipe(inMemory({ dimension: 3 }))
    })
  )

  it.effect("unknown namespace", () =>
    Effect.gen(function* () {
      yield* runAll([...good], PineconeSink.upsertOutcomes())
      const elements = [
        { id: "first", namespace: "__default__" },
        { id: "first", namespace: "nowhere" }
      ]
      const removed = yield* runAll(
        elements,
        PineconeSink.deleteOutcomes({
          id: (element: (typeof elements)[number]) => element.id,
          namespace: (element) => element.namespace
        })
      )
      assert.deepStrictEqual(removed.written, [elements[0]])
      const [refused] = removed.notWritten
      assert(refused?._tag === "Rejected")
      assert.strictEqual(refused.input, elements[1])
      assert.deepInclude(refused.error.reason, { _tag: "NotFound", resource: "namespace", called: "nowhere" })
      assert.match(refused.error.message, /namespace "nowhere" does not exist; check its spelling/)
      yield* assertHidden(refused.error)

      const [queried] = yield* Stream.make([1, 2, 3]).pipe(
        PineconeSource.query({ vector: (vector: ReadonlyArray<number>) => vector, topK: 5, namespace: "nowhere" }),
        Stream.runCollect
      )
      assert.deepStrictEqual(queried?.[1], [])
      const [fetched] = yield* Stream.make("first").pipe(
        PineconeSource.fetch({ namespace: "nowhere" }),
        Stream.runCollect
      )
      assert.strictEqual(fetched?.[1]._tag, "None")
    }).pipe(inMemory())
  )

  it.live("a filter without content, in a direct call", () =>
    Effect.gen(function* () {
      const direct = Effect.gen(function* () {
        const index = yield* PineconeIndex
        for (const filter of [{}, { n: {} }, { n: NaN }]) {
          const error = yield* refusalOf(index.query({ vector: [1, 2, 3], topK: 1, filter }))
          assert.deepInclude(error.reason, { _tag: "InvalidRecord", field: "filter", isFatal: false })
        }
        // It must not delete everything.
        const refused = yield* refusalOf(index.delete({ filter: {} }))
        assert.isFalse(refused.reason.isRetryable)
      })
      yield* Effect.gen(function* () {
        yield* runAll([...good], PineconeSink.upsertOutcomes())
        yield* direct
        assert.deepStrictEqual(yield* counts, { __default__: 2 })
      }).pipe(inMemory())
      yield* atServer([], (server) => Effect.map(direct, () => assert.lengthOf(server.received, 0)))
    })
  )

  it.live("only zeros", () =>
    refusedUnsent(
      [
        { id: "dark", values: [0, 0, -0] },
        { id: "dark", values: Float32Array.of(0, 9e-9, 0) }
      ],
      { tag: "InvalidRecord", names: `record "dark"`, says: /values holds only zeros, which Pinecone does not store/ }
    )
  )

  it.live.each([0, 10_001, -1, 1.5, NaN])("topK %d", (topK) =>
    atServer([], (server) =>
      Effect.gen(function* () {
        let pulled = 0
        const questions = Stream.fromEffectRepeat(Effect.sync(() => ++pulled)).pipe(Stream.take(3))
        for (const step of [
          PineconeSource.query({ id: String, topK }),
          PineconeSource.queryResults({ id: String, topK })
        ]) {
          const rows: Stream.Stream<unknown, PineconeError, PineconeIndex> = step(questions)
          const error = yield* refusalOf(Stream.runDrain(rows))
          assert.strictEqual(optionOf(error), "topK")
          assert.match(error.message, new RegExp(`topK is ${topK}; it must be a whole number from 1 to 10000`))
        }
        assert.strictEqual(pulled, 0)
        assert.lengthOf(server.received, 0)
      })
    )
  )

  it.live("topK 1 and 10,000 are fine", () =>
    Effect.gen(function* () {
      yield* runAll([...good], PineconeSink.upsertOutcomes())
      for (const topK of [1, 10_000]) {
        const [row] = yield* Stream.make("first").pipe(
          PineconeSource.query({ id: (id: string) => id, topK }),
          Stream.runCollect
        )
        assert.lengthOf(row?.[1] ?? [], Math.min(topK, 2))
      }
    }).pipe(inMemory())
  )

  it.live("missing API key", () =>
    Effect.gen(function* () {
      const build = Layer.build(PineconeIndex.layerConfig).pipe(
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ PINECONE_INDEX: "articles" })))
      )
      const error = yield* refusalOf(build)
      assert(error._tag === "PineconeError")
      assert.strictEqual(optionOf(error), "apiKey")
      assert.match(error.message, /apiKey is missing; set it \(PINECONE_API_KEY in the environment\) to a key from/)
    })
  )

  it.live("wrong API key", () =>
    Effect.gen(function* () {
      const refusal: Line = { status: 401, body: `Invalid API key: ${key}` }
      yield* atServer([refusal], (server) =>
        Effect.gen(function* () {
          const { exit, notWritten } = yield* run([...good], PineconeSink.upsertOutcomes())
          assert.lengthOf(notWritten, 2)
          for (const { error } of notWritten) {
            yield* assertRefusal(error, {
              tag: "Unauthorized",
              names: "API key",
              says: /check the key and what it belongs to/
            })
          }
          // It stops all progress, and so the stream fails; nothing is tried again.
          assert.isTrue(Exit.isFailure(exit))
          yield* assertHidden(exit)
          assert.lengthOf(server.received, 1)
        })
      )
      for (const [name, step] of [
        ["query", PineconeSource.queryResults({ id: (id: string) => id, topK: 1 })],
        ["fetch", PineconeSource.fetchResults()]
      ] as const) {
        const rows: Stream.Stream<unknown, PineconeError, PineconeIndex> = step(Stream.make("a"))
        const error = yield* atServer([refusal], () => refusalOf(Stream.runDrain(rows)))
        yield* assertRefusal(error, { tag: "Unauthorized", names: name, says: /check the key and what it belongs to/ })
      }
      const controller = yield* scriptedServer(refusal)
      const error = yield* failuresOfLayer(
        PineconeIndex.layer({ apiKey: Redacted.make(key), index: "articles", controllerHost: controller.url })
      )
      yield* assertRefusal(error, {
        tag: "Unauthorized",
        names: "API key",
        says: /check the key and what it belongs to/
      })
    })
  )

  it.live("empty API key", () =>
    atServer([], (server) =>
      Effect.gen(function* () {
        const error = yield* failuresOfLayer(PineconeIndex.layer({ apiKey: Redacted.make(""), host: server.url }))
        assert.strictEqual(optionOf(error), "apiKey")
        assert.match(error.message, /apiKey is missing; set it/)
        assert.lengthOf(server.received, 0)
      })
    )
  )

  it.live("index that does not exist", () =>
    Effect.gen(function* () {
      const body = { status: 404, error: { code: "NOT_FOUND", message: "Resource artcles not found" } }
      const controller = yield* scriptedServer({ status: 404, body })
      const byName = yield* failuresOfLayer(
        PineconeIndex.layer({ apiKey: Redacted.make(key), index: "artcles", controllerHost: controller.url })
      )
      const expected = {
        tag: "NotFound",
        names: `index "artcles"`,
        says: /does not exist; check its spelling/
      } as const
      yield* assertRefusal(byName, expected)

      yield* atServer([{ status: 404, body: "" }], (server) =>
        Effect.gen(function* () {
          const { exit, notWritten } = yield* run([...good], PineconeSink.upsertOutcomes())
          assert.isTrue(Exit.isFailure(exit))
          assert.lengthOf(notWritten, 2)
          for (const { error } of notWritten) {
            yield* assertRefusal(error, { ...expected, names: `index "${new URL(server.url).host}"` })
          }
        })
      )
    })
  )

  it.live("host without scheme", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer({})
      const layer = PineconeIndex.layer({ apiKey: Redacted.make(key), host: new URL(server.url).host })
      const { written } = yield* Effect.provide(runAll([...good], PineconeSink.upsertOutcomes()), layer)
      assert.lengthOf(written, 2)
      assert.lengthOf(upserted(server), 2)

      for (const host of ["my index", "://my-index", "ftp://my-index", `https://${key}@my-index`]) {
        const error = yield* failuresOfLayer(PineconeIndex.layer({ apiKey: Redacted.make(key), host }))
        assert.strictEqual(optionOf(error), "host")
        assert.match(
          error.message,
          /host is not an address; write it like https:\/\/my-index-abc123\.svc\.pinecone\.io/
        )
      }
    })
  )
})

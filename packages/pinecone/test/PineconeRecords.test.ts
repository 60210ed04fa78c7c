import { Unavailable } from "@effect-connectors/core/ConnectorError"
import * as Outcome from "@effect-connectors/core/Outcome"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeRecordIndex, type RecordOptions } from "@effect-connectors/pinecone/PineconeRecordIndex"
import * as PineconeRecords from "@effect-connectors/pinecone/PineconeRecords"
import type { SearchRecordsRequest, TextRecord } from "@effect-connectors/pinecone/RecordsApi"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import { assert, describe, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { type Line, type ScriptedServer, scriptedServer } from "../../../test/support/scriptedServer.ts"
import { changed } from "./support/index.ts"
import { scriptedModel, vectorOf } from "./support/embedding.ts"
import { key, refusalOf } from "./support/secrets.ts"
import { inTime } from "./support/time.ts"

/** Runs `body` on an index of texts that is a server which follows the script. */
const atRecords = <A, E>(
  script: ReadonlyArray<Line>,
  body: (server: ScriptedServer) => Effect.Effect<A, E, PineconeRecordIndex>,
  options: (server: ScriptedServer) => Partial<RecordOptions> = ({ url }) => ({ host: url, textField: "text" })
) =>
  Effect.flatMap(scriptedServer(...script), (server) =>
    Effect.provide(
      body(server),
      PineconeRecordIndex.layer({ apiKey: Redacted.make(key), pacing: false, ...options(server) })
    )
  )

const created: Line = { status: 201, body: "" }
const linesOf = (body: string): ReadonlyArray<unknown> => body.split("\n").map((line): unknown => JSON.parse(line))

/** A caller without types gives anything. */
const isRecord = (u: unknown): u is TextRecord => u !== undefined

describe("records at Pinecone", () => {
  it.effect("are sent as lines, 96 a call", () =>
    atRecords([created, created], (server) =>
      Effect.gen(function* () {
        const outcomes = yield* Stream.range(0, 99).pipe(
          PineconeRecords.upsertOutcomes({
            record: (i) => ({ _id: `${i}`, text: `line\n${i}`, tags: ["é"], ok: false }),
            namespace: "a b",
            maxRecords: 1000,
            concurrency: 1
          }),
          Stream.runCollect
        )
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 100, rejected: 0, unknown: 0 })
        const [first, second] = server.received
        assert.strictEqual(first?.path, "/records/namespaces/a%20b/upsert")
        assert.strictEqual(first?.headers["content-type"], "application/x-ndjson")
        assert.strictEqual(first?.headers["x-pinecone-api-version"], "2026-07")
        assert.strictEqual(first?.headers["api-key"], key)
        assert.lengthOf(linesOf(first?.body ?? ""), 96)
        assert.lengthOf(linesOf(second?.body ?? ""), 4)
        assert.deepStrictEqual(linesOf(second?.body ?? "")[3], { text: "line\n99", tags: ["é"], ok: false, _id: "99" })
        assert.isFalse(first?.body.endsWith("\n"))
      })
    )
  )

  it.effect("that are bad are rejected, and the others are written", () =>
    atRecords([created], (server) =>
      Effect.gen(function* () {
        const bad: ReadonlyArray<readonly [record: unknown, says: RegExp]> = [
          [{ text: "no id" }, /_id is missing/],
          [{ _id: 7, text: "A" }, /_id must be text/],
          [{ _id: "x" }, /record "x": text is missing, and it is the field to embed/],
          [{ _id: "x", text: 1 }, /record "x": text is not text, and it is the field to embed/],
          [{ _id: "x", text: " " }, /text is empty/],
          [{ _id: "x", text: ["a"] }, /text is not text/],
          [{ _id: "x", text: "A", n: null }, /n must be text, a finite number/],
          [{ _id: "x", text: "A", n: NaN }, /n must be text, a finite number/],
          [{ _id: "x", text: "A", n: {} }, /n must be text, a finite number/],
          [{ _id: "x", text: "A", $n: 1 }, /\$n starts with \$/],
          ["x", /record is not an object/]
        ]
        const good = { _id: "good", text: "A" }
        const outcomes = yield* Stream.make<ReadonlyArray<unknown>>(good, ...bad.map(([record]) => record)).pipe(
          Stream.filter(isRecord),
          PineconeRecords.upsertOutcomes(),
          Stream.runCollect
        )
        const [written, notWritten] = Outcome.split(outcomes)
        assert.deepStrictEqual(
          written.map(({ input }) => input),
          [good]
        )
        assert.lengthOf(notWritten, bad.length)
        for (const [record, says] of bad) {
          const rejected = notWritten.find(({ input }) => input === record)
          assert.strictEqual(rejected?._tag, "Rejected")
          assert.strictEqual(rejected?.error.reason._tag, "InvalidRecord")
          assert.match(rejected?.error.message ?? "", says)
        }
        assert.deepStrictEqual(linesOf(server.received[0]?.body ?? ""), [good])
      })
    )
  )

  const searches: ReadonlyArray<readonly [name: string, request: SearchRecordsRequest, body: unknown]> = [
    [
      "text",
      { by: { text: 'say "hi"' }, topK: 3, filter: { n: 0 }, fields: ["text"] },
      { query: { top_k: 3, filter: { n: { $eq: 0 } }, inputs: { text: 'say "hi"' } }, fields: ["text"] }
    ],
    [
      "text, ordered once more",
      {
        by: { text: "a" },
        topK: 3,
        rerank: { model: "m", rankFields: ["text"], topN: 2, query: "b", parameters: { truncate: "END" } }
      },
      {
        query: { top_k: 3, inputs: { text: "a" } },
        rerank: { model: "m", rank_fields: ["text"], top_n: 2, query: "b", parameters: { truncate: "END" } }
      }
    ],
    [
      "words that must be there",
      { by: { text: "a" }, topK: 3, matchTerms: { strategy: "all", terms: ["a"] } },
      { query: { top_k: 3, inputs: { text: "a" }, match_terms: { strategy: "all", terms: ["a"] } } }
    ],
    [
      "a vector",
      { by: { vector: Float32Array.of(0.5, 1) }, topK: 3 },
      { query: { top_k: 3, vector: { values: [0.5, 1] } } }
    ],
    [
      "both kinds of vectors",
      { by: { vector: [1], sparseVector: { indices: [7], values: [0.5] } }, topK: 3 },
      { query: { top_k: 3, vector: { values: [1], sparse_indices: [7], sparse_values: [0.5] } } }
    ],
    [
      "a sparse vector",
      { by: { sparseVector: { indices: Uint32Array.of(7), values: [0.5] } }, topK: 3 },
      { query: { top_k: 3, vector: { sparse_indices: [7], sparse_values: [0.5] } } }
    ],
    ["an id", { by: { id: "a" }, topK: 3 }, { query: { top_k: 3, id: "a" } }]
  ]

  for (const [name, request, body] of searches) {
    it.effect(`are asked for by ${name}`, () =>
      atRecords(
        [
          {
            headers: { "x-pinecone-max-indexed-lsn": "41" },
            body: {
              result: { hits: [{ _id: "a", _score: 0.5, fields: { text: "A", gone: null } }] },
              usage: { read_units: 1, embed_total_tokens: 2, rerank_units: 3 }
            }
          }
        ],
        (server) =>
          Effect.gen(function* () {
            const index = yield* PineconeRecordIndex
            assert.deepStrictEqual(yield* index.search(request), {
              hits: [{ _id: "a", _score: 0.5, fields: { text: "A" } }],
              readUnits: 1,
              embedTokens: 2,
              rerankUnits: 3,
              indexedLsn: 41
            })
            assert.strictEqual(server.received[0]?.path, "/records/namespaces/__default__/search")
            assert.deepStrictEqual(JSON.parse(server.received[0]?.body ?? ""), body)
          })
      )
    )
  }

  it.effect("equal searches are one call when answers are kept, each with its filter", () =>
    atRecords([{ body: { result: { hits: [] } } }, { body: { result: { hits: [] } } }], (server) =>
      Effect.gen(function* () {
        const rows = yield* Stream.make(1, 2, 1).pipe(
          PineconeRecords.search({
            by: () => ({ vector: Float32Array.of(1, 2) }),
            topK: 3,
            filter: (n) => ({ n }),
            cache: { capacity: 10, timeToLive: "1 minute" }
          }),
          Stream.runCollect
        )
        assert.lengthOf(rows, 3)
        assert.deepStrictEqual(
          server.received.map(({ body }): unknown => JSON.parse(body)),
          [1, 2].map((n) => ({ query: { top_k: 3, filter: { n: { $eq: n } }, vector: { values: [1, 2] } } }))
        )
      })
    )
  )

  it.effect("a search that can not be made fails its row", () =>
    atRecords([{ body: { result: { hits: [] } } }], () =>
      Effect.gen(function* () {
        const rows = yield* Stream.make("", "ok").pipe(
          PineconeRecords.searchResults({ by: (text) => ({ text }), topK: 3 }),
          Stream.runCollect
        )
        assert(Result.isFailure(rows[0]![1]))
        assert.match(rows[0]![1].failure.message, /text is empty; ask with some text/)
        assert.deepStrictEqual(rows[1], ["ok", Result.succeed([])])
      })
    )
  )

  const refused: ReadonlyArray<readonly [name: string, request: SearchRecordsRequest, says: RegExp]> = [
    ["an empty vector", { by: { vector: [] }, topK: 1 }, /vector is empty/],
    ["a topK of 0", { by: { id: "a" }, topK: 0 }, /topK/],
    ["an empty filter", { by: { text: "a" }, topK: 1, filter: {} }, /filter is empty/],
    ["a model of no name", { by: { text: "a" }, topK: 1, rerank: { model: "", rankFields: ["a"] } }, /no model/],
    ["a model of no fields", { by: { text: "a" }, topK: 1, rerank: { model: "m", rankFields: [] } }, /no rankFields/],
    ["a model of nothing to ask", { by: { id: "a" }, topK: 1, rerank: { model: "m", rankFields: ["a"] } }, /no query/]
  ]

  for (const [name, request, says] of refused) {
    it.effect(`${name} is refused and not sent`, () =>
      atRecords([], (server) =>
        Effect.gen(function* () {
          const index = yield* PineconeRecordIndex
          assert.match((yield* refusalOf(index.search(request))).message, says)
          assert.lengthOf(server.received, 0)
        })
      )
    )
  }

  it.effect("97 records are refused and not sent", () =>
    atRecords([], (server) =>
      Effect.gen(function* () {
        const index = yield* PineconeRecordIndex
        const record = { _id: "a", text: "A" }
        const error = yield* refusalOf(index.upsert({ records: [record, ...Array.from({ length: 96 }, () => record)] }))
        assert.strictEqual(error.reason._tag, "RequestTooLarge")
        assert.match(error.message, /97 records, and maxRecords is 96/)
        assert.lengthOf(server.received, 0)
      })
    )
  )

  it.effect("the field to embed is what the control plane tells", () =>
    atRecords(
      [{ body: { name: "a", host: "http://127.0.0.1:9", schema: { fields: { chunk: { type: "semantic_text" } } } } }],
      () => Effect.map(PineconeRecordIndex, ({ textField }) => assert.strictEqual(textField, "chunk")),
      ({ url }) => ({ index: "a", controllerHost: url })
    )
  )

  it.effect("an index of another plane is refused when the layer is built", () =>
    Effect.gen(function* () {
      const body = { name: "a", host: "h", schema: { fields: { title: { type: "string", full_text_search: {} } } } }
      const built = atRecords(
        [{ body }],
        () => Effect.void,
        ({ url }) => ({ index: "a", controllerHost: url })
      )
      assert.match((yield* refusalOf(built)).message, /is a document index; use PineconeDocumentIndex/)
    })
  )
})

const unavailable = new PineconeError({ operation: "upsert", reason: new Unavailable({ detail: "down" }) })

const pages = ["a", "bad", "bb", "ab"].map((text, i) => ({ _id: `${i}`, text, n: i }))

/** Runs an effect on an index in memory whose texts this program embeds. */
const embedding = (model: ReturnType<typeof scriptedModel>) => {
  const records = PineconeRecordIndex.layerEmbedding({ textField: "text" }).pipe(Layer.provide(model.layer))
  return <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, records)
}

describe("records that are embedded here", () => {
  it.effect("what the model refuses is found by halving, the others are written, and found by text", () =>
    Effect.gen(function* () {
      const model = scriptedModel()
      yield* Effect.gen(function* () {
        const outcomes = yield* Stream.fromIterable(pages).pipe(PineconeRecords.upsertOutcomes(), Stream.runCollect)
        const [, notWritten] = Outcome.split(outcomes)
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 3, rejected: 1, unknown: 0 })
        assert.deepStrictEqual(notWritten[0]?.input, pages[1])
        assert.match(notWritten[0]?.error.message ?? "", /Pinecone embed.*record "1": .*a text is bad/)

        const rows = yield* Stream.make("bbb", "aaa").pipe(
          PineconeRecords.search({ by: (text) => ({ text }), topK: 1, fields: ["n"] }),
          Stream.runCollect
        )
        assert.deepStrictEqual(
          rows.map(([question, hits]) => [question, hits.map(({ _id, fields }) => [_id, fields])]),
          [
            ["bbb", [["2", { n: 2 }]]],
            ["aaa", [["0", { n: 0 }]]]
          ]
        )
        const index = yield* PineconeIndex
        const { records } = yield* index.fetch({ ids: ["3"] })
        assert.deepStrictEqual(records.get("3")?.metadata, { text: "ab", n: 3 })
        assert.deepStrictEqual(Array.from(records.get("3")?.values ?? []), vectorOf("ab"))
      }).pipe(embedding(model))
    }).pipe(Effect.provide(PineconeMemory.layer))
  )

  it.effect("no text is embedded again because its write is repeated", () => {
    const model = scriptedModel([new AiError.InternalProviderError({ description: "down" })])
    let writes = 0
    return inTime(
      Stream.make("a", "b").pipe(
        PineconeRecords.upsertOutcomes({ record: (text) => ({ _id: text, text }) }),
        Stream.runCollect,
        Effect.map((outcomes) => {
          assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 2, rejected: 0, unknown: 0 })
          assert.strictEqual(writes, 2)
          assert.deepStrictEqual(model.calls, [
            ["a", "b"],
            ["a", "b"]
          ])
        }),
        embedding(model),
        changed((index) => ({
          upsert: (request) => Effect.suspend(() => (++writes === 1 ? Effect.fail(unavailable) : index.upsert(request)))
        }))
      )
    )
  })

  it.effect("has no model to order hits once more", () =>
    Effect.gen(function* () {
      const index = yield* PineconeRecordIndex
      const search = index.search({ by: { text: "a" }, topK: 1, rerank: { model: "m", rankFields: ["text"] } })
      const error = yield* refusalOf(search)
      assert.strictEqual(error.reason._tag, "InvalidOption")
    }).pipe(embedding(scriptedModel()), Effect.provide(PineconeMemory.layer))
  )
})

/** Documents in memory and at an emulator: all steps together, and what of bad input goes through. */
import * as Outcome from "@effect-connectors/core/Outcome"
import * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import { PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import * as PineconeDocumentMemory from "@effect-connectors/testkit/PineconeDocumentMemory"
import * as PineconeGrpc from "@effect-connectors/pinecone/PineconeGrpc"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { key, refusalOf } from "./support/secrets.ts"
import { inTime } from "./support/time.ts"

const stories = DocumentIndex.make({
  title: DocumentIndex.text(),
  body: DocumentIndex.optional(DocumentIndex.text()),
  embedding: DocumentIndex.optional(DocumentIndex.dense({ dimension: 2, metric: "cosine" })),
  terms: DocumentIndex.optional(DocumentIndex.sparse()),
  at: Schema.optionalKey(Schema.DateFromString),
  year: Schema.optionalKey(Schema.Int),
  tags: Schema.optionalKey(Schema.Array(Schema.String))
})

const all: ReadonlyArray<DocumentIndex.DocumentOf<typeof stories>> = [
  {
    _id: "a",
    title: "Red shoes",
    body: "Shoes for running in the rain",
    embedding: Float32Array.of(1, 0),
    terms: { indices: [1, 7], values: [0.5, 2] },
    year: 2024,
    tags: ["sport", "rain"]
  },
  { _id: "b", title: "Blue shoes", body: "A walk on dry ground", embedding: [0, 1], year: 2020, at: new Date(0) },
  { _id: "c", title: "Umbrella", body: "Against the rain", terms: { indices: [7], values: [1] } }
]

const badSearches: ReadonlyArray<readonly [name: string, scores: string, says: RegExp]> = [
  ["by nothing", "[]", /scoreBy is empty/],
  ["for no words", '[{ "type": "text", "fields": ["title"], "query": "" }]', /empty query/],
  [
    "by scores of mixed kinds",
    '[{ "type": "text", "fields": ["title"], "query": "a" }, { "type": "dense_vector", "fields": ["embedding"], "values": [1, 0] }]',
    /mixes text and dense_vector/
  ]
]

interface PlaceOptions {
  readonly textLimits?: false
  readonly visibleAfter?: Duration.Input
}

/** Runs an effect on an index of `stories`. */
type Place = (
  options?: PlaceOptions
) => <A, E, R>(
  effect: Effect.Effect<A, E, R>
) => Effect.Effect<A, E | PineconeError, Exclude<R, PineconeDocumentIndex | PineconeIndex> | Scope.Scope>

const inMemory: Place =
  ({ textLimits, ...options } = {}) =>
  (effect) =>
    Effect.provide(effect, [
      Layer.effect(
        PineconeDocumentIndex,
        Effect.map(PineconeDocumentIndex, (index) =>
          textLimits === false ? { ...index, textLimits: undefined } : index
        )
      ).pipe(Layer.provide(PineconeDocumentMemory.layer(stories, options))),
      // Nobody asks for vectors here.
      PineconeMemory.layer
    ])

/** At an emulator of its own. */
const atEmulator: Place =
  ({ textLimits, ...emulated } = {}) =>
  (effect) =>
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator.make(emulated)
      const schema = yield* DocumentIndex.createSchema(stories)
      const { host } = yield* emulator.createIndex({ name: "stories", schema })
      const apiKey = Redacted.make(key)
      return yield* Effect.provide(effect, [
        PineconeDocumentIndex.layer({
          apiKey,
          index: "stories",
          controllerHost: emulator.url,
          pacing: false,
          textLimits
        }),
        // By its address, since by its name it is known for what it is.
        PineconeIndex.layer({ apiKey, host, pacing: false })
      ])
    })

/** A story whose vectors are lists, whatever they were read as. */
const plain = ({ embedding, terms, ...story }: DocumentIndex.DocumentOf<typeof stories>) => ({
  ...story,
  ...(embedding === undefined ? {} : { embedding: Array.from(embedding) }),
  ...(terms === undefined ? {} : { terms: { indices: Array.from(terms.indices), values: Array.from(terms.values) } })
})

const places = [
  ["in memory", inMemory],
  ["at an emulator", atEmulator]
] as const

const written = Stream.fromIterable(all).pipe(PineconeDocuments.upsert(stories), Stream.runDrain)

const idsBy = (
  scoreBy: DocumentIndex.ScoreBy<NonNullable<typeof stories.fields>>,
  filter?: DocumentIndex.Filter<NonNullable<typeof stories.fields>>
) =>
  Stream.make(0).pipe(
    PineconeDocuments.search(stories, { scoreBy: () => scoreBy, topK: 10, filter, fields: [] }),
    Stream.map(([, matches]) => matches.map(({ _id }) => _id)),
    Stream.runHead,
    Effect.map(Option.getOrThrow)
  )

/** Bad documents among good ones: which field is named, and what is said of it. */
const bad: ReadonlyArray<readonly [name: string, document: unknown, reason: string, says: RegExp]> = [
  [
    "an unknown field",
    { _id: "x", title: "A", writer: "B" },
    "InvalidRecord",
    /record "x": writer should not be there/
  ],
  ["no _id", { title: "A" }, "InvalidRecord", /: _id is missing/],
  ["an _id that is a number", { _id: 7, title: "A" }, "InvalidRecord", /: _id must be text/],
  ["an _id of 513 characters", { _id: "x".repeat(513), title: "A" }, "InvalidRecord", /_id has 513 characters/],
  ["an _id that is not ASCII", { _id: "é", title: "A" }, "InvalidRecord", /_id holds "é" at position 0/],
  [
    "a text over 100 KB",
    { _id: "x", title: "ab ".repeat(40_000) },
    "InvalidRecord",
    /"x": title has 120000 bytes; .* 102400/
  ],
  [
    "a text of 10,001 words",
    { _id: "x", title: "a ".repeat(10_001) },
    "InvalidRecord",
    /title has 10001 words; .* 10000/
  ],
  [
    "a word over 256 bytes",
    { _id: "x", title: `a ${"b".repeat(257)}` },
    "InvalidRecord",
    /title has a word of 257 bytes/
  ],
  [
    "a word over 256 bytes that is not ASCII",
    { _id: "x", title: "é".repeat(129) },
    "InvalidRecord",
    /a word of 258 bytes/
  ],
  ["a text that is a number", { _id: "x", title: 7 }, "InvalidRecord", /title must be string/],
  ["no text where one must be", { _id: "x", year: 1 }, "InvalidRecord", /title is missing/],
  [
    "a vector of 3 numbers",
    { _id: "x", title: "A", embedding: [1, 2, 3] },
    "InvalidRecord",
    /embedding has 3 numbers and the field has dimension 2/
  ],
  [
    "a vector with NaN",
    { _id: "x", title: "A", embedding: [1, NaN] },
    "InvalidRecord",
    /embedding holds NaN at position 1/
  ],
  ["a vector that is text", { _id: "x", title: "A", embedding: "1" }, "InvalidRecord", /embedding must be an array/],
  [
    "a sparse position twice",
    { _id: "x", title: "A", terms: { indices: [1, 1], values: [1, 2] } },
    "InvalidRecord",
    /terms.indices holds position 1 twice/
  ],
  ["a year that is none", { _id: "x", title: "A", year: 1.5 }, "InvalidRecord", /year must be/],
  ["no object", "x", "InvalidRecord", /document is not an object/],
  ["null", null, "InvalidRecord", /document is not an object/]
]

const badChanges: ReadonlyArray<readonly [name: string, change: unknown, says: RegExp]> = [
  ["an unknown field", { _id: "a", writer: 1 }, /writer should not be there/],
  ["an unknown field to remove", { _id: "a", _remove_fields: ["writer"] }, /_remove_fields\.0 must be/],
  ["nothing", { _id: "a" }, /changes nothing/],
  ["a field that is set and removed", { _id: "a", year: 1, _remove_fields: ["year"] }, /year is set and removed/],
  ["no _id", { year: 1 }, /_id is missing/],
  ["a word over 256 bytes", { _id: "a", title: "b".repeat(257) }, /title has a word of 257 bytes/]
]

for (const [where, at] of places) {
  describe(`documents ${where}`, () => {
    it.effect("the index is as it is declared", () => DocumentIndex.check(stories).pipe(at()))

    it.effect("what is written is found by vectors, by words and by both filters", () =>
      Effect.gen(function* () {
        yield* written
        const { filter, score } = stories
        assert.deepStrictEqual(yield* idsBy(score.dense("embedding", [0.2, 1])), ["b", "a"])
        assert.deepStrictEqual(yield* idsBy(score.sparse("terms", { indices: [1, 7], values: [1, 1] })), ["a", "c"])
        assert.deepStrictEqual(yield* idsBy(score.text("title", "umbrella")), ["c"])
        assert.sameMembers([...(yield* idsBy(score.text(["title", "body"], "rain")))], ["a", "c"])
        assert.deepStrictEqual(yield* idsBy(score.queryString("title:shoes AND body:rain")), ["a"])
        assert.sameMembers(
          [...(yield* idsBy([score.text("title", "umbrella"), score.queryString("body:dry")]))],
          ["b", "c"]
        )
        const byWords = score.text("title", "shoes")
        assert.deepStrictEqual(yield* idsBy(byWords, filter.gte("year", 2021)), ["a"])
        assert.deepStrictEqual(yield* idsBy(byWords, filter.matchPhrase("body", "dry ground")), ["b"])
        assert.deepStrictEqual(
          yield* idsBy(byWords, filter.and(filter.matchAny("body", "rain snow"), filter.in("tags", ["sport"]))),
          ["a"]
        )
        assert.deepStrictEqual(yield* idsBy(byWords, filter.not(filter.matchAll("body", "running rain"))), ["b"])
      }).pipe(at())
    )

    it.effect("documents come back as they were, also from a scan of all, and are changed and deleted", () =>
      Effect.gen(function* () {
        yield* written
        const rows = yield* Stream.make("a", "nobody", "b").pipe(PineconeDocuments.fetch(stories), Stream.runCollect)
        const found = rows.map(([id, document]) => [id, Option.map(document, plain)])
        assert.deepStrictEqual(found, [
          ["a", Option.some({ ...all[0]!, embedding: [1, 0] })],
          ["nobody", Option.none()],
          ["b", Option.some(all[1]!)]
        ])
        yield* Stream.make<ReadonlyArray<DocumentIndex.Change<NonNullable<typeof stories.fields>>>>(
          { _id: "a", year: 2025, _remove_fields: ["tags", "terms"] },
          { _id: "a", title: "Green shoes" },
          { _id: "nobody", year: 1 }
        ).pipe(PineconeDocuments.update(stories), Stream.runDrain)
        yield* Stream.make("b", "nobody").pipe(PineconeDocuments.delete(), Stream.runDrain)
        const left = yield* Stream.runCollect(PineconeDocuments.scan(stories, { fields: ["title", "year", "tags"] }))
        assert.deepStrictEqual(left, [
          { namespace: "__default__", document: { _id: "a", title: "Green shoes", year: 2025 } },
          { namespace: "__default__", document: { _id: "c", title: "Umbrella" } }
        ])
        assert.deepStrictEqual(yield* Stream.runCollect(PineconeDocuments.list({ prefix: "c" })), ["c"])
      }).pipe(at())
    )

    it.effect("documents that a filter selects are read page by page", () =>
      Effect.gen(function* () {
        yield* Stream.range(0, 24).pipe(
          PineconeDocuments.upsert(stories, {
            document: (i) => ({ _id: `${i}`, title: i % 5 === 0 ? "Red shoes" : "Umbrella", year: i })
          }),
          Stream.runDrain
        )
        const { filter } = stories
        const old = yield* Stream.runCollect(
          PineconeDocuments.select(stories, { filter: filter.lt("year", 10), pageSize: 3, fields: ["year"] })
        )
        assert.sameDeepMembers(
          [...old],
          Array.from({ length: 10 }, (_, i) => ({ _id: `${i}`, year: i }))
        )
        const red = yield* Stream.runCollect(
          PineconeDocuments.select(stories, { filter: filter.matchAll("title", "shoes red"), pageSize: 2 })
        )
        assert.sameMembers(
          red.map(({ _id }) => _id),
          ["0", "5", "10", "15", "20"]
        )
        const unknown = PineconeDocuments.select(DocumentIndex.any, { filter: {} })
        assert.match((yield* refusalOf(Stream.runDrain(unknown))).message, /filter is empty/)
        const undeclared: object = { writer: "x" }
        const refused = PineconeDocuments.select(stories, { filter: undeclared })
        assert.match((yield* refusalOf(Stream.runDrain(refused))).message, /names "writer", which is not declared/)
      }).pipe(at())
    )

    it.effect("a program can wait until it reads what it wrote", () =>
      Effect.gen(function* () {
        yield* PineconeDocuments.awaitReadable()
        yield* written
        assert.deepStrictEqual(yield* stored, [])
        yield* inTime(PineconeDocuments.awaitReadable(), "100 millis")
        assert.lengthOf(yield* stored, 3)
        yield* Stream.make("a").pipe(PineconeDocuments.delete(), Stream.runDrain)
        yield* inTime(PineconeDocuments.awaitReadable({ stored: ["b"], gone: ["a"] }), "100 millis")
        assert.lengthOf(yield* stored, 2)
      }).pipe(at({ visibleAfter: "1 second" }))
    )
  })

  describe(`a bad document ${where}`, () => {
    for (const [name, document, reason, says] of bad) {
      it.effect(`with ${name} is rejected, and the others are written`, () =>
        Effect.gen(function* () {
          const outcomes = yield* Stream.make<ReadonlyArray<unknown>>(all[0], document, all[1]).pipe(
            untypedUpsert,
            Stream.runCollect
          )
          const [written, notWritten] = Outcome.split(outcomes)
          const good: ReadonlyArray<unknown> = written.map(({ input }) => input)
          assert.sameMembers([...good], [all[0], all[1]])
          assert.lengthOf(notWritten, 1)
          const [rejected] = notWritten
          assert.strictEqual(rejected?._tag, "Rejected")
          assert.strictEqual(rejected?.input, document)
          assert.strictEqual(rejected?.error.reason._tag, reason)
          assert.match(rejected?.error.message ?? "", says)
          assert.strictEqual((yield* stored).length, 2)
        }).pipe(at())
      )
    }

    it.effect("of more than 2 MB is too large, and the others are written", () =>
      Effect.gen(function* () {
        const tags = Array.from({ length: 30_000 }, (_, i) => `${i}`.padStart(100, "-"))
        const outcomes = yield* Stream.make(all[0]!, { _id: "x", title: "A", tags }).pipe(
          PineconeDocuments.upsertOutcomes(stories),
          Stream.runCollect
        )
        const [, [rejected]] = Outcome.split(outcomes)
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 1, rejected: 1, unknown: 0 })
        assert.strictEqual(rejected?.error.reason._tag, "RecordTooLarge")
        assert.match(rejected?.error.message ?? "", /record "x" takes 3\d{6} bytes on the wire/)
      }).pipe(at())
    )

    it.effect("of no field that the index is searched by is rejected", () =>
      Effect.gen(function* () {
        const some = DocumentIndex.make({
          title: DocumentIndex.optional(DocumentIndex.text()),
          year: Schema.optionalKey(Schema.Int)
        })
        const outcomes = yield* Stream.make({ _id: "x", year: 1 }, { _id: "y", title: "A" }).pipe(
          PineconeDocuments.upsertOutcomes(some),
          Stream.runCollect
        )
        const [, [rejected]] = Outcome.split(outcomes)
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 1, rejected: 1, unknown: 0 })
        assert.match(rejected?.error.message ?? "", /has none of the fields that the index is searched by \(title\)/)
      }).pipe(at())
    )

    it.effect("in a stream of 1,001 does not stop the others, whatever the batches", () =>
      Effect.gen(function* () {
        const outcomes = yield* Stream.range(0, 1000).pipe(
          PineconeDocuments.upsertOutcomes(stories, {
            document: (i) => ({ _id: `${i}`, title: i === 500 ? "b".repeat(257) : "A" }),
            maxRecords: 5000
          }),
          Stream.runCollect
        )
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 1000, rejected: 1, unknown: 0 })
        assert.strictEqual((yield* stored).length, 1000)
      }).pipe(at())
    )

    it.effect("that only the service finds is rejected with its words, and the others are written", () =>
      Effect.gen(function* () {
        const outcomes = yield* Stream.range(0, 20).pipe(
          PineconeDocuments.upsertOutcomes(stories, {
            document: (i) => ({ _id: `${i}`, title: i === 13 ? "b".repeat(257) : "A" })
          }),
          Stream.runCollect
        )
        const [, [rejected]] = Outcome.split(outcomes)
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 20, rejected: 1, unknown: 0 })
        assert.strictEqual(rejected?.input, 13)
        assert.strictEqual(rejected?.error.reason._tag, "RequestRefused")
        assert.match(rejected?.error.message ?? "", /record "13"/)
      }).pipe(at({ textLimits: false }))
    )
  })

  describe(`a bad search ${where}`, () => {
    for (const [name, scores, says] of badSearches) {
      it.effect(`${name} fails its row, and the others are answered`, () =>
        Effect.gen(function* () {
          yield* written
          const rows = yield* Stream.make("bad", "good").pipe(
            PineconeDocuments.searchResults(stories, {
              // As a caller without types would.
              scoreBy: (which) => (which === "bad" ? JSON.parse(scores) : stories.score.text("title", "shoes")),
              topK: 5
            }),
            Stream.runCollect
          )
          const [[, bad], [, good]] = [rows[0]!, rows[1]!]
          assert(Result.isFailure(bad))
          assert.strictEqual(bad.failure.reason._tag, "InvalidRecord")
          assert.match(bad.failure.message, says)
          assert(Result.isSuccess(good))
          assert.sameMembers(
            good.success.map(({ _id }) => _id),
            ["a", "b"]
          )
        }).pipe(at())
      )
    }
  })

  describe(`a bad change ${where}`, () => {
    for (const [name, change, says] of badChanges) {
      it.effect(`of ${name} is rejected, and the others are made`, () =>
        Effect.gen(function* () {
          yield* written
          const outcomes = yield* Stream.make<ReadonlyArray<unknown>>({ _id: "c", year: 7 }, change).pipe(
            untypedUpdate,
            Stream.runCollect
          )
          const [, [rejected]] = Outcome.split(outcomes)
          assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 1, rejected: 1, unknown: 0 })
          assert.strictEqual(rejected?.error.reason._tag, "InvalidRecord")
          assert.match(rejected?.error.message ?? "", says)
          const [row] = yield* Stream.make("c").pipe(
            PineconeDocuments.fetch(stories, { fields: ["year"] }),
            Stream.runCollect
          )
          assert.deepStrictEqual(row, ["c", Option.some({ _id: "c", year: 7 })])
        }).pipe(at())
      )
    }
  })
}

describe("the wrong plane", () => {
  it.effect("a document index is no vector index, which its layer finds out by its name", () =>
    Effect.gen(function* () {
      const { createIndex, url } = yield* PineconeEmulator.make()
      const { host } = yield* createIndex({ name: "notes", schema: { fields: { a: { type: "sparse_vector" } } } })
      const options = { apiKey: Redacted.make(key), index: "notes", controllerHost: url }
      for (const layer of [PineconeIndex.layer(options), PineconeGrpc.layer(options)]) {
        const error = yield* refusalOf(Layer.build(layer))
        assert.strictEqual(error.operation, "layer")
        assert.match(error.message, /option index is a document index; use PineconeDocumentIndex/)
      }
      // By its address it is not asked for what it is.
      yield* Layer.build(PineconeIndex.layer({ ...options, host }))
    })
  )

  it.effect("a vector index at the layer that gives documents: the service says no", () =>
    Effect.gen(function* () {
      const index = yield* PineconeIndex
      const error = yield* refusalOf(index.upsert({ records: [{ id: "a", values: [1, 0] }] }))
      assert.include(error.message, "This index has a document schema, so writes must go through the documents API.")
    }).pipe(atEmulator())
  )
})

const stored = Stream.runCollect(PineconeDocuments.list())

/** A caller without types gives anything. */
const isStory = (u: unknown): u is DocumentIndex.DocumentOf<typeof stories> => u !== undefined
const isChange = (u: unknown): u is DocumentIndex.Change<NonNullable<typeof stories.fields>> => u !== undefined
const untypedUpsert = <E, R>(self: Stream.Stream<unknown, E, R>) =>
  self.pipe(Stream.filter(isStory), PineconeDocuments.upsertOutcomes(stories))
const untypedUpdate = <E, R>(self: Stream.Stream<unknown, E, R>) =>
  self.pipe(Stream.filter(isChange), PineconeDocuments.updateOutcomes(stories))

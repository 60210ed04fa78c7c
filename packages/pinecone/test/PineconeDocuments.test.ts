import * as Outcome from "@effect-connectors/core/Outcome"
import * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import type { DocumentChange } from "@effect-connectors/pinecone/DocumentsApi"
import * as PineconeDocuments from "@effect-connectors/pinecone/PineconeDocuments"
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { articles, atDocuments, bodies } from "./support/documents.ts"
import { refusalOf } from "./support/secrets.ts"
import { inTime } from "./support/time.ts"

const accepted = (count: number) => ({ status: 202, body: { upserted_count: count } })

const noReason = new InvalidRecord({ field: "document", issue: "is none" })

describe("PineconeDocuments.upsert", () => {
  it.effect("sends documents as they are stored, in batches", () =>
    atDocuments([accepted(2), accepted(1)], (server) =>
      Effect.gen(function* () {
        const outcomes = yield* Stream.make(
          { _id: "a", title: "A", at: new Date(0), embedding: Float32Array.of(1, 0.5) },
          { _id: "b", title: "B", tags: ["x"], terms: { indices: [7], values: [0.5] } },
          { _id: "c", title: "C", year: 2026 }
        ).pipe(
          PineconeDocuments.upsertOutcomes(articles, { maxRecords: 2, concurrency: 1, namespace: "news" }),
          Stream.runCollect
        )
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 3, rejected: 0, unknown: 0 })
        assert.deepStrictEqual(
          outcomes.map(({ input }) => input._id),
          ["a", "b", "c"]
        )
        assert.deepStrictEqual(bodies(server), [
          {
            documents: [
              { title: "A", embedding: [1, 0.5], at: "1970-01-01T00:00:00.000Z", _id: "a" },
              { title: "B", terms: { indices: [7], values: [0.5] }, tags: ["x"], _id: "b" }
            ]
          },
          { documents: [{ title: "C", year: 2026, _id: "c" }] }
        ])
        assert.strictEqual(server.received[0]?.path, "/namespaces/news/documents/upsert")
      })
    )
  )

  it.effect("what could not be made of an element is its outcome", () =>
    atDocuments([accepted(1)], (server) =>
      Effect.gen(function* () {
        const outcomes = yield* Stream.make("a", "b").pipe(
          PineconeDocuments.upsertOutcomes(articles, {
            document: (id) =>
              id === "a"
                ? Result.fail(new PineconeError({ operation: "embed", reason: noReason }))
                : Result.succeed({ _id: id, title: "B" })
          }),
          Stream.runCollect
        )
        const [written, notWritten] = Outcome.split(outcomes)
        assert.deepStrictEqual(
          written.map(({ input }) => input),
          ["b"]
        )
        assert.deepStrictEqual(
          notWritten.map(({ _tag, attempts, error, input }) => [_tag, input, error.operation, attempts]),
          [["Rejected", "a", "embed", 0]]
        )
        assert.lengthOf(server.received, 1)
      })
    )
  )

  it.effect("a document that the service refuses is found by halving, and the others are written", () =>
    atDocuments(
      [
        { status: 400, body: { status: 400, error: { code: "INVALID_ARGUMENT", message: "bad document" } } },
        accepted(2),
        { status: 400, body: { status: 400, error: { code: "INVALID_ARGUMENT", message: "bad document" } } },
        accepted(1)
      ],
      (server) =>
        Effect.gen(function* () {
          const outcomes = yield* Stream.make("a", "b", "bad", "d").pipe(
            PineconeDocuments.upsertOutcomes(articles, { document: (_id) => ({ _id, title: _id }) }),
            Stream.runCollect
          )
          const [written, notWritten] = Outcome.split(outcomes)
          assert.sameMembers(
            written.map(({ input }) => input),
            ["a", "b", "d"]
          )
          const [bad] = notWritten
          assert.lengthOf(notWritten, 1)
          assert.strictEqual(bad?.input, "bad")
          assert.strictEqual(bad?.error.reason._tag, "RequestRefused")
          assert.match(bad?.error.message ?? "", /record "bad": bad document/)
          assert.lengthOf(server.received, 4)
        })
    )
  )

  it.effect("a call that the service counts fewer documents of is unknown", () =>
    atDocuments([accepted(1)], () =>
      Effect.gen(function* () {
        const outcomes = yield* Stream.make("a", "b").pipe(
          PineconeDocuments.upsertOutcomes(articles, { document: (_id) => ({ _id, title: _id }) }),
          Stream.runCollect
        )
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 0, rejected: 0, unknown: 2 })
      })
    )
  )

  it.effect("tries again what time can cure, and asks for no more bytes than a request may have", () =>
    atDocuments(
      [{ status: 503, body: "down" }, { status: 429, body: "slow down" }, accepted(1), accepted(1)],
      (server) =>
        Effect.gen(function* () {
          const outcomes = yield* inTime(
            Stream.make("a", "b").pipe(
              PineconeDocuments.upsertOutcomes(articles, {
                document: (_id) => ({ _id, title: _id.repeat(60) }),
                concurrency: 1
              }),
              Stream.runCollect
            )
          )
          assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 2, rejected: 0, unknown: 0 })
          assert.deepStrictEqual(
            server.received.map(({ body }) => Buffer.byteLength(body) <= 150),
            [true, true, true, true]
          )
        }),
      { maxRequestBytes: 150 }
    )
  )

  it.effect("the plain form fails at its end and names what was not written", () =>
    atDocuments([accepted(1)], () =>
      Effect.gen(function* () {
        const error = yield* refusalOf(
          Stream.make("a", "").pipe(
            PineconeDocuments.upsert(articles, { document: (_id) => ({ _id, title: "A" }) }),
            Stream.runDrain
          )
        )
        assert.strictEqual(error._tag, "RecordsNotWritten")
        assert.match(error.message, /1 rejected and 0 unknown of 2 records.*_id has 0 characters/)
      })
    )
  )
})

describe("PineconeDocuments.update", () => {
  it.effect("sends changes of several documents in one call, and two of one document as one", () =>
    atDocuments([{ status: 202, body: {} }], (server) =>
      Effect.gen(function* () {
        const outcomes = yield* Stream.make<ReadonlyArray<DocumentIndex.Change<NonNullable<typeof articles.fields>>>>(
          { _id: "a", title: "A", year: 1, tags: ["x"] },
          { _id: "b", at: new Date(0) },
          { _id: "a", year: 2, body: "B", _remove_fields: ["tags", "terms"] },
          { _id: "a", terms: { indices: [1], values: [1] } }
        ).pipe(PineconeDocuments.updateOutcomes(articles), Stream.runCollect)
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 4, rejected: 0, unknown: 0 })
        assert.deepStrictEqual(bodies(server), [
          {
            documents: [
              {
                _id: "a",
                title: "A",
                year: 2,
                body: "B",
                terms: { indices: [1], values: [1] },
                _remove_fields: ["tags"]
              },
              { _id: "b", at: "1970-01-01T00:00:00.000Z" }
            ]
          }
        ])
      })
    )
  )

  it.effect("removes fields that are called as every object's", () =>
    atDocuments([{ status: 202, body: {} }], (server) =>
      Effect.gen(function* () {
        const changes: ReadonlyArray<DocumentChange> = [
          { _id: "a", _remove_fields: ["toString", "constructor"] },
          { _id: "a", year: 2 }
        ]
        const outcomes = yield* Stream.fromIterable(changes).pipe(
          PineconeDocuments.updateOutcomes(DocumentIndex.any),
          Stream.runCollect
        )
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 2, rejected: 0, unknown: 0 })
        assert.deepStrictEqual(bodies(server), [
          { documents: [{ _id: "a", year: 2, _remove_fields: ["toString", "constructor"] }] }
        ])
      })
    )
  )

  it.effect("changes of one document that are refused together are tried one after the other", () =>
    atDocuments(
      [
        { status: 400, body: { error: { message: "year is text" } } },
        { status: 202, body: {} },
        { status: 400, body: { error: { message: "year is text" } } }
      ],
      (server) =>
        Effect.gen(function* () {
          const outcomes = yield* Stream.make({ _id: "a", title: "A" }, { _id: "a", year: "x", title: "B" }).pipe(
            PineconeDocuments.updateOutcomes(DocumentIndex.any),
            Stream.runCollect
          )
          assert.deepStrictEqual(
            outcomes.map(({ _tag }) => _tag),
            ["Written", "Rejected"]
          )
          assert.deepStrictEqual(bodies(server), [
            { documents: [{ _id: "a", title: "B", year: "x" }] },
            { documents: [{ _id: "a", title: "A" }] },
            { documents: [{ _id: "a", title: "B", year: "x" }] }
          ])
        })
    )
  )
})

describe("PineconeDocuments.delete", () => {
  it.effect("sends ids, as many as a call takes", () =>
    atDocuments([{ status: 202, body: {} }], (server) =>
      Effect.gen(function* () {
        const outcomes = yield* Stream.make("a", "é", "b").pipe(
          PineconeDocuments.deleteOutcomes({ namespace: "news" }),
          Stream.runCollect
        )
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 2, rejected: 1, unknown: 0 })
        assert.deepStrictEqual(bodies(server), [{ ids: ["a", "b"] }])
      })
    )
  )
})

describe("PineconeDocuments.search", () => {
  it.effect("pairs elements with matches, typed, in order", () =>
    atDocuments(
      [
        { body: { matches: [{ _id: "a", _score: 2, at: "1970-01-01T00:00:00.000Z", more: 1 }] } },
        { body: { matches: [] } }
      ],
      (server) =>
        Effect.gen(function* () {
          const rows = yield* Stream.make("x", "y").pipe(
            PineconeDocuments.search(articles, {
              scoreBy: (query) => articles.score.text(["title", "body"], query),
              topK: 3,
              fields: ["at"],
              filter: (query) => articles.filter.matchAny("title", query),
              concurrency: 1
            }),
            Stream.runCollect
          )
          assert.deepStrictEqual(rows, [
            ["x", [{ _id: "a", _score: 2, at: new Date(0) }]],
            ["y", []]
          ])
          assert.deepStrictEqual(bodies(server)[0], {
            score_by: [{ type: "text", fields: ["title", "body"], query: "x" }],
            top_k: 3,
            include_fields: ["at"],
            filter: { title: { $match_any: "x" } }
          })
        })
    )
  )

  it.effect("asks for all fields without vectors by default, and of an unknown index for all", () =>
    atDocuments(
      [
        { body: { matches: [{ _id: "a", _score: null, title: "A" }] } },
        { body: { matches: [{ _id: "a", _score: 1, n: 1 }] } }
      ],
      (server) =>
        Effect.gen(function* () {
          const byVector = yield* Stream.make([1, 0]).pipe(
            PineconeDocuments.search(articles, {
              scoreBy: (values) => articles.score.dense("embedding", values),
              topK: 1
            }),
            Stream.runCollect
          )
          const byQuery = yield* Stream.make("n:1").pipe(
            PineconeDocuments.search(DocumentIndex.any, {
              scoreBy: (query) => DocumentIndex.any.score.queryString(query),
              topK: 1
            }),
            Stream.runCollect
          )
          assert.deepStrictEqual(byVector, [[[1, 0], [{ _id: "a", _score: null, title: "A" }]]])
          assert.deepStrictEqual(byQuery, [["n:1", [{ _id: "a", _score: 1, n: 1 }]]])
          const [first, second] = bodies(server)
          assert.deepInclude(first, { include_fields: ["title", "body", "at", "year", "tags"] })
          assert.deepInclude(second, { include_fields: ["*"] })
        })
    )
  )

  it.effect("equal searches are one call when answers are kept", () =>
    atDocuments([{ body: { matches: [] } }, { body: { matches: [] } }], (server) =>
      Effect.gen(function* () {
        const rows = yield* Stream.make([1, 2], [1, 2], [2, 1]).pipe(
          PineconeDocuments.search(articles, {
            scoreBy: (values) => articles.score.dense("embedding", Float32Array.from(values)),
            topK: 1,
            cache: { capacity: 10, timeToLive: "1 minute" }
          }),
          Stream.runCollect
        )
        assert.lengthOf(rows, 3)
        assert.lengthOf(server.received, 2)
      })
    )
  )

  it.effect("a search that fails fails its row", () =>
    atDocuments([{ body: { matches: [{ _id: "b", _score: 1, year: "no year", title: "B" }] } }], () =>
      Effect.gen(function* () {
        const rows = yield* Stream.make("", "ok", "failed").pipe(
          PineconeDocuments.searchResults(articles, {
            scoreBy: (query) =>
              query === "failed"
                ? Result.fail(new PineconeError({ operation: "embed", reason: noReason }))
                : [articles.score.text("title", query), articles.score.queryString("a")],
            topK: 1
          }),
          Stream.runCollect
        )
        const said = rows.map(([query, result]) => [query, Result.isFailure(result) ? result.failure.message : ""])
        assert.deepStrictEqual(said, [
          ["", "Pinecone search in namespace __default__: scoreBy has an empty query; ask for some text"],
          ["ok", 'Pinecone search in namespace __default__: record "b": year must be number'],
          ["failed", "Pinecone embed: document is none"]
        ])
      })
    )
  )

  const filters: ReadonlyArray<readonly [name: string, filter: object, says: RegExp]> = [
    ["an undeclared field", { writer: "x" }, /names "writer", which is not declared/],
    ["one deep inside", { $and: [{ year: 1 }, { $not: { $or: [{ writer: 1 }] } }] }, /names "writer"/],
    ["a vector", { embedding: { $exists: true } }, /names "embedding", which is a vector/],
    ["words of what has none", { year: { $match_all: "x" } }, /\$match_all on "year", which has no full text/],
    ["equality of text with words", { title: "x" }, /compares "title", which has full text search/],
    ["a field of every object", { constructor: 1 }, /names "constructor"/]
  ]

  for (const [name, filter, says] of filters) {
    it.effect(`refuses a filter on ${name}, and the other searches go through`, () =>
      atDocuments([{ body: { matches: [] } }], (server) =>
        Effect.gen(function* () {
          const rows = yield* Stream.make("bad", "good").pipe(
            PineconeDocuments.searchResults(articles, {
              scoreBy: (query) => articles.score.text("title", query),
              topK: 1,
              filter: (query) => (query === "bad" ? filter : { year: 1 })
            }),
            Stream.runCollect
          )
          const [[, bad], [, good]] = [rows[0]!, rows[1]!]
          assert(Result.isFailure(bad))
          assert.strictEqual(bad.failure.reason._tag, "InvalidRecord")
          assert.match(bad.failure.message, says)
          assert(Result.isSuccess(good))
          assert.lengthOf(server.received, 1)
        })
      )
    )
  }

  it.effect("refuses to rank by what is no such field", () =>
    atDocuments([], () =>
      Effect.gen(function* () {
        const untyped: DocumentIndex.Scores<DocumentIndex.Fields> = DocumentIndex.any.score
        const rows = yield* Stream.make("title", "writer").pipe(
          PineconeDocuments.searchResults(articles, {
            // As a caller without types would.
            scoreBy: (field) => Object.assign(articles.score.dense("embedding", [1, 2]), untyped.dense(field, [1, 2])),
            topK: 1
          }),
          Stream.runCollect
        )
        assert.deepStrictEqual(
          rows.map(([, result]) => (Result.isFailure(result) ? result.failure.reason.message : "")),
          [
            'scoreBy names "title", which is declared as no dense field',
            'scoreBy names "writer", which is declared as no dense field'
          ]
        )
      })
    )
  )
})

describe("PineconeDocuments.fetch, list and scan", () => {
  const document = { _id: "a", title: "A", at: "1970-01-01T00:00:00.000Z" }

  it.effect("pairs ids with documents", () =>
    atDocuments([{ body: { documents: { a: document } } }], (server) =>
      Effect.gen(function* () {
        const rows = yield* Stream.make("a", "b", "").pipe(
          PineconeDocuments.fetchResults(articles, { fields: ["at"] }),
          Stream.runCollect
        )
        assert.deepStrictEqual(rows.slice(0, 2), [
          ["a", Result.succeed(Option.some({ _id: "a", at: new Date(0) }))],
          ["b", Result.succeed(Option.none())]
        ])
        assert(Result.isFailure(rows[2]![1]))
        assert.deepStrictEqual(bodies(server), [{ ids: ["a", "b"], include_fields: ["at"] }])
      })
    )
  )

  it.effect("a field that is not declared is no field to ask for", () =>
    atDocuments([], () =>
      Effect.gen(function* () {
        const fields = JSON.parse('["writer"]')
        const error = yield* refusalOf(
          Stream.make("a").pipe(PineconeDocuments.fetch(articles, { fields }), Stream.runDrain)
        )
        assert.match(error.message, /option fields has "writer", which is not declared/)
      })
    )
  )

  it.effect("reads all documents, and compares the count", () =>
    atDocuments(
      [
        { body: { namespaces: { __default__: { vectorCount: 2 } } } },
        { body: { documents: [{ _id: "a" }], pagination: { next: "t" } } },
        { body: { documents: [] } },
        { body: { documents: { a: document } } },
        { body: { namespaces: { __default__: { vectorCount: 2 } } } }
      ],
      (server) =>
        Effect.gen(function* () {
          const error = yield* refusalOf(Stream.runDrain(PineconeDocuments.scan(articles)))
          assert.strictEqual(error.reason._tag, "IncompleteScan")
          assert.deepStrictEqual(
            server.received.map(({ path }) => path),
            [
              "/describe_index_stats",
              "/namespaces/__default__/documents/list",
              "/namespaces/__default__/documents/list",
              "/namespaces/__default__/documents/fetch",
              "/describe_index_stats"
            ]
          )
        })
    )
  )

  it.effect("documents of a scan are typed", () =>
    atDocuments([{ body: { documents: [{ _id: "a" }] } }, { body: { documents: { a: document } } }], () =>
      Effect.gen(function* () {
        const found = yield* Stream.runCollect(PineconeDocuments.scan(articles, { verify: false }))
        assert.deepStrictEqual(found, [
          { namespace: "__default__", document: { _id: "a", title: "A", at: new Date(0) } }
        ])
      })
    )
  )

  it.effect("lists ids", () =>
    atDocuments([{ body: { documents: [{ _id: "a" }, { _id: "b" }] } }], (server) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* Stream.runCollect(PineconeDocuments.list({ prefix: "x" })), ["a", "b"])
        assert.deepStrictEqual(bodies(server), [{ prefix: "x", limit: 100 }])
      })
    )
  )
})

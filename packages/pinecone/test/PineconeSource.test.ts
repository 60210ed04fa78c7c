import { NotFound, Unauthorized, Unavailable } from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import type { FetchRequest, PineconeIndex, QueryRequest } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as PineconeSource from "@effect-connectors/pinecone/PineconeSource"
import type { SparseValues, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { atServer, changed, inMemory } from "./support/index.ts"
import { writeAll } from "../../../test/support/outcomes.ts"
import { refusalOf } from "./support/secrets.ts"
import { inTime, interrupted } from "./support/time.ts"

const points: ReadonlyArray<VectorRecord> = [
  { id: "east", values: [1, 0], metadata: { kind: "main", n: 1 } },
  { id: "north", values: [0, 1], metadata: { kind: "main", n: 2 } },
  { id: "northeast", values: [1, 1], metadata: { kind: "between", n: 3 } }
]

const write = (records: ReadonlyArray<VectorRecord>, namespace?: string) =>
  writeAll(records, PineconeSink.upsertOutcomes({ namespace }))

const many = (count: number, prefix = "id") =>
  Array.from({ length: count }, (_, i) => ({ id: `${prefix}-${String(i).padStart(4, "0")}`, values: [i + 1, 1] }))

interface Question {
  readonly n: number
  readonly vector: ReadonlyArray<number>
}

const ids = (matches: ReadonlyArray<{ readonly id: string }>) => matches.map(({ id }) => id)

const vector = (question: Question) => question.vector

const east: Question = { n: 1, vector: [1, 0.1] }
const north: Question = { n: 2, vector: [0.1, 1] }
const wrong: Question = { n: 3, vector: [1, 2, 3] }

const rows = <A, B, E, R>(elements: ReadonlyArray<A>, step: (self: Stream.Stream<A>) => Stream.Stream<B, E, R>) =>
  Stream.runCollect(step(Stream.fromIterable(elements)))

const failing = (operation: string, reason: PineconeError["reason"]) =>
  Effect.fail(new PineconeError({ operation, reason }))

/** An index in memory that keeps the queries it is asked. */
const notingQueries = (seen: Array<QueryRequest>, options?: Parameters<typeof inMemory>[0]) =>
  changed(
    (service) => ({ query: (request) => Effect.suspend(() => (seen.push(request), service.query(request))) }),
    options
  )

/** An index in memory that keeps the fetches it is asked. */
const notingFetches = (seen: Array<FetchRequest>) =>
  changed((service) => ({ fetch: (request) => Effect.suspend(() => (seen.push(request), service.fetch(request))) }))

describe("query", () => {
  it.effect("pairs each element with its neighbours, in order", () =>
    Effect.gen(function* () {
      yield* write(points)
      const questions = Array.from({ length: 50 }, (_, n) => ({ ...(n % 2 === 0 ? east : north), n }))
      const answers = yield* rows(questions, PineconeSource.query({ vector, topK: 2 }))
      assert.deepStrictEqual(
        answers.map(([question]) => question),
        questions
      )
      for (const [question, matches] of answers) {
        assert.deepStrictEqual(ids(matches), [question.n % 2 === 0 ? "east" : "north", "northeast"])
      }
    }).pipe(inMemory())
  )

  it.effect("keeps the order when later answers come first", () =>
    Effect.gen(function* () {
      const names = ["east", "north", "northeast"]
      const answers = yield* inTime(rows(names, PineconeSource.query({ id: (name: string) => name, topK: 1 })))
      assert.deepStrictEqual(
        answers.map(([name, matches]) => [name, ...ids(matches)]),
        names.map((name) => [name, name])
      )
    }).pipe(
      changed(() => ({
        query: (request) =>
          Effect.as(Effect.sleep(request.id === "east" ? 300 : 100), {
            matches: [{ id: request.id ?? "", score: 1 }]
          })
      }))
    )
  )

  it.effect("by the id of a stored record", () =>
    Effect.gen(function* () {
      yield* write(points)
      const answers = yield* rows(["north", "nothing"], PineconeSource.query({ id: (id: string) => id, topK: 3 }))
      assert.deepStrictEqual(
        answers.map(([, matches]) => ids(matches)),
        [["north", "northeast", "east"], []]
      )
    }).pipe(inMemory())
  )

  const sparse = (...indices: ReadonlyArray<number>): SparseValues => ({ indices, values: indices.map(() => 1) })

  it.effect("by a sparse vector", () =>
    Effect.gen(function* () {
      yield* write([
        { id: "a", sparseValues: sparse(1, 2) },
        { id: "b", sparseValues: sparse(2, 3, 4) }
      ])
      const [first] = yield* rows(
        [sparse(3, 4)],
        PineconeSource.query({ sparseVector: (question: SparseValues) => question, topK: 1, includeValues: true })
      )
      assert.deepStrictEqual(ids(first?.[1] ?? []), ["b"])
      assert.strictEqual(first?.[1][0]?.score, 2)
      assert.deepStrictEqual(Array.from(first?.[1][0]?.sparseValues?.indices ?? []), [2, 3, 4])
    }).pipe(inMemory({ vectorType: "sparse" }))
  )

  it.effect("by both (hybrid), on a dotproduct index", () =>
    Effect.gen(function* () {
      yield* write([
        { id: "dense", values: [3, 0], sparseValues: sparse(1) },
        { id: "both", values: [2, 0], sparseValues: sparse(7) }
      ])
      const question = { vector: Float32Array.of(1, 0), sparse: sparse(7, 8) }
      const dense = (element: typeof question) => element.vector
      const [alone] = yield* rows([question], PineconeSource.query({ vector: dense, topK: 2 }))
      assert.deepStrictEqual(ids(alone?.[1] ?? []), ["dense", "both"])
      const [hybrid] = yield* rows(
        [{ ...question, sparse: { indices: [7], values: [5] } }],
        PineconeSource.query({ vector: dense, sparseVector: (element) => element.sparse, topK: 2 })
      )
      assert.deepStrictEqual(
        hybrid?.[1].map(({ id, score }) => [id, score]),
        [
          ["both", 7],
          ["dense", 3]
        ]
      )
    }).pipe(inMemory({ metric: "dotproduct" }))
  )

  it.effect("with one filter for all, or one for each element", () =>
    Effect.gen(function* () {
      yield* write(points)
      const fixed = yield* rows(
        [east],
        PineconeSource.query({ vector, topK: 9, filter: { kind: "main", n: { $gte: 2 } } })
      )
      assert.deepStrictEqual(
        fixed.map(([, matches]) => ids(matches)),
        [["north"]]
      )
      const each = yield* rows(
        [east, north, wrong].map((question) => ({ ...question, vector: [1, 1] })),
        PineconeSource.query({ vector, topK: 9, filter: (question) => ({ n: question.n }) })
      )
      assert.deepStrictEqual(
        each.map(([, matches]) => ids(matches)),
        [["east"], ["north"], ["northeast"]]
      )
    }).pipe(inMemory())
  )

  it.effect("gives metadata and no values, unless asked otherwise", () =>
    Effect.gen(function* () {
      yield* write(points)
      const first = (options: { readonly includeValues?: boolean; readonly includeMetadata?: boolean }) =>
        Effect.map(rows([east], PineconeSource.query({ vector, topK: 1, ...options })), ([row]) => row?.[1][0])
      const plain = yield* first({})
      assert.deepStrictEqual(plain?.metadata, { kind: "main", n: 1 })
      assert.isUndefined(plain?.values)
      const other = yield* first({ includeValues: true, includeMetadata: false })
      assert.isUndefined(other?.metadata)
      assert.deepStrictEqual(other?.values, Float32Array.of(1, 0))
    }).pipe(inMemory())
  )

  it.effect("in the layer's namespace, a fixed one, or one for each element", () =>
    Effect.gen(function* () {
      yield* write(points.slice(0, 1))
      yield* write(points.slice(1, 2), "fixed")
      yield* write(points.slice(2), "2")
      const found = (namespace?: string | ((question: Question) => string)) =>
        Effect.map(rows([east, north], PineconeSource.query({ vector, topK: 9, namespace })), (answers) =>
          answers.map(([, matches]) => ids(matches))
        )
      assert.deepStrictEqual(yield* found(), [["east"], ["east"]])
      assert.deepStrictEqual(yield* found("fixed"), [["north"], ["north"]])
      assert.deepStrictEqual(yield* found(({ n }) => String(n)), [[], ["northeast"]])
    }).pipe(inMemory({ namespace: "layers" }))
  )

  it.effect("failing rows are Results in their places, and the others are answered", () =>
    Effect.gen(function* () {
      yield* write(points)
      const nan: Question = { n: 4, vector: [NaN, 1] }
      const none: Question = { n: 5, vector: [] }
      const elements = [east, wrong, north, nan, none, east]
      const results = yield* rows(elements, PineconeSource.queryResults({ vector, topK: 1 }))
      assert.deepStrictEqual(
        results.map(([question]) => question),
        elements
      )
      assert.deepStrictEqual(
        results.map(([, result]) => (Result.isSuccess(result) ? ids(result.success) : result.failure.reason._tag)),
        [["east"], "RequestRefused", ["north"], "InvalidRecord", "InvalidRecord", ["east"]]
      )
      const messages = results.flatMap(([, result]) => (Result.isFailure(result) ? [result.failure.message] : []))
      assert.match(messages[0] ?? "", /dimension 3 does not match the dimension of the index 2/)
      assert.match(messages[1] ?? "", /vector holds NaN at position 0/)
      assert.match(messages[2] ?? "", /vector is empty/)
    }).pipe(changed(() => ({ dimension: undefined }), { dimension: 2 }))
  )

  const oddFilters = [`{}`, `{"n":null}`, `{"$and":[{"n":{}}]}`, `{"$or":[null]}`, `null`, `7`]

  it.live("a bad filter is a failed row on every layer, and the others are answered", () =>
    Effect.gen(function* () {
      const elements = [`{"n":1}`, ...oddFilters, `{"n":{"$gte":1}}`, "NaN", "nothing"]
      const filter = (json: string) =>
        json === "NaN" ? { n: NaN } : json === "nothing" ? { n: JSON.parse("[]")[0] } : JSON.parse(json)
      const asking = Effect.gen(function* () {
        const results = yield* rows(
          elements,
          PineconeSource.queryResults({ vector: () => [1, 0], topK: 1, filter: (element: string) => filter(element) })
        )
        assert.deepStrictEqual(
          results.map(([element, result]) => [element, result._tag]),
          elements.map((element) => [
            element,
            element.startsWith(`{"n":1`) || element.includes("gte") ? "Success" : "Failure"
          ])
        )
        for (const [, result] of results) {
          if (Result.isSuccess(result)) continue
          assert.deepInclude(result.failure.reason, { _tag: "InvalidRecord", field: "filter" })
          assert.match(result.failure.message, /^Pinecone query in namespace __default__: filter /)
        }
      })
      yield* Effect.andThen(write(points), asking).pipe(inMemory())
      yield* atServer([{}, {}], (server) => Effect.map(asking, () => assert.lengthOf(server.received, 2)))
    })
  )

  it.effect("a namespace no record can be in is a failed row", () =>
    Effect.gen(function* () {
      yield* write(points)
      const names = ["", "n".repeat(513), "über"]
      const namespace = (name: string) => name
      const answers = [
        ...(yield* rows(names, PineconeSource.queryResults({ vector: () => [1, 0], topK: 1, namespace }))),
        ...(yield* rows(names, PineconeSource.fetchResults({ id: () => "east", namespace })))
      ].map(([, result]): Result.Result<unknown, PineconeError> => result)
      assert.deepStrictEqual(
        answers.map((result) =>
          Result.isSuccess(result)
            ? "fine"
            : result.failure.reason._tag === "InvalidRecord" && result.failure.reason.field
        ),
        ["fine", "namespace", "namespace", "fine", "namespace", "namespace"]
      )
    }).pipe(inMemory())
  )

  it.effect("knows the dimension before it asks, where the layer does", () =>
    Effect.gen(function* () {
      const [row] = yield* rows([wrong], PineconeSource.queryResults({ vector, topK: 1 }))
      assert(row !== undefined && Result.isFailure(row[1]))
      assert.strictEqual(row[1].failure.reason._tag, "InvalidRecord")
      assert.match(row[1].failure.message, /vector has 3 numbers and the index has dimension 2/)
    }).pipe(changed(() => ({ dimension: 2, query: () => Effect.die("nothing may be asked") })))
  )

  it.effect("a question with an id and a vector, or with nothing, is refused", () =>
    Effect.gen(function* () {
      const asking = (options: object) =>
        // What the compiler refuses can still arrive from code without types.
        PineconeSource.query<Question>({ topK: 1, ...JSON.parse("{}"), ...options })
      const both = yield* refusalOf(rows([east], asking({ vector, id: () => "a" })))
      assert.strictEqual(
        both.message,
        "Pinecone query in namespace __default__: query has an id and a vector; give one or the other"
      )
      const nothing = yield* refusalOf(rows([east], asking({})))
      assert.match(nothing.message, /: query has nothing to ask with/)
    }).pipe(inMemory())
  )

  it.effect("the plain form fails at the first row that can not be answered", () =>
    Effect.gen(function* () {
      yield* write(points)
      const before: Array<number> = []
      const error = yield* Stream.make(east, north, wrong).pipe(
        PineconeSource.query({ vector, topK: 1 }),
        Stream.runForEach(([{ n }]) => Effect.sync(() => before.push(n))),
        refusalOf
      )
      assert.strictEqual(error.reason._tag, "RequestRefused")
      assert.deepStrictEqual(before, [1, 2])
    }).pipe(inMemory())
  )

  it.effect("a failure that stops all progress fails both forms", () =>
    Effect.gen(function* () {
      for (const step of [
        PineconeSource.query({ vector, topK: 1 }),
        PineconeSource.queryResults({ vector, topK: 1 })
      ]) {
        const stream: Stream.Stream<unknown, PineconeError, PineconeIndex> = step(Stream.make(east))
        assert.strictEqual((yield* refusalOf(Stream.runDrain(stream))).reason._tag, "Unauthorized")
      }
    }).pipe(changed(() => ({ query: () => failing("query", new Unauthorized({ detail: "no" })) })))
  )

  it.effect("tries again what time can cure", () => {
    let calls = 0
    return Effect.gen(function* () {
      const asking = rows([east], PineconeSource.query({ vector, topK: 1, retry: { maxAttempts: 3 } }))
      assert.lengthOf(yield* inTime(asking, "1 second"), 1)
      assert.strictEqual(calls, 3)
    }).pipe(
      changed(() => ({
        query: () =>
          Effect.suspend(() =>
            ++calls < 3 ? failing("query", new Unavailable({ detail: "down" })) : Effect.succeed({ matches: [] })
          )
      }))
    )
  })

  it.effect("asks as many at a time as it may", () => {
    let now = 0
    let most = 0
    return Effect.gen(function* () {
      const questions = Array.from({ length: 20 }, () => east)
      yield* rows(questions, PineconeSource.query({ vector, topK: 1, concurrency: 3 }))
      assert.strictEqual(most, 3)
    }).pipe(
      changed(() => ({
        query: () =>
          Effect.gen(function* () {
            most = Math.max(most, ++now)
            for (let i = 0; i < 10; i++) yield* Effect.yieldNow
            now--
            return { matches: [] }
          })
      }))
    )
  })

  it.effect("interruption cancels the calls in flight", () => {
    let cancelled = 0
    return Effect.gen(function* () {
      yield* interrupted(rows([east, north], PineconeSource.query({ vector, topK: 1 })))
      assert.strictEqual(cancelled, 2)
    }).pipe(
      changed(() => ({ query: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void cancelled++)) }))
    )
  })

  it.live("interruption closes the connection of a real call", () =>
    atServer(["hang"], (server) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(rows([east], PineconeSource.query({ vector, topK: 1 })))
        yield* Effect.promise(() => server.hanging)
        yield* Fiber.interrupt(fiber)
        yield* Effect.promise(() => server.gone)
      })
    )
  )

  describe("with a cache", () => {
    const cache = { capacity: 10, timeToLive: "1 minute" } as const

    it.effect("equal queries are asked once until the answer is too old", () => {
      const seen: Array<QueryRequest> = []
      return Effect.gen(function* () {
        yield* write(points)
        // One after the other, so that none shares a call in flight.
        const questions = Stream.fromIterable([east, east, { ...east }], { chunkSize: 1 }).pipe(
          Stream.concat(Stream.fromEffectDrain(TestClock.adjust("2 minutes"))),
          Stream.concat(Stream.make(east))
        )
        const answers = yield* questions.pipe(
          PineconeSource.query({ vector, topK: 1, concurrency: 1, cache }),
          Stream.runCollect
        )
        assert.deepStrictEqual(
          answers.map(([, matches]) => ids(matches)),
          [["east"], ["east"], ["east"], ["east"]]
        )
        assert.lengthOf(seen, 2)
      }).pipe(notingQueries(seen))
    })

    it.effect("queries that differ in anything are asked each", () => {
      const seen: Array<QueryRequest> = []
      interface Varied extends Question {
        readonly namespace: string
        readonly kind: string
        readonly sparse: SparseValues
      }
      const base: Varied = { ...east, namespace: "a", kind: "main", sparse: { indices: [1], values: [1] } }
      const varied: ReadonlyArray<Varied> = [
        base,
        { ...base, vector: [1, 0.2] },
        { ...base, namespace: "b" },
        { ...base, kind: "between" },
        { ...base, sparse: { indices: [2], values: [1] } },
        { ...base, sparse: { indices: [1], values: [2] } }
      ]
      return Effect.gen(function* () {
        const step = PineconeSource.query({
          vector,
          sparseVector: (question: Varied) => question.sparse,
          namespace: (question) => question.namespace,
          filter: (question) => ({ kind: question.kind }),
          topK: 1,
          concurrency: 1,
          cache
        })
        yield* rows([...varied, ...varied], step)
        assert.lengthOf(seen, varied.length)
      }).pipe(notingQueries(seen, { metric: "dotproduct", dimension: 2 }))
    })

    it.effect("a failure is not kept", () => {
      let calls = 0
      return Effect.gen(function* () {
        const results = yield* rows(
          [east, east],
          PineconeSource.queryResults({ vector, topK: 1, concurrency: 1, cache, retry: { maxAttempts: 1 } })
        )
        assert.deepStrictEqual(
          results.map(([, result]) => result._tag),
          ["Failure", "Success"]
        )
      }).pipe(
        changed(() => ({
          query: () =>
            Effect.suspend(() =>
              calls++ === 0 ? failing("query", new Unavailable({ detail: "down" })) : Effect.succeed({ matches: [] })
            )
        }))
      )
    })
  })
})

describe("fetch", () => {
  it.effect("pairs each id with its record, and None with what is not stored", () =>
    Effect.gen(function* () {
      yield* write(points)
      const answers = yield* rows(["north", "nothing", "east"], PineconeSource.fetch())
      assert.deepStrictEqual(
        answers.map(([id, record]) => [id, Option.map(record, ({ metadata }) => metadata?.["n"])]),
        [
          ["north", Option.some(2)],
          ["nothing", Option.none()],
          ["east", Option.some(1)]
        ]
      )
    }).pipe(inMemory())
  )

  it.effect("asks for duplicates once, and gives each its answer", () => {
    const seen: Array<FetchRequest> = []
    return Effect.gen(function* () {
      yield* write(points)
      const asked = ["east", "north", "east", "nothing", "east", "nothing"]
      const answers = yield* rows(asked, PineconeSource.fetch())
      assert.deepStrictEqual(
        answers.map(([id, record]) => [id, Option.isSome(record)]),
        asked.map((id) => [id, id !== "nothing"])
      )
      assert.deepStrictEqual(
        seen.map((request) => request.ids),
        [["east", "north", "nothing"]]
      )
    }).pipe(notingFetches(seen))
  })

  it.effect("from several namespaces, with names like those of an object's own parts", () => {
    const seen: Array<FetchRequest> = []
    return Effect.gen(function* () {
      const names = ["a", "__proto__", "constructor", "7"]
      for (const name of names) yield* write([{ id: name, values: [1, 2] }], name)
      const namespace = (name: string) => name
      const answers = yield* rows([...names, "b"], PineconeSource.fetch({ namespace }))
      assert.deepStrictEqual(
        answers.map(([name, record]) => [name, Option.getOrUndefined(record)?.id]),
        [...names.map((name) => [name, name]), ["b", undefined]]
      )
      assert.lengthOf(seen, 5)
    }).pipe(notingFetches(seen))
  })

  it.effect("from a namespace the service does not know, beside others", () =>
    Effect.gen(function* () {
      yield* write(points)
      const namespace = (id: string) => (id === "lost" ? "gone" : "__default__")
      const results = yield* rows(["east", "lost", "north"], PineconeSource.fetchResults({ namespace }))
      assert.deepStrictEqual(
        results.map(([, result]) => (Result.isSuccess(result) ? "found" : result.failure.reason._tag)),
        ["found", "NotFound", "found"]
      )
    }).pipe(
      changed((service) => ({
        fetch: (request) =>
          request.namespace === "gone"
            ? failing("fetch", new NotFound({ resource: "namespace", called: "gone" }))
            : service.fetch(request)
      }))
    )
  )

  it.effect("a namespace that fails for a time is tried again by itself", () => {
    const seen: Array<string | undefined> = []
    return Effect.gen(function* () {
      yield* write(points)
      yield* write(points, "slow")
      const namespace = (name: string) => name
      const step = PineconeSource.fetchResults({ namespace, id: () => "east", retry: { maxAttempts: 3 } })
      const results = yield* inTime(rows(["__default__", "slow"], step), "1 second")
      assert.deepStrictEqual(
        results.map(([, result]) => (Result.isSuccess(result) ? "found" : result.failure.reason._tag)),
        ["found", "Unavailable"]
      )
      assert.sameMembers(seen, ["__default__", "slow", "slow", "slow"])
    }).pipe(
      changed((service) => ({
        fetch: (request) =>
          Effect.suspend(() => {
            seen.push(request.namespace)
            return request.namespace === "slow"
              ? failing("fetch", new Unavailable({ detail: "down" }))
              : service.fetch(request)
          })
      }))
    )
  })

  it.effect("takes the id of an element", () =>
    Effect.gen(function* () {
      yield* write(points)
      const answers = yield* rows(
        [{ key: "east", offset: 7 }],
        PineconeSource.fetch({ id: (row: { key: string; offset: number }) => row.key })
      )
      assert.deepStrictEqual(
        answers.map(([row, record]) => [row.offset, Option.isSome(record)]),
        [[7, true]]
      )
    }).pipe(inMemory())
  )

  it.effect.each([
    { options: {}, expected: Array.from({ length: 25 }, () => 100) },
    { options: { maxBatch: 1000 }, expected: [1000, 1000, 500] },
    { options: { maxBatch: 2000 }, expected: undefined },
    { options: { maxBatch: 0 }, expected: undefined },
    { options: { maxBatch: 1.5 }, expected: undefined }
  ])("2,500 ids: $options", ({ expected, options }) => {
    const seen: Array<FetchRequest> = []
    return Effect.gen(function* () {
      const all = many(2500)
      yield* write(all)
      const fetching = rows(ids(all), PineconeSource.fetch(options))
      if (expected === undefined) {
        const error = yield* refusalOf(fetching)
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option: "maxBatch" })
        assert.match(error.message, /must be a whole number from 1 to 1000/)
        assert.lengthOf(seen, 0)
        return
      }
      const answers = yield* fetching
      assert.deepStrictEqual(
        answers.map(([id, record]) => [id, Option.getOrUndefined(record)?.id]),
        all.map(({ id }) => [id, id])
      )
      assert.deepStrictEqual(
        seen.map((request) => request.ids.length),
        expected
      )
    }).pipe(notingFetches(seen))
  })

  it.effect("what is no id is a failed row; the plain form fails at it", () =>
    Effect.gen(function* () {
      yield* write(points)
      const bad: ReadonlyArray<string> = ["", "x".repeat(513), JSON.parse("null")]
      const results = yield* rows(["east", ...bad, "north"], PineconeSource.fetchResults())
      assert.deepStrictEqual(
        results.map(([, result]) => result._tag),
        ["Success", "Failure", "Failure", "Failure", "Success"]
      )
      const messages = results.flatMap(([, result]) => (Result.isFailure(result) ? [result.failure.message] : []))
      assert.deepStrictEqual(messages, [
        `Pinecone fetch in namespace __default__: record "": id has 0 characters; it must have 1 to 512`,
        `Pinecone fetch in namespace __default__: record "${"x".repeat(64)}...": id has 513 characters; it must have 1 to 512`,
        `Pinecone fetch in namespace __default__: id must be text`
      ])
      const error = yield* refusalOf(rows(["east", ""], PineconeSource.fetch()))
      assert.strictEqual(error.message, messages[0])
    }).pipe(inMemory())
  )

  it.effect("interruption cancels the calls in flight", () => {
    let cancelled = 0
    return Effect.gen(function* () {
      yield* interrupted(rows(["a", "b"], PineconeSource.fetch({ maxBatch: 1 })))
      assert.strictEqual(cancelled, 2)
    }).pipe(
      changed(() => ({ fetch: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void cancelled++)) }))
    )
  })
})

describe("list", () => {
  it.effect("gives all ids, page after page, in bytewise order", () =>
    Effect.gen(function* () {
      const all = many(250)
      yield* write([...all].reverse())
      assert.deepStrictEqual(yield* Stream.runCollect(PineconeSource.list()), ids(all))
      assert.deepStrictEqual(yield* Stream.runCollect(PineconeSource.list({ namespace: "none" })), [])
    }).pipe(inMemory())
  )

  it.effect("gives those with a prefix", () =>
    Effect.gen(function* () {
      yield* write([...many(120, "doc1#"), ...many(5, "doc10#"), ...many(5, "doc2#")])
      const found = yield* Stream.runCollect(PineconeSource.list({ prefix: "doc1#" }))
      assert.deepStrictEqual(found, ids(many(120, "doc1#")))
      assert.deepStrictEqual(yield* Stream.runCollect(PineconeSource.list({ prefix: "nothing" })), [])
    }).pipe(inMemory())
  )

  it.effect("fails at a page that leads to itself instead of reading it for ever", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Stream.runDrain(PineconeSource.list()))
      assert.strictEqual(error.reason._tag, "InvalidResponse")
      assert.include(error.message, "names itself")
    }).pipe(changed(() => ({ list: () => Effect.succeed({ ids: ["a"], next: "same" }) })))
  )

  it.effect("reads no further than it is asked", () => {
    let pages = 0
    return Effect.gen(function* () {
      yield* write(many(1000))
      assert.lengthOf(yield* Stream.runCollect(Stream.take(PineconeSource.list(), 150)), 150)
      assert.isAtMost(pages, 3)
    }).pipe(changed((service) => ({ list: (request) => Effect.suspend(() => (pages++, service.list(request))) })))
  })
})

describe("namespaces", () => {
  it.effect("gives each with its count, page after page", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 105; i++) yield* write(many((i % 3) + 1), `n${String(i).padStart(3, "0")}`)
      const all = yield* Stream.runCollect(PineconeSource.namespaces())
      assert.deepStrictEqual(
        all,
        Array.from({ length: 105 }, (_, i) => ({ name: `n${String(i).padStart(3, "0")}`, records: (i % 3) + 1 }))
      )
      const some = yield* Stream.runCollect(PineconeSource.namespaces({ prefix: "n10" }))
      assert.lengthOf(some, 5)
    }).pipe(inMemory())
  )
})

describe("scan", () => {
  const collect = (options?: PineconeSource.ScanOptions) => Stream.runCollect(PineconeSource.scan(options))

  const names = (records: ReadonlyArray<PineconeSource.Scanned>) =>
    records.map(({ id, namespace }) => `${namespace}/${id}`).sort()

  it.effect("gives every record of the layer's namespace, whole", () =>
    Effect.gen(function* () {
      const all = many(250).map((record, n) => ({ ...record, metadata: { n } }))
      yield* write(all)
      yield* write(points, "other")
      const records = yield* collect()
      assert.deepStrictEqual(
        records.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        all.map((record) => ({ namespace: "layers", ...record, values: Float32Array.from(record.values) }))
      )
    }).pipe(inMemory({ namespace: "layers" }))
  )

  it.effect("of several namespaces, of all, of an empty one and of none", () =>
    Effect.gen(function* () {
      yield* write(many(3))
      yield* write(many(150), "a")
      yield* write(many(2), "b")
      const expected = [
        ...many(3).map(({ id }) => `__default__/${id}`),
        ...many(150).map(({ id }) => `a/${id}`),
        ...many(2).map(({ id }) => `b/${id}`)
      ]
      assert.deepStrictEqual(names(yield* collect({ namespaces: "all" })), expected)
      assert.deepStrictEqual(names(yield* collect({ namespaces: ["b", "a"] })), expected.slice(3))
      assert.deepStrictEqual(yield* collect({ namespaces: [] }), [])
    }).pipe(inMemory())
  )

  it.effect("of a named namespace that does not exist fails before anything is read, unless told not to look", () =>
    Effect.gen(function* () {
      yield* write(many(3))
      const seen: Array<string> = []
      const error = yield* PineconeSource.scan({ namespaces: ["__default__", "nothing here"] }).pipe(
        Stream.runForEach(({ id }) => Effect.sync(() => seen.push(id))),
        refusalOf
      )
      assert.deepInclude(error.reason, { _tag: "NotFound", resource: "namespace", called: "nothing here" })
      assert.deepStrictEqual(seen, [])
      assert.deepStrictEqual(yield* collect({ namespaces: ["nothing here"], verify: false }), [])
    }).pipe(inMemory())
  )

  it.effect("reads a namespace once, however often and by whichever name it is given", () =>
    Effect.gen(function* () {
      yield* write(many(3))
      const expected = many(3).map(({ id }) => `__default__/${id}`)
      assert.deepStrictEqual(names(yield* collect({ namespaces: ["", "__default__", ""] })), expected)
    }).pipe(inMemory())
  )

  it.effect("of an index that holds nothing", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* collect(), [])
      assert.deepStrictEqual(yield* collect({ namespaces: "all" }), [])
    }).pipe(inMemory())
  )

  it.effect("by prefixes, side by side", () =>
    Effect.gen(function* () {
      yield* write([...many(150, "a"), ...many(150, "b"), ...many(5, "c")])
      const part = yield* collect({ prefixes: ["a", "b"], verify: false })
      assert.deepStrictEqual(part.map(({ id }) => id).sort(), ids([...many(150, "a"), ...many(150, "b")]))
      assert.lengthOf(yield* collect({ prefixes: ["a", "b", "c"] }), 305)
    }).pipe(inMemory())
  )

  it.effect("finds out that the prefixes leave out records", () =>
    Effect.gen(function* () {
      yield* write([...many(150, "a"), ...many(5, "c")])
      const error = yield* refusalOf(collect({ prefixes: ["a"] }))
      assert.deepInclude(error.reason, { _tag: "IncompleteScan", seen: 150, expected: 155 })
    }).pipe(inMemory())
  )

  it.effect("refuses no prefixes, and one that another starts with", () =>
    Effect.gen(function* () {
      for (const [prefixes, says] of [
        [[], /prefixes is empty; leave it out to read everything/],
        [["b", "ab", "a"], /has "a", which "ab" starts with; records of both would come twice/],
        [["a", "a"], /has "a", which "a" starts with/]
      ] as const) {
        const error = yield* refusalOf(collect({ prefixes }))
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option: "prefixes" })
        assert.match(error.message, says)
      }
    }).pipe(inMemory())
  )

  /** An index whose list is not what it holds. */
  const listing = (edit: (ids: ReadonlyArray<string>) => ReadonlyArray<string>) =>
    changed((service) => ({
      list: (request) => Effect.map(service.list(request), (reply) => ({ ...reply, ids: edit(reply.ids) }))
    }))

  const dropping = listing((all) => all.filter((id) => id !== "id-0123"))

  it.effect("finds out that the list left out a record", () =>
    Effect.gen(function* () {
      yield* write(many(250))
      let count = 0
      const error = yield* refusalOf(Stream.runForEach(PineconeSource.scan(), () => Effect.sync(() => count++)))
      assert.strictEqual(count, 249)
      assert.deepInclude(error.reason, { _tag: "IncompleteScan", seen: 249, expected: 250 })
      assert.match(error.message, /namespace __default__ saw 249 records where the store counts 250;.*verify: false/)
    }).pipe(dropping)
  )

  it.effect("does not look when told not to", () =>
    Effect.gen(function* () {
      yield* write(many(250))
      assert.lengthOf(yield* collect({ verify: false }), 249)
      assert.lengthOf(yield* collect({ verify: false, prefixes: ["id"] }), 249)
    }).pipe(dropping)
  )

  it.effect("finds out that the list repeats a record", () =>
    Effect.gen(function* () {
      yield* write(many(5))
      const error = yield* refusalOf(collect())
      assert.deepInclude(error.reason, { _tag: "IncompleteScan", seen: 6, expected: 5 })
    }).pipe(listing((all) => [...all, ...all.slice(0, 1)]))
  )

  it.effect("allows for what others write and delete meanwhile", () =>
    Effect.gen(function* () {
      yield* write(many(5))
      assert.lengthOf(yield* collect(), 5)
    }).pipe(
      changed((service) => ({
        list: (request) =>
          Effect.tap(service.list(request), () => service.upsert({ records: [{ id: "late", values: [1, 1] }] }))
      }))
    )
  )

  it.effect("keeps to its bounds", () => {
    let now = 0
    let most = 0
    const sizes: Array<number> = []
    return Effect.gen(function* () {
      yield* write(many(1000))
      assert.lengthOf(yield* collect({ fetchBatch: 40, fetchConcurrency: 3 }), 1000)
      assert.strictEqual(most, 3)
      assert.strictEqual(Math.max(...sizes), 40)
      assert.lengthOf(sizes, 25)
    }).pipe(
      changed((service) => ({
        fetch: (request) =>
          Effect.gen(function* () {
            sizes.push(request.ids.length)
            most = Math.max(most, ++now)
            for (let i = 0; i < 30; i++) yield* Effect.yieldNow
            now--
            return yield* service.fetch(request)
          })
      }))
    )
  })

  it.effect("tries again what time can cure", () => {
    const failed = new Set<string>()
    const once = <A>(name: string, call: Effect.Effect<A, PineconeError>): Effect.Effect<A, PineconeError> =>
      Effect.suspend(() => {
        if (failed.has(name)) return call
        failed.add(name)
        return failing(name, new Unavailable({ detail: "down" }))
      })
    return Effect.gen(function* () {
      yield* write(many(5))
      assert.lengthOf(yield* inTime(collect({ namespaces: "all" }), "1 second"), 5)
      assert.sameMembers([...failed], ["stats", "list", "fetch", "namespaces"])
    }).pipe(
      changed((service) => ({
        stats: once("stats", service.stats),
        list: (request) => once("list", service.list(request)),
        fetch: (request) => once("fetch", service.fetch(request)),
        namespaces: (request) => once("namespaces", service.namespaces(request))
      }))
    )
  })

  it.effect("interruption cancels the calls in flight", () => {
    let cancelled = 0
    return Effect.gen(function* () {
      yield* write(many(250))
      yield* interrupted(collect())
      assert.strictEqual(cancelled, 3)
    }).pipe(
      changed(() => ({ fetch: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void cancelled++)) }))
    )
  })
})

describe("scanPages", () => {
  const collect = (options?: PineconeSource.ScanPagesOptions) => Stream.runCollect(PineconeSource.scanPages(options))

  it.effect("gives the records of each page, where it is, and where the next one is", () =>
    Effect.gen(function* () {
      yield* write(many(250))
      const pages = yield* collect({ fetchBatch: 30 })
      assert.deepStrictEqual(
        pages.map(({ records }) => records.length),
        [100, 100, 50]
      )
      assert.deepStrictEqual(ids(pages.flatMap(({ records }) => records)), ids(many(250)))
      assert.deepStrictEqual(
        pages.map(({ position }) => position),
        ["start", ...pages.slice(0, 2).map(({ next }) => next)]
      )
      assert.strictEqual(pages[2]!.next, "end")
      assert.deepInclude(pages[0], { namespace: "__default__", prefix: undefined })
    }).pipe(inMemory())
  )

  it.effect("goes on from any page in any of several splits, by a position kept as JSON", () =>
    Effect.gen(function* () {
      yield* write([...many(150, "a"), ...many(250, "b")], "one")
      yield* write(many(120, "a"), "two")
      const splits = { namespaces: ["one", "two"], prefixes: ["a", "b"], concurrency: 2 }
      const all = yield* collect(splits)
      assert.lengthOf(all, 2 + 3 + 2 + 1)
      const key = ({ namespace, prefix }: PineconeSource.Split) => `${namespace} ${prefix}`
      const names = (pages: typeof all) => pages.flatMap(({ records }) => records.map((r) => `${r.namespace}/${r.id}`))
      const codec = Schema.fromJsonString(PineconeSource.Position)
      for (let stop = 0; stop <= all.length; stop++) {
        const reached = new Map<string, string>()
        for (const page of all.slice(0, stop)) reached.set(key(page), yield* Schema.encodeEffect(codec)(page.next))
        const rest = yield* collect({
          ...splits,
          from: (split) => Schema.decodeUnknownSync(codec)(reached.get(key(split)) ?? '"start"')
        })
        assert.deepStrictEqual(names([...all.slice(0, stop), ...rest]).sort(), names(all).sort())
      }
    }).pipe(inMemory())
  )

  it.effect("of an empty namespace is one empty page, and of none nothing", () =>
    Effect.gen(function* () {
      const empty = { namespace: "__default__", prefix: undefined, position: "start", records: [], next: "end" }
      assert.deepStrictEqual<ReadonlyArray<unknown>>(yield* collect(), [empty])
      assert.deepStrictEqual(yield* collect({ from: () => "end" }), [])
      assert.deepStrictEqual(yield* collect({ namespaces: [] }), [])
    }).pipe(inMemory())
  )

  it.effect("keeps pages whole when records vanish between listing and fetching, and when pages are empty", () =>
    Effect.gen(function* () {
      yield* write(many(250))
      const pages = yield* collect()
      assert.deepStrictEqual(
        pages.map(({ records }) => records.length),
        [0, 99, 0, 0]
      )
      assert.deepStrictEqual(
        pages.map(({ next }) => next),
        [{ token: "1" }, { token: "2" }, { token: "3" }, "end"]
      )
    }).pipe(
      changed((service) => ({
        list: ({ paginationToken }) => {
          const at = Number(paginationToken ?? 0)
          const listed = [[], ids(many(100)), ["gone"], []][at]!
          return Effect.succeed(at < 3 ? { ids: listed, next: String(at + 1) } : { ids: listed })
        },
        fetch: (request) =>
          Effect.map(service.fetch(request), ({ records }) => ({
            records: new Map([...records].filter(([id]) => id !== "id-0042"))
          }))
      }))
    )
  )

  it.effect("fails when its token is refused, and says what it asked", () =>
    Effect.gen(function* () {
      yield* write(many(5))
      const error = yield* refusalOf(collect({ from: () => ({ token: "no token" }) }))
      assert.strictEqual(error.reason._tag, "RequestRefused")
      assert.include(error.message, `after token "no token"; if it is too old, read the namespace from its start`)
    }).pipe(inMemory())
  )

  it.effect("lists and fetches at the same time", () =>
    Effect.gen(function* () {
      yield* write(many(1000))
      yield* inTime(collect({ fetchConcurrency: 3 }), "1 second")
      // One after the other they would take 40 seconds.
      assert.isAtMost(yield* Clock.currentTimeMillis, 15_000)
    }).pipe(
      changed((service) => ({
        list: (request) => Effect.delay(service.list(request), "1 second"),
        fetch: (request) => Effect.delay(service.fetch(request), "3 seconds")
      }))
    )
  )
})

describe("options that can not work", () => {
  type Read = Stream.Stream<unknown, PineconeError, PineconeIndex>
  const none: Stream.Stream<never> = Stream.empty
  const cases: ReadonlyArray<readonly [string, string, (options: object) => Read]> = [
    ["query", "concurrency", (options) => none.pipe(PineconeSource.query({ id: String, topK: 1, ...options }))],
    ["fetch", "concurrency", (options) => none.pipe(PineconeSource.fetch(options))],
    ["fetch", "maxBatch", (options) => none.pipe(PineconeSource.fetch(options))],
    ["scan", "concurrency", PineconeSource.scan],
    ["scan", "fetchBatch", PineconeSource.scan],
    ["scan", "fetchConcurrency", PineconeSource.scan],
    ["scan", "fetchBatch", PineconeSource.scanPages]
  ]
  it.effect.each(cases)("%s: %s", ([operation, option, read]) =>
    Effect.gen(function* () {
      for (const value of [0, -1, NaN, 2.5]) {
        const error = yield* refusalOf(Stream.runDrain(read({ [option]: value })))
        assert.strictEqual(error.operation, operation)
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option })
        assert.match(error.message, new RegExp(`option ${option} is ${value}; it must be a whole number`))
        assert.notInclude(error.message, "to Infinity")
      }
    }).pipe(inMemory())
  )
})

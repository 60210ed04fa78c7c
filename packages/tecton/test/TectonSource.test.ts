import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import {
  answerUsers,
  atServer,
  byId,
  collect,
  column,
  paramsOf,
  requestOf,
  rowsOf,
  users,
  vector
} from "./support/index.ts"
import { refusalOf } from "./support/secrets.ts"
import type { Received } from "./support/server.ts"

describe("options of features and query", () => {
  const shared = [
    ["concurrency", { concurrency: 0 }, /is 0; it must be a whole number of 1 or more/],
    ["concurrency", { concurrency: 2.5 }, /is 2.5/],
    ["concurrency", { concurrency: Infinity }, /is Infinity/],
    ["deadline", { deadline: "-1 seconds" }, /is "-1 seconds"; it must be a time of zero or more/],
    ["deadline", { deadline: JSON.parse(`"soon"`) }, /is "soon"/],
    ["linger", { linger: -5 }, /is -5/],
    ["latencyBudget", { latencyBudget: "-1 millis" }, /is "-1 millis"/],
    ["latencyBudget", { latencyBudget: 0 }, /must be a time of 1 millisecond or more/],
    ["latencyBudget", { latencyBudget: "100 micros" }, /must be a time of 1 millisecond or more/],
    ["latencyBudget", { latencyBudget: Duration.infinity }, /must be a time of 1 millisecond or more/]
  ] as const
  const ofFeatures = [
    ["maxBatch", { maxBatch: 0 }, /is 0/],
    ["maxBatch", { maxBatch: -1 }, /is -1/],
    ["maxBatch", { maxBatch: NaN }, /is NaN/]
  ] as const

  const refusing = (
    option: string,
    says: RegExp,
    operation: string,
    step: (self: Stream.Stream<string>) => TectonSource.Results<string, unknown, never, never>
  ) =>
    atServer(answerUsers, (server) =>
      Effect.gen(function* () {
        let pulled = 0
        const elements = Stream.fromEffectRepeat(Effect.sync(() => `u${pulled++}`)).pipe(Stream.take(3))
        const error = yield* refusalOf(Stream.runDrain(step(elements)))
        assert.deepInclude(error, { operation, subject: "users" })
        assert.deepInclude(error.reason, { _tag: "InvalidOption", option })
        assert.match(error.message, says)
        assert.strictEqual(pulled, 0)
        assert.lengthOf(server.received, 0)
      })
    )

  it.live.each([...shared, ...ofFeatures])("features: %s %j", ([option, options, says]) =>
    refusing(option, says, "features", TectonSource.featuresResults(users, { ...byId, ...options }))
  )

  it.live.each(shared)("query: %s %j", ([option, options, says]) =>
    refusing(option, says, "query", TectonSource.queryResults(users, { ...byId, ...options }))
  )

  it.live.each([
    ["1 millis", 1],
    [1.6, 2],
    ["2 seconds", 2000]
  ] as const)("a latencyBudget of %s is %d ms, and goes before one in requestOptions", ([latencyBudget, millis]) =>
    atServer(answerUsers, (server) =>
      Effect.gen(function* () {
        const requestOptions = { latencyBudgetMs: 7, writeToCache: false }
        yield* collect(["u1"], TectonSource.features(users, { ...byId, latencyBudget, requestOptions }))
        assert.deepStrictEqual(paramsOf(requestOf(server))["requestOptions"], {
          latencyBudgetMs: millis,
          writeToCache: false
        })
      })
    )
  )

  it.live("an empty stream asks for nothing", () =>
    atServer(answerUsers, (server) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* collect([], TectonSource.features(users, byId)), [])
        assert.deepStrictEqual(yield* collect([], TectonSource.query(users, byId)), [])
        assert.lengthOf(server.received, 0)
      })
    )
  )

  it.live("a deadline of nothing asks for nothing, and says so of each row", () =>
    atServer(answerUsers, (server) =>
      Effect.gen(function* () {
        const rows = yield* collect(["u1", "u2"], TectonSource.featuresResults(users, { ...byId, deadline: 0 }))
        assert.deepStrictEqual(
          rows.map(([id, row]) => [id, row._tag === "Failure" && row.failure.reason._tag]),
          [
            ["u1", "TimedOut"],
            ["u2", "TimedOut"]
          ]
        )
        assert.lengthOf(server.received, 0)
      })
    )
  )

  it.live("answers are kept in a cache when there is one", () =>
    atServer(answerUsers, (server) =>
      Effect.gen(function* () {
        const cache = { capacity: 10, timeToLive: "1 minute" } as const
        const twice = Stream.concat(Stream.make("u1"), Stream.make("u1", "u2"))
        const rows = yield* Stream.runCollect(
          TectonSource.features(users, { ...byId, maxBatch: 1, concurrency: 1, cache })(twice)
        )
        assert.deepStrictEqual(
          rows.map(([, vector]) => vector["profile.name"].value),
          ["name of u1", "name of u1", "name of u2"]
        )
        assert.deepStrictEqual(server.received.map(rowsOf), [[{ user_id: "u1" }], [{ user_id: "u2" }]])
      })
    )
  )

  it.live("what was not ready in time is not kept", () =>
    atServer(
      (_request, n) =>
        vector(
          [
            column("profile.name", "string", { status: n === 0 ? "TIME_OUT" : "PRESENT" }),
            column("profile.visits", "int64")
          ],
          [n === 0 ? null : "Ada", "1"]
        ),
      (server) =>
        Effect.gen(function* () {
          const cache = { capacity: 10, timeToLive: "1 minute" } as const
          const thrice = Stream.fromIterable(["u1", "u1", "u1"], { chunkSize: 1 })
          const rows = yield* Stream.runCollect(
            TectonSource.features(users, { ...byId, maxBatch: 1, concurrency: 1, cache })(thrice)
          )
          assert.deepStrictEqual(
            rows.map(([, vector]) => vector["profile.name"].value),
            [null, "Ada", "Ada"]
          )
          assert.lengthOf(server.received, 2)
        })
    )
  )

  // Whatever was asked for is answered, and no more: a status that nobody wants is not told.
  const slowAtFirst = (request: Received, n: number) => {
    const asked = paramsOf(request)["metadataOptions"]
    const told = Predicate.hasProperty(asked, "includeServingStatus")
    const status = n === 0 ? "TIME_OUT" : "PRESENT"
    return {
      columns: [column("profile.name", "string", told ? { status } : {}), column("profile.visits", "int64")],
      row: [n === 0 ? null : "Ada", "1"]
    }
  }
  const thrice = Stream.fromIterable(["u1", "u1", "u1"], { chunkSize: 1 })
  const kept = { ...byId, concurrency: 1, statuses: false, cache: { capacity: 10, timeToLive: "1 minute" } } as const

  it.live("what was not ready in time is not kept, without statuses too", () =>
    atServer(
      (request, n) => {
        const { columns, row } = slowAtFirst(request, n)
        return vector(columns, row)
      },
      (server) =>
        Effect.gen(function* () {
          const rows = yield* Stream.runCollect(TectonSource.features(users, { ...kept, maxBatch: 1 })(thrice))
          assert.deepStrictEqual(
            rows.map(([, row]) => row["profile.name"].value),
            [null, "Ada", "Ada"]
          )
          assert.lengthOf(server.received, 2)
        })
    )
  )

  it.live("what a query gave is not kept either when some of it was not ready", () =>
    atServer(
      (request, n) => {
        const { columns, row } = slowAtFirst(request, n)
        const metadata = { features: columns, joinKeys: [column("page_id", "int64")] }
        return { body: { results: [{ features: row, joinKeys: ["1"] }], metadata } }
      },
      (server) =>
        Effect.gen(function* () {
          const rows = yield* Stream.runCollect(TectonSource.query(users, kept)(thrice))
          assert.deepStrictEqual(
            rows.map(([, found]) => found.map(({ vector }) => vector["profile.name"].value)),
            [[null], ["Ada"], ["Ada"]]
          )
          assert.lengthOf(server.received, 2)
        })
    )
  )
})

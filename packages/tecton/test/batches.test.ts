import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { Timestamp } from "@effect-connectors/tecton/Timestamp"
import type { TectonError } from "@effect-connectors/tecton/TectonError"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import { answerUsers, atServer, batch, byId, collect, column, ids, rowsOf, serviceOf, users } from "./support/index.ts"
import type { Reply, Received } from "./support/server.ts"

const once = { maxAttempts: 1 }

type Row = readonly [string, Result.Result<{ readonly "profile.name": { readonly value: string | null } }, TectonError>]

/** What became of each row: its name, or its reason. */
const told = (rows: ReadonlyArray<Row>) =>
  rows.map(([id, row]) => [id, Result.isSuccess(row) ? row.success["profile.name"].value : row.failure.reason._tag])

const answered = (list: ReadonlyArray<string>) => list.map((id) => [id, `name of ${id}`])

const single = "/api/v1/feature-service/get-features"
const several = "/api/v1/feature-service/get-features-batch"

/** Answers nothing until so many requests are there, and then the last first. */
const backwards = (count: number) => {
  const held: Array<() => void> = []
  return (request: Received): Promise<Reply> => {
    const { promise, resolve } = Promise.withResolvers<Reply>()
    held.unshift(() => resolve(answerUsers(request)))
    if (held.length === count) for (const answer of held) answer()
    return promise
  }
}

describe("case 8: batches", () => {
  const sizes: ReadonlyArray<readonly [rows: number, maxBatch: number, calls: ReadonlyArray<number>]> = [
    [0, 1, []],
    [0, 5, []],
    [1, 1, [1]],
    [1, 5, [1]],
    [5, 1, [1, 1, 1, 1, 1]],
    [5, 5, [5]],
    [6, 1, [1, 1, 1, 1, 1, 1]],
    [6, 5, [5, 1]],
    [18, 1, Array.from({ length: 18 }, () => 1)],
    [18, 5, [5, 5, 5, 3]]
  ]
  it.live.each(sizes)("%d rows, %d in a call", ([count, maxBatch, calls]) =>
    atServer(calls.length < 2 ? answerUsers : backwards(calls.length), (server) =>
      Effect.gen(function* () {
        const rows = yield* collect(ids(count), TectonSource.featuresResults(users, { ...byId, maxBatch }))
        assert.deepStrictEqual(told(rows), answered(ids(count)))
        assert.deepStrictEqual(
          server.received.map((request) => rowsOf(request).length).sort((a, b) => b - a),
          calls
        )
        for (const { path } of server.received) assert.strictEqual(path, maxBatch === 1 ? single : several)
        assert.sameMembers(
          server.received.flatMap((request) => rowsOf(request).map(({ user_id }) => user_id)),
          [...ids(count)]
        )
      })
    )
  )

  it.live("5 is the number of rows in a call by default", () =>
    atServer(answerUsers, (server) =>
      Effect.gen(function* () {
        yield* collect(ids(11), TectonSource.features(users, byId))
        assert.sameMembers(
          server.received.map((request) => rowsOf(request).length),
          [5, 5, 1]
        )
      })
    )
  )

  it.live("statuses and times of service land on the right row, the one effective time on all", () =>
    atServer(
      () =>
        batch(
          [
            column("v.a", "int64", {
              status: ["PRESENT", "MISSING_DATA", "CACHED_PRESENT"],
              effectiveTime: "1970-01-01T00:00:01Z"
            }),
            column("v.b", "string", { status: ["TIME_OUT", "PRESENT"] })
          ],
          [
            ["1", null],
            [null, "b"],
            ["3", "c"]
          ],
          { sloInfo: [{ serverTimeSeconds: 1 }, { serverTimeSeconds: 2 }, { serverTimeSeconds: 3 }] }
        ),
      () =>
        Effect.gen(function* () {
          const service = FeatureService.make("s", {
            joinKeys: { user_id: Schema.String },
            features: { "v.a": Schema.BigInt, "v.b": Schema.String }
          })
          const rows = yield* collect(ids(3), TectonSource.features(service, byId))
          const effectiveTime = new Timestamp({ epochNanoseconds: 1_000_000_000n })
          assert.deepStrictEqual(
            rows.map(([, row]) => row),
            [
              { "v.a": { value: 1n, status: "PRESENT", effectiveTime }, "v.b": { value: null, status: "TIME_OUT" } },
              {
                "v.a": { value: null, status: "MISSING_DATA", effectiveTime },
                "v.b": { value: "b", status: "PRESENT" }
              },
              // A row that the list of statuses does not reach has none that is known.
              {
                "v.a": { value: 3n, status: "CACHED_PRESENT", effectiveTime },
                "v.b": { value: "c", status: "UNKNOWN_STATUS" }
              }
            ]
          )
          const reply = yield* Effect.flatMap(TectonClient, (tecton) =>
            tecton.getFeaturesBatch({ service: "s", lookups: [{}, {}, {}] })
          )
          assert.deepStrictEqual(
            reply.rows.map(({ sloInfo }) => sloInfo?.serverTimeSeconds),
            [1, 2, 3]
          )
        })
    )
  )

  it.live("a reply with more or fewer rows than were asked for is an error of all of them", () =>
    Effect.gen(function* () {
      for (const count of [0, 2, 4]) {
        yield* atServer(
          () =>
            batch(
              [column("profile.name", "string"), column("profile.visits", "int64")],
              Array.from({ length: count }, () => ["a", "1"])
            ),
          () =>
            Effect.gen(function* () {
              const rows = yield* collect(ids(3), TectonSource.featuresResults(users, { ...byId, retry: once }))
              assert.deepStrictEqual(
                told(rows),
                ids(3).map((id) => [id, "InvalidResponse"])
              )
              for (const [, row] of rows) assert.include(String(row), `it has ${count} vectors for 3 lookups`)
            })
        )
      }
    })
  )

  it.live("equal lookups are asked once, and those that differ in anything are not equal", () =>
    atServer(answerUsers, (server) =>
      Effect.gen(function* () {
        const rows = yield* collect(["u1", "u2", "u1", "u2", "u1"], TectonSource.featuresResults(users, byId))
        assert.deepStrictEqual(told(rows), answered(["u1", "u2", "u1", "u2", "u1"]))
        assert.deepStrictEqual(server.received.map(rowsOf), [[{ user_id: "u1" }, { user_id: "u2" }]])
      })
    )
  )

  it.live("the order of keys makes no other lookup, and what is sent the same is the same", () =>
    atServer(
      (request) =>
        batch(
          [column("v.n", "int64")],
          rowsOf(request).map((_, i) => [i])
        ),
      (server) =>
        Effect.gen(function* () {
          const service = FeatureService.make("s", {
            joinKeys: { a: Schema.Union([Schema.String, Schema.BigInt, Schema.Int]), b: Schema.String },
            requestContext: { x: Schema.Number, y: Schema.Number },
            features: { "v.n": Schema.BigInt }
          })
          interface Element {
            readonly keys: { readonly a: string | bigint | number; readonly b: string }
            readonly context: { readonly x: number; readonly y: number }
          }
          const elements: ReadonlyArray<Element> = [
            { keys: { a: "1", b: "2" }, context: { x: 1, y: 2 } },
            { keys: { b: "2", a: 1n }, context: { y: 2, x: 1 } },
            { keys: { a: 1, b: "2" }, context: { x: 1, y: 2 } },
            { keys: { a: "1", b: "2" }, context: { x: 1, y: 2.5 } },
            { keys: { a: "2", b: "1" }, context: { x: 1, y: 2 } }
          ]
          const step = TectonSource.features(service, {
            keys: ({ keys }: Element) => keys,
            requestContext: ({ context }) => context
          })
          const rows = yield* collect(elements, step)
          assert.deepStrictEqual(
            rows.map(([, row]) => row["v.n"].value),
            [0n, 0n, 0n, 1n, 2n]
          )
          assert.deepStrictEqual(server.received.map(rowsOf), [
            [
              { a: "1", b: "2" },
              { a: "1", b: "2" },
              { a: "2", b: "1" }
            ]
          ])
        })
    )
  )

  it.live("nor does it where any key is taken", () =>
    atServer(
      (request) => (request.path.includes("metadata") ? {} : { body: { result: rowsOf(request).map(() => ({})) } }),
      (server) =>
        Effect.gen(function* () {
          const service = yield* FeatureService.discover("s")
          const elements = [
            { a: "1", b: "2" },
            { b: "2", a: 1n },
            { a: "2", b: "1" },
            { b: "2", a: "1", c: undefined }
          ]
          yield* collect(elements, TectonSource.features(service, { keys: (keys: (typeof elements)[number]) => keys }))
          assert.deepStrictEqual(server.received.slice(1).map(rowsOf), [
            [
              { a: "1", b: "2" },
              { a: "2", b: "1" }
            ]
          ])
        })
    )
  )

  it.live("an element without a key that can be sent is an error in its place", () =>
    atServer(answerUsers, (server) =>
      Effect.gen(function* () {
        const rows = yield* collect(["u1", "", "u3"], TectonSource.featuresResults(users, byId))
        assert.deepStrictEqual(told(rows), [...answered(["u1"]), ["", "InvalidRecord"], ...answered(["u3"])])
        assert.deepStrictEqual(server.received.map(rowsOf), [[{ user_id: "u1" }, { user_id: "u3" }]])
      })
    )
  )
})

describe("case 9: a batch that fails", () => {
  const hasU7 = (request: Received) => rowsOf(request).some(({ user_id }) => user_id === "u7")
  const second = ids(12).slice(5, 10)

  const failures: ReadonlyArray<readonly [name: string, Reply, tag: string]> = [
    ["500", { status: 500, body: { error: "oh", code: 13, message: "oh" } }, "Unavailable"],
    ["reset", "reset", "ConnectionFailed"],
    ["HTML", { body: "<html></html>" }, "InvalidResponse"],
    ["429", { status: 429 }, "RateLimited"]
  ]
  it.live.each(failures)("%s: its rows fail in their places, the others keep theirs", ([, failure, tag]) =>
    atServer(
      (request) => (hasU7(request) ? failure : answerUsers(request)),
      (server) =>
        Effect.gen(function* () {
          const rows = yield* collect(ids(12), TectonSource.featuresResults(users, { ...byId, retry: once }))
          assert.deepStrictEqual(
            told(rows),
            ids(12).map((id) => [id, second.includes(id) ? tag : `name of ${id}`])
          )
          assert.lengthOf(server.received, 3)
        })
    )
  )

  it.live("the plain form fails, after the rows before it", () =>
    atServer(
      (request) => (hasU7(request) ? { status: 500 } : answerUsers(request)),
      () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(collect(ids(12), TectonSource.features(users, { ...byId, retry: once })))
          assert.strictEqual(error.reason._tag, "Unavailable")
        })
    )
  )

  it.live("one that is refused is halved until the bad row stands alone", () =>
    atServer(
      (request) =>
        hasU7(request)
          ? { status: 400, body: { error: "bad key", code: 3, message: "bad key" } }
          : answerUsers(request),
      (server) =>
        Effect.gen(function* () {
          const rows = yield* collect(ids(10), TectonSource.featuresResults(users, byId))
          assert.deepStrictEqual(
            told(rows),
            ids(10).map((id) => [id, id === "u7" ? "RequestRefused" : `name of ${id}`])
          )
          // The whole, then halves of it: none is sent twice.
          const asked = server.received.map((request) =>
            rowsOf(request)
              .map(({ user_id }) => user_id)
              .join()
          )
          assert.strictEqual(new Set(asked).size, asked.length)
          assert.include(asked, "u7")
        })
    )
  )

  it.live("the deadline keeps finished rows and marks the rest, and cancels what is in flight", () =>
    atServer(
      (request) => (hasU7(request) ? "hang" : answerUsers(request)),
      (server) =>
        Effect.gen(function* () {
          const rows = yield* collect(ids(12), TectonSource.featuresResults(users, { ...byId, deadline: "1 second" }))
          assert.deepStrictEqual(
            told(rows),
            ids(12).map((id) => [id, second.includes(id) ? "TimedOut" : `name of ${id}`])
          )
          yield* server.abandoned(1)
        })
    )
  )

  it.live("a call without an answer in time is a failed row, not a hang", () =>
    atServer(
      (request) => (hasU7(request) ? "hang" : answerUsers(request)),
      (server) =>
        Effect.gen(function* () {
          const rows = yield* collect(ids(12), TectonSource.featuresResults(users, { ...byId, retry: once }))
          assert.deepStrictEqual(
            told(rows),
            ids(12).map((id) => [id, second.includes(id) ? "TimedOut" : `name of ${id}`])
          )
          yield* server.abandoned(1)
        }),
      { timeout: "1 second" }
    )
  )

  it.live("interruption closes the connections", () =>
    atServer(
      () => "hang",
      (server) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(collect(ids(12), TectonSource.featuresResults(users, byId)))
          yield* server.arrived(3)
          yield* Fiber.interrupt(fiber)
          yield* server.abandoned(3)
          assert.lengthOf(server.received, 3)
        })
    )
  )
})

describe("case 11: rows in flight", () => {
  const inFlight = (waiting: Iterable<Received>) =>
    Array.from(waiting, (request) => rowsOf(request).length).reduce((a, b) => a + b, 0)

  it.live.each([
    [12, 5, 10],
    [5, 5, 5],
    [3, 5, 3],
    [4, 1, 4],
    [40, 5, 40]
  ] as const)("are never over %d; %d in a call, so %d", ([concurrency, maxBatch, most]) =>
    Effect.gen(function* () {
      const open = Promise.withResolvers<void>()
      const seen: Array<number> = []
      let limited = 0
      yield* atServer(
        async (request, n, waiting) => {
          const rows = inFlight(waiting)
          seen.push(rows)
          if (rows > concurrency) {
            limited++
            return { status: 429 }
          }
          // The first wait until as many are there as there will be.
          if (rows === most) open.resolve()
          if (n < most) await open.promise
          return answerUsers(request)
        },
        () =>
          Effect.gen(function* () {
            const rows = yield* collect(
              ids(97),
              TectonSource.featuresResults(users, { ...byId, concurrency, maxBatch })
            )
            assert.deepStrictEqual(told(rows), answered(ids(97)))
          })
      )
      assert.strictEqual(Math.max(...seen), most)
      assert.strictEqual(limited, 0)
    })
  )

  it.live("are never over the limit of a layer, whatever streams and calls they are of", () =>
    Effect.gen(function* () {
      const open = Promise.withResolvers<void>()
      let most = 0
      yield* atServer(
        async (request, n, waiting) => {
          const rows = inFlight(waiting)
          // A call that is larger than the limit goes alone.
          if (waiting.size > 1) most = Math.max(most, rows)
          // Two calls of five rows fit below twelve, and two of one row beside them.
          if (n >= 1) open.resolve()
          await open.promise
          return answerUsers(request)
        },
        () =>
          Effect.gen(function* () {
            const tecton = yield* TectonClient
            const steps = Array.from({ length: 4 }, (_, step) =>
              collect(
                ids(30).map((id) => `${id}${step}`),
                TectonSource.features(users, byId)
              )
            )
            const one = tecton.getFeatures({ service: "users", joinKeys: { user_id: "u9" } })
            const large = tecton.getFeaturesBatch({
              service: "users",
              lookups: Arr.makeBy(20, (n) => ({ joinKeys: { user_id: `u${n}` } }))
            })
            const replies = yield* Effect.all([Effect.all(steps, { concurrency: 4 }), one, large], { concurrency: 3 })
            assert.deepStrictEqual(
              replies[0].map(({ length }) => length),
              [30, 30, 30, 30]
            )
          }),
        { maxRowsInFlight: 12 }
      )
      assert.isAtMost(most, 12)
      assert.isAtLeast(most, 2)
    })
  )

  it.live("a batch over the limit of a layer takes all of it, and who waits for room is not late", () =>
    Effect.gen(function* () {
      const open = Promise.withResolvers<void>()
      const isRead = ({ path }: Received) => path.includes("get-features")
      yield* atServer(
        async (request) => {
          if (!isRead(request)) return {}
          await open.promise
          return answerUsers(request)
        },
        (server) =>
          Effect.gen(function* () {
            const tecton = yield* TectonClient
            const large = yield* Effect.forkChild(
              tecton.getFeaturesBatch({
                service: "users",
                lookups: Arr.makeBy(7, (n) => ({ joinKeys: { user_id: `u${n}` } }))
              })
            )
            yield* server.arrived(1)
            const others = yield* Effect.forkChild(
              Effect.all(
                [
                  tecton.getFeatures({ service: "users", joinKeys: { user_id: "u8" } }),
                  collect(ids(9), TectonSource.features(users, byId)),
                  collect(ids(9), TectonSource.features(users, { ...byId, maxBatch: 1 }))
                ],
                { concurrency: "unbounded" }
              )
            )
            // Metadata have no rows, and go out meanwhile.
            for (const _ of ids(10)) yield* tecton.metadata({ service: "users" })
            assert.lengthOf(Array.from(server.waiting).filter(isRead), 1)
            open.resolve()
            assert.lengthOf((yield* Fiber.join(large)).rows, 7)
            const [single, some, more] = yield* Fiber.join(others)
            assert.deepStrictEqual([single.rows.length, some.length, more.length], [1, 9, 9])
          }),
        { maxRowsInFlight: 5 }
      )
    })
  )

  it.live("each layer has a limit of its own", () =>
    Effect.gen(function* () {
      const both = Promise.withResolvers<void>()
      const handler = async (request: Received, n: number): Promise<Reply> => {
        if (n === 1) both.resolve()
        await both.promise
        return answerUsers(request)
      }
      yield* atServer(
        handler,
        (server) =>
          Effect.gen(function* () {
            const other = yield* serviceOf(server.url, { maxRowsInFlight: 1 })
            const read = { service: "users", joinKeys: { user_id: "u1" } }
            const tecton = yield* TectonClient
            yield* Effect.all([tecton.getFeatures(read), other.getFeatures(read)], { concurrency: 2 })
          }),
        { maxRowsInFlight: 1 }
      )
    })
  )
})

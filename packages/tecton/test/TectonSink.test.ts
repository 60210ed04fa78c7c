import { RecordsNotWritten } from "@effect-connectors/core/Outcome"
import * as StreamSource from "@effect-connectors/tecton/StreamSource"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import { Timestamp, TimestampSchema } from "@effect-connectors/tecton/Timestamp"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { atServer, requestOf, scripted } from "./support/index.ts"
import { run, runAll } from "../../../test/support/outcomes.ts"
import { assertHidden, clientSecret, key, refusalOf } from "./support/secrets.ts"
import type { Received, Reply } from "./support/server.ts"

interface Event {
  readonly user_id: string
  readonly n: number
  readonly bad?: boolean
  readonly [field: string]: string | number | boolean | undefined
}

const toClicks = { source: "clicks", joinKeys: ["user_id"] } as const

const retry = { maxAttempts: 6, base: "1 millis", cap: "2 millis" } as const

/** The events of a request. */
const eventsOf = (request: Received): ReadonlyArray<Event> => {
  const body: { readonly records: { readonly clicks: ReadonlyArray<{ readonly record: Event }> } } = JSON.parse(
    request.body
  )
  return body.records.clicks.map(({ record }) => record)
}

const recordErrors = {
  workspaceName: "prod",
  recordErrors: [
    {
      featureViewName: "clicks_1h",
      pushSourceName: "clicks",
      errorType: "TectonObjectValidationError",
      errorMessage: "no such type"
    }
  ]
}

/** A store that takes a request whole or refuses it whole, as Tecton does. */
const store = (status: number) => {
  const taken: Array<Event> = []
  const answer = (request: Received): Reply => {
    const events = eventsOf(request)
    if (events.some(({ bad }) => bad === true)) return { status, body: recordErrors }
    taken.push(...events)
    return {}
  }
  return { taken, answer }
}

const events = (count: number, bad: ReadonlyArray<number> = [], users = 4): ReadonlyArray<Event> =>
  Array.from({ length: count }, (_, n) => ({ user_id: `u${n % users}`, n, ...(bad.includes(n) ? { bad: true } : {}) }))

/** Each user's events in the order of the stream. */
const assertInOrder = (taken: ReadonlyArray<Event>) => {
  for (const own of Object.values(Object.groupBy(taken, ({ user_id }) => user_id))) {
    const ns = (own ?? []).map(({ n }) => n)
    assert.deepStrictEqual(
      ns,
      ns.toSorted((a, b) => a - b)
    )
  }
}

describe("case 14: request bodies", () => {
  const at = new Timestamp({ epochNanoseconds: 1_672_619_106_123_456_789n })
  const source = StreamSource.make('clicks "1"', {
    schema: Schema.Struct({
      user_id: Schema.String,
      timestamp: TimestampSchema,
      clicked: Schema.BigInt,
      score: Schema.Number,
      where: Schema.Struct({ lat: Schema.Number }),
      tags: Schema.Record(Schema.String, Schema.NullOr(Schema.Int)),
      note: Schema.optionalKey(Schema.String)
    }),
    joinKeys: ["user_id"]
  })
  const record = { user_id: "é", timestamp: at, clicked: 7n, score: NaN, where: { lat: 1.5 }, tags: { a: 1, b: null } }
  const json =
    `{"record":{"user_id":"é","timestamp":"2023-01-02T00:25:06.123456789Z","clicked":7,"score":"NaN",` +
    `"where":{"lat":1.5},"tags":{"a":1,"b":null}}}`
  const records = `"records":{"clicks \\"1\\"":[${json},${json}]}`

  it.live.each([
    ["v1", false, "/ingest", `{"workspace_name":"prod","dry_run":false,${records}}`],
    ["v1", true, "/ingest", `{"workspace_name":"prod","dry_run":true,${records}}`],
    ["v2", false, "/v2/ingest", `{"workspaceName":"prod","dryRun":false,${records}}`],
    ["v2", true, "/v2/ingest", `{"workspaceName":"prod","dryRun":true,${records}}`]
  ] as const)("%s, dry run: %s", ([ingestApi, dryRun, path, body]) =>
    atServer(
      () => ({}),
      (server) =>
        Effect.gen(function* () {
          const elements = [record, { ...record }]
          const { written } = yield* runAll(elements, TectonSink.ingestOutcomes({ source, dryRun }))
          assert.lengthOf(written, 2)
          const sent = requestOf(server)
          assert.deepInclude(sent, { method: "POST", path, body })
          assert.strictEqual(sent.headers.authorization, `Tecton-key ${key}`)
          assert.strictEqual(sent.headers["content-type"], "application/json")
        }),
      { ingestApi }
    )
  )

  it.live("several sources in one call of the client, and its size is the sum of its parts", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([{}, {}])
      const [a, b] = [Result.getOrThrow(tecton.encode({ x: "é" })), Result.getOrThrow(tecton.encode({ y: 1n }))]
      yield* tecton.ingest({
        records: new Map([
          ["s1", [a, b]],
          ["s2", [b]]
        ]),
        dryRun: undefined
      })
      yield* tecton.ingest({ records: new Map([["s1", [a, b]]]) })
      const [two, one] = server.received
      assert.strictEqual(
        two?.body,
        `{"workspace_name":"prod","dry_run":false,"records":{"s1":[{"record":{"x":"é"}},{"record":{"y":1}}],"s2":[{"record":{"y":1}}]}}`
      )
      // The last record needs no separator.
      assert.strictEqual(
        tecton.limits.ingestEnvelopeBytes("s1") + a.bytes + b.bytes - 1,
        Buffer.byteLength(one?.body ?? "")
      )
    })
  )

  it.live("10 records in a call by default", () =>
    atServer(
      () => ({}),
      (server) =>
        Effect.gen(function* () {
          yield* runAll(events(23), TectonSink.ingestOutcomes(toClicks))
          assert.sameMembers(
            server.received.map((request) => eventsOf(request).length),
            [10, 10, 3]
          )
        })
    )
  )

  it.live("an element can carry its record, and comes back whole", () =>
    atServer(
      () => ({}),
      (server) =>
        Effect.gen(function* () {
          const elements = events(3).map((event) => ({ event, offset: Symbol(`${event.n}`) }))
          const { written } = yield* runAll(
            elements,
            TectonSink.ingestOutcomes({ ...toClicks, record: ({ event }: (typeof elements)[number]) => event })
          )
          assert.sameMembers(written, elements)
          assert.deepStrictEqual(eventsOf(requestOf(server)), events(3))
        })
    )
  )

  it.live("no request is over maxRequestBytes, and a record that is alone over it is set aside", () =>
    atServer(
      () => ({}),
      (server) =>
        Effect.gen(function* () {
          const elements: ReadonlyArray<Event> = [
            ...events(30),
            { user_id: "u1", n: 30, text: "x".repeat(400) },
            ...events(3)
          ]
          const { notWritten } = yield* runAll(elements, TectonSink.ingestOutcomes({ ...toClicks, maxRecords: 100 }))
          assert.lengthOf(notWritten, 1)
          const [refused] = notWritten
          assert.strictEqual(refused?.input, elements[30])
          assert.strictEqual(refused?.error.reason._tag, "RecordTooLarge")
          assert.include(refused?.error.message, `record "[\\"u1\\"]" takes`)
          assert.isAbove(server.received.length, 1)
          for (const { body } of server.received) assert.isAtMost(Buffer.byteLength(body), 400)
          assert.lengthOf(server.received.flatMap(eventsOf), 33)
        }),
      { maxRequestBytes: 400 }
    )
  )
})

describe("case 14: what is refused", () => {
  it.live.each([200, 400, 404, 409, 422, 500, 503] as const)(
    "the bad record of a call is found by halves, whether it comes with %d",
    (status) => {
      const { answer, taken } = store(status)
      return atServer(answer, (server) =>
        Effect.gen(function* () {
          const elements = events(40, [3, 17, 18])
          const { notWritten, written } = yield* runAll(
            elements,
            TectonSink.ingestOutcomes({ ...toClicks, concurrency: 4 })
          )
          assert.sameMembers(
            written,
            elements.filter(({ bad }) => bad !== true)
          )
          assert.sameMembers(
            notWritten.map(({ input }) => input),
            [elements[3]!, elements[17]!, elements[18]!]
          )
          for (const { _tag, error, input } of notWritten) {
            assert.strictEqual(_tag, "Rejected")
            assert.deepInclude(error.reason, { _tag: "RequestRefused", wire: { status } })
            assert.include(error.message, `record of ["${input.user_id}"]: clicks_1h: no such type`)
            yield* assertHidden(error)
          }
          // The others are written once, and each user's in order.
          assert.sameDeepMembers(
            taken,
            elements.filter(({ bad }) => bad !== true)
          )
          assertInOrder(taken)
          assert.isAtMost(server.received.length, 4 + 3 * 2 * 4)
        })
      )
    }
  )

  const answers: ReadonlyArray<readonly [name: string, Reply, says: string]> = [
    [
      "requestError with 400",
      {
        status: 400,
        body: { requestError: { errorMessage: "workspace_name is missing", errorType: "RequestValidationError" } }
      },
      "workspace_name is missing"
    ],
    ["requestError with 200", { body: { requestError: { errorMessage: "not today" } } }, "not today"],
    [
      "requestError of a type alone with 200",
      { body: { requestError: { errorType: "RequestValidationError" } } },
      "RequestValidationError"
    ],
    ["an empty requestError with 200", { body: { requestError: {} } }, "refused"],
    ["recordErrors that is no list with 200", { body: { recordErrors: "all of them" } }, "all of them"]
  ]
  it.live.each(answers)("%s is no success", ([, answer, says]) =>
    atServer(
      () => answer,
      () =>
        Effect.gen(function* () {
          const { notWritten } = yield* runAll(events(1), TectonSink.ingestOutcomes(toClicks))
          assert.strictEqual(notWritten[0]?._tag, "Rejected")
          assert.include(notWritten[0]?.error.message, says)
        })
    )
  )

  it.live("the plain form writes the others, and fails at its end", () => {
    const { answer, taken } = store(400)
    return atServer(answer, () =>
      Effect.gen(function* () {
        const elements = events(12, [5])
        const error = yield* refusalOf(Stream.runDrain(TectonSink.ingest(toClicks)(Stream.fromIterable(elements))))
        assert(error instanceof RecordsNotWritten)
        assert.include(error, { written: 11, rejected: 1, unknown: 0 })
        assert.strictEqual(error.first[0]?.input, elements[5])
        assert.lengthOf(taken, 11)
      })
    )
  })

  it.live("the plain form gives what was written", () =>
    atServer(
      () => ({}),
      () =>
        Effect.gen(function* () {
          const elements = events(3)
          const written = yield* Stream.runCollect(TectonSink.ingest(toClicks)(Stream.fromIterable(elements)))
          assert.sameMembers(
            written.map(({ input }) => input),
            [...elements]
          )
        })
    )
  )

  it.live.prop(
    "exactly the bad records are rejected, the others taken once and in order, whatever fails on the way",
    {
      bad: Arbitrary.schema(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 39 })))),
      hiccups: Arbitrary.schema(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })))),
      maxRecords: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 })))
    },
    ({ bad, hiccups, maxRecords }) =>
      Effect.gen(function* () {
        const { answer, taken } = store(bad.length % 2 === 0 ? 200 : 400)
        let calls = 0
        const fetch: typeof globalThis.fetch = async (_input, init) => {
          if (hiccups.includes(calls++)) return new Response("later", { status: 429 })
          const body =
            typeof init?.body === "string"
              ? init.body
              : new TextDecoder().decode(await new Response(init?.body).bytes())
          const reply = answer({ method: "POST", path: "", headers: {}, body })
          assert(typeof reply === "object")
          return Response.json(reply.body ?? {}, { status: reply.status ?? 200 })
        }
        const elements = events(40, bad)
        const { notWritten, written } = yield* Effect.provide(
          runAll(
            elements,
            TectonSink.ingestOutcomes({ ...toClicks, maxRecords, retry: { ...retry, maxAttempts: 40 } })
          ),
          TectonClient.layer({
            url: "https://a.b",
            ingestUrl: "https://c.d",
            workspace: "prod",
            apiKey: Redacted.make(key),
            fetch
          })
        )
        assert.sameMembers(
          notWritten.map(({ input }) => input),
          elements.filter(({ bad }) => bad === true)
        )
        assert.sameDeepMembers(taken, written)
        assertInOrder(taken)
      }),
    { arbitrary: { runs: 50 } }
  )
})

describe("case 14: what never leaves", () => {
  const source = StreamSource.make("clicks", {
    schema: Schema.Struct({ user_id: Schema.NonEmptyString, n: Schema.BigInt }),
    joinKeys: ["user_id"]
  })

  it.live("records that a schema does not take, those without a form, and those beyond 2^53", () =>
    atServer(
      () => ({}),
      (server) =>
        Effect.gen(function* () {
          const elements = [
            { user_id: "a", n: 1n },
            { user_id: "", n: 2n },
            { user_id: "b", n: 2n ** 53n + 1n },
            { user_id: "c", n: 2n ** 63n },
            { user_id: "d", n: 4n }
          ]
          const { notWritten, written } = yield* runAll(elements, TectonSink.ingestOutcomes({ source }))
          assert.sameMembers(written, [elements[0]!, elements[4]!])
          assert.deepStrictEqual(
            notWritten.map(({ error, input }) => [elements.indexOf(input), error.reason._tag, error.reason.message]),
            [
              [1, "InvalidRecord", "user_id must be a value with a length of at least 1"],
              [
                2,
                "InvalidRecord",
                "n holds 9007199254740993, an int64 beyond 2^53, whose digits Tecton may lose; see the option largeInt64"
              ],
              [3, "InvalidRecord", "n is 9223372036854775808, which is no int64"]
            ]
          )
          for (const outcome of notWritten) assert.strictEqual(outcome._tag === "Rejected" && outcome.attempts, 0)
          assert.strictEqual(requestOf(server).body.match(/"record"/g)?.length, 2)
        })
    )
  )

  it.live("elements that are no records", () =>
    atServer(
      () => ({}),
      (server) =>
        Effect.gen(function* () {
          const elements: ReadonlyArray<{ readonly a: number }> = [{ a: 1 }, ...JSON.parse(`[null, [1], "x", 7]`)]
          const { notWritten } = yield* runAll(elements, TectonSink.ingestOutcomes({ source: "clicks", joinKeys: [] }))
          assert.lengthOf(notWritten, 4)
          for (const { error } of notWritten) assert.include(error.message, "record is not an object")
          assert.include(requestOf(server).body, `"clicks":[{"record":{"a":1}}]`)
        })
    )
  )

  it.live.each([
    ["number", "9007199254740993"],
    ["string", `"9007199254740993"`]
  ] as const)("unless largeInt64 is %s", ([largeInt64, text]) =>
    atServer(
      () => ({}),
      (server) =>
        Effect.gen(function* () {
          yield* runAll([{ user_id: "a", n: 2n ** 53n + 1n }], TectonSink.ingestOutcomes({ source }))
          assert.include(requestOf(server).body, `"n":${text}}`)
        }),
      { largeInt64 }
    )
  )
})

describe("writes that fail", () => {
  it.live("a call that may have been applied is unknown, one that was not is rejected", () =>
    Effect.gen(function* () {
      for (const [reply, kind, tag] of [
        ["reset", "Unknown", "ConnectionFailed"],
        [{ status: 503 }, "Unknown", "Unavailable"],
        [{ status: 504 }, "Unknown", "TimedOut"],
        [{ status: 408 }, "Unknown", "InvalidResponse"],
        [{ body: "<html>" }, "Unknown", "InvalidResponse"],
        [{ status: 429 }, "Rejected", "RateLimited"]
      ] as const) {
        yield* atServer(
          () => reply,
          (server) =>
            Effect.gen(function* () {
              const elements = events(3)
              const { notWritten } = yield* runAll(
                elements,
                TectonSink.ingestOutcomes({ ...toClicks, retry: { ...retry, maxAttempts: 2 } })
              )
              assert.deepStrictEqual(
                notWritten.map(({ _tag, error }) => [_tag, error.reason._tag]),
                elements.map(() => [kind, tag])
              )
              assert.lengthOf(server.received, tag === "InvalidResponse" ? 1 : 2)
            })
        )
      }
    })
  )

  it.live("no answer in time is unknown", () =>
    atServer(
      () => "hang",
      (server) =>
        Effect.gen(function* () {
          const { notWritten } = yield* runAll(
            events(1),
            TectonSink.ingestOutcomes({ ...toClicks, retry: { maxAttempts: 1 } })
          )
          assert.strictEqual(notWritten[0]?._tag, "Unknown")
          assert.deepInclude(notWritten[0]?.error.reason, { _tag: "TimedOut", afterMillis: 50 })
          yield* server.abandoned(1)
        }),
      { ingestTimeout: "50 millis" }
    )
  )

  it.live("each user's records stay in order when calls are repeated", () => {
    const { answer, taken } = store(400)
    return atServer(
      (request, n) => (n % 3 === 0 ? { status: 429 } : answer(request)),
      () =>
        Effect.gen(function* () {
          const elements = events(200, [50], 7)
          const { notWritten } = yield* runAll(
            elements,
            TectonSink.ingestOutcomes({ ...toClicks, concurrency: 8, retry: { ...retry, maxAttempts: 50 } })
          )
          assert.lengthOf(notWritten, 1)
          assert.lengthOf(taken, 199)
          assertInOrder(taken)
        })
    )
  })

  it.live("a key is the same as a number and as a bigint", () => {
    let most = 0
    return atServer(
      async (_request, _n, waiting) => {
        // Time for another call to arrive, if one is on its way.
        for (let i = 0; i < 50 && waiting.size < 2; i++) await new Promise((resolve) => setImmediate(resolve))
        most = Math.max(most, waiting.size)
        return {}
      },
      () =>
        Effect.gen(function* () {
          const options = { ...toClicks, maxRecords: 1, concurrency: 2 }
          const n = 1
          yield* runAll(
            [
              { user_id: 7, n },
              { user_id: 7n, n }
            ],
            TectonSink.ingestOutcomes(options)
          )
          assert.strictEqual(most, 1)
          yield* runAll(
            [
              { user_id: 7, n },
              { user_id: 8, n }
            ],
            TectonSink.ingestOutcomes(options)
          )
          assert.strictEqual(most, 2)
        })
    )
  })

  it.live("a wrong key and a missing right stop the stream, and every record has its outcome", () =>
    Effect.gen(function* () {
      for (const [status, tag, says] of [
        [401, "Unauthorized", "check the key and what it belongs to"],
        [403, "Forbidden", "Consumer"],
        [404, "NotFound", `stream source "clicks" does not exist`]
      ] as const) {
        yield* atServer(
          () => ({ status, body: { requestError: { errorMessage: `a Consumer can not write with ${key}` } } }),
          (server) =>
            Effect.gen(function* () {
              const elements = events(10)
              const { exit, notWritten } = yield* run(elements, TectonSink.ingestOutcomes(toClicks))
              assert.isTrue(Exit.isFailure(exit))
              assert.lengthOf(notWritten, 10)
              for (const { error } of notWritten) {
                assert.strictEqual(error.reason._tag, tag)
                assert.include(error.message, says)
                yield* assertHidden(error)
              }
              assert.lengthOf(server.received, 1)
            })
        )
      }
    })
  )

  it.live("without an ingestUrl or an apiKey nothing is sent", () =>
    atServer(
      () => ({}),
      (server) =>
        Effect.gen(function* () {
          for (const [options, option] of [
            [{ ingestUrl: undefined }, "ingestUrl"],
            [{ apiKey: undefined, oauth: { clientId: "id", clientSecret: Redacted.make(clientSecret) } }, "apiKey"]
          ] as const) {
            const { tecton } = yield* scripted([], options)
            const { reason } = yield* refusalOf(tecton.ingest({ records: new Map() }))
            assert.deepInclude(reason, { _tag: "InvalidOption", option })
          }
          assert.lengthOf(server.received, 0)
        })
    )
  )
})

describe("options of ingest", () => {
  const cases = [
    ["maxRecords", { maxRecords: 0 }],
    ["maxRecords", { maxRecords: 1.5 }],
    ["maxBytes", { maxBytes: 0 }],
    ["maxOpenBytes", { maxOpenBytes: -1 }],
    ["concurrency", { concurrency: NaN }],
    ["linger", { linger: "-1 seconds" }]
  ] as const
  it.live.each(cases)("%s %j", ([option, options]) =>
    atServer(
      () => ({}),
      (server) =>
        Effect.gen(function* () {
          let pulled = 0
          const source = Stream.fromEffectRepeat(Effect.sync(() => ({ n: pulled++ }))).pipe(Stream.take(3))
          const error = yield* refusalOf(
            Stream.runDrain(TectonSink.ingestOutcomes({ ...toClicks, ...options })(source))
          )
          assert.deepInclude(error, { _tag: "TectonError", operation: "ingest", subject: "clicks" })
          assert.deepInclude(error.reason, { _tag: "InvalidOption", option })
          assert.strictEqual(pulled, 0)
          assert.lengthOf(server.received, 0)
        })
    )
  )

  it.live("an empty stream sends nothing", () =>
    atServer(
      () => ({}),
      (server) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* Stream.runCollect(TectonSink.ingest(toClicks)(Stream.empty)), [])
          assert.lengthOf(server.received, 0)
        })
    )
  )
})

/**
 * The cases an honest Tecton client and emulator must pass, end to end: the real client, over HTTP, to the emulator.
 * What the client alone can show of them is in `packages/tecton/test`, under the same numbers.
 */
import * as Outcome from "@effect-connectors/core/Outcome"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import type { IngestRecord, Options as ClientOptions } from "@effect-connectors/tecton/TectonApi"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import type { Options } from "@effect-connectors/testkit/TectonEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Raw, raw, reading, until, v1, v2 } from "./tectonRaw.ts"
import { at, click, featuresOf, ingest, start } from "./tectonSupport.ts"

interface Setting {
  readonly emulator?: Options
  readonly client?: Partial<ClientOptions>
}

/** Runs `body` with a client of an emulator whose clock stands at the start. */
const through = <A, E>(
  body: (raw: Raw) => Effect.Effect<A, E, TectonClient | Scope.Scope>,
  { client, emulator }: Setting = {}
) =>
  Effect.gen(function* () {
    const served = yield* raw(emulator)
    const { url } = served.emulator
    const layer = TectonClient.layer({
      url,
      ingestUrl: url,
      workspace: "prod",
      apiKey: Redacted.make("test-key"),
      ...client
    })
    return yield* Effect.provide(body(served), layer)
  })

const users = FeatureService.make("clicks", {
  joinKeys: { user_id: Schema.NullOr(Schema.String) },
  features: { "user_clicks.sum_1h": Schema.BigInt, "user_clicks.count_1d": Schema.BigInt }
})

const keys = (user_id: string | null) => ({ user_id })

const sums = (names: ReadonlyArray<string | null>, settings: TectonSource.FeaturesSettings = {}) =>
  Stream.fromIterable(names).pipe(
    TectonSource.features(users, { ...settings, keys }),
    Stream.map(([, vector]) => vector["user_clicks.sum_1h"].value),
    Stream.runCollect
  )

const clicks = (records: ReadonlyArray<IngestRecord>, settings: TectonSink.Settings = {}) =>
  Stream.fromIterable(records).pipe(
    TectonSink.ingestOutcomes({ ...settings, source: "clicks", joinKeys: ["user_id"] }),
    Stream.runCollect,
    Effect.tap((outcomes) =>
      Effect.sync(() =>
        assert.sameMembers(
          outcomes.map(({ input }) => input),
          [...records]
        )
      )
    )
  )

const many = (count: number, prefix = "u") =>
  Array.from({ length: count }, (_, n) => click(-n, { user_id: `${prefix}${n}`, clicked: n }))

describe("case 1: casing", () => {
  it.live("snake case, camel case and a mixture have answers that are equal to the byte, in camel case", () =>
    through(({ post }) =>
      Effect.gen(function* () {
        yield* clicks(many(3))
        const lookup = {
          joinKeyMap: { user_id: "u2" },
          metadataOptions: { includeNames: true, includeServingStatus: true }
        }
        const snake = {
          params: {
            workspace_name: "prod",
            feature_service_name: "clicks",
            join_key_map: { user_id: "u2" },
            metadata_options: { include_names: true, include_serving_status: true }
          }
        }
        const mixed = { params: { ...snake.params, workspace_name: undefined, workspaceName: "prod" } }
        const answers = [
          yield* post(v1("get-features"), reading("clicks", lookup)),
          yield* post(v1("get-features"), snake),
          yield* post(v1("get-features"), mixed),
          yield* post(v2("clicks", "get-features"), { params: lookup })
        ]
        assert.strictEqual(new Set(answers.map(({ text }) => text)).size, 1)
        assert.include(answers[0]?.text, '"status":"PRESENT"')
        assert.notMatch(answers[0]?.text ?? "", /"[a-z]+_[a-z]+":/)
      })
    )
  )
})

describe("case 2: a bare vector", () => {
  it.live("has no metadata, and is read by position by a service that was bound", () =>
    through(({ post }) =>
      Effect.gen(function* () {
        yield* clicks(many(3))
        const bare = yield* post(v1("get-features"), reading("clicks", { joinKeyMap: { user_id: "u2" } }))
        assert.match(bare.text, /^\{"result":\{"features":\[[^\]]*\][^}]*\]?\}\}$/)
        const bound = yield* FeatureService.bind(users, { names: false })
        const ask = TectonSource.features(bound, { keys, statuses: false, effectiveTimes: false })
        const [row] = yield* Stream.make("u2").pipe(ask, Stream.runCollect)
        assert.deepStrictEqual(row?.[1]["user_clicks.sum_1h"], { value: 2n })
      })
    )
  )
})

describe("case 3: int64", () => {
  it.live("keeps every digit on its way in and out", () =>
    through(
      () =>
        Effect.gen(function* () {
          const [large, small, odd] = [9223372036854775807n, -9223372036854775808n, 9007199254740993n]
          const written = yield* clicks(
            [large, small, odd].map((clicked, n) => click(-n, { user_id: `u${n}`, clicked }))
          )
          assert.isTrue(written.every(Outcome.isWritten))
          assert.deepStrictEqual(yield* sums(["u0", "u1", "u2"]), [large, small, odd])
        }),
      { client: { largeInt64: "number" } }
    )
  )
})

describe("case 7: order and status", () => {
  it.live("realtime features come first and are there under a budget, the others are null with TIME_OUT", () =>
    through(
      () =>
        Effect.gen(function* () {
          const all = yield* FeatureService.discover("all")
          const [row] = yield* Stream.make("u").pipe(
            TectonSource.features(all, {
              keys: (user_id) => ({ user_id }),
              requestContext: () => ({ amount: 250, big: 9007199254740993n }),
              latencyBudget: "100 millis"
            }),
            Stream.runCollect
          )
          const told = Object.entries(row![1]).map(([name, { status, value }]) => [name, status, value])
          assert.deepStrictEqual(told.slice(0, 4), [
            ["computed.isLarge", "PRESENT", true],
            ["payment.big", "PRESENT", 9007199254740993n],
            ["payment.amount", "PRESENT", 250],
            ["profile.age", "TIME_OUT", null]
          ])
          assert.isTrue(told.slice(3).every(([, status, value]) => status === "TIME_OUT" && value === null))
        }),
      { emulator: { latency: "1 hour" } }
    )
  )
})

describe("case 8: batches", () => {
  for (const [rows, maxBatch] of [0, 1, 5, 6, 18].flatMap((rows) => [[rows, 1] as const, [rows, 5] as const])) {
    it.live(`${rows} rows by ${maxBatch} are in order`, () =>
      through(() =>
        Effect.gen(function* () {
          yield* clicks(many(18))
          const names = Array.from({ length: rows }, (_, n) => `u${17 - n}`)
          assert.deepStrictEqual(
            yield* sums(names, { maxBatch }),
            names.map((_, n) => BigInt(17 - n))
          )
        })
      )
    )
  }
})

describe("case 11: concurrency", () => {
  const names = Array.from({ length: 120 }, (_, n) => `u${n}`)

  for (const [maxBatch, most] of [
    [1, 12],
    // Two calls of five fit, and a third does not.
    [5, 10]
  ] as const) {
    it.live(`a client whose concurrency is the server's limit uses all of it, by ${maxBatch}`, () =>
      through(
        ({ emulator: { concurrency } }) =>
          Effect.gen(function* () {
            yield* Effect.forkChild(sums(names, { maxBatch, concurrency: 12, retry: { maxAttempts: 1 } }))
            yield* until(Effect.map(concurrency.inFlight, (rows) => rows === most))
            assert.strictEqual(yield* concurrency.refused, 0)
          }),
        {
          emulator: { concurrencyLimit: 12, latency: "1 hour", serverTimeout: "2 hours" },
          client: { timeout: "3 hours" }
        }
      )
    )

    it.live(`and is never refused, by ${maxBatch}`, () =>
      through(
        ({ emulator: { concurrency } }) =>
          Effect.gen(function* () {
            yield* sums(names, { maxBatch, concurrency: 12, retry: { maxAttempts: 1 } })
            assert.strictEqual(yield* concurrency.refused, 0)
            assert.isAtMost(yield* concurrency.peak, most)
          }),
        { emulator: { concurrencyLimit: 12 } }
      )
    )
  }

  it.live("one that asks for more is refused, tries again, and has every answer", () =>
    through(
      ({ emulator: { concurrency } }) =>
        Effect.gen(function* () {
          yield* clicks(many(60))
          const tecton = yield* TectonClient
          const lookup = { joinKeys: { user_id: "u" } }
          // Another call takes every place, until this one has been refused.
          const other = yield* Effect.forkChild(
            tecton.getFeaturesBatch({ service: "clicks", lookups: Arr.makeBy(10, () => lookup) })
          )
          yield* until(Effect.map(concurrency.inFlight, (rows) => rows === 10))
          const asked = names.slice(0, 60)
          const reading = yield* Effect.forkChild(
            sums(asked, { concurrency: 60, retry: { base: "5 millis", maxAttempts: 100 } })
          )
          yield* until(Effect.map(concurrency.refused, (calls) => calls > 0))
          yield* Fiber.interrupt(other)
          assert.deepStrictEqual(
            yield* Fiber.join(reading),
            asked.map((_, n) => BigInt(n))
          )
          assert.strictEqual(yield* concurrency.peak, 10)
        }),
      {
        emulator: {
          concurrencyLimit: 10,
          faultPlan: FaultPlan.make([
            {
              name: "other",
              when: FaultPlan.nth(1),
              operations: ["getFeaturesBatch"],
              fault: FaultPlan.stall("1 hour")
            }
          ])
        },
        client: { timeout: "3 hours" }
      }
    )
  )
})

describe("case 13: ingest", () => {
  it.live("two sources in a call; a view for each subscriber, counts that are numbers", () =>
    through(() =>
      Effect.gen(function* () {
        const tecton = yield* TectonClient
        const record = (fields: IngestRecord) => Result.getOrThrow(tecton.encode(fields))
        const reply = yield* tecton.ingest({
          records: new Map([
            ["clicks", [record(click(0)), record(click(-1))]],
            ["profiles", [record({ user_id: "u", at: at(0), country: "NL" })]]
          ])
        })
        assert.deepStrictEqual(
          reply.featureViews.map(({ name, online }) => [name, online]),
          [
            ["user_clicks", 2n],
            ["shop_clicks", 2n],
            ["tiled", 2n],
            ["profile", 1n]
          ]
        )
        assert.deepStrictEqual(yield* featuresOf(tecton, "country", "u"), { "profile.country": "NL" })
      })
    )
  )

  it.live("what was acknowledged can be read; a resend changes nothing", () =>
    through(() =>
      Effect.gen(function* () {
        const records = [click(-2, { clicked: 5 }), click(-1, { clicked: 7 })]
        assert.isTrue((yield* clicks(records)).every(Outcome.isWritten))
        assert.deepStrictEqual(yield* sums(["u"]), [12n])
        assert.isTrue((yield* clicks(records)).every(Outcome.isWritten))
        assert.deepStrictEqual(yield* sums(["u"]), [12n])
      })
    )
  )

  it.live("an older time does not overwrite, an equal one does", () =>
    through(() =>
      Effect.gen(function* () {
        const tecton = yield* TectonClient
        const seen: Array<unknown> = []
        for (const [seconds, country] of [
          [0, "NL"],
          [-1, "BE"],
          [0, "FR"]
        ] as const) {
          yield* ingest(tecton, "profiles", [{ user_id: "u", at: at(seconds), country }])
          seen.push(yield* featuresOf(tecton, "country", "u"))
        }
        assert.deepStrictEqual(
          seen,
          ["NL", "NL", "FR"].map((country) => ({ "profile.country": country }))
        )
      })
    )
  )

  it.live("a dry run with a viewer's key changes nothing", () =>
    through(
      ({ emulator }) =>
        Effect.gen(function* () {
          const outcomes = yield* clicks([click(0)], { dryRun: true })
          assert.isTrue(outcomes.every(Outcome.isWritten))
          const reader = TectonClient.layer({
            url: emulator.url,
            workspace: "prod",
            apiKey: Redacted.make("reader-key")
          })
          assert.deepStrictEqual(yield* Effect.provide(sums(["u"]), reader), [null])
          const error = yield* Effect.flip(clicks([click(0)]))
          assert.strictEqual(error.reason._tag, "Forbidden")
        }),
      {
        emulator: {
          accounts: [
            { apiKey: "test-key", roles: { prod: "viewer" } },
            { apiKey: "reader-key", roles: { prod: "consumer" } }
          ]
        }
      }
    )
  )
})

describe("case 14: ingest errors", () => {
  it.live("without a workspace the request is refused, in ingest's envelope", () =>
    through(({ post }) =>
      Effect.gen(function* () {
        const { status, text } = yield* post("/ingest", { dry_run: false, records: { clicks: [] } })
        assert.strictEqual(status, 400)
        const body: { readonly requestError: { readonly errorMessage: string; readonly errorType: string } } =
          JSON.parse(text)
        assert.deepStrictEqual(Object.keys(body), ["requestError"])
        assert.match(body.requestError.errorMessage, /workspace_?name/i)
      })
    )
  )

  const bad = (number: number): IngestRecord => {
    const kinds: ReadonlyArray<IngestRecord> = [
      click(0, { user_id: "bad", at: new Date(start - 400 * 86_400_000).toISOString() }),
      click(0, { user_id: "bad", clicked: "many" }),
      { user_id: "bad", shop_id: 1, clicked: 1 }
    ]
    return kinds[number % kinds.length]!
  }

  it.live("the bad records are rejected, exactly they; the others are written once, in order", () =>
    through(({ emulator }) =>
      Effect.gen(function* () {
        const good = Array.from({ length: 60 }, (_, n) => click(-60 + n, { user_id: `u${n % 4}`, page: `p${n}` }))
        const records = good.flatMap((record, n) => (n % 15 === 7 ? [record, bad(n)] : [record]))
        const outcomes = yield* clicks(records, { maxRecords: 32, concurrency: 4 })
        const rejected = outcomes.filter(({ _tag }) => _tag === "Rejected").map(({ input }) => input)
        assert.sameMembers(
          rejected,
          records.filter(({ user_id }) => user_id === "bad")
        )
        assert.deepStrictEqual(Outcome.countAll(outcomes), { written: 60, rejected: 4, unknown: 0 })
        for (const outcome of outcomes.filter(Outcome.isNotWritten)) {
          assert.strictEqual(outcome.error.reason._tag, "RequestRefused")
          assert.include(outcome.error.message, '["bad"]')
        }
        const tecton = yield* TectonClient
        const vector = yield* featuresOf(tecton, "clicks", "u3")
        assert.strictEqual(vector["user_clicks.count_1d"], "15")
        assert.deepStrictEqual(vector["user_clicks.last_2"], ["p55", "p59"])
        assert.deepStrictEqual(yield* emulator.faults.fired, {})
      })
    )
  )

  it.live("a consumer's key may not write", () =>
    through(
      () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(clicks(many(3)))
          assert.deepInclude(error.reason, { _tag: "Forbidden", wire: { status: 403 } })
        }),
      { emulator: { accounts: [{ apiKey: "test-key", roles: { prod: "consumer" } }] } }
    )
  )

  it.live("a token is refused", () =>
    through(({ emulator, post }) =>
      Effect.gen(function* () {
        const form = { "content-type": "application/x-www-form-urlencoded" }
        const body = "grant_type=client_credentials&scope=everything&client_id=a&client_secret=b"
        const token = yield* post("/oauth2/default/v1/token", body, form)
        const { access_token }: { readonly access_token: string } = JSON.parse(token.text)
        const ingest = { workspace_name: "prod", dry_run: false, records: { clicks: [{ record: click(0) }] } }
        const { status } = yield* post("/ingest", ingest, { authorization: `Bearer ${access_token}` })
        assert.strictEqual(status, 401)
        assert.strictEqual(yield* emulator.tokensIssued, 1)
      })
    )
  )
})

describe("case 15: credentials", () => {
  const oauth = { clientId: "reader", clientSecret: Redacted.make("reader-secret") }
  const accounts = [
    { oauth: { clientId: "reader", clientSecret: "reader-secret" }, roles: { prod: "consumer" } as const }
  ]

  it.live("a token is fetched once under load, used again, and fetched anew when it is over", () =>
    through(
      ({ emulator }) =>
        Effect.gen(function* () {
          const names = Array.from({ length: 100 }, (_, n) => `u${n}`)
          yield* sums(names, { maxBatch: 1, concurrency: 50 })
          yield* sums(names)
          assert.strictEqual(yield* emulator.tokensIssued, 1)
          // The server's clock runs ahead of the client's: what the client takes for good is answered 401.
          yield* emulator.clock.advance("2 hours")
          yield* sums(names, { maxBatch: 1, concurrency: 50 })
          assert.strictEqual(yield* emulator.tokensIssued, 2)
        }),
      { emulator: { accounts }, client: { oauth, apiKey: undefined } }
    )
  )

  it.live("a wrong key and a wrong secret are refused, and not shown", () =>
    Effect.gen(function* () {
      for (const client of [
        { apiKey: Redacted.make("wrong-key-1234") },
        { apiKey: undefined, oauth: { clientId: "reader", clientSecret: Redacted.make("wrong-key-1234") } }
      ]) {
        const error = yield* through(() => Effect.flip(sums(["u"])), { emulator: { accounts }, client })
        assert.strictEqual(error.reason._tag, "Unauthorized")
        for (const text of [String(error), error.message, JSON.stringify(error), String(error.stack)]) {
          assert.notInclude(text, "wrong-key-1234")
        }
      }
    })
  )
})

describe("case 12: wildcard services", () => {
  it.live("give results with the join keys that were left open", () =>
    through(() =>
      Effect.gen(function* () {
        yield* clicks([2, 1, 3].map((shop_id) => click(-shop_id, { shop_id })))
        const shops = FeatureService.make("shops", {
          joinKeys: { user_id: Schema.String },
          features: { "shop_clicks.count_1h": Schema.BigInt }
        })
        const [row] = yield* Stream.make("u").pipe(
          TectonSource.query(shops, { keys: (user_id) => ({ user_id }) }),
          Stream.runCollect
        )
        assert.sameDeepMembers(
          row![1].map(({ joinKeys, vector }) => [joinKeys, vector["shop_clicks.count_1h"].value]),
          [1n, 2n, 3n].map((shop_id) => [{ shop_id }, 1n])
        )
      })
    )
  )
})

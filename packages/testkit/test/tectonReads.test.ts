/** What feature services answer, and what they refuse, on the memory layer. */
import * as DataType from "@effect-connectors/tecton/DataType"
import type { FeaturesRequest, Include, RequestOptions } from "@effect-connectors/tecton/TectonApi"
import { TectonWorkspace } from "@effect-connectors/testkit"
import * as Timestamp from "@effect-connectors/tecton/Timestamp"
import { assert, describe, it } from "@effect/vitest"
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import {
  at,
  click,
  definition,
  effectiveTimes,
  fails,
  featuresOf,
  include,
  ingest,
  start,
  withTecton
} from "./tectonSupport.ts"

const minute = 60
const hour = 3600

describe("a vector", () => {
  const context = { amount: 101.5, big: 2n ** 53n + 1n }

  it.effect("has realtime views first as they are declared, then the others by name", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* ingest(tecton, "clicks", [click(0)])
        const reply = yield* tecton.getFeatures({
          service: "all",
          joinKeys: { user_id: "u" },
          requestContext: context,
          include
        })
        assert.deepStrictEqual(
          reply.columns.map(({ name }) => name),
          [
            "computed.isLarge",
            "payment.big",
            "payment.amount",
            "profile.age",
            "profile.country",
            "profile.counts",
            "profile.seen",
            "profile.spot",
            "profile.tags",
            "profile.vip",
            "user_clicks.count_1d",
            "user_clicks.count_1h",
            "user_clicks.last_2",
            "user_clicks.least_1h",
            "user_clicks.mean_1h",
            "user_clicks.most_1h",
            "user_clicks.spent_1h",
            "user_clicks.sum_1h"
          ]
        )
        assert.deepStrictEqual(reply.rows[0]?.values.slice(0, 3), [true, "9007199254740993", 101.5])
        const times = effectiveTimes(reply)
        assert.strictEqual(times["payment.amount"], undefined)
        assert.strictEqual(times["user_clicks.sum_1h"], "2026-01-05T10:02:00Z")
        const { features } = yield* tecton.metadata({ service: "all" })
        assert.deepStrictEqual(
          features.map(({ name }) => name),
          reply.columns.map(({ name }) => name)
        )
      })
    )
  )

  it.effect("has a realtime feature present also when it is null", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        const requestContext = { amount: Infinity, big: null }
        const { rows } = yield* tecton.getFeatures({ service: "payment", requestContext, include })
        assert.deepStrictEqual(rows[0]?.values, [null, "Infinity"])
        assert.deepStrictEqual(rows[0]?.statuses, ["PRESENT", "PRESENT"])
      })
    )
  )

  const computing = (compute: TectonWorkspace.RealtimeView["compute"]) =>
    TectonWorkspace.make({
      views: {
        v: {
          type: "realtime",
          requestContext: { when: "timestamp", point: "struct<x: float64>" },
          features: { now: "int64", list: "array<timestamp>", point: "struct<x: float64>" },
          compute
        }
      },
      services: { f: { features: ["v"] } }
    })

  const given = Timestamp.fromMillis(start + 1)
  const requestContext = { when: given, point: { x: -Infinity } }

  it.effect("has what a program computes of the request, in its types", () =>
    withTecton(
      (tecton) =>
        Effect.gen(function* () {
          const { rows } = yield* tecton.getFeatures({ service: "f", requestContext })
          assert.deepStrictEqual(rows[0]?.values, [String(start), [given.toString(), null], ["-Infinity"]])
        }),
      {
        definition: computing(({ now, requestContext: { point = null, when = null } }) => ({
          now: BigInt(now),
          list: [when, null],
          point
        }))
      }
    )
  )

  it.effect("can not be computed by a program that fails or gives something else", () =>
    Effect.gen(function* () {
      const failing = (compute: TectonWorkspace.RealtimeView["compute"], text: string) =>
        withTecton(
          (tecton) => fails(tecton.getFeatures({ service: "f", requestContext }), { _tag: "RequestRefused" }, text),
          { definition: computing(compute) }
        )
      yield* failing(() => {
        throw new Error("no luck")
      }, "The realtime view v failed: no luck")
      yield* failing(() => ({ now: "x" }), `The realtime view v gave a now that is "x" and not of type int64`)
    })
  )

  it.effect("tells what is asked for, and nothing else", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* ingest(tecton, "clicks", [click(0)])
        const read = (asked: Include) =>
          tecton.getFeatures({ service: "clicks", joinKeys: { user_id: "u" }, include: asked })
        const bare = yield* read({})
        assert.deepStrictEqual(bare.columns, [])
        assert.deepStrictEqual(Object.keys(bare.rows[0] ?? {}), ["values"])
        const about = yield* read({ descriptions: true, tags: true })
        assert.deepStrictEqual(about.columns[7], { description: "clicks", tags: { team: "fraud" } })
        assert.deepStrictEqual(about.columns[0], {})
        const slo = yield* read({ sloInfo: true })
        assert.deepStrictEqual(slo.columns, [])
        assert.deepInclude(slo.rows[0]?.sloInfo, { sloEligible: true })
      })
    )
  )

  it.effect("of a batch is one of many, in order, with one effective time", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* ingest(tecton, "profiles", [
          { user_id: "a", at: at(-5), country: "A" },
          { user_id: "b", at: at(-9), country: "B" }
        ])
        const reply = yield* tecton.getFeaturesBatch({
          service: "country",
          lookups: [
            { joinKeys: { user_id: "b" } },
            { joinKeys: { user_id: null } },
            { joinKeys: { user_id: "a" } },
            { joinKeys: { user_id: "b" } }
          ],
          include: { ...include, sloInfo: true }
        })
        assert.deepStrictEqual(
          reply.rows.map(({ values }) => values),
          [["B"], [null], ["A"], ["B"]]
        )
        assert.deepStrictEqual(
          reply.rows.map(({ statuses }) => statuses?.[0]),
          ["PRESENT", "MISSING_DATA", "PRESENT", "PRESENT"]
        )
        assert.deepStrictEqual(effectiveTimes(reply), { "profile.country": "2026-01-05T10:01:51Z" })
        assert.deepInclude(reply.batchSloInfo, { dynamodbResponseSizeBytes: 4 })
      })
    )
  )

  it.effect("may end its windows at the newest event, or at a given time", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* ingest(tecton, "clicks", [click(-3 * hour, { user_id: "v" }), click(-2 * hour), click(-100 * minute)])
        const sum = (options?: RequestOptions) =>
          Effect.map(featuresOf(tecton, "clicks", "u", options), (row) => row["user_clicks.sum_1h"])
        assert.strictEqual(yield* sum(), null)
        assert.strictEqual(yield* sum({ aggregationLeadingEdge: "WALL_CLOCK_TIME" }), null)
        assert.strictEqual(yield* sum({ aggregationLeadingEdge: "LATEST_EVENT_TIME" }), "2")
        assert.strictEqual(yield* sum({ highWatermarkOverride: at(-2 * hour) }), "1")
      })
    )
  )
})

describe("wildcard services", () => {
  it.effect("give a row for each key that is left open, by a query", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* ingest(tecton, "profiles", [{ user_id: "u", at: at(0), country: "SE" }])
        yield* ingest(tecton, "clicks", [
          click(0, { shop_id: 20 }),
          click(-1, { shop_id: 20 }),
          click(0, { shop_id: 3 }),
          click(-2 * hour, { shop_id: 4 }),
          click(0, { shop_id: 5, user_id: "v" })
        ])
        const metadata = yield* tecton.metadata({ service: "shops" })
        assert.deepStrictEqual(metadata.type, "WILDCARD")
        assert.deepStrictEqual(metadata.joinKeys, [{ name: "user_id", dataType: DataType.string }])
        assert.deepStrictEqual(metadata.outputJoinKeys, [{ name: "shop_id", dataType: DataType.int64 }])
        const query = (user_id: string | null) =>
          tecton.queryFeatures({ service: "shops", joinKeys: { user_id }, include })
        const { columns, joinKeyColumns, rows } = yield* query("u")
        assert.deepStrictEqual(
          columns.map(({ name }) => name),
          ["profile.country", "shop_clicks.count_1h"]
        )
        assert.deepStrictEqual(joinKeyColumns, [{ name: "shop_id", dataType: DataType.int64 }])
        assert.deepStrictEqual(
          rows.map(({ joinKeys, values }) => [joinKeys, values]),
          [
            [["20"], ["SE", "2"]],
            [["3"], ["SE", "1"]]
          ]
        )
        assert.deepStrictEqual((yield* query("nobody")).rows, [])
        assert.deepStrictEqual((yield* query(null)).rows, [])
        const refused = { _tag: "RequestRefused" }
        yield* fails(tecton.getFeatures({ service: "shops", joinKeys: { user_id: "u" } }), refused, "query-features")
        yield* fails(tecton.queryFeatures({ service: "clicks", joinKeys: { user_id: "u" } }), refused, "get-features")
      })
    )
  )
})

describe("a read that cannot be", () => {
  const refused = { _tag: "RequestRefused", wire: { status: 400, grpcCode: 3 } }
  const ok = { user_id: "u" }

  const cases: ReadonlyArray<readonly [FeaturesRequest, expected: object, text: string]> = [
    [{ service: "clicks", joinKeys: {} }, refused, "Missing required join key: user_id"],
    [{ service: "clicks", joinKeys: { ...ok, other: "x" } }, refused, "Unexpected join key: other"],
    [{ service: "payment", requestContext: { amount: 1 } }, refused, "Missing required request context key: big"],
    [
      { service: "payment", requestContext: { amount: "1", big: 1n } },
      refused,
      `amount is "1" and not of type float64`
    ],
    [{ service: "payment", requestContext: { amount: 1, big: 1.5 } }, refused, "big is 1.5 and not of type int64"],
    [
      { service: "payment", requestContext: { amount: 1, big: 1n, more: 1 } },
      refused,
      "Unexpected request context key: more"
    ],
    [
      { service: "clicks", joinKeys: { user_id: "" } },
      { _tag: "InvalidRecord", field: "join key user_id" },
      "is empty"
    ],
    [
      { service: "nowhere", joinKeys: ok },
      { _tag: "NotFound", resource: "feature service", called: "nowhere", wire: { status: 400, grpcCode: 5 } },
      "may take up to 60 seconds"
    ],
    [
      { service: "clicks", joinKeys: ok, requestOptions: { latencyBudgetMs: 0.5 } },
      refused,
      "a number of milliseconds"
    ],
    [{ service: "clicks", joinKeys: ok, requestOptions: { aggregationLeadingEdge: "X" } }, refused, "WALL_CLOCK_TIME"],
    [{ service: "clicks", joinKeys: ok, requestOptions: { highWatermarkOverride: "X" } }, refused, "a timestamp"]
  ]

  it.effect.each(cases)("is refused: %o", ([request, reason, text]) =>
    withTecton((tecton) => fails(tecton.getFeatures(request), reason, text))
  )

  it.effect("but for a context key that is too many, where that is allowed", () =>
    withTecton((tecton) =>
      tecton.getFeatures({
        service: "payment",
        requestContext: { amount: 1, big: 1n, more: 1 },
        requestOptions: { ignoreExtraRequestContextFields: true }
      })
    )
  )

  it.effect("because its batch is too large", () =>
    withTecton(
      (tecton) => {
        const lookup = { joinKeys: { user_id: "u" } }
        const batch = (lookups: Arr.NonEmptyReadonlyArray<typeof lookup>) =>
          tecton.getFeaturesBatch({ service: "clicks", lookups })
        return Effect.andThen(
          batch([lookup, lookup]),
          fails(batch([lookup, lookup, lookup]), refused, "A batch has at most 2 rows, got 3")
        )
      },
      { assumptions: { maxBatchRows: 2 } }
    )
  )

  it.effect("because its answer is too large for the online store, or partial where that is allowed", () =>
    withTecton(
      (tecton) =>
        Effect.gen(function* () {
          yield* ingest(tecton, "profiles", [
            { user_id: "a", at: at(0), country: "x".repeat(60) },
            { user_id: "b", at: at(0), country: "x".repeat(60) }
          ])
          const lookups = [{ joinKeys: { user_id: "a" } }, { joinKeys: { user_id: "b" } }] as const
          const request = { service: "country", lookups, include } as const
          yield* fails(
            tecton.getFeaturesBatch(request),
            { _tag: "RequestTooLarge", wire: { status: 400, grpcCode: 9 } },
            "120 bytes, the limit is 100"
          )
          const partial = yield* tecton.getFeaturesBatch({ ...request, allowPartialResults: true })
          assert.strictEqual(partial.partialResults, true)
          assert.deepStrictEqual(
            partial.rows.map(({ values }) => values[0]),
            ["x".repeat(60), null]
          )
          const [one] = lookups
          const whole = yield* tecton.getFeatures({ service: "country", ...one, allowPartialResults: true })
          assert.strictEqual(whole.partialResults, false)
        }),
      { assumptions: { maxReplyBytes: 100 } }
    )
  )

  it.effect("of a workspace that is not live", () =>
    withTecton(
      (tecton) =>
        Effect.gen(function* () {
          const notFound = { _tag: "NotFound", resource: "feature service", wire: { status: 404, grpcCode: 5 } }
          yield* fails(tecton.metadata({ service: "clicks" }), notFound, "is a live workspace")
          yield* fails(
            ingest(tecton, "clicks", [click(0)]),
            { _tag: "NotFound", resource: "workspace", called: "dev" },
            "not live"
          )
          assert.deepStrictEqual((yield* ingest(tecton, "lonely", [{ id: "x", at: at(0) }], true)).featureViews, [])
        }),
      { definition: { ...definition, live: false }, workspace: "dev", assumptions: { unknownServiceStatus: 404 } }
    )
  )
})

/** What feature views keep and compute, on the memory layer. */
import * as DataType from "@effect-connectors/tecton/DataType"
import type { IngestRecord, IngestValue } from "@effect-connectors/tecton/TectonApi"
import { TectonWorkspace } from "@effect-connectors/testkit"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { at, byName, click, effectiveTimes, featuresOf, include, ingest, start, withTecton } from "./tectonSupport.ts"

const minute = 60
const hour = 3600

describe("aggregate views", () => {
  it.effect("compute each function of what is in the window, with all digits", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* ingest(tecton, "clicks", [
          click(-30, { clicked: 9_007_199_254_740_991n, price: 0.5, page: "b" }),
          click(-20, { clicked: 2, price: 0.25, page: "a" }),
          click(0, { clicked: 4, price: null, page: "c" })
        ])
        assert.deepStrictEqual(yield* featuresOf(tecton, "clicks", "u"), {
          "user_clicks.count_1d": "3",
          "user_clicks.count_1h": "3",
          "user_clicks.last_2": ["a", "c"],
          "user_clicks.least_1h": "a",
          "user_clicks.mean_1h": 9_007_199_254_740_996 / 3,
          "user_clicks.most_1h": "9007199254740991",
          "user_clicks.spent_1h": 0.75,
          "user_clicks.sum_1h": "9007199254740997"
        })
      })
    )
  )

  it.effect("move their windows with the clock: open at the start, closed at the end", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* ingest(tecton, "clicks", [click(-hour), click(0)])
        const sum = Effect.map(featuresOf(tecton, "clicks", "u"), (row) => row["user_clicks.sum_1h"])
        assert.strictEqual(yield* sum, "1")
        yield* TestClock.adjust("59 minutes")
        assert.strictEqual(yield* sum, "1")
        yield* TestClock.adjust("59 seconds")
        assert.strictEqual(yield* sum, "1")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* sum, null)
      })
    )
  )

  it.effect("end with the whole millisecond of the clock, which events divide further", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        const times = ["000000001", "000999999", "001000000"].map((rest) => `2026-01-05T10:02:00.${rest}Z`)
        for (const [n, at] of times.entries()) yield* ingest(tecton, "clicks", [click(0, { at, clicked: 10 ** n })])
        const reply = yield* tecton.getFeatures({ service: "clicks", joinKeys: { user_id: "u" }, include })
        assert.strictEqual(byName(reply)["user_clicks.sum_1h"], "11")
        assert.strictEqual(effectiveTimes(reply)["user_clicks.sum_1h"], "2026-01-05T10:02:00Z")
        // The start is as exact as before: an event is out of the window when it is as old as that.
        yield* TestClock.adjust("1 hour")
        assert.strictEqual((yield* featuresOf(tecton, "clicks", "u"))["user_clicks.sum_1h"], "111")
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* featuresOf(tecton, "clicks", "u"))["user_clicks.sum_1h"], null)
      })
    )
  )

  it.effect("count a late event, and an event sent twice once", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        const events = [click(-10, { clicked: 5 }), click(-5, { clicked: 7 })]
        const sum = Effect.map(featuresOf(tecton, "clicks", "u"), (row) => row["user_clicks.sum_1h"])
        yield* ingest(tecton, "clicks", events)
        yield* ingest(tecton, "clicks", events)
        assert.strictEqual(yield* sum, "12")
        yield* ingest(tecton, "clicks", [click(-30 * minute, { clicked: 100 })])
        assert.strictEqual(yield* sum, "112")
        yield* ingest(tecton, "clicks", [click(-10, { clicked: 6 })])
        assert.strictEqual(yield* sum, "113")
      })
    )
  )

  it.effect("have nothing for a window without events, and 0 where that is asked for", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* ingest(tecton, "clicks", [click(-2 * hour), click(0, { clicked: null, user_id: "v" })])
        const reply = yield* tecton.getFeatures({ service: "clicks", joinKeys: { user_id: "u" }, include })
        const row = byName(reply)
        assert.strictEqual(row["user_clicks.count_1h"], null)
        assert.strictEqual(row["user_clicks.count_1d"], "1")
        assert.deepStrictEqual(reply.rows[0]?.statuses?.slice(0, 3), ["PRESENT", "MISSING_DATA", "MISSING_DATA"])
        const coerced = yield* featuresOf(tecton, "clicks", "u", { coerceNullCountsToZero: true })
        assert.strictEqual(coerced["user_clicks.count_1h"], "0")
        assert.strictEqual(coerced["user_clicks.sum_1h"], null)
        assert.strictEqual((yield* featuresOf(tecton, "clicks", "v"))["user_clicks.count_1h"], null)
        const nobody = yield* featuresOf(tecton, "clicks", "nobody", { coerceNullCountsToZero: true })
        assert.strictEqual(nobody["user_clicks.count_1d"], "0")
      })
    )
  )
})

describe("aggregations of other types", () => {
  const column = "value"
  const window = "1 hour"
  /** One view over a column of the type, with the functions that there are for it. */
  const over = (type: string, functions: ReadonlyArray<"sum" | "mean" | "min" | "max" | "count">) =>
    TectonWorkspace.make({
      entities: { user: { user_id: "string" } },
      sources: { s: { schema: { user_id: "string", at: "timestamp", value: type }, timestamp: "at" } },
      views: {
        v: {
          type: "aggregate",
          source: "s",
          entities: ["user"],
          features: {
            ...Object.fromEntries(functions.map((name) => [name, { function: name, column, window }])),
            list: { function: "last_n", n: 9, column, window }
          }
        }
      },
      services: { f: { features: ["v"] } }
    })

  const of = (type: string, functions: Parameters<typeof over>[1], values: ReadonlyArray<IngestValue>) =>
    withTecton(
      (tecton) =>
        Effect.gen(function* () {
          yield* ingest(
            tecton,
            "s",
            values.map((value, n) => ({ user_id: "u", at: at(n - values.length), value }))
          )
          const row = yield* featuresOf(tecton, "f", "u")
          return Object.fromEntries(Object.entries(row).map(([name, value]) => [name.slice(2), value]))
        }),
      { definition: over(type, functions) }
    )

  it.effect("float32 is stored as one, and summed as a float64", () =>
    Effect.gen(function* () {
      const { fround } = Math
      assert.deepStrictEqual(yield* of("float32", ["sum", "mean", "min", "max", "count"], [0.1, 3, null, -2]), {
        count: "3",
        list: [fround(0.1), 3, -2],
        max: 3,
        mean: (fround(0.1) + 1) / 3,
        min: -2,
        sum: fround(0.1) + 1
      })
    })
  )

  it.effect("float64 has values that are no numbers", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* of("float64", ["sum", "mean"], [1, NaN]), {
        list: [1, "NaN"],
        mean: "NaN",
        sum: "NaN"
      })
      assert.deepStrictEqual(yield* of("float64", ["max", "min"], [1, Infinity, -Infinity]), {
        list: [1, "Infinity", "-Infinity"],
        max: "Infinity",
        min: "-Infinity"
      })
    })
  )

  it.effect("timestamps are compared to the nanosecond", () =>
    Effect.gen(function* () {
      const times = [
        "2026-01-01T00:00:00.000000002Z",
        "2026-01-01T00:00:00.000000001Z",
        "2026-01-01T00:00:00.000000003Z"
      ]
      assert.deepStrictEqual(yield* of("timestamp", ["max", "min"], times), {
        list: times,
        max: times[2],
        min: times[1]
      })
    })
  )

  it.effect("booleans, arrays, structs and maps are counted and listed", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* of("boolean", ["count"], [true, false]), { count: "2", list: [true, false] })
      assert.deepStrictEqual(yield* of("array<int64>", ["count"], [[1, null], []]), {
        count: "2",
        list: [["1", null], []]
      })
      assert.deepStrictEqual(
        yield* of("struct<a: int64, b: map<string, boolean>>", [], [{ a: 1, b: { x: true } }, {}]),
        {
          list: [
            ["1", { x: true }],
            [null, null]
          ]
        }
      )
    })
  )
})

describe("views with an interval", () => {
  it.effect("have windows of whole intervals, the open one too", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        // 09:54 is in the interval before those of the window, 09:56 in the first, 10:02 in the open one.
        yield* ingest(tecton, "clicks", [click(-8 * minute), click(-6 * minute), click(0)])
        const read = tecton.getFeatures({ service: "tiled", joinKeys: { user_id: "u" }, include })
        const reply = yield* read
        assert.deepStrictEqual(byName(reply), { "tiled.sum_10m": "2" })
        assert.deepStrictEqual(effectiveTimes(reply), { "tiled.sum_10m": "2026-01-05T10:00:00Z" })
        yield* TestClock.adjust("3 minutes")
        const later = yield* read
        assert.deepStrictEqual(byName(later), { "tiled.sum_10m": "1" })
        assert.deepStrictEqual(effectiveTimes(later), { "tiled.sum_10m": "2026-01-05T10:05:00Z" })
      })
    )
  )

  it.effect("or only those that have ended", () =>
    withTecton(
      (tecton) =>
        Effect.gen(function* () {
          yield* ingest(tecton, "clicks", [click(-8 * minute), click(-6 * minute), click(0)])
          const reply = yield* tecton.getFeatures({ service: "tiled", joinKeys: { user_id: "u" }, include })
          assert.deepStrictEqual(byName(reply), { "tiled.sum_10m": "2" })
          assert.deepStrictEqual(effectiveTimes(reply), { "tiled.sum_10m": "2026-01-05T10:00:00Z" })
          yield* TestClock.adjust("3 minutes")
          assert.deepStrictEqual(yield* featuresOf(tecton, "tiled", "u"), { "tiled.sum_10m": "2" })
        }),
      { assumptions: { openInterval: "wait" } }
    )
  )
})

describe("attribute views", () => {
  const profile = (seconds: number, fields: IngestRecord): IngestRecord => ({
    user_id: "u",
    at: at(seconds),
    ...fields
  })

  it.effect("keep the newest event: an older one changes nothing, one of the same time does", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        const country = Effect.map(featuresOf(tecton, "country", "u"), (row) => row["profile.country"])
        yield* ingest(tecton, "profiles", [profile(-10, { country: "SE" })])
        yield* ingest(tecton, "profiles", [profile(-20, { country: "old" })])
        assert.strictEqual(yield* country, "SE")
        yield* ingest(tecton, "profiles", [profile(-10, { country: "FI" })])
        assert.strictEqual(yield* country, "FI")
        yield* ingest(tecton, "profiles", [profile(5, { country: "future" }), profile(0, { country: "now" })])
        assert.strictEqual(yield* country, "future")
      })
    )
  )

  it.effect("tell the time to the nanosecond, and order by it", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* ingest(tecton, "profiles", [
          { user_id: "u", at: "2026-01-05T10:00:00.000000002Z", country: "second" },
          { user_id: "u", at: "2026-01-05T11:00:00.000000001+01:00", country: "first" }
        ])
        const reply = yield* tecton.getFeatures({ service: "country", joinKeys: { user_id: "u" }, include })
        assert.deepStrictEqual(byName(reply), { "profile.country": "second" })
        assert.deepStrictEqual(effectiveTimes(reply), { "profile.country": "2026-01-05T10:00:00.000000002Z" })
      })
    )
  )

  it.effect("serve a value until its event is as old as the ttl", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* ingest(tecton, "profiles", [profile(0, { country: "SE" })])
        yield* TestClock.adjust("30 days")
        assert.deepStrictEqual(yield* featuresOf(tecton, "country", "u"), { "profile.country": null })
        yield* TestClock.setTime(start + 30 * 24 * hour * 1000 - 1)
        const reply = yield* tecton.getFeatures({ service: "country", joinKeys: { user_id: "u" }, include })
        assert.deepStrictEqual(byName(reply), { "profile.country": "SE" })
        assert.deepStrictEqual(reply.rows[0]?.statuses, ["PRESENT"])
      })
    )
  )

  it.effect("hold every type, in the forms of the wire", () =>
    withTecton(
      (tecton) =>
        Effect.gen(function* () {
          yield* ingest(tecton, "profiles", [
            profile(0, {
              age: -(2n ** 63n),
              tags: ["a", null],
              spot: { name: "x", lat: NaN },
              counts: { a: 2n ** 63n - 1n, b: null, __proto__x: 1 },
              seen: "2026-01-01T00:00Z",
              vip: false
            })
          ])
          const reply = yield* tecton.getFeatures({ service: "profile", joinKeys: { user_id: "u" }, include })
          assert.deepStrictEqual(byName(reply), {
            "profile.age": "-9223372036854775808",
            "profile.counts": { a: "9223372036854775807", b: null, __proto__x: "1" },
            "profile.country": null,
            "profile.seen": "2026-01-01T00:00:00Z",
            "profile.spot": ["NaN", "x"],
            "profile.tags": ["a", null],
            "profile.vip": false
          })
          assert.deepStrictEqual(
            reply.columns.map(({ dataType }) => dataType && DataType.format(dataType)),
            [
              "int64",
              "string",
              "map<string, int64>",
              "timestamp",
              "struct<lat: float64, name: string>",
              "array<string>",
              "boolean"
            ]
          )
          yield* ingest(tecton, "profiles", [profile(1, { tags: [], spot: { lat: null }, counts: {}, age: 0 })])
          const empty = yield* featuresOf(tecton, "profile", "u")
          assert.deepInclude(empty, {
            "profile.tags": [],
            "profile.spot": [null, null],
            "profile.counts": {},
            "profile.age": "0",
            "profile.vip": null
          })
        }),
      { largeInt64: "number" }
    )
  )
})

/**
 * Replies of the feature server: the shapes that Tecton's own clients are tested with, with names and values of ours,
 * and those that none of them is tested with.
 */
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { Timestamp } from "@effect-connectors/tecton/Timestamp"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Answer } from "./support/server.ts"
import { atScript, batch, byId, collect, column, everything, scripted, vector } from "./support/index.ts"
import { refusalOf } from "./support/secrets.ts"

const max = "9223372036854775807"
const min = "-9223372036854775808"
const beyond = "9007199254740993"

const array = (elementType: unknown) => ({ type: "array", elementType })
const map = (valueType: unknown) => ({ type: "map", keyType: { type: "string" }, valueType })
const struct = (fields: { readonly [name: string]: unknown }) => ({
  type: "struct",
  fields: Object.entries(fields).map(([name, dataType]) => ({ name, dataType }))
})
const [int64, float32, float64, string, boolean, timestamp] = (
  ["int64", "float32", "float64", "string", "boolean", "timestamp"] as const
).map((type) => ({ type }))

/** A body written as text, for numbers that no program of ours would write. */
const raw = (types: ReadonlyArray<unknown>, values: string): Answer => ({
  body: `{"result":{"features":${values}},"metadata":{"features":${JSON.stringify(types.map((type, i) => column(`v.f${i}`, type)))}}}`
})

const valuesOf = (reply: Answer) =>
  Effect.map(everything(reply), (features) => Object.values(features).map(({ value }) => value))

const nanos = (epochNanoseconds: bigint) => new Timestamp({ epochNanoseconds })

describe("shapes that no fixture of Tecton's clients covers (facts 9)", () => {
  it.live("int64 at +-2^63 and 2^53+1, as text and as JSON numbers", () =>
    Effect.gen(function* () {
      const types = [int64, int64, int64, array(int64), map(int64), struct({ n: int64 }), array(struct({ n: int64 }))]
      const expected = [
        2n ** 63n - 1n,
        -(2n ** 63n),
        2n ** 53n + 1n,
        [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n],
        { a: 2n ** 63n - 1n },
        { n: -(2n ** 63n) },
        [{ n: 2n ** 53n + 1n }, null]
      ]
      const texts = `["${max}","${min}","${beyond}",["${max}","${min}","${beyond}"],{"a":"${max}"},["${min}"],[["${beyond}"],null]]`
      assert.deepStrictEqual(yield* valuesOf(raw(types, texts)), expected)
      const numbers = `[${max},${min},${beyond},[${max},${min},${beyond}],{"a":${max}},[${min}],[[${beyond}],null]]`
      assert.deepStrictEqual(yield* valuesOf(raw(types, numbers)), expected)
    })
  )

  it.live("Infinity and NaN in arrays", () =>
    Effect.gen(function* () {
      const values = `[["NaN",1.5,"Infinity",null,"-Infinity",0],["NaN"],{"a":["-Infinity"]},[["Infinity","NaN"]]]`
      const types = [array(float64), array(float32), map(array(float64)), array(struct({ a: float32, b: float64 }))]
      assert.deepStrictEqual(yield* valuesOf(raw(types, values)), [
        [NaN, 1.5, Infinity, null, -Infinity, 0],
        [NaN],
        { a: [-Infinity] },
        [{ a: Infinity, b: NaN }]
      ])
    })
  )

  it.live("timestamps with 0, 3, 6 and 9 digits", () =>
    Effect.gen(function* () {
      const values = `["2023-01-02T00:25:06Z","2023-01-02T00:25:06.123Z","2023-01-02T00:25:06.123456Z","2023-01-02T00:25:06.123456789Z",["1969-12-31T23:59:59.999999999Z",null]]`
      const types = [timestamp, timestamp, timestamp, timestamp, array(timestamp)]
      assert.deepStrictEqual(yield* valuesOf(raw(types, values)), [
        nanos(1_672_619_106_000_000_000n),
        nanos(1_672_619_106_123_000_000n),
        nanos(1_672_619_106_123_456_000n),
        nanos(1_672_619_106_123_456_789n),
        [nanos(-1n), null]
      ])
    })
  )

  it.live("an effective time to the nanosecond", () =>
    Effect.gen(function* () {
      const features = yield* everything(
        vector([column("v.a", int64, { effectiveTime: "2021-08-21T01:23:58.996000001Z" })], ["1"])
      )
      assert.deepStrictEqual(features["v.a"], { value: 1n, effectiveTime: nanos(1_629_509_038_996_000_001n) })
    })
  )

  it.live("an effective time that is none, and what else is odd beside a value, costs no value", () =>
    Effect.gen(function* () {
      const odd = { effectiveTime: "lately", status: [null], tags: { a: null, b: "c" }, description: 1 }
      const { tecton } = yield* scripted([vector([column("v.a", int64, odd)], ["1"])])
      const { columns, rows } = yield* tecton.getFeatures({ service: "s" })
      assert.deepStrictEqual(rows[0]?.values, ["1"])
      assert.deepStrictEqual(rows[0]?.statuses, ["UNKNOWN_STATUS"])
      assert.deepInclude(columns[0], { effectiveTime: undefined, description: undefined, tags: { b: "c" } })
    })
  )

  it.live.each([
    [{ status: {} }, ["UNKNOWN_STATUS", "UNKNOWN_STATUS"]],
    [{ status: 7 }, ["UNKNOWN_STATUS", "UNKNOWN_STATUS"]],
    [{ status: ["PRESENT", 7] }, ["PRESENT", "UNKNOWN_STATUS"]],
    [{ status: [["PRESENT"]] }, ["UNKNOWN_STATUS", "UNKNOWN_STATUS"]],
    [{ status: null }, [undefined, undefined]],
    [{ effectiveTime: 7 }, [undefined, undefined]],
    [{ effectiveTime: ["2021-08-21T01:23:58Z"] }, [undefined, undefined]],
    [{ tags: ["a"], description: { a: 1 } }, [undefined, undefined]],
    [{ tags: "a", description: ["b"] }, [undefined, undefined]]
  ] as const)("%j beside the values of a batch costs none of them", ([odd, statuses]) =>
    Effect.gen(function* () {
      const { tecton } = yield* scripted([batch([column("v.a", int64, odd)], [["1"], ["2"]])])
      const { columns, rows } = yield* tecton.getFeaturesBatch({ service: "s", lookups: [{}, {}] })
      assert.deepStrictEqual(
        rows.map((row) => [row.values, row.statuses?.[0]]),
        [
          [["1"], statuses[0]],
          [["2"], statuses[1]]
        ]
      )
      assert.deepInclude(columns[0], { effectiveTime: undefined, description: undefined, tags: undefined })
    })
  )

  it.live("a struct in a map", () =>
    Effect.gen(function* () {
      const values = `[{"home":["1",0.5,["a",null]],"work":[null,null,null],"none":null,"__proto__":["2",1,[]]}]`
      const [value] = yield* valuesOf(raw([map(struct({ id: int64, share: float64, tags: array(string) }))], values))
      assert(typeof value === "object" && value !== null)
      assert.deepStrictEqual(Object.entries(value), [
        ["home", { id: 1n, share: 0.5, tags: ["a", null] }],
        ["work", { id: null, share: null, tags: null }],
        ["none", null],
        ["__proto__", { id: 2n, share: 1, tags: [] }]
      ])
    })
  )

  it.live("an unknown status", () =>
    Effect.gen(function* () {
      const features = yield* everything(
        vector(
          [
            column("v.a", int64, { status: "FROM_THE_FUTURE" }),
            column("v.b", int64, { status: "UNKNOWN" }),
            column("v.c", int64)
          ],
          ["1", null, "2"]
        )
      )
      assert.deepStrictEqual(
        Object.values(features).map(({ status }) => status),
        ["FROM_THE_FUTURE", "UNKNOWN", "UNKNOWN_STATUS"]
      )
    })
  )

  it.live("200 with empty features", () =>
    Effect.gen(function* () {
      yield* atScript([{}, { body: { result: {} } }, { body: { result: [{}] } }], () =>
        Effect.gen(function* () {
          const service = yield* FeatureService.discover("s")
          for (const maxBatch of [1, 5]) {
            const rows = yield* collect(["u1"], TectonSource.features(service, { ...byId, maxBatch }))
            assert.deepStrictEqual(rows, [["u1", {}]])
          }
        })
      )
      const { tecton } = yield* scripted([
        { body: { result: { features: [] } } },
        { body: {} },
        { body: { result: null } }
      ])
      const request = { service: "s" }
      assert.deepStrictEqual((yield* tecton.getFeatures(request)).rows[0]?.values, [])
      for (const _ of [1, 2]) {
        const error = yield* refusalOf(tecton.getFeatures(request))
        assert.include(error.message, "the answer could not be understood: it has no result")
      }
    })
  )

  it.live("an HTML page with 502, and with 200", () =>
    Effect.gen(function* () {
      const page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>"
      const { tecton } = yield* scripted([
        { status: 502, body: page, headers: { "content-type": "text/html" } },
        { status: 200, body: page }
      ])
      const failed = yield* refusalOf(tecton.getFeatures({ service: "s" }))
      assert.deepInclude(failed.reason, {
        _tag: "Unavailable",
        detail: "an HTML page: 502 Bad Gateway",
        wire: { status: 502 }
      })
      const odd = yield* refusalOf(tecton.getFeatures({ service: "s" }))
      assert.deepInclude(odd.reason, {
        _tag: "InvalidResponse",
        detail: "it is an HTML page: 502 Bad Gateway",
        wire: { status: 200 }
      })
    })
  )

  it.live("metadata shorter or longer than the vector", () =>
    Effect.gen(function* () {
      for (const [columns, values, says] of [
        [[column("v.a", int64)], ["1", "2"], "its metadata describes 1 features and a vector has 2"],
        [[column("v.a", int64), column("v.b", int64)], ["1"], "its metadata describes 2 features and a vector has 1"]
      ] as const) {
        const error = yield* refusalOf(everything(vector(columns, values)))
        assert.strictEqual(error.reason._tag, "InvalidResponse")
        assert.include(error.message, says)
      }
    })
  )
})

describe("shapes of the fixtures of Tecton's clients", () => {
  it.live("one of each scalar, a null among them, an int64 that is 0", () =>
    Effect.gen(function* () {
      const features = yield* everything(
        vector(
          [
            column("t.n", int64),
            column("t.ok", boolean),
            column("t.gone", float64),
            column("t.s", string),
            column("t.f", float64)
          ],
          ["0", false, null, "nope", 12.25]
        )
      )
      assert.deepStrictEqual(features, {
        "t.n": { value: 0n },
        "t.ok": { value: false },
        "t.gone": { value: null },
        "t.s": { value: "nope" },
        "t.f": { value: 12.25 }
      })
    })
  )

  it.live("lists with nulls inside, and lists that are null", () =>
    Effect.gen(function* () {
      const types = [
        array(int64),
        array(string),
        array(float32),
        array(float64),
        array(string),
        array(int64),
        array(float32),
        array(float64)
      ]
      assert.deepStrictEqual(yield* valuesOf(raw(types, `[["0"],[null],[1.5,null],[null,2],null,null,null,null]`)), [
        [0n],
        [null],
        [1.5, null],
        [null, 2],
        null,
        null,
        null,
        null
      ])
    })
  )

  it.live("a vector of nulls alone", () =>
    Effect.gen(function* () {
      const columns = Array.from({ length: 14 }, (_, i) => column(`w.f${i}`, i % 2 === 0 ? float64 : int64))
      const features = yield* everything(
        vector(
          columns,
          columns.map(() => null)
        )
      )
      assert.deepStrictEqual(
        Object.values(features),
        columns.map(() => ({ value: null }))
      )
    })
  )

  it.live("a map of int64, lists of lists, a struct as a list", () =>
    Effect.gen(function* () {
      const types = [map(int64), array(array(int64)), struct({ a: string, b: float32 }), int64]
      assert.deepStrictEqual(yield* valuesOf(raw(types, `[{"x":"12","y":null},[["45",null],null,[]],["q",0.5],"8"]`)), [
        { x: 12n, y: null },
        [[45n, null], null, []],
        { a: "q", b: 0.5 },
        8n
      ])
    })
  )

  it.live("lists of structs, in a name without a dot", () =>
    Effect.gen(function* () {
      const features = yield* everything(
        vector([column("pairs", array(struct({ s: string, f: float64 })))], [[["1.5", 1.5], [null, null], null]])
      )
      assert.deepStrictEqual(features["pairs"]?.value, [{ s: "1.5", f: 1.5 }, { s: null, f: null }, null])
    })
  )

  it.live("int64 as JSON numbers, with a missing value and its status", () =>
    Effect.gen(function* () {
      const features = yield* everything(
        vector(
          [
            column("m.a", int64, { status: "PRESENT" }),
            column("m.b", struct({ n: int64 }), { status: "PRESENT" }),
            column("m.c", int64, { status: "MISSING_DATA" })
          ],
          [24, [691], null]
        )
      )
      assert.deepStrictEqual(features, {
        "m.a": { value: 24n, status: "PRESENT" },
        "m.b": { value: { n: 691n }, status: "PRESENT" },
        "m.c": { value: null, status: "MISSING_DATA" }
      })
    })
  )

  it.live("how a request was served: with reasons, with both sizes, without times", () =>
    Effect.gen(function* () {
      const slos = [
        {
          sloEligible: false,
          serverTimeSeconds: 0.05,
          dynamodbResponseSizeBytes: 204,
          sloIneligibilityReasons: ["REDIS_LATENCY_LIMIT_EXCEEDED"]
        },
        {
          sloEligible: true,
          sloServerTimeSeconds: 0.04,
          serverTimeSeconds: 0.05,
          storeMaxLatency: 0.02,
          storeResponseSizeBytes: 0,
          dynamodbResponseSizeBytes: 7
        },
        {}
      ]
      const { tecton } = yield* scripted([
        ...slos.map((sloInfo) =>
          vector([], [], {
            sloInfo: { ...sloInfo, somethingNew: 1, storeMaxLatency: "storeMaxLatency" in sloInfo ? 0.02 : null },
            partialResults: true
          })
        ),
        vector([], [])
      ])
      for (const slo of slos) {
        const reply = yield* tecton.getFeatures({ service: "s", include: { sloInfo: true } })
        assert.deepStrictEqual(reply.rows[0]?.sloInfo, slo)
        assert.isTrue(reply.partialResults)
      }
      const bare = yield* tecton.getFeatures({ service: "s" })
      assert.strictEqual(bare.rows[0]?.sloInfo, undefined)
      assert.strictEqual(bare.partialResults, undefined)
    })
  )

  it.live.each([[null], ["no"], [{ serverTimeSeconds: "soon" }], [[{ sloEligible: 1 }]]] as const)(
    "%j in place of it does not cost the values",
    ([sloInfo]) =>
      Effect.gen(function* () {
        const { tecton } = yield* scripted([vector([], [], { sloInfo })])
        const [row] = (yield* tecton.getFeatures({ service: "s" })).rows
        assert.deepStrictEqual(row?.values, [])
        assert.strictEqual(row?.sloInfo, undefined)
      })
  )

  it.live("nor does an odd word on whether it is partial", () =>
    Effect.gen(function* () {
      const { tecton } = yield* scripted([vector([column("v.a", int64)], ["1"], { partialResults: "yes" })])
      const reply = yield* tecton.getFeatures({ service: "s" })
      assert.deepStrictEqual(reply.rows[0]?.values, ["1"])
      assert.strictEqual(reply.partialResults, undefined)
    })
  )

  it.live("a batch with times of its own", () =>
    Effect.gen(function* () {
      const batchSloInfo = { sloEligible: true, sloServerTimeSeconds: 0.0019, serverTimeSeconds: 0.0018 }
      const { tecton } = yield* scripted([
        batch([column("v.a", int64)], [["1"], [null]], { sloInfo: [{ sloEligible: true }], batchSloInfo })
      ])
      const reply = yield* tecton.getFeaturesBatch({ service: "s", lookups: [{}, {}] })
      assert.deepStrictEqual(reply.batchSloInfo, batchSloInfo)
      assert.deepStrictEqual(
        reply.rows.map(({ sloInfo }) => sloInfo),
        [{ sloEligible: true }, undefined]
      )
    })
  )

  it.live("descriptions and tags", () =>
    Effect.gen(function* () {
      const tags = { team: "risk" }
      const { tecton } = yield* scripted([
        vector(
          [
            column("v.a", int64, { description: "how many", tags }),
            column("v.b", int64, { description: null, tags: null })
          ],
          ["1", "2"]
        )
      ])
      const { columns } = yield* tecton.getFeatures({ service: "s" })
      assert.deepStrictEqual(
        columns.map(({ description, name, tags }) => ({ description, name, tags })),
        [
          { description: "how many", name: "v.a", tags },
          { description: undefined, name: "v.b", tags: undefined }
        ]
      )
    })
  )

  it.live("ingest: counts as text, some of them missing", () =>
    Effect.gen(function* () {
      const { tecton } = yield* scripted([
        {
          body: {
            workspaceName: "prod",
            ingestMetrics: {
              featureViewIngestMetrics: [
                {
                  featureViewName: "a",
                  onlineRecordIngestCount: "9007199254740993",
                  offlineRecordIngestCount: "2",
                  featureViewId: "x"
                },
                { featureViewName: "b", onlineRecordIngestCount: 3 },
                { featureViewName: "c", onlineRecordIngestCount: "many", offlineRecordIngestCount: null }
              ],
              dataSourceIngestMetrics: [{ dataSourceName: "clicks", offlineRecordIngestCount: "2" }]
            }
          }
        },
        {}
      ])
      assert.deepStrictEqual(yield* tecton.ingest({ records: new Map() }), {
        featureViews: [
          { name: "a", online: 2n ** 53n + 1n, offline: 2n },
          { name: "b", online: 3n, offline: undefined },
          { name: "c", online: undefined, offline: undefined }
        ]
      })
      assert.deepStrictEqual(yield* tecton.ingest({ records: new Map() }), { featureViews: [] })
    })
  )
})

import { type Drift, NotFound } from "@effect-connectors/core/ConnectorError"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import * as DataType from "@effect-connectors/tecton/DataType"
import { Floats, SafeInt } from "@effect-connectors/tecton/FeatureValue"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import { TectonError } from "@effect-connectors/tecton/TectonError"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { AsDateTime, TimestampSchema } from "@effect-connectors/tecton/Timestamp"
import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { atScript, byId, collect, column, paramsOf, requestOf, scripted, vector } from "./support/index.ts"
import { refusalOf } from "./support/secrets.ts"
import type { Answer } from "./support/server.ts"

const named = (fields: { readonly [name: string]: DataType.DataType }) =>
  Object.entries(fields).map(([name, dataType]) => ({ name, dataType: DataType.toWire(dataType) }))

const metadata = (
  features: { readonly [name: string]: DataType.DataType },
  more: { readonly [name: string]: unknown } = {}
): Answer => ({
  body: {
    featureServiceType: "DEFAULT",
    inputJoinKeys: named({ user_id: DataType.string }),
    featureValues: named(features),
    ...more
  }
})

const declared = FeatureService.make("fraud", {
  joinKeys: { user_id: Schema.String },
  features: { "clicks.count_1h": Schema.BigInt, "clicks.sum_1h": Schema.Number, "profile.country": Schema.String }
})

const { float32, float64, int64, string } = DataType
const asDeclared = { "clicks.count_1h": int64, "clicks.sum_1h": float64, "profile.country": string }

const driftsOf = <A, R>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }, R>) =>
  Effect.map(refusalOf(effect), ({ reason }): ReadonlyArray<Drift> => {
    assert(reason._tag === "SchemaDrift" && "drifts" in reason && Array.isArray(reason.drifts))
    return reason.drifts
  })

describe("case 12: metadata", () => {
  const read = Effect.flatMap(TectonClient, (tecton) => tecton.metadata({ service: "fraud" }))

  it.live("lists that are omitted or null are empty", () =>
    atScript([{}, { body: { inputJoinKeys: null, featureServiceType: null, later: 1 } }], () =>
      Effect.gen(function* () {
        const empty = { type: "DEFAULT", joinKeys: [], requestContext: [], outputJoinKeys: [], features: [] }
        assert.deepStrictEqual(yield* read, empty)
        assert.deepStrictEqual(yield* read, empty)
      })
    )
  )

  it.live("all of it, the flat types of older replies too", () =>
    atScript(
      [
        {
          body: {
            featureServiceType: "WILDCARD",
            inputJoinKeys: [
              { name: "user_id", dataType: { type: "string" }, type: "string" },
              { name: "n", type: "int64" }
            ],
            inputRequestContextKeys: [{ name: "amount", dataType: { type: "float64" } }, { name: "odd" }],
            outputJoinKeys: [{ name: "page_id", dataType: { type: "string" } }],
            featureValues: named({ "b.z": DataType.array(int64), "a.a": DataType.struct({ x: float32 }) })
          }
        }
      ],
      () =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* read, {
            type: "WILDCARD",
            joinKeys: [
              { name: "user_id", dataType: string },
              { name: "n", dataType: int64 }
            ],
            requestContext: [
              { name: "amount", dataType: float64 },
              { name: "odd", dataType: { type: "unsupported", name: "a type without a name" } }
            ],
            outputJoinKeys: [{ name: "page_id", dataType: string }],
            // In the order of the vectors.
            features: [
              { name: "b.z", dataType: DataType.array(int64) },
              { name: "a.a", dataType: DataType.struct({ x: float32 }) }
            ]
          })
        })
    )
  )
})

describe("case 12: drift", () => {
  const drifted = metadata(
    { "clicks.count_2h": int64, "clicks.sum_1h": string, "fresh.flag": DataType.boolean },
    { inputJoinKeys: named({ user: string }), inputRequestContextKeys: named({ amount: float64 }) }
  )
  const all: ReadonlyArray<Drift> = [
    { kind: "renamed", part: "join key", name: "user_id", declared: "string", found: "user" },
    { kind: "added", part: "request context", name: "amount", found: "float64" },
    { kind: "renamed", part: "feature", name: "clicks.count_1h", declared: "int64", found: "clicks.count_2h" },
    { kind: "retyped", part: "feature", name: "clicks.sum_1h", declared: "float64", found: "string" },
    { kind: "missing", part: "feature", name: "profile.country", declared: "string" },
    { kind: "added", part: "feature", name: "fresh.flag", found: "boolean" }
  ]

  it.live("renamed, retyped, added and missing are reported together, before anything is read", () =>
    atScript([drifted, drifted], (server) =>
      Effect.gen(function* () {
        const error = yield* refusalOf(FeatureService.check(declared))
        assert.isTrue(error.reason.isFatal)
        for (const says of [
          "join key user_id seems to be called user now",
          "feature clicks.count_1h seems to be called clicks.count_2h now",
          "feature clicks.sum_1h is declared as float64 and is string",
          "feature profile.country (string) is not there",
          "feature fresh.flag (boolean) is there and not declared"
        ]) {
          assert.include(error.message, says)
        }
        assert.deepStrictEqual(yield* driftsOf(FeatureService.bind(declared)), all)
        assert.strictEqual(server.received[0]?.path, "/api/v1/feature-service/metadata")
        assert.lengthOf(server.received, 2)
      })
    )
  )

  it.live("none is none, in any order; new features are allowed unless refused", () =>
    atScript(
      [
        metadata(asDeclared),
        metadata({ "profile.country": string, "clicks.sum_1h": float64, "clicks.count_1h": int64 }),
        metadata({ ...asDeclared, "new.x": int64 }),
        metadata({ ...asDeclared, "new.x": int64 })
      ],
      () =>
        Effect.gen(function* () {
          yield* FeatureService.check(declared)
          yield* FeatureService.check(declared, { added: "refuse" })
          yield* FeatureService.check(declared)
          assert.deepStrictEqual(yield* driftsOf(FeatureService.check(declared, { added: "refuse" })), [
            { kind: "added", part: "feature", name: "new.x", found: "int64" }
          ])
        })
    )
  )

  it.live("what a service needs and nobody gives is never allowed", () =>
    atScript(
      [
        metadata(asDeclared, { inputJoinKeys: named({ user_id: string, shop_id: string }) }),
        metadata(asDeclared, { inputRequestContextKeys: named({ amount: float64 }) })
      ],
      () =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* driftsOf(FeatureService.check(declared)), [
            { kind: "added", part: "join key", name: "shop_id", found: "string" }
          ])
          assert.deepStrictEqual(yield* driftsOf(FeatureService.check(declared)), [
            { kind: "added", part: "request context", name: "amount", found: "float64" }
          ])
        })
    )
  )

  const renamings: ReadonlyArray<
    readonly [name: string, found: { readonly [name: string]: DataType.DataType }, kinds: ReadonlyArray<string>]
  > = [
    ["a new name in the same view", { "v.b": int64 }, ["renamed"]],
    ["the same name in a new view", { "w.a": int64 }, ["renamed"]],
    ["another name in another view", { "w.b": int64 }, ["missing", "added"]],
    ["another type", { "v.b": string }, ["missing", "added"]],
    ["two that it may be", { "v.b": int64, "v.c": int64 }, ["missing", "added", "added"]],
    ["the same name with another type", { "v.a": string, "v.b": int64 }, ["retyped", "added"]]
  ]
  it.live.each(renamings)("%s", ([, found, kinds]) =>
    atScript([metadata(found)], () =>
      Effect.gen(function* () {
        const service = FeatureService.make("s", {
          joinKeys: { user_id: Schema.String },
          features: { "v.a": Schema.BigInt }
        })
        const drifts = yield* driftsOf(FeatureService.check(service, { added: "refuse" }))
        assert.deepStrictEqual(
          drifts.map(({ kind }) => kind),
          kinds
        )
      })
    )
  )

  it.live("a reply without a declared feature is drift, and stops the stream", () =>
    atScript(
      [
        vector(
          [column("clicks.count_1h", "int64"), column("clicks.sum_1d", "float64"), column("profile.country", "string")],
          ["1", 2, "x"]
        )
      ],
      () =>
        Effect.gen(function* () {
          const drifts = yield* driftsOf(
            collect(["u1", "u2"], TectonSource.featuresResults(declared, { ...byId, maxBatch: 1, concurrency: 1 }))
          )
          assert.deepStrictEqual(drifts, [
            { kind: "renamed", part: "feature", name: "clicks.sum_1h", declared: "float64", found: "clicks.sum_1d" }
          ])
        })
    )
  )

  /** What a bound service reads of replies that name these features. */
  const boundReads = (...names: ReadonlyArray<ReadonlyArray<string>>) =>
    atScript(
      [
        metadata(asDeclared),
        ...names.map((all) =>
          vector(
            all.map((name) => ({ name })),
            all.map((name) => (name === "profile.country" ? "x" : name === "clicks.sum_1h" ? 2 : "1"))
          )
        )
      ],
      () =>
        Effect.gen(function* () {
          const bound = yield* FeatureService.bind(declared)
          const reading = collect(["u1"], TectonSource.features(bound, { ...byId, maxBatch: 1 }))
          return yield* Effect.forEach(names, () => Effect.result(reading))
        })
    )

  it.live("a bound service finds its features wherever they are, and leaves new ones alone", () =>
    Effect.gen(function* () {
      const read = yield* boundReads(
        ["profile.country", "clicks.count_1h", "clicks.sum_1h"],
        ["a.new", "clicks.count_1h", "clicks.sum_1h", "b.new", "profile.country"]
      )
      for (const rows of read) {
        const [row] = Result.getOrThrow(rows)
        assert.deepStrictEqual(
          Object.fromEntries(Object.entries(row![1]).map(([name, { value }]): [string, unknown] => [name, value])),
          { "clicks.count_1h": 1n, "clicks.sum_1h": 2, "profile.country": "x" }
        )
      }
    })
  )

  it.live("a bound service whose feature is gone fails, and says which", () =>
    Effect.gen(function* () {
      const [rows] = yield* boundReads(["clicks.count_1h", "clicks.sum_1h", "profile.city"])
      assert(rows !== undefined && Result.isFailure(rows))
      const { reason } = rows.failure
      assert(reason._tag === "SchemaDrift" && reason.isFatal)
      assert.deepStrictEqual(
        reason.drifts.map(({ kind, name }) => [kind, name]),
        [
          ["missing", "profile.country"],
          ["added", "profile.city"]
        ]
      )
    })
  )

  it.live("a discovered service gives what it had when it was discovered", () =>
    atScript(
      [
        metadata({ "v.a": int64 }),
        vector([{ name: "u.new" }, { name: "v.a" }], ["7", "1"]),
        vector([{ name: "u.new" }], ["7"])
      ],
      () =>
        Effect.gen(function* () {
          const found = yield* FeatureService.discover("s")
          const reading = collect(["u1"], TectonSource.features(found, { ...byId, maxBatch: 1 }))
          assert.deepStrictEqual((yield* reading)[0]?.[1], { "v.a": { value: 1n } })
          assert.strictEqual((yield* refusalOf(reading)).reason._tag, "SchemaDrift")
        })
    )
  )

  it.live("a reply that names one feature twice does not hide that another is gone", () =>
    atScript([metadata({ "v.a": int64, "v.b": int64 }), vector([{ name: "v.a" }, { name: "v.a" }], ["1", "1"])], () =>
      Effect.gen(function* () {
        const found = yield* FeatureService.discover("s")
        const error = yield* refusalOf(collect(["u1"], TectonSource.features(found, { ...byId, maxBatch: 1 })))
        assert.strictEqual(error.reason._tag, "SchemaDrift")
        assert.include(error.message, "v.b")
      })
    )
  )

  it.live("a number is a join key of type int64, also one that may be left out or null", () => {
    const found = metadata(asDeclared, { inputJoinKeys: named({ a: int64, b: int64, c: int64, d: int64 }) })
    return atScript([found, found], () =>
      Effect.gen(function* () {
        const service = FeatureService.make("fraud", {
          joinKeys: {
            a: Schema.Int,
            b: Schema.Number,
            c: Schema.BigInt,
            d: Schema.optional(Schema.NullOr(Schema.Int))
          },
          features: { "clicks.count_1h": Schema.BigInt }
        })
        yield* FeatureService.check(service)
        assert.isTrue((yield* FeatureService.bind(service)).binding?.names)
      })
    )
  })

  it.live("but none of type string, and no int64 of the context or of the features", () => {
    const found = metadata(
      { "v.n": int64 },
      { inputJoinKeys: named({ a: string }), inputRequestContextKeys: named({ amount: int64 }) }
    )
    return atScript([found], () =>
      Effect.gen(function* () {
        const service = FeatureService.make("fraud", {
          joinKeys: { a: Schema.Int },
          requestContext: { amount: Schema.Number },
          features: { "v.n": Schema.Int }
        })
        assert.deepStrictEqual(yield* driftsOf(FeatureService.check(service)), [
          { kind: "retyped", part: "join key", name: "a", declared: "float64", found: "string" },
          { kind: "retyped", part: "request context", name: "amount", declared: "float64", found: "int64" },
          { kind: "retyped", part: "feature", name: "v.n", declared: "float64", found: "int64" }
        ])
      })
    )
  })

  it.live("what is gone is told before what is new, of which three are", () =>
    atScript(
      [metadata({ "a.a": int64, "a.b": int64, "a.c": int64, "a.d": int64, "a.e": int64, "clicks.sum_1h": float64 })],
      () =>
        Effect.gen(function* () {
          const { message } = yield* refusalOf(FeatureService.check(declared))
          assert.match(
            message,
            /: feature clicks\.count_1h \(int64\) is not there; feature profile\.country .*; feature a\.a .*; and 2 more that are not declared$/
          )
          assert.notInclude(message, "a.d")
        })
    )
  )
})

describe("waitFor", () => {
  const notThere = { status: 400, body: { code: 5, message: "Unable to query FeatureService fraud" } }

  /** Metadata by a client that answers as the list says, under the test's clock. */
  const asked = (answers: ReadonlyArray<"workspace" | "feature service" | "there">, waitFor: Duration.Input) =>
    Effect.gen(function* () {
      let calls = 0
      const { tecton } = yield* scripted([])
      const client = TectonClient.of({
        ...tecton,
        metadata: () =>
          Effect.suspend(() => {
            const resource = answers[calls++] ?? "there"
            return resource === "there"
              ? Effect.succeed({ type: "DEFAULT", joinKeys: [], requestContext: [], outputJoinKeys: [], features: [] })
              : Effect.fail(
                  new TectonError({ operation: "metadata", reason: new NotFound({ resource, called: "fraud" }) })
                )
          })
      })
      const fiber = yield* Effect.forkChild(
        Effect.result(Effect.provideService(FeatureService.discover("fraud", { waitFor }), TectonClient, client))
      )
      yield* TestClock.adjust("2 minutes")
      return { calls: () => calls, result: yield* Fiber.join(fiber) }
    })

  it.effect("asks every second for a service that is not there yet", () =>
    Effect.gen(function* () {
      const { calls, result } = yield* asked(["feature service", "feature service", "there"], "1 minute")
      assert.isTrue(Result.isSuccess(result))
      assert.strictEqual(calls(), 3)
    })
  )

  it.effect("ends when its time is over", () =>
    Effect.gen(function* () {
      const { calls, result } = yield* asked(Array(100).fill("feature service"), "5 seconds")
      assert(Result.isFailure(result))
      assert.strictEqual(result.failure.reason._tag, "NotFound")
      assert.isAtLeast(calls(), 5)
      assert.isAtMost(calls(), 7)
    })
  )

  it.effect("is not for a workspace that is not there", () =>
    Effect.gen(function* () {
      const { calls, result } = yield* asked(["workspace"], "1 minute")
      assert.isTrue(Result.isFailure(result))
      assert.strictEqual(calls(), 1)
    })
  )

  it.live("without it such an answer is not repeated; and a wrong one is refused", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([notThere])
      const discover = (waitFor?: Duration.Input) =>
        refusalOf(Effect.provideService(FeatureService.discover("fraud", { waitFor }), TectonClient, tecton))
      assert.strictEqual((yield* discover()).reason._tag, "NotFound")
      for (const wrong of [-1, "-1 seconds", JSON.parse(`"soon"`)]) {
        assert.deepInclude((yield* discover(wrong)).reason, { _tag: "InvalidOption", option: "waitFor" })
      }
      assert.lengthOf(server.received, 1)
    })
  )
})

describe("types that schemas declare", () => {
  const types = (schema: Schema.Codec<unknown, DataTypes>) =>
    DataType.format(
      FeatureService.make("s", { joinKeys: {}, features: { x: schema } }).types.features[0]?.dataType ??
        DataType.boolean
    )
  type DataTypes = Parameters<typeof FeatureService.make>[1]["features"][string]["Encoded"]

  const rows: ReadonlyArray<readonly [Schema.Codec<unknown, DataTypes>, string]> = [
    [Schema.String, "string"],
    [Schema.NullOr(Schema.String), "string"],
    [Schema.Literals(["a", "b"]), "string"],
    [Schema.TemplateLiteral(["id-", Schema.Number]), "string"],
    [Schema.BigInt, "int64"],
    [SafeInt, "int64"],
    [Schema.Literal(1n), "int64"],
    [Schema.Number, "float64"],
    [Schema.Int, "float64"],
    [Schema.Literal(1), "float64"],
    [Schema.Boolean, "boolean"],
    [Schema.Literal(true), "boolean"],
    [TimestampSchema, "timestamp"],
    [AsDateTime, "timestamp"],
    [Schema.NumberFromString, "string"],
    [Schema.Array(Schema.NullOr(Schema.BigInt)), "array<int64>"],
    [Schema.Struct({ b: Schema.String, a: Schema.optionalKey(Schema.BigInt) }), "struct<b: string, a: int64>"],
    [Schema.Record(Schema.String, Schema.NullOr(Schema.Number)), "map<string, float64>"],
    [Schema.Union([Schema.String, Schema.BigInt]), "anything"],
    [Floats, "array<float64>"],
    [Schema.NullOr(Floats), "array<float64>"],
    [Schema.Tuple([Schema.String]), "anything"],
    [Schema.Null, "anything"],
    [
      Schema.StructWithRest(Schema.Struct({ a: Schema.String }), [Schema.Record(Schema.String, Schema.String)]),
      "anything"
    ]
  ]
  it.each(rows)("%# %o", (schema, text) => {
    assert.strictEqual(types(schema), text)
  })

  const fits: ReadonlyArray<readonly [Schema.Codec<unknown, DataTypes>, DataType.DataType, boolean]> = [
    [Schema.Number, float32, true],
    [Schema.Number, float64, true],
    [Schema.Number, int64, false],
    [Schema.BigInt, float64, false],
    [Schema.Union([Schema.String, Schema.BigInt]), DataType.timestamp, true],
    [Schema.Array(Schema.Number), DataType.array(float32), true],
    [Schema.Array(Schema.Number), DataType.array(string), false],
    [Schema.Array(Schema.Number), float32, false],
    [Floats, DataType.array(float32), true],
    [Floats, DataType.array(float64), true],
    [Floats, DataType.array(int64), false],
    [Floats, DataType.array(string), false],
    [Floats, float64, false],
    [Schema.Record(Schema.String, Schema.Number), DataType.map(float32), true],
    [Schema.Record(Schema.String, Schema.Number), DataType.map(string), false],
    [Schema.Struct({ a: Schema.String, b: Schema.Number }), DataType.struct({ c: int64, b: float32, a: string }), true],
    [Schema.Struct({ a: Schema.String, b: Schema.Number }), DataType.struct({ b: float32 }), false],
    [Schema.Struct({ a: Schema.String }), DataType.struct({ a: int64 }), false]
  ]
  it.live.each(fits)("%# %o of %j: %s", ([schema, found, expected]) =>
    atScript([metadata({ x: found })], () =>
      Effect.gen(function* () {
        const service = FeatureService.make("s", { joinKeys: { user_id: Schema.String }, features: { x: schema } })
        const checked = yield* Effect.result(FeatureService.check(service))
        assert.strictEqual(Result.isSuccess(checked), expected)
      })
    )
  )
})

describe("discover", () => {
  it.live("gives every feature there is, by position, and takes any key", () =>
    atScript(
      [
        metadata(
          { "a.n": int64, "b.l": DataType.array(string) },
          { inputRequestContextKeys: named({ amount: float64 }) }
        ),
        vector([], ["7", ["x", null]])
      ],
      (server) =>
        Effect.gen(function* () {
          const service = yield* FeatureService.discover("any")
          assert.deepStrictEqual(service.types.requestContext, [{ name: "amount", dataType: float64 }])
          const asking = {
            keys: (id: string) => ({ user_id: id, shop: 7n, none: null, gone: undefined }),
            requestContext: () => ({ amount: 1.5, more: { deep: [1n, true] } }),
            maxBatch: 1
          }
          const rows = yield* collect(["u1"], TectonSource.features(service, asking))
          assert.deepStrictEqual(rows, [["u1", { "a.n": { value: 7n }, "b.l": { value: ["x", null] } }]])
          const params = paramsOf(server.received[1])
          assert.deepInclude(params, {
            joinKeyMap: { user_id: "u1", shop: "7", none: null },
            requestContextMap: { amount: 1.5, more: { deep: ["1", true] } }
          })
          assert.deepStrictEqual(params["metadataOptions"], {
            includeNames: true,
            includeServingStatus: true,
            includeEffectiveTimes: true
          })
        })
    )
  )

  it.live("of a key that can not be, says so", () =>
    atScript([metadata({})], (server) =>
      Effect.gen(function* () {
        const service = yield* FeatureService.discover("any", { names: false })
        const rows = yield* collect(
          ["", "u"],
          TectonSource.featuresResults(service, { keys: (id: string) => (id === "" ? { id } : { n: 0.5 }) })
        )
        for (const [, row] of rows)
          assert.strictEqual(Result.isFailure(row) && row.failure.reason._tag, "InvalidRecord")
        assert.strictEqual(requestOf(server).path, "/api/v1/feature-service/metadata")
      })
    )
  )

  it.live("of a service that is not there, fails", () =>
    atScript([{ status: 404, body: { error: "x", code: 5, message: "x" } }], () =>
      Effect.gen(function* () {
        const error = yield* refusalOf(FeatureService.discover("any"))
        assert.deepInclude(error.reason, { _tag: "NotFound", resource: "feature service", called: "any" })
      })
    )
  )
})

describe("case 12: wildcard services", () => {
  const visits = FeatureService.make("visits", {
    joinKeys: { user_id: Schema.String },
    features: { "visits.count": Schema.BigInt }
  })
  const found = (rows: ReadonlyArray<readonly [page: unknown, count: unknown]>): Answer => ({
    body: {
      results: rows.map(([page, count]) => ({ features: [count], joinKeys: [page] })),
      metadata: {
        features: [column("visits.count", "int64", { status: ["PRESENT", "MISSING_DATA"] })],
        joinKeys: [column("page_id", "int64")]
      }
    }
  })

  it.live("query-features gives all rows, with the keys that were not given", () =>
    atScript(
      [
        found([
          ["1", "7"],
          ["9223372036854775807", null]
        ]),
        { body: { results: [] } },
        { body: { results: [], metadata: { features: [] } } }
      ],
      (server) =>
        Effect.gen(function* () {
          const rows = yield* collect(["u1", "u2", "u3"], TectonSource.query(visits, { ...byId, concurrency: 1 }))
          assert.deepStrictEqual(rows, [
            [
              "u1",
              [
                { joinKeys: { page_id: 1n }, vector: { "visits.count": { value: 7n, status: "PRESENT" } } },
                {
                  joinKeys: { page_id: 2n ** 63n - 1n },
                  vector: { "visits.count": { value: null, status: "MISSING_DATA" } }
                }
              ]
            ],
            ["u2", []],
            ["u3", []]
          ])
          for (const { path } of server.received) assert.strictEqual(path, "/api/v1/feature-service/query-features")
          assert.deepStrictEqual(
            server.received.map((request) => paramsOf(request)["joinKeyMap"]),
            [{ user_id: "u1" }, { user_id: "u2" }, { user_id: "u3" }]
          )
        })
    )
  )

  it.live("a bound one asks for names and types all the same", () =>
    atScript([metadata({ "visits.count": int64 }, { featureServiceType: "WILDCARD" }), found([["1", "7"]])], (server) =>
      Effect.gen(function* () {
        const bound = yield* FeatureService.bind(visits)
        const [row] = yield* collect(["u1"], TectonSource.query(bound, byId))
        assert.lengthOf(row?.[1] ?? [], 1)
        assert.deepInclude(paramsOf(server.received[1]), {
          metadataOptions: {
            includeNames: true,
            includeDataTypes: true,
            includeServingStatus: true,
            includeEffectiveTimes: true
          }
        })
      })
    )
  )

  const odd: ReadonlyArray<readonly [name: string, Answer, tag: string, says: string]> = [
    ["a join key that is no int64", found([["x", "7"]]), "InvalidValue", `join key page_id is "x" and not an int64`],
    ["a value that is no int64", found([["1", "y"]]), "InvalidValue", `feature visits.count is "y" and not an int64`],
    [
      "no types of join keys",
      {
        body: {
          results: [{ features: ["1"], joinKeys: ["1"] }],
          metadata: { features: [column("visits.count", "int64")], joinKeys: [{ name: "page_id" }] }
        }
      },
      "InvalidResponse",
      "lacks the name or the type"
    ],
    ["no metadata", { body: { results: [{ features: ["1"] }] } }, "InvalidResponse", "does not say which features"]
  ]
  it.live.each(odd)("%s is an error of the element", ([, answer, tag, says]) =>
    atScript([answer], () =>
      Effect.gen(function* () {
        const [row] = yield* collect(["u1"], TectonSource.queryResults(visits, byId))
        assert(row !== undefined && Result.isFailure(row[1]))
        assert.strictEqual(row[1].failure.reason._tag, tag)
        assert.include(row[1].failure.message, says)
      })
    )
  )

  it.live("what is not answered by the deadline is late", () =>
    atScript(["hang"], (server) =>
      Effect.gen(function* () {
        const rows = yield* collect(
          ["u1", "u2"],
          TectonSource.queryResults(visits, { ...byId, concurrency: 1, deadline: "50 millis" })
        )
        for (const [, row] of rows) {
          assert(Result.isFailure(row))
          assert.deepInclude(row.failure, { operation: "query", subject: "visits" })
          assert.deepInclude(row.failure.reason, { _tag: "TimedOut", afterMillis: 50 })
        }
        assert.lengthOf(rows, 2)
        assert.lengthOf(server.received, 1)
        yield* Effect.promise(() => server.gone)
      })
    )
  )

  it.live("join keys that are not in a row are null", () =>
    atScript(
      [
        {
          body: {
            results: [{ features: ["1"] }],
            metadata: { features: [column("visits.count", "int64")], joinKeys: [column("page_id", "string")] }
          }
        }
      ],
      () =>
        Effect.gen(function* () {
          const [row] = yield* collect(["u1"], TectonSource.query(visits, byId))
          assert.deepStrictEqual(row?.[1][0]?.joinKeys, { page_id: null })
        })
    )
  )
})

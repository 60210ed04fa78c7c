import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import { type FeatureValue, Floats, SafeInt } from "@effect-connectors/tecton/FeatureValue"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { AsDateTime, Timestamp } from "@effect-connectors/tecton/Timestamp"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import {
  atScript,
  atServer,
  batch,
  byId,
  collect,
  column,
  everything,
  only,
  paramsOf,
  requestOf,
  rowsOf,
  scripted,
  users,
  vector
} from "./support/index.ts"
import { refusalOf } from "./support/secrets.ts"
import type { Answer } from "./support/server.ts"

const one = { ...byId, maxBatch: 1 }

const metadata = (fields: { readonly [name: string]: unknown }): Answer => ({
  body: {
    featureServiceType: "DEFAULT",
    inputJoinKeys: [{ name: "user_id", dataType: { type: "string" } }],
    featureValues: Object.entries(fields).map(([name, type]) => ({
      name,
      dataType: typeof type === "string" ? { type } : type
    }))
  }
})

const ofUsers = metadata({ "profile.name": "string", "profile.visits": "int64" })

describe("case 2: a bare vector", () => {
  const bare: Answer = { body: { result: { features: ["Ann", "7"] } } }

  it.live("is not decoded, but is a typed error", () =>
    atScript([bare], () =>
      Effect.gen(function* () {
        const [row] = yield* collect(["u1"], TectonSource.featuresResults(users, one))
        assert(row !== undefined && Result.isFailure(row[1]))
        assert.strictEqual(row[1].failure.reason._tag, "InvalidResponse")
        assert.include(row[1].failure.message, "does not say which features its values are; bind the service")
      })
    )
  )

  it.live("is decoded by position when the service is bound, and then no types are asked for", () =>
    atScript([ofUsers, bare, bare], (server) =>
      Effect.gen(function* () {
        for (const names of [true, false]) {
          const bound = yield* names
            ? FeatureService.bind(users)
            : Effect.succeed({ ...users, binding: { features: users.types.features, names } })
          const rows = yield* collect(
            ["u1"],
            TectonSource.features(bound, { ...one, statuses: false, effectiveTimes: false })
          )
          assert.deepStrictEqual(rows, [["u1", { "profile.name": { value: "Ann" }, "profile.visits": { value: 7n } }]])
        }
        const [, withNames, without] = server.received
        assert.deepStrictEqual(paramsOf(withNames)["metadataOptions"], { includeNames: true })
        assert.notProperty(paramsOf(without), "metadataOptions")
      })
    )
  )

  it.live("of another width than the bound service had is an error of its rows", () =>
    atScript([{ body: { result: { features: ["Ann"] } } }], () =>
      Effect.gen(function* () {
        const bound = { ...users, binding: { features: users.types.features, names: false } }
        const error = yield* refusalOf(collect(["u1"], TectonSource.features(bound, one)))
        assert.include(error.message, "not those of the service as it was when it was bound; bind it again")
      })
    )
  )

  it.live("comes from the client as it is", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([bare])
      const reply = yield* tecton.getFeatures({ service: "users", joinKeys: { user_id: "u1" } })
      assert.deepStrictEqual(reply.columns, [])
      assert.deepStrictEqual(only(reply.rows).values, ["Ann", "7"])
      assert.notProperty(paramsOf(requestOf(server)), "metadataOptions")
    })
  )
})

/** The issue of the only row, which must be that of a value. */
const wrongValue = (reply: Answer) =>
  Effect.map(refusalOf(everything(reply)), ({ reason }) => {
    assert(reason._tag === "InvalidValue")
    assert.isFalse(reason.isFatal || reason.isRetryable)
    return `${reason.field} ${reason.issue}`
  })

describe("case 3: int64", () => {
  it.live("keeps every digit in a declared scalar, list, map and struct", () =>
    atServer(
      () =>
        vector(
          [
            column("v.a", "int64"),
            column("v.b", { type: "array", elementType: { type: "int64" } }),
            column("v.c", { type: "map", valueType: { type: "int64" } }),
            column("v.d", { type: "struct", fields: [{ name: "n", dataType: { type: "int64" } }] })
          ],
          ["9223372036854775807", ["-9223372036854775808", null], { k: "9007199254740993" }, ["9007199254740993"]]
        ),
      () =>
        Effect.gen(function* () {
          const service = FeatureService.make("s", {
            joinKeys: { user_id: Schema.String },
            features: {
              "v.a": Schema.BigInt,
              "v.b": Schema.Array(Schema.NullOr(Schema.BigInt)),
              "v.c": Schema.Record(Schema.String, Schema.BigInt),
              "v.d": Schema.Struct({ n: Schema.BigInt })
            }
          })
          const rows = yield* collect(["u1"], TectonSource.features(service, one))
          assert.deepStrictEqual(rows[0]?.[1], {
            "v.a": { value: 2n ** 63n - 1n },
            "v.b": { value: [-(2n ** 63n), null] },
            "v.c": { value: { k: 2n ** 53n + 1n } },
            "v.d": { value: { n: 2n ** 53n + 1n } }
          })
        })
    )
  )

  it.live("that is none is an error which names the feature and the place", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* wrongValue(vector([column("v.n", "int64")], [1.5])),
        "feature v.n is 1.5 and not an int64"
      )
      assert.strictEqual(
        yield* wrongValue(vector([column("v.n", "int64")], ["abc"])),
        `feature v.n is "abc" and not an int64`
      )
      const list = column("v.l", { type: "array", elementType: { type: "int64" } })
      assert.strictEqual(yield* wrongValue(vector([list], [["1", "2", "x"]])), `feature v.l[2] is "x" and not an int64`)
    })
  )

  it.live("a value that a schema does not take is an error of its row alone", () =>
    atServer(
      (request) =>
        batch(
          [column("v.n", "int64")],
          rowsOf(request).map(({ user_id }) => [user_id === "u1" ? "9007199254740993" : "5"])
        ),
      () =>
        Effect.gen(function* () {
          const service = FeatureService.make("s", {
            joinKeys: { user_id: Schema.String },
            features: { "v.n": SafeInt }
          })
          const rows = yield* collect(["u0", "u1", "u2"], TectonSource.featuresResults(service, byId))
          assert.deepStrictEqual(
            rows.map(([id, row]) => [
              id,
              Result.isSuccess(row) ? row.success["v.n"].value : row.failure.reason.message
            ]),
            [
              ["u0", 5],
              [
                "u1",
                "feature v.n is not what the program declares: it is 9007199254740993, which no number holds exactly; use Schema.BigInt"
              ],
              ["u2", 5]
            ]
          )
        })
    )
  )
})

describe("nulls and schemas", () => {
  const service = FeatureService.make("s", {
    joinKeys: { user_id: Schema.String },
    features: { "v.o": Schema.OptionFromNullOr(Schema.String), "v.l": Schema.Array(Schema.BigInt) }
  })
  const columns = [
    column("v.o", "string"),
    { name: "v.l", dataType: { type: "array", elementType: { type: "int64" } } }
  ]

  it.live("a null is null, also where a schema has another word for it", () =>
    atServer(
      (request) =>
        batch(
          columns,
          rowsOf(request).map(({ user_id }) => (user_id === "u0" ? [null, null] : ["x", ["1"]]))
        ),
      () =>
        Effect.gen(function* () {
          const rows = yield* collect(["u0", "u1"], TectonSource.features(service, byId))
          assert.deepStrictEqual(
            rows.map(([, vector]) => vector["v.o"].value),
            [null, Option.some("x")]
          )
        })
    )
  )

  const refused: ReadonlyArray<
    readonly [name: string, Schema.Codec<unknown, FeatureValue>, type: unknown, value: unknown, says: string]
  > = [
    ["another type", Schema.Number, "int64", "5", "feature v.a is not what the program declares: it must be "],
    [
      "another text",
      Schema.Literals(["a", "b"]),
      "string",
      "c",
      `feature v.a is not what the program declares: it must be "a" | "b"`
    ],
    [
      "a field that is gone",
      Schema.Struct({ x: Schema.BigInt, y: Schema.BigInt }),
      { type: "struct", fields: [{ name: "x", dataType: { type: "int64" } }] },
      ["1"],
      "feature v.a.y is not what the program declares: it is missing"
    ],
    [
      "a field that is null",
      Schema.Struct({ x: Schema.BigInt }),
      { type: "struct", fields: [{ name: "x", dataType: { type: "int64" } }] },
      [null],
      "feature v.a.x is null; declare it with Schema.NullOr"
    ],
    [
      "a null among floats",
      Floats,
      { type: "array", elementType: { type: "float64" } },
      [0.5, null],
      "feature v.a is not what the program declares: it must be an array of numbers without null"
    ]
  ]
  it.live.each(refused)("%s is told of its feature", ([, schema, type, value, says]) =>
    atServer(
      () => vector([column("v.a", type)], [value]),
      () =>
        Effect.gen(function* () {
          const service = FeatureService.make("s", {
            joinKeys: { user_id: Schema.String },
            features: { "v.a": schema }
          })
          const { message, reason } = yield* refusalOf(collect(["u0"], TectonSource.features(service, one)))
          assert.strictEqual(reason._tag, "InvalidValue")
          assert.include(message, says)
        })
    )
  )

  it.live("a null in a list without NullOr is named, with what to do", () =>
    atServer(
      (request) =>
        batch(
          columns,
          rowsOf(request).map(() => ["x", ["1", null]])
        ),
      () =>
        Effect.gen(function* () {
          const error = yield* refusalOf(collect(["u0"], TectonSource.features(service, byId)))
          assert.include(error.message, "feature v.l.1 is null; declare it with Schema.NullOr")
        })
    )
  )
})

describe("case 4: floats that are no numbers", () => {
  it.live("never become null, and go out by their names", () =>
    atServer(
      () =>
        vector(
          [
            column("v.a", "float64"),
            column("v.b", "float32"),
            column("v.c", { type: "array", elementType: { type: "float64" } }),
            column("v.d", "float64")
          ],
          ["NaN", "-Infinity", ["Infinity", 0, null], 0]
        ),
      (server) =>
        Effect.gen(function* () {
          const service = FeatureService.make("s", {
            joinKeys: { user_id: Schema.String },
            requestContext: { a: Schema.Number, b: Schema.Number, c: Schema.Array(Schema.Number), d: Schema.Number },
            features: {
              "v.a": Schema.Number,
              "v.b": Schema.Number,
              "v.c": Schema.Array(Schema.NullOr(Schema.Number)),
              "v.d": Schema.Number
            }
          })
          const asking = { ...one, requestContext: () => ({ a: NaN, b: Infinity, c: [-Infinity, 0], d: 1.5 }) }
          const rows = yield* collect(["u1"], TectonSource.features(service, asking))
          assert.deepStrictEqual(rows[0]?.[1], {
            "v.a": { value: NaN },
            "v.b": { value: -Infinity },
            "v.c": { value: [Infinity, 0, null] },
            "v.d": { value: 0 }
          })
          assert.deepStrictEqual(paramsOf(requestOf(server))["requestContextMap"], {
            a: "NaN",
            b: "Infinity",
            c: ["-Infinity", 0],
            d: 1.5
          })
        })
    )
  )
})

describe("case 5: nulls", () => {
  const array = { type: "array", elementType: { type: "int64" } }
  const struct = {
    type: "struct",
    fields: [
      { name: "a", dataType: { type: "int64" } },
      { name: "b", dataType: { type: "string" } }
    ]
  }
  const map = { type: "map", valueType: { type: "int64" } }

  it.live("of each kind stay distinct", () =>
    Effect.gen(function* () {
      const types = ["int64", array, array, array, struct, struct, map, map]
      const values = [null, null, [], [null, "1"], null, [null, null], null, { a: null }]
      const features = yield* everything(
        vector(
          types.map((type, i) => column(`v.f${i}`, type)),
          values
        )
      )
      assert.deepStrictEqual(
        Object.values(features).map(({ value }) => value),
        [null, null, [], [null, 1n], null, { a: null, b: null }, null, { a: null }]
      )
    })
  )

  it.live.each([1, 5])(
    "an explicit null key and context value is sent, an undefined one is not; %d a call",
    (maxBatch) =>
      atServer(
        () => (maxBatch === 1 ? vector([column("v.n", "int64")], ["1"]) : batch([column("v.n", "int64")], [["1"]])),
        (server) =>
          Effect.gen(function* () {
            const service = FeatureService.make("s", {
              joinKeys: {
                user_id: Schema.NullOr(Schema.String),
                card: Schema.optional(Schema.NullOr(Schema.BigInt)),
                shop: Schema.optional(Schema.Int)
              },
              requestContext: { amount: Schema.NullOr(Schema.Number), note: Schema.optional(Schema.String) },
              features: { "v.n": Schema.BigInt }
            })
            const asking = {
              keys: () => ({ user_id: null, card: undefined, shop: 7 }),
              requestContext: () => ({ amount: null, note: undefined }),
              maxBatch
            }
            yield* collect(["u1"], TectonSource.features(service, asking))
            const params = paramsOf(requestOf(server))
            const lookup = { joinKeyMap: { user_id: null, shop: "7" }, requestContextMap: { amount: null } }
            assert.deepInclude(params, maxBatch === 1 ? lookup : { requestData: [lookup] })
          })
      )
  )

  it.live("an empty context is not sent", () =>
    atServer(
      () => vector([column("profile.name", "string"), column("profile.visits", "int64")], ["a", "1"]),
      (server) =>
        Effect.gen(function* () {
          yield* collect(["u1"], TectonSource.features(users, { ...one, requestContext: () => ({}) }))
          assert.notProperty(paramsOf(requestOf(server)), "requestContextMap")
        })
    )
  )
})

describe("case 6: structs, maps and timestamps", () => {
  const point = {
    type: "struct",
    fields: [
      { name: "z", dataType: { type: "string" } },
      { name: "a", dataType: { type: "timestamp" } }
    ]
  }

  it.live("a struct is an object by the order of its type, wherever it is", () =>
    Effect.gen(function* () {
      const features = yield* everything(
        vector(
          [
            column("v.s", point),
            column("v.l", { type: "array", elementType: point }),
            column("v.m", { type: "map", valueType: point })
          ],
          [["x", "1970-01-01T00:00:00.000000001Z"], [["y", null], null], { k: ["z", "1970-01-01T00:00:00Z"] }]
        )
      )
      const at = (epochNanoseconds: bigint) => new Timestamp({ epochNanoseconds })
      assert.deepStrictEqual(
        Object.values(features).map(({ value }) => value),
        [{ z: "x", a: at(1n) }, [{ z: "y", a: null }, null], { k: { z: "z", a: at(0n) } }]
      )
    })
  )

  it.live("one of another length is an error, also inside", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* wrongValue(vector([column("v.s", point)], [["x"]])),
        "feature v.s has 1 values and its type has 2 fields"
      )
      const list = column("v.l", { type: "array", elementType: point })
      assert.strictEqual(
        yield* wrongValue(
          vector(
            [list],
            [
              [
                ["x", null],
                ["y", null, 1]
              ]
            ]
          )
        ),
        "feature v.l[1] has 3 values and its type has 2 fields"
      )
    })
  )

  it.live("of a declared struct the order of fields does not matter, and dates can be DateTimes", () =>
    atServer(
      () => vector([column("v.s", point)], [["x", "1970-01-01T00:00:01.500Z"]]),
      () =>
        Effect.gen(function* () {
          const service = FeatureService.make("s", {
            joinKeys: { user_id: Schema.String },
            features: { "v.s": Schema.Struct({ a: AsDateTime, z: Schema.String }) }
          })
          const [row] = yield* collect(["u1"], TectonSource.features(service, one))
          const value = row?.[1]["v.s"].value
          assert.strictEqual(value?.z, "x")
          assert.strictEqual(value?.a.epochMilliseconds, 1500)
        })
    )
  )

  it.live("a type that is not known spoils its own feature only", () =>
    atServer(
      () =>
        vector(
          [column("v.t", { type: "tensor" }), column("profile.name", "string"), column("profile.visits", "int64")],
          [[1], "Ann", "1"]
        ),
      () =>
        Effect.gen(function* () {
          const rows = yield* collect(["u1"], TectonSource.features(users, one))
          assert.deepStrictEqual(rows[0]?.[1]["profile.name"], { value: "Ann" })
        })
    )
  )
})

describe("case 7: order and status", () => {
  it.live("values are found by name, wherever they stand", () =>
    atServer(
      () =>
        vector(
          [column("other.x", "string"), column("profile.visits", "int64"), column("profile.name", "string")],
          ["x", "7", "Ann"]
        ),
      () =>
        Effect.gen(function* () {
          const rows = yield* collect(["u1"], TectonSource.features(users, one))
          assert.deepStrictEqual(rows[0]?.[1], { "profile.name": { value: "Ann" }, "profile.visits": { value: 7n } })
        })
    )
  )

  it.live("every status is kept, with a time where there is one", () =>
    Effect.gen(function* () {
      const effectiveTime = "2021-08-21T01:23:58Z"
      const at = new Timestamp({ epochNanoseconds: 1_629_509_038_000_000_000n })
      const features = yield* everything(
        vector(
          [
            column("realtime.sum", "float64", { status: "PRESENT" }),
            column("v.a", "int64", { status: "PRESENT", effectiveTime }),
            column("v.b", "int64", { status: "MISSING_DATA", effectiveTime }),
            column("v.c", "int64", { status: "CACHED_PRESENT" }),
            column("v.d", "int64", { status: "TIME_OUT" }),
            column("v.e", "int64", { status: "TOMORROW" })
          ],
          [0.5, "1", null, "2", null, "3"]
        ),
        { latencyBudget: "100 millis" }
      )
      assert.deepStrictEqual(features, {
        "realtime.sum": { value: 0.5, status: "PRESENT" },
        "v.a": { value: 1n, status: "PRESENT", effectiveTime: at },
        "v.b": { value: null, status: "MISSING_DATA", effectiveTime: at },
        "v.c": { value: 2n, status: "CACHED_PRESENT" },
        "v.d": { value: null, status: "TIME_OUT" },
        "v.e": { value: 3n, status: "TOMORROW" }
      })
    })
  )

  it.live("statuses and times are asked for, unless told otherwise; the budget goes with the other options", () =>
    atServer(
      () => vector([column("profile.name", "string"), column("profile.visits", "int64")], ["Ann", "1"]),
      (server) =>
        Effect.gen(function* () {
          yield* collect(
            ["u1"],
            TectonSource.features(users, {
              ...one,
              latencyBudget: "150 millis",
              requestOptions: { readFromCache: false }
            })
          )
          yield* collect(["u1"], TectonSource.features(users, { ...one, statuses: false, effectiveTimes: false }))
          const [all, less] = server.received
          assert.deepStrictEqual(paramsOf(all)["metadataOptions"], {
            includeNames: true,
            includeDataTypes: true,
            includeServingStatus: true,
            includeEffectiveTimes: true
          })
          assert.deepStrictEqual(paramsOf(all)["requestOptions"], { readFromCache: false, latencyBudgetMs: 150 })
          assert.deepStrictEqual(paramsOf(less)["metadataOptions"], { includeNames: true, includeDataTypes: true })
          assert.notProperty(paramsOf(less), "requestOptions")
        })
    )
  )
})

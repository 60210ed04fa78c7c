/** Replies that nobody should send: whatever comes is a value or a typed error, and soon. */
import * as ExactJson from "@effect-connectors/core/ExactJson"
import * as DataType from "@effect-connectors/tecton/DataType"
import * as FeatureMessage from "@effect-connectors/tecton/FeatureMessage"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import * as FeatureValue from "@effect-connectors/tecton/FeatureValue"
import { TectonClient, type Service } from "@effect-connectors/tecton/TectonClient"
import type { TectonError } from "@effect-connectors/tecton/TectonError"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { byId, serviceOf, users } from "./support/index.ts"
import { key } from "./support/secrets.ts"
import { types } from "./support/types.ts"

/** The layer with a cluster that answers everything with one body. */
const saying = (body: string, status = 200) => ({
  url: "https://a.b",
  ingestUrl: "https://c.d",
  workspace: "prod",
  apiKey: Redacted.make(key),
  fetch: () => Promise.resolve(new Response(body, { status }))
})

type Call = (tecton: Service) => Effect.Effect<unknown, TectonError>

const calls: ReadonlyArray<Call> = [
  (tecton) => tecton.getFeatures({ service: "s" }),
  (tecton) => tecton.getFeaturesBatch({ service: "s", lookups: [{}, {}] }),
  (tecton) => tecton.queryFeatures({ service: "s" }),
  (tecton) => tecton.metadata({ service: "s" }),
  (tecton) => tecton.ingest({ records: new Map() })
]

const decodeMessage = FeatureMessage.decoder({
  entityKeys: Schema.Struct({ user_id: Schema.String }),
  featureValues: Schema.Record(Schema.String, Schema.BigIntFromString)
})

const retry = { maxAttempts: 1 }

/** Every step that reads, by the types that the replies say they have. */
const steps = Effect.gen(function* () {
  const discovered = yield* Effect.result(FeatureService.discover("s", { retry }))
  const dynamic = Result.isSuccess(discovered)
    ? [discovered.success, { ...discovered.success, binding: undefined }]
    : [{ ...anything, binding: undefined }, anything]
  yield* Effect.exit(FeatureService.check(users, { retry, added: "refuse" }))
  for (const service of dynamic) {
    for (const maxBatch of [1, 2]) {
      yield* Stream.make("u1", "u2").pipe(
        TectonSource.featuresResults(service, { ...byId, maxBatch, retry }),
        Stream.runDrain,
        Effect.result
      )
    }
    yield* Stream.make("u1").pipe(
      TectonSource.queryResults(service, { ...byId, retry }),
      Stream.runDrain,
      Effect.result
    )
  }
  yield* Stream.make("u1", "u2").pipe(
    TectonSource.featuresResults(users, { ...byId, retry }),
    Stream.runDrain,
    Effect.result
  )
})

const anything: FeatureService.Dynamic = {
  name: "s",
  joinKeys: Schema.Record(Schema.String, Schema.String),
  requestContext: Schema.Record(Schema.String, Schema.String),
  features: undefined,
  types: { joinKeys: [], requestContext: [], features: [] },
  binding: { features: [{ name: "__proto__", dataType: DataType.map(DataType.int64) }], names: true }
}

/** Fails unless everything that decodes makes a value or a typed error of the body: a defect would end the test. */
const survives = (body: string) =>
  Effect.gen(function* () {
    for (const status of [200, 400]) {
      const tecton = yield* serviceOf("https://a.b", saying(body, status))
      for (const call of calls) {
        const result = yield* Effect.result(call(tecton))
        if (status !== 200) assert.isTrue(Result.isFailure(result))
        if (Result.isFailure(result)) {
          assert.strictEqual(result.failure._tag, "TectonError")
          assert.isBelow(result.failure.message.length, 1200)
        }
      }
    }
    yield* Effect.provide(steps, TectonClient.layer(saying(body)))
    const message = decodeMessage(body)
    if (Result.isFailure(message)) assert.isBelow(message.failure.message.length, 1200)
  }).pipe(Effect.scoped)

const deep = (levels: number, open = "[", close = "]", inside = "1") =>
  `${open.repeat(levels)}${inside}${close.repeat(levels)}`

const item = (more: string) => `{"result":{"features":[1]},"metadata":{"features":[${more}]}}`

const levels = 50_000
const spaces = " ".repeat(200_000)

const bodies: ReadonlyArray<readonly [name: string, body: string]> = [
  ["nothing", ""],
  ["spaces", spaces],
  ["null", "null"],
  ["a number", "1e999"],
  ["a list", "[]"],
  ["text", `"${spaces}"`],
  ["lists without end", deep(levels)],
  ["lists that never close", "[".repeat(levels)],
  ["objects without end", deep(levels, `{"a":`, "}")],
  ["deep features", `{"result":{"features":${deep(levels)}}}`],
  ["a deep result", `{"result":${deep(levels)}}`],
  ["deep results", `{"results":[{"features":[${deep(levels)}],"joinKeys":[${deep(levels)}]}]}`],
  ["a deep value with a long number", `{"result":{"features":[${deep(levels)},12345678901234567890]}}`],
  ["a deep type", item(`{"name":"a","dataType":${deep(levels, `{"type":"array","elementType":`, "}")}}`)],
  [
    "a deep value of its type",
    `{"result":{"features":[${deep(200)}]},"metadata":{"features":[{"name":"a","dataType":${deep(200, `{"type":"array","elementType":`, "}", `{"type":"int64"}`)}}]}}`
  ],
  ["a deep name", item(`{"name":${deep(levels)}}`)],
  ["deep tags", item(`{"name":"a","tags":{"b":${deep(levels)}}}`)],
  [
    "deep metadata",
    `{"featureValues":${deep(levels)},"inputJoinKeys":[{"name":"a","dataType":${deep(levels, `{"type":"map","valueType":`, "}")}}]}`
  ],
  [
    "deep errors",
    `{"recordErrors":${deep(levels)},"requestError":null,"error":${deep(levels)},"code":${deep(levels)}}`
  ],
  [
    "a deep key",
    `{"version":"1","entity_keys":{"user_id":${deep(levels)}},"feature_values":${deep(levels, `{"a":`, "}")}}`
  ],
  ["a name of spaces", item(`{"name":"a","tags":{"${spaces}":1}}`)],
  ["a name of lines", item(`{"name":"a","tags":{"${"\\n".repeat(100_000)}":1}}`)],
  ["HTML that is slow to read", `<title`.repeat(200_000)],
  [
    "numbers too large",
    `{"result":{"features":[1e999,-1e999,${"9".repeat(5000)}]},"metadata":{"features":[{"name":"a","dataType":{"type":"int64"}},{"name":"b","dataType":{"type":"float32"}},{"name":"c","dataType":{"type":"float64"}}],"sloInfo":{"serverTimeSeconds":1e999}}}`
  ],
  [
    "sizes too large",
    `{"result":{"features":[]},"metadata":{"sloInfo":{"storeResponseSizeBytes":123456789012345678901}}}`
  ],
  ["a code too large", `{"error":"x","code":1e300,"message":"y"}`],
  ["a code of many digits", `{"error":"x","code":${"9".repeat(400)},"message":"y"}`],
  [
    "counts too large",
    `{"ingestMetrics":{"featureViewIngestMetrics":[{"featureViewName":"a","onlineRecordIngestCount":${"9".repeat(5000)},"offlineRecordIngestCount":"-1"}]}}`
  ],
  [
    "__proto__ everywhere",
    `{"__proto__":{"result":{"features":[1]}},"result":{"__proto__":[],"features":[{"__proto__":"1","constructor":"2"}]},"metadata":{"__proto__":1,"features":[{"name":"__proto__","status":"__proto__","dataType":{"type":"map","__proto__":{"type":"x"},"valueType":{"type":"int64"}},"tags":{"__proto__":"x"}}]}}`
  ],
  [
    "constructors",
    `{"constructor":null,"result":{"features":[{"constructor":null}],"constructor":1},"metadata":{"features":[{"name":"constructor","constructor":{"prototype":1},"dataType":{"type":"struct","fields":[{"name":"constructor","dataType":{"type":"int64"}}]}}]}}`
  ],
  [
    "the same name twice",
    `{"result":{"features":["1","2"]},"metadata":{"features":[{"name":"profile.name","dataType":{"type":"string"}},{"name":"profile.name","dataType":{"type":"string"}}]}}`
  ],
  [
    "half a character",
    `{"result":{"features":["\\ud800"]},"metadata":{"features":[{"name":"\\ud800","dataType":{"type":"string"}}]}}`
  ],
  [
    "a long value of a wrong type",
    item(
      `{"name":"profile.name","dataType":{"type":"int64"}},{"name":"profile.visits","dataType":{"type":"int64"}}`
    ).replace("[1]", `["${"x".repeat(1_000_000)}",1]`)
  ]
]

describe("hostile replies", () => {
  it.effect.each(bodies)("%s", ([, body]) => survives(body))

  /** Bodies that look like replies: their parts are anything. */
  const shapes: ReadonlyArray<(json: Schema.Json, other: Schema.Json) => unknown> = [
    (json) => json,
    (json) => ({ result: json }),
    (json, other) => ({ result: { features: json }, metadata: other }),
    (json, other) => ({
      result: { features: [json, other] },
      metadata: { features: [{ name: "a", dataType: other }, json] }
    }),
    (json, other) => ({
      result: [{ features: [json] }, { features: [other] }],
      results: [{ features: [json], joinKeys: [other] }],
      metadata: {
        features: [{ name: "a", dataType: { type: "struct", fields: json }, status: other }],
        joinKeys: [{ name: "k", dataType: other }],
        sloInfo: json
      }
    }),
    (json, other) => ({
      featureServiceType: json,
      featureValues: other,
      inputJoinKeys: [json],
      outputJoinKeys: [{ name: "a", type: other }]
    }),
    (json, other) => ({ recordErrors: json, requestError: other, ingestMetrics: { featureViewIngestMetrics: [json] } }),
    (json, other) => ({ error: json, code: other, message: json }),
    (json, other) => ({
      version: "1",
      job_type: "x",
      feature_view_name: "a",
      feature_view_id: "b",
      feature_timestamp: json,
      entity_keys: other,
      feature_values: json
    })
  ]
  const parts = Arbitrary.all([
    Arbitrary.schema(Schema.Json),
    Arbitrary.schema(Schema.Json),
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2000 })))
  ])
  it.effect.prop(
    "anything in the place of anything, whole and cut off",
    [parts],
    ([[json, other, cut]]) =>
      Effect.gen(function* () {
        for (const shape of shapes) {
          const body = JSON.stringify(shape(json, other))
          yield* survives(body)
          yield* survives(body.slice(0, cut % (body.length + 1)))
        }
      }),
    { timeout: 60_000, arbitrary: { runs: 12 } }
  )

  const wire = Arbitrary.schema(Schema.Json)
  it.prop("a value of any type, read as any type", [Arbitrary.all([types, wire])], ([[dataType, json]]) => {
    const decoded = FeatureValue.decode(dataType, ExactJson.parse(JSON.stringify(json)))
    if (Result.isFailure(decoded)) assert.isString(decoded.failure.issue)
  })

  it.prop("anything, read as a type", [wire], ([json]) => {
    assert.isString(DataType.format(DataType.fromWire(json)))
    assert.isString(DataType.format(DataType.fromWire({ type: "struct", fields: json })))
    assert.isString(DataType.format(DataType.fromWire({ type: "array", elementType: json })))
  })
})

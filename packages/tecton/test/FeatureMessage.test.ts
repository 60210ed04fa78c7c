import * as FeatureMessage from "@effect-connectors/tecton/FeatureMessage"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { Timestamp } from "@effect-connectors/tecton/Timestamp"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const message = (more: { readonly [field: string]: unknown } = {}) =>
  JSON.stringify({
    version: "1",
    producer: "tecton",
    job_type: "stream",
    feature_view_name: "clicks_1h",
    feature_view_id: "fv-7",
    feature_timestamp: "2023-01-02T00:25:06.123456789Z",
    entity_keys: { user_id: "u1" },
    feature_values: { clicks: "9007199254740993" },
    ...more
  })

const plain = {
  version: "1",
  jobType: "stream",
  featureViewName: "clicks_1h",
  featureViewId: "fv-7",
  featureTimestamp: new Timestamp({ epochNanoseconds: 1_672_619_106_123_456_789n }),
  entityKeys: { user_id: "u1" },
  featureValues: { clicks: "9007199254740993" }
}

const typed = FeatureMessage.decoder({
  entityKeys: Schema.Struct({ user_id: Schema.String }),
  featureValues: Schema.Struct({ clicks: Schema.BigIntFromString })
})

describe("decoder", () => {
  it("reads text and bytes, with keys and values as text", () => {
    const decode = FeatureMessage.decoder()
    assert.deepStrictEqual(decode(message()), Result.succeed(plain))
    assert.deepStrictEqual(decode(new TextEncoder().encode(message({ later: [1] }))), Result.succeed(plain))
  })

  it("reads keys and values by schemas", () => {
    assert.deepStrictEqual(typed(message()), Result.succeed({ ...plain, featureValues: { clicks: 9007199254740993n } }))
  })

  it("a value may be null, and a schema may say that it is not", () => {
    const nulls = message({ feature_values: { clicks: null } })
    assert.deepStrictEqual(
      FeatureMessage.decoder()(nulls),
      Result.succeed({ ...plain, featureValues: { clicks: null } })
    )
    assert.isTrue(Result.isFailure(typed(nulls)))
  })

  it.each([undefined, null])("values that are %s are not there", (feature_values) => {
    const read = Result.getOrThrow(typed(message({ feature_values })))
    assert.notProperty(read, "featureValues")
    assert.deepStrictEqual(read.entityKeys, { user_id: "u1" })
  })

  it.each([
    ["nothing", "", /outputStream: message must be a valid JSON string/],
    ["no JSON", "{", /message must be a valid JSON string/],
    ["a list", "[]", /message must be object/],
    ["no key", message({ entity_keys: undefined }), /message has a entity_keys that is missing/],
    [
      "a number for a key",
      message({ entity_keys: { user_id: 1 } }),
      /message has a entity_keys\.user_id that must be string/
    ],
    ["a value of another type", message({ feature_values: { clicks: "many" } }), /feature_values\.clicks /],
    ["no time", message({ feature_timestamp: "today" }), /feature_timestamp that is "today" and not a timestamp/]
  ])("%s is a typed failure", (_name, text, says) => {
    const read = typed(text)
    assert(Result.isFailure(read))
    assert.deepInclude(read.failure, { _tag: "TectonError", operation: "outputStream" })
    assert.deepInclude(read.failure.reason, { _tag: "InvalidValue", field: "message" })
    assert.match(read.failure.message, says)
  })

  it("bytes that are no UTF-8 are a typed failure", () => {
    const read = typed(Uint8Array.of(0xc3, 0x28))
    assert(Result.isFailure(read))
    assert.include(read.failure.message, "message is not UTF-8")
  })

  it("the failure of a huge message is short", () => {
    const read = typed(message({ feature_timestamp: "x".repeat(1_000_000) }))
    assert(Result.isFailure(read))
    assert.isBelow(read.failure.message.length, 700)
  })
})

describe("outputStream", () => {
  const three = Stream.make(message(), "{", message({ feature_view_id: "fv-8" }))

  it.effect("results go on past a message that can not be read", () =>
    Effect.gen(function* () {
      const results = yield* Stream.runCollect(TectonSource.outputStreamResults()(three))
      assert.deepStrictEqual(
        results.map(([text, result]) => [
          text.length,
          Result.isSuccess(result) ? result.success.featureViewId : result.failure.reason._tag
        ]),
        [
          [message().length, "fv-7"],
          [1, "InvalidValue"],
          [message().length, "fv-8"]
        ]
      )
    })
  )

  it.effect("the plain form fails at it", () =>
    Effect.gen(function* () {
      const read = yield* Stream.runCollect(TectonSource.outputStream()(Stream.make(message(), message())))
      assert.deepStrictEqual(read, [plain, plain])
      const failure = yield* Effect.flip(Stream.runDrain(TectonSource.outputStream()(three)))
      assert.strictEqual(failure.reason._tag, "InvalidValue")
    })
  )
})

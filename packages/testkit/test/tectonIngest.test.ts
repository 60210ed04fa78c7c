/** Which records are taken and which are refused, on the memory layer. */
import type { IngestRecord, Service } from "@effect-connectors/tecton/TectonApi"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { at, click, fails, featuresOf, ingest, withTecton } from "./tectonSupport.ts"

const day = 86_400

const sumOf = (tecton: Service) => Effect.map(featuresOf(tecton, "clicks", "u"), (row) => row["user_clicks.sum_1h"])

describe("ingest", () => {
  it.effect("writes several sources in one call, to every view that subscribes", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        const encode = (record: IngestRecord) => Result.getOrThrow(tecton.encode(record))
        const reply = yield* tecton.ingest({
          records: new Map([
            ["profiles", [encode({ user_id: "u", at: at(0), country: "SE" })]],
            ["clicks", [encode(click(0)), encode(click(-1))]]
          ])
        })
        assert.deepStrictEqual(reply.featureViews, [
          { name: "profile", online: 1n },
          { name: "user_clicks", online: 2n },
          { name: "shop_clicks", online: 2n },
          { name: "tiled", online: 2n }
        ])
        assert.strictEqual(yield* sumOf(tecton), "2")
        assert.deepStrictEqual(yield* featuresOf(tecton, "country", "u"), { "profile.country": "SE" })
      })
    )
  )

  it.effect("checks and writes nothing in a dry run, also of a source without a view", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        const { featureViews } = yield* ingest(tecton, "clicks", [click(0)], true)
        assert.strictEqual(featureViews.length, 3)
        assert.strictEqual(yield* sumOf(tecton), null)
        yield* fails(ingest(tecton, "clicks", [click(0, { clicked: "x" })], true), { _tag: "RequestRefused" })
        assert.deepStrictEqual((yield* ingest(tecton, "lonely", [{ id: "a", at: at(0) }], true)).featureViews, [])
        yield* fails(ingest(tecton, "lonely", [{ id: 1 }], true), { _tag: "RequestRefused" }, "id is 1")
      })
    )
  )

  const wrong: ReadonlyArray<readonly [IngestRecord, string]> = [
    [click(0, { clicked: "many" }), `The field clicked is "many" and not of type int64`],
    [click(0, { clicked: 1.5 }), "The field clicked is 1.5 and not of type int64"],
    [click(0, { price: true }), "The field price is true and not of type float64"],
    [click(0, { price: "1" }), `The field price is "1" and not of type float64`],
    [click(0, { page: ["a"] }), "The field page is a list and not of type string"],
    [click(0, { page: {} }), "The field page is an object and not of type string"],
    [click(0, { at: "yesterday" }), "not of type timestamp"],
    [click(0, { at: undefined }), "The record has no timestamp: at"],
    [click(0, { at: null }), "The record has no timestamp: at"],
    [click(0, { user_id: undefined }), "user_clicks: The record has no join key: user_id"],
    [click(0, { user_id: null }), "user_clicks: The record has no join key: user_id"],
    [click(0, { shop_id: null }), "shop_clicks: The record has no join key: shop_id"],
    [click(0, { more: 1 }), `The field "more" is not in the schema of the source`],
    [click(-8 * day), "outside of the view's serving ttl"]
  ]

  it.effect.each(wrong)("refuses %o", ([record, text]) =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        yield* fails(
          ingest(tecton, "clicks", [click(0), record]),
          { _tag: "RequestRefused", wire: { status: 400 } },
          text
        )
        assert.strictEqual(yield* sumOf(tecton), null)
      })
    )
  )

  const nested: ReadonlyArray<readonly [IngestRecord, string]> = [
    [{ tags: "a" }, `tags is "a" and not of type array`],
    [{ tags: ["a", 1] }, "tags holds at 1 a value that is 1 and not of type string"],
    [{ spot: [1, "x"] }, "spot is a list and not of type struct"],
    [{ spot: { lat: "x" } }, `spot has a field lat that is "x" and not of type float64`],
    [{ spot: { lon: 1 } }, `spot has an unknown field "lon"`],
    [{ counts: [1] }, "counts is a list and not of type map"],
    [{ counts: { a: "x" } }, `counts holds at "a" a value that is "x" and not of type int64`],
    [{ vip: "x".repeat(100) }, `vip is "${"x".repeat(64)}..." and not of type boolean`]
  ]

  it.effect.each(nested)("refuses %o", ([fields, text]) =>
    withTecton((tecton) =>
      fails(ingest(tecton, "profiles", [{ user_id: "u", at: at(0), ...fields }]), { _tag: "RequestRefused" }, text)
    )
  )

  it.effect("takes an event as old as the ttl less a nanosecond", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        const profile = (time: string) => ingest(tecton, "profiles", [{ user_id: "u", at: time, country: "SE" }])
        yield* fails(profile("2025-12-06T10:02:00Z"), { _tag: "RequestRefused" }, "profile: The event time 2025-12-06")
        yield* profile("2025-12-06T10:02:00.000000001Z")
      })
    )
  )

  it.effect("counts what is wrong for each view, and tells the first", () =>
    withTecton((tecton) =>
      fails(
        ingest(tecton, "clicks", [click(0, { clicked: "a" }), click(0, { clicked: "b" })]),
        { _tag: "RequestRefused" },
        "; and 3 more"
      )
    )
  )

  it.effect("does not know a source, or one that no view subscribes to", () =>
    withTecton((tecton) =>
      Effect.gen(function* () {
        const notFound = { _tag: "NotFound", resource: "stream source", wire: { status: 404 } }
        yield* fails(ingest(tecton, "nowhere", [click(0)]), { ...notFound, called: "nowhere" })
        yield* fails(ingest(tecton, "nowhere", [click(0)], true), { ...notFound, called: "nowhere" })
        yield* fails(ingest(tecton, "lonely", [{ id: "a", at: at(0) }]), { ...notFound, called: "lonely" })
      })
    )
  )

  it.effect("keeps the digits of an int64, where they are sent", () =>
    withTecton(
      (tecton) =>
        Effect.gen(function* () {
          yield* ingest(tecton, "clicks", [click(0, { clicked: 2n ** 63n - 1n })])
          assert.strictEqual(yield* sumOf(tecton), "9223372036854775807")
          yield* ingest(tecton, "clicks", [click(-1, { clicked: 1 })])
          assert.strictEqual(yield* sumOf(tecton), "-9223372036854775808")
        }),
      { largeInt64: "string" }
    )
  )

  it.effect("refuses a request that is too large", () =>
    withTecton(
      (tecton) =>
        Effect.gen(function* () {
          const record = Result.getOrThrow(tecton.encode(click(0)))
          const envelope = tecton.limits.ingestEnvelopeBytes("clicks")
          const body = `{"workspace_name":"prod","dry_run":false,"records":{"clicks":[${record.json}]}}`
          assert.strictEqual(envelope + record.bytes - 1, body.length)
          yield* fails(ingest(tecton, "clicks", [click(0), click(-1)]), { _tag: "RequestTooLarge" })
          yield* ingest(tecton, "clicks", [click(0)])
        }),
      { maxRequestBytes: 200 }
    )
  )
})

describe("what is not documented", () => {
  it.effect("good records of a refused call may be written", () =>
    withTecton(
      (tecton) =>
        Effect.gen(function* () {
          const call = ingest(tecton, "clicks", [click(0), click(-1, { clicked: "x" })])
          yield* fails(call, { _tag: "RequestRefused", wire: { status: 422 } })
          assert.strictEqual(yield* sumOf(tecton), "1")
        }),
      { assumptions: { refusedIngest: "good records", recordErrorsStatus: 422 } }
    )
  )

  it.effect("text may be refused for an int64, and fields and keys that are too many be ignored", () =>
    withTecton(
      (tecton) =>
        Effect.gen(function* () {
          yield* fails(ingest(tecton, "clicks", [click(0, { clicked: "1" })]), { _tag: "RequestRefused" })
          yield* ingest(tecton, "clicks", [click(0, { more: 1 })])
          yield* tecton.getFeatures({ service: "clicks", joinKeys: { user_id: "u", other: "x" } })
        }),
      { assumptions: { int64AsText: false, extraFields: "ignore", extraJoinKeys: "ignore" } }
    )
  )
})

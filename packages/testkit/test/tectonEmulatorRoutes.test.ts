/** Every route over plain HTTP: paths, casing, replies and both envelopes of errors. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { json } from "./rawHttp.ts"
import { ingesting, raw, reading, refusal, told, v1, v2 } from "./tectonRaw.ts"
import { at, click } from "./tectonSupport.ts"

const all = {
  includeNames: true,
  includeDataTypes: true,
  includeEffectiveTimes: true,
  includeServingStatus: true,
  includeFeatureDescriptions: true,
  includeFeatureTags: true
}

describe("reads", () => {
  it.effect("say only what is asked for", () =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      yield* post("/ingest", ingesting("profiles", [{ user_id: "u", at: at(-1), country: "SE" }]))
      const joinKeyMap = { user_id: "u" }
      const bare = yield* post(v1("get-features"), reading("country", { joinKeyMap }))
      assert.strictEqual(bare.text, `{"result":{"features":["SE"]}}`)
      assert.strictEqual(bare.headers.get("content-type"), "application/json")
      const full = yield* post(v1("get-features"), reading("country", { joinKeyMap, metadataOptions: all }))
      assert.deepStrictEqual(json(full), {
        result: { features: ["SE"] },
        metadata: {
          features: [
            {
              name: "profile.country",
              dataType: { type: "string" },
              effectiveTime: "2026-01-05T10:01:59Z",
              status: "PRESENT"
            }
          ]
        }
      })
    })
  )

  it.effect("take names in snake case, in camel case and mixed, with the same answer to the byte", () =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      yield* post("/ingest", ingesting("clicks", [click(0)]))
      const snake = {
        params: {
          workspace_name: "prod",
          feature_service_name: "all",
          join_key_map: { user_id: "u" },
          request_context_map: { amount: 5, big: "9007199254740993" },
          metadata_options: Object.fromEntries(
            Object.entries(all).map(([name, value]) => [name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), value])
          ),
          request_options: { coerce_null_counts_to_zero: true, latency_budget_ms: "200" },
          allow_partial_results: true
        }
      }
      const camel = reading("all", {
        joinKeyMap: { user_id: "u" },
        requestContextMap: { amount: 5, big: "9007199254740993" },
        metadataOptions: all,
        requestOptions: { coerceNullCountsToZero: true, latencyBudgetMs: 200 },
        allowPartialResults: true
      })
      const mixed = reading("all", { ...camel.params, joinKeyMap: undefined, join_key_map: { user_id: "u" } })
      const expected = yield* post(v1("get-features"), camel)
      assert.strictEqual(expected.status, 200)
      assert.include(expected.text, `"partialResults":false`)
      assert.include(expected.text, `"tags":{"team":"fraud"}`)
      assert.include(expected.text, `"payment.big"`)
      assert.include(expected.text, `"9007199254740993"`)
      assert.strictEqual((yield* post(v1("get-features"), snake)).text, expected.text)
      assert.strictEqual((yield* post(v1("get-features"), mixed)).text, expected.text)
      const { workspaceName: _workspace, featureServiceName: _service, ...params } = camel.params
      assert.strictEqual((yield* post(v2("all", "get-features"), { params })).text, expected.text)
    })
  )

  it.effect("of a batch have a list of statuses, one effective time, and the sizes of each row", () =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      yield* post("/ingest", ingesting("profiles", [{ user_id: "u", at: at(0), country: "SE" }]))
      const params = {
        requestData: [{ joinKeyMap: { user_id: "u" } }, { join_key_map: { user_id: null } }],
        metadataOptions: { includeServingStatus: true, includeSloInfo: true, includeEffectiveTimes: true }
      }
      const slo = (bytes: number) => ({
        sloEligible: true,
        sloServerTimeSeconds: 0,
        serverTimeSeconds: 0,
        storeMaxLatency: 0,
        dynamodbResponseSizeBytes: bytes
      })
      const expected = {
        result: [{ features: ["SE"] }, { features: [null] }],
        metadata: {
          features: [{ effectiveTime: "2026-01-05T10:02:00Z", status: ["PRESENT", "MISSING_DATA"] }],
          sloInfo: [slo(2), slo(1)],
          batchSloInfo: slo(3)
        }
      }
      assert.deepStrictEqual(json(yield* post(v1("get-features-batch"), reading("country", params))), expected)
      assert.deepStrictEqual(json(yield* post(v2("country", "get-features-batch"), { params })), expected)
    })
  )

  it.effect("of a wildcard service have results with join keys", () =>
    Effect.gen(function* () {
      const { post, send } = yield* raw()
      yield* post("/ingest", ingesting("clicks", [click(0, { shop_id: 7 })]))
      const params = {
        joinKeyMap: { user_id: "u" },
        metadataOptions: { includeNames: true, includeDataTypes: true, includeServingStatus: true }
      }
      const expected = {
        results: [{ features: [null, "1"], joinKeys: ["7"] }],
        metadata: {
          features: [
            { name: "profile.country", dataType: { type: "string" }, status: ["MISSING_DATA"] },
            { name: "shop_clicks.count_1h", dataType: { type: "int64" }, status: ["PRESENT"] }
          ],
          joinKeys: [{ name: "shop_id", dataType: { type: "int64" } }]
        }
      }
      assert.deepStrictEqual(json(yield* post(v1("query-features"), reading("shops", params))), expected)
      assert.deepStrictEqual(json(yield* post(v2("shops", "query-features"), { params })), expected)
      const metadata = {
        featureServiceType: "WILDCARD",
        inputJoinKeys: [{ name: "user_id", dataType: { type: "string" } }],
        outputJoinKeys: [{ name: "shop_id", dataType: { type: "int64" } }],
        featureValues: [
          { name: "profile.country", dataType: { type: "string" } },
          { name: "shop_clicks.count_1h", dataType: { type: "int64" } }
        ]
      }
      assert.deepStrictEqual(json(yield* post(v1("metadata"), reading("shops"))), metadata)
      assert.deepStrictEqual(json(yield* send("GET", v2("shops", "metadata"))), metadata)
    })
  )

  it.effect("tell the types of structs, maps and arrays, and leave out lists that are empty", () =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      const metadata = yield* post(v1("metadata"), reading("payment"))
      assert.deepStrictEqual(json(metadata), {
        featureServiceType: "DEFAULT",
        inputRequestContextKeys: [
          { name: "amount", dataType: { type: "float64" } },
          { name: "big", dataType: { type: "int64" } }
        ],
        featureValues: [
          { name: "payment.big", dataType: { type: "int64" } },
          { name: "payment.amount", dataType: { type: "float64" } }
        ]
      })
      const { text } = yield* post(v1("metadata"), reading("profile"))
      const map = { type: "map", keyType: { type: "string" }, valueType: { type: "int64" } }
      assert.include(text, JSON.stringify({ name: "profile.counts", dataType: map }))
    })
  )

  const unknown = (service: string, workspace = "prod") =>
    refusal(
      400,
      5,
      `Unable to query FeatureService ${service} for workspace ${workspace}. Newly created feature services may take ` +
        "up to 60 seconds to query. Also, ensure that the workspace is a live workspace."
    )
  const bad = (message: string) => refusal(400, 3, message)
  const lookup = { joinKeyMap: { user_id: "u" } }

  it.effect.each([
    ["get-features", reading("clicks", {}), bad("Missing required join key: user_id")],
    ["get-features", reading("nowhere", lookup), unknown("nowhere")],
    ["get-features", reading("clicks", { ...lookup, workspaceName: "dev" }), unknown("clicks", "dev")],
    ["get-features", reading("clicks", { ...lookup, workspaceName: "x" }), refusal(404, 5, "Workspace x not found")],
    ["get-features", reading("clicks", { ...lookup, workspaceName: 7 }), bad("Missing required field: workspaceName")],
    ["get-features", reading(""), bad("Missing required field: featureServiceName")],
    [
      "get-features",
      reading("", { featureServiceId: "1" }),
      bad("The emulator knows feature services by name: give featureServiceName")
    ],
    ["get-features", reading("clicks", { joinKeyMap: [] }), bad("joinKeyMap has to be an object")],
    [
      "get-features",
      reading("clicks", { joinKeyMap: { user_id: {} } }),
      bad("The value of join key user_id is an object and not of type string")
    ],
    [
      "get-features",
      reading("clicks", { ...lookup, metadataOptions: { includeNames: 1 } }),
      bad("The request option includeNames has to be a boolean")
    ],
    ["get-features", [], bad("The body has to be an object")],
    ["get-features", { params: 1 }, bad("params has to be an object")],
    ["get-features", {}, bad("Missing required field: workspaceName")],
    ["get-features-batch", reading("clicks"), bad("Missing required field: requestData")],
    ["get-features-batch", reading("clicks", { requestData: [] }), bad("A batch has at least one row")],
    ["get-features-batch", reading("clicks", { requestData: [1] }), bad("requestData has to be an object")],
    [
      "get-features-batch",
      reading("clicks", { requestData: Array(11).fill(lookup) }),
      bad("A batch has at most 10 rows, got 11")
    ],
    ["get-features-batch", reading("clicks", { requestData: [lookup, {}] }), bad("Missing required join key: user_id")],
    ["query-features", reading("clicks", lookup), bad("Feature service clicks is of type DEFAULT: use get-features")],
    ["metadata", reading("nowhere"), unknown("nowhere")],
    ["metadata", reading("clicks", { workspaceName: "x" }), refusal(404, 5, "Workspace x not found")]
  ] as const)("%s refuses %j", ([call, body, expected]) =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      assert.deepStrictEqual(told(yield* post(v1(call), body)), expected)
    })
  )

  it.effect("are not found on other paths, nor by other methods", () =>
    Effect.gen(function* () {
      const { emulator, post, send } = yield* raw()
      for (const path of [
        "/",
        "/api/v1/feature-service/x",
        v2("clicks", "x"),
        "/api/v2/workspaces/%E0/feature-services/f/metadata",
        "/__admin/x"
      ]) {
        assert.deepInclude(json(yield* post(path, {})), { code: 5 })
      }
      const notAllowed = yield* send("GET", v1("get-features"))
      assert.strictEqual(notAllowed.status, 405)
      assert.strictEqual(notAllowed.headers.get("allow"), "POST")
      assert.strictEqual((yield* post(v2("clicks", "metadata"), {})).status, 405)
      assert.deepInclude(json(yield* send("GET", "/ingest")), {
        requestError: { errorMessage: "GET is not allowed on /ingest, but POST", errorType: "InternalError" }
      })
      assert.deepStrictEqual(yield* emulator.concurrency.refused, 0)
      assert.strictEqual((yield* send("GET", v2("cl%69cks", "metadata"))).status, 200)
    })
  )

  it.effect("are limited in bytes", () =>
    Effect.gen(function* () {
      const { post } = yield* raw({ assumptions: { maxRequestBytes: 200 }, maxBodyBytes: 400 })
      const body = (length: number) => reading("clicks", { joinKeyMap: { user_id: "u".repeat(length) } })
      assert.strictEqual((yield* post(v1("get-features"), body(50))).status, 200)
      assert.deepInclude(json(yield* post(v1("get-features"), body(150))), { code: 3 })
      assert.strictEqual((yield* post(v1("get-features"), body(500))).status, 413)
      assert.strictEqual((yield* post("/ingest", " ".repeat(500))).status, 413)
    })
  )
})

describe("ingest", () => {
  const record = { user_id: "u", at: at(0), country: "SE" }
  const country = reading("country", { joinKeyMap: { user_id: "u" } })

  it.effect("is the same in both casings, and what it wrote is there", () =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      const reply = {
        workspaceName: "prod",
        ingestMetrics: { featureViewIngestMetrics: [{ featureViewName: "profile", onlineRecordIngestCount: "1" }] }
      }
      for (const path of ["/ingest", "/v2/ingest"]) {
        for (const names of [
          ["workspace_name", "dry_run"],
          ["workspaceName", "dryRun"],
          ["workspace_name", "dryRun"]
        ] as const) {
          const body = {
            [names[0]]: "prod",
            [names[1]]: false,
            records: { profiles: [{ record: { ...record, country: names.join() } }] }
          }
          assert.deepStrictEqual(told(yield* post(path, body)), { status: 200, body: reply })
          assert.deepStrictEqual(json(yield* post(v1("get-features"), country)), {
            result: { features: [names.join()] }
          })
        }
      }
    })
  )

  const requestError = (status: number, errorMessage: string, errorType = "RequestValidationError") => ({
    status,
    body: { requestError: { errorMessage, errorType } }
  })
  const valid = ingesting("profiles", [record])
  const { dry_run: _dryRun, ...withoutDryRun } = valid
  const { workspace_name: _workspace, ...withoutWorkspace } = valid
  const { records: _records, ...withoutRecords } = valid

  const wrong: ReadonlyArray<readonly [body: object, expected: object]> = [
    [withoutDryRun, requestError(400, "Missing required field: dry_run")],
    [withoutWorkspace, requestError(400, "Missing required field: workspace_name")],
    [withoutRecords, requestError(400, "Missing required field: records")],
    [{ ...valid, dry_run: "no" }, requestError(400, "dry_run has to be a boolean")],
    [{ ...valid, records: [] }, requestError(400, "records has to be an object")],
    [{ ...valid, records: { profiles: {} } }, requestError(400, "The records of profiles have to be a list")],
    [
      { ...valid, records: { profiles: [record] } },
      requestError(400, `Each record of profiles has to be {"record": {...}}`)
    ],
    [[], requestError(400, "The body has to be an object")],
    [{ ...valid, workspace_name: "x" }, requestError(404, "Workspace x not found", "NotFoundError")],
    [{ ...valid, workspace_name: "dev" }, requestError(404, "Workspace dev is not live", "NotFoundError")],
    [ingesting("x", [record]), requestError(404, "Stream source x not found in workspace prod", "NotFoundError")],
    [
      ingesting(
        "profiles",
        [record, { ...record, age: "x", at: "then" }, "text"].map((one) => Object(one))
      ),
      {
        status: 400,
        body: {
          workspaceName: "prod",
          recordErrors: [
            {
              featureViewName: "profile",
              pushSourceName: "profiles",
              errorType: "TectonObjectValidationError",
              errorMessage: `The field at is "then" and not of type timestamp`
            },
            {
              featureViewName: "profile",
              pushSourceName: "profiles",
              errorType: "TectonObjectValidationError",
              errorMessage: "The record is no object"
            }
          ]
        }
      }
    ],
    [
      ingesting("lonely", [{ id: 1 }], { dry_run: true }),
      {
        status: 400,
        body: {
          workspaceName: "prod",
          recordErrors: [
            {
              pushSourceName: "lonely",
              errorType: "TectonObjectValidationError",
              errorMessage: "The field id is 1 and not of type string"
            }
          ]
        }
      }
    ]
  ]

  it.effect.each(wrong)("refuses %j", ([body, expected]) =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      assert.deepStrictEqual(told(yield* post("/ingest", body)), expected)
      assert.deepStrictEqual(json(yield* post(v1("get-features"), country)), { result: { features: [null] } })
    })
  )

  it.effect("takes a call without dry_run where that is assumed", () =>
    Effect.gen(function* () {
      const { post } = yield* raw({ assumptions: { dryRun: "optional" } })
      assert.strictEqual((yield* post("/ingest", withoutDryRun)).status, 200)
      assert.deepStrictEqual(json(yield* post(v1("get-features"), country)), { result: { features: ["SE"] } })
    })
  )

  it.effect("keeps every digit of a number", () =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      const text = JSON.stringify(ingesting("clicks", [click(0, { clicked: 0 })]))
      yield* post("/ingest", text.replace(`"clicked":0`, `"clicked":9223372036854775807`))
      const { text: read } = yield* post(v1("get-features"), reading("clicks", { joinKeyMap: { user_id: "u" } }))
      assert.include(read, `"9223372036854775807"`)
    })
  )
})

import type { InvalidOption } from "@effect-connectors/core/ConnectorError"
import { type Options, TectonClient } from "@effect-connectors/tecton/TectonClient"
import type { TectonError } from "@effect-connectors/tecton/TectonError"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { scriptedServer } from "../../../test/support/scriptedServer.ts"
import { paramsOf, requestOf, scripted, serviceOf, vector } from "./support/index.ts"
import { clientSecret, key, refusalOf } from "./support/secrets.ts"

const empty = vector([], [])
const request = { service: "fraud", joinKeys: { user_id: "u1" } }

const invalidOption = (error: TectonError): InvalidOption => {
  assert(error.reason._tag === "InvalidOption")
  assert.isTrue(error.reason.isFatal)
  return error.reason
}

describe("options that can not work are refused when the layer is built", () => {
  const good: Options = { url: "https://my-cluster.tecton.ai", workspace: "prod", apiKey: Redacted.make(key) }
  const oauth = { clientId: "id", clientSecret: Redacted.make(clientSecret) }
  const cases: ReadonlyArray<readonly [name: string, change: Partial<Options>, option: string, says: RegExp]> = [
    ["no workspace", { workspace: "" }, "workspace", /is missing; name it \(TECTON_WORKSPACE in the environment\)/],
    ["a workspace that is a path", { workspace: ".." }, "workspace", /is "\.\.", which no workspace is called/],
    ["a workspace of half a character", { workspace: "\ud800" }, "workspace", /which no workspace is called/],
    ["no url", { url: "" }, "url", /is missing; give the cluster's address/],
    ["a url that is none", { url: "my cluster" }, "url", /is not an address; write it like https:\/\/my-cluster/],
    ["another protocol", { url: "ftp://my-cluster" }, "url", /is not an address/],
    ["a url with a key in it", { url: `https://${encodeURIComponent(key)}@my-cluster` }, "url", /is not an address/],
    ["an ingestUrl that is none", { ingestUrl: "https://" }, "ingestUrl", /is not an address/],
    ["a header in place of the key", { headers: { authoriZation: "x" } }, "headers", /has Authorization; give apiKey/],
    ...["/api", "/api/", "/api/v1", "/api/v2", "/proxy/api/v1", "/ingest", "/v2/ingest"].flatMap(
      (path): ReadonlyArray<readonly [string, Partial<Options>, string, RegExp]> => [
        [`a url with ${path}`, { url: `https://a.b${path}` }, "url", /ends with a part of Tecton's paths/],
        [`an ingestUrl with ${path}`, { ingestUrl: `a.b:99${path}` }, "ingestUrl", /ends with a part of/]
      ]
    ),
    ["an oauth url with a path", { oauth: { ...oauth, url: "https://a.b/api" } }, "oauth.url", /ends with a part/],
    ["an api that is none", { api: JSON.parse(`"v3"`) }, "api", /is "v3"; it must be "v1" or "v2"/],
    ["an api of many letters", { api: JSON.parse(`"${"v".repeat(999)}"`) }, "api", /is "v{63}\.\.\.; it must be/],
    ["a workspace of many letters", { workspace: `${"w".repeat(999)}\ud800` }, "workspace", /is "w{63}\.\.\., which/],
    ["an empty api", { api: JSON.parse(`""`) }, "api", /is ""; it must be "v1" or "v2"/],
    ["an ingestApi that is none", { ingestApi: JSON.parse("2") }, "ingestApi", /is 2; it must be "v1" or "v2"/],
    ["no room for a row", { maxRowsInFlight: 0 }, "maxRowsInFlight", /is 0; it must be a whole number/],
    ["room for a row and a half", { maxRowsInFlight: 1.5 }, "maxRowsInFlight", /is 1.5; it must be a whole number/],
    ["another header in place of the key", { headers: { AUTHORIZATION: "x" } }, "headers", /has Authorization/],
    ["no credentials", { apiKey: undefined }, "apiKey", /is missing, and so is oauth/],
    ["an empty key", { apiKey: Redacted.make("") }, "apiKey", /is empty; set it \(TECTON_API_KEY/],
    ["a key with a line break", { apiKey: Redacted.make(`${key}\n`) }, "apiKey", /has a space, a line break/],
    ["an empty client id", { oauth: { ...oauth, clientId: "" } }, "oauth.clientId", /is empty/],
    [
      "an empty secret",
      { oauth: { ...oauth, clientSecret: Redacted.make("") } },
      "oauth.clientSecret",
      /is empty; set it \(TECTON_CLIENT_SECRET/
    ],
    [
      "a secret with a space",
      { oauth: { ...oauth, clientSecret: Redacted.make(`${clientSecret} `) } },
      "oauth.clientSecret",
      /has a space/
    ],
    ["an oauth url that is none", { oauth: { ...oauth, url: "x y" } }, "oauth.url", /is not an address/],
    ["0 bytes", { maxRequestBytes: 0 }, "maxRequestBytes", /whole number of bytes above zero/],
    ["half a byte", { maxRequestBytes: 0.5 }, "maxRequestBytes", /whole number/],
    ["bytes without end", { maxRequestBytes: Infinity }, "maxRequestBytes", /whole number/],
    ["no time", { timeout: 0 }, "timeout", /must be a time above zero/],
    ["a negative time", { timeout: "-1 seconds" }, "timeout", /must be a time above zero/],
    ["a time that is none", { timeout: JSON.parse(`"soon"`) }, "timeout", /must be a time above zero/],
    ["time without end", { timeout: Duration.infinity }, "timeout", /must be a time above zero/],
    ["no time for ingest", { ingestTimeout: 0 }, "ingestTimeout", /must be a time above zero/],
    ["a header with a line break", { headers: { "x-a": "b\r\nc: d" } }, "headers", /at "x-a"/],
    ["a header with a space in its name", { headers: { "x a": "b" } }, "headers", /at "x a"/]
  ]
  it.effect.each(cases)("%s", ([, change, option, says]) =>
    Effect.gen(function* () {
      const error = yield* refusalOf(Effect.scoped(Layer.build(TectonClient.layer({ ...good, ...change }))))
      assert.strictEqual(error.operation, "layer")
      const invalid = invalidOption(error)
      assert.strictEqual(invalid.option, option)
      assert.match(invalid.message, says)
    })
  )

  it.effect("and good ones are not", () =>
    Effect.gen(function* () {
      for (const change of [
        {},
        { oauth },
        { apiKey: undefined, oauth },
        { ingestUrl: "" },
        { timeout: "1 millis" }
      ] as const) {
        const tecton = yield* Effect.map(
          Layer.build(TectonClient.layer({ ...good, ...change })),
          Context.get(TectonClient)
        )
        assert.strictEqual(tecton.name, "my-cluster.tecton.ai")
        assert.strictEqual(tecton.workspace, "prod")
      }
    })
  )
})

describe("an address", () => {
  it.effect.each(["http://api", "http://ingest/", "https://api.a.b", "https://a.b/apis", "https://a.b/v1"])(
    "%s has no path of Tecton's",
    (url) =>
      Effect.gen(function* () {
        const tecton = yield* serviceOf(url)
        assert.strictEqual(tecton.name, new URL(url).host)
      })
  )
})

describe("layerConfig", () => {
  const build = (config: { readonly [name: string]: string }) =>
    Effect.map(Layer.build(TectonClient.layerConfig), Context.get(TectonClient)).pipe(
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(config)))
    )

  it.live("takes everything from the configuration", () =>
    Effect.gen(function* () {
      const token = yield* scriptedServer({ body: { access_token: "t0", expires_in: 60 } })
      const reads = yield* scriptedServer(empty)
      const writes = yield* scriptedServer({})
      const tecton = yield* build({
        TECTON_URL: reads.url,
        TECTON_INGEST_URL: writes.url,
        TECTON_WORKSPACE: "w",
        TECTON_API_KEY: key,
        TECTON_API: "v2",
        TECTON_INGEST_API: "v2",
        TECTON_CLIENT_ID: "id",
        TECTON_CLIENT_SECRET: clientSecret,
        TECTON_OAUTH_URL: token.url
      })
      yield* tecton.getFeatures(request)
      yield* tecton.ingest({ records: new Map() })
      assert.strictEqual(new URLSearchParams(requestOf(token).body).get("client_secret"), clientSecret)
      assert.strictEqual(requestOf(reads).path, "/api/v2/workspaces/w/feature-services/fraud/get-features")
      assert.strictEqual(requestOf(reads).headers.authorization, "Bearer t0")
      assert.strictEqual(requestOf(writes).path, "/v2/ingest")
      assert.strictEqual(requestOf(writes).headers.authorization, `Tecton-key ${key}`)
    })
  )

  it.live("needs no more than an address, a workspace and a key", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer(empty)
      const tecton = yield* build({ TECTON_URL: server.url, TECTON_WORKSPACE: "w", TECTON_API_KEY: key })
      yield* tecton.getFeatures(request)
      assert.strictEqual(requestOf(server).path, "/api/v1/feature-service/get-features")
      const error = yield* refusalOf(tecton.ingest({ records: new Map() }))
      assert.include(error.message, "option ingestUrl is missing; give the address of the Stream Ingest API")
    })
  )

  it.effect.each([
    [
      "no address",
      { TECTON_WORKSPACE: "w", TECTON_API_KEY: key },
      /option url is missing; give the cluster's address \(TECTON_URL in the environment\)/
    ],
    [
      "no workspace",
      { TECTON_URL: "https://a.b", TECTON_API_KEY: key },
      /option workspace is missing; name it \(TECTON_WORKSPACE in the environment\)/
    ],
    ["nothing at all", {}, /option workspace is missing/],
    [
      "a client without its secret, whatever the key",
      { TECTON_URL: "https://a.b", TECTON_WORKSPACE: "w", TECTON_API_KEY: key, TECTON_CLIENT_ID: "c" },
      /TECTON_CLIENT_SECRET/
    ],
    [
      "a secret without its client",
      { TECTON_URL: "https://a.b", TECTON_WORKSPACE: "w", TECTON_CLIENT_SECRET: clientSecret },
      /TECTON_CLIENT_ID/
    ],
    ["no credentials", { TECTON_URL: "https://a.b", TECTON_WORKSPACE: "w" }, /apiKey is missing/],
    [
      "an API that is none",
      { TECTON_URL: "https://a.b", TECTON_WORKSPACE: "w", TECTON_API_KEY: key, TECTON_API: "v3" },
      /TECTON_API/
    ]
  ] as const)("%s is an error", ([, config, says]) =>
    Effect.gen(function* () {
      assert.match(String(yield* refusalOf(Effect.scoped(build(config)))), says)
    })
  )
})

describe("on the wire", () => {
  const include = {
    names: true,
    dataTypes: true,
    effectiveTimes: true,
    servingStatus: true,
    sloInfo: true,
    descriptions: true,
    tags: true
  }
  const flags = {
    includeNames: true,
    includeDataTypes: true,
    includeEffectiveTimes: true,
    includeServingStatus: true,
    includeSloInfo: true,
    includeFeatureDescriptions: true,
    includeFeatureTags: true
  }
  const names = { featureServiceName: "fraud/1", workspaceName: "a b" }
  const asked = { joinKeyMap: { user_id: "u1" } }
  const calls: ReadonlyArray<
    readonly [
      call: "getFeatures" | "getFeaturesBatch" | "queryFeatures",
      path: string,
      params: { readonly [name: string]: unknown }
    ]
  > = [
    ["getFeatures", "get-features", asked],
    ["getFeaturesBatch", "get-features-batch", { requestData: [asked, asked] }],
    ["queryFeatures", "query-features", asked]
  ]

  const options = {
    service: "fraud/1",
    include,
    requestOptions: { latencyBudgetMs: 200, readFromCache: false, somethingNew: "x" },
    allowPartialResults: true
  }
  const lookup = { joinKeys: { user_id: "u1" } }

  it.live.each(
    calls.flatMap(([call, path, params]) => [["v1", call, path, params] as const, ["v2", call, path, params] as const])
  )("%s %s", ([api, call, path, params]) =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([{ body: { result: [{}, {}] } }, { body: { result: {} } }], {
        api,
        workspace: "a b"
      })
      const send = {
        getFeatures: () => Effect.ignore(tecton.getFeatures({ ...options, ...lookup })),
        getFeaturesBatch: () => tecton.getFeaturesBatch({ ...options, lookups: [lookup, lookup] }),
        queryFeatures: () => tecton.queryFeatures({ ...options, ...lookup })
      }
      yield* send[call]()
      const sent = requestOf(server)
      assert.strictEqual(sent.method, "POST")
      assert.strictEqual(
        sent.path,
        api === "v1" ? `/api/v1/feature-service/${path}` : `/api/v2/workspaces/a%20b/feature-services/fraud%2F1/${path}`
      )
      assert.deepStrictEqual(paramsOf(sent), {
        ...(api === "v1" ? names : {}),
        ...params,
        metadataOptions: flags,
        requestOptions: options.requestOptions,
        allowPartialResults: true
      })
      assert.strictEqual(sent.headers["content-type"], "application/json")
      assert.strictEqual(sent.headers["accept"], "application/json")
    })
  )

  it.live("metadata is a POST in v1 and a GET without a body in v2", () =>
    Effect.gen(function* () {
      const one = yield* scripted([{}], { workspace: "a b" })
      yield* one.tecton.metadata({ service: "fraud/1" })
      assert.deepInclude(requestOf(one.server), { method: "POST", path: "/api/v1/feature-service/metadata" })
      assert.deepStrictEqual(paramsOf(requestOf(one.server)), names)
      const two = yield* scripted([{}], { workspace: "a b", api: "v2" })
      yield* two.tecton.metadata({ service: "fraud/1" })
      const path = "/api/v2/workspaces/a%20b/feature-services/fraud%2F1/metadata"
      assert.deepInclude(requestOf(two.server), { method: "GET", path, body: "" })
    })
  )

  it.live("what is left out is not sent", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([empty])
      yield* tecton.getFeatures({
        service: "fraud",
        include: { names: false, dataTypes: undefined },
        requestOptions: undefined,
        allowPartialResults: false
      })
      assert.deepStrictEqual(paramsOf(requestOf(server)), { featureServiceName: "fraud", workspaceName: "prod" })
    })
  )

  it.live("a path in the address is kept", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer(empty)
      const tecton = yield* serviceOf(`${server.url}/proxy/tecton/`)
      yield* tecton.getFeatures(request)
      assert.strictEqual(requestOf(server).path, "/proxy/tecton/api/v1/feature-service/get-features")
    })
  )

  it.live("headers of the caller are added, but none in place of the key", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([empty], {
        headers: { "X-Team": "risk", Accept: "text/html" }
      })
      yield* tecton.getFeatures(request)
      const { headers } = requestOf(server)
      assert.strictEqual(headers["x-team"], "risk")
      assert.strictEqual(headers.authorization, `Tecton-key ${key}`)
      assert.strictEqual(headers.accept, "application/json")
    })
  )

  it.effect.each(["", ".", "..", "\ud800"])("a service called %j is not asked for in a path", (service) =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([], { api: "v2" })
      assert.strictEqual(invalidOption(yield* refusalOf(tecton.metadata({ service }))).option, "service")
      assert.strictEqual(invalidOption(yield* refusalOf(tecton.getFeatures({ service }))).option, "service")
      assert.lengthOf(server.received, 0)
    })
  )

  it.live("an empty service is not asked for in v1 either", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([{}])
      assert.strictEqual(invalidOption(yield* refusalOf(tecton.metadata({ service: "" }))).option, "service")
      assert.lengthOf(server.received, 0)
      yield* tecton.metadata({ service: ".." })
      assert.strictEqual(requestOf(server).path, "/api/v1/feature-service/metadata")
    })
  )

  it.live("nothing leaves over maxRequestBytes, and what has just that many does", () =>
    Effect.gen(function* () {
      const body = (id: string) =>
        JSON.stringify({ params: { featureServiceName: "s", workspaceName: "prod", joinKeyMap: { user_id: id } } })
      const maxRequestBytes = Buffer.byteLength(body("é"))
      const { server, tecton } = yield* scripted([empty], { maxRequestBytes })
      const error = yield* refusalOf(tecton.getFeatures({ service: "s", joinKeys: { user_id: "éx" } }))
      assert.strictEqual(error.reason._tag, "RequestTooLarge")
      assert.include(error.message, `it has ${maxRequestBytes + 1} bytes, and maxRequestBytes is ${maxRequestBytes}`)
      assert.lengthOf(server.received, 0)
      yield* tecton.getFeatures({ service: "s", joinKeys: { user_id: "é" } })
      assert.strictEqual(requestOf(server).body, body("é"))
    })
  )

  it.live("lookups that can never be answered are not sent", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([])
      for (const [lookup, field, issue] of [
        [{ joinKeys: { user_id: "" } }, "join key user_id", "is empty"],
        [{ joinKeys: { "": "a" } }, "join key ", "has no name"],
        [{ joinKeys: { n: 0.5 } }, "join key n", "is 0.5; a number has to be whole and below 2^53, else a bigint"],
        [{ requestContext: { "": 1 } }, "request context ", "has no name"],
        [{ requestContext: { n: 2n ** 64n } }, "request context n", "is 18446744073709551616, which is no int64"]
      ] as const) {
        const error = yield* refusalOf(tecton.getFeaturesBatch({ service: "s", lookups: [{}, lookup] }))
        assert.deepInclude(error.reason, { _tag: "InvalidRecord", field, issue })
      }
      assert.lengthOf(server.received, 0)
    })
  )
})

describe("the option fetch", () => {
  it.effect("sends every request of its layer, and of no other", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const mine: typeof globalThis.fetch = (input, init) => {
        asked.push(`${init?.method} ${input instanceof Request ? input.url : String(input)} ${init?.redirect}`)
        return Promise.resolve(Response.json({ result: { features: [] } }))
      }
      const tecton = yield* serviceOf("https://my-cluster.tecton.ai", { fetch: mine })
      assert.deepStrictEqual(
        (yield* tecton.getFeatures(request)).rows.map(({ values }) => values),
        [[]]
      )
      assert.deepStrictEqual(asked, ["POST https://my-cluster.tecton.ai/api/v1/feature-service/get-features manual"])
      const { server, tecton: other } = yield* scripted([empty])
      yield* other.getFeatures(request)
      assert.lengthOf(server.received, 1)
      assert.lengthOf(asked, 1)
    })
  )

  it.effect("what it throws is a failed connection, without the key", () =>
    Effect.gen(function* () {
      const tecton = yield* serviceOf("https://my-cluster.tecton.ai", {
        fetch: (_input, init) =>
          Promise.reject(new Error(`no proxy for ${new Headers(init?.headers).get("authorization")}`))
      })
      const error = yield* refusalOf(tecton.getFeatures(request))
      assert.strictEqual(error.reason._tag, "ConnectionFailed")
      assert.include(error.message, "no proxy for Tecton-key <redacted>")
    })
  )

  it.effect("is aborted when a call takes too long", () =>
    Effect.gen(function* () {
      let aborted = false
      const started = Promise.withResolvers<void>()
      const tecton = yield* serviceOf("https://my-cluster.tecton.ai", {
        timeout: "30 millis",
        fetch: (_input, init) =>
          new Promise((_resolve, reject) => {
            init?.signal?.addEventListener("abort", () => {
              aborted = true
              reject(new Error("aborted"))
            })
            started.resolve()
          })
      })
      const call = yield* Effect.forkChild(refusalOf(tecton.getFeatures(request)))
      yield* Effect.promise(() => started.promise)
      yield* TestClock.adjust("30 millis")
      const error = yield* Fiber.join(call)
      assert.deepInclude(error.reason, { _tag: "TimedOut", afterMillis: 30 })
      assert.isTrue(aborted)
    })
  )
})

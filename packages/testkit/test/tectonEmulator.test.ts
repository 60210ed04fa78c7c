/** The running emulator: who is let in, how much at a time, how long it takes, its clock and its faults. */
import { FaultPlan, TectonEmulator } from "@effect-connectors/testkit"
import type { Account } from "@effect-connectors/testkit/TectonEmulator"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { json } from "./rawHttp.ts"
import { ingesting, raw, reading, refusal, told, until, v1, v2 } from "./tectonRaw.ts"
import { at, click, start } from "./tectonSupport.ts"

const record = { user_id: "u", at: at(0), country: "SE" }
const country = reading("country", { joinKeyMap: { user_id: "u" } })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const key = (apiKey: string) => ({ authorization: `Tecton-key ${apiKey}` })

describe("TectonEmulator", () => {
  it.effect("is a layer with a sample, on the time of Effect's clock", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(start)
      const { clock, url } = yield* TectonEmulator
      const post = (path: string, body: object) =>
        Effect.promise(async () => {
          const response = await fetch(`${url}${path}`, {
            method: "POST",
            headers: key("any"),
            body: JSON.stringify(body)
          })
          return response.text()
        })
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
      yield* post("/ingest", ingesting("clicks", [{ user_id: "u", timestamp: at(0), page: "/", clicked: 2 }]))
      const fraud = post(v1("get-features"), reading("fraud", { joinKeyMap: { user_id: "u" } }))
      assert.strictEqual(yield* fraud, `{"result":{"features":["2","1",["/"],null,null]}}`)
      yield* TestClock.adjust("2 hours")
      assert.strictEqual(yield* fraud, `{"result":{"features":[null,"1",["/"],null,null]}}`)
      assert.strictEqual(DateTime.toEpochMillis(yield* clock.now), start + 7_200_000)
    }).pipe(Effect.provide(TectonEmulator.layer))
  )

  it.effect("says when a port is taken, and when a workspace does not fit together", () =>
    Effect.gen(function* () {
      const { url } = yield* TectonEmulator.make()
      const taken = yield* Effect.flip(TectonEmulator.make({ port: Number(new URL(url).port) }))
      assert.deepInclude(taken.reason, { _tag: "InvalidOption", option: "port" })
      const workspaces = { prod: { services: { f: { features: ["v"] } } } }
      const wrong = yield* Effect.flip(TectonEmulator.make({ workspaces }))
      assert.deepInclude(wrong.reason, { _tag: "InvalidOption", option: "workspaces" })
      assert.include(wrong.message, `has a prod that does not fit together: service f has the view "v"`)
    })
  )
})

describe("options that can not be", () => {
  it.effect("among them what is no time at all, which only a caller without types can give", () =>
    Effect.gen(function* () {
      const latency: Duration.Input = JSON.parse(`"soon"`)
      const { message, reason } = yield* Effect.flip(TectonEmulator.make({ latency }))
      assert.deepInclude(reason, { _tag: "InvalidOption", option: "latency" })
      assert.include(message, "soon")
    })
  )

  it.effect.each([
    ["latency", { latency: -1 }],
    ["serverTimeout", { serverTimeout: "-1 seconds" }],
    ["tokenLifetime", { tokenLifetime: -5 }],
    ["tokenLifetime", { tokenLifetime: Infinity }],
    ["maxBodyBytes", { maxBodyBytes: 0 }],
    ["concurrencyLimit", { concurrencyLimit: 0 }]
  ] as const)("%s: %j", ([option, options]) =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(TectonEmulator.make(options))
      assert.deepInclude(reason, { _tag: "InvalidOption", option })
    })
  )
})

describe("accounts", () => {
  const accounts: ReadonlyArray<Account> = [
    { apiKey: "viewer", roles: { prod: "viewer" } },
    { apiKey: "operator", roles: { prod: "operator" } },
    { apiKey: "consumer", oauth: { clientId: "id", clientSecret: "s:e" }, roles: { "*": "consumer" } },
    { apiKey: "editor", roles: { prod: "editor" } },
    { apiKey: "owner", roles: { prod: "owner", "*": "viewer" } },
    { apiKey: "nobody", roles: { other: "owner" } }
  ]
  const statuses = {
    viewer: [403, 403, 403, 200],
    operator: [403, 403, 403, 200],
    consumer: [200, 200, 403, 200],
    editor: [200, 200, 200, 200],
    owner: [200, 200, 200, 200],
    nobody: [403, 403, 403, 403]
  }

  it.effect.each(Object.entries(statuses))("%s reads, asks for metadata, writes and tries: %j", ([who, expected]) =>
    Effect.gen(function* () {
      const { post } = yield* raw({ accounts })
      const calls = [
        post(v1("get-features"), country, key(who)),
        post(v1("metadata"), reading("country"), key(who)),
        post("/ingest", ingesting("profiles", [record]), key(who)),
        post("/v2/ingest", ingesting("profiles", [record], { dry_run: true }), key(who))
      ]
      assert.deepStrictEqual(
        (yield* Effect.all(calls)).map(({ status }) => status),
        expected
      )
    })
  )

  it.effect("are refused in the words of each API", () =>
    Effect.gen(function* () {
      const { post } = yield* raw({ accounts })
      const unauthorized = refusal(401, 7, "invalid 'Tecton-key' authorization header")
      for (const header of [
        "",
        "Tecton-key",
        "Tecton-key x",
        "tecton-key owner",
        "Tecton-key  owner",
        "owner",
        "Api-Key owner"
      ]) {
        assert.deepStrictEqual(told(yield* post(v1("get-features"), country, { authorization: header })), unauthorized)
      }
      assert.deepStrictEqual(
        told(yield* post(v1("get-features"), country, bearer("x"))),
        refusal(401, 7, "invalid 'Bearer' authorization header")
      )
      const ingest = post("/ingest", ingesting("profiles", [record]), key("x"))
      assert.deepStrictEqual(told(yield* ingest), {
        status: 401,
        body: {
          requestError: { errorMessage: "invalid 'Tecton-key' authorization header", errorType: "AuthenticationError" }
        }
      })
      assert.deepStrictEqual(
        told(yield* post(v1("get-features"), country, key("viewer"))),
        refusal(403, 7, "The service account is viewer of workspace prod, which may not read features")
      )
      const forbidden = yield* post("/ingest", ingesting("profiles", [record]), key("nobody"))
      assert.deepInclude(json(forbidden), {
        requestError: {
          errorMessage: "The service account has no role in workspace prod",
          errorType: "AuthorizationError"
        }
      })
    })
  )

  const form = { grant_type: "client_credentials", client_id: "id", client_secret: "s:e", scope: "everything" }
  const ask = (fields: object) => new URLSearchParams(Object.entries(fields)).toString()
  const tokenPath = "/oauth2/default/v1/token"

  it.effect("get tokens for their credentials, which read for an hour and do not ingest", () =>
    Effect.gen(function* () {
      const { emulator, post } = yield* raw({ accounts, tokenLifetime: "10 minutes" })
      const answer = yield* post(tokenPath, ask(form), { authorization: "" })
      const token = "emulated-token-1"
      assert.deepStrictEqual(told(answer), {
        status: 200,
        body: { token_type: "Bearer", expires_in: 600, access_token: token, scope: "everything" }
      })
      assert.strictEqual((yield* post(v1("get-features"), country, bearer(token))).status, 200)
      assert.strictEqual((yield* post("/ingest", ingesting("profiles", [record]), bearer(token))).status, 401)
      yield* emulator.clock.advance("10 minutes")
      assert.strictEqual((yield* post(v1("get-features"), country, bearer(token))).status, 401)
      const basic = { authorization: `Basic ${Buffer.from("id:s:e").toString("base64")}` }
      const again = yield* post(tokenPath, ask({ grant_type: "client_credentials" }), basic)
      assert.deepInclude(json(again), { access_token: "emulated-token-2" })
      assert.strictEqual(yield* emulator.tokensIssued, 2)
      assert.strictEqual((yield* post(v1("get-features"), country, bearer("emulated-token-2"))).status, 200)
    })
  )

  it.effect("get none for others", () =>
    Effect.gen(function* () {
      const { emulator, post } = yield* raw({ accounts })
      const refused = (fields: object, authorization = "") =>
        Effect.map(post(tokenPath, ask(fields), { authorization }), told)
      const invalid = {
        status: 401,
        body: { error: "invalid_client", error_description: "The client credentials are invalid" }
      }
      assert.deepStrictEqual(yield* refused({ ...form, client_secret: "x" }), invalid)
      assert.deepStrictEqual(yield* refused({ grant_type: "client_credentials" }), invalid)
      assert.deepStrictEqual(yield* refused(form, `Basic ${Buffer.from("id").toString("base64")}`), invalid)
      assert.deepInclude((yield* refused({ ...form, grant_type: "password" })).body, {
        error: "unsupported_grant_type"
      })
      assert.strictEqual(yield* emulator.tokensIssued, 0)
    })
  )

  it.effect("are not needed: then any key and any credentials are an owner's", () =>
    Effect.gen(function* () {
      const { post } = yield* raw()
      assert.strictEqual((yield* post("/ingest", ingesting("profiles", [record]), key("any"))).status, 200)
      const { text } = yield* post(tokenPath, ask(form), { authorization: "" })
      assert.strictEqual((yield* post(v1("get-features"), country, bearer(JSON.parse(text).access_token))).status, 200)
      assert.strictEqual((yield* post(v1("get-features"), country, bearer("any"))).status, 401)
      assert.strictEqual((yield* post(v1("get-features"), country, { authorization: "" })).status, 401)
    })
  )

  it.effect("may be refused a bearer token by ingest with another status", () =>
    Effect.gen(function* () {
      const { post } = yield* raw({ accounts, assumptions: { bearerIngestStatus: 403 } })
      yield* post(tokenPath, ask(form))
      assert.strictEqual(
        (yield* post("/ingest", ingesting("profiles", [record]), bearer("emulated-token-1"))).status,
        403
      )
    })
  )
})

describe("the concurrency limit", () => {
  const lookup = { joinKeyMap: { user_id: "u" } }
  const batch = (rows: number) => reading("country", { requestData: Array(rows).fill(lookup) })

  it.effect("counts the rows of a batch, and is free again when a client leaves", () =>
    Effect.gen(function* () {
      const { emulator, post } = yield* raw({ concurrencyLimit: 4, latency: "1 hour", serverTimeout: "2 hours" })
      const abort = new AbortController()
      const { inFlight } = emulator.concurrency
      const gone = yield* Effect.forkChild(
        Effect.promise((signal) =>
          fetch(`${emulator.url}${v1("get-features-batch")}`, {
            method: "POST",
            headers: key("k"),
            body: JSON.stringify(batch(3)),
            signal: AbortSignal.any([signal, abort.signal])
          }).catch(() => undefined)
        )
      )
      yield* until(Effect.map(inFlight, (rows) => rows === 3))
      assert.deepStrictEqual(
        told(yield* post(v1("get-features-batch"), batch(2))),
        refusal(429, 8, "FeatureService/GetFeatures exceeded the concurrent request limit, please retry later")
      )
      assert.strictEqual((yield* post(v1("metadata"), reading("country"))).status, 200)
      assert.strictEqual((yield* post("/ingest", ingesting("profiles", [record]))).status, 200)
      abort.abort()
      yield* Fiber.join(gone)
      yield* until(Effect.map(inFlight, (rows) => rows === 0))
      assert.strictEqual(yield* emulator.concurrency.refused, 1)
      assert.strictEqual(yield* emulator.concurrency.peak, 3)
    })
  )

  it.live("is there without a latency too: who asks for more at once is refused", () =>
    Effect.gen(function* () {
      const { emulator, post } = yield* raw({ concurrencyLimit: 2 })
      const answers = yield* Effect.all(
        Array.from({ length: 60 }, () => post(v1("get-features"), country)),
        { concurrency: 60 }
      )
      const refused = answers.filter(({ status }) => status === 429).length
      assert.isAbove(refused, 0)
      assert.strictEqual(yield* emulator.concurrency.refused, refused)
      assert.isAtMost(yield* emulator.concurrency.peak, 2)
    })
  )

  it.effect("refuses nobody who asks for one thing after the other", () =>
    Effect.gen(function* () {
      const { emulator, post } = yield* raw({ concurrencyLimit: 2, latency: 1 })
      const one = Effect.forEach([1, 2, 3, 4, 5], () => post(v1("get-features"), country))
      const answers = yield* Effect.all([one, one], { concurrency: 2 })
      assert.isTrue(answers.flat().every(({ status }) => status === 200))
      assert.strictEqual(yield* emulator.concurrency.refused, 0)
      assert.strictEqual((yield* post(v1("get-features-batch"), batch(3))).status, 429)
    })
  )

  it.effect("counts a call that a fault keeps waiting, and not one that it answers", () =>
    Effect.gen(function* () {
      const { emulator, post } = yield* raw({
        concurrencyLimit: 1,
        faultPlan: FaultPlan.make([
          { name: "down", when: FaultPlan.nth(1), fault: FaultPlan.status(503) },
          { name: "slow", when: FaultPlan.nth(2), fault: FaultPlan.stall("1 hour") }
        ])
      })
      assert.strictEqual((yield* post(v1("get-features"), country)).status, 503)
      yield* Effect.forkChild(Effect.exit(post(v1("get-features"), country)))
      yield* until(Effect.map(emulator.concurrency.inFlight, (rows) => rows === 1))
      assert.strictEqual((yield* post(v1("get-features"), country)).status, 429)
    })
  )
})

describe("a call whose answer is lost", () => {
  it.effect("is done: it keeps nobody from being served", () =>
    Effect.gen(function* () {
      const { emulator, post } = yield* raw({
        concurrencyLimit: 1,
        faultPlan: FaultPlan.make([{ name: "lost", when: FaultPlan.nth(1), fault: FaultPlan.loseAnswer }])
      })
      yield* Effect.forkChild(Effect.exit(post(v1("get-features"), country)))
      yield* until(Effect.map(emulator.faults.fired, ({ lost }) => lost === 1))
      yield* until(Effect.map(emulator.concurrency.inFlight, (rows) => rows === 0))
      assert.strictEqual((yield* post(v1("get-features"), country)).status, 200)
    })
  )
})

describe("latency", () => {
  const asked = { includeServingStatus: true, includeEffectiveTimes: true }
  const everything = (requestOptions?: object) =>
    reading("all", {
      joinKeyMap: { user_id: "u" },
      requestContextMap: { amount: 500, big: "1" },
      metadataOptions: asked,
      ...(requestOptions === undefined ? {} : { requestOptions })
    })

  it.effect("within the budget changes nothing; over it stored features time out, realtime ones do not", () =>
    Effect.gen(function* () {
      const { post } = yield* raw({ latency: 20, serverTimeout: 10 })
      yield* post("/ingest", ingesting("clicks", [click(0)]))
      const read = (latencyBudgetMs: number) => post(v1("get-features"), everything({ latencyBudgetMs }))
      const inTime = yield* read(20)
      assert.notInclude(inTime.text, "TIME_OUT")
      const late = yield* read(5)
      const { metadata, result } = JSON.parse(late.text)
      assert.deepStrictEqual(result.features, [true, "1", 500, ...Array(15).fill(null)])
      const present = { status: "PRESENT" }
      assert.deepStrictEqual(metadata.features, [present, present, present, ...Array(15).fill({ status: "TIME_OUT" })])
    })
  )

  it.effect("over the server's own limit, and without a budget, is 504", () =>
    Effect.gen(function* () {
      const { emulator, post } = yield* raw({ latency: 20, serverTimeout: 10 })
      const late = refusal(504, 4, "The request took longer than 10 ms")
      assert.deepStrictEqual(told(yield* post(v1("get-features"), everything())), late)
      assert.deepStrictEqual(told(yield* post(v2("country", "get-features"), { params: {} })), late)
      assert.strictEqual(yield* emulator.concurrency.inFlight, 0)
    })
  )

  it.effect("is told as what a request took", () =>
    Effect.gen(function* () {
      const { post } = yield* raw({ latency: 3 })
      const body = reading("country", { joinKeyMap: { user_id: "u" }, metadataOptions: { includeSloInfo: true } })
      assert.deepNestedInclude(json(yield* post(v1("get-features"), body)), {
        "metadata.sloInfo.serverTimeSeconds": 0.003
      })
    })
  )
})

describe("the clock", () => {
  const sum = reading("clicks", { joinKeyMap: { user_id: "u" } })

  it.effect("is a test's to set and to advance", () =>
    Effect.gen(function* () {
      const { emulator, post } = yield* raw()
      yield* post("/ingest", ingesting("clicks", [click(0)]))
      const countOf = Effect.map(post(v1("get-features"), sum), ({ text }) => JSON.parse(text).result.features[1])
      assert.strictEqual(yield* countOf, "1")
      yield* emulator.clock.advance("59 minutes")
      assert.strictEqual(yield* countOf, "1")
      yield* emulator.clock.advance("1 minute")
      assert.strictEqual(yield* countOf, null)
      yield* emulator.clock.set(new Date(start))
      assert.strictEqual(yield* countOf, "1")
      yield* emulator.clock.follow
      yield* TestClock.setTime(start + 1_000)
      assert.strictEqual(DateTime.toEpochMillis(yield* emulator.clock.now), start + 1_000)
      yield* emulator.clock.advance("1 hour")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(DateTime.toEpochMillis(yield* emulator.clock.now), start + 3_602_000)
    })
  )

  it.effect("is moved over HTTP, without a key", () =>
    Effect.gen(function* () {
      const { send } = yield* raw()
      const path = "/__admin/clock"
      const ask = (method: string, body?: unknown) => Effect.map(send(method, path, body, { authorization: "" }), told)
      const says = (now: string, stands: boolean) => ({ status: 200, body: { now, stands } })
      assert.deepStrictEqual(yield* ask("GET"), says("2026-01-05T10:02:00Z", true))
      assert.deepStrictEqual(yield* ask("PUT", { now: "2026-02-01T00:00:00Z" }), says("2026-02-01T00:00:00Z", true))
      assert.deepStrictEqual(yield* ask("PUT", { advance: "90 minutes" }), says("2026-02-01T01:30:00Z", true))
      assert.deepStrictEqual(yield* ask("DELETE"), says("1970-01-01T00:00:00Z", false))
      assert.deepStrictEqual(yield* ask("PUT", { advance: "1 hour" }), says("1970-01-01T01:00:00Z", false))
      for (const wrong of [
        { now: "soon" },
        { advance: "soon" },
        { advance: "Infinity" },
        { advance: "1 parsec" },
        {},
        "{",
        { back: "1 hour" }
      ]) {
        assert.strictEqual((yield* ask("PUT", wrong)).status, 400)
      }
      assert.strictEqual((yield* ask("POST", {})).status, 405)
      assert.deepStrictEqual(yield* ask("GET"), says("1970-01-01T01:00:00Z", false))
    })
  )
})

describe("faults", () => {
  it.effect("strike by operation, feature service, stream source and workspace, in each API's envelope", () =>
    Effect.gen(function* () {
      const rule = (name: string, narrowed: Partial<FaultPlan.Rule>, status: number): FaultPlan.Rule => ({
        name,
        when: FaultPlan.always,
        fault: FaultPlan.status(status, { message: name }),
        ...narrowed
      })
      const { emulator, post, send } = yield* raw({
        faultPlan: FaultPlan.make([
          rule("batch", { operations: ["getFeaturesBatch"] }, 500),
          rule("tiled", { index: "tiled" }, 503),
          rule("dev", { namespace: "dev", operations: ["metadata"] }, 429),
          rule("profiles", { index: "profiles" }, 504),
          rule("token", { operations: ["token"] }, 503)
        ])
      })
      const both = { ...ingesting("clicks", [click(0)]).records, ...ingesting("profiles", [record]).records }
      assert.deepStrictEqual(told(yield* post(v1("get-features-batch"), country)), refusal(500, 13, "batch"))
      assert.deepStrictEqual(told(yield* post(v2("tiled", "get-features"), {})), refusal(503, 14, "tiled"))
      assert.deepStrictEqual(told(yield* send("GET", v2("clicks", "metadata", "dev"))), refusal(429, 8, "dev"))
      assert.deepStrictEqual(told(yield* post("/v2/ingest", { workspaceName: "prod", dryRun: false, records: both })), {
        status: 504,
        body: { requestError: { errorMessage: "profiles", errorType: "InternalError" } }
      })
      assert.deepStrictEqual(told(yield* post("/oauth2/default/v1/token", "")), {
        status: 503,
        body: { error: "temporarily_unavailable", error_description: "token" }
      })
      assert.strictEqual((yield* post(v1("get-features"), country)).status, 200)
      assert.deepStrictEqual(yield* emulator.faults.fired, { batch: 1, tiled: 1, dev: 1, profiles: 1, token: 1 })
      assert.strictEqual((yield* emulator.faults.matched)["tiled"], 1)
      yield* emulator.faults.reset
      assert.deepStrictEqual((yield* emulator.faults.fired)["batch"], 0)
      yield* emulator.faults.replace(FaultPlan.none)
      assert.deepStrictEqual(yield* emulator.faults.fired, {})
    })
  )

  it.effect("apply an ingest whose answer is lost, and a page of a proxy is what a plan says it is", () =>
    Effect.gen(function* () {
      const html = "<html><head><title>502 Bad Gateway</title></head></html>"
      const { post, send } = yield* raw({
        faultPlan: FaultPlan.make([
          { name: "lost", operations: ["ingest"], when: FaultPlan.nth(1), fault: FaultPlan.reset("after") },
          {
            name: "proxy",
            operations: ["metadata"],
            when: FaultPlan.nth(1),
            fault: FaultPlan.status(502, { message: html, format: "text" })
          }
        ])
      })
      yield* Effect.exit(post("/ingest", ingesting("profiles", [record])))
      assert.deepStrictEqual(json(yield* post(v1("get-features"), country)), { result: { features: ["SE"] } })
      assert.strictEqual((yield* post(v1("metadata"), reading("country"))).text, html)
      const state = json(yield* send("GET", "/__admin/faults", undefined, { authorization: "" }))
      assert.deepInclude(state, { fired: { lost: 1, proxy: 1 } })
    })
  )
})

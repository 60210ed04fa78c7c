import type { Reason } from "@effect-connectors/core/ConnectorError"
import { type Options, TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as Token from "../src/internal/token.ts"
import {
  answerUsers,
  atServer,
  byId,
  collect,
  ids,
  requestOf,
  scripted,
  serviceOf,
  users,
  vector
} from "./support/index.ts"
import { assertHidden, assertNoSecret, clientSecret, key, refusalOf, token } from "./support/secrets.ts"
import { answering, type Handler, type Received, type Reply } from "./support/server.ts"

const tokenPath = "/oauth2/default/v1/token"

const oauth: Options["oauth"] = { clientId: "client-1", clientSecret: Redacted.make(clientSecret) }

const withToken = { apiKey: undefined, oauth } as const

const request = { service: "fraud" }

const empty = vector([], [])

/** A cluster that gives tokens and takes them, and how many of its requests were for tokens. */
const cluster = Effect.fnUntraced(function* (
  answers: { readonly token?: Handler; readonly api?: Handler },
  options: Partial<Options> = withToken
) {
  let tokens = 0
  let calls = 0
  const server = yield* answering((request, _n, waiting) =>
    request.path === tokenPath
      ? (answers.token ?? giving({ expires_in: 3600 }))(request, tokens++, waiting)
      : (answers.api ?? (() => empty))(request, calls++, waiting)
  )
  const tecton = yield* serviceOf(server.url, options)
  const seen = () => ({ tokens, calls })
  const used = () =>
    server.received.filter(({ path }) => path !== tokenPath).map(({ headers }) => headers.authorization)
  return { server, tecton, seen, used }
})

/** Answers with token 0, 1, 2, ... */
const giving =
  (more: { readonly expires_in?: number | string | null }): Handler =>
  (_request, n) => ({ body: { token_type: "Bearer", access_token: token(n), scope: "everything", ...more } })

describe("case 15: the key", () => {
  it.live("goes out under its scheme, exactly, with reads and with writes", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([empty, { body: { result: [{}] } }, { body: { results: [] } }, {}, {}])
      yield* tecton.getFeatures(request)
      yield* tecton.getFeaturesBatch({ ...request, lookups: [{}] })
      yield* tecton.queryFeatures(request)
      yield* tecton.metadata(request)
      yield* tecton.ingest({ records: new Map() })
      assert.lengthOf(server.received, 5)
      for (const { headers } of server.received) assert.strictEqual(headers.authorization, `Tecton-key ${key}`)
    })
  )

  it.live("is not sent again when it is refused", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* scripted([{ status: 401, body: "" }])
      const { reason } = yield* refusalOf(tecton.getFeatures(request))
      assert.strictEqual(reason._tag, "Unauthorized")
      assert.lengthOf(server.received, 1)
    })
  )
})

describe("case 15: the token", () => {
  it.live("is asked for without the headers of other calls", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* cluster({}, { ...withToken, headers: { "x-proxy": "p" } })
      yield* tecton.getFeatures(request)
      assert.deepStrictEqual(
        server.received.map(({ headers }) => headers["x-proxy"]),
        [undefined, "p"]
      )
    })
  )

  it.live("is asked for with a form, once, and reused", () =>
    Effect.gen(function* () {
      const { seen, server, tecton, used } = yield* cluster({})
      for (let i = 0; i < 3; i++) yield* tecton.getFeatures(request)
      assert.deepStrictEqual(seen(), { tokens: 1, calls: 3 })
      assert.deepStrictEqual(
        used(),
        [0, 0, 0].map((n) => `Bearer ${token(n)}`)
      )
      const [asked] = server.received
      assert.deepInclude(asked, { method: "POST", path: tokenPath })
      assert.strictEqual(asked?.headers["content-type"], "application/x-www-form-urlencoded")
      assert.notProperty(asked?.headers, "authorization")
      assert.deepStrictEqual(Object.fromEntries(new URLSearchParams(asked?.body)), {
        grant_type: "client_credentials",
        scope: "everything",
        client_id: "client-1",
        client_secret: clientSecret
      })
    })
  )

  it.live("nothing is asked for until it is used", () =>
    Effect.gen(function* () {
      const { seen } = yield* cluster({})
      assert.deepStrictEqual(seen(), { tokens: 0, calls: 0 })
    })
  )

  it.live("is asked for once by calls that come together", () =>
    Effect.gen(function* () {
      const open = Promise.withResolvers<void>()
      const { seen, server, tecton, used } = yield* cluster({
        token: async (request, n, waiting) => {
          await open.promise
          return giving({ expires_in: 3600 })(request, n, waiting)
        }
      })
      const calls = yield* Effect.forkChild(
        Effect.forEach(ids(30), () => tecton.getFeatures(request), { concurrency: "unbounded" })
      )
      yield* server.arrived(1)
      open.resolve()
      yield* Fiber.join(calls)
      assert.deepStrictEqual(seen(), { tokens: 1, calls: 30 })
      assert.strictEqual(new Set(used()).size, 1)
    })
  )

  it.live("is fetched for all, whoever gives up waiting for it", () =>
    Effect.gen(function* () {
      const arrived = Promise.withResolvers<void>()
      const { seen, server, tecton, used } = yield* cluster({
        token: async (request, n, waiting) => {
          await arrived.promise
          return giving({})(request, n, waiting)
        }
      })
      const first = yield* Effect.forkChild(tecton.getFeatures(request))
      yield* server.arrived(1)
      yield* Fiber.interrupt(first)
      const second = yield* Effect.forkChild(tecton.getFeatures(request))
      arrived.resolve()
      yield* Fiber.join(second)
      assert.deepStrictEqual(seen(), { tokens: 1, calls: 1 })
      assert.deepStrictEqual(used(), [`Bearer ${token(0)}`])
    })
  )

  it.live.each([
    [401, "Unauthorized"],
    [503, "Unavailable"]
  ] as const)(
    "that is refused with %s is refused once to all who wait, and asked for again by the next",
    ([status, tag]) =>
      Effect.gen(function* () {
        const { seen, tecton } = yield* cluster({ token: () => ({ status, body: "no" }) })
        const calls = Array.from({ length: 20 }, () => Effect.result(tecton.getFeatures(request)))
        for (const round of [1, 2, 3]) {
          const results = yield* Effect.all(calls, { concurrency: "unbounded" })
          assert.deepStrictEqual(
            results.map((result) => Result.isFailure(result) && result.failure.reason._tag),
            calls.map(() => tag)
          )
          assert.deepStrictEqual(seen(), { tokens: round, calls: 0 })
        }
      })
  )

  it.effect("is fetched on when the time of who asked for it is over, for the time of the layer", () =>
    Effect.gen(function* () {
      const asked: Array<PromiseWithResolvers<Response>> = []
      let aborted = 0
      const tecton = yield* serviceOf("https://a.b", {
        ...withToken,
        timeout: "5 seconds",
        fetch: (input, init) => {
          const url = input instanceof Request ? input.url : String(input)
          if (!url.endsWith(tokenPath)) return Promise.resolve(Response.json(empty.body))
          const answer = Promise.withResolvers<Response>()
          const abort = () => {
            aborted++
            answer.reject(new Error("aborted"))
          }
          init?.signal?.addEventListener("abort", abort)
          asked.push(answer)
          return answer.promise.finally(() => init?.signal?.removeEventListener("abort", abort))
        }
      })
      const call = tecton.getFeatures(request)
      const hasty = yield* Effect.forkChild(Effect.timeoutOption(call, "1 second"))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.join(hasty)))
      const patient = yield* Effect.forkChild(call)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual([asked.length, aborted], [1, 0])
      asked[0]!.resolve(Response.json({ access_token: token(0) }))
      yield* Fiber.join(patient)
      assert.deepStrictEqual([asked.length, aborted], [1, 0])
      // An hour later it is over. The time of the fetch is that of the layer, whoever came to it late.
      yield* TestClock.adjust("1 hour")
      const first = yield* Effect.forkChild(Effect.result(call))
      yield* TestClock.adjust("4 seconds")
      const second = yield* Effect.forkChild(Effect.result(call))
      yield* TestClock.adjust("1 second")
      for (const fiber of [first, second]) {
        const result = yield* Fiber.join(fiber)
        assert(Result.isFailure(result))
        assert.deepInclude(result.failure.reason, { _tag: "TimedOut", afterMillis: 5000 })
      }
      assert.deepStrictEqual([asked.length, aborted], [2, 1])
    })
  )

  /** Tokens that are there at once. */
  const tokensOf = (scope: Scope.Scope) =>
    Token.make(
      { clientId: "client-1", clientSecret: Redacted.make(clientSecret), url: "https://a.b" },
      { timeout: Duration.seconds(5), workspace: "prod" },
      () => Effect.succeed({ status: 200, headers: {}, body: JSON.stringify({ access_token: token(0) }) })
    ).pipe(Effect.provideService(Scope.Scope, scope))

  it.effect("is to be had whenever the one who asked first gives up", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const before = Effect.gen(function* () {
        for (let step = 0; step < 20; step++) yield* Effect.suspend(() => Effect.void)
      })
      for (let operations = 20; operations < 100; operations++) {
        const tokens = yield* tokensOf(scope)
        // It lets others run after so many operations, wherever it is then, and is interrupted there.
        const first = yield* Effect.forkChild(
          Effect.provideService(Effect.andThen(before, tokens.get), Scheduler.MaxOpsBeforeYield, operations)
        )
        yield* Effect.yieldNow
        yield* Fiber.interrupt(first)
        const second = yield* Effect.forkChild(Effect.timeoutOption(tokens.get, "1 minute"))
        yield* TestClock.adjust("1 minute")
        const found = Option.map(yield* Fiber.join(second), Redacted.value)
        assert.deepStrictEqual(found, Option.some(token(0)), `after ${operations} operations`)
      }
    })
  )

  it.effect("of a layer that is gone is not waited for", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const tokens = yield* tokensOf(scope)
      yield* Scope.close(scope, Exit.void)
      for (const _ of [1, 2]) {
        const asking = yield* Effect.forkChild(Effect.timeoutOption(tokens.get, "1 minute"))
        yield* TestClock.adjust("1 minute")
        const exit = yield* Fiber.await(asking)
        assert(Exit.isFailure(exit))
        assert.isTrue(Cause.hasInterruptsOnly(exit.cause))
      }
    })
  )

  it.live("is not fetched any more when the layer is gone", () =>
    Effect.gen(function* () {
      const { server } = yield* Effect.scoped(
        Effect.gen(function* () {
          const served = yield* answering(() => "hang")
          const scope = yield* Scope.make()
          const layer = Layer.buildWithScope(
            TectonClient.layer({ url: served.url, workspace: "prod", ...withToken, apiKey: undefined }),
            scope
          )
          const tecton = Context.get(yield* layer, TectonClient)
          const fiber = yield* Effect.forkChild(Effect.exit(tecton.getFeatures(request)))
          yield* served.arrived(1)
          yield* Scope.close(scope, Exit.void)
          yield* served.abandoned(1)
          yield* Fiber.interrupt(fiber)
          return { server: served }
        })
      )
      assert.lengthOf(server.received, 1)
    })
  )

  const lifetimes: ReadonlyArray<
    readonly [expires_in: number | string | null | undefined, good: string, over: string]
  > = [
    [3600, "3539999 millis", "3540 seconds"],
    [undefined, "3539999 millis", "3540 seconds"],
    ["600", "539999 millis", "540 seconds"],
    ["soon", "3539999 millis", "3540 seconds"],
    [null, "3539999 millis", "3540 seconds"],
    [-1, "3539999 millis", "3540 seconds"],
    [10, "8999 millis", "9 seconds"]
  ]
  it.effect.each(lifetimes)("of %s seconds is good for %s and fetched again at %s", ([expires_in, good, over]) =>
    Effect.gen(function* () {
      const { seen, tecton, used } = yield* cluster({ token: giving(expires_in === undefined ? {} : { expires_in }) })
      yield* tecton.getFeatures(request)
      yield* TestClock.setTime(millis(good))
      yield* tecton.getFeatures(request)
      assert.deepStrictEqual(seen(), { tokens: 1, calls: 2 })
      yield* TestClock.setTime(millis(over))
      yield* tecton.getFeatures(request)
      assert.deepStrictEqual(seen(), { tokens: 2, calls: 3 })
      assert.deepStrictEqual(
        used(),
        [0, 0, 1].map((n) => `Bearer ${token(n)}`)
      )
    })
  )

  it.live("that is over when it comes is used for the call it was fetched for", () =>
    Effect.gen(function* () {
      const { seen, tecton } = yield* cluster({ token: giving({ expires_in: 0 }) })
      yield* tecton.getFeatures(request)
      yield* tecton.getFeatures(request)
      assert.deepStrictEqual(seen(), { tokens: 2, calls: 2 })
    })
  )

  it.live("that is refused is fetched again, once", () =>
    Effect.gen(function* () {
      const { seen, tecton, used } = yield* cluster({
        api: ({ headers }) =>
          headers.authorization === `Bearer ${token(0)}` ? { status: 401, body: `not ${token(0)}` } : empty
      })
      yield* tecton.getFeatures(request)
      yield* tecton.getFeatures(request)
      assert.deepStrictEqual(seen(), { tokens: 2, calls: 3 })
      assert.deepStrictEqual(
        used(),
        [0, 1, 1].map((n) => `Bearer ${token(n)}`)
      )
    })
  )

  it.live("and when that is refused too, it is an error", () =>
    Effect.gen(function* () {
      const { seen, tecton } = yield* cluster({
        api: ({ headers }) => ({ status: 401, body: { message: `not ${headers.authorization}` } })
      })
      const { reason } = yield* refusalOf(tecton.getFeatures(request))
      assert.deepInclude(reason, {
        _tag: "Unauthorized",
        detail: "not Bearer <redacted>",
        isRetryable: false,
        isFatal: true
      })
      assert.deepStrictEqual(seen(), { tokens: 2, calls: 2 })
    })
  )

  it.live("refused to many at once is fetched again once", () =>
    Effect.gen(function* () {
      const refused: Array<() => void> = []
      const { seen, tecton } = yield* cluster({
        api: async ({ headers }) => {
          if (headers.authorization !== `Bearer ${token(0)}`) return empty
          const { promise, resolve } = Promise.withResolvers<void>()
          refused.push(resolve)
          if (refused.length === 20) for (const answer of refused) answer()
          await promise
          return { status: 401, body: "" }
        }
      })
      yield* Effect.forEach(ids(20), () => tecton.getFeatures(request), { concurrency: "unbounded" })
      assert.deepStrictEqual(seen(), { tokens: 2, calls: 40 })
    })
  )

  it.live("that is new is not dropped when an old one is refused late", () =>
    Effect.gen(function* () {
      const renewed = Promise.withResolvers<void>()
      let old = 0
      const { seen, server, tecton } = yield* cluster({
        api: async ({ headers }) => {
          if (headers.authorization !== `Bearer ${token(0)}`) {
            renewed.resolve()
            return empty
          }
          if (old++ > 0) await renewed.promise
          return { status: 401, body: "" }
        }
      })
      const late = yield* Effect.forkChild(
        Effect.forEach(ids(2), () => tecton.getFeatures(request), { concurrency: "unbounded" })
      )
      yield* server.arrived(5)
      yield* Fiber.join(late)
      assert.deepStrictEqual(seen(), { tokens: 2, calls: 4 })
    })
  )

  it.live("comes from another address when there is one", () =>
    Effect.gen(function* () {
      const { server: elsewhere } = yield* cluster({})
      const { seen, used, tecton } = yield* cluster({}, { ...withToken, oauth: { ...oauth, url: `${elsewhere.url}/` } })
      yield* tecton.getFeatures(request)
      assert.deepStrictEqual(seen(), { tokens: 0, calls: 1 })
      assert.strictEqual(requestOf(elsewhere).path, tokenPath)
      assert.deepStrictEqual(used(), [`Bearer ${token(0)}`])
    })
  )

  it.live("is for reads: ingest has the key", () =>
    Effect.gen(function* () {
      const { seen, used, tecton } = yield* cluster({}, { apiKey: Redacted.make(key), oauth })
      yield* tecton.ingest({ records: new Map() })
      yield* tecton.metadata(request)
      assert.deepStrictEqual(seen(), { tokens: 1, calls: 2 })
      assert.deepStrictEqual(used(), [`Tecton-key ${key}`, `Bearer ${token(0)}`])
    })
  )

  const failures: ReadonlyArray<readonly [name: string, Reply, tag: Reason["_tag"], says: string]> = [
    [
      "401",
      { status: 401, body: { error: "invalid_client" } },
      "Unauthorized",
      "not authorized: no token: invalid_client"
    ],
    [
      "400",
      { status: 400, body: { error: "invalid_scope", error_description: "x" } },
      "Unauthorized",
      "no token: invalid_scope"
    ],
    ["403", { status: 403, body: "" }, "Unauthorized", "no token: HTTP 403 without a message"],
    ["404", { status: 404, body: { message: "no such path" } }, "Unauthorized", "no token: no such path"],
    ["429", { status: 429, body: "slow", headers: { "retry-after": "2" } }, "RateLimited", "slow"],
    ["500", { status: 500, body: "down" }, "Unavailable", "down"],
    ["504", { status: 504, body: "" }, "TimedOut", "HTTP 504"],
    [
      "302",
      { status: 302, headers: { location: "https://login.example" } },
      "InvalidOption",
      "option oauth.url answers HTTP 302, a redirect to https://login.example"
    ],
    ["reset", "reset", "ConnectionFailed", "the connection failed"],
    ["HTML", { body: "<html></html>" }, "InvalidResponse", "holds no access_token"],
    ["no token", { body: { token_type: "Bearer" } }, "InvalidResponse", "holds no access_token"],
    ["an empty token", { body: { access_token: "" } }, "InvalidResponse", "holds no access_token"],
    [
      "a token no header can have",
      { body: { access_token: `${token(0)}\n` } },
      "InvalidResponse",
      "holds no access_token"
    ]
  ]
  it.live.each(failures)("not to be had: %s", ([, reply, tag, says]) =>
    Effect.gen(function* () {
      const { seen, tecton } = yield* cluster({
        token: (request, n, waiting) => (n === 0 ? reply : giving({})(request, n, waiting))
      })
      const { operation, reason } = yield* refusalOf(tecton.getFeatures(request))
      assert.strictEqual(operation, "getFeatures")
      assert.strictEqual(reason._tag, tag)
      assert.include(reason.message, says)
      assert.deepStrictEqual(seen(), { tokens: 1, calls: 0 })
      // A failure is not kept.
      yield* tecton.getFeatures(request)
      assert.deepStrictEqual(seen(), { tokens: 2, calls: 1 })
    })
  )

  it.live("that takes too long counts as part of the call", () =>
    Effect.gen(function* () {
      const { server, tecton } = yield* cluster({ token: () => "hang" }, { ...withToken, timeout: "50 millis" })
      const { reason } = yield* refusalOf(tecton.getFeatures(request))
      assert.deepInclude(reason, { _tag: "TimedOut", afterMillis: 50 })
      yield* server.abandoned(1)
    })
  )

  it.live("is asked for again when that can help, as the calls' policy says", () =>
    Effect.gen(function* () {
      let tokens = 0
      yield* atServer(
        (request, n, waiting) =>
          request.path !== tokenPath
            ? answerUsers(request)
            : tokens++ < 2
              ? { status: 503 }
              : giving({})(request, n, waiting),
        () =>
          Effect.gen(function* () {
            yield* collect(ids(3), TectonSource.features(users, { ...byId, retry: { base: "1 millis" } }))
            assert.strictEqual(tokens, 3)
          }),
        withToken
      )
    })
  )
})

const millis = (text: string): number => {
  const [amount, unit] = text.split(" ")
  return Number(amount) * (unit === "seconds" ? 1000 : 1)
}

describe("case 15: no secret is anywhere", () => {
  /** All ways in which a service may quote what it was sent. */
  const echoes: ReadonlyArray<readonly [name: string, (said: string) => Reply]> = [
    ["text", (said) => ({ status: 400, body: said })],
    ["JSON", (said) => ({ status: 401, body: { error: said, code: 7, message: said } })],
    ["JSON with escapes", (said) => ({ status: 403, body: `{"message":"${escaped(said)}"}` })],
    ["half of JSON", (said) => ({ status: 500, body: `{"message":${JSON.stringify(said)}` })],
    ["an address", (said) => ({ status: 302, headers: { location: `https://x.y/?said=${encodeURIComponent(said)}` } })],
    ["a form", (said) => ({ status: 429, body: new URLSearchParams({ said }).toString() })],
    ["HTML", (said) => ({ status: 502, body: `<html><title>${said}</title></html>` })],
    ["a success that is HTML", (said) => ({ status: 200, body: `<html><title>${said}</title></html>` })],
    ["a success that is no JSON", (said) => ({ status: 200, body: `${said} is no JSON` })],
    [
      "a success that is half of JSON",
      (said) => ({ status: 200, body: `{"result":${JSON.stringify(said).slice(0, -8)}` })
    ],
    ["a success of another form", (said) => ({ status: 200, body: { result: said, metadata: said, [said]: said } })],
    ["a time", (said) => vector([{ name: said, effectiveTime: said }], ["1"])],
    [
      "recordErrors with 200",
      (said) => ({ status: 200, body: { recordErrors: [{ featureViewName: said, errorMessage: said }] } })
    ],
    ["requestError with 400", (said) => ({ status: 400, body: { requestError: { errorMessage: said } } })],
    ["a long text", (said) => ({ status: 400, body: { message: `${"x".repeat(490)}${said}` } })]
  ]

  const escaped = (text: string): string =>
    Array.from(text, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")

  /** Everything a program, a logger or a tracer gets to see of an effect. */
  const watched = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const tracer = Tracer.make({
        span(options) {
          const span = new Tracer.NativeSpan(options)
          seen.push(span)
          return span
        }
      })
      const log = Logger.make((options) => {
        seen.push(options.message, options.cause)
      })
      const exit = yield* Effect.exit(effect).pipe(
        Effect.provideService(Tracer.Tracer, tracer),
        Effect.provideService(References.MinimumLogLevel, "Trace"),
        Effect.provide(Logger.layer([log]))
      )
      seen.push(exit)
      if (exit._tag === "Failure") seen.push(Cause.pretty(exit.cause), Cause.squash(exit.cause))
      for (const something of seen) {
        assertNoSecret(inspect(something, { depth: 20, showHidden: true }))
        assertNoSecret(String(something))
      }
      if (exit._tag === "Failure") yield* assertHidden(Cause.squash(exit.cause))
      return seen.filter((something) => something instanceof Tracer.NativeSpan).length
    })

  const everyStep = Effect.gen(function* () {
    const spans = yield* Effect.all([
      watched(collect(["u1"], TectonSource.features(users, { ...byId, retry: { maxAttempts: 1 } }))),
      watched(collect(["u1"], TectonSource.features(users, { ...byId, maxBatch: 1, retry: { maxAttempts: 1 } }))),
      watched(collect(["u1"], TectonSource.query(users, { ...byId, retry: { maxAttempts: 1 } }))),
      watched(FeatureService.check(users, { retry: { maxAttempts: 1 } })),
      watched(
        Stream.runDrain(
          TectonSink.ingest({ source: "clicks", joinKeys: [], retry: { maxAttempts: 1 } })(Stream.make({ a: 1 }))
        )
      )
    ])
    assert.isAbove(Math.max(...spans), 0)
  })

  const authorization = ({ headers }: Received): string => `you sent ${headers.authorization}`

  it.live.each(echoes)("when the service quotes the key: %s", ([, echo]) =>
    atServer(
      (request) => echo(authorization(request)),
      () => everyStep
    )
  )

  it.live.each(echoes)("when the service quotes the token: %s", ([, echo]) =>
    atServer(
      (request, n, waiting) =>
        request.path === tokenPath ? giving({})(request, n, waiting) : echo(authorization(request)),
      () => everyStep,
      { oauth }
    )
  )

  it.live.each(echoes)("when the token endpoint quotes the client's secret: %s", ([, echo]) =>
    atServer(
      (request) =>
        echo(request.path === tokenPath ? `you sent ${new URLSearchParams(request.body).get("client_secret")}` : ""),
      () => everyStep,
      { oauth }
    )
  )

  it.live("when it quotes the form as it came", () =>
    atServer(
      (request) => ({ status: 400, body: { message: request.body } }),
      () => everyStep,
      { oauth }
    )
  )

  it.live("when all is well", () =>
    atServer(
      (request, n, waiting) =>
        request.path === tokenPath
          ? giving({})(request, n, waiting)
          : request.path.includes("get-features")
            ? answerUsers(request)
            : {},
      () => everyStep,
      { oauth }
    )
  )

  it.live("in what the layer, the service and the options print", () =>
    Effect.gen(function* () {
      const { tecton } = yield* cluster({}, { apiKey: Redacted.make(key), oauth })
      yield* tecton.getFeatures(request)
      const options: Options = { url: "https://a.b", workspace: "w", apiKey: Redacted.make(key), oauth }
      const layer: Layer.Layer<TectonClient, unknown> = TectonClient.layer(options)
      for (const something of [tecton, options, layer]) {
        assertNoSecret(inspect(something, { depth: 20, showHidden: true }))
        assertNoSecret(JSON.stringify(something) ?? "")
      }
    })
  )
})

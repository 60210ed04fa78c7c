import type { Reason } from "@effect-connectors/core/ConnectorError"
import * as FeatureService from "@effect-connectors/tecton/FeatureService"
import type { TectonError } from "@effect-connectors/tecton/TectonError"
import * as TectonSource from "@effect-connectors/tecton/TectonSource"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { scriptedServer } from "../../../test/support/scriptedServer.ts"
import { answerUsers, atServer, byId, collect, ids, only, rowsOf, scripted, serviceOf, users } from "./support/index.ts"
import { key, refusalOf } from "./support/secrets.ts"
import type { Reply } from "./support/server.ts"

const retry = { maxAttempts: 4, base: "1 millis", cap: "2 millis" } as const

const grpc = (status: number, code: number, message: string): Reply => ({
  status,
  body: { error: message, code, message }
})

interface Row {
  readonly name: string
  readonly reply: Reply
  readonly tag: Reason["_tag"]
  readonly says: string
  readonly retried?: true
}

const rows: ReadonlyArray<Row> = [
  {
    name: "400/3",
    reply: grpc(400, 3, "Missing required join key: merchant"),
    tag: "RequestRefused",
    says: "Missing required join key: merchant"
  },
  {
    name: "400/5",
    reply: grpc(400, 5, "Unable to query users; it can take 60 seconds"),
    tag: "NotFound",
    says: "it can take 60 seconds"
  },
  { name: "404/5", reply: grpc(404, 5, "users not found"), tag: "NotFound", says: "users not found" },
  {
    name: "401/7",
    reply: grpc(401, 7, "invalid 'Tecton-key' authorization header"),
    tag: "Unauthorized",
    says: "invalid 'Tecton-key'"
  },
  { name: "403", reply: grpc(403, 7, "lacks Consumer"), tag: "Forbidden", says: "lacks Consumer" },
  {
    name: "400/9",
    reply: grpc(400, 9, "DynamoDB 2 MiB response limit exceeded"),
    tag: "RequestTooLarge",
    says: "2 MiB response limit"
  },
  {
    name: "308",
    reply: { status: 308, headers: { location: "https://elsewhere.example" } },
    tag: "InvalidOption",
    says: "https://elsewhere.example"
  },
  // Somebody in between gave up: 4xx is never repeated.
  { name: "408", reply: { status: 408, body: "slow" }, tag: "InvalidResponse", says: "slow" },
  {
    name: "429/8",
    reply: grpc(429, 8, "exceeded the concurrent request limit"),
    tag: "RateLimited",
    says: "concurrent request limit",
    retried: true
  },
  { name: "500", reply: grpc(500, 13, "internal"), tag: "Unavailable", says: "internal", retried: true },
  {
    name: "502 HTML",
    reply: { status: 502, body: "<html><title>Bad Gateway</title></html>" },
    tag: "Unavailable",
    says: "an HTML page: Bad Gateway",
    retried: true
  },
  {
    name: "503",
    reply: grpc(503, 14, "online store down"),
    tag: "Unavailable",
    says: "online store down",
    retried: true
  },
  {
    name: "503 empty",
    reply: { status: 503, body: "" },
    tag: "Unavailable",
    says: "HTTP 503 without a message",
    retried: true
  },
  { name: "504", reply: grpc(504, 4, "over 2 seconds"), tag: "TimedOut", says: "over 2 seconds", retried: true },
  { name: "reset", reply: "reset", tag: "ConnectionFailed", says: "the connection failed", retried: true },
  { name: "no JSON", reply: { body: "oh no" }, tag: "InvalidResponse", says: "it is no JSON that can be read" },
  { name: "empty", reply: { body: " " }, tag: "InvalidResponse", says: "it is empty" }
]

const failedRow = <B>(rows: ReadonlyArray<readonly [string, Result.Result<B, TectonError>]>) => {
  const [, row] = only(rows)
  return Result.getFailure(row)
}

/** The failure of the only row, whether it ended the stream or not, and how often it was asked for. */
const failureOf = (reply: Reply) =>
  atServer(
    () => reply,
    (server) =>
      Effect.gen(function* () {
        const step = TectonSource.featuresResults(users, { ...byId, maxBatch: 1, retry })
        const ended = yield* Effect.result(collect(["u1"], step))
        const error = Result.isFailure(ended) ? ended.failure : Option.getOrUndefined(failedRow(ended.success))
        assert(error !== undefined)
        assert.strictEqual(Result.isFailure(ended), error.reason.isFatal)
        return { error, requests: server.received.length }
      })
  )

describe("case 10: errors", () => {
  it.live.each(rows)("$name", ({ reply, retried, says, tag }) =>
    Effect.gen(function* () {
      const { error, requests } = yield* failureOf(reply)
      assert.strictEqual(error.reason._tag, tag)
      assert.include(error.message, says)
      assert.include(error.message, "of users: ")
      assert.strictEqual(error.isRetryable, retried === true)
      assert.strictEqual(requests, retried === true ? retry.maxAttempts : 1)
    })
  )

  it.live("each is distinct", () =>
    Effect.gen(function* () {
      const seen = yield* Effect.forEach(rows, ({ reply }) => failureOf(reply), { concurrency: 4 })
      const texts = seen.map(({ error: { reason } }) =>
        JSON.stringify([reason._tag, "wire" in reason ? reason.wire : 0, reason.message])
      )
      assert.lengthOf(new Set(texts), rows.length)
    })
  )

  it.live("what passes is answered by another try", () =>
    Effect.gen(function* () {
      const passing: ReadonlyArray<Reply> = [grpc(429, 8, "later"), "reset", { status: 502, body: "<html>" }]
      yield* atServer(
        (request, n) => passing[n] ?? answerUsers(request),
        (server) =>
          Effect.gen(function* () {
            const rows = yield* collect(["u1"], TectonSource.features(users, { ...byId, retry }))
            assert.strictEqual(rows[0]?.[1]["profile.name"].value, "name of u1")
            assert.lengthOf(server.received, 4)
          })
      )
    })
  )

  it.live("the wait that was asked for comes through", () =>
    Effect.gen(function* () {
      const { tecton } = yield* scripted([{ status: 429, headers: { "retry-after": "7" } }, { status: 400 }])
      assert.strictEqual((yield* refusalOf(tecton.getFeatures({ service: "s" }))).retryAfter, 7000)
      assert.strictEqual((yield* refusalOf(tecton.getFeatures({ service: "s" }))).retryAfter, 0)
    })
  )

  it.live("a redirect is not followed with the key", () =>
    Effect.gen(function* () {
      const elsewhere = yield* scriptedServer({})
      const { tecton } = yield* scripted([{ status: 307, headers: { location: elsewhere.url } }])
      yield* refusalOf(tecton.getFeatures({ service: "s" }))
      assert.lengthOf(elsewhere.received, 0)
    })
  )

  it.live("nobody listens: nothing was sent", () =>
    Effect.gen(function* () {
      const server = yield* Effect.scoped(scriptedServer())
      const tecton = yield* serviceOf(server.url)
      const { reason } = yield* refusalOf(tecton.getFeatures({ service: "s" }))
      assert.deepInclude(reason, { _tag: "ConnectionFailed", sent: false, mayHaveApplied: false, isRetryable: true })
      assert.include(reason.message, "ECONNREFUSED")
    })
  )

  it.live("half an answer is a failed connection", () =>
    Effect.gen(function* () {
      const { tecton } = yield* scripted(["break off"])
      const { reason } = yield* refusalOf(tecton.getFeatures({ service: "s" }))
      assert.deepInclude(reason, { _tag: "ConnectionFailed", sent: true })
    })
  )

  it.live("a long message keeps its code", () =>
    Effect.gen(function* () {
      const { tecton } = yield* scripted([
        { status: 400, body: { error: "m".repeat(2000), code: 5, message: "m".repeat(2000) } }
      ])
      const { reason } = yield* refusalOf(tecton.getFeatures({ service: "s" }))
      assert.deepInclude(reason, { _tag: "NotFound", called: "s", wire: { status: 400, grpcCode: 5 } })
      assert.isBelow(reason.message.length, 700)
    })
  )

  it.live("what stops all progress ends the results too, at once", () =>
    atServer(
      (request) => (rowsOf(request).some(({ user_id }) => user_id === "u0") ? grpc(401, 7, `not ${key}`) : "hang"),
      (server) =>
        Effect.gen(function* () {
          const error = yield* refusalOf(
            collect(ids(20), TectonSource.featuresResults(users, { ...byId, concurrency: 5 }))
          )
          assert.strictEqual(error.reason._tag, "Unauthorized")
          assert.lengthOf(server.received, 1)
        })
    )
  )

  it.live("metadata is asked for again too, as the policy says", () =>
    Effect.gen(function* () {
      yield* atServer(
        () => grpc(503, 14, "down"),
        (server) =>
          Effect.gen(function* () {
            const error = yield* refusalOf(FeatureService.check(users, { retry }))
            assert.deepInclude(error, { operation: "metadata", subject: "users", isRetryable: true })
            assert.lengthOf(server.received, 4)
          })
      )
    })
  )
})

import type * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { classify, refusal, type Subject } from "../src/internal/classify.ts"

const now = Date.parse("Wed, 25 Nov 2026 10:00:00 GMT")
const service: Subject = { resource: "feature service", name: "fraud", workspace: "prod" }
const source: Subject = { resource: "stream source", name: "clicks", workspace: "prod" }

const classified = (
  status: number,
  body: string,
  subject: Subject = service,
  headers: Readonly<Record<string, string>> = {}
) => classify({ status, body, headers }, subject, now, (text) => text)

const grpc = (code: number, message: string) => JSON.stringify({ error: message, code, message })

interface Row {
  readonly status: number
  readonly body: string
  readonly subject?: Subject
  readonly reason: ConnectorError.Reason["_tag"]
  readonly says: string
  readonly grpcCode?: number
}

const delay =
  "Unable to query feature service `fraud` in workspace `prod`. A feature service that was just created can take up to " +
  "60 seconds until it can be queried, and the workspace it belongs to has to be a live workspace; check both, and the " +
  "name of the feature service, before you try again."

const rows: ReadonlyArray<Row> = [
  {
    status: 400,
    body: grpc(3, "Missing required join key: user_id"),
    reason: "RequestRefused",
    says: "Missing required join key: user_id",
    grpcCode: 3
  },
  {
    status: 400,
    body: grpc(5, delay),
    reason: "NotFound",
    says: `feature service "fraud" does not exist`,
    grpcCode: 5
  },
  {
    status: 404,
    body: grpc(5, "not found"),
    reason: "NotFound",
    says: `feature service "fraud" does not exist`,
    grpcCode: 5
  },
  {
    status: 404,
    body: grpc(5, "Workspace prod not found"),
    reason: "NotFound",
    says: `workspace "prod" does not exist`,
    grpcCode: 5
  },
  { status: 404, body: "", reason: "NotFound", says: `feature service "fraud" does not exist` },
  { status: 404, body: "", subject: source, reason: "NotFound", says: `stream source "clicks" does not exist` },
  {
    status: 401,
    body: grpc(7, "invalid 'Tecton-key' authorization header"),
    reason: "Unauthorized",
    says: "invalid 'Tecton-key'",
    grpcCode: 7
  },
  { status: 403, body: grpc(7, "lacks Consumer"), reason: "Forbidden", says: "lacks Consumer", grpcCode: 7 },
  { status: 402, body: "pay", reason: "Forbidden", says: "pay" },
  { status: 405, body: "", reason: "Forbidden", says: "HTTP 405 without a message" },
  { status: 407, body: "", reason: "Forbidden", says: "HTTP 407 without a message" },
  { status: 408, body: "slow", reason: "InvalidResponse", says: "slow" },
  { status: 504, body: grpc(4, "over 2 seconds"), reason: "TimedOut", says: "over 2 seconds", grpcCode: 4 },
  {
    status: 429,
    body: grpc(8, "exceeded the concurrent request limit"),
    reason: "RateLimited",
    says: "exceeded the concurrent",
    grpcCode: 8
  },
  { status: 413, body: "", reason: "RequestTooLarge", says: "HTTP 413 without a message" },
  { status: 414, body: "", reason: "RequestTooLarge", says: "HTTP 414 without a message" },
  { status: 431, body: "", reason: "RequestTooLarge", says: "HTTP 431 without a message" },
  {
    status: 412,
    body: grpc(9, "DynamoDB response size over 2 MiB"),
    reason: "RequestTooLarge",
    says: "over 2 MiB",
    grpcCode: 9
  },
  {
    status: 400,
    body: grpc(9, "response limit exceeded"),
    reason: "RequestTooLarge",
    says: "limit exceeded",
    grpcCode: 9
  },
  { status: 400, body: grpc(9, "not materialized"), reason: "RequestRefused", says: "not materialized", grpcCode: 9 },
  { status: 422, body: "no", reason: "RequestRefused", says: "no" },
  { status: 500, body: grpc(13, "internal"), reason: "Unavailable", says: "internal", grpcCode: 13 },
  { status: 503, body: grpc(14, "down"), reason: "Unavailable", says: "down", grpcCode: 14 },
  // A code of 5 behind a failure of the server is no missing service.
  { status: 503, body: grpc(5, "upstream not found"), reason: "Unavailable", says: "upstream not found", grpcCode: 5 },
  {
    status: 502,
    body: "<html><head><title> 502 Bad Gateway </title></head><body>x</body></html>",
    reason: "Unavailable",
    says: "an HTML page: 502 Bad Gateway"
  },
  { status: 502, body: "  <!DOCTYPE html><p>oh", reason: "Unavailable", says: "an HTML page" },
  { status: 500, body: "", reason: "Unavailable", says: "HTTP 500 without a message" },
  { status: 500, body: "  \n", reason: "Unavailable", says: "HTTP 500 without a message" },
  { status: 599, body: "odd", reason: "Unavailable", says: "odd" },
  { status: 400, body: `{"error":"only this"}`, reason: "RequestRefused", says: "only this" },
  {
    status: 400,
    body: `{"error":{"nested":1},"message":null}`,
    reason: "RequestRefused",
    says: `{"error":{"nested":1},"message":null}`
  },
  { status: 400, body: `{"code":"5","message":"text for a code"}`, reason: "RequestRefused", says: "text for a code" },
  { status: 400, body: `{"code":5.5,"message":"half a code"}`, reason: "RequestRefused", says: "half a code" },
  { status: 400, body: `"only text"`, reason: "RequestRefused", says: `"only text"` },
  { status: 400, body: `{"cut off`, reason: "RequestRefused", says: `{"cut off` },
  {
    status: 400,
    body: `{"requestError":{"errorMessage":"workspace_name is required","errorType":"RequestValidationError"}}`,
    subject: source,
    reason: "RequestRefused",
    says: "workspace_name is required"
  },
  {
    status: 400,
    body: JSON.stringify({
      workspaceName: "prod",
      recordErrors: [
        {
          featureViewName: "clicks_1h",
          pushSourceName: "clicks",
          errorType: "TectonObjectValidationError",
          errorMessage: "no timestamp"
        },
        { errorType: "TectonObjectValidationError" },
        { featureViewName: "clicks_1d" },
        7,
        8
      ]
    }),
    subject: source,
    reason: "RequestRefused",
    says: "clicks_1h: no timestamp; TectonObjectValidationError; clicks_1d: refused; and 2 more"
  }
]

describe("classify", () => {
  const refused = JSON.stringify({ recordErrors: [{ errorMessage: "bad" }] })

  it.each([400, 404, 408, 409, 413, 422, 500, 503, 504])("%d with errors of records refuses the records", (status) => {
    const reason = classified(status, refused, source)
    assert.deepInclude(reason, { _tag: "RequestRefused", detail: "bad", wire: { status } })
  })

  it.each([
    [401, "Unauthorized"],
    [403, "Forbidden"],
    [429, "RateLimited"]
  ] as const)("%d is what its status says, whatever it says of records", (status, tag) => {
    assert.strictEqual(classified(status, refused, source)._tag, tag)
  })

  it("errors of records that are no list refuse them too", () => {
    for (const recordErrors of [{ errorMessage: "bad" }, "bad"]) {
      const reason = classified(500, JSON.stringify({ recordErrors }), source)
      assert.deepInclude(reason, { _tag: "RequestRefused", detail: "bad" })
    }
  })

  it.each(["[]", "null"])("recordErrors that are %s refuse nothing", (recordErrors) => {
    assert.strictEqual(classified(500, `{"recordErrors":${recordErrors}}`, source)._tag, "Unavailable")
    assert.strictEqual(classified(404, `{"recordErrors":${recordErrors}}`, source)._tag, "NotFound")
  })

  it.each(rows)("$status $body", ({ body, grpcCode, reason, says, status, subject }) => {
    const found = classified(status, body, subject)
    assert.strictEqual(found._tag, reason)
    assert.include(found.message, says)
    assert.deepInclude(found, { wire: { status, ...(grpcCode === undefined ? {} : { grpcCode }) } })
  })

  it.each([301, 302, 307, 308])("%d is a wrong address", (status) => {
    const read = classified(status, "", service, { location: "https://other.example/" })
    assert.deepInclude(read, { _tag: "InvalidOption", option: "url" })
    assert.include(
      read.message,
      `answers HTTP ${status}, a redirect to https://other.example/; give the address itself`
    )
    assert.deepInclude(classified(status, "", source), { option: "ingestUrl" })
    assert.include(classified(status, "", source).message, "a redirect to another address")
  })

  it("takes the wait from Retry-After, of 429 and 5xx", () => {
    for (const status of [429, 500, 503]) {
      assert.deepInclude(classified(status, "", service, { "retry-after": "3" }), { retryAfterMillis: 3000 })
      const date = classified(status, "", service, { "retry-after": "Wed, 25 Nov 2026 10:00:07 GMT" })
      assert.deepInclude(date, { retryAfterMillis: 7000 })
      assert.notProperty(classified(status, "", service, { "retry-after": "soon" }), "retryAfterMillis")
    }
    assert.notProperty(classified(400, "", service, { "retry-after": "3" }), "retryAfterMillis")
  })

  it("reads a long body to its end, and shows its head", () => {
    const reason = classified(400, grpc(5, "m".repeat(100_000)))
    assert(reason._tag === "NotFound")
    assert.isBelow(reason.detail?.length ?? 0, 510)
  })

  it("takes secrets out of what it read, however they were written", () => {
    const clean = (text: string) => text.replaceAll("k/1", "<redacted>")
    const said = (status: number, body: string, headers: Readonly<Record<string, string>> = {}) =>
      classify({ status, body, headers }, service, now, clean).message
    assert.include(said(401, `{"message":"key k\\/1 and \\u006b/1"}`), "key <redacted> and <redacted>")
    assert.include(said(502, "<title>k/1</title>"), "HTML page: <redacted>")
    assert.include(said(308, "", { location: "https://x/?k/1" }), "https://x/?<redacted>")
    assert.include(said(400, `{"recordErrors":[{"errorMessage":"k\\/1"}]}`), "it: <redacted>")
  })

  it("is quick with a page made to be slow", () => {
    assert.strictEqual(classified(502, "<title".repeat(1_000_000))._tag, "Unavailable")
  })

  it.prop(
    "has a reason for everything",
    [
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 300, maximum: 999 }))),
      Arbitrary.schema(Schema.Json),
      Schema.String
    ],
    ([status, json, text]) => {
      for (const body of [text, JSON.stringify(json), JSON.stringify({ error: json, code: json, message: json })]) {
        const reason = classified(status, body)
        assert.strictEqual(reason.isRetryable, status === 429 || status >= 500)
        assert.isBelow(reason.message.length, 1000)
      }
    }
  )
})

describe("refusal", () => {
  it.each([null, 1, "x", [], {}, { recordErrors: [] }, { recordErrors: null, requestError: null }])(
    "%j refuses nothing",
    (body) => {
      assert.strictEqual(refusal(body), undefined)
    }
  )

  it.each([
    [{ requestError: { errorMessage: "why", errorType: "T" } }, "why"],
    [{ requestError: { errorType: "T" } }, "T"],
    [{ requestError: {} }, "refused"],
    [{ requestError: "words" }, "words"],
    [{ requestError: true }, "refused"],
    [{ requestError: { errorMessage: "first" }, recordErrors: [{ errorMessage: "second" }] }, "first"],
    [{ recordErrors: [{}] }, "refused"],
    [{ recordErrors: ["words"] }, "words"],
    [{ recordErrors: { featureViewName: "v", errorMessage: "alone" } }, "v: alone"],
    [{ recordErrors: "words" }, "words"]
  ])("%j refuses", (body, text) => {
    assert.strictEqual(refusal(body), text)
  })
})

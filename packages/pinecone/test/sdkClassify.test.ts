import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { assert, describe, it } from "@effect/vitest"
import { classify } from "../src/internal/classify.ts"

const now = Date.parse("Mon, 23 Nov 2026 10:00:00 GMT")
const subject = { index: "articles", namespace: "news" }

const rpc = (code: number, message: string) => JSON.stringify({ code, message, details: [] })
const control = (status: number, code: string, message: string) => JSON.stringify({ status, error: { code, message } })

interface Row {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  readonly reason: ConnectorError.Reason["_tag"]
  readonly detail?: string
  readonly retryAfter?: number
  readonly grpcCode?: number
}

const dimension = "Vector dimension 2 does not match the dimension of the index 1536"
const metadata = "Metadata size is 42177 bytes, which exceeds the limit of 40960 bytes per vector"
const old2MB = "Your request is larger than the maximum supported size - 2MB. Send less."
const tooLong = "Error, message length too large: found 5451652 bytes, the limit is: 4194304 bytes"
const qps = "Request failed. You've reached the upsert QPS limit for namespace ns (100 QPS). Pace your upsert requests."
const mbps = "max upsert size limit per second for namespace default (50 MB per second). Pace your upserts"
const month = "Request failed. You've reached your read unit limit for the current month."
const missing = "Namespace not found"

const rows: ReadonlyArray<Row> = [
  { status: 400, body: rpc(3, dimension), reason: "RequestRefused", detail: dimension, grpcCode: 3 },
  { status: 400, body: control(400, "INVALID_ARGUMENT", dimension), reason: "RequestRefused", detail: dimension },
  { status: 400, body: dimension, reason: "RequestRefused", detail: dimension },
  { status: 400, body: rpc(3, metadata), reason: "RequestRefused", detail: metadata },
  { status: 400, body: rpc(3, old2MB), reason: "RequestTooLarge", detail: old2MB },
  { status: 400, body: rpc(11, tooLong), reason: "RequestTooLarge", grpcCode: 11 },
  { status: 400, body: `{"error":"plain"}`, reason: "RequestRefused", detail: "plain" },
  { status: 400, body: "[1]", reason: "RequestRefused", detail: "[1]" },
  { status: 400, body: `{"code":1e300,"message":"far"}`, reason: "RequestRefused", detail: "far" },
  { status: 400, body: '{"message":', reason: "RequestRefused", detail: '{"message":' },
  { status: 400, body: "", reason: "RequestRefused", detail: "HTTP 400 without a message" },
  { status: 401, body: "Invalid API Key", reason: "Unauthorized", detail: "Invalid API Key" },
  { status: 402, body: control(402, "PAYMENT_REQUIRED", "Pay first"), reason: "Forbidden", detail: "Pay first" },
  { status: 402, body: month, reason: "QuotaExhausted" },
  { status: 403, body: rpc(7, "You've reached the max namespaces allowed"), reason: "Forbidden", grpcCode: 7 },
  { status: 404, body: rpc(5, missing), reason: "NotFound", detail: missing, grpcCode: 5 },
  { status: 404, body: control(404, "NOT_FOUND", "Index nope not found"), reason: "NotFound" },
  { status: 405, body: "", reason: "Forbidden" },
  { status: 408, body: "", reason: "TimedOut" },
  { status: 409, body: rpc(6, "Resource already exists."), reason: "RequestRefused" },
  { status: 412, body: rpc(9, "not now"), reason: "RequestRefused" },
  { status: 413, body: "<html>413</html>", reason: "RequestTooLarge" },
  { status: 418, body: "teapot", reason: "RequestRefused", detail: "teapot" },
  { status: 422, body: control(422, "UNPROCESSABLE_ENTITY", "no"), reason: "RequestRefused", detail: "no" },
  { status: 429, body: qps, reason: "RateLimited", detail: qps },
  { status: 429, body: rpc(8, mbps), reason: "RateLimited", detail: mbps, grpcCode: 8 },
  { status: 429, body: qps, headers: { "retry-after": "7" }, reason: "RateLimited", retryAfter: 7000 },
  { status: 429, body: month, headers: { "retry-after": "7" }, reason: "QuotaExhausted" },
  { status: 429, body: rpc(8, month), reason: "QuotaExhausted", detail: month },
  { status: 431, body: "", reason: "RequestTooLarge" },
  { status: 301, body: "", headers: { location: "https://other" }, reason: "InvalidOption" },
  ...[500, 501, 502, 503, 504, 529].flatMap((status): ReadonlyArray<Row> => [
    { status, body: rpc(14, "down"), reason: "Unavailable", detail: "down", grpcCode: 14 },
    { status, body: "<html>bad gateway</html>", reason: "Unavailable", detail: "<html>bad gateway</html>" }
  ]),
  {
    status: 503,
    body: "",
    headers: { "retry-after": "Mon, 23 Nov 2026 10:00:12 GMT" },
    reason: "Unavailable",
    retryAfter: 12_000
  }
]

describe("classify", () => {
  it.each(rows)("$status $body -> $reason", ({ body, detail, grpcCode, headers, reason, retryAfter, status }) => {
    const found = classify({ status, body, headers: new Headers(headers) }, subject, now)
    assert.strictEqual(found._tag, reason)
    if (detail !== undefined) assert.strictEqual("detail" in found ? found.detail : undefined, detail)
    assert.strictEqual(ConnectorError.retryAfterMillis(found), retryAfter ?? 0)
    if (grpcCode !== undefined) assert.strictEqual("wire" in found ? found.wire?.grpcCode : undefined, grpcCode)
    if (reason !== "InvalidOption") assert.strictEqual("wire" in found ? found.wire?.status : undefined, status)
  })

  it("tells a missing namespace from a missing index", () => {
    const answer = { status: 404, body: rpc(5, missing), headers: new Headers() }
    const namespace = classify(answer, subject, now)
    assert(namespace._tag === "NotFound" && namespace.resource === "namespace" && namespace.called === "news")
    const index = classify({ ...answer, body: "" }, subject, now)
    assert(index._tag === "NotFound" && index.resource === "index" && index.called === "articles")
    assert.isTrue(index.isFatal)
    assert.isFalse(namespace.isFatal)
  })

  it("tells a full index from what is forbidden everywhere", () => {
    const answer = (message: string) => ({ status: 403, body: rpc(7, message), headers: new Headers() })
    const full = answer("Request failed. You've reached the max namespaces allowed in serverless index articles.")
    assert.deepInclude(classify(full, subject, now), { _tag: "Forbidden", scope: "namespace", isFatal: false })
    assert.isTrue(classify(full, { index: "articles" }, now).isFatal)
    assert.isTrue(classify(answer("You've reached the max storage allowed"), subject, now).isFatal)
    assert.isTrue(classify({ ...full, status: 402 }, subject, now).isFatal)
  })

  it("clips what comes from outside", () => {
    const headers = new Headers({ "x-pinecone-request-id": "r".repeat(1000) })
    const found = classify({ status: 500, body: "x".repeat(100_000), headers }, subject, now)
    assert(found._tag === "Unavailable")
    assert.isBelow(found.detail.length, 510)
    assert.isBelow(found.wire?.requestId?.length ?? 0, 140)
  })
})

import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { assert, describe, it } from "@effect/vitest"
import { classify, type Ending } from "../src/internal/grpcClassify.ts"

const now = Date.parse("Mon, 23 Nov 2026 10:00:00 GMT")
const subject = { index: "articles", namespace: "news" }

interface Row {
  readonly code: number
  readonly details?: string
  readonly headers?: Readonly<Record<string, string>>
  /** What is known of the answer; by default all of it came. */
  readonly part?: "nothing" | "headers"
  readonly reason: ConnectorError.Reason["_tag"]
  readonly retryAfter?: number
}

const ending = ({ code, details = "", headers, part }: Omit<Row, "reason">): Ending => ({
  code,
  details,
  headers: new Headers(headers),
  began: part !== "nothing",
  ended: part === undefined
})

const month = "You've reached your write unit limit for the current month."
const old2MB = "Your request is larger than the maximum supported size - 2MB."
const goServer = "grpc: received message larger than max (5451652 vs. 4194304)"
const rustServer = "Error, message length too large: found 5451652 bytes, the limit is: 4194304 bytes"

const rows: ReadonlyArray<Row> = [
  { code: 1, reason: "Unavailable" },
  { code: 2, details: "odd", reason: "Unavailable" },
  { code: 3, details: "Vector dimension 2 does not match", reason: "RequestRefused" },
  { code: 3, details: old2MB, reason: "RequestTooLarge" },
  { code: 4, reason: "TimedOut" },
  { code: 4, part: "nothing", reason: "TimedOut" },
  { code: 5, details: "Namespace not found", reason: "NotFound" },
  { code: 6, reason: "RequestRefused" },
  { code: 7, details: "Wrong project", reason: "Forbidden" },
  { code: 8, details: "slow down", reason: "RateLimited" },
  { code: 8, details: "slow down", headers: { "retry-after": "7" }, reason: "RateLimited", retryAfter: 7000 },
  { code: 8, headers: { "grpc-retry-pushback-ms": "250" }, reason: "RateLimited", retryAfter: 250 },
  { code: 8, headers: { "grpc-retry-pushback-ms": "-1", "retry-after": "1" }, reason: "RateLimited", retryAfter: 1000 },
  { code: 8, details: month, reason: "QuotaExhausted" },
  { code: 8, details: goServer, reason: "RequestTooLarge" },
  { code: 9, reason: "RequestRefused" },
  { code: 10, reason: "Unavailable" },
  { code: 11, details: rustServer, reason: "RequestTooLarge" },
  { code: 11, details: "page", reason: "RequestRefused" },
  { code: 12, details: "unknown method", reason: "Forbidden" },
  // A gateway before the service, or something else than it.
  { code: 12, details: "Received HTTP status code 404", part: "headers", reason: "NotFound" },
  {
    code: 14,
    details: "Received HTTP status code 429",
    part: "headers",
    headers: { "retry-after": "2" },
    reason: "RateLimited",
    retryAfter: 2000
  },
  { code: 14, details: "Received HTTP status code 503", reason: "Unavailable" },
  { code: 2, details: "Received HTTP status code 413", part: "headers", reason: "RequestTooLarge" },
  // What the client does not take says nothing of the request.
  {
    code: 8,
    details: "Received message larger than max (1752460652 vs 134217728)",
    part: "headers",
    reason: "InvalidResponse"
  },
  { code: 13, details: "oops", reason: "Unavailable" },
  { code: 13, details: "Received RST_STREAM with code 2", part: "headers", reason: "ConnectionFailed" },
  { code: 14, details: "failed to connect to shard", part: "headers", reason: "Unavailable" },
  {
    code: 14,
    details: "down",
    headers: { "retry-after": "Mon, 23 Nov 2026 10:00:12 GMT" },
    reason: "Unavailable",
    retryAfter: 12_000
  },
  { code: 14, details: "Connection dropped", part: "nothing", reason: "ConnectionFailed" },
  { code: 15, reason: "Unavailable" },
  { code: 16, details: "Invalid API Key", reason: "Unauthorized" },
  { code: 99, reason: "Unavailable" }
]

describe("classify", () => {
  it.each(rows)("$code $details -> $reason", ({ reason, retryAfter, ...row }) => {
    const found = classify(ending(row), subject, now)
    assert.strictEqual(found._tag, reason)
    assert.strictEqual(ConnectorError.retryAfterMillis(found), retryAfter ?? 0)
    if (row.part === undefined && !row.details?.startsWith("Received HTTP"))
      assert.strictEqual("wire" in found ? found.wire?.grpcCode : undefined, row.code)
  })

  it("knows what was never sent", () => {
    const before = (details: string) => classify(ending({ code: 14, details, part: "nothing" }), subject, now)
    for (const details of [
      "No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1",
      "Name resolution failed for target dns:nowhere.invalid:443",
      "Stream refused by server",
      "Channel has been shut down"
    ]) {
      assert.deepInclude(before(details), { _tag: "ConnectionFailed", sent: false, mayHaveApplied: false })
    }
    assert.deepInclude(before("Connection dropped"), { sent: true, mayHaveApplied: true })
  })

  it("tells a missing namespace from a missing index, and a full index from what is forbidden everywhere", () => {
    const namespace = classify(ending({ code: 5, details: "Namespace not found" }), subject, now)
    assert.deepInclude(namespace, { resource: "namespace", called: "news", isFatal: false })
    const index = classify(ending({ code: 5 }), subject, now)
    assert.deepInclude(index, { resource: "index", called: "articles", isFatal: true })
    const full = ending({ code: 7, details: "You've reached the max namespaces allowed" })
    assert.deepInclude(classify(full, subject, now), { scope: "namespace", isFatal: false })
    assert.isTrue(classify(full, { index: "articles" }, now).isFatal)
  })

  it("clips what comes from outside", () => {
    const headers = { "x-pinecone-request-id": "r".repeat(1000) }
    const found = classify(ending({ code: 14, details: "x".repeat(100_000), headers }), subject, now)
    assert(found._tag === "Unavailable")
    assert.isBelow(found.detail.length, 510)
    assert.isBelow(found.wire?.requestId?.length ?? 0, 140)
  })
})

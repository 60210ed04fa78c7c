import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import { TestError } from "./support/TestError.ts"

const wire: ConnectorError.Wire = { status: 418, grpcCode: 3, requestId: "req-1" }

interface Row {
  readonly reason: ConnectorError.Reason
  /** The answers that are yes: retryable, fatal, blames records, may have applied. */
  readonly yes: ReadonlyArray<keyof ConnectorError.Answers>
  readonly message: string
}

const rows: ReadonlyArray<Row> = [
  {
    reason: new ConnectorError.InvalidRecord({ id: "a", field: "values", issue: "must not be empty" }),
    yes: ["blamesRecords"],
    message: `record "a": values must not be empty`
  },
  {
    reason: new ConnectorError.InvalidRecord({ field: "id", issue: "must not be empty" }),
    yes: ["blamesRecords"],
    message: "id must not be empty"
  },
  {
    reason: new ConnectorError.RecordTooLarge({ id: "big", bytes: 3_000_000, maxBytes: 2_000_000 }),
    yes: ["blamesRecords"],
    message:
      `record "big" takes 3000000 bytes on the wire and a request may hold 2000000; ` +
      "make its values or metadata smaller"
  },
  {
    reason: new ConnectorError.RecordTooLarge({ bytes: 9, maxBytes: 8 }),
    yes: ["blamesRecords"],
    message: "a record takes 9 bytes on the wire and a request may hold 8; make its values or metadata smaller"
  },
  {
    reason: new ConnectorError.InvalidOption({ option: "topK", issue: "must be at least 1" }),
    yes: ["isFatal"],
    message: "option topK must be at least 1"
  },
  {
    reason: new ConnectorError.RequestRefused({ detail: "dimension 3, index has 4", wire }),
    yes: ["blamesRecords"],
    message: "the store refused it: dimension 3, index has 4"
  },
  {
    reason: new ConnectorError.RequestTooLarge({ detail: "over 2 MB", wire }),
    yes: ["blamesRecords"],
    message: "the request is too large: over 2 MB"
  },
  {
    reason: new ConnectorError.Unauthorized({ detail: "wrong API key", wire }),
    yes: ["isFatal"],
    message: "not authorized: wrong API key; check the key and what it belongs to"
  },
  {
    reason: new ConnectorError.Forbidden({ detail: "deletion protection is on", wire }),
    yes: ["isFatal"],
    message: "not allowed: deletion protection is on"
  },
  {
    reason: new ConnectorError.NotFound({ resource: "index", called: "books", wire }),
    yes: ["isFatal"],
    message: `index "books" does not exist; check its spelling and what the key belongs to`
  },
  {
    reason: new ConnectorError.NotFound({ resource: "namespace", called: "de", detail: "gone" }),
    yes: [],
    message: `namespace "de" does not exist; check its spelling and what the key belongs to (gone)`
  },
  {
    reason: new ConnectorError.NotFound({ resource: "other", called: "x.example.com" }),
    yes: ["isFatal"],
    message: `"x.example.com" does not exist; check its spelling and what the key belongs to`
  },
  {
    reason: new ConnectorError.NotFound({ resource: "feature service", called: "fraud" }),
    yes: ["isFatal"],
    message: `feature service "fraud" does not exist; check its spelling and what the key belongs to`
  },
  {
    reason: new ConnectorError.RateLimited({ detail: "100 writes a second", retryAfterMillis: 7000, wire }),
    yes: ["isRetryable"],
    message: "the store asks to slow down: 100 writes a second"
  },
  {
    reason: new ConnectorError.QuotaExhausted({ detail: "2000000 read units this month", wire }),
    yes: ["isFatal"],
    message: "a quota is used up and retrying will not help: 2000000 read units this month"
  },
  {
    reason: new ConnectorError.Unavailable({ detail: "status 503", retryAfterMillis: 250, wire }),
    yes: ["isRetryable", "mayHaveApplied"],
    message: "the store is not available: status 503"
  },
  {
    reason: new ConnectorError.ConnectionFailed({ detail: "connect ECONNREFUSED", sent: false }),
    yes: ["isRetryable"],
    message: "the connection failed: connect ECONNREFUSED"
  },
  {
    reason: new ConnectorError.ConnectionFailed({ detail: "read ECONNRESET", sent: true }),
    yes: ["isRetryable", "mayHaveApplied"],
    message: "the connection failed: read ECONNRESET"
  },
  {
    reason: new ConnectorError.TimedOut({ afterMillis: 30_000 }),
    yes: ["isRetryable", "mayHaveApplied"],
    message: "no answer within 30000 ms"
  },
  {
    reason: new ConnectorError.TimedOut({ wire }),
    yes: ["isRetryable", "mayHaveApplied"],
    message: "the store gave no answer in time"
  },
  {
    reason: new ConnectorError.TimedOut({ detail: "over 2 seconds", wire }),
    yes: ["isRetryable", "mayHaveApplied"],
    message: "the store gave no answer in time: over 2 seconds"
  },
  {
    reason: new ConnectorError.InvalidValue({ field: "feature users.age", issue: `is "x" and not an int64` }),
    yes: [],
    message: `feature users.age is "x" and not an int64`
  },
  {
    reason: new ConnectorError.SchemaDrift({
      subject: "feature service fraud",
      drifts: [
        { kind: "renamed", part: "feature", name: "a.x", declared: "int64", found: "a.y" },
        { kind: "retyped", part: "feature", name: "a.z", declared: "int64", found: "string" },
        { kind: "added", part: "feature", name: "b.n", found: "float64" },
        { kind: "missing", part: "join key", name: "user_id", declared: "string" }
      ]
    }),
    yes: ["isFatal"],
    message:
      "feature service fraud is not what the program declares: feature a.x seems to be called a.y now; " +
      "feature a.z is declared as int64 and is string; " +
      "join key user_id (string) is not there; feature b.n (float64) is there and not declared"
  },
  {
    reason: new ConnectorError.SchemaDrift({
      subject: "feature service fraud",
      drifts: [{ kind: "added", part: "feature", name: "b".repeat(1000), found: "c".repeat(1000) }]
    }),
    yes: ["isFatal"],
    message: `feature service fraud is not what the program declares: feature ${"b".repeat(300)}... (${"c".repeat(300)}...) is there and not declared`
  },
  {
    reason: new ConnectorError.SchemaDrift({
      subject: "feature service fraud",
      drifts: ["a", "b", "c", "d", "e"].map((name) => ({ kind: "added", part: "feature", name, found: "int64" }))
    }),
    yes: ["isFatal"],
    message:
      "feature service fraud is not what the program declares: feature a (int64) is there and not declared; " +
      "feature b (int64) is there and not declared; feature c (int64) is there and not declared; " +
      "and 2 more that are not declared"
  },
  {
    reason: new ConnectorError.InvalidResponse({ detail: "no field matches", wire }),
    yes: ["mayHaveApplied"],
    message: "the answer could not be understood: no field matches"
  },
  {
    reason: new ConnectorError.CircuitOpen({ service: "pinecone", downMillis: 120_400, detail: "HTTP 503" }),
    yes: ["isFatal"],
    message:
      "pinecone has not answered for 120 s; check its address and its status, and run again (last failure: HTTP 503)"
  },
  {
    reason: new ConnectorError.IncompleteScan({ scope: "namespace de", seen: 9, expected: 10 }),
    yes: ["isFatal"],
    message:
      "the scan of namespace de saw 9 records where the store counts 10; " +
      "if others write to it at the same time, or its counts lag, set verify: false"
  },
  {
    reason: new ConnectorError.OutOfOrder({ scope: "the first side", previous: "b", found: "a", hint: "sort it" }),
    yes: ["isFatal"],
    message: "the first side is not sorted: a comes after b; sort it"
  }
]

const answersOf = ({ isRetryable, isFatal, blamesRecords, mayHaveApplied }: ConnectorError.Answers) => ({
  isRetryable,
  isFatal,
  blamesRecords,
  mayHaveApplied
})

describe("every reason", () => {
  it("has a row in the table", () => {
    assert.deepStrictEqual(
      new Set(rows.map(({ reason }) => reason._tag)),
      new Set(ConnectorError.Reason.members.map((member) => member.identifier))
    )
  })

  it.each(rows)("$reason._tag: $message", ({ reason, yes, message }) => {
    assert.deepStrictEqual(answersOf(reason), {
      isRetryable: yes.includes("isRetryable"),
      isFatal: yes.includes("isFatal"),
      blamesRecords: yes.includes("blamesRecords"),
      mayHaveApplied: yes.includes("mayHaveApplied")
    })
    assert.strictEqual(reason.message, message)
    assert.include(String(reason), message)
  })

  it.each(rows)(
    "$reason._tag is never both worth another attempt and fatal, and blames only what was not applied",
    ({ reason }) => {
      assert.isFalse(reason.isRetryable && reason.isFatal)
      assert.isFalse(reason.blamesRecords && (reason.isRetryable || reason.isFatal || reason.mayHaveApplied))
    }
  )

  it.effect.each(rows)("$reason._tag comes back from JSON with the same answers", ({ reason }) =>
    Effect.gen(function* () {
      const codec = Schema.toCodecJson(ConnectorError.Reason)
      const json = JSON.stringify(yield* Schema.encodeEffect(codec)(reason))
      const decoded = yield* Schema.decodeUnknownEffect(codec)(JSON.parse(json))
      assert.instanceOf(decoded, Error)
      assert.strictEqual(decoded._tag, reason._tag)
      assert.strictEqual(decoded.message, reason.message)
      assert.deepStrictEqual(answersOf(decoded), answersOf(reason))
      assert.strictEqual(ConnectorError.retryAfterMillis(decoded), ConnectorError.retryAfterMillis(reason))
    })
  )

  it.each(rows)("$reason._tag prints its facts and the message of the error around it", ({ reason }) => {
    const error = new TestError({ reason })
    assert.strictEqual(String(error), `TestError: test store: ${reason.message}`)
    const json = JSON.parse(JSON.stringify(error))
    assert.strictEqual(json._tag, "TestError")
    assert.strictEqual(json.reason._tag, reason._tag)
    assert.include(inspect(error, { depth: 4 }), reason._tag)
    assert.include(error.stack ?? "", "ConnectorError.test.ts")
  })
})

describe("retryAfterMillis", () => {
  it("is what the store asked for, else 0", () => {
    for (const { reason } of rows) {
      const expected = reason._tag === "RateLimited" ? 7000 : reason._tag === "Unavailable" ? 250 : 0
      assert.strictEqual(ConnectorError.retryAfterMillis(reason), expected, reason._tag)
    }
    assert.strictEqual(ConnectorError.retryAfterMillis(new ConnectorError.RateLimited({ detail: "" })), 0)
    assert.strictEqual(ConnectorError.retryAfterMillis(new ConnectorError.Unavailable({ detail: "" })), 0)
  })
})

describe("clip", () => {
  it("leaves short text alone and cuts long text", () => {
    assert.strictEqual(ConnectorError.clip("abc", 3), "abc")
    assert.strictEqual(ConnectorError.clip("abcd", 3), "abc...")
    assert.strictEqual(ConnectorError.clip("x".repeat(501)), `${"x".repeat(500)}...`)
  })

  it("keeps an id of any length from filling a message", () => {
    const id = "i".repeat(513)
    const { message } = new ConnectorError.InvalidRecord({ id, field: "id", issue: "has 513 characters" })
    assert.strictEqual(message, `record "${"i".repeat(64)}...": id has 513 characters`)
  })
})

describe("a program", () => {
  it.effect("matches on the reason of a connector's error", () =>
    Effect.gen(function* () {
      const limited = new ConnectorError.RateLimited({ detail: "100 writes a second", retryAfterMillis: 7000 })
      const failing = Effect.fail(new TestError({ reason: limited }))
      const waited = yield* failing.pipe(
        Effect.catchReason("TestError", "RateLimited", (reason) => Effect.succeed(reason.retryAfterMillis))
      )
      assert.strictEqual(waited, 7000)
    })
  )
})

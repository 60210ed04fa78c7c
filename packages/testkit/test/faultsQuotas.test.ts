import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Quotas from "../src/internal/emulator/quotas.ts"

const call = (changes: Partial<Quotas.Metered> = {}): Quotas.Metered => ({
  operation: "upsert",
  index: "movies",
  namespace: "a",
  bytes: 100,
  ...changes
})

/** Quotas on a clock that stands until it is set. */
const gate = (quotas: Partial<Quotas.Quotas>, options: Omit<Quotas.Options, "clock"> = {}) => {
  let now = 1_000_000
  const made = Quotas.make({ ...Quotas.none, ...quotas }, { ...options, clock: () => now })
  return {
    ...made,
    advance: (millis: number) => void (now += millis),
    /** How many of `calls` equal calls pass. */
    passed: (calls: number, changes?: Partial<Quotas.Metered>) =>
      Array.from({ length: calls }, () => made.decide(call(changes))).filter((fault) => fault === undefined).length,
    refusal: (changes?: Partial<Quotas.Metered>) => {
      const fault = made.decide(call(changes))
      return fault?._tag === "Answer" ? fault.reply : assert.fail("not refused")
    }
  }
}

describe("quotas", () => {
  it("are none by default and for what has none", () => {
    const none = gate({})
    assert.strictEqual(none.passed(10_000), 10_000)
    assert.strictEqual(none.held(), 0)
    const some = gate(Quotas.documented)
    assert.strictEqual(some.passed(1_000, { operation: "describeNamespace" }), 1_000)
    assert.strictEqual(some.passed(1_000, { operation: "createIndex", index: undefined }), 1_000)
  })

  it("allow one second's worth at once, then as much as time brings back", () => {
    const quotas = gate({ upsertRequestsPerNamespace: 100 })
    assert.strictEqual(quotas.passed(150), 100)
    quotas.advance(250)
    assert.strictEqual(quotas.passed(150), 25)
    quotas.advance(60_000)
    assert.strictEqual(quotas.passed(150), 100)
    assert.deepStrictEqual(quotas.refused(), { upsertRequestsPerNamespace: 50 + 125 + 50 })
    quotas.reset()
    assert.strictEqual(quotas.passed(150), 100)
    assert.deepStrictEqual(quotas.refused(), { upsertRequestsPerNamespace: 50 })
  })

  it("are apart for each namespace of each index, or shared by an index", () => {
    const quotas = gate({ queryRequestsPerNamespace: 10, fetchRequestsPerIndex: 10 })
    for (const index of ["movies", "books"]) {
      for (const namespace of ["a", "b"]) {
        assert.strictEqual(quotas.passed(20, { operation: "query", index, namespace }), 10)
      }
      assert.strictEqual(quotas.passed(6, { operation: "fetch", index, namespace: "a" }), 6)
      assert.strictEqual(quotas.passed(6, { operation: "fetch", index, namespace: "b" }), 4)
    }
    assert.strictEqual(quotas.passed(6, { operation: "query", namespace: "" }), 6)
    assert.strictEqual(quotas.passed(6, { operation: "query", namespace: "__default__" }), 4)
  })

  it("are the documented ones, operation by operation", () => {
    const passes = (changes: Partial<Quotas.Metered>, calls = 10_000) => gate(Quotas.documented).passed(calls, changes)
    assert.strictEqual(passes({}), 100)
    assert.strictEqual(passes({ bytes: 2_097_152 }), 25)
    assert.strictEqual(passes({ operation: "query" }), 100)
    assert.strictEqual(passes({ operation: "update" }), 100)
    assert.strictEqual(passes({ operation: "update", records: 30 }), 3)
    assert.strictEqual(passes({ operation: "update", byMetadata: true }), 5)
    assert.strictEqual(passes({ operation: "delete" }), 100)
    assert.strictEqual(passes({ operation: "delete", records: 1_000 }), 5)
    assert.strictEqual(passes({ operation: "delete", byMetadata: true }), 5)
    assert.strictEqual(passes({ operation: "fetch" }), 100)
    assert.strictEqual(passes({ operation: "fetchByMetadata" }), 5)
    assert.strictEqual(passes({ operation: "list" }), 200)
    assert.strictEqual(passes({ operation: "stats" }), 100)
    const spread = gate(Quotas.documented)
    const deletes = Array.from({ length: 200 }, (_, n) =>
      spread.passed(5, { operation: "delete", byMetadata: true, namespace: `ns-${n}` })
    )
    assert.strictEqual(
      deletes.reduce((sum, passed) => sum + passed, 0),
      500
    )
  })

  it("a refused call uses nothing of its other quotas", () => {
    const quotas = gate({ upsertRequestsPerNamespace: 2, upsertBytesPerNamespace: 1_000 })
    assert.strictEqual(quotas.passed(1, { bytes: 900 }), 1)
    assert.strictEqual(quotas.passed(5, { bytes: 200 }), 0)
    assert.strictEqual(quotas.passed(5, { bytes: 100 }), 1)
    assert.deepStrictEqual(quotas.refused(), { upsertBytesPerNamespace: 5, upsertRequestsPerNamespace: 4 })
  })

  it("a call larger than a second's worth passes when nothing was used, and is paid for", () => {
    const quotas = gate({ upsertBytesPerNamespace: 1_000 })
    assert.strictEqual(quotas.passed(1, { bytes: 3_000 }), 1)
    quotas.advance(1_999)
    assert.strictEqual(quotas.passed(1, { bytes: 1 }), 0)
    quotas.advance(2)
    assert.strictEqual(quotas.passed(1, { bytes: 1 }), 1)
  })

  it("of 0 refuse all, of less than 1 let one through now and then", () => {
    assert.strictEqual(gate({ queryRequestsPerNamespace: 0 }).passed(3, { operation: "query" }), 0)
    assert.strictEqual(gate({ queryRequestsPerNamespace: -1 }).passed(3, { operation: "query" }), 0)
    const rare = gate({ queryRequestsPerNamespace: 0.5 })
    assert.strictEqual(rare.passed(3, { operation: "query" }), 1)
    rare.advance(1_500)
    assert.strictEqual(rare.passed(3, { operation: "query" }), 0)
    rare.advance(600)
    assert.strictEqual(rare.passed(3, { operation: "query" }), 1)
  })

  it("refuse in the service's words, which name the namespace and the limit", () => {
    const reply = gate({ upsertRequestsPerNamespace: 0 }).refusal()
    assert.strictEqual(reply.status, 429)
    assert.notProperty(reply.headers, "retry-after")
    assert.deepStrictEqual(JSON.parse(reply.body), {
      code: 8,
      message:
        "Request failed. You've reached the upsert QPS limit for namespace a (0 QPS). Pace your upsert requests or contact Pinecone Support.",
      details: []
    })
    const bytes = gate({ upsertBytesPerNamespace: 1_048_576 })
    assert.strictEqual(bytes.passed(2, { bytes: 1_000_000 }), 1)
    assert.include(
      bytes.refusal({ bytes: 1_000_000 }).body,
      "the max upsert size limit per second for namespace a (1 MB per second)"
    )
    const shared = gate({ fetchRequestsPerIndex: 0 }, { format: "text" }).refusal({ operation: "fetch" })
    assert.include(shared.body, "Request failed. You've reached the fetch QPS limit for index movies (0 QPS)")
    assert.strictEqual(shared.headers["content-type"], "text/plain; charset=utf-8")
  })

  it("say when to come back, when asked to, and then the call passes", () => {
    const quotas = gate({ upsertBytesPerNamespace: 1_000 }, { retryAfter: "seconds" })
    assert.strictEqual(quotas.passed(1, { bytes: 3_500 }), 1)
    const seconds = Number(quotas.refusal({ bytes: 100 }).headers["retry-after"])
    assert.strictEqual(seconds, 3)
    quotas.advance(seconds * 1_000)
    assert.strictEqual(quotas.passed(1, { bytes: 100 }), 1)
    assert.strictEqual(
      gate({ queryRequestsPerNamespace: 0 }, { retryAfter: "seconds" }).refusal({ operation: "query" }).headers[
        "retry-after"
      ],
      "86400"
    )
    const dated = gate({ queryRequestsPerNamespace: 1 }, { retryAfter: "date" })
    assert.strictEqual(dated.passed(1, { operation: "query" }), 1)
    assert.strictEqual(dated.refusal({ operation: "query" }).headers["retry-after"], "Thu, 01 Jan 1970 00:16:41 GMT")
  })

  it("keep nothing of namespaces that are idle, and forget no debt", () => {
    const quotas = gate({ upsertRequestsPerNamespace: 100, upsertBytesPerNamespace: 1_000 })
    assert.strictEqual(quotas.passed(1, { namespace: "debtor", bytes: 5_000 }), 1)
    for (let n = 0; n < 5_000; n++) quotas.decide(call({ namespace: `ns-${n}` }))
    assert.strictEqual(quotas.held(), 5_001)
    quotas.advance(2_000)
    assert.strictEqual(quotas.passed(1, { namespace: "other" }), 1)
    assert.strictEqual(quotas.held(), 2)
    assert.strictEqual(quotas.passed(1, { namespace: "debtor" }), 0)
  })

  it.prop(
    "never let more through in any time than its rate and one second's worth",
    {
      perSecond: Schema.Literals([1, 3, 10]),
      waits: Schema.Array(Schema.Literals([0, 0, 1, 40, 333, 1_000, 5_000]))
    },
    ({ perSecond, waits }) => {
      const quotas = gate({ queryRequestsPerNamespace: perSecond })
      const times: Array<number> = []
      let now = 0
      for (const wait of waits) {
        quotas.advance(wait)
        now += wait
        if (quotas.passed(1, { operation: "query" }) === 1) times.push(now)
      }
      times.forEach((from, first) => {
        times.slice(first).forEach((to, more) => {
          assert.isAtMost(more + 1, perSecond * (1 + (to - from) / 1_000) + 1e-6)
        })
      })
    }
  )
})

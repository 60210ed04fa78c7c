import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { handle } from "../src/internal/emulator/adminRoutes.ts"
import type { Call } from "../src/internal/emulator/call.ts"
import { refuseControl, refuseData } from "../src/internal/emulator/envelopes.ts"
import * as Faults from "../src/internal/emulator/faults.ts"
import * as Quotas from "../src/internal/emulator/quotas.ts"

const call = (changes: Partial<Call> = {}): Call => ({
  operation: "upsert",
  index: "movies",
  namespace: "__default__",
  bytes: 100,
  ...changes
})

const rule = (name: string, when: FaultPlan.When, changes: Partial<FaultPlan.Rule> = {}): FaultPlan.Rule => ({
  name,
  when,
  fault: FaultPlan.reset("before"),
  ...changes
})

/** The numbers, from 1, of the calls that are struck. */
const struck = (faults: Faults.Faults, calls: number, of: (nth: number) => Call = () => call()) =>
  Array.from({ length: calls }, (_, at) => at + 1).filter((nth) => faults.decide(of(nth)) !== undefined)

const one = (when: FaultPlan.When, changes?: Partial<FaultPlan.Rule>, seed?: number) =>
  Faults.make(FaultPlan.make([rule("r", when, changes)], { seed }))

/** The written out answer of a plan that always answers like this. */
const answerOf = (fault: FaultPlan.Answer, to: Call, clock?: () => number) => {
  const decided = Faults.make(FaultPlan.make([rule("r", FaultPlan.always, { fault, operations: [to.operation] })]), {
    clock
  }).decide(to)
  return decided?._tag === "Answer" ? decided.reply : assert.fail("not an answer")
}

describe("when a rule strikes", () => {
  it("always, the N-th, every k-th", () => {
    assert.deepStrictEqual(struck(one(FaultPlan.always), 3), [1, 2, 3])
    assert.deepStrictEqual(struck(one(FaultPlan.nth(2, 5)), 9), [2, 5])
    assert.deepStrictEqual(struck(one(FaultPlan.every(3)), 10), [3, 6, 9])
    assert.deepStrictEqual(struck(Faults.make(FaultPlan.none), 10), [])
  })

  it("no more often than `times`", () => {
    const faults = one(FaultPlan.every(2), { times: 2 })
    assert.deepStrictEqual(struck(faults, 20), [2, 4])
    assert.deepStrictEqual(faults.matched(), { r: 20 })
    assert.deepStrictEqual(faults.fired(), { r: 2 })
  })

  it("with a share of calls near its probability, and never or always at the ends", () => {
    const share = (p: number) => struck(one(FaultPlan.probability(p), {}, 42), 20_000).length / 20_000
    assert.approximately(share(0.05), 0.05, 0.006)
    assert.approximately(share(0.5), 0.5, 0.012)
    assert.strictEqual(share(0), 0)
    assert.strictEqual(share(1), 1)
  })

  it("by a chance of its own: another seed or another name strikes other calls", () => {
    const half = FaultPlan.probability(0.5)
    const firings = (name: string, seed: number) =>
      struck(Faults.make(FaultPlan.make([rule(name, half)], { seed })), 200).join()
    assert.strictEqual(firings("a", 1), firings("a", 1))
    assert.notStrictEqual(firings("a", 1), firings("a", 2))
    assert.notStrictEqual(firings("a", 1), firings("b", 1))
  })

  it.prop(
    "on the same calls each time, whatever the plan, and again after a reset",
    {
      plan: FaultPlan.FaultPlan,
      operations: Schema.Array(Schema.Literals(["upsert", "query"]))
    },
    ({ operations, plan }) => {
      const run = (faults: Faults.Faults) => operations.map((operation) => faults.decide(call({ operation })))
      const first = Faults.make(plan, { clock: () => 0 })
      const second = Faults.make(plan, { clock: () => 0 })
      const decided = run(first)
      assert.deepStrictEqual(run(second), decided)
      const fired = Object.values(first.fired()).reduce((sum, count) => sum + count, 0)
      assert.strictEqual(fired, decided.filter((fault) => fault !== undefined).length)
      first.reset()
      assert.deepStrictEqual(run(first), decided)
    }
  )

  it.prop(
    "independently of the rules before it: a call struck by another still counts",
    { every: Schema.Literals([1, 2, 3, 7]), nth: Schema.Literals([1, 2, 3, 4, 5, 6, 7, 8]) },
    ({ every, nth }) => {
      const faults = Faults.make(
        FaultPlan.make([rule("first", FaultPlan.every(every)), rule("second", FaultPlan.nth(nth))])
      )
      struck(faults, 10)
      const isTaken = nth % every === 0
      assert.deepStrictEqual(faults.fired(), { first: Math.floor(10 / every), second: isTaken ? 0 : 1 })
      assert.deepStrictEqual(faults.matched(), { first: 10, second: 10 })
    }
  )
})

describe("which calls a rule looks at", () => {
  it("those to an index, unless operations are named", () => {
    const createIndex = call({ operation: "createIndex", index: undefined, namespace: undefined })
    assert.isUndefined(one(FaultPlan.always).decide(createIndex))
    assert.isDefined(one(FaultPlan.always, { operations: ["createIndex"] }).decide(createIndex))
    const queries = one(FaultPlan.every(2), { operations: ["query", "fetch"] })
    const operations = ["query", "upsert", "fetch", "upsert", "query", "query"]
    assert.deepStrictEqual(
      struck(queries, 6, (nth) => call({ operation: operations[nth - 1]! })),
      [3, 6]
    )
    assert.deepStrictEqual(queries.matched(), { r: 4 })
  })

  it("those to one index or namespace, when named; the default namespace has two names", () => {
    assert.isUndefined(one(FaultPlan.always, { index: "books" }).decide(call()))
    assert.isDefined(one(FaultPlan.always, { index: "movies" }).decide(call()))
    assert.isUndefined(one(FaultPlan.always, { namespace: "a" }).decide(call()))
    assert.isUndefined(one(FaultPlan.always, { namespace: "a" }).decide(call({ namespace: undefined })))
    assert.isDefined(one(FaultPlan.always, { namespace: "a" }).decide(call({ namespace: "a" })))
    assert.isDefined(one(FaultPlan.always, { namespace: "" }).decide(call()))
    assert.isDefined(one(FaultPlan.always, { namespace: "__default__" }).decide(call({ namespace: "" })))
  })
})

describe("answers", () => {
  const control = call({ operation: "createIndex", index: undefined, namespace: undefined })

  it("have the envelope of the API that was called, or are text", () => {
    const fault = FaultPlan.status(429, { message: "slow down" })
    assert.deepStrictEqual(answerOf(fault, call()), {
      status: 429,
      headers: { "content-type": "application/json" },
      body: `{"code":8,"message":"slow down","details":[]}`
    })
    assert.deepStrictEqual(JSON.parse(answerOf(fault, control).body), {
      status: 429,
      error: { code: "RESOURCE_EXHAUSTED", message: "slow down" }
    })
    assert.deepStrictEqual(answerOf({ ...fault, format: "text" }, control), {
      status: 429,
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: "slow down"
    })
    assert.deepStrictEqual(JSON.parse(answerOf(FaultPlan.status(503), call()).body), {
      code: 14,
      message: "Service Unavailable",
      details: []
    })
  })

  for (const [status, grpcCode, name] of [
    [400, 3, "INVALID_ARGUMENT"],
    [401, 16, "UNAUTHENTICATED"],
    [402, 9, "PAYMENT_REQUIRED"],
    [403, 7, "FORBIDDEN"],
    [404, 5, "NOT_FOUND"],
    [405, 12, "METHOD_NOT_ALLOWED"],
    [408, 4, "DEADLINE_EXCEEDED"],
    [409, 6, "ALREADY_EXISTS"],
    [412, 9, "FAILED_PRECONDITION"],
    [413, 11, "PAYLOAD_TOO_LARGE"],
    [422, 3, "UNPROCESSABLE_ENTITY"],
    [429, 8, "RESOURCE_EXHAUSTED"],
    [500, 13, "INTERNAL"],
    [501, 12, "UNIMPLEMENTED"],
    [503, 14, "SERVICE_UNAVAILABLE"],
    [504, 4, "DEADLINE_EXCEEDED"],
    [418, 2, "UNKNOWN"]
  ] as const) {
    it(`of status ${status} are those of the emulator itself`, () => {
      const fault = FaultPlan.status(status, { message: "no" })
      assert.deepStrictEqual(answerOf(fault, call()), refuseData(status, "no"))
      assert.deepStrictEqual(answerOf(fault, control), refuseControl(status, "no"))
      assert.deepStrictEqual(JSON.parse(refuseData(status, "no").body), { code: grpcCode, message: "no", details: [] })
      assert.deepStrictEqual(JSON.parse(refuseControl(status, "no").body), {
        status,
        error: { code: name, message: "no" }
      })
    })
  }

  it("say when to come back in seconds or as a date that is not too early", () => {
    assert.notProperty(answerOf(FaultPlan.throttle(), call()).headers, "retry-after")
    const inSeconds = answerOf(FaultPlan.throttle({ retryAfter: "2 seconds" }), call())
    assert.strictEqual(inSeconds.headers["retry-after"], "2")
    const at = FaultPlan.throttle({ retryAfter: "2 seconds", retryAfterAs: "date" })
    assert.strictEqual(answerOf(at, call(), () => 400).headers["retry-after"], "Thu, 01 Jan 1970 00:00:03 GMT")
  })
})

describe("faults and quotas", () => {
  it("a call that the plan strikes uses no quota; counters are apart", () => {
    const clock = () => 0
    const quotas = Quotas.make({ ...Quotas.none, upsertRequestsPerNamespace: 2 }, { clock })
    const faults = Faults.make(FaultPlan.make([rule("r", FaultPlan.nth(1, 2, 3))]), { quotas, clock })
    assert.deepStrictEqual(struck(faults, 7), [1, 2, 3, 6, 7])
    assert.deepStrictEqual(faults.fired(), { r: 3 })
    assert.deepStrictEqual(faults.overQuota(), { upsertRequestsPerNamespace: 2 })
    faults.reset()
    assert.deepStrictEqual([faults.fired(), faults.overQuota()], [{ r: 0 }, {}])
    assert.deepStrictEqual(struck(faults, 7), [1, 2, 3, 6, 7])
  })
})

describe("admin routes", () => {
  const path = "/__admin/faults"
  const plan = FaultPlan.make([rule("r", FaultPlan.every(2))], { seed: 3 })

  it("take a plan, tell what it did, and put it away", () => {
    const faults = Faults.make(FaultPlan.none)
    const state = (method: string, body = "") => {
      const reply = handle(method, path, body, faults)
      assert.strictEqual(reply?.status, 200)
      return JSON.parse(reply?.body ?? "")
    }
    assert.deepStrictEqual(state("PUT", JSON.stringify(plan)), {
      plan,
      matched: { r: 0 },
      fired: { r: 0 },
      overQuota: {}
    })
    assert.deepStrictEqual(struck(faults, 5), [2, 4])
    assert.deepStrictEqual(state("GET"), { plan, matched: { r: 5 }, fired: { r: 2 }, overQuota: {} })
    assert.deepStrictEqual(state("DELETE"), { plan: FaultPlan.none, matched: {}, fired: {}, overQuota: {} })
    assert.deepStrictEqual(struck(faults, 5), [])
  })

  it("refuse a plan that is wrong, and keep the one there is", () => {
    const faults = Faults.make(plan)
    const refused = handle("PUT", path, `{"rules":[{"name":"x","when":{"_tag":"Always"},"fault":{}}]}`, faults)
    assert.strictEqual(refused?.status, 400)
    assert.include(JSON.parse(refused?.body ?? "").error, `["fault"]`)
    assert.strictEqual(handle("PUT", path, "no json", faults)?.status, 400)
    assert.strictEqual(faults.plan(), plan)
  })

  it("know their own path only", () => {
    const faults = Faults.make(plan)
    assert.isUndefined(handle("GET", "/indexes", "", faults))
    assert.deepInclude(handle("POST", path, "", faults), { status: 405 })
  })
})

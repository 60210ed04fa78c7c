/** An index whose calls can be made to fail. */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import type * as Conformance from "@effect-connectors/testkit/Conformance"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export class MemoryFaults extends Context.Service<MemoryFaults, Conformance.Faults>()("test/MemoryFaults") {}

interface Plan {
  readonly operation: string
  readonly fault: Conformance.Fault
  readonly times: number
}

const reset = new ConnectorError.ConnectionFailed({ detail: "socket hang up", sent: true })

const struck = <A>(
  operation: string,
  fault: Conformance.Fault,
  call: Effect.Effect<A, PineconeError>
): Effect.Effect<A, PineconeError> => {
  const fail = (reason: ConnectorError.Reason) => Effect.fail(new PineconeError({ operation, reason }))
  switch (fault) {
    case "throttled":
      return fail(new ConnectorError.RateLimited({ detail: "slow down", retryAfterMillis: 1000 }))
    case "quotaExhausted":
      return fail(new ConnectorError.QuotaExhausted({ detail: "read unit limit for the current month" }))
    case "unavailable":
      return fail(new ConnectorError.Unavailable({ detail: "down" }))
    case "reset":
      return fail(reset)
    case "answerLost":
      return Effect.andThen(call, fail(reset))
    case "stalled":
      return Effect.andThen(Effect.sleep("100 millis"), call)
  }
}

/** The index with calls that fail as the control says. */
export const breakable = (index: Service) => {
  let plan: Plan | undefined
  let fired = 0
  const call = <A>(operation: string, effect: Effect.Effect<A, PineconeError>): Effect.Effect<A, PineconeError> =>
    Effect.suspend(() => {
      if (plan?.operation !== operation || fired >= plan.times) return effect
      fired++
      return struck(operation, plan.fault, effect)
    })
  const broken: Service = {
    ...index,
    upsert: (request) => call("upsert", index.upsert(request)),
    query: (request) => call("query", index.query(request)),
    fetch: (request) => call("fetch", index.fetch(request)),
    list: (request) => call("list", index.list(request)),
    stats: call("stats", index.stats)
  }
  const faults: Conformance.Faults = {
    next: (operation, fault, times = 1) =>
      Effect.sync(() => {
        plan = { operation, fault, times }
        fired = 0
      }),
    fired: Effect.sync(() => fired)
  }
  return Context.make(PineconeIndex, broken).pipe(Context.add(MemoryFaults, faults))
}

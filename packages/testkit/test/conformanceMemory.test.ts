import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as Conformance from "@effect-connectors/testkit/Conformance"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** The faults of an index in memory. */
class MemoryFaults extends Context.Service<MemoryFaults, Conformance.Faults>()("test/MemoryFaults") {}

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

/** Calls fail as the plan says; what they would do in memory decides the rest. */
const breakable = (index: Service) => {
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

const dimension = 8

for (const metric of ["dotproduct", "euclidean"] as const) {
  Conformance.suite(`PineconeMemory, ${metric}`, PineconeMemory.layerWith({ dimension, metric }), { dimension, metric })
}

Conformance.suite(
  "PineconeMemory, cosine, with faults",
  Layer.effectContext(Effect.map(PineconeIndex, breakable)).pipe(
    Layer.provide(PineconeMemory.layerWith({ dimension }))
  ),
  { dimension, metric: "cosine", faults: MemoryFaults }
)

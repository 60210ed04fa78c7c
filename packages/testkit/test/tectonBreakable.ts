/** A client whose calls can be made to fail. */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import type { Service } from "@effect-connectors/tecton/TectonApi"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import { TectonError } from "@effect-connectors/tecton/TectonError"
import type * as TectonConformance from "@effect-connectors/testkit/TectonConformance"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export class MemoryFaults extends Context.Service<MemoryFaults, TectonConformance.Faults>()("test/TectonFaults") {}

const reset = new ConnectorError.ConnectionFailed({ detail: "socket hang up", sent: true })

const struck = <A>(
  operation: string,
  fault: TectonConformance.Fault,
  call: Effect.Effect<A, TectonError>
): Effect.Effect<A, TectonError> => {
  const fail = (reason: ConnectorError.Reason) => Effect.fail(new TectonError({ operation, reason }))
  switch (fault) {
    case "throttled":
      return fail(new ConnectorError.RateLimited({ detail: "slow down" }))
    case "unavailable":
      return fail(new ConnectorError.Unavailable({ detail: "down" }))
    case "reset":
      return fail(reset)
    case "answerLost":
      return Effect.andThen(call, fail(reset))
    case "stalled":
      return Effect.andThen(Effect.sleep("2 seconds"), call)
  }
}

/** The client with calls that fail as the control says. */
export const breakable = (client: Service) => {
  let plan: { readonly operation: string; readonly fault: TectonConformance.Fault; readonly times: number } | undefined
  let fired = 0
  const call = <A>(operation: string, effect: Effect.Effect<A, TectonError>): Effect.Effect<A, TectonError> =>
    Effect.suspend(() => {
      if (plan?.operation !== operation || fired >= plan.times) return effect
      fired++
      return struck(operation, plan.fault, effect)
    })
  const broken: Service = {
    ...client,
    getFeaturesBatch: (request) => call("getFeaturesBatch", client.getFeaturesBatch(request)),
    ingest: (request) => call("ingest", client.ingest(request)),
    metadata: (request) => call("metadata", client.metadata(request))
  }
  const faults: TectonConformance.Faults = {
    next: (operation, fault, times = 1) =>
      Effect.sync(() => {
        plan = { operation, fault, times }
        fired = 0
      }),
    fired: Effect.sync(() => fired)
  }
  return Context.make(TectonClient, broken).pipe(Context.add(MemoryFaults, faults))
}

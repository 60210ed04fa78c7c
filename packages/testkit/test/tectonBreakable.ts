/** A client whose calls can be made to fail. */
import type { Service } from "@effect-connectors/tecton/TectonApi"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import { TectonError } from "@effect-connectors/tecton/TectonError"
import type * as TectonConformance from "@effect-connectors/testkit/TectonConformance"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { plannedFaults } from "./plannedFaults.ts"

export class MemoryFaults extends Context.Service<MemoryFaults, TectonConformance.Faults>()("test/TectonFaults") {}

/** The client with calls that fail as the control says. */
export const breakable = (client: Service) => {
  const { call, faults } = plannedFaults({
    error: (operation, reason) => new TectonError({ operation, reason }),
    stall: Effect.sleep("2 seconds")
  })
  const broken: Service = {
    ...client,
    getFeaturesBatch: (request) => call("getFeaturesBatch", client.getFeaturesBatch(request)),
    ingest: (request) => call("ingest", client.ingest(request)),
    metadata: (request) => call("metadata", client.metadata(request))
  }
  return Context.make(TectonClient, broken).pipe(Context.add(MemoryFaults, faults))
}

/** An index whose calls can be made to fail. */
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import type * as Conformance from "@effect-connectors/testkit/Conformance"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { plannedFaults } from "./plannedFaults.ts"

export class MemoryFaults extends Context.Service<MemoryFaults, Conformance.Faults>()("test/MemoryFaults") {}

/** The index with calls that fail as the control says. */
export const breakable = (index: Service) => {
  const { call, faults } = plannedFaults({
    error: (operation, reason) => new PineconeError({ operation, reason }),
    stall: Effect.sleep("100 millis")
  })
  const broken: Service = {
    ...index,
    upsert: (request) => call("upsert", index.upsert(request)),
    query: (request) => call("query", index.query(request)),
    fetch: (request) => call("fetch", index.fetch(request)),
    list: (request) => call("list", index.list(request)),
    stats: call("stats", index.stats)
  }
  return Context.make(PineconeIndex, broken).pipe(Context.add(MemoryFaults, faults))
}

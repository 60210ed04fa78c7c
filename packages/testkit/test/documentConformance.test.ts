/** The suite of documents in memory and on the emulator, through the official SDK. */
import { createSchema } from "@effect-connectors/pinecone/DocumentIndex"
import { PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import type * as Conformance from "@effect-connectors/testkit/Conformance"
import * as DocumentConformance from "@effect-connectors/testkit/DocumentConformance"
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import * as PineconeDocumentMemory from "@effect-connectors/testkit/PineconeDocumentMemory"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const { definition } = DocumentConformance

DocumentConformance.suite("PineconeDocumentMemory", PineconeDocumentMemory.layer(definition))

DocumentConformance.suite(
  "PineconeDocumentMemory, writes visible late",
  PineconeDocumentMemory.layer(definition, { visibleAfter: "60 millis" }),
  { eventually: "2 seconds" }
)

/** How the emulator does what the suite asks for. */
const faultOf: Record<Conformance.Fault, FaultPlan.Fault> = {
  throttled: FaultPlan.throttle({ retryAfter: "1 second" }),
  quotaExhausted: FaultPlan.monthlyQuota("write"),
  unavailable: FaultPlan.status(503),
  reset: FaultPlan.reset("before"),
  answerLost: FaultPlan.reset("after"),
  stalled: FaultPlan.stall("200 millis")
}

const faults = Effect.map(PineconeEmulator, (emulator): Conformance.Faults<"upsert" | "search"> => ({
  next: (operation, fault, times = 1) =>
    emulator.faults.replace(
      FaultPlan.make([{ name: fault, operations: [operation], when: FaultPlan.always, fault: faultOf[fault], times }])
    ),
  fired: Effect.map(emulator.faults.fired, (counters) => Object.values(counters).reduce((sum, count) => sum + count, 0))
}))

const atEmulator = Layer.unwrap(
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator
    const schema = yield* createSchema(definition)
    yield* emulator.createIndex({ name: "conformance", schema })
    return PineconeDocumentIndex.layer({
      apiKey: Redacted.make("any"),
      index: "conformance",
      controllerHost: emulator.url
    })
  })
)

DocumentConformance.suite(
  "PineconeEmulator over the SDK, with faults",
  Layer.provideMerge(atEmulator, PineconeEmulator.layer),
  { faults }
)

DocumentConformance.suite(
  "PineconeEmulator over the SDK, writes visible late",
  Layer.provide(atEmulator, PineconeEmulator.layerWith({ visibleAfter: "60 millis" })),
  { eventually: "2 seconds" }
)

/** The suite on the emulator, through the official SDK and over gRPC. */
import * as PineconeGrpc from "@effect-connectors/pinecone/PineconeGrpc"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as Conformance from "@effect-connectors/testkit/Conformance"
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import { PineconeEmulator } from "@effect-connectors/testkit/PineconeEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const dimension = 8
const apiKey = Redacted.make("any")

/** How the emulator does what the suite asks for. */
const faultOf: Record<Conformance.Fault, FaultPlan.Fault> = {
  throttled: FaultPlan.throttle({ retryAfter: "1 second" }),
  quotaExhausted: FaultPlan.monthlyQuota("write"),
  unavailable: FaultPlan.status(503),
  reset: FaultPlan.reset("before"),
  answerLost: FaultPlan.reset("after"),
  stalled: FaultPlan.stall("200 millis")
}

const faults = Effect.map(PineconeEmulator, (emulator): Conformance.Faults => ({
  next: (operation, fault, times = 1) =>
    emulator.faults.replace(
      FaultPlan.make([{ name: fault, operations: [operation], when: FaultPlan.always, fault: faultOf[fault], times }])
    ),
  fired: Effect.map(emulator.faults.fired, (counters) => Object.values(counters).reduce((sum, count) => sum + count, 0))
}))

for (const { layer, over } of [
  { over: "the SDK", layer: PineconeIndex.layer },
  { over: "gRPC", layer: PineconeGrpc.layer }
]) {
  /** An index found by its name, as programs do, so that the layer knows its dimension. */
  const byName = Layer.unwrap(
    Effect.gen(function* () {
      const emulator = yield* PineconeEmulator
      yield* emulator.createIndex({ name: "conformance", dimension })
      return layer({ apiKey, index: "conformance", controllerHost: emulator.url })
    })
  )

  const byHost = (metric: "dotproduct" | "euclidean") =>
    Layer.unwrap(
      Effect.gen(function* () {
        const emulator = yield* PineconeEmulator
        const { host } = yield* emulator.createIndex({ name: metric, dimension, metric })
        return layer({ apiKey, host })
      })
    )

  Conformance.suite(
    `PineconeEmulator over ${over}, cosine, with faults`,
    Layer.provideMerge(byName, PineconeEmulator.layer),
    { dimension, metric: "cosine", faults }
  )

  for (const metric of ["dotproduct", "euclidean"] as const) {
    Conformance.suite(
      `PineconeEmulator over ${over}, ${metric}, by host`,
      Layer.provide(byHost(metric), PineconeEmulator.layer),
      { dimension, metric }
    )
  }

  Conformance.suite(
    `PineconeEmulator over ${over}, writes visible late`,
    Layer.provide(byName, PineconeEmulator.layerWith({ visibleAfter: "60 millis" })),
    { dimension, metric: "cosine", eventually: "2 seconds" }
  )
}

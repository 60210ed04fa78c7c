import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as Conformance from "@effect-connectors/testkit/Conformance"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { breakable, MemoryFaults } from "./conformanceBreakable.ts"

const dimension = 8

for (const metric of ["dotproduct", "euclidean"] as const) {
  Conformance.suite(`PineconeMemory, ${metric}`, PineconeMemory.layerWith({ dimension, metric }), { dimension, metric })
}

Conformance.suite(
  "PineconeMemory, writes visible late",
  PineconeMemory.layerWith({ dimension, visibleAfter: "60 millis" }),
  { dimension, metric: "cosine", eventually: "2 seconds" }
)

Conformance.suite(
  "PineconeMemory, cosine, with faults",
  Layer.effectContext(Effect.map(PineconeIndex, breakable)).pipe(
    Layer.provide(PineconeMemory.layerWith({ dimension }))
  ),
  { dimension, metric: "cosine", faults: MemoryFaults }
)

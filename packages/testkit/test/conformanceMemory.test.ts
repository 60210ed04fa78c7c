import { PineconeMemory } from "@effect-connectors/testkit"
import * as Conformance from "@effect-connectors/testkit/Conformance"

for (const metric of ["cosine", "dotproduct", "euclidean"] as const) {
  const dimension = 8
  Conformance.suite(`PineconeMemory, ${metric}`, PineconeMemory.layerWith({ dimension, metric }), { dimension, metric })
}

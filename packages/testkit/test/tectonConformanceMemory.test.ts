import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonConformance from "@effect-connectors/testkit/TectonConformance"
import * as TectonMemory from "@effect-connectors/testkit/TectonMemory"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { breakable, MemoryFaults } from "./tectonBreakable.ts"

TectonConformance.suite(
  "TectonMemory, with faults",
  Layer.effectContext(Effect.map(TectonClient, breakable)).pipe(
    Layer.provide(TectonMemory.layerWith({ definition: TectonConformance.definition }))
  ),
  { faults: MemoryFaults }
)

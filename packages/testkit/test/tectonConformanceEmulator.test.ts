/** The suite on the emulator through the real client, on every form of its paths. */
import type { Options } from "@effect-connectors/tecton/TectonApi"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import * as TectonConformance from "@effect-connectors/testkit/TectonConformance"
import { TectonEmulator } from "@effect-connectors/testkit/TectonEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

/** How the emulator does what the suite asks for. */
const faultOf: Record<TectonConformance.Fault, FaultPlan.Fault> = {
  throttled: FaultPlan.status(429),
  unavailable: FaultPlan.status(503),
  reset: FaultPlan.reset("before"),
  answerLost: FaultPlan.reset("after"),
  stalled: FaultPlan.stall("2 seconds")
}

const faults = Effect.map(TectonEmulator, (emulator): TectonConformance.Faults => ({
  next: (operation, fault, times = 1) =>
    emulator.faults.replace(
      FaultPlan.make([{ name: fault, operations: [operation], when: FaultPlan.always, fault: faultOf[fault], times }])
    ),
  fired: Effect.map(emulator.faults.fired, (counters) => Object.values(counters).reduce((sum, count) => sum + count, 0))
}))

const emulator = TectonEmulator.layerWith({ workspaces: { conformance: TectonConformance.definition } })

const client = (options: Partial<Options>) =>
  Layer.unwrap(
    Effect.map(TectonEmulator, ({ url }) =>
      TectonClient.layer({
        url,
        ingestUrl: url,
        workspace: "conformance",
        apiKey: Redacted.make("test-key"),
        ...options
      })
    )
  )

TectonConformance.suite("TectonEmulator, with faults", Layer.provideMerge(client({}), emulator), { faults })

TectonConformance.suite(
  "TectonEmulator, v2 paths and OAuth",
  Layer.provide(
    client({
      api: "v2",
      ingestApi: "v2",
      oauth: { clientId: "any", clientSecret: Redacted.make("test-key") }
    }),
    emulator
  )
)

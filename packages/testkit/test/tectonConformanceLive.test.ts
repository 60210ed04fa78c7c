/**
 * The suite on a workspace at Tecton: it has to define what `TectonConformance.definition` says, and is named by
 * `TECTON_URL`, `TECTON_INGEST_URL`, `TECTON_WORKSPACE` and `TECTON_API_KEY`. Some hundred small records are ingested,
 * under keys of their own; Tecton has no call to remove them.
 */
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonConformance from "@effect-connectors/testkit/TectonConformance"
import { assert, it } from "@effect/vitest"

const isConfigured = ["TECTON_URL", "TECTON_INGEST_URL", "TECTON_WORKSPACE", "TECTON_API_KEY"].every(
  (name) => (process.env[name] ?? "") !== ""
)

it("TECTON_URL, TECTON_INGEST_URL, TECTON_WORKSPACE and TECTON_API_KEY are set", (context) => {
  if (!isConfigured) console.log("Skipped: conformance on a live Tecton, for want of a workspace and a key.")
  context.skip(!isConfigured)
  assert.isTrue(isConfigured)
})

if (isConfigured) TectonConformance.suite("Tecton, live", TectonClient.layerConfig)

/** The layers of an index that contend, by the setting `transport`. */
import { type PineconeError, PineconeGrpc, PineconeIndex } from "@effect-connectors/pinecone"
import type * as PineconeApi from "@effect-connectors/pinecone/PineconeApi"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import type { Settings } from "../suite.ts"

/** What of a layer's options a contender says itself. */
type Options = Omit<PineconeApi.Options, "apiKey" | "index" | "host"> & { readonly host: string }

type IndexLayer = Layer.Layer<PineconeIndex, PineconeError>

/** A layer that is built, with all it needs to run programs; `change` puts something around its calls. */
export const runtimeOf = async (
  { transport }: Settings,
  options: Options,
  change: (layer: IndexLayer) => IndexLayer = (layer) => layer
) => {
  const make = transport === "grpc" ? PineconeGrpc.layer : PineconeIndex.layer
  const runtime = ManagedRuntime.make(change(make({ ...options, apiKey: Redacted.make("any") })))
  await runtime.context()
  return runtime
}

/** An export that can be killed and run again: what the exporting program does. */
import * as PineconeExport from "@effect-connectors/pinecone/PineconeExport"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import { layer } from "./load.ts"

export const Argument = Schema.Struct({ host: Schema.String, file: Schema.String, ledger: Schema.String })

/** Exports all of an index. */
export const toFile = ({ file, host, ledger }: typeof Argument.Type) =>
  PineconeExport.toFile({ path: file, run: "kill", namespaces: "all", retry: { base: "5 millis" } }).pipe(
    Effect.provide(
      Layer.mergeAll(layer(host), KeyValueStore.layerFileSystem(ledger).pipe(Layer.provideMerge(NodeServices.layer)))
    )
  )

/** A migration that can be killed and run again: what the migrating program does. */
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeMigrate from "@effect-connectors/pinecone/PineconeMigrate"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import { layer } from "./load.ts"

export const Argument = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  ledger: Schema.String,
  maxOpen: Schema.Int
})

type Index = PineconeIndex["Service"]

/** Copies all of an index; a test may change what writes the copy. */
export const migrate = Effect.fnUntraced(function* (
  { from, ledger, maxOpen, to }: typeof Argument.Type,
  change: (to: Index) => Index = (to) => to
) {
  const index = (host: string) => Effect.map(Layer.build(layer(host)), Context.get(PineconeIndex))
  return yield* PineconeMigrate.migrate({
    from: yield* index(from),
    to: change(yield* index(to)),
    run: "kill",
    namespaces: "all",
    maxOpen,
    settleWithin: "2 seconds",
    read: { retry: { base: "5 millis" } },
    write: { retry: { base: "5 millis" } }
  }).pipe(Effect.provide(KeyValueStore.layerFileSystem(ledger).pipe(Layer.provide(NodeServices.layer))))
})

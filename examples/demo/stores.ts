/**
 * The indexes that the demo runs on: in memory, in an emulator through a real client, at Pinecone; of vectors or of documents.
 */
import {
  DocumentIndex,
  type PineconeApi,
  PineconeDocumentIndex,
  type PineconeError,
  PineconeGrpc,
  PineconeIndex
} from "@effect-connectors/pinecone"
import { PineconeDocumentMemory, PineconeEmulator, PineconeMemory } from "@effect-connectors/testkit"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as CliError from "effect/cli/CliError"
import { declare } from "./documents.ts"
import { Encoder } from "./encoders.ts"
import type { Loaded } from "./report.ts"

/** Every failure is told to the user in a line, without a stack. */
export const userError = (cause: unknown) => new CliError.UserError({ cause })

/** The namespace that the demo has for its own at Pinecone. */
export const namespace = "effect-connectors-demo"

export type Place = Loaded["store"]

type IndexLayer = (options: PineconeApi.Options) => Layer.Layer<PineconeIndex, PineconeError>

const clients: {
  readonly [name in "rest" | "grpc"]: { readonly layer: IndexLayer; readonly label: string }
} = {
  rest: { layer: PineconeIndex.layer, label: "the official SDK" },
  grpc: { layer: PineconeGrpc.layer, label: "gRPC" }
}

/** How calls travel to an index that is not in memory. */
export type Transport = keyof typeof clients

/** Where the texts go, for people. */
export const label = (place: Place, transport: Transport): string => {
  const through = clients[transport].label
  switch (place) {
    case "memory":
      return "memory"
    case "emulator":
      return `the emulator through ${through}`
    case "pinecone":
      return `Pinecone through ${through}, namespace ${namespace}`
  }
}

/** Options of a live index in the demo's namespace, or what has to be set for them. One of `names` is enough. */
const liveOptions = Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
  const isMissing = (name: string) => Effect.map(Config.option(Config.String(name)), Option.isNone)
  const key = yield* isMissing("PINECONE_API_KEY")
  const index = (yield* Effect.forEach(names, isMissing)).every((missing) => missing)
  const missing = [...(key ? ["PINECONE_API_KEY"] : []), ...(index ? [names.join(" or ")] : [])]
  if (missing.length > 0) {
    return yield* userError(`--store pinecone needs ${missing.join(" and ")} in the environment`)
  }
  return { ...(yield* PineconeIndex.config), namespace }
})

/** An index of vectors. In the emulator it is made with the encoder's dimension. */
export const vectors = (place: Place, transport: Transport) => {
  const { layer } = clients[transport]
  switch (place) {
    case "memory":
      return PineconeMemory.layer
    case "emulator":
      return Layer.unwrap(
        Effect.gen(function* () {
          const { createIndex } = yield* PineconeEmulator
          const { dimension } = yield* Encoder
          const { host } = yield* createIndex({ name: "demo", dimension })
          return layer({ apiKey: Redacted.make("any"), host })
        })
      ).pipe(Layer.provide(PineconeEmulator.layer))
    case "pinecone":
      return Layer.unwrap(Effect.map(liveOptions(["PINECONE_INDEX", "PINECONE_INDEX_HOST"]), layer))
  }
}

/** An index of documents, as they are declared for the encoder. A live one is compared with that, so its name is needed. */
export const documents = (place: Place) => {
  switch (place) {
    case "memory":
      return Layer.unwrap(Effect.map(Encoder, ({ dimension }) => PineconeDocumentMemory.layer(declare(dimension))))
    case "emulator":
      return Layer.unwrap(
        Effect.gen(function* () {
          const { createIndex, url } = yield* PineconeEmulator
          const { dimension } = yield* Encoder
          const name = "demo"
          const { host } = yield* createIndex({ name, schema: yield* DocumentIndex.createSchema(declare(dimension)) })
          return PineconeDocumentIndex.layer({ apiKey: Redacted.make("any"), index: name, host, controllerHost: url })
        })
      ).pipe(Layer.provide(PineconeEmulator.layer))
    case "pinecone":
      return Layer.unwrap(Effect.map(liveOptions(["PINECONE_INDEX"]), PineconeDocumentIndex.layer))
  }
}

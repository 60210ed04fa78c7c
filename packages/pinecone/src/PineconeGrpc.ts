/**
 * `PineconeIndex` over Pinecone's gRPC data plane: the same service, with vectors as packed float32 instead of JSON. An
 * upsert has a third of the bytes and costs a fraction of the processor's time; values that are read come as
 * `Float32Array`s.
 *
 * Put it in the place of `PineconeIndex.layer`; nothing else of a program changes.
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Options } from "./PineconeApi.ts"
import type { PineconeError } from "./PineconeError.ts"
import { PineconeIndex } from "./PineconeIndex.ts"

/**
 * The index at Pinecone over gRPC. Options, limits, errors and pacing are those of `PineconeIndex.layer`, but bytes are
 * bytes of protobuf: `maxRequestBytes` holds about 320 vectors of 1536 numbers instead of 100. An address with `http`
 * is spoken to in plain text, one with `https` by TLS. An index given by `index` is looked up over REST, since the
 * control plane speaks nothing else.
 *
 * All calls share one HTTP/2 connection, which is tested while a call waits (after 20 seconds of silence), made again
 * when it breaks, and closed with the layer. Interrupting a call cancels it at the service.
 *
 * Exercised against emulators and `@grpc/grpc-js` servers, not against a live index.
 *
 * @example
 * ```ts
 * import { PineconeGrpc } from "@effect-connectors/pinecone"
 * import * as Redacted from "effect/Redacted"
 *
 * const layer = PineconeGrpc.layer({ apiKey: Redacted.make("pcsk_..."), index: "articles" })
 * ```
 */
export const layer = (options: Options): Layer.Layer<PineconeIndex, PineconeError> =>
  Layer.effect(
    PineconeIndex,
    // gRPC and protobuf take a tenth of a second to load.
    Effect.flatMap(
      Effect.promise(() => import("./internal/grpcIndex.ts")),
      ({ make }) => make(options)
    )
  )

/** {@link layer} with `PineconeIndex.config`. */
export const layerConfig: Layer.Layer<PineconeIndex, PineconeError | Config.ConfigError> = Layer.unwrap(
  Effect.map(PineconeIndex.config, layer)
)

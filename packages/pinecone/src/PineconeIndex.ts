/**
 * One Pinecone index as a service: the calls of its data plane, and nothing else.
 *
 * Sinks and sources are written against this service, so which Pinecone they talk to is decided by the
 * layer: {@link PineconeIndex.layer} for the real one, `PineconeMemory.layer` of
 * `@effect-connectors/testkit` for tests and demos.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { make } from "./internal/sdkIndex.ts"
import type { Options, Service } from "./PineconeApi.ts"
import type { PineconeError } from "./PineconeError.ts"

/** The name every version of the API gives to the namespace of a caller who names none. */
export { defaultNamespace } from "./internal/namespace.ts"
export type * from "./PineconeApi.ts"

const optional = (name: string): Config.Config<string | undefined> =>
  Config.String(name).pipe(Config.option, Config.map(Option.getOrUndefined))

/**
 * The service of one index.
 *
 * @example
 * ```ts
 * import { PineconeIndex } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const index = yield* PineconeIndex
 *   return yield* index.stats
 * }).pipe(Effect.provide(PineconeIndex.layerConfig))
 * ```
 *
 * @see {@link Service}
 */
export class PineconeIndex extends Context.Service<PineconeIndex, Service>()(
  "@effect-connectors/pinecone/PineconeIndex"
) {
  /**
   * The index at Pinecone, by the official SDK. Building it fails with `InvalidOption`, `Unauthorized` or `NotFound`
   * when it can never work; an index given by `host` is not called until it is used.
   *
   * @example
   * ```ts
   * import { PineconeIndex } from "@effect-connectors/pinecone"
   * import * as Redacted from "effect/Redacted"
   *
   * const layer = PineconeIndex.layer({ apiKey: Redacted.make("pcsk_..."), index: "articles", timeout: "10 seconds" })
   * ```
   */
  static readonly layer = (options: Options): Layer.Layer<PineconeIndex, PineconeError> =>
    Layer.effect(PineconeIndex, make(options))

  /**
   * {@link Options} from the configuration, by default the environment: `PINECONE_API_KEY`, `PINECONE_INDEX` or
   * `PINECONE_INDEX_HOST` (or both), and optionally `PINECONE_NAMESPACE` and `PINECONE_CONTROLLER_HOST`.
   */
  static readonly config: Config.Config<Options> = Config.all({
    apiKey: Config.Redacted("PINECONE_API_KEY").pipe(Config.withDefault(Redacted.make(""))),
    index: optional("PINECONE_INDEX"),
    host: optional("PINECONE_INDEX_HOST"),
    namespace: optional("PINECONE_NAMESPACE"),
    controllerHost: optional("PINECONE_CONTROLLER_HOST")
  })

  /** {@link PineconeIndex.layer} with {@link PineconeIndex.config}. */
  static readonly layerConfig: Layer.Layer<PineconeIndex, PineconeError | Config.ConfigError> = Layer.unwrap(
    Effect.map(PineconeIndex.config, PineconeIndex.layer)
  )
}

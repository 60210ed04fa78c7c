/**
 * One Tecton workspace as a service: the calls of its HTTP APIs, and nothing else.
 *
 * Sinks and sources are written against this service, so which Tecton they talk to is decided by the layer:
 * {@link TectonClient.layer} for the real one, `TectonMemory.layer` of `@effect-connectors/testkit` for tests and demos.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { make } from "./internal/client.ts"
import type { OAuth, Options, Service } from "./TectonApi.ts"
import type { TectonError } from "./TectonError.ts"

export type * from "./TectonApi.ts"

const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> =>
  config.pipe(Config.option, Config.map(Option.getOrUndefined))

/** Both or none: of one alone the layer says what is missing. */
const credentials: Config.Config<OAuth | undefined> = Config.all({
  clientId: optional(Config.String("TECTON_CLIENT_ID")),
  clientSecret: optional(Config.Redacted("TECTON_CLIENT_SECRET")),
  url: optional(Config.String("TECTON_OAUTH_URL"))
}).pipe(
  Config.map(({ clientId, clientSecret, url }) =>
    clientId === undefined && clientSecret === undefined
      ? undefined
      : { clientId: clientId ?? "", clientSecret: clientSecret ?? Redacted.make(""), url }
  )
)

/**
 * The service of one workspace.
 *
 * @example
 * ```ts
 * import { TectonClient } from "@effect-connectors/tecton"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const tecton = yield* TectonClient
 *   return yield* tecton.metadata({ service: "fraud" })
 * }).pipe(Effect.provide(TectonClient.layerConfig))
 * ```
 *
 * @see {@link Service}
 */
export class TectonClient extends Context.Service<TectonClient, Service>()("@effect-connectors/tecton/TectonClient") {
  /**
   * The workspace at Tecton, over HTTP. Building it fails with `InvalidOption` when it can never work; nothing is sent
   * until it is used.
   *
   * @example
   * ```ts
   * import { TectonClient } from "@effect-connectors/tecton"
   * import * as Redacted from "effect/Redacted"
   *
   * const layer = TectonClient.layer({
   *   url: "https://my-cluster.tecton.ai",
   *   ingestUrl: "https://preview.my-cluster.tecton.ai",
   *   workspace: "prod",
   *   apiKey: Redacted.make("..."),
   *   timeout: "3 seconds"
   * })
   * ```
   */
  static readonly layer = (options: Options): Layer.Layer<TectonClient, TectonError> =>
    Layer.effect(TectonClient, make(options))

  /**
   * {@link Options} from the configuration, by default the environment: `TECTON_URL`, `TECTON_WORKSPACE`, and
   * `TECTON_API_KEY` or, for reads, `TECTON_CLIENT_ID` and `TECTON_CLIENT_SECRET`; `TECTON_INGEST_URL` to write, and
   * optionally `TECTON_OAUTH_URL`, `TECTON_API` and `TECTON_INGEST_API` (`v1` or `v2`).
   */
  static readonly config: Config.Config<Options> = Config.all({
    url: Config.String("TECTON_URL").pipe(Config.withDefault("")),
    ingestUrl: optional(Config.String("TECTON_INGEST_URL")),
    workspace: Config.String("TECTON_WORKSPACE").pipe(Config.withDefault("")),
    apiKey: optional(Config.Redacted("TECTON_API_KEY")),
    api: optional(Config.Literals(["v1", "v2"], "TECTON_API")),
    ingestApi: optional(Config.Literals(["v1", "v2"], "TECTON_INGEST_API")),
    oauth: credentials
  })

  /** {@link TectonClient.layer} with {@link TectonClient.config}. */
  static readonly layerConfig: Layer.Layer<TectonClient, TectonError | Config.ConfigError> = Layer.unwrap(
    Effect.map(TectonClient.config, TectonClient.layer)
  )
}

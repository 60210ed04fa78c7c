/**
 * Pinecone's models that order documents by a query, as a service: it needs no index, and takes documents from wherever they
 * are. The step that uses it is in `Reranking`; what a search of records orders by itself is its option `rerank`.
 */
import type { InvalidOption, InvalidRecord, RequestTooLarge } from "@effect-connectors/core/ConnectorError"
import type * as Pacing from "@effect-connectors/core/Pacing"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Result from "effect/Result"
import { checkRerank } from "./internal/rerankChecks.ts"
import { make } from "./internal/sdkReranker.ts"
import { type Options as IndexOptions, PineconeIndex } from "./PineconeIndex.ts"
import type { PineconeError } from "./PineconeError.ts"

/** What the model reads: text, or an object with text in the fields that it is ranked by. */
export type RerankDocument = string | object

export interface RerankRequest {
  /** For instance `bge-reranker-v2-m3`. */
  readonly model: string
  /** What to compare with. */
  readonly query: string
  /** One at least; how many a call takes is up to the model, see {@link Service.maxDocuments}. */
  readonly documents: ReadonlyArray<RerankDocument>
  /**
   * The fields that the model reads, and all that is sent of a document. How many it takes is up to the model.
   *
   * @default ["text"], which is also what a document that is text is
   */
  readonly rankFields?: ReadonlyArray<string> | undefined
  /** How many to give, the best ones. Default: all. */
  readonly topN?: number | undefined
  /**
   * Gives back what was sent of each document. Its place among `documents` is given anyway.
   *
   * @default false
   */
  readonly returnDocuments?: boolean | undefined
  /** Of the model, for instance `{ truncate: "END" }`. What JSON can not write is refused with `InvalidOption`. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined
}

/** The fields of a document that are sent. */
export interface RerankFields {
  readonly [field: string]: string
}

/** Where a document was, and what the model thinks of it. */
export interface Ranked {
  /** Its place among the documents of the request. */
  readonly index: number
  /** The higher, the nearer to the query. */
  readonly score: number
  /** The fields that were sent, when they were asked for. */
  readonly document?: { readonly [field: string]: unknown } | undefined
}

export interface RerankReply {
  /** The nearest first. */
  readonly ranked: ReadonlyArray<Ranked>
  /** What the call cost, where the service tells. */
  readonly rerankUnits?: number | undefined
}

/** The call of models that rank. */
export interface Service {
  /** Documents in a call, or `undefined` where that is left to the service. */
  readonly maxDocuments: (model: string) => number | undefined
  /** How fast steps send calls; those that a program makes by itself are sent at once. Default: at once. */
  readonly pacing?: Pacing.Pacing | undefined
  readonly rerank: (request: RerankRequest) => Effect.Effect<RerankReply, PineconeError>
}

/**
 * What {@link PineconeReranker.layer} would send of the documents, or why it refuses the request before it is sent: for layers
 * of your own. More documents than `maxDocuments` are `RequestTooLarge`; `undefined` leaves that to the service. Bytes are
 * not counted.
 *
 * @example
 * ```ts
 * import { checkRequest } from "@effect-connectors/pinecone/PineconeReranker"
 *
 * const documents = [{ id: 1, text: "Rain again" }]
 * checkRequest({ model: "bge-reranker-v2-m3", query: "rain", documents }, 100) // Result.succeed([{ text: "Rain again" }])
 * ```
 */
export const checkRequest = (
  request: RerankRequest,
  maxDocuments: number | undefined
): Result.Result<ReadonlyArray<RerankFields>, InvalidOption | InvalidRecord | RequestTooLarge> =>
  checkRerank(request, maxDocuments)

/** Whose models, and how to call them. */
export interface Options extends Pick<IndexOptions, "apiKey" | "timeout" | "additionalHeaders"> {
  /**
   * Where the models are: the address of the control plane.
   *
   * @default "https://api.pinecone.io"
   */
  readonly controllerHost?: string | undefined
  /**
   * Bytes of one request body; a call over it fails with `RequestTooLarge` and is not sent. No limit is documented for a
   * rerank: that of an upsert is taken.
   *
   * @default 2_000_000
   */
  readonly maxRequestBytes?: number | undefined
  /**
   * Documents of one call, whatever the model; more fail with `RequestTooLarge` and are not sent. The defaults are assumed.
   *
   * @default 200 of `cohere-rerank-3.5`, 100 of `bge-reranker-v2-m3` and `pinecone-rerank-v0`, of others not checked
   */
  readonly maxDocuments?: number | undefined
  /**
   * How fast steps on this layer send calls: options that replace parts of `PineconePacing.inference`, a pacing that layers
   * or processes share, or `false` for as fast as they can.
   *
   * @default PineconePacing.inference
   */
  readonly pacing?: Pacing.Pacing | Pacing.Options | false | undefined
}

/**
 * The models of Pinecone that rank.
 *
 * @example
 * ```ts
 * import { PineconeReranker } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const reranker = yield* PineconeReranker
 *   const documents = ["Orders ship on weekdays.", "Start a return from your order history."]
 *   const { ranked } = yield* reranker.rerank({ model: "bge-reranker-v2-m3", query: "How do I return an order?", documents })
 *   return ranked.map(({ index }) => documents[index])
 * }).pipe(Effect.provide(PineconeReranker.layerConfig))
 * ```
 *
 * @see {@link Service}
 */
export class PineconeReranker extends Context.Service<PineconeReranker, Service>()(
  "@effect-connectors/pinecone/PineconeReranker"
) {
  /**
   * The models at Pinecone, by the official SDK. Building it fails with `InvalidOption` when it can never work; nothing is
   * called until it is used. Calls fail with `InvalidRecord`, `InvalidOption` or `RequestTooLarge` before they are sent, and
   * as those of an index after; a model that there is not is `NotFound`, where the service says so. An answer that does not
   * rank as many documents as were asked for is `InvalidResponse`.
   *
   * @example
   * ```ts
   * import { PineconeReranker } from "@effect-connectors/pinecone"
   * import * as Redacted from "effect/Redacted"
   *
   * const layer = PineconeReranker.layer({ apiKey: Redacted.make("pcsk_..."), timeout: "10 seconds" })
   * ```
   */
  static readonly layer = (options: Options): Layer.Layer<PineconeReranker, PineconeError> =>
    Layer.effect(PineconeReranker, make(options))

  /** {@link Options} from the configuration: `PINECONE_API_KEY`, and optionally `PINECONE_CONTROLLER_HOST`. */
  static readonly config: Config.Config<Options> = Config.map(PineconeIndex.config, ({ apiKey, controllerHost }) => ({
    apiKey,
    controllerHost
  }))

  /** {@link PineconeReranker.layer} with {@link PineconeReranker.config}, by default from the environment. */
  static readonly layerConfig: Layer.Layer<PineconeReranker, PineconeError | Config.ConfigError> = Layer.unwrap(
    Effect.map(PineconeReranker.config, PineconeReranker.layer)
  )
}

/**
 * An index of texts as a service: records go in as text, and are asked for by text. Either Pinecone embeds them, in an index
 * that was made with a model ({@link PineconeRecordIndex.layer}), or this program does
 * ({@link PineconeRecordIndex.layerEmbedding}): that is the only line to change. Steps that use it are in `PineconeRecords`.
 *
 * Such an index is a vector index beside: `PineconeIndex` lists, fetches and deletes its records.
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { EmbeddingModel } from "./internal/ai.ts"
import { make as makeEmbedding } from "./internal/embeddedRecords.ts"
import { make } from "./internal/sdkRecords.ts"
import { type Options, PineconeIndex } from "./PineconeIndex.ts"
import type { PineconeError } from "./PineconeError.ts"
import type { Service } from "./RecordsApi.ts"

export type * from "./RecordsApi.ts"

/** Where the index is and how to call it; `maxRecords` is 96 by default, the documented limit of records with text. */
export interface RecordOptions extends Options {
  /**
   * The field that the index embeds. Default: what the control plane tells, when the index is named; else it is not known,
   * and a record without text is left to the service.
   */
  readonly textField?: string | undefined
}

/** How texts are embedded here. */
export interface EmbeddingOptions {
  /** The field whose text is embedded. It is stored as metadata with the others, of which Pinecone takes 40 KB a record. */
  readonly textField: string
  /**
   * Texts embedded in a call.
   *
   * @default 96
   */
  readonly maxRecords?: number | undefined
}

/**
 * The service of one index of texts.
 *
 * @example
 * ```ts
 * import { PineconeRecordIndex, PineconeRecords } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const program = Stream.make({ _id: "a", chunk_text: "Vectors and words" }).pipe(
 *   PineconeRecords.upsert(),
 *   Stream.runDrain,
 *   // The one line that says who embeds; in place of it: PineconeRecordIndex.layerEmbedding({ textField: "chunk_text" })
 *   Effect.provide(PineconeRecordIndex.layerConfig)
 * )
 * ```
 *
 * @see {@link Service}
 */
export class PineconeRecordIndex extends Context.Service<PineconeRecordIndex, Service>()(
  "@effect-connectors/pinecone/PineconeRecordIndex"
) {
  /**
   * An index at Pinecone that embeds by itself, by the official SDK. Building it fails with `InvalidOption`, `Unauthorized`
   * or `NotFound` when it can never work, also when the index is named and has another plane.
   */
  static readonly layer = (options: RecordOptions): Layer.Layer<PineconeRecordIndex, PineconeError> =>
    Layer.effect(PineconeRecordIndex, make(options))

  /** {@link PineconeRecordIndex.layer} with the options of `PineconeIndex.config`, by default from the environment. */
  static readonly layerConfig: Layer.Layer<PineconeRecordIndex, PineconeError | Config.ConfigError> = Layer.unwrap(
    Effect.map(PineconeIndex.config, PineconeRecordIndex.layer)
  )

  /**
   * A vector index whose texts this program embeds, by the `EmbeddingModel` of `effect/ai` it is given. What the model
   * refuses is an outcome as what Pinecone refuses is. It has no reranking.
   *
   * @example
   * ```ts
   * import { PineconeIndex, PineconeRecordIndex } from "@effect-connectors/pinecone"
   * import type { EmbeddingModel } from "effect/ai"
   * import * as Layer from "effect/Layer"
   *
   * declare const model: Layer.Layer<EmbeddingModel.EmbeddingModel>
   *
   * const layer = PineconeRecordIndex.layerEmbedding({ textField: "chunk_text" }).pipe(
   *   Layer.provide([PineconeIndex.layerConfig, model])
   * )
   * ```
   */
  static readonly layerEmbedding = (
    options: EmbeddingOptions
  ): Layer.Layer<PineconeRecordIndex, PineconeError, PineconeIndex | EmbeddingModel> =>
    Layer.effect(PineconeRecordIndex, makeEmbedding(options))
}

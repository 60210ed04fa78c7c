/**
 * One document index of Pinecone as a service: the calls of its data plane, and nothing else.
 *
 * A document index has named fields: text that is searched by its words, a dense and a sparse vector, and whatever else to
 * filter by. It is another kind of index than the one of `PineconeIndex`, fixed when it is made, and each refuses the
 * other's calls; so each is a service of its own. Steps that use this one are in `PineconeDocuments`.
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Service, TextLimits } from "./DocumentsApi.ts"
import { make } from "./internal/sdkDocuments.ts"
import { type Options, PineconeIndex } from "./PineconeIndex.ts"
import type { PineconeError } from "./PineconeError.ts"

export type * from "./DocumentsApi.ts"

/** Where the index is and how to call it; `maxRecords` are documents of an upsert or update. */
export interface DocumentOptions extends Options {
  /**
   * The limits of text in fields with full text search, checked before sending: parts that replace the documented 100 KB,
   * 10,000 tokens and 256 bytes a token, or `false` to leave the check to the service. Pinecone does not say what a token is;
   * counted are runs of letters and digits, and scripts without spaces between words are left to the service.
   */
  readonly textLimits?: Partial<TextLimits> | false | undefined
}

/**
 * The service of one document index.
 *
 * @example
 * ```ts
 * import { PineconeDocumentIndex } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const index = yield* PineconeDocumentIndex
 *   yield* index.upsert({ documents: [{ _id: "a", title: "Vectors and words" }] })
 *   return yield* index.search({ scoreBy: [{ type: "text", fields: ["title"], query: "words" }], topK: 3 })
 * }).pipe(Effect.provide(PineconeDocumentIndex.layerConfig))
 * ```
 *
 * @see {@link Service}
 */
export class PineconeDocumentIndex extends Context.Service<PineconeDocumentIndex, Service>()(
  "@effect-connectors/pinecone/PineconeDocumentIndex"
) {
  /**
   * The index at Pinecone, by the official SDK. Building it fails with `InvalidOption`, `Unauthorized` or `NotFound` when
   * it can never work, also when the index is named and is a vector index.
   *
   * @example
   * ```ts
   * import { PineconeDocumentIndex } from "@effect-connectors/pinecone"
   * import * as Redacted from "effect/Redacted"
   *
   * const layer = PineconeDocumentIndex.layer({ apiKey: Redacted.make("pcsk_..."), index: "articles" })
   * ```
   */
  static readonly layer = (options: DocumentOptions): Layer.Layer<PineconeDocumentIndex, PineconeError> =>
    Layer.effect(PineconeDocumentIndex, make(options))

  /** {@link PineconeDocumentIndex.layer} with the options of `PineconeIndex.config`, by default from the environment. */
  static readonly layerConfig: Layer.Layer<PineconeDocumentIndex, PineconeError | Config.ConfigError> = Layer.unwrap(
    Effect.map(PineconeIndex.config, PineconeDocumentIndex.layer)
  )
}

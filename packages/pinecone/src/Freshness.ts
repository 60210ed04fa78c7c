/**
 * What a layer has written, so that a program can wait until it can be read: Pinecone answers a write before reads see
 * it. For whoever writes a layer of `PineconeIndex` or `PineconeDocumentIndex`; programs use `PineconeSink.awaitReadable`.
 */
import type * as DocumentsApi from "./DocumentsApi.ts"
import { trackWrites } from "./internal/trackWrites.ts"
import type { Service } from "./PineconeApi.ts"

/**
 * Makes a service remember the sequence number of its last write to each namespace: its `written`. Of the 10,000
 * namespaces written to last the number is kept; of those before it is forgotten.
 *
 * @example
 * ```ts
 * import { Freshness, PineconeIndex, type PineconeApi } from "@effect-connectors/pinecone"
 * import * as Layer from "effect/Layer"
 *
 * declare const calls: Omit<PineconeApi.Service, "written">
 *
 * const layer = Layer.sync(PineconeIndex, () => Freshness.tracked(calls))
 * ```
 */
export const tracked = (service: Omit<Service, "written">): Service => ({ ...service, ...trackWrites(service) })

/** {@link tracked} for a service of documents. */
export const trackedDocuments = (service: Omit<DocumentsApi.Service, "written">): DocumentsApi.Service => ({
  ...service,
  ...trackWrites(service)
})

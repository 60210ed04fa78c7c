/**
 * The limits the store enforces. They are settings because they are documented by the service, not measured on it,
 * and because a test of a limit is easier to write with a small one.
 */
import { maxIdLength, maxMetadataBytes, maxSparseValues } from "@effect-connectors/pinecone/VectorRecord"

/** Limits of one index. Source of each default: Pinecone's documentation (operation limits), unless said otherwise. */
export interface Limits {
  /** Records or documents in one upsert or update. @default 1_000 */
  readonly maxRecords: number
  /**
   * Bytes of one upsert, measured on its protobuf form. The documentation says "2 MB" without saying of which
   * megabytes or of which encoding, so both the number and the measure are a guess; set a lower one to be strict.
   * @default 2_097_152
   */
  readonly maxRequestBytes: number
  /**
   * Bytes of the matches of one query, measured on their protobuf form. The code of the answer is a guess.
   * @default 4_194_304
   */
  readonly maxReplyBytes: number
  /** Ids of one fetch or delete. @default 1_000 */
  readonly maxIds: number
  /** Ids or namespaces of one page of a list. @default 100 */
  readonly maxPage: number
  /** Records of one page of a fetch by metadata, whose default is 100. @default 10_000 */
  readonly maxFetchPage: number
  /** Records one update by filter changes; it changes the first ones in the order of their ids. @default 100_000 */
  readonly maxUpdateByFilter: number
  /** @default 10_000 */
  readonly maxTopK: number
  /** Values of `$in` and of `$nin`. @default 10_000 */
  readonly maxFilterValues: number
  /** Bytes of a record's metadata as JSON. @default 40_960 */
  readonly maxMetadataBytes: number
  /** Characters of an id. @default 512 */
  readonly maxIdLength: number
  /** Characters of the name of a namespace. @default 512 */
  readonly maxNamespaceLength: number
  /** Namespaces of the index; the smallest plan has 100. @default 100_000 */
  readonly maxNamespaces: number
  /** Fields of a namespace's schema. @default 50 */
  readonly maxSchemaFields: number
  /** Positions of a sparse vector. @default 2_048 */
  readonly maxSparseValues: number
  /** Bytes of one document as JSON. The documentation says "2 MB"; which megabytes is a guess. @default 2_097_152 */
  readonly maxDocumentBytes: number
  /** Bytes of a field with full-text search. The documentation says "100 KB". @default 102_400 */
  readonly maxTextBytes: number
  /** Tokens of a field with full-text search. @default 10_000 */
  readonly maxTextTokens: number
  /** Bytes of one token. That a longer one is refused is a guess. @default 256 */
  readonly maxTokenBytes: number
  /** Bytes of a text that is searched for; "10 KB" in the comments of the service's client. @default 10_240 */
  readonly maxSearchTextBytes: number
}

export const defaultLimits: Limits = {
  maxRecords: 1_000,
  maxRequestBytes: 2_097_152,
  maxReplyBytes: 4_194_304,
  maxIds: 1_000,
  maxPage: 100,
  maxFetchPage: 10_000,
  maxUpdateByFilter: 100_000,
  maxTopK: 10_000,
  maxFilterValues: 10_000,
  maxMetadataBytes,
  maxIdLength,
  maxNamespaceLength: 512,
  maxNamespaces: 100_000,
  maxSchemaFields: 50,
  maxSparseValues,
  maxDocumentBytes: 2_097_152,
  maxTextBytes: 102_400,
  maxTextTokens: 10_000,
  maxTokenBytes: 256,
  maxSearchTextBytes: 10_240
}

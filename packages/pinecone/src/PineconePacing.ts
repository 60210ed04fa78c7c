/**
 * The rates that Pinecone documents, as options of `Pacing`. Every layer of an index starts with {@link documented}, one of
 * models with {@link inference}; its option `pacing` changes parts of it, or all.
 */
import type * as Pacing from "@effect-connectors/core/Pacing"

/**
 * What Pinecone's documentation allows in a second, the same on all plans (page "rate limits"). That an upsert's
 * "50 MB" are bytes of the request is the safe reading: in any other form the same vectors are smaller. An update of
 * vectors is one record a call, one of documents up to 1,000.
 *
 * | operation | requests | besides | for each |
 * |---|---|---|---|
 * | `upsert` | 100 | 50 MB | namespace |
 * | `update` | 100 | 100 records | namespace |
 * | `delete` | 100 | 5,000 records | namespace |
 * | `query` | 100 | | namespace |
 * | `fetch` | 100 | | index |
 * | `fetchByFilter` | 5 | | namespace |
 * | `list` | 200 | | index |
 *
 * @example
 * ```ts
 * import { PineconeIndex, PineconePacing } from "@effect-connectors/pinecone"
 * import * as Redacted from "effect/Redacted"
 *
 * // An index for which support raised the rate of upserts.
 * const layer = PineconeIndex.layer({
 *   apiKey: Redacted.make("pcsk_..."),
 *   index: "articles",
 *   pacing: { rates: { ...PineconePacing.documented.rates, upsert: { requestsPerSecond: 400, bytesPerSecond: 200_000_000 } } }
 * })
 * ```
 */
export const documented = {
  system: "pinecone",
  rates: {
    upsert: { requestsPerSecond: 100, bytesPerSecond: 50_000_000 },
    update: { requestsPerSecond: 100, recordsPerSecond: 100 },
    delete: { requestsPerSecond: 100, recordsPerSecond: 5_000 },
    query: { requestsPerSecond: 100 },
    fetch: { requestsPerSecond: 100, per: "all" },
    fetchByFilter: { requestsPerSecond: 5 },
    list: { requestsPerSecond: 200, per: "all" }
  }
} satisfies Pacing.Options

/** {@link documented} for a sparse index, of which Pinecone takes 10 upserts and 100 queries a second in all. */
export const sparse = {
  system: "pinecone",
  rates: {
    ...documented.rates,
    upsert: { requestsPerSecond: 10, bytesPerSecond: 50_000_000, per: "all" },
    query: { requestsPerSecond: 100, per: "all" }
  }
} satisfies Pacing.Options

/**
 * What Pinecone documents of models that are called by themselves: 2,000 calls a minute of a project, and 100 in a second.
 * Kept is the lower of the two, since both count. A layer of `PineconeReranker` starts with it.
 */
export const inference = {
  system: "pinecone",
  rates: { rerank: { requestsPerSecond: 2_000 / 60, per: "all" } }
} satisfies Pacing.Options

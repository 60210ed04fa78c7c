/** The service `PineconeIndex` over a store of vectors. */
import * as Filter from "@effect-connectors/pinecone/Filter"
import * as Freshness from "@effect-connectors/pinecone/Freshness"
import type { Service } from "@effect-connectors/pinecone/PineconeIndex"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as MemoryCalls from "./memoryCalls.ts"
import { namespaceName } from "./namespaceCalls.ts"
import type { VectorStore } from "./vectorStore.ts"
import { envelopeSize, recordSize } from "./wireSize.ts"

export interface Options {
  readonly name: string
  readonly dimension: number | undefined
  readonly store: VectorStore
  readonly calls: ReturnType<typeof MemoryCalls.make>
}

export const make = ({ calls, dimension, name, store }: Options): Service => {
  const { atTime, call, namespaces, own, reads } = calls
  const { maxRecords, maxRequestBytes } = store.limits
  const read = reads(store)
  return Freshness.tracked({
    name,
    dimension,
    namespace: own,
    limits: {
      maxRecords,
      maxBytes: maxRequestBytes,
      envelopeBytes: (namespace) => envelopeSize(namespaceName(namespace))
    },
    encode: (record) => ({
      id: record.id,
      values: record.values,
      sparseValues: record.sparseValues,
      metadata: record.metadata,
      bytes: recordSize(record)
    }),
    upsert: call("upsert", store.upsert),
    // The real client refuses such a filter before it asks, too.
    query: read("query", (request) =>
      request.filter === undefined
        ? store.query(request)
        : Result.flatMap(Filter.toWire(request.filter), () => store.query(request))
    ),
    fetch: read("fetch", store.fetch),
    list: read("list", store.list),
    update: call("update", store.update),
    delete: call("delete", store.delete),
    stats: atTime(() => Effect.sync(store.stats)),
    ...namespaces(store)
  })
}

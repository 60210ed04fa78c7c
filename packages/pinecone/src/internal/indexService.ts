/**
 * What every layer of an index has in common, however its calls travel: rules are checked before anything is sent, each
 * call has the layer's time limit, and failures name their operation and namespace.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import type * as Pacing from "@effect-connectors/core/Pacing"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { tracked } from "../Freshness.ts"
import type {
  DeleteRequest,
  FetchReply,
  ListReply,
  ListRequest,
  NamespacesReply,
  NamespacesRequest,
  QueryReply,
  QueryRequest,
  Service,
  SizedRecord,
  Stats,
  UpdateRequest,
  UpsertLimits,
  WriteReply
} from "../PineconeApi.ts"
import type { VectorRecord } from "../VectorRecord.ts"
import { namespaceName } from "./namespace.ts"
import { checkQuery } from "./queryChecks.ts"
import { checkChange, checkIds, checkLimit, checkRecords, checkTopK } from "./requestChecks.ts"
import type { Settings } from "./sdkOptions.ts"
import type { Described } from "./sdkReplies.ts"
import { type Call, makeCalls } from "./serviceCalls.ts"
import { toWireFilter, type WireFilter } from "./wireFilter.ts"

/** What is deleted; of these there is exactly one. */
export type Removal = { readonly ids: ReadonlyArray<string> } | { readonly filter: WireFilter } | { readonly all: true }

/** How the calls of one layer travel. Requests are checked already. `R` is a record as it goes on the wire. */
export interface Wire<R extends SizedRecord> {
  readonly encode: (record: VectorRecord) => R
  readonly isEncoded: (record: VectorRecord) => record is R
  readonly envelopeBytes: UpsertLimits["envelopeBytes"]
  readonly upsert: (namespace: string, records: ReadonlyArray<R>) => Call<WriteReply>
  readonly query: (namespace: string, request: QueryRequest, filter: WireFilter | undefined) => Call<QueryReply>
  readonly fetch: (namespace: string, ids: ReadonlyArray<string>) => Call<FetchReply>
  readonly list: (namespace: string, request: ListRequest) => Call<ListReply>
  readonly update: (namespace: string, request: UpdateRequest) => Call<WriteReply>
  readonly delete: (namespace: string, removal: Removal) => Call<WriteReply>
  readonly stats: Call<Stats>
  readonly namespaces: (request: NamespacesRequest) => Call<NamespacesReply>
  readonly deleteNamespace: (namespace: string) => Call<unknown>
}

/** Where an index is, and what the control plane told of it when it was asked. */
export type Place = { readonly host: string } & Partial<Described>

export const removalOf = (request: DeleteRequest): Call<Removal> => {
  if ("ids" in request) return Effect.as(checkIds(request.ids), { ids: request.ids })
  if ("filter" in request) {
    return Effect.fromResult(Result.map(toWireFilter(request.filter), (filter) => ({ filter })))
  }
  // A caller without types may give none of the three; that must not empty the namespace.
  return request.all
    ? Effect.succeed({ all: true })
    : Effect.fail(new ConnectorError.InvalidOption({ option: "all", issue: "must be true" }))
}

/** Fails when a request body is over the layer's limit. */
export const checkBytes = (bytes: number, { maxRequestBytes }: Pick<Settings, "maxRequestBytes">): Call<void> =>
  bytes <= maxRequestBytes
    ? Effect.void
    : Effect.fail(
        new ConnectorError.RequestTooLarge({
          detail: `it has ${bytes} bytes, and maxRequestBytes is ${maxRequestBytes}`
        })
      )

/** The service of an index whose calls travel by `wire`. */
export const make = <R extends SizedRecord>(
  settings: Settings,
  name: string,
  { dimension, host }: Place,
  pacing: Pacing.Pacing | undefined,
  wire: Wire<R>
): Service => {
  const { call, inNamespace } = makeCalls(settings)

  return tracked({
    name,
    host,
    dimension,
    namespace: settings.namespace,
    pacing,
    limits: {
      maxRecords: settings.maxRecords,
      maxBytes: settings.maxRequestBytes,
      envelopeBytes: wire.envelopeBytes
    },
    encode: wire.encode,

    upsert: inNamespace("upsert", (namespace, { records }) => {
      if (records.length > settings.maxRecords) {
        const detail = `it has ${records.length} records, and maxRecords is ${settings.maxRecords}`
        return Effect.fail(new ConnectorError.RequestTooLarge({ detail }))
      }
      if (records.every(wire.isEncoded)) return wire.upsert(namespace, records)
      // Records that were encoded were checked before.
      return Effect.andThen(checkRecords(records.filter((record) => !wire.isEncoded(record))), () =>
        wire.upsert(
          namespace,
          Arr.map(records, (record) => (wire.isEncoded(record) ? record : wire.encode(record)))
        )
      )
    }),

    query: inNamespace("query", (namespace, request) =>
      Effect.andThen(checkTopK(request.topK), () =>
        Effect.flatMap(Effect.fromResult(checkQuery(request, dimension)), (filter) =>
          wire.query(namespace, request, filter)
        )
      )
    ),

    fetch: inNamespace("fetch", (namespace, { ids }) =>
      Effect.andThen(checkIds(ids), () => wire.fetch(namespace, ids))
    ),

    list: inNamespace("list", (namespace, request) =>
      Effect.andThen(checkLimit(request.limit), () => wire.list(namespace, request))
    ),

    update: inNamespace("update", (namespace, request) =>
      Effect.andThen(checkChange(request), () => wire.update(namespace, request))
    ),

    delete: inNamespace("delete", (namespace, request) =>
      Effect.flatMap(removalOf(request), (removal) => wire.delete(namespace, removal))
    ),

    stats: call("stats", undefined, wire.stats),

    namespaces: (request) =>
      call(
        "namespaces",
        undefined,
        Effect.andThen(checkLimit(request.limit), () => wire.namespaces(request))
      ),

    deleteNamespace: (name) => {
      const namespace = namespaceName(name)
      return Effect.asVoid(call("deleteNamespace", namespace, wire.deleteNamespace(namespace)))
    }
  })
}

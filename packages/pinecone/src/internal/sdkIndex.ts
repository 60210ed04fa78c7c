/**
 * `PineconeIndex` on the official SDK.
 *
 * The bodies that hold vectors (upsert, query, update) are ours, put where the SDK had written a stand-in's: it would
 * encode the records of an upsert a second time, makes an object of a `Float32Array`, and admits no sparse vector
 * alone.
 */
import * as Pacing from "@effect-connectors/core/Pacing"
import type { Index } from "@pinecone-database/pinecone"
import * as Effect from "effect/Effect"
import type { Options } from "../PineconeApi.ts"
import { documented } from "../PineconePacing.ts"
import { failure } from "./common.ts"
import * as IndexService from "./indexService.ts"
import { envelopeBytes, JsonRecord, queryBody, updateBody, upsertBody } from "./jsonRecord.ts"
import { toReadReply, toWriteReply, valueOf } from "./received.ts"
import { type Call, type Clients, find, loadClients, makeSend, type Write } from "./sdkCalls.ts"
import { pageOf, resolve, type Settings } from "./sdkOptions.ts"
import * as Reply from "./sdkReplies.ts"

/** What stands in the SDK's requests for the vectors whose JSON is ready. */
const standIn = { id: "-", values: [0] }

const makeWire = (settings: Settings, name: string, host: string, clients: Clients): IndexService.Wire<JsonRecord> => {
  const sendCall = makeSend(settings, clients.exchange, name)

  const send = <A>(
    namespace: string | undefined,
    reply: Reply.Reply<A>,
    write: (index: Index) => Promise<unknown>,
    body?: Call<A>["body"]
  ) => {
    const toIndex: Write = (fetchApi) => write(clients.index(host, fetchApi))
    return sendCall({ namespace, write: toIndex, body, reply })
  }

  return {
    encode: (record) => new JsonRecord(record),
    isEncoded: (record) => record instanceof JsonRecord,
    envelopeBytes,
    upsert: (namespace, records) =>
      Effect.map(
        send(
          namespace,
          Reply.upserted,
          (index) => index.upsert({ records: [standIn], namespace }),
          upsertBody(records, namespace)
        ),
        toWriteReply
      ),
    query: (namespace, request, filter) =>
      Effect.map(
        send(
          namespace,
          Reply.query,
          (index) => index.query({ id: standIn.id, topK: request.topK, namespace }),
          queryBody(request, namespace, filter)
        ),
        toReadReply
      ),
    fetch: (namespace, ids) =>
      Effect.map(
        send(namespace, Reply.fetched, (index) => index.fetch({ ids: [...ids], namespace })),
        toReadReply
      ),
    list: (namespace, request) =>
      Effect.map(
        send(namespace, Reply.listed, (index) => index.listPaginated({ ...pageOf(request), namespace })),
        toReadReply
      ),
    update: (namespace, request) =>
      Effect.map(
        send(
          namespace,
          Reply.updated,
          (index) => index.update({ ...standIn, namespace }),
          updateBody(request, namespace)
        ),
        toWriteReply
      ),
    delete: (namespace, removal) =>
      Effect.map(
        send(namespace, Reply.done, (index) => {
          if ("ids" in removal) return index.deleteMany({ ids: [...removal.ids], namespace })
          if ("filter" in removal) return index.deleteMany({ filter: removal.filter, namespace })
          return index.deleteAll({ namespace })
        }),
        toWriteReply
      ),
    stats: Effect.map(
      send(undefined, Reply.stats, (index) => index.describeIndexStats()),
      valueOf
    ),
    namespaces: (request) =>
      Effect.map(
        send(undefined, Reply.namespaces, (index) => index.listNamespaces(pageOf(request))),
        valueOf
      ),
    deleteNamespace: (namespace) => send(namespace, Reply.done, (index) => index.deleteNamespace(namespace))
  }
}

/** The service, its options checked and its host found. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const settings: Settings = yield* Effect.mapError(resolve(options), (reason) => failure("layer", undefined, reason))
  const clients = yield* loadClients(settings)
  const pacing = yield* Effect.mapError(Pacing.resolve(options.pacing, documented), (reason) =>
    failure("layer", undefined, reason)
  )
  const { target } = settings
  const place: IndexService.Place = "host" in target ? target : yield* find(settings, clients, target.index, "vectors")
  const name = target.index ?? new URL(place.host).host
  return IndexService.make(settings, name, place, pacing, makeWire(settings, name, place.host, clients))
})

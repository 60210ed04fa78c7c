/** `PineconeIndex` over gRPC. The control plane, where an index is looked up by its name, speaks REST only. */
import * as Pacing from "@effect-connectors/core/Pacing"
import type { Reason } from "@effect-connectors/core/ConnectorError"
import * as Effect from "effect/Effect"
import type { Options } from "../PineconeApi.ts"
import { documented } from "../PineconePacing.ts"
import { failure } from "./common.ts"
import * as Grpc from "./grpcCalls.ts"
import * as IndexService from "./indexService.ts"
import { MessageWriter } from "./messageWriter.ts"
import { envelopeBytes, ProtoRecord, writeUpsert } from "./protoRecord.ts"
import * as Reply from "./protoReplies.ts"
import * as Request from "./protoRequests.ts"
import { toReadReply, toWriteReply, valueOf } from "./received.ts"
import { find, loadClients } from "./sdkCalls.ts"
import { resolve, type Settings } from "./sdkOptions.ts"

/**
 * Upserts are written into memory that is used again: new memory of this size for each would cost more than to write it, and
 * have the garbage collector look for what is free. Only a call that was answered gives its memory back, since one that was
 * given up may still be read.
 */
const makeUpsert = (send: Grpc.Send): IndexService.Wire<ProtoRecord>["upsert"] => {
  const idle: Array<MessageWriter> = []
  return (namespace, records) =>
    Effect.suspend(() => {
      const writer = idle.pop() ?? new MessageWriter()
      writeUpsert(writer, records, namespace)
      return Effect.map(send("Upsert", namespace, writer.written(), Reply.upserted), (received) => {
        writer.drop()
        idle.push(writer)
        return toWriteReply(received)
      })
    })
}

const makeWire = (send: Grpc.Send): IndexService.Wire<ProtoRecord> => ({
  encode: (record) => new ProtoRecord(record),
  isEncoded: (record) => record instanceof ProtoRecord,
  envelopeBytes,
  upsert: makeUpsert(send),
  query: (namespace, request, filter) =>
    Effect.map(send("Query", namespace, Request.query(namespace, request, filter), Reply.query), toReadReply),
  fetch: (namespace, ids) =>
    Effect.map(send("Fetch", namespace, Request.fetch(namespace, ids), Reply.fetched), toReadReply),
  list: (namespace, request) =>
    Effect.map(send("List", namespace, Request.list(namespace, request), Reply.listed), toReadReply),
  update: (namespace, request) =>
    Effect.map(send("Update", namespace, Request.update(namespace, request), Reply.updated), toWriteReply),
  delete: (namespace, removal) =>
    Effect.map(send("Delete", namespace, Request.remove(namespace, removal), Reply.done), toWriteReply),
  stats: Effect.map(send("DescribeIndexStats", undefined, Request.stats(), Reply.stats), valueOf),
  namespaces: (request) =>
    Effect.map(send("ListNamespaces", undefined, Request.namespaces(request), Reply.namespaces), valueOf),
  deleteNamespace: (namespace) => send("DeleteNamespace", namespace, Request.deleteNamespace(namespace), Reply.done)
})

const inLayer = Effect.mapError((reason: Reason) => failure("layer", undefined, reason))

/** The service, its options checked and its host found; its connection closes with the scope. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const settings: Settings = yield* inLayer(resolve(options))
  const pacing = yield* inLayer(Pacing.resolve(options.pacing, documented))
  const { target } = settings
  const place: IndexService.Place =
    "host" in target ? target : yield* find(settings, yield* loadClients(settings), target.index, "vectors")
  const name = target.index ?? new URL(place.host).host
  const send = yield* inLayer(Grpc.make(settings, name, place.host))
  return IndexService.make(settings, name, place, pacing, makeWire(send))
})

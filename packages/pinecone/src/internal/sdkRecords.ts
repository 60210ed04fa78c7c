/** `PineconeRecordIndex` on the official SDK, which writes the addresses and headers; bodies are ours. */
import type * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { InvalidOption, RequestTooLarge } from "@effect-connectors/core/ConnectorError"
import * as Pacing from "@effect-connectors/core/Pacing"
import * as Effect from "effect/Effect"
import { documented } from "../PineconePacing.ts"
import type { RecordOptions } from "../PineconeRecordIndex.ts"
import type { Service, SizedTextRecord, TextRecord } from "../RecordsApi.ts"
import { failure } from "./common.ts"
import type { Place } from "./indexService.ts"
import { toReadReply, toWriteReply } from "./received.ts"
import { checkTopK } from "./requestChecks.ts"
import { find, loadClients, makeSend } from "./sdkCalls.ts"
import { resolve, type Settings } from "./sdkOptions.ts"
import * as Reply from "./sdkReplies.ts"
import { makeCalls } from "./serviceCalls.ts"
import { checkSearch, checkTextRecord, found, JsonTextRecord, linesBody, searchBody } from "./textRecords.ts"

/** Records of one upsert, as Pinecone documents it: what its models embed at a time. */
export const maxTextRecords = 96

const standIn = { id: "-" }

const isSized = (record: TextRecord | SizedTextRecord): record is SizedTextRecord => !("_id" in record)

/** Records as JSON; those that were not encoded are checked first. */
const encode = (record: TextRecord | SizedTextRecord, textField: string | undefined) => {
  if (record instanceof JsonTextRecord) return Effect.succeed(record)
  const plain: unknown = isSized(record) ? record.record : record
  return Effect.map(Effect.fromResult(checkTextRecord(plain, textField)), (checked) => new JsonTextRecord(checked))
}

/** The service, its options checked and its host found. */
export const make = Effect.fnUntraced(function* (options: RecordOptions) {
  const inLayer = (reason: ConnectorError.Reason) => failure("layer", undefined, reason)
  const settings: Settings = yield* Effect.mapError(
    resolve({ ...options, maxRecords: options.maxRecords ?? maxTextRecords }),
    inLayer
  )
  if (options.textField === "") {
    return yield* inLayer(new InvalidOption({ option: "textField", issue: "is empty; leave it out or name the field" }))
  }
  const clients = yield* loadClients(settings)
  const pacing = yield* Effect.mapError(Pacing.resolve(options.pacing, documented), inLayer)
  const { target } = settings
  const place: Place = "host" in target ? target : yield* find(settings, clients, target.index, "records")
  const textField = options.textField ?? place.textField
  const name = target.index ?? new URL(place.host).host
  const sendCall = makeSend(settings, clients.exchange, name)
  const { inNamespace } = makeCalls(settings)

  const service: Service = {
    name,
    host: place.host,
    namespace: settings.namespace,
    textField,
    limits: { maxRecords: settings.maxRecords, maxBytes: settings.maxRequestBytes, envelopeBytes: () => 0 },
    pacing,
    encode: (record) => new JsonTextRecord(record),

    upsert: inNamespace(
      "upsert",
      Effect.fnUntraced(function* (namespace, { records }) {
        if (records.length > settings.maxRecords) {
          const detail = `it has ${records.length} records, and maxRecords is ${settings.maxRecords}`
          return yield* new RequestTooLarge({ detail })
        }
        const lines = yield* Effect.forEach(records, (record) => encode(record, textField))
        const received = yield* sendCall({
          namespace,
          write: (fetchApi) => clients.index(place.host, fetchApi).upsertRecords({ records: [standIn], namespace }),
          body: linesBody(lines),
          reply: Reply.done
        })
        return toWriteReply(received)
      })
    ),

    search: inNamespace(
      "search",
      Effect.fnUntraced(function* (namespace, request) {
        yield* checkTopK(request.topK)
        const filter = yield* Effect.fromResult(checkSearch(request))
        const received = yield* sendCall({
          namespace,
          write: (fetchApi) =>
            clients.index(place.host, fetchApi).searchRecords({ query: { topK: request.topK, id: "-" }, namespace }),
          body: searchBody(request, filter),
          reply: found
        })
        return toReadReply(received)
      })
    )
  }
  return service
})

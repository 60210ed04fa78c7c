/**
 * `PineconeDocumentIndex` on the official SDK. As for vectors, bodies with vectors in them are ours, put where the SDK
 * had written a stand-in's.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Pacing from "@effect-connectors/core/Pacing"
import type { Index } from "@pinecone-database/pinecone"
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type {
  Description,
  Document,
  SearchRequest,
  Service,
  SizedDocument,
  UpdateDocumentsRequest
} from "../DocumentsApi.ts"
import { trackedDocuments } from "../Freshness.ts"
import type { DocumentOptions } from "../PineconeDocumentIndex.ts"
import { documented } from "../PineconePacing.ts"
import { failure } from "./common.ts"
import * as DocumentReply from "./documentReplies.ts"
import { checkDocument, checkDocumentChange } from "./documentRules.ts"
import { type Place, removalOf } from "./indexService.ts"
import { documentsBody, documentsEnvelope, filteredUpdateBody, JsonDocument, searchBody } from "./jsonDocument.ts"
import { namespaceName } from "./namespace.ts"
import { toReadReply, toWriteReply, valueOf } from "./received.ts"
import { checkIds, checkLimit, checkTopK } from "./requestChecks.ts"
import { type Call as SdkCall, find, loadClients, makeSend } from "./sdkCalls.ts"
import { pageOf, resolve, resolveTextLimits, type Settings } from "./sdkOptions.ts"
import { checkScores } from "./scoreChecks.ts"
import * as Reply from "./sdkReplies.ts"
import { type Call, makeCalls } from "./serviceCalls.ts"
import { toWireFilter } from "./wireFilter.ts"

/** What stands in the SDK's requests for what is encoded already. */
const standIn = { _id: "-" }
const scoreBy = [{ type: "query_string", query: "-" }]

/** Documents that one fetch by filter gives at most. */
const maxFilterPage = 10_000

const checkFetchLimit = (limit: number | undefined): Call<void> =>
  limit === undefined || (Number.isInteger(limit) && limit >= 1 && limit <= maxFilterPage)
    ? Effect.void
    : Effect.fail(
        new ConnectorError.InvalidOption({
          option: "limit",
          issue: `must be a whole number from 1 to ${maxFilterPage}, and is ${limit}`
        })
      )

const isEncoded = (document: Document | SizedDocument): document is JsonDocument => document instanceof JsonDocument

const isSized = (document: Document | SizedDocument): document is SizedDocument => !("_id" in document)

/** Documents or changes as JSON; those that were not encoded are checked first. */
const encodeAll = (
  documents: Arr.NonEmptyReadonlyArray<Document | SizedDocument>,
  check: (document: unknown) => Result.Result<Document, ConnectorError.InvalidRecord>
) =>
  Effect.forEach(documents, (document) => {
    if (isEncoded(document)) return Effect.succeed(document)
    const plain: unknown = isSized(document) ? document.document : document
    return Effect.map(Effect.fromResult(check(plain)), (checked) => new JsonDocument(checked))
  })

const tooMany = (count: number, { maxRecords }: Settings): Call<void> =>
  count <= maxRecords
    ? Effect.void
    : Effect.fail(
        new ConnectorError.RequestTooLarge({ detail: `it has ${count} documents, and maxRecords is ${maxRecords}` })
      )

/** The calls of documents, which the SDK has by namespace. */
const makeWire = (place: Place, sendCall: ReturnType<typeof makeSend>, index: IndexOf) => {
  const documents = <A>(
    namespace: string,
    reply: Reply.Reply<A>,
    write: (documents: Index["documents"]) => Promise<unknown>,
    body?: SdkCall<A>["body"]
  ) =>
    sendCall({ namespace, write: (fetchApi) => write(index(place.host, fetchApi, namespace).documents), body, reply })

  return {
    upsert: (namespace: string, encoded: ReadonlyArray<JsonDocument>) =>
      Effect.map(
        documents(
          namespace,
          DocumentReply.upserted,
          (index) => index.upsert({ documents: [standIn] }),
          documentsBody(encoded)
        ),
        toWriteReply
      ),
    update: (namespace: string, request: UpdateDocumentsRequest) => {
      const send = (body: SdkCall<unknown>["body"]) =>
        Effect.map(
          documents(namespace, DocumentReply.changed, (index) => index.update({ documents: [standIn] }), body),
          toWriteReply
        )
      if ("documents" in request) {
        return Effect.flatMap(encodeAll(request.documents, checkDocumentChange), (changes) =>
          send(documentsBody(changes))
        )
      }
      const { removeFields, setFields } = request
      return Effect.gen(function* () {
        // One change for all of them: its rules are those of a change of one, whose id does not matter.
        yield* Effect.fromResult(checkDocumentChange({ ...setFields, _id: "-", _remove_fields: removeFields }))
        const filter = yield* Effect.fromResult(toWireFilter(request.filter))
        return yield* send(filteredUpdateBody(filter, setFields, removeFields))
      })
    },
    search: (namespace: string, request: SearchRequest, filter: object | undefined) =>
      Effect.map(
        documents(
          namespace,
          DocumentReply.found,
          (index) => index.search({ scoreBy, topK: request.topK }),
          searchBody(request, filter)
        ),
        toReadReply
      ),
    documents
  }
}

type IndexOf = Effect.Success<ReturnType<typeof loadClients>>["index"]

/** The service, its options checked and its host found. */
export const make = Effect.fnUntraced(function* (options: DocumentOptions) {
  const inLayer = (reason: ConnectorError.Reason) => failure("layer", undefined, reason)
  const settings: Settings = yield* Effect.mapError(resolve(options), inLayer)
  const textLimits = yield* Effect.mapError(resolveTextLimits(options.textLimits), inLayer)
  const clients = yield* loadClients(settings)
  const pacing = yield* Effect.mapError(Pacing.resolve(options.pacing, documented), inLayer)
  const { target } = settings
  const place: Place = "host" in target ? target : yield* find(settings, clients, target.index, "documents")
  const name = target.index ?? new URL(place.host).host

  const sendCall = makeSend(settings, clients.exchange, name)
  const wire = makeWire(place, sendCall, clients.index)
  const { call, inNamespace } = makeCalls(settings)
  const toIndex = <A>(
    namespace: string | undefined,
    reply: Reply.Reply<A>,
    write: (index: Index) => Promise<unknown>
  ): Call<A> =>
    Effect.map(sendCall({ namespace, write: (fetchApi) => write(clients.index(place.host, fetchApi)), reply }), valueOf)

  const { index } = target
  const describe: Call<Description> =
    index === undefined
      ? Effect.fail(
          new ConnectorError.InvalidOption({
            option: "index",
            issue: "is missing; the control plane describes an index by its name"
          })
        )
      : Effect.map(
          sendCall({
            write: (fetchApi) => clients.indexes(fetchApi).describe(index),
            reply: DocumentReply.description
          }),
          valueOf
        )

  const service: Service = trackedDocuments({
    name,
    host: place.host,
    namespace: settings.namespace,
    limits: {
      maxRecords: settings.maxRecords,
      maxBytes: settings.maxRequestBytes,
      envelopeBytes: documentsEnvelope
    },
    textLimits,
    pacing,
    encode: (document) => new JsonDocument(document),

    describe: call("describe", undefined, describe),

    upsert: inNamespace("upsert", (namespace, { documents }) =>
      Effect.andThen(tooMany(documents.length, settings), () =>
        Effect.flatMap(encodeAll(documents, checkDocument), (encoded) => wire.upsert(namespace, encoded))
      )
    ),

    update: inNamespace("update", (namespace, request) =>
      Effect.andThen(tooMany("documents" in request ? request.documents.length : 0, settings), () =>
        wire.update(namespace, request)
      )
    ),

    search: inNamespace(
      "search",
      Effect.fnUntraced(function* (namespace, request) {
        yield* checkTopK(request.topK)
        const wrong = checkScores(request.scoreBy)
        if (wrong !== undefined) return yield* wrong
        const filter = request.filter === undefined ? undefined : yield* Effect.fromResult(toWireFilter(request.filter))
        return yield* wire.search(namespace, request, filter)
      })
    ),

    fetch: inNamespace(
      "fetch",
      Effect.fnUntraced(function* (namespace, request) {
        const includeFields = request.includeFields === undefined ? {} : { includeFields: [...request.includeFields] }
        if ("ids" in request) {
          yield* checkIds(request.ids)
          const ids = [...request.ids]
          return toReadReply(
            yield* wire.documents(namespace, DocumentReply.fetched, (index) => index.fetch({ ids, ...includeFields }))
          )
        }
        yield* checkFetchLimit(request.limit)
        const filter = yield* Effect.fromResult(toWireFilter(request.filter))
        const page = pageOf(request)
        return toReadReply(
          yield* wire.documents(namespace, DocumentReply.fetched, (index) =>
            index.fetch({ filter, ...includeFields, ...page })
          )
        )
      })
    ),

    list: inNamespace("list", (namespace, request) =>
      Effect.andThen(checkLimit(request.limit), () =>
        Effect.map(
          wire.documents(namespace, DocumentReply.listed, (index) => index.list(pageOf(request))),
          toReadReply
        )
      )
    ),

    delete: inNamespace("delete", (namespace, request) =>
      Effect.flatMap(removalOf(request), (removal) =>
        Effect.map(
          wire.documents(namespace, DocumentReply.changed, (index) => {
            if ("ids" in removal) return index.delete({ ids: [...removal.ids] })
            return "filter" in removal ? index.delete({ filter: removal.filter }) : index.delete({ deleteAll: true })
          }),
          toWriteReply
        )
      )
    ),

    stats: call(
      "stats",
      undefined,
      toIndex(undefined, Reply.stats, (index) => index.describeIndexStats())
    ),

    namespaces: (request) =>
      call(
        "namespaces",
        undefined,
        Effect.andThen(checkLimit(request.limit), () =>
          toIndex(undefined, Reply.namespaces, (index) => index.listNamespaces(pageOf(request)))
        )
      ),

    deleteNamespace: (name) => {
      const namespace = namespaceName(name)
      return Effect.asVoid(
        call(
          "deleteNamespace",
          namespace,
          toIndex(namespace, Reply.done, (index) => index.deleteNamespace(namespace))
        )
      )
    }
  })
  return service
})

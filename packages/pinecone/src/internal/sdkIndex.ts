/**
 * `PineconeIndex` on the official SDK.
 *
 * The SDK writes each request (route, headers, API version, body) and this module sends it. The SDK's `fetchApi` is the
 * seam: by itself the SDK cannot be interrupted, has no time limit, hides the status, the headers and half of the
 * replies, and would retry underneath our own retries.
 *
 * The bodies that hold vectors (upsert, query, update) are ours, put where the SDK had written a stand-in's: it would
 * encode the records of an upsert a second time, makes an object of a `Float32Array`, and admits no sparse vector
 * alone.
 *
 * Loading the SDK takes 0.2 to 0.7 seconds, so only building the layer does it.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { baseUrl, connectionFailed, withoutSecrets } from "@effect-connectors/core/HttpFailure"
import * as Pacing from "@effect-connectors/core/Pacing"
import * as Retry from "@effect-connectors/core/Retry"
import type { FetchAPI, Index, Indexes, PineconeConfiguration } from "@pinecone-database/pinecone"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { tracked } from "../Freshness.ts"
import { PineconeError } from "../PineconeError.ts"
import { documented } from "../PineconePacing.ts"
import type { ListRequest, NamespacesRequest, Options, Service, WriteReply } from "../PineconeApi.ts"
import { type Answer, classify, wireOf } from "./classify.ts"
import { envelopeBytes, JsonRecord, queryBody, updateBody, upsertBody } from "./jsonRecord.ts"
import { namespaceName } from "./namespace.ts"
import { checkQuery } from "./queryChecks.ts"
import { checkChange, checkIds, checkLimit, checkRecords, checkTopK } from "./requestChecks.ts"
import { addressExample, resolve, type Settings } from "./sdkOptions.ts"
import * as Reply from "./sdkReplies.ts"
import { exchange, type WrittenRequest } from "./sdkTransport.ts"
import { toWireFilter } from "./wireFilter.ts"

/** Makes the SDK write one request, to the `fetchApi` it is given. */
type Write = (fetchApi: FetchAPI) => Promise<unknown>

interface Call<A> {
  readonly operation: string
  readonly namespace?: string | undefined
  readonly write: Write
  /** In place of the body the SDK wrote. */
  readonly body?: string | undefined
  readonly reply: Reply.Reply<A>
}

interface Sent<A> {
  readonly value: A
  readonly headers: Answer["headers"]
}

const failed =
  (operation: string, namespace?: string) =>
  (reason: ConnectorError.Reason): PineconeError =>
    new PineconeError({ operation, reason, ...(namespace === undefined ? {} : { namespace }) })

/** What the SDK makes of the empty reply it gets does not matter once it has written the request. */
const written = async (write: Write): Promise<WrittenRequest> => {
  const requests: Array<WrittenRequest> = []
  const outcome = await Promise.allSettled([
    write(async (url, init = {}) => {
      requests.push({ url, init })
      return Response.json({})
    })
  ])
  const request = requests[0]
  if (request !== undefined) return request
  throw outcome[0].status === "rejected" ? outcome[0].reason : new Error("the SDK wrote no request")
}

/** Sends calls under the key, the time limit and the size limit of one layer. */
const makeSend = (settings: Settings, indexName: string) => {
  const apiKey = Redacted.value(settings.apiKey)

  const attempt = Effect.fnUntraced(function* <A>(call: Call<A>) {
    const { init, url } = yield* Effect.tryPromise({
      try: () => written(call.write),
      catch: (error) =>
        new ConnectorError.RequestRefused({
          detail: ConnectorError.clip(error instanceof Error ? error.message : String(error))
        })
    })
    const body = call.body ?? init.body ?? null
    const bytes = typeof body === "string" ? Buffer.byteLength(body) : 0
    if (bytes > settings.maxRequestBytes) {
      return yield* new ConnectorError.RequestTooLarge({
        detail: `it has ${bytes} bytes, and maxRequestBytes is ${settings.maxRequestBytes}`
      })
    }
    const answer = yield* Effect.tryPromise({
      try: (signal) => exchange({ url, init: { ...init, body } }, apiKey, signal),
      catch: connectionFailed
    })
    if (answer.status < 200 || answer.status > 299) {
      const subject = { index: indexName, namespace: call.namespace }
      return yield* classify(answer, subject, yield* Clock.currentTimeMillis)
    }
    const reply = call.reply(answer.body)
    if (Result.isFailure(reply)) {
      const detail = ConnectorError.clip(withoutSecrets(reply.failure.message, [apiKey]))
      return yield* new ConnectorError.InvalidResponse({ detail, wire: wireOf(answer) })
    }
    const sent: Sent<A> = { value: reply.success, headers: answer.headers }
    return sent
  })

  return <A>(call: Call<A>): Effect.Effect<Sent<A>, PineconeError> =>
    attempt(call).pipe(
      Effect.timeoutOrElse({
        duration: settings.timeout,
        orElse: () => Effect.fail(new ConnectorError.TimedOut({ afterMillis: Duration.toMillis(settings.timeout) }))
      }),
      Effect.mapError(failed(call.operation, call.namespace))
    )
}

/** Clients of the SDK, made anew for each call: it takes about a microsecond, and each has its own `fetchApi`. */
interface Clients {
  readonly index: (host: string, fetchApi: FetchAPI) => Index
  readonly indexes: (fetchApi: FetchAPI) => Indexes
}

const loadClients = (settings: Settings): Effect.Effect<Clients> =>
  Effect.promise(async () => {
    const sdk = await import("@pinecone-database/pinecone")
    const config = (fetchApi: FetchAPI): PineconeConfiguration => ({
      // The real key is set when a request leaves, so it is in nothing the SDK keeps or prints.
      apiKey: "set-when-sent",
      controllerHostUrl: settings.controllerHost,
      additionalHeaders: { ...settings.additionalHeaders },
      maxRetries: 0,
      fetchApi
    })
    return {
      index: (host, fetchApi) => new sdk.Index({ host }, config(fetchApi)),
      indexes: (fetchApi) => new sdk.Indexes(config(fetchApi))
    }
  })

interface Place {
  readonly host: string
  readonly dimension?: number | undefined
}

/** Where an index is that was given by its name. */
const find = Effect.fnUntraced(function* (settings: Settings, clients: Clients, name: string) {
  const send = makeSend(settings, name)
  const call = send({
    operation: "describe",
    write: (fetchApi) => clients.indexes(fetchApi).describe(name),
    reply: Reply.described
  })
  // A program is not to fail at its start for a hiccup, nor to wait for long.
  const { value } = yield* Retry.retry(call, { deadline: "10 seconds" })
  const host = yield* Effect.mapError(
    Effect.fromResult(baseUrl("host", value.host, addressExample)),
    failed("describe")
  )
  const place: Place = { host, dimension: value.dimension }
  return place
})

/** Two families of names are in use for the same two numbers. */
const writtenHeaders = ["x-pinecone-request-lsn", "x-pinecone-lsn-committed"]
const indexedHeaders = ["x-pinecone-max-indexed-lsn", "x-pinecone-lsn-reconciled"]

const numberOf = (headers: Answer["headers"], names: ReadonlyArray<string>): number | undefined => {
  for (const name of names) {
    const header = headers.get(name)
    if (header !== null && /^\d+$/.test(header)) return Number(header)
  }
  return undefined
}

/** A write tells its sequence number, to wait for before reading it back. */
const toWriteReply = ({ headers, value }: Sent<number | undefined>): WriteReply => ({
  count: value,
  lsn: numberOf(headers, writtenHeaders)
})

/** A read tells up to which one it saw. */
const toReadReply = <A extends object>({ headers, value }: Sent<A>): A & { readonly indexedLsn?: number } => {
  const indexedLsn = numberOf(headers, indexedHeaders)
  return indexedLsn === undefined ? value : { ...value, indexedLsn }
}

const valueOf = <A>(sent: Sent<A>): A => sent.value

/** What stands in the SDK's requests for the vectors whose JSON is ready. */
const standIn = { id: "-", values: [0] }

/** The service, its options checked and its host found. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const settings: Settings = yield* Effect.mapError(resolve(options), failed("layer"))
  const clients = yield* loadClients(settings)
  const pacing = yield* Effect.mapError(Pacing.resolve(options.pacing, documented), failed("layer"))
  const { target } = settings
  const { dimension, host }: Place = "host" in target ? target : yield* find(settings, clients, target.index)
  const name = target.index ?? new URL(host).host
  const send = makeSend(settings, name)
  const on =
    (write: (index: Index) => Promise<unknown>): Write =>
    (fetchApi) =>
      write(clients.index(host, fetchApi))
  const inNamespace = (request: { readonly namespace?: string | undefined }): string =>
    request.namespace === undefined ? settings.namespace : namespaceName(request.namespace)

  /** A call whose parts may turn out to break a rule before anything is sent. */
  const checked = <A>(
    operation: string,
    namespace: string | undefined,
    prepare: () => Effect.Effect<Omit<Call<A>, "operation" | "namespace">, ConnectorError.Reason>
  ): Effect.Effect<Sent<A>, PineconeError> =>
    Effect.suspend(prepare).pipe(
      Effect.mapError(failed(operation, namespace)),
      Effect.flatMap((call) => send({ ...call, operation, namespace }))
    )

  const service: Omit<Service, "written"> = {
    name,
    host,
    dimension,
    namespace: settings.namespace,
    pacing,
    limits: { maxRecords: settings.maxRecords, maxBytes: settings.maxRequestBytes, envelopeBytes },
    encode: (record) => new JsonRecord(record),

    upsert: (request) => {
      const namespace = inNamespace(request)
      return checked("upsert", namespace, () =>
        Effect.gen(function* () {
          if (request.records.length > settings.maxRecords) {
            return yield* new ConnectorError.RequestTooLarge({
              detail: `it has ${request.records.length} records, and maxRecords is ${settings.maxRecords}`
            })
          }
          // Records that were encoded were checked before.
          yield* checkRecords(request.records.filter((record) => !(record instanceof JsonRecord)))
          const records = request.records.map((record) =>
            record instanceof JsonRecord ? record : new JsonRecord(record)
          )
          return {
            write: on((index) => index.upsert({ records: [standIn], namespace })),
            body: upsertBody(records, namespace),
            reply: Reply.upserted
          }
        })
      ).pipe(Effect.map(toWriteReply))
    },

    query: (request) => {
      const namespace = inNamespace(request)
      return checked("query", namespace, () =>
        Effect.gen(function* () {
          yield* checkTopK(request.topK)
          const filter = yield* Effect.fromResult(checkQuery(request, dimension))
          return {
            write: on((index) => index.query({ id: standIn.id, topK: request.topK, namespace })),
            body: queryBody(request, namespace, filter),
            reply: Reply.query
          }
        })
      ).pipe(Effect.map(toReadReply))
    },

    fetch: (request) => {
      const namespace = inNamespace(request)
      return checked("fetch", namespace, () =>
        Effect.as(checkIds(request.ids), {
          write: on((index) => index.fetch({ ids: [...request.ids], namespace })),
          reply: Reply.fetched
        })
      ).pipe(Effect.map(toReadReply))
    },

    list: (request) => {
      const namespace = inNamespace(request)
      return checked("list", namespace, () =>
        Effect.as(checkLimit(request.limit), {
          write: on((index) => index.listPaginated({ ...pageOf(request), namespace })),
          reply: Reply.listed
        })
      ).pipe(Effect.map(toReadReply))
    },

    update: (request) => {
      const namespace = inNamespace(request)
      return checked("update", namespace, () =>
        Effect.as(checkChange(request), {
          write: on((index) => index.update({ ...standIn, namespace })),
          body: updateBody(request, namespace),
          reply: Reply.updated
        })
      ).pipe(Effect.map(toWriteReply))
    },

    delete: (request) => {
      const namespace = inNamespace(request)
      return checked("delete", namespace, () =>
        Effect.gen(function* () {
          if ("ids" in request) {
            yield* checkIds(request.ids)
            return on((index) => index.deleteMany({ ids: [...request.ids], namespace }))
          }
          if ("filter" in request) {
            const filter = yield* Effect.fromResult(toWireFilter(request.filter))
            return on((index) => index.deleteMany({ filter, namespace }))
          }
          // A caller without types may give none of the three; that must not empty the namespace.
          if (!request.all) return yield* new ConnectorError.InvalidOption({ option: "all", issue: "must be true" })
          return on((index) => index.deleteAll({ namespace }))
        }).pipe(Effect.map((write) => ({ write, reply: Reply.done })))
      ).pipe(Effect.map(toWriteReply))
    },

    stats: Effect.map(
      send({ operation: "stats", write: on((index) => index.describeIndexStats()), reply: Reply.stats }),
      valueOf
    ),

    namespaces: (request) =>
      checked("namespaces", undefined, () =>
        Effect.as(checkLimit(request.limit), {
          write: on((index) => index.listNamespaces(pageOf(request))),
          reply: Reply.namespaces
        })
      ).pipe(Effect.map(valueOf)),

    deleteNamespace: (name) => {
      const namespace = namespaceName(name)
      return Effect.asVoid(
        send({
          operation: "deleteNamespace",
          namespace,
          write: on((index) => index.deleteNamespace(namespace)),
          reply: Reply.done
        })
      )
    }
  }
  return tracked(service)
})

/** The SDK would write an `undefined` or empty part of a page's address as it stands. */
const pageOf = (request: ListRequest | NamespacesRequest) => ({
  ...(request.prefix ? { prefix: request.prefix } : {}),
  ...(request.limit === undefined ? {} : { limit: request.limit }),
  ...(request.paginationToken ? { paginationToken: request.paginationToken } : {})
})

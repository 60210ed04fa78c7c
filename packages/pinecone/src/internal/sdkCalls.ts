/**
 * Calls that the official SDK writes (route, headers, API version, body) and this module sends. The SDK's `fetchApi` is
 * the seam: by itself the SDK cannot be interrupted, hides the status, the headers and half of the replies, and would
 * retry underneath our own retries.
 *
 * Loading the SDK takes 0.2 to 0.7 seconds, so only building a layer that needs it does it.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { baseUrl, connectionFailed, withoutSecrets } from "@effect-connectors/core/HttpFailure"
import * as Retry from "@effect-connectors/core/Retry"
import type { FetchAPI, Index, Indexes, Inference, PineconeConfiguration } from "@pinecone-database/pinecone"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { PineconeError } from "../PineconeError.ts"
import { classify, wireOf } from "./classify.ts"
import { failure } from "./common.ts"
import { checkBytes, type Place } from "./indexService.ts"
import { wrongPlane } from "./plane.ts"
import type { Received } from "./received.ts"
import { addressExample, type CallSettings, type Settings } from "./sdkOptions.ts"
import * as Reply from "./sdkReplies.ts"
import { type Body, connect, type Exchange, type WrittenRequest } from "./sdkTransport.ts"

/** Makes the SDK write one request, to the `fetchApi` it is given. */
export type Write = (fetchApi: FetchAPI) => Promise<unknown>

export interface Call<A> {
  readonly namespace?: string | undefined
  /** The model it is for, of a call that is for no index. */
  readonly model?: string | undefined
  readonly write: Write
  /** In place of the body the SDK wrote. */
  readonly body?: Body | undefined
  readonly reply: Reply.Reply<A>
}

/** The SDK prints a request only once it has a reply. */
const isDebugging = (): boolean => "PINECONE_DEBUG" in process.env || "PINECONE_DEBUG_CURL" in process.env

/** The SDK is left waiting for a reply: to read an empty one costs it more than to write the request. */
const written = (write: Write): Promise<WrittenRequest> =>
  new Promise((resolve, reject) => {
    const fetchApi: FetchAPI = async (url, init = {}) => {
      resolve({
        url: url instanceof Request ? url.url : String(url),
        method: init.method ?? "GET",
        headers: new Headers(init.headers),
        body: typeof init.body === "string" ? init.body : null
      })
      return isDebugging() ? Response.json({}) : new Promise(() => {})
    }
    write(fetchApi).then(() => reject(new Error("the SDK wrote no request")), reject)
  })

/** Sends calls under the key and the size limit of one layer. */
export const makeSend = (settings: CallSettings, exchange: Exchange, indexName: string) => {
  const apiKey = Redacted.value(settings.apiKey)
  return Effect.fnUntraced(function* <A>(call: Call<A>) {
    const request = yield* Effect.tryPromise({
      try: () => written(call.write),
      catch: (error) =>
        new ConnectorError.RequestRefused({
          detail: ConnectorError.clip(error instanceof Error ? error.message : String(error))
        })
    })
    const body = call.body ?? request.body
    yield* checkBytes(body === null ? 0 : Buffer.byteLength(body), settings)
    const answer = yield* Effect.tryPromise({
      try: (signal) => exchange({ ...request, body }, apiKey, signal),
      catch: connectionFailed
    })
    if (answer.status < 200 || answer.status > 299) {
      const subject = { index: indexName, namespace: call.namespace, model: call.model }
      return yield* classify(answer, subject, yield* Clock.currentTimeMillis)
    }
    const reply = call.reply(answer.body)
    if (Result.isFailure(reply)) {
      const detail = ConnectorError.clip(withoutSecrets(reply.failure.message, [apiKey]))
      return yield* new ConnectorError.InvalidResponse({ detail, wire: wireOf(answer) })
    }
    const received: Received<A> = { value: reply.success, headers: answer.headers }
    return received
  })
}

/** Clients of the SDK, made anew for each call: it takes about a microsecond, and each has its own `fetchApi`. */
export interface Clients {
  readonly index: (host: string, fetchApi: FetchAPI, namespace?: string) => Index
  readonly indexes: (fetchApi: FetchAPI) => Indexes
  readonly inference: (fetchApi: FetchAPI) => Inference
  /** What sends the requests they write. */
  readonly exchange: Exchange
}

export const loadClients = Effect.fnUntraced(function* (settings: CallSettings) {
  const exchange = yield* connect
  return yield* Effect.promise(async (): Promise<Clients> => {
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
      // The documents of an index have their namespace from it, all else from each call.
      index: (host, fetchApi, namespace = "") => new sdk.Index({ host, namespace }, config(fetchApi)),
      indexes: (fetchApi) => new sdk.Indexes(config(fetchApi)),
      inference: (fetchApi) => new sdk.Inference(config(fetchApi)),
      exchange
    }
  })
})

const described = (reason: ConnectorError.Reason): PineconeError => failure("describe", undefined, reason)

/** Where an index is that was given by its name; of another plane than is wanted it is refused. */
export const find = Effect.fnUntraced(function* (
  settings: Settings,
  clients: Clients,
  name: string,
  wanted: Reply.Plane
) {
  const { timeout } = settings
  const call = makeSend(
    settings,
    clients.exchange,
    name
  )({ write: (fetchApi) => clients.indexes(fetchApi).describe(name), reply: Reply.described }).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(new ConnectorError.TimedOut({ afterMillis: Duration.toMillis(timeout) }))
    }),
    Effect.mapError(described)
  )
  // A program is not to fail at its start for a hiccup, nor to wait for long.
  const { value } = yield* Retry.retry(call, { deadline: "10 seconds" })
  const host = yield* Effect.mapError(Effect.fromResult(baseUrl("host", value.host, addressExample)), described)
  const wrong = wrongPlane(value.plane, wanted)
  if (wrong !== undefined) return yield* failure("layer", undefined, wrong)
  const place: Place = { ...value, host }
  return place
})

/** `TectonClient` over HTTP. */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { withoutSecrets } from "@effect-connectors/core/HttpFailure"
import * as Pacing from "@effect-connectors/core/Pacing"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { encode } from "../IngestRecord.ts"
import * as RequestBody from "../RequestBody.ts"
import type { FeaturesBatchRequest, FeaturesReply, FeaturesRequest, Options, Service } from "../TectonApi.ts"
import { TectonError } from "../TectonError.ts"
import { classify, type Subject } from "./classify.ts"
import * as Replies from "./replies.ts"
import * as Requests from "./requests.ts"
import { resolve, type Settings } from "./settings.ts"
import * as Token from "./token.ts"
import * as Transport from "./transport.ts"

type Secret = Redacted.Redacted<string>

/** What stands in the header `Authorization`. */
interface Credential {
  readonly scheme: "Tecton-key" | "Bearer"
  readonly secret: Secret
}

/** Where credentials come from, and what to do when one is refused. */
interface Credentials {
  readonly get: Effect.Effect<Credential, ConnectorError.Reason>
  /** Is another try with other credentials worth while? */
  readonly renew: (refused: Credential) => Effect.Effect<boolean>
}

const byKey = (secret: Secret): Credentials => ({
  get: Effect.succeed({ scheme: "Tecton-key", secret }),
  renew: () => Effect.succeed(false)
})

const byToken = (tokens: Token.Tokens): Credentials => ({
  get: Effect.map(tokens.get, (secret) => ({ scheme: "Bearer", secret })),
  renew: ({ secret }) => Effect.as(tokens.drop(secret), true)
})

const without = (option: string, issue: string) => Effect.fail(new ConnectorError.InvalidOption({ option, issue }))

interface Call<A> {
  readonly operation: string
  readonly subject: Subject
  readonly timeout: Duration.Duration
  readonly credentials: Credentials
  readonly route: Effect.Effect<Requests.Route, ConnectorError.Reason>
  readonly reply: Replies.Reply<A>
}

const utf8 = new TextEncoder()

/** The bytes of a text, or fewer where it has so few characters that it can not be over a limit. */
const bytesOver = (text: string, limit: number): number =>
  text.length * 3 <= limit ? text.length : utf8.encode(text).byteLength

const makeSend = (settings: Settings, exchange: Transport.Exchange) => {
  // A value of a header may be a secret; one that is short is a setting.
  const headerSecrets = Object.values(settings.headers).filter((value) => value.length >= 8)

  /** One request under one credential. */
  const sendAs = (route: Requests.Route, { scheme, secret }: Credential) => {
    const key = Redacted.value(secret)
    const clean = (text: string) => withoutSecrets(text, [key, ...headerSecrets])
    return Effect.map(
      exchange({
        clean,
        method: route.method,
        url: route.url,
        headers: { ...settings.headers, accept: "application/json", authorization: `${scheme} ${key}` },
        body: route.body === undefined ? undefined : { text: route.body, contentType: "application/json" }
      }),
      (answer) => ({ answer, clean })
    )
  }

  const attempt = Effect.fnUntraced(function* <A>(call: Call<A>) {
    const route = yield* call.route
    const bytes = route.body === undefined ? 0 : bytesOver(route.body, settings.maxRequestBytes)
    if (bytes > settings.maxRequestBytes) {
      const detail = `it has ${bytes} bytes, and maxRequestBytes is ${settings.maxRequestBytes}`
      return yield* new ConnectorError.RequestTooLarge({ detail })
    }
    const credential = yield* call.credentials.get
    let sent = yield* sendAs(route, credential)
    if (sent.answer.status === 401 && (yield* call.credentials.renew(credential))) {
      sent = yield* sendAs(route, yield* call.credentials.get)
    }
    const { answer, clean } = sent
    if (answer.status < 200 || answer.status > 299) {
      return yield* classify(answer, call.subject, yield* Clock.currentTimeMillis, clean)
    }
    const reply = call.reply(answer.body)
    if (Result.isSuccess(reply)) return reply.success
    const { failure } = reply
    const wire = { status: answer.status }
    return yield* typeof failure === "string"
      ? new ConnectorError.InvalidResponse({ detail: ConnectorError.clip(clean(failure)), wire })
      : new ConnectorError.RequestRefused({ detail: ConnectorError.clip(clean(failure.refused)), wire })
  })

  return <A>(call: Call<A>): Effect.Effect<A, TectonError> =>
    attempt(call).pipe(
      Effect.timeoutOrElse({
        duration: call.timeout,
        orElse: () => Effect.fail(new ConnectorError.TimedOut({ afterMillis: Duration.toMillis(call.timeout) }))
      }),
      Effect.mapError((reason) => new TectonError({ operation: call.operation, subject: call.subject.name, reason }))
    )
}

const sourcesOf = (sources: Iterable<string>): string => Array.from(sources).join(", ")

/** The service, its options checked. Nothing is sent. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const settings: Settings = yield* Effect.mapError(
    resolve(options),
    (reason) => new TectonError({ operation: "layer", reason })
  )
  const pacing = yield* Effect.mapError(
    Pacing.resolve(options.pacing, { system: "tecton" }),
    (reason) => new TectonError({ operation: "layer", reason })
  )
  const exchange = yield* Transport.make(options.fetch)
  const send = makeSend(settings, exchange)
  const { apiKey, ingestUrl, oauth, workspace } = settings
  const reading: Credentials =
    oauth !== undefined
      ? byToken(yield* Token.make(oauth, settings, exchange))
      : apiKey !== undefined
        ? byKey(apiKey)
        : { get: without("apiKey", "is missing"), renew: () => Effect.succeed(false) }
  const writing: Credentials =
    apiKey === undefined
      ? { get: without("apiKey", "is missing; ingest takes no other credentials"), renew: () => Effect.succeed(false) }
      : byKey(apiKey)

  const ofService = (name: string): Subject => ({ resource: "feature service", name, workspace })

  const { maxRowsInFlight } = settings
  const room = maxRowsInFlight === undefined ? undefined : Semaphore.makeUnsafe(maxRowsInFlight)
  /** Waits until there is room for so many rows. */
  const withRows = (rows: number) => (call: Effect.Effect<FeaturesReply, TectonError>) =>
    room === undefined || maxRowsInFlight === undefined ? call : room.withPermits(Math.min(rows, maxRowsInFlight))(call)

  const read = (
    operation: string,
    call: Requests.Read,
    request: FeaturesRequest | FeaturesBatchRequest,
    reply: Replies.Reply<FeaturesReply>
  ) =>
    send({
      operation,
      subject: ofService(request.service),
      timeout: settings.timeout,
      credentials: reading,
      route: Effect.suspend(() => Effect.fromResult(Requests.read(settings, call, request))),
      reply
    }).pipe(withRows("lookups" in request ? request.lookups.length : 1))

  const service: Service = {
    name: new URL(settings.url).host,
    workspace,
    pacing,
    limits: {
      maxRequestBytes: settings.maxRequestBytes,
      ingestEnvelopeBytes: (source) => RequestBody.ingestEnvelopeBytes(workspace, source, settings.ingestApi)
    },
    getFeatures: (request) => read("getFeatures", "get-features", request, Replies.featuresOf(1)),
    getFeaturesBatch: (request) =>
      read("getFeaturesBatch", "get-features-batch", request, Replies.featuresOf(request.lookups.length)),
    queryFeatures: (request) => read("queryFeatures", "query-features", request, Replies.features),
    metadata: (request) =>
      send({
        operation: "metadata",
        subject: ofService(request.service),
        timeout: settings.timeout,
        credentials: reading,
        route: Effect.suspend(() => Effect.fromResult(Requests.metadata(settings, request.service))),
        reply: Replies.metadata
      }),
    encode: (record) => encode(record, settings.largeInt64),
    ingest: (request) => {
      const subject: Subject = { resource: "stream source", name: sourcesOf(request.records.keys()), workspace }
      return send({
        operation: "ingest",
        subject,
        timeout: settings.ingestTimeout,
        credentials: writing,
        route:
          ingestUrl === undefined
            ? without("ingestUrl", "is missing; give the address of the Stream Ingest API (TECTON_INGEST_URL)")
            : Effect.sync(() => Requests.ingest(settings, ingestUrl, request)),
        reply: Replies.ingested
      })
    }
  }
  return service
})

/**
 * Sends one HTTP request and brings back the whole answer, whatever its status. This is the only module that knows
 * `effect/http`, which Effect tags unstable.
 */
import { ConnectionFailed } from "@effect-connectors/core/ConnectorError"
import { connectionFailed } from "@effect-connectors/core/HttpFailure"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"

/** A request that is ready to go. Its headers may hold a key: it is made when it leaves and kept by nobody. */
export interface WrittenRequest {
  readonly method: "GET" | "POST"
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: { readonly text: string; readonly contentType: string } | undefined
  /** Takes the request's secrets out of text: whatever sends it may quote them when it fails. */
  readonly clean: (text: string) => string
}

/** What came back, before anyone judged it. */
export interface Answer {
  readonly status: number
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** Sends a request. Interrupting it cancels the request. */
export type Exchange = (request: WrittenRequest) => Effect.Effect<Answer, ConnectionFailed>

const toReason = (error: HttpClientError.HttpClientError): ConnectionFailed =>
  "cause" in error.reason && error.reason.cause !== undefined
    ? connectionFailed(error.reason.cause)
    : new ConnectionFailed({ detail: error.reason._tag, sent: error.reason._tag !== "InvalidUrlError" })

/** Redirects are not followed: they would carry the key to another host. */
const redirects: RequestInit = { redirect: "manual" }

/** The transport of one layer. */
export const make = (fetch: typeof globalThis.fetch | undefined): Effect.Effect<Exchange, never> =>
  Effect.gen(function* () {
    const context = yield* Effect.scoped(Layer.build(FetchHttpClient.layer))
    const client = HttpClient.withScope(Context.get(context, HttpClient.HttpClient))
    return (request) => {
      const headed = HttpClientRequest.make(request.method)(request.url, { headers: request.headers })
      const written =
        request.body === undefined
          ? headed
          : HttpClientRequest.bodyText(headed, request.body.text, request.body.contentType)
      return client.execute(written).pipe(
        Effect.flatMap((response) =>
          Effect.map(response.text, (body): Answer => ({ status: response.status, headers: response.headers, body }))
        ),
        Effect.scoped,
        Effect.mapError((error) => {
          const { detail, sent } = toReason(error)
          return new ConnectionFailed({ detail: request.clean(detail), sent })
        }),
        Effect.provideService(FetchHttpClient.RequestInit, redirects),
        // The engines have a span for each call; one more would hold the request's headers.
        Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
        fetch === undefined ? (effect) => effect : Effect.provideService(FetchHttpClient.Fetch, fetch)
      )
    }
  })

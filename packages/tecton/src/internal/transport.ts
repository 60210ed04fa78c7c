/**
 * Sends one HTTP request and brings back the whole answer, whatever its status. This is the only module that knows what
 * requests are sent by.
 */
import { ConnectionFailed } from "@effect-connectors/core/ConnectorError"
import { connectionFailed } from "@effect-connectors/core/HttpFailure"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Buffer } from "node:buffer"
import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici"

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

/** The address that a written request is for, apart from its path. */
const originOf = (url: string): { readonly origin: string; readonly path: string } => {
  const at = url.indexOf("/", url.indexOf("://") + 3)
  return at < 0 ? { origin: url, path: "/" } : { origin: url.slice(0, at), path: url.slice(at) }
}

const headersOf = ({ body, headers }: WrittenRequest): Record<string, string> =>
  body === undefined ? { ...headers } : { ...headers, "content-type": body.contentType }

const failed = (error: unknown, { clean }: WrittenRequest): ConnectionFailed => {
  const { detail, sent } = connectionFailed(error)
  return new ConnectionFailed({ detail: clean(detail), sent })
}

const utf8 = new TextDecoder()

const textOf = (parts: ReadonlyArray<Uint8Array>): string => {
  const [first, ...others] = parts
  return first === undefined ? "" : utf8.decode(others.length === 0 ? first : Buffer.concat(parts))
}

const onlyTexts = (headers: Record<string, string | Array<string> | undefined>): Answer["headers"] => {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) texts[name] = typeof value === "string" ? value : value.join(", ")
  }
  return texts
}

/**
 * On connections of its own. A call costs a third of what it does by `fetch`, whose streams and copies of the body
 * nothing here needs. Redirects are not followed: they would carry the key to another host.
 */
const overAgent =
  (agent: Dispatcher): Exchange =>
  (request) =>
    Effect.callback((resume) => {
      let status = 0
      let headers: Answer["headers"] = {}
      const parts: Array<Uint8Array> = []
      let cancel: ((reason: Error) => void) | undefined
      let isOver = false
      const over = (result: Effect.Effect<Answer, ConnectionFailed>) => {
        isOver = true
        resume(result)
      }
      const options: Dispatcher.DispatchOptions = {
        ...originOf(request.url),
        method: request.method,
        headers: headersOf(request),
        body: request.body?.text ?? null
      }
      try {
        agent.dispatch(options, {
          onRequestStart: (controller) => {
            if (isOver) controller.abort(cancelled)
            else cancel = (reason) => controller.abort(reason)
          },
          onResponseStart: (_, statusCode, received) => {
            status = statusCode
            headers = onlyTexts(received)
            parts.length = 0
          },
          onResponseData: (_, part) => {
            parts.push(part)
          },
          onResponseEnd: () => over(Effect.succeed({ status, headers, body: textOf(parts) })),
          onResponseError: (_, error) => over(Effect.fail(failed(error, request)))
        })
      } catch (error) {
        over(Effect.fail(failed(error, request)))
      }
      return Effect.sync(() => {
        isOver = true
        cancel?.(cancelled)
      })
    })

const cancelled = new Error("the call was given up")

const overFetch =
  (fetch: typeof globalThis.fetch): Exchange =>
  (request) =>
    Effect.tryPromise({
      try: async (signal): Promise<Answer> => {
        const response = await fetch(request.url, {
          method: request.method,
          headers: headersOf(request),
          body: request.body?.text ?? null,
          redirect: "manual",
          signal
        })
        return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
      },
      catch: (error) => failed(error, request)
    })

// The layer has times of its own for a whole call. What lies between may speak HTTP/1.1 only.
const settings = { allowH2: false, headersTimeout: 0, bodyTimeout: 0 }

/** The transport of one layer. Its own connections go by a proxy where Node's `fetch` would. */
export const make = (fetch: typeof globalThis.fetch | undefined): Effect.Effect<Exchange, never, Scope.Scope> =>
  fetch !== undefined
    ? Effect.succeed(overFetch(fetch))
    : Effect.map(
        Effect.acquireRelease(
          Effect.sync(() =>
            process.env["NODE_USE_ENV_PROXY"] === "1" ? new EnvHttpProxyAgent(settings) : new Agent(settings)
          ),
          (agent) => Effect.promise(() => agent.destroy())
        ),
        overAgent
      )

/**
 * Sends one request and brings back the whole answer, status, headers and body, whatever the status is.
 */
import { withoutSecrets } from "@effect-connectors/core/HttpFailure"
import * as Effect from "effect/Effect"
import { Buffer } from "node:buffer"
import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici"
import type { Answer } from "./classify.ts"

/** What is sent as a request's body. */
export type Body = string | Uint8Array<ArrayBuffer>

/** A request as the SDK wrote it. */
export interface WrittenRequest {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly body: Body | null
}

/** Rejects when no answer came, or when it broke off. */
export type Exchange = (request: WrittenRequest, apiKey: string, signal: AbortSignal) => Promise<Answer>

/** Bytes read of the body of a failure: enough for any message, and no more if a proxy sends a page. */
const maxErrorBody = 16_384

/**
 * The key is set here and nowhere else, so neither the SDK nor its debug output ever holds it. Redirects are not followed:
 * they would carry the key to another host.
 */
const exchangeOn =
  (connections: Dispatcher): Exchange =>
  (request, apiKey, signal) =>
    new Promise((resolve, reject) => {
      const { origin, pathname, search } = new URL(request.url)
      let status = 0
      let received: Record<string, string | Array<string> | undefined> = {}
      let parts: Array<Uint8Array> = []
      let size = 0
      const isOk = (): boolean => status >= 200 && status <= 299
      const answer = (): Answer => {
        const text = Buffer.concat(parts).toString("utf8", 0, isOk() ? size : maxErrorBody)
        return {
          status,
          // A gateway that logs requests may quote the key in a header too, for instance in the address it sends us to.
          headers: {
            get: (name) => {
              const value = received[name.toLowerCase()]
              return value === undefined ? null : withoutSecrets(String(value), [apiKey])
            }
          },
          body: isOk() ? text : withoutSecrets(text, [apiKey])
        }
      }
      const options: Dispatcher.DispatchOptions = {
        origin,
        path: `${pathname}${search}`,
        method: request.method,
        headers: { ...Object.fromEntries(request.headers), "api-key": apiKey },
        body: request.body
      }
      connections.dispatch(options, {
        onRequestStart: (controller) => {
          const abort = () => controller.abort(new Error("the call was given up"))
          if (signal.aborted) abort()
          else signal.addEventListener("abort", abort, { once: true })
        },
        onResponseStart: (_, code, headers) => {
          status = code
          received = headers
          parts = []
          size = 0
        },
        onResponseData: (controller, part) => {
          parts.push(part)
          size += part.length
          if (isOk() || size < maxErrorBody) return
          resolve(answer())
          controller.abort(new Error("the rest of a failure is not read"))
        },
        onResponseEnd: () => resolve(answer()),
        onResponseError: (_, error) => {
          // The status is known already, and it says more than the break does.
          if (status > 0 && !isOk()) resolve(answer())
          else reject(error)
        }
      })
    })

// The layer has a time of its own for a whole call. What lies between may speak HTTP/1.1 only.
const settings = { allowH2: false, headersTimeout: 0, bodyTimeout: 0 }

/**
 * Connections of a layer's own: they cost a third of `fetch`, whose streams and copies of the body nothing here needs. They
 * go by a proxy where Node's `fetch` would. Those not in use close by themselves after seconds and keep no process alive, so
 * nobody has to close them, and a service may outlive its layer's scope as it always could.
 */
export const connect: Effect.Effect<Exchange> = Effect.sync(() =>
  exchangeOn(process.env["NODE_USE_ENV_PROXY"] === "1" ? new EnvHttpProxyAgent(settings) : new Agent(settings))
)

/**
 * Sends one request and brings back the whole answer, status, headers and body, whatever the status is.
 */
import { withoutSecrets } from "@effect-connectors/core/HttpFailure"
import type { Answer } from "./classify.ts"

/** What is sent as a request's body. */
export type Body = string | Uint8Array<ArrayBuffer>

/** A request as the SDK wrote it. */
export interface WrittenRequest {
  readonly url: Parameters<typeof fetch>[0]
  readonly init: RequestInit
}

/** Bytes read of the body of a failure: enough for any message, and no more if a proxy sends a page. */
const maxErrorBody = 16_384

/**
 * Rejects when no answer came, or when it broke off. The key is set here and nowhere else, so neither the SDK nor its
 * debug output ever holds it. Redirects are not followed: they would carry the key to another host.
 */
export const exchange = async (request: WrittenRequest, apiKey: string, signal: AbortSignal): Promise<Answer> => {
  const sent = new Headers(request.init.headers)
  sent.set("Api-Key", apiKey)
  const response = await fetch(request.url, { ...request.init, headers: sent, redirect: "manual", signal })
  const body = response.ok ? await response.text() : withoutSecrets(await firstBytes(response), [apiKey])
  // A gateway that logs requests may quote the key in a header too, for instance in the address it sends us to.
  const headers: Answer["headers"] = {
    get: (name) => {
      const value = response.headers.get(name)
      return value === null ? null : withoutSecrets(value, [apiKey])
    }
  }
  return { status: response.status, headers, body }
}

const firstBytes = async (response: Response): Promise<string> => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk)
      size += chunk.byteLength
      if (size >= maxErrorBody) break
    }
  } catch {
    // The status is known already, and it says more than the break does.
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxErrorBody))
}

/** Plain HTTP to an emulator, with no client between. */
import * as Effect from "effect/Effect"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Sends a request with a key; an object is sent as JSON, a string as it is. */
export type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>
) => Effect.Effect<Answer>

/** Sends to a server, each time with the headers given. */
export const sender =
  (url: string, always: Readonly<Record<string, string>>): Send =>
  (method, path, body, headers = {}) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { ...always, ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
      })
      return { status: response.status, headers: response.headers, text: await response.text() }
    })

export const json = (answer: Answer): unknown => JSON.parse(answer.text)

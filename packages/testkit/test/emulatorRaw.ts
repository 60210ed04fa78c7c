/** An emulator and plain HTTP to it. */
import { PineconeEmulator } from "@effect-connectors/testkit"
import type { IndexOptions, Options, Service } from "@effect-connectors/testkit/PineconeEmulator"
import * as Effect from "effect/Effect"

type Dense = Extract<IndexOptions, { readonly dimension: number }>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface Raw {
  readonly emulator: Service
  /** Sends a request with a key; an object is sent as JSON, a string as it is. */
  readonly send: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>
  ) => Effect.Effect<Answer>
  /** The same, to the data plane of the index `demo`. */
  readonly data: Raw["send"]
}

/** Starts an emulator with a dense index `demo`. */
export const raw = (index: Pick<Dense, "dimension" | "metric">, options?: Options) =>
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator.make(options)
    yield* emulator.createIndex({ ...index, name: "demo" })
    const send: Raw["send"] = (method, path, body, headers = {}) =>
      Effect.promise(async () => {
        const response = await fetch(`${emulator.url}${path}`, {
          method,
          headers: { "api-key": "k", "content-type": "application/json", ...headers },
          ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
        })
        return { status: response.status, headers: response.headers, text: await response.text() }
      })
    const data: Raw["send"] = (method, path, body, headers) => send(method, `/i/demo${path}`, body, headers)
    return { emulator, send, data }
  })

export const version = (version: string) => ({ "x-pinecone-api-version": version })

export const json = (answer: Answer): unknown => JSON.parse(answer.text)

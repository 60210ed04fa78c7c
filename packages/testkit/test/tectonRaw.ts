/** An emulator of the test workspace and plain HTTP to it. */
import { TectonEmulator } from "@effect-connectors/testkit"
import type { Options, Service } from "@effect-connectors/testkit/TectonEmulator"
import * as Effect from "effect/Effect"
import { definition, start } from "./tectonSupport.ts"

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
  readonly post: (path: string, body: unknown, headers?: Readonly<Record<string, string>>) => Effect.Effect<Answer>
}

/** Starts an emulator whose workspaces `prod` and `dev` are the test's; `dev` is not live. Its clock stands. */
export const raw = (options: Options = {}) =>
  Effect.gen(function* () {
    const emulator = yield* TectonEmulator.make({
      workspaces: { prod: definition, dev: { ...definition, live: false } },
      ...options
    })
    yield* emulator.clock.set(start)
    const send: Raw["send"] = (method, path, body, headers = {}) =>
      Effect.promise(async () => {
        const response = await fetch(`${emulator.url}${path}`, {
          method,
          headers: { authorization: "Tecton-key k", ...headers },
          ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
        })
        return { status: response.status, headers: response.headers, text: await response.text() }
      })
    const post: Raw["post"] = (path, body, headers) => send("POST", path, body, headers)
    return { emulator, send, post }
  })

export const json = (answer: Answer): unknown => JSON.parse(answer.text)

export const v1 = (call: string) => `/api/v1/feature-service/${call}`
export const v2 = (service: string, call: string, workspace = "prod") =>
  `/api/v2/workspaces/${workspace}/feature-services/${service}/${call}`

/** The body of a read by the first API. */
export const reading = (service: string, params: object = {}) => ({
  params: { workspaceName: "prod", featureServiceName: service, ...params }
})

/** The body of an ingest of one source. */
export const ingesting = (source: string, records: ReadonlyArray<object>, more: object = {}) => ({
  workspace_name: "prod",
  dry_run: false,
  records: { [source]: records.map((record) => ({ record })) },
  ...more
})

/** A refusal of the feature server. */
export const refusal = (status: number, code: number, message: string) => ({
  status,
  body: { error: message, code, message }
})

export const told = (answer: Answer) => ({ status: answer.status, body: json(answer) })

/** An emulator of the test workspace and plain HTTP to it. */
import { TectonEmulator } from "@effect-connectors/testkit"
import type { Options, Service } from "@effect-connectors/testkit/TectonEmulator"
import * as Effect from "effect/Effect"
import { type Answer, json, type Send, sender } from "./rawHttp.ts"
import { definition, start } from "./tectonSupport.ts"

export interface Raw {
  readonly emulator: Service
  readonly send: Send
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
    const send = sender(emulator.url, { authorization: "Tecton-key k" })
    const post: Raw["post"] = (path, body, headers) => send("POST", path, body, headers)
    return { emulator, send, post }
  })

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

/** Waits for something to come true, giving others a turn; there is no time in it. */
export const until = (condition: Effect.Effect<boolean>) =>
  Effect.gen(function* () {
    while (!(yield* condition)) yield* Effect.promise(() => new Promise(setImmediate))
  })

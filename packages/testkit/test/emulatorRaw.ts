/** An emulator and plain HTTP to it. */
import { PineconeEmulator } from "@effect-connectors/testkit"
import type { IndexOptions, Options, Service } from "@effect-connectors/testkit/PineconeEmulator"
import * as Effect from "effect/Effect"
import { type Send, sender } from "./rawHttp.ts"

type Dense = Extract<IndexOptions, { readonly dimension: number }>

export interface Raw {
  readonly emulator: Service
  readonly send: Send
  /** The same, to the data plane of the index `demo`. */
  readonly data: Send
}

/** Starts an emulator with a dense index `demo`. */
export const raw = (index: Pick<Dense, "dimension" | "metric">, options?: Options) =>
  Effect.gen(function* () {
    const emulator = yield* PineconeEmulator.make(options)
    yield* emulator.createIndex({ ...index, name: "demo" })
    const send = sender(emulator.url, { "api-key": "k", "content-type": "application/json" })
    const data: Send = (method, path, body, headers) => send(method, `/i/demo${path}`, body, headers)
    return { emulator, send, data }
  })

export const version = (version: string) => ({ "x-pinecone-api-version": version })

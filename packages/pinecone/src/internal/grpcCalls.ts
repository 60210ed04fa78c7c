/**
 * Sends unary calls of the data plane over gRPC, and brings back the message with its metadata.
 *
 * `@grpc/grpc-js` has the connection, TLS, flow control and cancellation. It is loaded when a layer is built.
 */
import { clip, InvalidOption, InvalidResponse, type Reason } from "@effect-connectors/core/ConnectorError"
import { withoutSecrets } from "@effect-connectors/core/HttpFailure"
import type { Channel, ChannelOptions, Metadata, StatusObject } from "@grpc/grpc-js"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Answer } from "./classify.ts"
import { classify, wireOf } from "./grpcClassify.ts"
import { checkBytes } from "./indexService.ts"
import type { Received } from "./received.ts"
import type { Settings } from "./sdkOptions.ts"

/** The version of the API whose messages are sent; the last one that publishes them. */
const apiVersion = "2026-04"

const channelOptions: ChannelOptions = {
  // One policy repeats calls, ours.
  "grpc.enable_retries": 0,
  // A connection that has gone dead in silence is found while a call waits on it.
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // By itself a client would wait for up to two minutes before it looks again whether an outage is over.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2_000,
  // As the service's Python client: a query for many values is large.
  "grpc.max_receive_message_length": 128 * 1024 * 1024,
  "grpc-node.flow_control_window": 8 * 1024 * 1024,
  // Layers do not share connections, so that each ends with its own.
  "grpc.use_local_subchannel_pool": 1
}

/** Sends one call. */
export type Send = <A>(
  method: string,
  namespace: string | undefined,
  request: Uint8Array,
  read: (message: Uint8Array) => A
) => Effect.Effect<Received<A>, Reason>

/** Headers of a connection, which HTTP/2 has none of. */
const ofConnections = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "te",
  "host"
])

/** Why a header can not be metadata, if it can not. Its value may be a secret. */
const headerIssue = (name: string, value: string): string | undefined => {
  if (name.endsWith("-bin") || name.startsWith("grpc-")) return "which gRPC keeps for itself or for bytes"
  if (ofConnections.has(name)) return "which HTTP/2 does not have"
  return /^[0-9a-z_.-]+$/.test(name) && /^[ -~]*$/.test(value)
    ? undefined
    : "whose name or value no metadata of gRPC can have: only letters, digits and _.- in names, and ASCII"
}

/** The metadata of every call. */
const metadataOf = ({ additionalHeaders, apiKey, timeout }: Settings, metadata: Metadata) => {
  metadata.set("x-pinecone-api-version", apiVersion)
  for (const [header, value] of Object.entries(additionalHeaders)) {
    const issue = headerIssue(header.toLowerCase(), value)
    if (issue !== undefined) {
      return Effect.fail(
        new InvalidOption({ option: "additionalHeaders", issue: `has ${JSON.stringify(header)}, ${issue}` })
      )
    }
    metadata.set(header, value)
  }
  metadata.set("api-key", Redacted.value(apiKey))
  // So that the service gives up when the caller does; it is the layer that ends the call. The field has 8 digits.
  metadata.set("grpc-timeout", `${Math.min(Math.ceil(Duration.toMillis(timeout)), 99_999_999)}m`)
  return Effect.succeed(metadata)
}

const addressOf = (
  host: string
): Effect.Effect<{ readonly target: string; readonly isSecure: boolean }, InvalidOption> => {
  const { hostname, pathname, port, protocol } = new URL(host)
  if (pathname !== "/") {
    const issue = `has a path, ${clip(pathname, 100)}, and gRPC has none; give the address that describing the index tells`
    return Effect.fail(new InvalidOption({ option: "host", issue }))
  }
  const isSecure = protocol === "https:"
  return Effect.succeed({ target: `${hostname}:${port || (isSecure ? "443" : "80")}`, isSecure })
}

/** Sends calls on a connection that closes with the scope. `name` is the index's, for messages. */
export const make = Effect.fnUntraced(function* (
  settings: Settings,
  name: string,
  host: string
): Effect.fn.Return<Send, InvalidOption, Scope.Scope> {
  const { isSecure, target } = yield* addressOf(host)
  const grpc = yield* Effect.promise(() => import("@grpc/grpc-js"))
  const metadata = yield* metadataOf(settings, new grpc.Metadata())
  const credentials = isSecure ? grpc.credentials.createSsl() : grpc.credentials.createInsecure()
  const channel = yield* Effect.acquireRelease(
    Effect.sync(() => new grpc.Channel(target, credentials, channelOptions)),
    (channel) => Effect.sync(() => channel.close())
  )
  const apiKey = Redacted.value(settings.apiKey)
  const none = new grpc.Metadata()

  return Effect.fnUntraced(function* <A>(
    method: string,
    namespace: string | undefined,
    request: Uint8Array,
    read: (message: Uint8Array) => A
  ) {
    yield* checkBytes(request.byteLength, settings)
    const { initial, message, status } = yield* unary(channel, `/VectorService/${method}`, request, metadata, none)
    const { code } = status
    const headers = headersOf([initial, status.metadata], apiKey)
    if (code !== 0) {
      const details = withoutSecrets(status.details, [apiKey])
      const began = initial !== undefined
      const ended = Object.keys(status.metadata.getMap()).length > 0
      const subject = { index: name, namespace }
      return yield* classify({ code, details, headers, began, ended }, subject, yield* Clock.currentTimeMillis)
    }
    const invalid = (detail: string) =>
      new InvalidResponse({ detail: clip(withoutSecrets(detail, [apiKey])), wire: wireOf({ code, headers }) })
    if (message === undefined) return yield* invalid("the answer has no message")
    return yield* Effect.try({
      try: (): Received<A> => ({ value: read(message), headers }),
      catch: (error) => invalid(error instanceof Error ? error.message : String(error))
    })
  })
})

interface Ended {
  readonly status: StatusObject
  readonly initial: Metadata | undefined
  readonly message: Buffer | undefined
}

/**
 * Interrupting it cancels the call, at the service too. It is made on the channel: a `Client` adds interceptors, events and the
 * stack of its caller, which took a sixth of the processor time of a load with 100 short vectors a call.
 */
const unary = (channel: Channel, path: string, request: Uint8Array, metadata: Metadata, none: Metadata) =>
  Effect.callback<Ended>((resume) => {
    let initial: Metadata | undefined
    let message: Buffer | undefined
    let call: ReturnType<Channel["createCall"]>
    try {
      call = channel.createCall(path, Infinity, undefined, null, undefined)
    } catch (error) {
      // The layer is closed.
      const details = error instanceof Error ? error.message : String(error)
      return resume(Effect.succeed({ status: { code: 14, details, metadata: none }, initial, message }))
    }
    call.start(metadata, {
      onReceiveMetadata: (received) => {
        initial = received
      },
      onReceiveMessage: (received: Buffer) => {
        message = received
      },
      // It comes last, with what is known at the end.
      onReceiveStatus: (status) => resume(Effect.succeed({ status, initial, message }))
    })
    call.startRead()
    call.sendMessageWithContext({}, Buffer.from(request.buffer, request.byteOffset, request.byteLength))
    call.halfClose()
    return Effect.sync(() => call.cancelWithStatus(1, "interrupted"))
  })

/** Metadata that came before the message and after it, as headers. A gateway may quote the key in one. */
const headersOf = (parts: ReadonlyArray<Metadata | undefined>, apiKey: string): Answer["headers"] => ({
  get: (name) => {
    for (const part of parts) {
      const [value] = part?.get(name) ?? []
      if (typeof value === "string") return withoutSecrets(value, [apiKey])
    }
    return null
  }
})

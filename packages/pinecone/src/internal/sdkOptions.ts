/**
 * The options of the layer, checked and completed. Everything that can be known to fail is refused here, before the
 * first call.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Options } from "../PineconeApi.ts"
import { checkNamespace } from "../VectorRecord.ts"
import { namespaceName } from "./namespace.ts"

/** {@link Options} with every default filled in. */
export interface Settings {
  readonly apiKey: Redacted.Redacted<string>
  /** Where the index is, or the name to find that out by. */
  readonly target: { readonly host: string; readonly index?: string | undefined } | { readonly index: string }
  readonly controllerHost: string
  readonly namespace: string
  readonly timeout: Duration.Duration
  readonly maxRequestBytes: number
  readonly maxRecords: number
  readonly additionalHeaders: Readonly<Record<string, string>>
}

const invalid = (option: string, issue: string) => Effect.fail(new ConnectorError.InvalidOption({ option, issue }))

/** Records of one upsert, a limit of the service. */
const recordsLimit = 1000

/** @see {@link Settings} */
export const resolve = Effect.fnUntraced(function* (options: Options) {
  const apiKey = Redacted.value(options.apiKey)
  if (apiKey === "")
    return yield* invalid(
      "apiKey",
      "is missing; set it (PINECONE_API_KEY in the environment) to a key from https://app.pinecone.io"
    )
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    return yield* invalid("apiKey", "has a space, a line break or another character no key has; copy it again")
  }
  const target = options.host
    ? { host: yield* baseUrl("host", options.host), index: options.index || undefined }
    : options.index
      ? { index: options.index }
      : yield* invalid(
          "index",
          "is missing, and so is host; give the index's name (PINECONE_INDEX) or its address (PINECONE_INDEX_HOST)"
        )
  const timeout = Option.getOrUndefined(Duration.fromInput(options.timeout ?? "30 seconds"))
  if (timeout === undefined || !Duration.isFinite(timeout) || !Duration.isPositive(timeout)) {
    return yield* invalid("timeout", 'must be a time above zero, like "30 seconds"')
  }
  const namespace = namespaceName(options.namespace ?? "")
  const wrongName = checkNamespace(namespace)
  if (wrongName !== undefined) return yield* invalid("namespace", wrongName)
  const maxRecords = options.maxRecords ?? recordsLimit
  if (!Number.isInteger(maxRecords) || maxRecords < 1 || maxRecords > recordsLimit) {
    return yield* invalid("maxRecords", `must be a whole number from 1 to ${recordsLimit}`)
  }
  const maxRequestBytes = options.maxRequestBytes ?? 2_000_000
  if (!Number.isInteger(maxRequestBytes) || maxRequestBytes < 1) {
    return yield* invalid("maxRequestBytes", "must be a whole number of bytes above zero")
  }
  const additionalHeaders = options.additionalHeaders ?? {}
  for (const [name, value] of Object.entries(additionalHeaders)) {
    if (!isHeader(name, value)) {
      return yield* invalid(
        "additionalHeaders",
        `has a name or value no HTTP header can have, at ${JSON.stringify(name)}`
      )
    }
  }
  return {
    apiKey: options.apiKey,
    target,
    controllerHost: yield* baseUrl("controllerHost", options.controllerHost || "https://api.pinecone.io"),
    namespace,
    timeout,
    maxRequestBytes,
    maxRecords,
    additionalHeaders
  } satisfies Settings
})

const isHeader = (name: string, value: string): boolean => {
  try {
    new Headers({ [name]: value })
    return true
  } catch {
    return false
  }
}

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])(:|\/|$)/i

/**
 * An address without a scheme is taken as https, as the console shows it, and as http on this machine, where emulators
 * are. A slash at the end is dropped, a path is kept.
 */
export const baseUrl = (option: string, address: string): Effect.Effect<string, ConnectorError.InvalidOption> => {
  const text = address.trim()
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? text
    : `${loopback.test(text) ? "http" : "https"}://${text}`
  const url = URL.parse(withScheme)
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== "" ||
    url.password !== "" ||
    url.search !== "" ||
    url.hash !== ""
  ) {
    return invalid(option, "is not an address; write it like https://my-index-abc123.svc.pinecone.io")
  }
  return Effect.succeed(`${url.origin}${url.pathname.replace(/\/+$/, "")}`)
}

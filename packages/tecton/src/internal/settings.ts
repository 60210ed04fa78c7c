/**
 * The options of the layer, checked and completed. Everything that can be known to fail is refused here, before the
 * first call.
 */
import * as CheckOption from "@effect-connectors/core/CheckOption"
import { clip, InvalidOption } from "@effect-connectors/core/ConnectorError"
import { baseUrl, invalidHeader, isKey } from "@effect-connectors/core/HttpFailure"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Options } from "../TectonApi.ts"

/** Credentials of a token. */
export interface Client {
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted<string>
  readonly url: string
}

/** {@link Options} with every default filled in. */
export interface Settings {
  readonly url: string
  readonly ingestUrl: string | undefined
  readonly workspace: string
  readonly apiKey: Redacted.Redacted<string> | undefined
  readonly oauth: Client | undefined
  readonly api: "v1" | "v2"
  readonly ingestApi: "v1" | "v2"
  readonly timeout: Duration.Duration
  readonly ingestTimeout: Duration.Duration
  readonly maxRequestBytes: number
  readonly maxRowsInFlight: number | undefined
  readonly largeInt64: NonNullable<Options["largeInt64"]>
  readonly headers: Readonly<Record<string, string>>
}

/** Can a name stand in the path of an address? */
export const isPathSegment = (name: string): boolean => name !== "." && name !== ".." && name.isWellFormed()

const invalid = (option: string, issue: string) => Effect.fail(new InvalidOption({ option, issue }))

const address = (option: string, text: string) =>
  Effect.flatMap(Effect.fromResult(baseUrl(option, text, "https://my-cluster.tecton.ai")), (url) =>
    // Of its path alone: a host may be called `api` or `ingest`.
    /\/(api(\/v\d+)?|(v\d+\/)?ingest)$/.test(new URL(url).pathname)
      ? invalid(option, "ends with a part of Tecton's paths; give the address before it")
      : Effect.succeed(url)
  )

const secret = (option: string, variable: string, value: Redacted.Redacted<string>) => {
  const text = Redacted.value(value)
  if (text === "") return invalid(option, `is empty; set it (${variable} in the environment)`)
  return isKey(text)
    ? Effect.succeed(value)
    : invalid(option, "has a space, a line break or another character no key has; copy it again")
}

const time = (option: string, value: Duration.Input) => {
  const duration = Option.getOrUndefined(Duration.fromInput(value))
  return duration === undefined || !Duration.isFinite(duration) || !Duration.isPositive(duration)
    ? invalid(option, 'must be a time above zero, like "5 seconds"')
    : Effect.succeed(duration)
}

/** @see {@link Settings} */
export const resolve = Effect.fnUntraced(function* (options: Options) {
  if (options.workspace === "") {
    return yield* invalid("workspace", "is missing; name it (TECTON_WORKSPACE in the environment)")
  }
  if (!isPathSegment(options.workspace)) {
    return yield* invalid(
      "workspace",
      `is ${clip(JSON.stringify(options.workspace), 64)}, which no workspace is called`
    )
  }
  if (options.url === "") {
    return yield* invalid("url", "is missing; give the cluster's address (TECTON_URL in the environment)")
  }
  const url = yield* address("url", options.url)
  const apiKey = options.apiKey === undefined ? undefined : yield* secret("apiKey", "TECTON_API_KEY", options.apiKey)
  if (apiKey === undefined && options.oauth === undefined) {
    return yield* invalid("apiKey", "is missing, and so is oauth; give one of them (TECTON_API_KEY in the environment)")
  }
  const oauth =
    options.oauth === undefined
      ? undefined
      : {
          clientId: options.oauth.clientId,
          clientSecret: yield* secret("oauth.clientSecret", "TECTON_CLIENT_SECRET", options.oauth.clientSecret),
          url: options.oauth.url === undefined ? url : yield* address("oauth.url", options.oauth.url)
        }
  if (oauth?.clientId === "") {
    return yield* invalid("oauth.clientId", "is empty; set it (TECTON_CLIENT_ID in the environment)")
  }
  const maxRequestBytes = options.maxRequestBytes ?? 4_000_000
  if (!Number.isInteger(maxRequestBytes) || maxRequestBytes < 1) {
    return yield* invalid("maxRequestBytes", "must be a whole number of bytes above zero")
  }
  const headers = options.headers ?? {}
  const wrongHeader = invalidHeader("headers", headers)
  if (wrongHeader !== undefined) return yield* wrongHeader
  if (Object.keys(headers).some((name) => name.toLowerCase() === "authorization")) {
    return yield* invalid("headers", "has Authorization; give apiKey or oauth")
  }
  for (const option of ["api", "ingestApi"] as const) {
    const version: unknown = options[option]
    if (version !== undefined && version !== "v1" && version !== "v2") {
      return yield* invalid(option, `is ${clip(String(JSON.stringify(version)), 64)}; it must be "v1" or "v2"`)
    }
  }
  const maxRowsInFlight = options.maxRowsInFlight
  const wrongRows = CheckOption.range("maxRowsInFlight", maxRowsInFlight)
  if (wrongRows !== undefined) return yield* wrongRows
  return {
    url,
    ingestUrl: options.ingestUrl ? yield* address("ingestUrl", options.ingestUrl) : undefined,
    workspace: options.workspace,
    apiKey,
    oauth,
    api: options.api ?? "v1",
    ingestApi: options.ingestApi ?? "v1",
    timeout: yield* time("timeout", options.timeout ?? "5 seconds"),
    ingestTimeout: yield* time("ingestTimeout", options.ingestTimeout ?? "30 seconds"),
    maxRequestBytes,
    maxRowsInFlight,
    largeInt64: options.largeInt64 ?? "refuse",
    // Names in one form: two that differ in case alone would both be sent.
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  } satisfies Settings
})

/**
 * The options of the layer, checked and completed. Everything that can be known to fail is refused here, before the
 * first call.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import { baseUrl, invalidHeader, isKey } from "@effect-connectors/core/HttpFailure"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { TextLimits } from "../DocumentsApi.ts"
import type { Options } from "../PineconeApi.ts"
import { checkNamespace } from "../VectorRecord.ts"
import { namespaceName } from "./namespace.ts"
import { documentedText } from "./textLimits.ts"

/** What a call needs, to whatever part of the service. */
export interface CallSettings {
  readonly apiKey: Redacted.Redacted<string>
  readonly controllerHost: string
  readonly timeout: Duration.Duration
  readonly maxRequestBytes: number
  readonly additionalHeaders: Readonly<Record<string, string>>
}

/** {@link Options} with every default filled in. */
export interface Settings extends CallSettings {
  /** Where the index is, or the name to find that out by. */
  readonly target: { readonly host: string; readonly index?: string | undefined } | { readonly index: string }
  readonly namespace: string
  readonly maxRecords: number
}

const invalid = (option: string, issue: string) => Effect.fail(new ConnectorError.InvalidOption({ option, issue }))

/** What an address looks like, for errors. */
export const addressExample = "https://my-index-abc123.svc.pinecone.io"

/** Records of one upsert, a limit of the service. */
const recordsLimit = 1000

/** @see {@link CallSettings} */
export const resolveCalls = Effect.fnUntraced(function* (
  options: Pick<Options, "apiKey" | "controllerHost" | "timeout" | "maxRequestBytes" | "additionalHeaders">
) {
  const apiKey = Redacted.value(options.apiKey)
  if (apiKey === "")
    return yield* invalid(
      "apiKey",
      "is missing; set it (PINECONE_API_KEY in the environment) to a key from https://app.pinecone.io"
    )
  if (!isKey(apiKey)) {
    return yield* invalid("apiKey", "has a space, a line break or another character no key has; copy it again")
  }
  const timeout = Option.getOrUndefined(Duration.fromInput(options.timeout ?? "30 seconds"))
  if (timeout === undefined || !Duration.isFinite(timeout) || !Duration.isPositive(timeout)) {
    return yield* invalid("timeout", 'must be a time above zero, like "30 seconds"')
  }
  const maxRequestBytes = options.maxRequestBytes ?? 2_000_000
  if (!Number.isInteger(maxRequestBytes) || maxRequestBytes < 1) {
    return yield* invalid("maxRequestBytes", "must be a whole number of bytes above zero")
  }
  const additionalHeaders = options.additionalHeaders ?? {}
  const wrongHeader = invalidHeader("additionalHeaders", additionalHeaders)
  if (wrongHeader !== undefined) return yield* wrongHeader
  return {
    apiKey: options.apiKey,
    controllerHost: yield* Effect.fromResult(
      baseUrl("controllerHost", options.controllerHost || "https://api.pinecone.io", addressExample)
    ),
    timeout,
    maxRequestBytes,
    additionalHeaders
  } satisfies CallSettings
})

/** @see {@link Settings} */
export const resolve = Effect.fnUntraced(function* (options: Options) {
  const calls = yield* resolveCalls(options)
  const target = options.host
    ? {
        host: yield* Effect.fromResult(baseUrl("host", options.host, addressExample)),
        index: options.index || undefined
      }
    : options.index
      ? { index: options.index }
      : yield* invalid(
          "index",
          "is missing, and so is host; give the index's name (PINECONE_INDEX) or its address (PINECONE_INDEX_HOST)"
        )
  const namespace = namespaceName(options.namespace ?? "")
  const wrongName = checkNamespace(namespace)
  if (wrongName !== undefined) return yield* invalid("namespace", wrongName)
  const maxRecords = options.maxRecords ?? recordsLimit
  if (!Number.isInteger(maxRecords) || maxRecords < 1 || maxRecords > recordsLimit) {
    return yield* invalid("maxRecords", `must be a whole number from 1 to ${recordsLimit}`)
  }
  return { ...calls, target, namespace, maxRecords } satisfies Settings
})

/** A page of what is read by pages. */
interface Page {
  readonly prefix?: string | undefined
  readonly limit?: number | undefined
  readonly paginationToken?: string | undefined
}

/** The SDK would write an `undefined` or empty part of a page's address as it stands. */
export const pageOf = (request: Page) => ({
  ...(request.prefix ? { prefix: request.prefix } : {}),
  ...(request.limit === undefined ? {} : { limit: request.limit }),
  ...(request.paginationToken ? { paginationToken: request.paginationToken } : {})
})

/** The limits of text that are checked before sending; none to leave it to the service. */
export const resolveTextLimits = (
  given: Partial<TextLimits> | false | undefined
): Effect.Effect<TextLimits | undefined, ConnectorError.InvalidOption> => {
  if (given === false) return Effect.succeed(undefined)
  const limits = { ...documentedText, ...given }
  const wrong = Object.entries(limits).find(([, limit]) => !(limit >= 1))
  return wrong === undefined
    ? Effect.succeed(limits)
    : invalid(`textLimits.${wrong[0]}`, `is ${wrong[1]}; it must be a number of 1 or more`)
}

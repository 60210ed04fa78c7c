/**
 * Says what a failed call means: from the answer's status and body.
 *
 * The feature server says `{error, code, message}` with gRPC's numbers, the Stream Ingest API `{requestError}` or
 * `{recordErrors}`, and what stands in front of them HTML or nothing. All are read, none is trusted to be there.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Retry from "@effect-connectors/core/Retry"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Answer } from "./transport.ts"

/** What a call was about; its names go into messages. */
export interface Subject {
  readonly resource: "feature service" | "stream source"
  readonly name: string
  readonly workspace: string
}

const text = Schema.optionalKey(Schema.Unknown)
const decodeEnvelope = Schema.decodeUnknownResult(
  Schema.fromJsonString(
    Schema.Struct({
      error: text,
      code: text,
      message: text,
      requestError: text,
      recordErrors: text
    })
  )
)

interface Explained {
  readonly text: string
  readonly grpcCode?: number
  /** It is about records: which status that comes with is not documented. */
  readonly refusesRecords?: boolean
}

const fieldOf = (value: unknown, field: string): string => {
  const found = Predicate.hasProperty(value, field) ? value[field] : undefined
  return Predicate.isString(found) ? found : ""
}

/** An error whatever is in it: what says that it refuses must not pass for a success. */
const ofRequest = (error: unknown): string =>
  fieldOf(error, "errorMessage") || fieldOf(error, "errorType") || (Predicate.isString(error) && error) || "refused"

/** The errors of records, which name views and no record. */
const ofRecords = (errors: ReadonlyArray<unknown>): string => {
  const lines = errors.slice(0, 3).map((error) => {
    const view = fieldOf(error, "featureViewName")
    const message = ofRequest(error)
    return view === "" ? message : `${view}: ${message}`
  })
  return errors.length > lines.length
    ? `${lines.join("; ")}; and ${errors.length - lines.length} more`
    : lines.join("; ")
}

/** What a body refuses of its records. */
const recordsRefused = (body: unknown): string | undefined => {
  const recordErrors = Predicate.hasProperty(body, "recordErrors") ? body.recordErrors : undefined
  if (Predicate.isNullish(recordErrors)) return undefined
  const errors: ReadonlyArray<unknown> = Array.isArray(recordErrors) ? recordErrors : [recordErrors]
  return errors.length > 0 ? ofRecords(errors) : undefined
}

/** What a body of the Stream Ingest API refuses, also one that came with 200. */
export const refusal = (body: unknown): string | undefined => {
  const requestError = Predicate.hasProperty(body, "requestError") ? body.requestError : undefined
  return Predicate.isNullish(requestError) ? recordsRefused(body) : ofRequest(requestError)
}

/** A page of a proxy says little, and what it says is in its title. */
export const ofHtml = (page: string): string => {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(page.slice(0, 10_000))?.[1]?.trim()
  return title ? `an HTML page: ${title}` : "an HTML page"
}

const explain = (body: string): Explained => {
  const trimmed = body.trim()
  if (trimmed.startsWith("<")) return { text: ofHtml(trimmed) }
  const envelope = Result.getOrUndefined(decodeEnvelope(body))
  if (envelope === undefined) return { text: trimmed }
  const { code, error, message } = envelope
  const said = Predicate.isString(message) && message !== "" ? message : Predicate.isString(error) ? error : ""
  const words = said || (refusal(envelope) ?? "") || trimmed
  const refusesRecords = recordsRefused(envelope) !== undefined
  return typeof code === "number" && Number.isSafeInteger(code)
    ? { text: words, grpcCode: code, refusesRecords }
    : { text: words, refusesRecords }
}

/** gRPC's numbers. */
const notFound = 5
const failedPrecondition = 9

/**
 * The reason of an answer whose status is not 2xx; `now` (epoch milliseconds) is what a date in `Retry-After` is
 * compared with, and `clean` takes secrets out of text. That is done to what was read, where none can be escaped.
 */
export const classify = (
  answer: Answer,
  subject: Subject,
  now: number,
  clean: (text: string) => string
): ConnectorError.Reason => {
  const { status } = answer
  const { grpcCode, refusesRecords, text: said } = explain(answer.body)
  const text = clean(said)
  const detail = ConnectorError.clip(text === "" ? `HTTP ${status} without a message` : text)
  const wire = { status, ...(grpcCode === undefined ? {} : { grpcCode }) }
  const wait = Retry.parseRetryAfter(answer.headers["retry-after"], now)
  const retryAfter = wait === undefined ? {} : { retryAfterMillis: wait }

  if (refusesRecords === true && ![401, 403, 429].includes(status)) {
    return new ConnectorError.RequestRefused({ detail, wire })
  }
  if (status === 504) return new ConnectorError.TimedOut({ detail, wire })
  if (status >= 500) return new ConnectorError.Unavailable({ detail, wire, ...retryAfter })
  if (status >= 300 && status < 400) {
    const to = ConnectorError.clip(clean(answer.headers["location"] ?? "another address"), 200)
    const option = subject.resource === "stream source" ? "ingestUrl" : "url"
    const issue = `answers HTTP ${status}, a redirect to ${to}; give the address itself`
    return new ConnectorError.InvalidOption({ option, issue })
  }
  // An unknown feature service was seen as 400 with code 5 and, in older documentation, as 404.
  if (status === 404 || grpcCode === notFound) {
    const isWorkspace = /workspace/i.test(text) && !/feature ?service|stream ?source|feature ?view/i.test(text)
    return new ConnectorError.NotFound({
      resource: isWorkspace ? "workspace" : subject.resource,
      called: isWorkspace ? subject.workspace : subject.name,
      detail,
      wire
    })
  }
  switch (status) {
    case 401:
      return new ConnectorError.Unauthorized({ detail, wire })
    case 402:
    case 403:
    case 405:
    case 407:
      return new ConnectorError.Forbidden({ detail, wire })
    // Somebody in between gave up on the request, and what became of it is not known.
    case 408:
      return new ConnectorError.InvalidResponse({ detail, wire })
    case 429:
      return new ConnectorError.RateLimited({ detail, wire, ...retryAfter })
    case 413:
    case 414:
    case 431:
      return new ConnectorError.RequestTooLarge({ detail, wire })
    default:
      // The online store's limit of a response: fewer rows can fit.
      return grpcCode === failedPrecondition && /size|limit/i.test(text)
        ? new ConnectorError.RequestTooLarge({ detail, wire })
        : new ConnectorError.RequestRefused({ detail, wire })
  }
}

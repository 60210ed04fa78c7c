/**
 * Says what a failed call means: from the answer's status and body, or from what the socket reported.
 *
 * Pinecone answers failures in three styles: `{code, message}` (data plane, gRPC codes),
 * `{status, error: {code, message}}` (control plane) and plain text (the gateway in front of both). All are read,
 * none is trusted to be there.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Retry from "@effect-connectors/core/Retry"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** What came back, before anyone judged it. */
export interface Answer {
  readonly status: number
  readonly headers: Pick<Headers, "get">
  readonly body: string
}

/** What the call was about; its names go into messages. */
export interface Subject {
  readonly index: string
  readonly namespace?: string | undefined
  /** Of a call that is for a model and for no index. */
  readonly model?: string | undefined
}

const Envelope = Schema.fromJsonString(
  Schema.Struct({
    code: Schema.optionalKey(Schema.Unknown),
    message: Schema.optionalKey(Schema.Unknown),
    error: Schema.optionalKey(Schema.Unknown)
  })
)
const decodeEnvelope = Schema.decodeUnknownResult(Envelope)
const isErrorObject = Schema.is(Schema.Struct({ message: Schema.String }))

/** The message and the gRPC code of a failure's body, whichever style it has. */
const explain = (body: string): { readonly text: string; readonly grpcCode?: number } => {
  const envelope = Result.getOrUndefined(decodeEnvelope(body))
  if (envelope === undefined) return { text: body.trim() }
  const { code, error, message } = envelope
  const text =
    typeof message === "string"
      ? message
      : isErrorObject(error)
        ? error.message
        : typeof error === "string"
          ? error
          : body.trim()
  return typeof code === "number" && Number.isSafeInteger(code) ? { text, grpcCode: code } : { text }
}

/** A quota that is used up until next month. */
export const monthly = /current month|monthly|per month/i
/** A plan's number of namespaces is reached. */
export const noMoreNamespaces = /max(imum)? (number of )?namespaces/i
/** A request that is too large, also in the words of gRPC servers. */
export const tooLarge = /\b2 ?MB\b|message length too large|(message )?larger than (the )?max/i

/**
 * The reason of an answer whose status is not 2xx; `now` (epoch milliseconds) is what a date in `Retry-After` is
 * compared with.
 */
export const classify = (answer: Answer, subject: Subject, now: number): ConnectorError.Reason => {
  const { status } = answer
  const { grpcCode, text } = explain(answer.body)
  const detail = ConnectorError.clip(text === "" ? `HTTP ${status} without a message` : text)
  const wire = wireOf(answer, grpcCode)
  const wait = Retry.parseRetryAfter(answer.headers.get("retry-after"), now)
  const retryAfter = wait === undefined ? {} : { retryAfterMillis: wait }

  if (status === 408) return new ConnectorError.TimedOut({ wire })
  if (status >= 500) return new ConnectorError.Unavailable({ detail, wire, ...retryAfter })
  if (status >= 300 && status < 400) {
    const to = ConnectorError.clip(answer.headers.get("location") ?? "another address", 200)
    const [option, what] = subject.model === undefined ? ["host", "index"] : ["controllerHost", "control plane"]
    return new ConnectorError.InvalidOption({
      option,
      issue: `answers HTTP ${status}, a redirect to ${to}; give the address of the ${what} itself`
    })
  }
  switch (status) {
    case 401:
      return new ConnectorError.Unauthorized({ detail, wire })
    case 402:
    case 429:
      if (monthly.test(text)) return new ConnectorError.QuotaExhausted({ detail, wire })
      return status === 402
        ? new ConnectorError.Forbidden({ detail, wire })
        : new ConnectorError.RateLimited({ detail, wire, ...retryAfter })
    case 403:
      // No more namespaces may be made; those that exist still take records.
      return subject.namespace !== undefined && noMoreNamespaces.test(text)
        ? new ConnectorError.Forbidden({ detail, scope: "namespace", wire })
        : new ConnectorError.Forbidden({ detail, wire })
    case 405:
    case 407:
      return new ConnectorError.Forbidden({ detail, wire })
    case 404:
      if (subject.model !== undefined) {
        return new ConnectorError.NotFound({ resource: "model", called: subject.model, detail, wire })
      }
      return subject.namespace !== undefined && /namespace/i.test(text)
        ? new ConnectorError.NotFound({ resource: "namespace", called: subject.namespace, detail, wire })
        : new ConnectorError.NotFound({ resource: "index", called: subject.index, detail, wire })
    case 413:
    case 414:
    case 431:
      return new ConnectorError.RequestTooLarge({ detail, wire })
    default:
      return tooLarge.test(text)
        ? new ConnectorError.RequestTooLarge({ detail, wire })
        : new ConnectorError.RequestRefused({ detail, wire })
  }
}

/** The facts of an answer that every reason keeps. */
export const wireOf = (answer: Answer, grpcCode?: number): ConnectorError.Wire => {
  const requestId = answer.headers.get("x-pinecone-request-id")
  return {
    status: answer.status,
    ...(grpcCode === undefined ? {} : { grpcCode }),
    ...(requestId === null ? {} : { requestId: ConnectorError.clip(requestId, 128) })
  }
}

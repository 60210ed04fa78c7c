/** Says what a failed gRPC call means: from the status that ended it, or from what became of its connection. */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Retry from "@effect-connectors/core/Retry"
import { classify as classifyHttp, monthly, noMoreNamespaces, type Subject, tooLarge } from "./classify.ts"

/** How a call ended. */
export interface Ending {
  /** A status of gRPC, not 0. */
  readonly code: number
  readonly details: string
  /** Metadata of the answer, by name in lower case. */
  readonly headers: Pick<Headers, "get">
  /** Something came back. */
  readonly began: boolean
  /** The end of the answer had metadata, so it is the service's. */
  readonly ended: boolean
}

/** Endings that the client makes up by itself when a connection breaks. Services have these codes too. */
const alsoLocal: ReadonlySet<number> = new Set([1, 2, 13, 14])
const localDetails =
  /^(Received RST_STREAM|Connection dropped|Stream refused|Call cancelled|read E|write E|No connection|Channel |Failed to start|socket hang up|Protocol error)/i

/** Those before a byte of the call leaves, or of a call that the service says it has not looked at. */
const neverSent =
  /no connection established|name resolution failed|failed to connect|econnrefused|enotfound|eai_again|stream refused by server|failed to start http\/2 stream|channel (closed|has been)/i

/** What answers is an HTTP server, or a gateway before the service. */
const httpStatus = /^Received HTTP status code (\d{3})$/

/** A reply that the client does not take. */
const unreadable = /^Received message (larger than max|that decompresses)/

/** Did the service say so? Else the client found out by itself. */
const isAnswer = ({ began, code, details, ended }: Ending): boolean =>
  ended || !alsoLocal.has(code) || (began && !localDetails.test(details))

/** The wait that an answer asks for, in milliseconds. gRPC's own field says it in those, HTTP's in seconds or as a date. */
const retryAfter = ({ headers }: Ending, now: number): { readonly retryAfterMillis?: number } => {
  const pushback = headers.get("grpc-retry-pushback-ms")
  const wait =
    pushback !== null && /^\d+$/.test(pushback)
      ? Number(pushback)
      : Retry.parseRetryAfter(headers.get("retry-after"), now)
  return wait === undefined ? {} : { retryAfterMillis: wait }
}

/** The facts of an answer that every reason keeps. */
export const wireOf = ({ code, headers }: Pick<Ending, "code" | "headers">): ConnectorError.Wire => {
  const requestId = headers.get("x-pinecone-request-id")
  return { grpcCode: code, ...(requestId === null ? {} : { requestId: ConnectorError.clip(requestId, 128) }) }
}

/**
 * The reason of a call that did not end well; `now` (epoch milliseconds) is what a date in `retry-after` is compared
 * with.
 */
export const classify = (ending: Ending, subject: Subject, now: number): ConnectorError.Reason => {
  const { began, code, details, ended, headers } = ending
  const detail = ConnectorError.clip(details === "" ? `gRPC status ${code} without a message` : details)
  const status = httpStatus.exec(details)?.[1]
  if (status !== undefined) return classifyHttp({ status: Number(status), headers, body: "" }, subject, now)
  if (!isAnswer(ending)) {
    return new ConnectorError.ConnectionFailed({ detail, sent: began || !neverSent.test(details) })
  }
  const wire = wireOf(ending)
  if (unreadable.test(details) && !ended) return new ConnectorError.InvalidResponse({ detail, wire })
  switch (code) {
    case 3: // INVALID_ARGUMENT
    case 6: // ALREADY_EXISTS
    case 9: // FAILED_PRECONDITION
    case 11: // OUT_OF_RANGE
      return tooLarge.test(details)
        ? new ConnectorError.RequestTooLarge({ detail, wire })
        : new ConnectorError.RequestRefused({ detail, wire })
    case 4: // DEADLINE_EXCEEDED
      return new ConnectorError.TimedOut({ wire })
    case 5: // NOT_FOUND
      return subject.namespace !== undefined && /namespace/i.test(details)
        ? new ConnectorError.NotFound({ resource: "namespace", called: subject.namespace, detail, wire })
        : new ConnectorError.NotFound({ resource: "index", called: subject.index, detail, wire })
    case 7: // PERMISSION_DENIED
      return subject.namespace !== undefined && noMoreNamespaces.test(details)
        ? new ConnectorError.Forbidden({ detail, scope: "namespace", wire })
        : new ConnectorError.Forbidden({ detail, wire })
    case 8: // RESOURCE_EXHAUSTED
      if (monthly.test(details)) return new ConnectorError.QuotaExhausted({ detail, wire })
      return tooLarge.test(details)
        ? new ConnectorError.RequestTooLarge({ detail, wire })
        : new ConnectorError.RateLimited({ detail, wire, ...retryAfter(ending, now) })
    case 12: // UNIMPLEMENTED, also what an HTTP server answers that knows no gRPC
      return new ConnectorError.Forbidden({ detail: `there is no such gRPC method here: ${detail}`, wire })
    case 16: // UNAUTHENTICATED
      return new ConnectorError.Unauthorized({ detail, wire })
    default:
      // CANCELLED, UNKNOWN, ABORTED, INTERNAL, UNAVAILABLE, DATA_LOSS: the service is in trouble, and it may pass.
      return new ConnectorError.Unavailable({ detail, wire, ...retryAfter(ending, now) })
  }
}

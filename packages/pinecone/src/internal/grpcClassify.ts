/** Says what a failed gRPC call means: from the status that ended it, or from what became of its connection. */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Retry from "@effect-connectors/core/Retry"
import { monthly, noMoreNamespaces, type Subject, tooLarge } from "./classify.ts"

/** How a call ended. */
export interface Ending {
  /** A status of gRPC, not 0. */
  readonly code: number
  readonly details: string
  /** Metadata of the answer, by name in lower case. */
  readonly headers: Pick<Headers, "get">
  /** The service said so; else the client found out by itself. */
  readonly answered: boolean
}

/** Failures of the client's before a byte of the call leaves. */
const neverSent = /no connection established|name resolution failed|failed to connect|econnrefused|enotfound|eai_again/i

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
  const { answered, code, details } = ending
  const detail = ConnectorError.clip(details === "" ? `gRPC status ${code} without a message` : details)
  if (!answered && code !== 4 && code !== 8) {
    return new ConnectorError.ConnectionFailed({ detail, sent: !neverSent.test(details) })
  }
  const wire = wireOf(ending)
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

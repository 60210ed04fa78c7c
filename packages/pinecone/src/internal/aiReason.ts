/** What a failure of an embedding model means, in the words that the engines know. */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Duration from "effect/Duration"
import type { AiError } from "./ai.ts"

/** @see the module's comment */
export const reasonOf = (error: AiError): ConnectorError.Reason => {
  const detail = ConnectorError.clip(error.reason.message)
  const { retryAfter } = error
  const wait = retryAfter === undefined ? {} : { retryAfterMillis: Duration.toMillis(retryAfter) }
  switch (error.reason._tag) {
    case "RateLimitError":
      return new ConnectorError.RateLimited({ detail, ...wait })
    case "QuotaExhaustedError":
      return new ConnectorError.QuotaExhausted({ detail })
    case "AuthenticationError":
      return new ConnectorError.Unauthorized({ detail })
    case "InternalProviderError":
      return new ConnectorError.Unavailable({ detail, ...wait })
    case "NetworkError":
      return error.isRetryable
        ? new ConnectorError.ConnectionFailed({ detail, sent: true })
        : new ConnectorError.InvalidResponse({ detail })
    case "InvalidOutputError":
    case "InvalidResponseError":
      // Whoever wrote the model's layer says whether another answer may be better.
      return error.isRetryable
        ? new ConnectorError.Unavailable({ detail })
        : new ConnectorError.InvalidResponse({ detail })
    case "ContentPolicyError":
    case "InvalidRequestError":
    case "InvalidUserInputError":
      return new ConnectorError.RequestRefused({ detail })
    default:
      return new ConnectorError.InvalidResponse({ detail })
  }
}

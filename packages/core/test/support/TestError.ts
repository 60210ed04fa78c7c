import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Schema from "effect/Schema"

/** The error of a package that exists only in tests. */
export class TestError
  extends Schema.TaggedError<TestError>()("TestError", {
    reason: ConnectorError.Reason
  })
  implements ConnectorError.ConnectorError
{
  override get message(): string {
    return `test store: ${this.reason.message}`
  }
}

/** Refused for its content: halving the call can help. */
export const refused = (detail = "no") => new TestError({ reason: new ConnectorError.RequestRefused({ detail }) })

/** Not applied, worth another attempt. */
export const rateLimited = (retryAfterMillis?: number) =>
  new TestError({
    reason: new ConnectorError.RateLimited({
      detail: "too many",
      ...(retryAfterMillis === undefined ? {} : { retryAfterMillis })
    })
  })

/** Perhaps applied, worth another attempt. */
export const unavailable = () => new TestError({ reason: new ConnectorError.Unavailable({ detail: "down" }) })

/** Stops all progress. */
export const unauthorized = () => new TestError({ reason: new ConnectorError.Unauthorized({ detail: "wrong key" }) })

/** About this call only, and neither worth another attempt nor cured by halving. */
export const garbled = () => new TestError({ reason: new ConnectorError.InvalidResponse({ detail: "not JSON" }) })

/** Not answered within a deadline. */
export const timedOut = (reason: ConnectorError.TimedOut) => new TestError({ reason })

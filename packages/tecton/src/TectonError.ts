/**
 * The one error of this package. `reason` says what went wrong (see `ConnectorError` in `@effect-connectors/core` for
 * every reason), `operation` during which call.
 */
import { clip, type ConnectorError, Reason, retryAfterMillis } from "@effect-connectors/core/ConnectorError"
import * as Schema from "effect/Schema"

/**
 * A call to Tecton failed, or a key, a record or an option can never be accepted by it, or a value is not what the
 * program declares.
 *
 * @example
 * ```ts
 * import { TectonClient } from "@effect-connectors/tecton"
 * import * as Effect from "effect/Effect"
 *
 * const names = Effect.gen(function*() {
 *   const tecton = yield* TectonClient
 *   const { features } = yield* tecton.metadata({ service: "fraud" })
 *   return features.map(({ name }) => name)
 * }).pipe(
 *   Effect.catchReason("TectonError", "NotFound", () => Effect.succeed([]))
 * )
 * ```
 */
export class TectonError
  extends Schema.TaggedError<TectonError>()("TectonError", {
    operation: Schema.String,
    /** The feature service or stream source it was about. */
    subject: Schema.optionalKey(Schema.String),
    reason: Reason
  })
  implements ConnectorError
{
  override get message(): string {
    const about = this.subject === undefined ? "" : ` of ${clip(this.subject, 64)}`
    return `Tecton ${this.operation}${about}: ${this.reason.message}`
  }

  /** Can the same call succeed later? */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }

  /** The wait the service asked for before the next attempt, in milliseconds (0 for none). */
  get retryAfter(): number {
    return retryAfterMillis(this.reason)
  }
}

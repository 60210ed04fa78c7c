/**
 * The one error of this package. `reason` says what went wrong (see `ConnectorError` in
 * `@effect-connectors/core` for every reason), `operation` during which call.
 */
import { clip, type ConnectorError, Reason, retryAfterMillis } from "@effect-connectors/core/ConnectorError"
import * as Schema from "effect/Schema"

/**
 * A call to Pinecone failed, or a record or option can never be accepted by it.
 *
 * @example
 * ```ts
 * import { PineconeIndex } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 *
 * const count = Effect.gen(function*() {
 *   const index = yield* PineconeIndex
 *   return (yield* index.stats).totalRecords
 * }).pipe(
 *   Effect.catchReason("PineconeError", "NotFound", () => Effect.succeed(0))
 * )
 * ```
 */
export class PineconeError
  extends Schema.TaggedError<PineconeError>()("PineconeError", {
    operation: Schema.String,
    namespace: Schema.optionalKey(Schema.String),
    reason: Reason
  })
  implements ConnectorError
{
  override get message(): string {
    const where =
      this.namespace === undefined || this.namespace === "" ? "" : ` in namespace ${clip(this.namespace, 64)}`
    return `Pinecone ${this.operation}${where}: ${this.reason.message}`
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

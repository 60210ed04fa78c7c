/**
 * A stream source of Tecton with types: what its records are, and which of their fields are the keys of an entity.
 */
import type * as Schema from "effect/Schema"
import type { IngestRecord } from "./TectonApi.ts"

/** A stream source whose records are `A` in the program. */
export interface StreamSource<A> {
  readonly name: string
  readonly schema: Schema.Codec<A, IngestRecord>
  readonly joinKeys: ReadonlyArray<string>
}

/**
 * Declares a stream source. What the schema encodes to is sent: `Schema.BigInt` or `Schema.Int` for int64,
 * `Schema.Number` for floats, `Timestamp.TimestampSchema` or text for timestamps, structs and maps as objects.
 *
 * `joinKeys` are the fields that tell entities apart: records of one entity are written in the order they came. With an
 * empty list no order is kept.
 *
 * @example
 * ```ts
 * import { StreamSource, Timestamp } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 *
 * const clicks = StreamSource.make("clicks", {
 *   schema: Schema.Struct({
 *     user_id: Schema.String,
 *     timestamp: Timestamp.TimestampSchema,
 *     clicked: Schema.Int
 *   }),
 *   joinKeys: ["user_id"]
 * })
 * ```
 */
export const make = <A, I extends IngestRecord>(
  name: string,
  options: { readonly schema: Schema.Codec<A, I>; readonly joinKeys: ReadonlyArray<keyof I & string> }
): StreamSource<A> => ({ name, ...options })

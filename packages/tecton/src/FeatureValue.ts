/**
 * Values of features, read by their type.
 *
 * | Tecton | on the wire | here |
 * |---|---|---|
 * | `int64` | text, or a number | `bigint`, with every digit |
 * | `float32`, `float64` | a number, or `"NaN"`, `"Infinity"`, `"-Infinity"` | `number` |
 * | `string`, `boolean` | itself | itself |
 * | `timestamp` | RFC 3339 text | {@link Timestamp.Timestamp}, to the nanosecond |
 * | `array` | a list | an array; its elements may be null |
 * | `struct` | a list of its fields' values, in the order of the type | an object |
 * | `map` | an object | an object |
 * | any of them | null | null |
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type * as DataType from "./DataType.ts"
import { isNumbers, reader, Wrong } from "./internal/values.ts"
import type * as Timestamp from "./Timestamp.ts"

export { isInt64 } from "./internal/values.ts"

/** The value of a feature. Which of these it is, its {@link DataType.DataType} says. */
export type FeatureValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Timestamp.Timestamp
  | ReadonlyArray<FeatureValue>
  | { readonly [field: string]: FeatureValue }

/** What is wrong with a value, and where in it. */
export interface Mismatch {
  /** Of a value inside another: `[2]`, `.name`, `.tags.color`. */
  readonly path: string
  readonly issue: string
}

/** Reads values of one type. To be made once for many values. */
export const decoder = (dataType: DataType.DataType): ((wire: unknown) => Result.Result<FeatureValue, Mismatch>) => {
  const read = reader(dataType)
  return (wire) => {
    const value = read(wire)
    return value instanceof Wrong ? Result.fail(value) : Result.succeed(value)
  }
}

/**
 * Reads a value as a reply has it. Whole numbers that no double can hold have to be `bigint`s in it, as
 * `ExactJson.parse` of `@effect-connectors/core` gives them.
 *
 * @example
 * ```ts
 * import { DataType, FeatureValue } from "@effect-connectors/tecton"
 *
 * FeatureValue.decode(DataType.array(DataType.int64), ["9007199254740993", null]) // [9007199254740993n, null]
 * ```
 */
export const decode = (dataType: DataType.DataType, wire: unknown): Result.Result<FeatureValue, Mismatch> =>
  decoder(dataType)(wire)

/**
 * Schema of an `int64` as a `number`, for values known to be small: one beyond 2^53 is a failure, not a rounded number.
 *
 * @example
 * ```ts
 * import { FeatureService, FeatureValue } from "@effect-connectors/tecton"
 * import * as Schema from "effect/Schema"
 *
 * const service = FeatureService.make("users", {
 *   joinKeys: { user_id: Schema.String },
 *   features: { "clicks.count_1h": FeatureValue.SafeInt }
 * })
 * ```
 */
export const SafeInt: Schema.Codec<number, bigint> = Schema.BigInt.check(
  Schema.makeFilter((value: bigint) =>
    Number.isSafeInteger(Number(value)) ? undefined : `is ${value}, which no number holds exactly; use Schema.BigInt`
  )
).pipe(Schema.decodeTo(Schema.Int, SchemaTransformation.transform({ decode: Number, encode: BigInt })))

/**
 * Schema of an `array` of floats without nulls, such as an embedding: one look at each number, where `Schema.Array` parses
 * each.
 */
export const Floats: Schema.Codec<ReadonlyArray<number>> = Schema.declare(isNumbers, {
  expected: "an array of numbers without null",
  tectonType: "floats"
})

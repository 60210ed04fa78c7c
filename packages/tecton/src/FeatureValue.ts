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
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type * as DataType from "./DataType.ts"
import * as Timestamp from "./Timestamp.ts"

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

/** A mismatch on its way up, told from values by its class. */
class Wrong implements Mismatch {
  readonly path: string
  readonly issue: string
  constructor(path: string, issue: string) {
    this.path = path
    this.issue = issue
  }
  within(segment: string): Wrong {
    return new Wrong(segment + this.path, this.issue)
  }
}

type Read = (wire: unknown) => FeatureValue | Wrong

const show = (wire: unknown): string => {
  if (Array.isArray(wire)) return `a list of ${wire.length}`
  if (typeof wire === "string")
    return wire.length > 64 ? `${JSON.stringify(wire.slice(0, 64))}...` : JSON.stringify(wire)
  return typeof wire === "number" || typeof wire === "bigint" || typeof wire === "boolean" ? String(wire) : "an object"
}

const not = (type: string, wire: unknown): Wrong => new Wrong("", `is ${show(wire)} and not ${type}`)

const maxInt64 = 2n ** 63n - 1n
const minInt64 = -(2n ** 63n)

/** Is it in the range of an int64? */
export const isInt64 = (value: bigint): boolean => value >= minInt64 && value <= maxInt64

const int64: Read = (wire) => {
  const value =
    typeof wire === "string" && /^-?\d{1,19}$/.test(wire)
      ? BigInt(wire)
      : // A double beyond 2^53 has lost digits already.
        typeof wire === "number" && Number.isSafeInteger(wire)
        ? BigInt(wire)
        : wire
  return typeof value === "bigint" && isInt64(value) ? value : not("an int64", wire)
}

const decimal = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/

const float: Read = (wire) => {
  if (typeof wire === "number") return wire
  if (typeof wire === "bigint") return Number(wire)
  if (wire === "NaN") return NaN
  if (wire === "Infinity") return Infinity
  if (wire === "-Infinity") return -Infinity
  return typeof wire === "string" && decimal.test(wire) ? Number(wire) : not("a number", wire)
}

const timestamp: Read = (wire) =>
  Option.getOrElse(typeof wire === "string" ? Timestamp.parse(wire) : Option.none(), () => not("a timestamp", wire))

const arrayOf =
  (element: Read): Read =>
  (wire) => {
    if (!Array.isArray(wire)) return not("a list", wire)
    const values: Array<FeatureValue> = []
    for (let i = 0; i < wire.length; i++) {
      const value = element(wire[i])
      if (value instanceof Wrong) return value.within(`[${i}]`)
      values.push(value)
    }
    return values
  }

const isNumbers = (u: unknown): u is ReadonlyArray<number> => {
  if (!Array.isArray(u)) return false
  for (let i = 0; i < u.length; i++) if (typeof u[i] !== "number") return false
  return true
}

const structOf = (names: ReadonlyArray<string>, fields: ReadonlyArray<Read>): Read => {
  return (wire) => {
    if (!Array.isArray(wire)) return not("the list of a struct's values", wire)
    if (wire.length !== fields.length) {
      return new Wrong("", `has ${wire.length} values and its type has ${fields.length} fields`)
    }
    const entries: Array<[string, FeatureValue]> = []
    for (let i = 0; i < fields.length; i++) {
      const name = names[i]!
      const value = fields[i]!(wire[i])
      if (value instanceof Wrong) return value.within(`.${name}`)
      entries.push([name, value])
    }
    return Object.fromEntries(entries)
  }
}

const mapOf =
  (read: Read): Read =>
  (wire) => {
    if (!Predicate.isReadonlyObject(wire) || Array.isArray(wire)) return not("an object", wire)
    const entries: Array<[string, FeatureValue]> = []
    for (const [key, field] of Object.entries(wire)) {
      const value = read(field)
      if (value instanceof Wrong) return value.within(`.${key}`)
      entries.push([key, value])
    }
    return Object.fromEntries(entries)
  }

const readerOf = (dataType: DataType.DataType): Read => {
  switch (dataType.type) {
    case "boolean":
      return (wire) => (typeof wire === "boolean" ? wire : not("a boolean", wire))
    case "string":
      return (wire) => (typeof wire === "string" ? wire : not("a string", wire))
    case "int64":
      return int64
    case "float32":
    case "float64":
      return float
    case "timestamp":
      return timestamp
    case "array": {
      const read = arrayOf(orNull(dataType.elementType))
      const isFloats = dataType.elementType.type === "float32" || dataType.elementType.type === "float64"
      // The commonest list is a vector of numbers, which is what it is on the wire.
      return isFloats ? (wire) => (isNumbers(wire) ? wire : read(wire)) : read
    }
    case "struct":
      return structOf(
        dataType.fields.map(({ name }) => name),
        dataType.fields.map((field) => orNull(field.dataType))
      )
    case "map":
      return mapOf(orNull(dataType.valueType))
    case "unsupported":
      return () => new Wrong("", `is of a type this version does not know: ${dataType.name}`)
  }
}

const orNull = (dataType: DataType.DataType): Read => {
  const read = readerOf(dataType)
  return (wire) => (wire === null || wire === undefined ? null : read(wire))
}

/** Reads values of one type. To be made once for many values. */
export const decoder = (dataType: DataType.DataType): ((wire: unknown) => Result.Result<FeatureValue, Mismatch>) => {
  const read = orNull(dataType)
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

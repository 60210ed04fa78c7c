/**
 * Reads values as replies have them, by their type. `FeatureValue` says what becomes of which.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as DataType from "../DataType.ts"
import type { FeatureValue, Mismatch } from "../FeatureValue.ts"
import * as Timestamp from "../Timestamp.ts"
import { setField } from "./record.ts"

/** A mismatch on its way up, told from values by its class. */
export class Wrong implements Mismatch {
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

/** Reads a value, or says what is wrong with it. */
export type Read = (wire: unknown) => FeatureValue | Wrong

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

/** A number of so many digits is exact as a double, and makes a bigint faster than its text does. */
const fewDigits = 15

/** A whole number of few digits; `undefined` for any other text. */
const small = (text: string): number | undefined => {
  const sign = text.charCodeAt(0) === 45 ? 1 : 0
  const digits = text.length - sign
  if (digits < 1 || digits > fewDigits) return undefined
  let value = 0
  for (let i = sign; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (!(digit >= 0 && digit <= 9)) return undefined
    value = value * 10 + digit
  }
  return sign === 1 ? -value : value
}

const int64: Read = (wire) => {
  const number = typeof wire === "string" ? small(wire) : undefined
  if (number !== undefined) return BigInt(number)
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

/** Is it a list of numbers alone? One look at each: it may be a vector of a thousand. */
export const isNumbers = (u: unknown): u is ReadonlyArray<number> => {
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
    const struct: { [field: string]: FeatureValue } = {}
    for (let i = 0; i < fields.length; i++) {
      const name = names[i]!
      const value = fields[i]!(wire[i])
      if (value instanceof Wrong) return value.within(`.${name}`)
      setField(struct, name, value)
    }
    return struct
  }
}

const mapOf =
  (read: Read): Read =>
  (wire) => {
    if (!Predicate.isReadonlyObject(wire) || Array.isArray(wire)) return not("an object", wire)
    const map: { [key: string]: FeatureValue } = {}
    for (const [key, field] of Object.entries(wire)) {
      const value = read(field)
      if (value instanceof Wrong) return value.within(`.${key}`)
      setField(map, key, value)
    }
    return map
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
      const read = arrayOf(reader(dataType.elementType))
      const isFloats = dataType.elementType.type === "float32" || dataType.elementType.type === "float64"
      // The commonest list is a vector of numbers, which is what it is on the wire.
      return isFloats ? (wire) => (isNumbers(wire) ? wire : read(wire)) : read
    }
    case "struct":
      return structOf(
        dataType.fields.map(({ name }) => name),
        dataType.fields.map((field) => reader(field.dataType))
      )
    case "map":
      return mapOf(reader(dataType.valueType))
    case "unsupported":
      return () => new Wrong("", `is of a type this version does not know: ${dataType.name}`)
  }
}

/** Reads values of one type, which may be null. To be made once for many values. */
export const reader = (dataType: DataType.DataType): Read => {
  const read = readerOf(dataType)
  return (wire) => (wire === null || wire === undefined ? null : read(wire))
}

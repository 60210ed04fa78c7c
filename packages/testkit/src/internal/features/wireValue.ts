/**
 * Values on their way in, from records and request contexts, and on their way out, into vectors. The two differ: a
 * struct comes as an object and goes as the list of its fields' values.
 */
import type { DataType } from "@effect-connectors/tecton/DataType"
import { type FeatureValue, isInt64 } from "@effect-connectors/tecton/FeatureValue"
import * as Timestamp from "@effect-connectors/tecton/Timestamp"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/** Why a value is not of its type. */
export class Mismatch {
  readonly issue: string
  constructor(issue: string) {
    this.issue = issue
  }
}

/** Reads values of one type; null is of every type. */
export type Reader = (wire: unknown) => FeatureValue | Mismatch

export interface Accepts {
  /** Is text taken for an int64? */
  readonly int64AsText: boolean
  /** Are numbers taken that JSON has no form for, and timestamps that are not text? Those of a program are. */
  readonly fromProgram?: boolean | undefined
}

const show = (wire: unknown): string => {
  if (Array.isArray(wire)) return "a list"
  if (typeof wire === "string") return JSON.stringify(wire.length > 64 ? `${wire.slice(0, 64)}...` : wire)
  return typeof wire === "number" || typeof wire === "bigint" || typeof wire === "boolean" ? `${wire}` : "an object"
}

const not = (type: string, wire: unknown): Mismatch => new Mismatch(`is ${show(wire)} and not of type ${type}`)

const specials: ReadonlyMap<unknown, number> = new Map([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity]
])

/** A reader of values, to be made once for many. */
export const reader = (dataType: DataType, accepts: Accepts): Reader => {
  const read = readerOf(dataType, accepts)
  return (wire) => (wire === null || wire === undefined ? null : read(wire))
}

const readerOf = (dataType: DataType, accepts: Accepts): Reader => {
  const { type } = dataType
  switch (type) {
    case "boolean":
      return (wire) => (typeof wire === "boolean" ? wire : not(type, wire))
    case "string":
      return (wire) => (typeof wire === "string" ? wire : not(type, wire))
    case "int64":
      return (wire) => toInt64(wire, accepts.int64AsText) ?? not(type, wire)
    case "float64":
      return (wire) => toFloat(wire, accepts) ?? not(type, wire)
    case "float32":
      return (wire) => {
        const value = toFloat(wire, accepts)
        return value === undefined ? not(type, wire) : Math.fround(value)
      }
    case "timestamp":
      return (wire) => {
        if (accepts.fromProgram === true && wire instanceof Timestamp.Timestamp) return wire
        const parsed = typeof wire === "string" ? Timestamp.parse(wire) : Option.none()
        return Option.getOrElse(parsed, () => not(type, wire))
      }
    case "array":
      return arrayReader(reader(dataType.elementType, accepts))
    case "map":
      return mapReader(reader(dataType.valueType, accepts))
    case "struct":
      return structReader(
        new Map(dataType.fields.map((field): [string, Reader] => [field.name, reader(field.dataType, accepts)]))
      )
    case "unsupported":
      return (wire) => not(dataType.name, wire)
  }
}

const toInt64 = (wire: unknown, asText: boolean): bigint | undefined => {
  const value =
    typeof wire === "number" && Number.isSafeInteger(wire)
      ? BigInt(wire)
      : asText && typeof wire === "string" && /^-?\d{1,19}$/.test(wire)
        ? BigInt(wire)
        : wire
  return typeof value === "bigint" && isInt64(value) ? value : undefined
}

const toFloat = (wire: unknown, { fromProgram }: Accepts): number | undefined => {
  if (typeof wire === "bigint") return Number(wire)
  // JSON like 1e999 is read as Infinity: the number it says is out of range.
  // And JSON has no -0.
  if (typeof wire === "number") return Number.isFinite(wire) || fromProgram === true ? wire + 0 : undefined
  return specials.get(wire)
}

const arrayReader =
  (element: Reader): Reader =>
  (wire) => {
    if (!Array.isArray(wire)) return not("array", wire)
    const values: Array<FeatureValue> = []
    for (let at = 0; at < wire.length; at++) {
      const value = element(wire[at])
      if (value instanceof Mismatch) return new Mismatch(`holds at ${at} a value that ${value.issue}`)
      values.push(value)
    }
    return values
  }

const isFields = (wire: unknown): wire is { readonly [field: string]: unknown } =>
  Predicate.isReadonlyObject(wire) && !Array.isArray(wire) && !(wire instanceof Timestamp.Timestamp)

const mapReader =
  (element: Reader): Reader =>
  (wire) => {
    if (!isFields(wire)) return not("map", wire)
    const entries: Array<[string, FeatureValue]> = []
    for (const [key, field] of Object.entries(wire)) {
      const value = element(field)
      if (value instanceof Mismatch) return new Mismatch(`holds at ${show(key)} a value that ${value.issue}`)
      entries.push([key, value])
    }
    return Object.fromEntries(entries)
  }

/** Every field is there afterwards: one that is left out is null. */
const structReader =
  (fields: ReadonlyMap<string, Reader>): Reader =>
  (wire) => {
    if (!isFields(wire)) return not("struct", wire)
    const given = new Map(Object.entries(wire))
    for (const name of given.keys()) if (!fields.has(name)) return new Mismatch(`has an unknown field ${show(name)}`)
    const entries: Array<[string, FeatureValue]> = []
    for (const [name, read] of fields) {
      const value = read(given.get(name))
      if (value instanceof Mismatch) return new Mismatch(`has a field ${name} that ${value.issue}`)
      entries.push([name, value])
    }
    return Object.fromEntries(entries)
  }

const isList = (value: FeatureValue): value is ReadonlyArray<FeatureValue> => Array.isArray(value)

/** A value as a vector has it. */
export const toWire = (dataType: DataType, value: FeatureValue): unknown => {
  if (value === null) return null
  if (typeof value === "bigint") return String(value)
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value)
  if (typeof value !== "object") return value
  if (value instanceof Timestamp.Timestamp) return value.toString()
  if (isList(value)) {
    const { elementType } = dataType.type === "array" ? dataType : { elementType: dataType }
    return value.map((element) => toWire(elementType, element))
  }
  const entries = Object.entries(value)
  if (dataType.type === "map") {
    return Object.fromEntries(entries.map(([key, field]) => [key, toWire(dataType.valueType, field)]))
  }
  const fields = new Map(entries)
  return dataType.type === "struct" ? dataType.fields.map((f) => toWire(f.dataType, fields.get(f.name) ?? null)) : null
}

/** About the bytes a value takes in the online store. */
export const sizeOf = (value: FeatureValue): number => {
  if (value === null || typeof value === "boolean") return 1
  if (typeof value === "string") return value.length
  if (typeof value !== "object" || value instanceof Timestamp.Timestamp) return 8
  if (isList(value)) return value.reduce((sum: number, element) => sum + sizeOf(element), 0)
  return Object.entries(value).reduce((sum, [key, field]) => sum + key.length + sizeOf(field), 0)
}

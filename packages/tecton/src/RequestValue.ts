/**
 * Values of requests as they go on the wire: an int64 as text, a float64 that is no number as its name, a time as RFC
 * 3339 text. What is `undefined` is not sent, `null` is.
 */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Predicate from "effect/Predicate"
import type { ContextValue, JoinKeyValue, Lookup } from "./TectonApi.ts"
import { isInt64 } from "./FeatureValue.ts"
import { setField } from "./internal/record.ts"
import { isRfc3339, Timestamp } from "./Timestamp.ts"

/** Levels of nesting that are written: as many as protobuf's own JSON reader takes. */
const maxDepth = 100

/** What is wrong with a join key's value, if anything is. Tecton has keys of type string and int64. */
export const checkJoinKey = (value: unknown): string | undefined => {
  if (value === null) return undefined
  if (typeof value === "string") return value === "" ? "is empty" : undefined
  if (typeof value === "bigint") return isInt64(value) ? undefined : `is ${value}, which is no int64`
  if (typeof value === "number") {
    return Number.isSafeInteger(value)
      ? undefined
      : `is ${value}; a number has to be whole and below 2^53, else a bigint`
  }
  return `is ${describe(value)}; a join key is a string, a whole number or null`
}

/** What is wrong with a value of the request context or of a record, if anything is. */
export const checkValue = (value: unknown, levels = maxDepth): string | undefined => {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return undefined
  }
  if (typeof value === "bigint") return isInt64(value) ? undefined : `is ${value}, which is no int64`
  if (value instanceof Timestamp) return isRfc3339(value) ? undefined : "is a timestamp outside the years 1 to 9999"
  if (levels === 0) return `is nested more than ${maxDepth} levels deep`
  if (Array.isArray(value)) {
    if (isPlainList(value)) return undefined
    for (const element of value) {
      const issue = checkValue(element, levels - 1)
      if (issue !== undefined) return `holds a value that ${issue}`
    }
    return undefined
  }
  if (!isPlainObject(value)) return `is ${describe(value)}`
  for (const [field, element] of Object.entries(value)) {
    const issue = element === undefined ? undefined : checkValue(element, levels - 1)
    if (issue !== undefined) return `has a field ${JSON.stringify(field)} that ${issue}`
  }
  return undefined
}

/** Do all elements go out as they are? One look at each, since a list may be a vector of a thousand numbers. */
const isPlainList = (list: ReadonlyArray<unknown>): boolean => {
  for (let i = 0; i < list.length; i++) {
    const element = list[i]
    if (typeof element === "number" ? element - element !== 0 : typeof element !== "string") return false
  }
  return true
}

const isPlainObject = (value: unknown): value is { readonly [field: string]: unknown } => {
  if (!Predicate.isReadonlyObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const describe = (value: unknown): string => {
  if (value === undefined) return "undefined"
  if (typeof value !== "object" || value === null) return `a ${typeof value}`
  const { constructor } = value
  return typeof constructor === "function" ? `an object of ${constructor.name}` : "an object"
}

const float = (value: number): number | string =>
  Number.isFinite(value) ? value : Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity"

/** A join key's value as it is sent. */
export const joinKey = (value: JoinKeyValue): string | null => (value === null ? null : String(value))

/** How an int64 is written. */
export type WriteInt64 = (value: bigint) => unknown

/** A value as it is sent: text for an int64, unless `int64` says otherwise. */
export const wireValue = (value: ContextValue, int64: WriteInt64 = String): unknown => {
  if (typeof value === "bigint") return int64(value)
  if (typeof value === "number") return float(value)
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Timestamp) return value.toString()
  if (isList(value)) return isPlainList(value) ? value : value.map((element) => wireValue(element, int64))
  return wireFields(value, (field) => wireValue(field, int64))
}

const isList = (value: object): value is ReadonlyArray<ContextValue> => Array.isArray(value)

/** The fields that are given, each as it is sent. */
export const wireFields = <A>(
  fields: { readonly [name: string]: A | undefined },
  write: (value: A) => unknown
): { readonly [name: string]: unknown } => {
  const written: { [name: string]: unknown } = {}
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    if (value !== undefined) setField(written, name, write(value))
  }
  return written
}

type Fields = { readonly [name: string]: unknown }

const checkFields = (
  part: string,
  fields: Fields | undefined,
  check: (value: unknown) => string | undefined
): InvalidRecord | undefined => {
  if (fields === undefined) return undefined
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    const issue = name === "" ? "has no name" : value === undefined ? undefined : check(value)
    if (issue !== undefined) return new InvalidRecord({ field: `${part} ${name}`, issue })
  }
  return undefined
}

/** What is wrong with the keys and the context of a lookup, if anything is. */
export const checkLookup = ({ joinKeys, requestContext }: Lookup): InvalidRecord | undefined =>
  checkFields("join key", joinKeys, checkJoinKey) ??
  checkFields("request context", requestContext, (value) => checkValue(value))

/**
 * JSON whose whole numbers keep every digit: what a double can not hold is a `bigint`, on the way in and out.
 */
import * as Predicate from "effect/Predicate"

/**
 * A whole number of so many digits may be too large for a double. These are two, since one expression for both takes ten times as
 * long as the first on text that has none.
 */
const longInside = /[[,:\s]-?\d{16}/
const longAtStart = /^-?\d{16}/

const isDigits = /^-?\d+$/

/**
 * Reads JSON as `JSON.parse` does, and throws as it does; whole numbers beyond 2^53 become `bigint`.
 *
 * @example
 * ```ts
 * import { ExactJson } from "@effect-connectors/core"
 *
 * ExactJson.parse("[1, 9007199254740993]") // [1, 9007199254740993n]
 * ```
 */
export const parse = (text: string): unknown =>
  longInside.test(text) || longAtStart.test(text)
    ? // The third parameter of a reviver holds the text the value was read from.
      JSON.parse(text, (_key, value: unknown, ...rest: ReadonlyArray<{ readonly source?: string }>) => {
        if (typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value)) return value
        const source = rest[0]?.source
        return source !== undefined && isDigits.test(source) ? BigInt(source) : value
      })
    : JSON.parse(text)

/** What JSON.stringify writes as it stands; every platform that Effect 4 runs on has it. */
interface RawJson {
  readonly rawJSON: (text: string) => unknown
}

const hasRaw = (json: unknown): json is RawJson =>
  Predicate.hasProperty(json, "rawJSON") && typeof json.rawJSON === "function"

/** A value that `JSON.stringify` writes as all the digits of a whole number; the `bigint` itself where it knows none. */
export const digits = (value: bigint): unknown => (hasRaw(JSON) ? JSON.rawJSON(String(value)) : value)

/**
 * Writes JSON as `JSON.stringify` does, and `bigint`s with all their digits.
 *
 * @example
 * ```ts
 * import { ExactJson } from "@effect-connectors/core"
 *
 * ExactJson.stringify({ id: 9007199254740993n }) // {"id":9007199254740993}
 * ```
 */
export const stringify = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? digits(inner) : inner)) ?? "null"

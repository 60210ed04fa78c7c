/**
 * JSON whose whole numbers keep every digit: what a double can not hold is a `bigint`, on the way in and out.
 */

/** A whole number of so many digits may be too large for a double. */
const hasLongNumber = /(?:[[,:\s]|^)-?\d{16}/

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
  hasLongNumber.test(text)
    ? // The third parameter of a reviver holds the text the value was read from.
      JSON.parse(text, (_key, value: unknown, ...rest: ReadonlyArray<{ readonly source?: string }>) => {
        if (typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value)) return value
        const source = rest[0]?.source
        return source !== undefined && isDigits.test(source) ? BigInt(source) : value
      })
    : JSON.parse(text)

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
export const stringify = (value: unknown): string => {
  const text = write(value)
  return text === undefined ? "null" : text
}

const write = (value: unknown): string | undefined => {
  if (typeof value === "bigint") return String(value)
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((element) => write(element) ?? "null").join(",")}]`
  if ("toJSON" in value && typeof value.toJSON === "function") return write(value.toJSON())
  const fields: Array<string> = []
  for (const [key, field] of Object.entries(value)) {
    const text = write(field)
    if (text !== undefined) fields.push(`${JSON.stringify(key)}:${text}`)
  }
  return `{${fields.join(",")}}`
}

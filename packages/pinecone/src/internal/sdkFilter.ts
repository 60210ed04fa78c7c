/**
 * Filters as they go on the wire. Bare values become `{$eq: value}`, since the SDK takes `{flag: false}` and `{n: 0}`
 * for empty filters. What JSON would drop or turn into `null` is refused: a delete whose condition got lost would
 * delete too much.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Result from "effect/Result"
import type { Filter } from "../Filter.ts"

type Plain = Record<string, unknown>

const isObject = (u: unknown): u is Plain => typeof u === "object" && u !== null && !Array.isArray(u)

const invalid = (issue: string) => Result.fail(new ConnectorError.InvalidOption({ option: "filter", issue }))

/** @see the module's comment */
export const toWireFilter = (filter: Filter): Result.Result<Plain, ConnectorError.InvalidOption> =>
  Object.keys(filter).length === 0 ? invalid("is empty; leave it out, or name at least one field") : fields(filter, "")

const fields = (filter: object, path: string): Result.Result<Plain, ConnectorError.InvalidOption> => {
  const out: Plain = {}
  for (const [key, value] of Object.entries(filter)) {
    const at = path === "" ? key : `${path}.${key}`
    const part = condition(key, value, at)
    if (Result.isFailure(part)) return Result.fail(part.failure)
    out[key] = part.success
  }
  return Result.succeed(out)
}

const condition = (key: string, value: unknown, at: string): Result.Result<unknown, ConnectorError.InvalidOption> => {
  if (value === undefined || value === null || (typeof value === "number" && !Number.isFinite(value))) {
    return invalid(
      `has ${value} at ${JSON.stringify(at)}, which JSON cannot carry; leave that condition out or give it a value`
    )
  }
  if (isObject(value)) return fields(value, at)
  if (!Array.isArray(value)) return Result.succeed(key.startsWith("$") ? value : { $eq: value })
  const parts: Array<unknown> = []
  for (const [i, element] of value.entries()) {
    const part = isObject(element) ? fields(element, `${at}[${i}]`) : condition("$", element, `${at}[${i}]`)
    if (Result.isFailure(part)) return part
    parts.push(part.success)
  }
  return Result.succeed(parts)
}

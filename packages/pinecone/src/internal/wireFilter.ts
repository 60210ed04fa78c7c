/**
 * Filters as they go on the wire. Bare values become `{$eq: value}`, since the SDK takes `{flag: false}` and `{n: 0}`
 * for empty filters. What JSON would drop or turn into `null` is refused, and so is a condition without content: a
 * delete whose condition got lost would delete too much.
 */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Filter } from "../Filter.ts"

/** A filter as JSON. */
export type WireFilter = Readonly<Record<string, unknown>>

type Checked<A> = Result.Result<A, InvalidRecord>

const invalid = (issue: string) => Result.fail(new InvalidRecord({ field: "filter", issue }))

/** @see the module's comment */
export const toWireFilter = (filter: Filter): Checked<WireFilter> => {
  if (!Predicate.isObject(filter)) return invalid("is not an object; leave it out, or name at least one field")
  return Object.keys(filter).length === 0
    ? invalid("is empty; leave it out, or name at least one field")
    : fields(filter, "")
}

/** Levels of conditions; the service has no use for as many. */
const maxDepth = 100

const fields = (filter: object, path: string, depth = maxDepth): Checked<WireFilter> => {
  if (depth === 0) return invalid(`is nested deeper than ${maxDepth} levels`)
  const out: Array<readonly [string, unknown]> = []
  for (const [key, value] of Object.entries(filter)) {
    const at = path === "" ? key : `${path}.${key}`
    const part = condition(key, value, at, depth - 1)
    if (Result.isFailure(part)) return Result.fail(part.failure)
    out.push([key, part.success])
  }
  if (out.length === 0) return invalid(`has nothing at ${JSON.stringify(path)}; leave that condition out or fill it`)
  // An assignment would lose a field called __proto__.
  return Result.succeed(Object.fromEntries(out))
}

const condition = (key: string, value: unknown, at: string, depth: number): Checked<unknown> => {
  if (value === undefined || value === null || (typeof value === "number" && !Number.isFinite(value))) {
    return invalid(
      `has ${value} at ${JSON.stringify(at)}, which JSON cannot carry; leave that condition out or give it a value`
    )
  }
  if (depth === 0) return invalid(`is nested deeper than ${maxDepth} levels`)
  if (Predicate.isObject(value)) return fields(value, at, depth)
  if (!Array.isArray(value)) return Result.succeed(key.startsWith("$") ? value : { $eq: value })
  const parts: Array<unknown> = []
  for (const [i, element] of value.entries()) {
    const part = condition("$", element, `${at}[${i}]`, depth - 1)
    if (Result.isFailure(part)) return part
    parts.push(part.success)
  }
  return Result.succeed(parts)
}

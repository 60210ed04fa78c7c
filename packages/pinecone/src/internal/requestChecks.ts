/**
 * Rules of calls that are checked before anything is sent: the service would refuse the call anyway, or JSON would
 * damage it.
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Effect from "effect/Effect"
import type { QueryRequest } from "../PineconeIndex.ts"
import type { Values, VectorRecord } from "../VectorRecord.ts"

const maxTopK = 10_000
const maxIds = 1_000
const maxPage = 100

/** Succeeds when the rule is kept. */
export type Check = Effect.Effect<void, ConnectorError.Reason>

const invalidOption = (option: string, issue: string): Check =>
  Effect.fail(new ConnectorError.InvalidOption({ option, issue }))

const invalidRecord = (id: string | undefined, field: string, issue: string): Check =>
  Effect.fail(new ConnectorError.InvalidRecord({ field, issue, ...(id === undefined ? {} : { id }) }))

/** The position of the first number that JSON cannot carry, or -1. */
const firstNonFinite = (values: Values): number => {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i
  return -1
}

const inRange = (n: number, max: number): boolean => Number.isInteger(n) && n >= 1 && n <= max

const checkValues = (id: string | undefined, field: string, values: Values | undefined): Check => {
  const at = values === undefined ? -1 : firstNonFinite(values)
  return values === undefined || at === -1
    ? Effect.void
    : invalidRecord(id, field, `has ${values[at]} at position ${at}; every value must be a finite number`)
}

/** JSON turns `NaN` and `Infinity` into `null` without a word. */
export const checkRecord = ({ id, sparseValues, values }: VectorRecord): Check => {
  if (id === "") return invalidRecord(undefined, "id", "is empty")
  return Effect.andThen(checkValues(id, "values", values), checkValues(id, "sparseValues", sparseValues?.values))
}

/** The range of `topK`, and what is asked with: vectors or an id, of finite numbers. */
export const checkQuery = (request: QueryRequest): Check => {
  const { id, sparseVector, topK, vector } = request
  if (!inRange(topK, maxTopK))
    return invalidOption("topK", `must be a whole number from 1 to ${maxTopK}, and is ${topK}`)
  if (id !== undefined) {
    if (vector !== undefined || sparseVector !== undefined) {
      return invalidOption("id", "cannot be given together with a vector; leave one of them out")
    }
    return id === "" ? invalidRecord(undefined, "id", "is empty") : Effect.void
  }
  if (vector === undefined && sparseVector === undefined) {
    return invalidRecord(undefined, "vector", "is missing; give vector, sparseVector or id")
  }
  if (vector?.length === 0) return invalidRecord(undefined, "vector", "is empty")
  if (sparseVector?.indices.length === 0) return invalidRecord(undefined, "sparseVector", "is empty")
  return Effect.andThen(
    checkValues(undefined, "vector", vector),
    checkValues(undefined, "sparseVector", sparseVector?.values)
  )
}

/** The ids of a fetch or delete. */
export const checkIds = (ids: ReadonlyArray<string>): Check => {
  if (ids.length === 0) return invalidRecord(undefined, "ids", "is empty; name at least one record")
  if (ids.includes("")) return invalidRecord(undefined, "id", "is empty")
  return ids.length <= maxIds
    ? Effect.void
    : Effect.fail(new ConnectorError.RequestTooLarge({ detail: `${ids.length} ids, and a call takes ${maxIds}` }))
}

/** The size of a page. */
export const checkLimit = (limit: number | undefined): Check =>
  limit === undefined || inRange(limit, maxPage)
    ? Effect.void
    : invalidOption("limit", `must be a whole number from 1 to ${maxPage}, and is ${limit}`)

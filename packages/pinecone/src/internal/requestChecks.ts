/**
 * Rules of calls that are checked before anything is sent: the service would refuse the call anyway, or JSON would
 * damage it (it turns `NaN` into `null` without a word).
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { QueryRequest } from "../PineconeApi.ts"
import * as VectorRecord from "../VectorRecord.ts"

const maxTopK = 10_000
const maxIds = 1_000
const maxPage = 100

/** Succeeds when the rule is kept. */
export type Check = Effect.Effect<void, ConnectorError.Reason>

const invalidOption = (option: string, issue: string): Check =>
  Effect.fail(new ConnectorError.InvalidOption({ option, issue }))

const inRange = (n: number, max: number): boolean => Number.isInteger(n) && n >= 1 && n <= max

const first = (checked: ReadonlyArray<Result.Result<unknown, ConnectorError.Reason>>): Check => {
  const bad = checked.find(Result.isFailure)
  return bad === undefined ? Effect.void : Effect.fail(bad.failure)
}

/** Records to write, of a caller who did not check them. */
export const checkRecords = (records: ReadonlyArray<unknown>): Check => first(VectorRecord.checkAny(records))

/** The change of a record. */
export const checkChange = (change: unknown): Check => first(VectorRecord.checkChange([change]))

/** The range of `topK`, and what is asked with. */
export const checkQuery = (request: QueryRequest): Check => {
  if (!inRange(request.topK, maxTopK))
    return invalidOption("topK", `must be a whole number from 1 to ${maxTopK}, and is ${request.topK}`)
  const wrong = VectorRecord.checkQuery(request, undefined)
  return wrong === undefined ? Effect.void : Effect.fail(wrong)
}

/** The ids of a fetch or delete. */
export const checkIds = (ids: ReadonlyArray<string>): Check => {
  if (ids.length === 0 || ids.includes("")) {
    return Effect.fail(new ConnectorError.InvalidRecord({ field: "id", issue: "is empty; name at least one record" }))
  }
  return ids.length <= maxIds
    ? Effect.void
    : Effect.fail(new ConnectorError.RequestTooLarge({ detail: `${ids.length} ids, and a call takes ${maxIds}` }))
}

/** The size of a page. */
export const checkLimit = (limit: number | undefined): Check =>
  limit === undefined || inRange(limit, maxPage)
    ? Effect.void
    : invalidOption("limit", `must be a whole number from 1 to ${maxPage}, and is ${limit}`)

/**
 * Rules of calls that are checked before anything is sent: the service would refuse the call anyway, or JSON would
 * damage it (it turns `NaN` into `null` without a word).
 */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import * as Effect from "effect/Effect"
import { checkAny, checkChange as checkChanges, invalidId } from "./recordChecks.ts"

const maxTopK = 10_000
const maxIds = 1_000
const maxPage = 100

/** Succeeds when the rule is kept. */
export type Check = Effect.Effect<void, ConnectorError.Reason>

const invalidOption = (option: string, issue: string): Check =>
  Effect.fail(new ConnectorError.InvalidOption({ option, issue }))

const inRange = (n: number, max: number): boolean => Number.isInteger(n) && n >= 1 && n <= max

/** Records to write, of a caller who did not check them. */
export const checkRecords = (records: ReadonlyArray<unknown>): Check =>
  Effect.forEach(records, (record) => Effect.fromResult(checkAny(record)), { discard: true })

/** The change of a record. */
export const checkChange = (change: unknown): Check => Effect.asVoid(Effect.fromResult(checkChanges(change)))

/** The range of `topK`. */
export const checkTopK = (topK: number): Check =>
  inRange(topK, maxTopK)
    ? Effect.void
    : invalidOption("topK", `must be a whole number from 1 to ${maxTopK}, and is ${topK}`)

/** The ids of a fetch or delete. */
export const checkIds = (ids: ReadonlyArray<string>): Check => {
  if (ids.length === 0) {
    return Effect.fail(new ConnectorError.InvalidRecord({ field: "ids", issue: "is empty; name at least one record" }))
  }
  if (ids.length > maxIds) {
    return Effect.fail(new ConnectorError.RequestTooLarge({ detail: `${ids.length} ids, and a call takes ${maxIds}` }))
  }
  for (const id of ids) {
    const wrong = invalidId(id)
    if (wrong !== undefined) return Effect.fail(wrong)
  }
  return Effect.void
}

/** The size of a page. */
export const checkLimit = (limit: number | undefined): Check =>
  limit === undefined || inRange(limit, maxPage)
    ? Effect.void
    : invalidOption("limit", `must be a whole number from 1 to ${maxPage}, and is ${limit}`)

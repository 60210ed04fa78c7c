/**
 * Pages over sorted names: ids of a namespace, namespaces of an index.
 *
 * The token is the service's own form, base64 of `{"skip_past": name, "prefix": prefix}`, as decoded from the samples
 * of its documentation. Callers must treat it as opaque.
 */
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { outOfRange, type Refusal, refused } from "./refusals.ts"

export interface PageRequest {
  /** A token of another prefix is refused. @default that of the token */
  readonly prefix?: string | undefined
  readonly limit?: number | undefined
  readonly paginationToken?: string | undefined
  /** What the names are chosen by beside the prefix: a token of another scope is refused. */
  readonly scope?: string | undefined
}

export interface Page {
  readonly names: ReadonlyArray<string>
  /** None on the last page. */
  readonly next: string | undefined
}

/** A scope for what the names are chosen by, whatever it is. */
export const scopeOf = (chosenBy: unknown): string =>
  createHash("sha256").update(JSON.stringify(chosenBy)).digest("base64url").slice(0, 16)

const Token = Schema.fromJsonString(
  Schema.Struct({
    skip_past: Schema.String,
    prefix: Schema.optionalKey(Schema.NullOr(Schema.String)),
    scope: Schema.optionalKey(Schema.String)
  })
)

const decodeToken = Schema.decodeUnknownOption(Token)

/** The names after the token, in ascending order. `sorted` may hold names that are gone: `isThere` tells. */
export const page = (
  sorted: ReadonlyArray<string>,
  isThere: (name: string) => boolean,
  request: PageRequest,
  maxLimit: number
): Result.Result<Page, Refusal> => {
  const limit = request.limit ?? maxLimit
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    return Result.fail(outOfRange("limit", 1, maxLimit, limit))
  }
  const token =
    request.paginationToken === undefined
      ? Option.none()
      : decodeToken(Buffer.from(request.paginationToken, "base64").toString())
  const from = Option.getOrUndefined(token)
  const prefix = request.prefix ?? from?.prefix ?? ""
  const isOther = from?.scope !== request.scope || (from?.prefix ?? "") !== prefix
  if (request.paginationToken !== undefined && (from === undefined || isOther)) {
    return Result.fail(refused("Invalid pagination token"))
  }
  const names: Array<string> = []
  for (let at = firstAfter(sorted, prefix, from?.skip_past); at < sorted.length; at++) {
    const name = sorted[at]!
    if (!name.startsWith(prefix)) break
    if (!isThere(name)) continue
    if (names.length === limit)
      return Result.succeed({ names, next: encodeToken(names[limit - 1]!, prefix, request.scope) })
    names.push(name)
  }
  return Result.succeed({ names, next: undefined })
}

const encodeToken = (skipPast: string, prefix: string, scope: string | undefined): string =>
  Buffer.from(JSON.stringify({ skip_past: skipPast, prefix: prefix === "" ? null : prefix, scope })).toString("base64")

/** The first place at or after `prefix` and after `skipPast`, by bisection. */
const firstAfter = (sorted: ReadonlyArray<string>, prefix: string, skipPast: string | undefined): number => {
  const isBefore = (name: string) => name < prefix || (skipPast !== undefined && name <= skipPast)
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBefore(sorted[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

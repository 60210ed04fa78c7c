/** What a store says to a request: an answer, or why not. */
import type { RequestRefused } from "@effect-connectors/core/ConnectorError"
import * as Result from "effect/Result"
import type { Limits } from "./limits.ts"
import { checkId } from "./recordRules.ts"
import { outOfRange, type Refusal, refused } from "./refusals.ts"

export type Answer<A> = Result.Result<A, Refusal>

/**
 * A function whose steps are answers. Its generator function is made once: V8 keeps what one closes over until the whole heap is
 * collected, so one for each request would keep every request.
 */
export const answering =
  <Args extends ReadonlyArray<unknown>, A>(steps: (...args: Args) => Generator<Answer<unknown>, A, never>) =>
  (...args: Args): Answer<A> =>
    Result.gen(() => steps(...args))

export const no = (detail: string): Result.Result<never, RequestRefused> => Result.fail(refused(detail))

export const orRefuse = <A>(value: A, refusal: Refusal | undefined): Answer<A> =>
  refusal === undefined ? Result.succeed(value) : Result.fail(refusal)

export const inRange = (what: string, min: number, max: number, got: number): Answer<number> =>
  Number.isInteger(got) && got >= min && got <= max ? Result.succeed(got) : Result.fail(outOfRange(what, min, max, got))

export const checkIds = (ids: ReadonlyArray<string>, limits: Limits): Refusal | undefined => {
  for (const id of ids) {
    const wrong = checkId(id, limits)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

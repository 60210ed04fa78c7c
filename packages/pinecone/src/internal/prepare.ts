/** Elements made ready for the write engine: what is made of each, checked and encoded; or refused, with the reason. */
import { InvalidRecord, type Reason } from "@effect-connectors/core/ConnectorError"
import type * as Write from "@effect-connectors/core/Write"
import * as Arr from "effect/Array"
import * as Result from "effect/Result"
import { PineconeError } from "../PineconeError.ts"
import { failure } from "./common.ts"
import { invalidNamespace } from "./recordChecks.ts"

export type Prepared<A, I> = Write.Ready<A, I> | Write.Refused<A, PineconeError>

export const refuse = <A>(
  operation: string,
  input: A,
  namespace: string,
  reason: Reason
): Write.Refused<A, PineconeError> => ({
  _tag: "Refused",
  input,
  error: failure(operation, namespace, reason)
})

const isPineconeError = (u: unknown): u is PineconeError => u instanceof PineconeError

/** Why nothing could be made of an element, when that is what the caller's function gave. */
const notMade = (operation: string, namespace: string, why: unknown): PineconeError =>
  isPineconeError(why)
    ? why
    : failure(operation, namespace, new InvalidRecord({ field: "record", issue: "could not be made of its element" }))

/**
 * Makes elements ready by `make` and `check`; `encode` turns what is checked into what is sent. What `make` gives may be a
 * `Result`, whose failure is then the element's outcome.
 */
export const prepareBy = <A, D, I>(
  operation: string,
  namespaceFor: (element: A) => string,
  make: (element: A) => unknown,
  check: (made: unknown) => Result.Result<D, InvalidRecord>,
  encode: (checked: D) => { readonly item: I; readonly bytes: number } | InvalidRecord,
  idOf: (checked: D) => string
) => {
  const prepare = (input: A, key: string, made: unknown): Prepared<A, I> => {
    const checked = check(made)
    if (Result.isFailure(checked)) return refuse(operation, input, key, checked.failure)
    const id = idOf(checked.success)
    const encoded = invalidNamespace(key, id) ?? encode(checked.success)
    return encoded instanceof InvalidRecord
      ? refuse(operation, input, key, encoded)
      : { _tag: "Ready", input, key, id, item: encoded.item, bytes: encoded.bytes }
  }

  const prepareResult = (input: A, key: string, made: Result.Result<unknown, unknown>): Prepared<A, I> =>
    Result.isSuccess(made)
      ? prepare(input, key, made.success)
      : { _tag: "Refused", input, error: notMade(operation, key, made.failure) }

  return (elements: Arr.NonEmptyReadonlyArray<A>): Arr.NonEmptyReadonlyArray<Prepared<A, I>> =>
    // One after the other, so that a vector is encoded while what was read of it to check it is at hand.
    Arr.map(elements, (input) => {
      const key = namespaceFor(input)
      const made = make(input)
      return Result.isResult(made) ? prepareResult(input, key, made) : prepare(input, key, made)
    })
}

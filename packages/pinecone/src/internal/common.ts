import { InvalidOption, type Reason } from "@effect-connectors/core/ConnectorError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { Service } from "../PineconeApi.ts"
import { PineconeError } from "../PineconeError.ts"
import { namespaceName } from "./namespace.ts"

export const failure = (operation: string, namespace: string | undefined, reason: Reason): PineconeError =>
  // A caller without types may name a namespace by what is no text.
  new PineconeError({ operation, ...(Predicate.isString(namespace) ? { namespace } : {}), reason })

export const targetOf = (index: Service, operation: string) => ({
  system: "pinecone",
  operation,
  collection: index.name
})

/** Each namespace by one name, since what goes to one namespace is batched together and kept in order. */
export const namespaceOf = <A>(index: Service, namespace: string | ((element: A) => string) | undefined) => {
  if (typeof namespace === "function") return (element: A): string => namespaceName(namespace(element))
  const fixed = namespaceName(namespace ?? index.namespace)
  return (): string => fixed
}

/** Fails with `InvalidOption` unless the option is left out or a whole number from 1 to `max`. */
export const checkRange = (
  operation: string,
  option: string,
  value: number | undefined,
  max = Infinity
): Effect.Effect<void, PineconeError> => {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)) return Effect.void
  const range = max === Infinity ? "of 1 or more" : `from 1 to ${max}`
  const issue = `is ${value}; it must be a whole number ${range}`
  return Effect.fail(failure(operation, undefined, new InvalidOption({ option, issue })))
}

/** Fails with `InvalidOption` unless the option is left out or a time of zero or more. */
export const checkDuration = (
  operation: string,
  option: string,
  value: Duration.Input | undefined
): Effect.Effect<void, PineconeError> => {
  if (value === undefined) return Effect.void
  const duration = Duration.fromInput(value)
  if (Option.isSome(duration) && Duration.isGreaterThanOrEqualTo(duration.value, Duration.zero)) return Effect.void
  const issue = `is ${JSON.stringify(value)}; it must be a time of zero or more, like "500 millis"`
  return Effect.fail(failure(operation, undefined, new InvalidOption({ option, issue })))
}

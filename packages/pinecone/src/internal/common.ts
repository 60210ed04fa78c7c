import { InvalidOption, type Reason } from "@effect-connectors/core/ConnectorError"
import * as Effect from "effect/Effect"
import type { Service } from "../PineconeApi.ts"
import { PineconeError } from "../PineconeError.ts"
import { namespaceName } from "./namespace.ts"

export const failure = (operation: string, namespace: string | undefined, reason: Reason): PineconeError =>
  new PineconeError({ operation, ...(namespace === undefined ? {} : { namespace }), reason })

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

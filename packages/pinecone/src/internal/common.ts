import * as CheckOption from "@effect-connectors/core/CheckOption"
import type { InvalidOption, Reason } from "@effect-connectors/core/ConnectorError"
import type * as Pacing from "@effect-connectors/core/Pacing"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Service } from "../PineconeApi.ts"
import { PineconeError } from "../PineconeError.ts"
import { namespaceName } from "./namespace.ts"

export const failure = (operation: string, namespace: string | undefined, reason: Reason): PineconeError =>
  // A caller without types may name a namespace by what is no text.
  new PineconeError({ operation, ...(Predicate.isString(namespace) ? { namespace } : {}), reason })

export const targetOf = (index: Pick<Service, "name">, operation: string) => ({
  system: "pinecone",
  operation,
  collection: index.name
})

/** How the engines pace an operation. */
export const pacedBy = (
  { pacing }: Pick<Service, "pacing">,
  operation: string
): Pacing.Paced<PineconeError> | undefined =>
  pacing === undefined ? undefined : { pacing, gaveUp: (reason) => failure(operation, undefined, reason) }

/** A whole request as text: the same for requests that ask the same. */
export const identityOf = (request: object): string =>
  JSON.stringify(request, (_, value: unknown) =>
    value instanceof Float32Array || value instanceof Uint32Array ? Array.from(value) : value
  )

/** Each namespace by one name, since what goes to one namespace is batched together and kept in order. */
export const namespaceOf = <A>(
  index: Pick<Service, "namespace">,
  namespace: string | ((element: A) => string) | undefined
) => {
  if (typeof namespace === "function") return (element: A): string => namespaceName(namespace(element))
  const fixed = namespaceName(namespace ?? index.namespace)
  return (): string => fixed
}

const refused = (operation: string, wrong: InvalidOption | undefined): Effect.Effect<void, PineconeError> =>
  wrong === undefined ? Effect.void : Effect.fail(failure(operation, undefined, wrong))

/** Fails with `InvalidOption` unless the option is left out or a whole number from 1 to `max`. */
export const checkRange = (operation: string, option: string, value: number | undefined, max?: number) =>
  refused(operation, CheckOption.range(option, value, max))

/** Fails with `InvalidOption` unless the option is left out or a time of zero or more. */
export const checkDuration = (operation: string, option: string, value: Duration.Input | undefined) =>
  refused(operation, CheckOption.duration(option, value))

import { InvalidOption, type Reason } from "@effect-connectors/core/ConnectorError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { TectonError } from "../TectonError.ts"

export const failure = (operation: string, subject: string, reason: Reason): TectonError =>
  new TectonError({ operation, subject, reason })

export const targetOf = (operation: string, collection: string) => ({ system: "tecton", operation, collection })

/** Fails with `InvalidOption` unless the option is left out or a whole number of 1 or more. */
export const checkRange = (
  operation: string,
  subject: string,
  option: string,
  value: number | undefined
): Effect.Effect<void, TectonError> => {
  if (value === undefined || (Number.isInteger(value) && value >= 1)) return Effect.void
  const issue = `is ${value}; it must be a whole number of 1 or more`
  return Effect.fail(failure(operation, subject, new InvalidOption({ option, issue })))
}

/** Fails with `InvalidOption` unless the option is left out or a time of zero or more. */
export const checkDuration = (
  operation: string,
  subject: string,
  option: string,
  value: Duration.Input | undefined
): Effect.Effect<void, TectonError> => {
  if (value === undefined) return Effect.void
  const duration = Duration.fromInput(value)
  if (Option.isSome(duration) && Duration.isGreaterThanOrEqualTo(duration.value, Duration.zero)) return Effect.void
  const issue = `is ${JSON.stringify(value)}; it must be a time of zero or more, like "500 millis"`
  return Effect.fail(failure(operation, subject, new InvalidOption({ option, issue })))
}

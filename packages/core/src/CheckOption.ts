/**
 * Checks of options that packages have in common. A caller without types may give anything.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { InvalidOption } from "./ConnectorError.ts"

/** What is wrong with an option that may be left out, and else is a whole number from 1 to `max`. */
export const range = (option: string, value: number | undefined, max = Infinity): InvalidOption | undefined => {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)) return undefined
  const allowed = max === Infinity ? "of 1 or more" : `from 1 to ${max}`
  return new InvalidOption({ option, issue: `is ${value}; it must be a whole number ${allowed}` })
}

/** What is wrong with an option that may be left out, and else is a time of zero or more. */
export const duration = (option: string, value: Duration.Input | undefined): InvalidOption | undefined => {
  if (value === undefined) return undefined
  const parsed = Duration.fromInput(value)
  if (Option.isSome(parsed) && Duration.isGreaterThanOrEqualTo(parsed.value, Duration.zero)) return undefined
  const issue = `is ${JSON.stringify(value)}; it must be a time of zero or more, like "500 millis"`
  return new InvalidOption({ option, issue })
}

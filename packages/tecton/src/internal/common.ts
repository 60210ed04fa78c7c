import * as CheckOption from "@effect-connectors/core/CheckOption"
import type { InvalidOption, Reason } from "@effect-connectors/core/ConnectorError"
import type * as Pacing from "@effect-connectors/core/Pacing"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Service } from "../TectonApi.ts"
import { TectonError } from "../TectonError.ts"

export const failure = (operation: string, subject: string, reason: Reason): TectonError =>
  new TectonError({ operation, subject, reason })

export const targetOf = (operation: string, collection: string) => ({ system: "tecton", operation, collection })

/** How the engines pace an operation. */
export const pacedBy = (
  { pacing }: Service,
  operation: string,
  subject: string
): Pacing.Paced<TectonError> | undefined =>
  pacing === undefined ? undefined : { pacing, gaveUp: (reason) => failure(operation, subject, reason) }

const refused = (operation: string, subject: string, wrong: InvalidOption | undefined) =>
  wrong === undefined ? Effect.void : Effect.fail(failure(operation, subject, wrong))

/** Fails with `InvalidOption` unless the option is left out or a whole number of 1 or more. */
export const checkRange = (operation: string, subject: string, option: string, value: number | undefined) =>
  refused(operation, subject, CheckOption.range(option, value))

/** Fails with `InvalidOption` unless the option is left out or a time of zero or more. */
export const checkDuration = (operation: string, subject: string, option: string, value: Duration.Input | undefined) =>
  refused(operation, subject, CheckOption.duration(option, value))

/** What a statement on the storage of jobs fails with, and which ones are tried again at once. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { SqlError } from "effect/sql/SqlError"
import { StorageFailed } from "../JobError.ts"

/** PostgreSQL's classes of states for values that do not fit: those that it can not read, and those that are too long. */
const unfit = /^(22|54)/

/** What the storage will say to the same statement for ever. What nobody knows may pass. */
const isForGood = ({ reason }: SqlError): boolean => {
  const { _tag, cause } = reason
  if (_tag === "ConstraintError" || _tag === "UniqueViolation") return true
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" && unfit.test(cause.code)
}

const failed = (error: SqlError) => {
  const { cause } = error.reason
  const detail = cause instanceof Error && cause.message !== error.message ? `: ${cause.message}` : ""
  return new StorageFailed({ detail: error.message + detail, ...(isForGood(error) && { refused: true }) })
}

/** Of two transactions that wait for each other the storage ends one, which has done nothing yet. */
const collided = ({ reason: { _tag } }: SqlError): boolean => _tag === "DeadlockError" || _tag === "SerializationError"

const soon = Schedule.jittered(Schedule.exponential("10 millis"))

export const storing = <A, R>(effect: Effect.Effect<A, SqlError, R>): Effect.Effect<A, StorageFailed, R> =>
  effect.pipe(
    Effect.retry({ while: collided, schedule: soon, times: 5 }),
    Effect.mapError(failed),
    Effect.withTracerEnabled(false)
  )

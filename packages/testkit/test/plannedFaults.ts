/** Calls that fail when a test says so, for a client of any store. */
import * as ConnectorError from "@effect-connectors/core/ConnectorError"
import type { Fault } from "@effect-connectors/testkit/Conformance"
import * as Effect from "effect/Effect"

export interface Options<E> {
  readonly error: (operation: string, reason: ConnectorError.Reason) => E
  /** What a call that stalls does first. */
  readonly stall: Effect.Effect<void>
}

const reset = new ConnectorError.ConnectionFailed({ detail: "socket hang up", sent: true })

/** `call` is put around a call, `faults` says which of them fail. */
export const plannedFaults = <E>({ error, stall }: Options<E>) => {
  let plan: { readonly operation: string; readonly fault: Fault; readonly times: number } | undefined
  let fired = 0

  const struck = <A>(operation: string, fault: Fault, effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
    const fail = (reason: ConnectorError.Reason) => Effect.fail(error(operation, reason))
    switch (fault) {
      case "throttled":
        return fail(new ConnectorError.RateLimited({ detail: "slow down", retryAfterMillis: 1000 }))
      case "quotaExhausted":
        return fail(new ConnectorError.QuotaExhausted({ detail: "read unit limit for the current month" }))
      case "unavailable":
        return fail(new ConnectorError.Unavailable({ detail: "down" }))
      case "reset":
        return fail(reset)
      case "answerLost":
        return Effect.andThen(effect, fail(reset))
      case "stalled":
        return Effect.andThen(stall, effect)
    }
  }

  return {
    call: <A>(operation: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.suspend(() => {
        if (plan?.operation !== operation || fired >= plan.times) return effect
        fired++
        return struck(operation, plan.fault, effect)
      }),
    faults: {
      next: (operation: string, fault: Fault, times = 1) =>
        Effect.sync(() => {
          plan = { operation, fault, times }
          fired = 0
        }),
      fired: Effect.sync(() => fired)
    }
  }
}

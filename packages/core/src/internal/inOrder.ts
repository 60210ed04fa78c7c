import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

/** A place in the queues of all the ids of a batch. */
export interface Ticket {
  /** Completes when every earlier batch that shares an id with this one is done. */
  readonly turn: Effect.Effect<void>
  readonly done: Effect.Effect<void>
  /** An id is in the batch more than once. */
  readonly repeats: boolean
}

/**
 * Lets batches run side by side unless they share an id of one scope: those run in the order their tickets were
 * taken. Holds an entry per id in flight.
 */
export const make = () => {
  // A map for each scope, since to put the scope before each id would cost more than all the rest.
  const scopes = new Map<string, Map<string, Latch.Latch>>()
  const lastOf = (scope: string): Map<string, Latch.Latch> => {
    const known = scopes.get(scope)
    if (known !== undefined) return known
    const last = new Map<string, Latch.Latch>()
    scopes.set(scope, last)
    return last
  }
  return {
    ticket: (scope: string, records: ReadonlyArray<{ readonly id: string | undefined }>): Ticket => {
      const last = lastOf(scope)
      const own = Latch.makeUnsafe(false)
      const before = new Set<Latch.Latch>()
      let repeats = false
      for (const { id } of records) {
        if (id === undefined) continue
        const previous = last.get(id)
        if (previous === own) {
          repeats = true
          continue
        }
        if (previous !== undefined) before.add(previous)
        last.set(id, own)
      }
      return {
        repeats,
        turn: before.size === 0 ? Effect.void : Effect.forEach(before, (latch) => latch.await, { discard: true }),
        done: Effect.sync(() => {
          for (const { id } of records) if (id !== undefined && last.get(id) === own) last.delete(id)
          if (last.size === 0 && scopes.get(scope) === last) scopes.delete(scope)
          own.openUnsafe()
        })
      }
    }
  }
}

import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

/** A place in the queues of all the ids of a batch. */
export interface Ticket {
  /** Completes when every earlier batch that shares an id with this one is done. */
  readonly turn: Effect.Effect<void>
  readonly done: Effect.Effect<void>
}

/**
 * Lets batches run side by side unless they share an id: those run in the order their tickets were
 * taken. Holds an entry per id in flight.
 */
export const make = () => {
  const last = new Map<string, Latch.Latch>()
  return {
    ticket: (ids: Iterable<string>): Ticket => {
      const own = Latch.makeUnsafe(false)
      const mine: Array<string> = []
      const before = new Set<Latch.Latch>()
      for (const id of ids) {
        const previous = last.get(id)
        if (previous === own) continue
        if (previous !== undefined) before.add(previous)
        last.set(id, own)
        mine.push(id)
      }
      return {
        turn: before.size === 0 ? Effect.void : Effect.forEach(before, (latch) => latch.await, { discard: true }),
        done: Effect.sync(() => {
          for (const id of mine) if (last.get(id) === own) last.delete(id)
          own.openUnsafe()
        })
      }
    }
  }
}

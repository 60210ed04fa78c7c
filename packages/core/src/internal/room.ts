import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

/**
 * Room for so many, for which one at a time may wait. It goes in as soon as others leave; one that waits for an Effect `Semaphore`
 * does some turns of the event loop later, in which a store waits for its next call.
 */
export interface Room {
  /** Waits until there is room for `n`, and takes it. */
  readonly enter: (n: number) => Effect.Effect<void>
  readonly leave: (n: number) => Effect.Effect<void>
}

export const make = (size: number): Room => {
  let free = size
  const changed = Latch.makeUnsafe(false)
  const enter = (n: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (free >= n) {
        free -= n
        return Effect.void
      }
      changed.closeUnsafe()
      return Effect.flatMap(changed.await, () => enter(n))
    })
  return {
    enter,
    leave: (n) =>
      Effect.sync(() => {
        free += n
        changed.openUnsafe()
      })
  }
}

import type * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

/**
 * Works on elements side by side, giving results as they come. The next element is begun as soon as work on another is
 * done: with `Stream.mapEffect` it waits until the results were taken, some turns of the event loop in which a store waits for its
 * next call. Beside the `concurrency` elements that are worked on, the results of as many may wait to be taken.
 */
export const mapUnordered =
  <A, B, R2>(work: (element: A) => Effect.Effect<Arr.NonEmptyReadonlyArray<B>, never, R2>, concurrency: number) =>
  <E, R>(self: Stream.Stream<A, E, R>): Stream.Stream<B, E, R | R2> =>
    Stream.transformPull(self, (upstream, scope) =>
      Effect.gen(function* () {
        const results = yield* Queue.bounded<Arr.NonEmptyReadonlyArray<B>, E | Cause.Done>(concurrency)
        let working = 0
        let isFeeding = false
        let waiting: ReadonlyArray<A> = []
        let at = 0
        let ended: Cause.Cause<E | Cause.Done<void>> | undefined

        /** Begins work while there are elements and room. Whoever is done with his work does it, unless another is at it. */
        const feed: Effect.Effect<void, never, R | R2> = Effect.suspend(() => {
          if (ended !== undefined) return working === 0 ? Queue.failCause(results, ended) : Effect.void
          if (isFeeding) return Effect.void
          isFeeding = true
          return loop
        })
        const loop: Effect.Effect<void, never, R | R2> = Effect.suspend(() => {
          if (ended !== undefined) return feed
          if (working >= concurrency) {
            isFeeding = false
            return Effect.void
          }
          if (at < waiting.length) {
            working++
            // At once, so that it comes before what is behind it.
            return Effect.andThen(Effect.forkIn(worked(waiting[at++]!), scope, { startImmediately: true }), loop)
          }
          return Effect.matchCauseEffect(upstream, {
            onSuccess: (chunk) => {
              waiting = chunk
              at = 0
              return loop
            },
            onFailure: (cause) => {
              ended ??= cause
              return feed
            }
          })
        })
        const worked = (element: A): Effect.Effect<void, never, R | R2> =>
          Effect.matchCauseEffect(
            Effect.suspend(() => work(element)),
            {
              onSuccess: (result) =>
                Effect.flatMap(Queue.offer(results, result), () => {
                  working--
                  return feed
                }),
              // A defect. No other work is begun, since its results would go nowhere.
              onFailure: (defect) => {
                ended ??= defect
                return Queue.failCause(results, defect)
              }
            }
          )

        yield* Effect.forkIn(feed, scope)
        return Queue.take(results)
      })
    )

/** How long calls take, from their start to their answer. */
import * as Effect from "effect/Effect"

export const stopwatch = () => {
  let millis: Array<number> = []
  return {
    /** The same call, timed. */
    timed:
      <Request, A, E, R>(call: (request: Request) => Effect.Effect<A, E, R>) =>
      (request: Request): Effect.Effect<A, E, R> =>
        Effect.suspend(() => {
          const start = performance.now()
          return Effect.ensuring(
            call(request),
            Effect.sync(() => {
              millis.push(performance.now() - start)
            })
          )
        }),
    reset: () => {
      millis = []
    },
    millis: (): ReadonlyArray<number> => millis
  }
}

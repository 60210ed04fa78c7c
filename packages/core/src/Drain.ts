/**
 * Ending an endless source so that everything it gave is still written: the way to stop a program that must not lose
 * what it took in.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Stream from "effect/Stream"

/**
 * Ends a stream when `end` completes, also while its source is silent. What the stream gave before goes on through the
 * steps after it, so a sink flushes and its answers come; interrupting the sink instead would drop them.
 *
 * **Gotchas**
 *
 * A pull that is under way is cancelled, so put this right behind the source, before steps that do work. Of Effect's own
 * combinators `Stream.interruptWhen` drops elements that were pulled and not yet passed on, and `Stream.haltWhen` waits
 * for the pull under way, which in a silent source never ends.
 *
 * @example
 * ```ts
 * import { Drain } from "@effect-connectors/core"
 * import { PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * declare const records: Stream.Stream<VectorRecord.VectorRecord>
 * declare const signalled: Effect.Effect<void>
 *
 * const program = records.pipe(Drain.endWhen(signalled), PineconeSink.upsert(), Stream.runDrain)
 * ```
 */
export const endWhen: {
  <X, E2, R2>(
    end: Effect.Effect<X, E2, R2>
  ): <A, E, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<A, E | E2, R | R2>
  <A, E, R, X, E2, R2>(self: Stream.Stream<A, E, R>, end: Effect.Effect<X, E2, R2>): Stream.Stream<A, E | E2, R | R2>
} = dual(
  2,
  <A, E, R, X, E2, R2>(self: Stream.Stream<A, E, R>, end: Effect.Effect<X, E2, R2>): Stream.Stream<A, E | E2, R | R2> =>
    Stream.transformPull(self, (upstream, scope) =>
      Effect.gen(function* () {
        const ended = yield* Deferred.make<X, E2>()
        yield* Effect.forkIn(Deferred.into(end, ended), scope)
        const halt = Effect.flatMap(Deferred.await(ended), () => Cause.done())
        // A source that always has something ready would win every race.
        return Effect.suspend(() => (Deferred.isDoneUnsafe(ended) ? halt : Effect.raceFirst(upstream, halt)))
      })
    )
)

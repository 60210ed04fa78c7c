/**
 * Ending an endless source so that everything it gave is still written: the way to stop a program that must not lose
 * what it took in. {@link graceful} is for the program, {@link endWhen} for its source.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
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

/** Options of {@link graceful}. */
export interface Options {
  /**
   * How long the program may go on after it was asked to end. Keep it below what the host allows before it kills:
   * Kubernetes waits 30 seconds, Docker 10.
   *
   * @default "30 seconds"
   */
  readonly limit?: Duration.Input | undefined
}

/** A program that was asked to end had not ended within its limit and was cancelled: what it took in may be lost. */
export class DrainTimedOut extends Schema.TaggedError<DrainTimedOut>()("DrainTimedOut", {
  /** Milliseconds. */
  limit: Schema.Number
}) {
  /** {@link graceful} has logged it. */
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    return `cancelled: not drained within ${Duration.format(Duration.millis(this.limit))}`
  }
}

/**
 * Runs a program that must not lose what it took in. Interrupted, as `NodeRuntime.runMain` does at SIGINT or SIGTERM,
 * it is first asked to end: `ended` completes, its sources end (see {@link endWhen}), its sinks flush and their answers
 * come. What is not done within `limit` is cancelled; the defect {@link DrainTimedOut} says so. Both moments are logged.
 *
 * **Gotchas**
 *
 * A fiber that was interrupted has no result but that, and no handler of it runs any more. So do inside `program` what
 * is to be done with its counts and its errors; one that it fails with while it drains comes out as a defect. While it
 * drains further interruptions (an impatient Ctrl+C, npm passing on one that the terminal sent too) change nothing:
 * the limit holds. With {@link teardown} a drained program ends with exit code 0, a cancelled one with 1.
 *
 * @example
 * ```ts
 * import { Drain } from "@effect-connectors/core"
 * import { PineconeIndex, PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * declare const records: Stream.Stream<VectorRecord.VectorRecord>
 *
 * Drain.graceful(
 *   (ended) => records.pipe(Drain.endWhen(ended), PineconeSink.upsert(), Stream.runDrain),
 *   { limit: "20 seconds" }
 * ).pipe(
 *   Effect.provide(PineconeIndex.layerConfig),
 *   NodeRuntime.runMain({ teardown: Drain.teardown })
 * )
 * ```
 */
export const graceful = <A, E, R>(
  program: (ended: Effect.Effect<void>) => Effect.Effect<A, E, R>,
  options: Options = {}
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const limit = Duration.fromInputUnsafe(options.limit ?? "30 seconds")
      const ended = Latch.makeUnsafe(false)
      const fiber = yield* Effect.forkChild(Effect.suspend(() => program(ended.await)))
      const undisturbed = yield* Effect.exit(restore(Fiber.await(fiber)))
      if (Exit.isSuccess(undisturbed)) return yield* undisturbed.value

      yield* Effect.logInfo(`Draining: asked to end, waiting at most ${Duration.format(limit)}`)
      yield* ended.open
      const drained = yield* Effect.timeoutOption(Fiber.await(fiber), limit)
      // Of an interrupted fiber Effect keeps the defects; it drops typed failures where their handlers no longer run.
      // So nobody outside would ever see them.
      if (Option.isSome(drained)) {
        if (Exit.isFailure(drained.value)) yield* Effect.logError("Failed while draining", drained.value.cause)
        return yield* Effect.orDie(drained.value)
      }

      yield* Effect.logWarning(`Not drained within ${Duration.format(limit)}: cancelling`)
      yield* Fiber.interrupt(fiber)
      return yield* Effect.die(new DrainTimedOut({ limit: Duration.toMillis(limit) }))
    })
  )

/**
 * For `runMain` with {@link graceful}: exit code 0 also for a program that was asked to end and drained, which Effect's
 * default tells as 130. Failures have the code they have by default; {@link DrainTimedOut} has 1.
 */
export const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

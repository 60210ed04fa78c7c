import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { QueueOptions } from "../DeadLetter.ts"
import {
  type DeadLetter,
  type DeadLetterError,
  makeCodec,
  type Store,
  Stored,
  storeFailed,
  type Unfit
} from "./letter.ts"
import { makeQueue, type PersistedQueueFactory } from "./persistence.ts"

/** An element that is taken from the queue and not yet answered. */
interface Held {
  /** Success marks the element as processed, failure gives it back for another try. */
  readonly verdict: Deferred.Deferred<void, "kept">
  /** Ends when the queue has noted it. */
  readonly taking: Fiber.Fiber<unknown, unknown>
}

/**
 * A queue hands out an element and waits for the end of what is done with it. So who reads letters holds each until it is
 * removed (processed) or written again (given back for another try). What is not answered is given back as it was when the
 * letters are read anew, or the scope closes.
 */
export const make = Effect.fnUntraced(function* <A>(
  options: QueueOptions<A>
): Effect.fn.Return<Store<A>, never, PersistedQueueFactory | Scope.Scope> {
  const { name } = options
  const idle = options.idle ?? "5 seconds"
  const codec = makeCodec(options.record)
  const scope = yield* Effect.scope
  const queue = yield* makeQueue({
    name,
    schema: Stored,
    maxAttempts: options.maxAttempts ?? 1_000_000_000,
    retrySchedule: options.retrySchedule
  })
  const held = new Map<string, Held>()
  let reading: Scope.Closeable | undefined

  const letters = Effect.gen(function* () {
    if (reading !== undefined) yield* Scope.close(reading, Exit.void)
    const own = yield* Scope.fork(scope)
    reading = own
    const room = yield* Semaphore.make(Math.max(1, options.maxHeld ?? 1_000))
    const out = yield* Queue.unbounded<DeadLetter<A> | Unfit, DeadLetterError>()
    const ended = yield* Deferred.make<void>()
    const seen = new Set<string>()

    // Interrupting gives an element back as it was; at once it would come again.
    const park = Effect.andThen(Deferred.await(ended), Effect.interrupt)

    const hold = (stored: Stored, id: string) =>
      Effect.withFiber((taking): Effect.Effect<void, "kept"> => {
        if (seen.has(id) || Deferred.isDoneUnsafe(ended)) return park
        seen.add(id)
        const letter = codec.decode({ ...stored, id })
        if (letter._tag === "Unfit") return Effect.andThen(Queue.offer(out, letter), park)
        const verdict = Deferred.makeUnsafe<void, "kept">()
        held.set(id, { verdict, taking })
        return Effect.andThen(Queue.offer(out, letter), Deferred.await(verdict)).pipe(
          Effect.ensuring(Effect.sync(() => held.delete(id)))
        )
      })

    /** Takes one element, and goes on when there was one; a fiber of its own holds it. */
    const takeOne = Effect.gen(function* () {
      yield* room.take(1)
      const claimed = yield* Deferred.make<void>()
      const taking = yield* queue
        .take((stored, { id }) => Effect.andThen(Deferred.succeed(claimed, undefined), hold(stored, id)))
        .pipe(Effect.ensuring(room.release(1)), Effect.forkIn(own))
      const early = Effect.catchIf(
        Fiber.join(taking),
        (error) => error === "kept",
        () => Effect.void
      )
      yield* Effect.raceFirst(Deferred.await(claimed), early)
    })
    yield* Effect.forever(takeOne).pipe(
      Effect.catch((error) => Queue.fail(out, storeFailed(name, "read")(error))),
      Effect.raceFirst(Deferred.await(ended)),
      Effect.forkIn(own)
    )

    const pull: Pull.Pull<Arr.NonEmptyReadonlyArray<DeadLetter<A> | Unfit>, DeadLetterError> = Effect.flatMap(
      Effect.timeoutOption(Queue.takeAll(out), idle),
      Option.match({ onNone: () => Cause.done(), onSome: (letters) => Effect.succeed(letters) })
    )
    return Stream.ensuring(Stream.fromPull(Effect.succeed(pull)), Deferred.succeed(ended, undefined))
  })

  /** Answers for a held element, and waits until the queue has noted it. */
  const answer = ({ taking, verdict }: Held, exit: Exit.Exit<void, "kept">) =>
    Effect.andThen(Deferred.done(verdict, exit), Fiber.await(taking))

  return {
    write: (letters) =>
      Effect.forEach(
        letters,
        (letter): Effect.Effect<unknown, DeadLetterError> => {
          const element = held.get(letter.id)
          // Not offered by its id: a queue remembers ids it has processed, and drops what comes with one of them again.
          return element === undefined
            ? Effect.mapError(queue.offer(codec.encode(letter)), storeFailed(name, "write"))
            : answer(element, Exit.fail("kept"))
        },
        { concurrency: 16, discard: true }
      ),
    remove: (ids) =>
      Effect.forEach(
        ids,
        (id) => {
          const element = held.get(id)
          if (element === undefined) return Effect.void
          return Effect.flatMap(
            answer(element, Exit.void),
            Exit.match({
              onSuccess: () => Effect.void,
              onFailure: (cause) => Effect.fail(storeFailed(name, "remove")(new Error(Cause.pretty(cause))))
            })
          )
        },
        { concurrency: 16, discard: true }
      ),
    letters: Stream.unwrap(letters)
  }
})

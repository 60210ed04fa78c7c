/** Write steps, held to one outcome for each element. */
import * as Outcome from "@effect-connectors/core/Outcome"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

type Step<A, E, E2, R> = (self: Stream.Stream<A>) => Stream.Stream<Outcome.Outcome<A, E>, E2, R>

/** Fails unless there is one outcome for each element, with that very element in it. */
export const assertOneEach = <A>(
  elements: ReadonlyArray<A>,
  outcomes: ReadonlyArray<Outcome.Outcome<A, unknown>>
): void => {
  const left = new Map<A, number>()
  for (const element of elements) left.set(element, (left.get(element) ?? 0) + 1)
  for (const { input } of outcomes) left.set(input, (left.get(input) ?? 0) - 1)
  assert.deepStrictEqual(
    Array.from(left).filter(([, count]) => count !== 0),
    [],
    "elements without an outcome, or with several"
  )
}

/** The outcomes of a write step, held to one for each element. */
export const outcomesOf = <A, E, E2, R>(
  elements: ReadonlyArray<A>,
  step: Step<A, E, E2, R>
): Effect.Effect<ReadonlyArray<Outcome.Outcome<A, E>>, E2, R> =>
  Stream.fromIterable(elements).pipe(
    step,
    Stream.runCollect,
    Effect.tap((outcomes) => Effect.sync(() => assertOneEach(elements, outcomes)))
  )

/** Runs a write step every element of which must be written. */
export const allWritten = <A, E, E2, R>(
  elements: ReadonlyArray<A>,
  step: Step<A, E, E2, R>
): Effect.Effect<void, E2, R> =>
  Effect.map(outcomesOf(elements, step), (outcomes) =>
    assert.deepStrictEqual(outcomes.filter(Outcome.isNotWritten), [], "elements not written")
  )

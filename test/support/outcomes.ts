/** Runs write steps and holds them to their promise: one outcome for each element, with the element itself in it. */
import * as Outcome from "@effect-connectors/core/Outcome"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"

const countOf = <A>(elements: Iterable<A>): ReadonlyMap<A, number> => {
  const counts = new Map<A, number>()
  for (const element of elements) counts.set(element, (counts.get(element) ?? 0) + 1)
  return counts
}

/** Fails unless the outcomes are of just these elements, compared by identity. */
export const assertOneEach = (
  elements: ReadonlyArray<unknown>,
  outcomes: ReadonlyArray<{ readonly input: unknown }>
): void => {
  assert.strictEqual(outcomes.length, elements.length)
  const expected = countOf(elements)
  const actual = countOf(outcomes.map(({ input }) => input))
  assert.strictEqual(actual.size, expected.size)
  for (const [element, count] of expected) assert.strictEqual(actual.get(element), count)
}

type Step<A, B, E, R> = (self: Stream.Stream<A>) => Stream.Stream<B, E, R>

/** The outcomes of a stream of elements, and how the stream ended. */
export const run = <A, F, E, R>(elements: ReadonlyArray<A>, step: Step<A, Outcome.Outcome<A, F>, E, R>) =>
  Effect.gen(function* () {
    const outcomes: Array<Outcome.Outcome<A, F>> = []
    const exit = yield* Stream.fromIterable(elements).pipe(
      step,
      Stream.runForEach((outcome) => Effect.sync(() => outcomes.push(outcome))),
      Effect.exit
    )
    assertOneEach(elements, outcomes)
    const [written, notWritten] = Outcome.split(outcomes)
    return { outcomes, exit, written: written.map(({ input }) => input), notWritten }
  })

/** {@link run} of a stream that must not fail. */
export const runAll = <A, F, E, R>(elements: ReadonlyArray<A>, step: Step<A, Outcome.Outcome<A, F>, E, R>) =>
  Effect.map(run(elements, step), (result) => {
    assert.isTrue(Exit.isSuccess(result.exit))
    return result
  })

/** {@link runAll} of a stream all of whose elements must be written. */
export const writeAll = <A, F, E, R>(elements: ReadonlyArray<A>, step: Step<A, Outcome.Outcome<A, F>, E, R>) =>
  Effect.map(runAll(elements, step), ({ notWritten }) => assert.deepStrictEqual(notWritten, []))

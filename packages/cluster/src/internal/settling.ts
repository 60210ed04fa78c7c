/**
 * What becomes of the rows of a partition: each has one outcome, which is kept as a dead letter if it is bad and there is a
 * place for those, noted in the ledger, and counted.
 */
import type { ConnectorError } from "@effect-connectors/core/ConnectorError"
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import type { LedgerError } from "@effect-connectors/core/Ledger"
import * as Outcome from "@effect-connectors/core/Outcome"
import type * as Resume from "@effect-connectors/core/Resume"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Provided } from "../Job.ts"
import { Partition } from "../Partition.ts"
import type { Letters } from "./readyJob.ts"

/** What was made of a row, with its place; `value` is the row as it was read. */
export interface Item<out A> extends Resume.Entry<unknown> {
  readonly made: A
}

/** What becomes of rows that can not be used. */
export interface Settling<E, R> {
  /** Lets pass what was made of elements; what nothing could be made of has its outcome at once. */
  readonly accept: <A, B, E2 extends ConnectorError>(
    made: (element: A) => readonly [place: Resume.Entry<unknown>, Result.Result<B, E2>]
  ) => <E3, R3>(
    elements: Stream.Stream<A, E3, R3>
  ) => Stream.Stream<B, E | E3 | LedgerError | Outcome.RecordsNotWritten, R | R3>
  /** Where the outcomes of a sink go, all of them. Fails in the end when some rows were neither written nor kept. */
  readonly settle: <A extends Resume.Entry<unknown>, E2 extends ConnectorError, E3, R3>(
    outcomes: Stream.Stream<Outcome.Outcome<A, E2>, E3, R3>
  ) => Effect.Effect<void, E | E3 | LedgerError | Outcome.RecordsNotWritten, R | R3>
}

type Settled = Outcome.Outcome<Resume.Entry<unknown>, ConnectorError> | DeadLetter.DeadLettered<Resume.Entry<unknown>>

/** Without a `run` nobody notes which rows were left out on the way: then the first one that is not kept ends the stream. */
export const make = Effect.fnUntraced(function* <E, R>(
  { deadLetters }: Letters<E, R>,
  run?: Resume.Run
): Effect.fn.Return<Settling<E, R>, E, R | Provided> {
  const partition = yield* Partition
  const letters = deadLetters === undefined ? undefined : yield* deadLetters(partition)
  let counts = Outcome.noCounts
  const first: Array<Outcome.NotWritten<Resume.Entry<unknown>, ConnectorError>> = []

  const note = (chunk: Arr.NonEmptyReadonlyArray<Settled>) => {
    partition.count(chunk)
    const outcomes = chunk.filter((one) => one._tag !== "DeadLettered")
    counts = Outcome.add(counts, outcomes)
    for (const one of outcomes) if (one._tag !== "Written" && first.length < Outcome.listed) first.push(one)
  }

  const complain = Effect.suspend(() =>
    counts.rejected + counts.unknown === 0
      ? Effect.void
      : Effect.fail(new Outcome.RecordsNotWritten({ ...counts, first }))
  )

  const kept = <A extends Resume.Entry<unknown>, E2 extends ConnectorError, E3, R3>(
    outcomes: Stream.Stream<Outcome.Outcome<A, E2>, E3, R3>
  ): Stream.Stream<DeadLetter.Passed<A, E2>, E | E3, R | R3> =>
    letters === undefined
      ? outcomes
      : DeadLetter.divert(letters, {
          id: ({ position }: A) => `${partition.job} ${partition.id} ${partition.key} ${position}`,
          record: ({ value }: A) => value
        })(outcomes)

  const settled = <A extends Resume.Entry<unknown>, E2 extends ConnectorError, E3, R3>(
    outcomes: Stream.Stream<Outcome.Outcome<A, E2>, E3, R3>
  ): Effect.Effect<void, E | E3 | LedgerError, R | R3> =>
    (run === undefined ? kept(outcomes) : run.acknowledge(kept(outcomes))).pipe(
      Stream.runForEachArray((chunk) => Effect.sync(() => note(chunk)))
    )

  return {
    accept:
      <A, B, E2 extends ConnectorError>(
        made: (element: A) => readonly [place: Resume.Entry<unknown>, Result.Result<B, E2>]
      ) =>
      <E3, R3>(elements: Stream.Stream<A, E3, R3>) =>
        elements.pipe(
          Stream.mapArrayEffect((chunk) => {
            const passed: Array<B> = []
            const refused: Array<Outcome.Rejected<Resume.Entry<unknown>, E2>> = []
            for (const element of chunk) {
              const [{ position, value }, result] = made(element)
              if (Result.isSuccess(result)) passed.push(result.success)
              else refused.push(Outcome.rejected({ position, value }, result.failure, 0))
            }
            return Arr.isReadonlyArrayNonEmpty(refused)
              ? settled(Stream.fromArray(refused)).pipe(
                  Effect.andThen(run === undefined ? complain : Effect.void),
                  Effect.as(Arr.of(passed))
                )
              : Effect.succeed(Arr.of(passed))
          }),
          Stream.flattenIterable
        ),
    settle: (outcomes) => Effect.andThen(settled(outcomes), complain)
  }
})

/**
 * Records that were not written, kept as data: the record, why, how often it was tried and when.
 *
 * {@link divert} puts them into a store and only then lets the stream go on, so a load that is killed in between may keep a
 * record twice and never loses one. Later {@link redrive} gives them again; those that are then written leave the store.
 *
 * A store is a file of lines ({@link ndjson}), entries of Effect's `KeyValueStore` ({@link keyValue}), Effect's
 * `PersistedQueue` ({@link queue}), or for letters that are never read back here any sink ({@link sink}).
 */
import * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type { ConnectorError } from "./ConnectorError.ts"
import * as KeyValueLetters from "./internal/keyValueLetters.ts"
import * as Letter from "./internal/letter.ts"
import * as NdjsonLetters from "./internal/ndjsonLetters.ts"
import { type FileSystem, type KeyValueStore, type PersistedQueueFactory, uuid } from "./internal/persistence.ts"
import * as QueueLetters from "./internal/queueLetters.ts"
import * as Outcome from "./Outcome.ts"

export {
  type DeadLetter,
  DeadLetterError,
  type LetterReason,
  LetterTooLarge,
  type Store,
  StoreFailed,
  StoreFull,
  type Unfit,
  type Verdict,
  type Writer
} from "./internal/letter.ts"

type DeadLetter<A> = Letter.DeadLetter<A>

/** The record was not written and is kept in a dead-letter store under `id`. */
export interface DeadLettered<out A> {
  readonly _tag: "DeadLettered"
  readonly input: A
  readonly id: string
}

/** The record is dealt with. */
export type Kept<A> = Outcome.Written<A> | DeadLettered<A>

/**
 * What passes {@link divert} and {@link settle}. What was not written because nothing can go on (a wrong key, a service that
 * stays down) has nothing wrong with it and is not kept: it passes as it is, and the stream fails after it.
 */
export type Passed<A, E> = Kept<A> | Outcome.NotWritten<A, E>

/** Makes a {@link DeadLettered}. */
export const deadLettered = <A>(input: A, id: string): DeadLettered<A> => ({ _tag: "DeadLettered", input, id })

/** Options of {@link divert}. */
export interface DivertOptions<in A> {
  /**
   * An id for the letter of an element. A record that is diverted again under one id takes the place of the letter before,
   * so a position in the source keeps a load that is run again from keeping a record twice. Default: a random UUID.
   */
  readonly id?: ((element: A) => string) | undefined
}

/**
 * Stores what was not written, a chunk at a time, and then lets it pass as {@link DeadLettered} beside what was written. A
 * program that drains this has overlooked nothing.
 *
 * @example
 * ```ts
 * import { DeadLetter } from "@effect-connectors/core"
 * import { PineconeSink, VectorRecord } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * declare const records: Stream.Stream<VectorRecord.VectorRecord>
 *
 * const program = Effect.gen(function*() {
 *   const letters = yield* DeadLetter.ndjson({ path: "articles.dead.ndjson", record: VectorRecord.VectorRecord })
 *   yield* records.pipe(PineconeSink.upsertOutcomes(), DeadLetter.divert(letters), Stream.runDrain)
 * })
 * ```
 */
export const divert: {
  /** The elements are the records. */
  <A, E3, R3>(
    store: Letter.Writer<A, E3, R3>,
    options?: DivertOptions<A> & { readonly record?: undefined }
  ): <E extends ConnectorError, E2, R>(
    self: Stream.Stream<Outcome.Outcome<A, E>, E2, R>
  ) => Stream.Stream<Passed<A, E>, E2 | E3, R | R3>
  /** The elements hold the records: `record` takes them out. */
  <A, B, E3, R3>(
    store: Letter.Writer<B, E3, R3>,
    options: DivertOptions<A> & { readonly record: (element: A) => B }
  ): <E extends ConnectorError, E2, R>(
    self: Stream.Stream<Outcome.Outcome<A, E>, E2, R>
  ) => Stream.Stream<Passed<A, E>, E2 | E3, R | R3>
} = <A, E3, R3>(
  store: Letter.Writer<unknown, E3, R3>,
  options: DivertOptions<A> & { readonly record?: ((element: A) => unknown) | undefined } = {}
) => {
  const { id = () => uuid(), record = (element: A) => element } = options
  return keeping<A, E3, R3>((notWritten) =>
    Effect.flatMap(Letter.now, (time) => {
      const letters = Arr.map(notWritten, (outcome) =>
        Letter.of(outcome, record(outcome.input), id(outcome.input), time)
      )
      return Effect.as(
        store.write(letters),
        letters.map((letter) => letter.id)
      )
    })
  )
}

/**
 * The letters of a store whose records can be sent again: those that are there when it starts.
 *
 * @example
 * ```ts
 * import { DeadLetter } from "@effect-connectors/core"
 * import { PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * declare const letters: DeadLetter.Store<VectorRecord.VectorRecord>
 *
 * const program = DeadLetter.redrive(letters).pipe(
 *   PineconeSink.upsertOutcomes({
 *     record: (letter: DeadLetter.DeadLetter<VectorRecord.VectorRecord>) => letter.record
 *   }),
 *   DeadLetter.settle(letters),
 *   Stream.runDrain
 * )
 * ```
 */
export const redrive = <A>(store: Letter.Store<A>): Stream.Stream<DeadLetter<A>, Letter.DeadLetterError> =>
  Stream.filter(store.letters, (letter) => letter._tag === "DeadLetter")

/**
 * Removes the letters that are now written from their store, and stores with the others why they were refused this time and
 * how often they were tried in all. Then both pass.
 */
export const settle =
  <A>(store: Letter.Store<A>) =>
  <E extends ConnectorError, E2, R>(
    self: Stream.Stream<Outcome.Outcome<DeadLetter<A>, E>, E2, R>
  ): Stream.Stream<Passed<DeadLetter<A>, E>, E2 | Letter.DeadLetterError, R> =>
    self.pipe(
      Stream.mapArrayEffect((outcomes) => {
        const written = outcomes.flatMap((outcome) => (outcome._tag === "Written" ? [outcome.input.id] : []))
        return Effect.as(Arr.isReadonlyArrayNonEmpty(written) ? store.remove(written) : Effect.void, outcomes)
      }),
      keeping((notWritten) =>
        Effect.flatMap(Letter.now, (time) => {
          const letters = Arr.map(notWritten, (outcome) => {
            const { attempts, id, record } = outcome.input
            return Letter.of(outcome, record, id, time, attempts)
          })
          return Effect.as(
            store.write(letters),
            letters.map(({ id }) => id)
          )
        })
      )
    )

/** Hands what was not written and can not be sent again at once to `keep`, which gives ids in order. */
const keeping =
  <A, E3, R3>(
    keep: (
      notWritten: Arr.NonEmptyReadonlyArray<Outcome.NotWritten<A, ConnectorError>>
    ) => Effect.Effect<ReadonlyArray<string>, E3, R3>
  ) =>
  <E extends ConnectorError, E2, R>(
    self: Stream.Stream<Outcome.Outcome<A, E>, E2, R>
  ): Stream.Stream<Passed<A, E>, E2 | E3, R | R3> =>
    Stream.mapArrayEffect(self, (outcomes): Effect.Effect<Arr.NonEmptyReadonlyArray<Passed<A, E>>, E3, R3> => {
      const notWritten = outcomes.filter(isLetter)
      const kept = (ids: ReadonlyArray<string>) => {
        let next = 0
        return Arr.map(outcomes, (outcome) => (isLetter(outcome) ? deadLettered(outcome.input, ids[next++]!) : outcome))
      }
      return Arr.isReadonlyArrayNonEmpty(notWritten) ? Effect.map(keep(notWritten), kept) : Effect.succeed(kept([]))
    })

const isLetter = <A, E extends ConnectorError>(outcome: Outcome.Outcome<A, E>): outcome is Outcome.NotWritten<A, E> =>
  Outcome.isNotWritten(outcome) && !outcome.error.reason.isFatal

/** How many records ended in which way. */
export interface Counts extends Outcome.Counts {
  readonly deadLettered: number
}

const noCounts: Counts = { ...Outcome.noCounts, deadLettered: 0 }

/**
 * A sink that counts what passes {@link divert} or {@link settle}.
 *
 * @example
 * ```ts
 * import { DeadLetter } from "@effect-connectors/core"
 * import * as Stream from "effect/Stream"
 *
 * declare const passed: Stream.Stream<DeadLetter.Passed<string, unknown>>
 *
 * // { written, rejected, unknown, deadLettered }
 * const counts = Stream.run(passed, DeadLetter.count)
 * ```
 */
export const count: Sink.Sink<Counts, Passed<unknown, unknown>> = Sink.reduceArray(
  () => noCounts,
  (counts, passed) => {
    const others = passed.flatMap((one) => (one._tag === "DeadLettered" ? [] : [one]))
    const { rejected, unknown, written } = Outcome.add(counts, others)
    return { written, rejected, unknown, deadLettered: counts.deadLettered + passed.length - others.length }
  }
)

/** Options of {@link ndjson}. */
export interface NdjsonOptions<A> {
  /** The file; it is made when the first letter comes. */
  readonly path: string
  /** What the records are. Its checks are left out: letters are of records that something is wrong with. */
  readonly record: Schema.Codec<A, unknown>
  /**
   * Letters in the file; one more is an error. Memory holds the id of each.
   *
   * @default 1_000_000
   */
  readonly maxLetters?: number | undefined
  /**
   * Bytes of a letter as JSON.
   *
   * @default 16_777_216
   */
  readonly maxLineBytes?: number | undefined
}

/**
 * A file with a letter in each line, as JSON. Letters are on disk, not only with the operating system, before they count as
 * kept. A line that a killed process left half written is dropped when the file is opened again; another line that can not be
 * read is left alone and logged. One process at a time may write to it.
 */
export const ndjson: <A>(
  options: NdjsonOptions<A>
) => Effect.Effect<Letter.Store<A>, Letter.DeadLetterError, FileSystem> = NdjsonLetters.make

/** Options of {@link keyValue}. */
export interface KeyValueOptions<A> {
  /** Tells the letters of one store from others in the same `KeyValueStore`. */
  readonly name: string
  /** What the records are. Its checks are left out: letters are of records that something is wrong with. */
  readonly record: Schema.Codec<A, unknown>
}

/** An entry of Effect's `KeyValueStore` for each letter: in memory, in files, in a SQL table. */
export const keyValue: <A>(options: KeyValueOptions<A>) => Effect.Effect<Letter.Store<A>, never, KeyValueStore> =
  KeyValueLetters.make

/** Options of {@link queue}. */
export interface QueueOptions<A> {
  readonly name: string
  /** What the records are. Its checks are left out: letters are of records that something is wrong with. */
  readonly record: Schema.Codec<A, unknown>
  /**
   * How long reading waits for one more letter before it ends.
   *
   * @default "5 seconds"
   */
  readonly idle?: Duration.Input | undefined
  /**
   * Letters that are read and not yet written or kept. More than a sink has in flight.
   *
   * @default 1_000
   */
  readonly maxHeld?: number | undefined
  /**
   * How often the queue gives a letter out before it sets it aside for good, where it is not found from here.
   *
   * @default 1_000_000_000
   */
  readonly maxAttempts?: number | undefined
  /** How long the queue keeps a letter back that was refused again. Default: the queue's, from a second to 5 minutes. */
  readonly retrySchedule?: Schedule.Schedule<unknown, number> | undefined
}

/**
 * Effect's `PersistedQueue` (in memory, Redis, SQL), which several processes can redrive together: a letter that is read is
 * held until its outcome, and comes back by the queue's own schedule when it was refused again.
 *
 * **Gotchas**
 *
 * A queue gives a letter an id of its own, does not change what is in it, and removes only what was read from it here.
 */
export const queue: <A>(
  options: QueueOptions<A>
) => Effect.Effect<Letter.Store<A>, never, PersistedQueueFactory | Scope.Scope> = QueueLetters.make

/**
 * Letters into any sink, which is run once for each chunk of them and has kept them when it ends: so one that writes a file
 * must append.
 */
export const sink = <A, X, L, E, R>(to: Sink.Sink<X, DeadLetter<A>, L, E, R>): Letter.Writer<A, E, R> => ({
  write: (letters) => Effect.asVoid(Stream.run(Stream.fromArray(letters), to))
})

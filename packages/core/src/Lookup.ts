/**
 * The lookup engine: each element of a stream paired with what a store knows about it, in order.
 *
 * Lookups are gathered into calls by count and a short linger. An identity that is being asked for, by
 * whichever call in flight, is not asked for again; with a cache neither is one answered lately. A row
 * that can not be looked up is a failed `Result` in its place: the rows beside it keep theirs.
 */
import * as Arr from "effect/Array"
import * as Cache from "effect/Cache"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Batch from "./Batch.ts"
import { type ConnectorError, TimedOut } from "./ConnectorError.ts"
import { withRetries } from "./internal/call.ts"
import * as Room from "./internal/room.ts"
import type * as Pacing from "./Pacing.ts"
import type * as Retry from "./Retry.ts"
import * as Telemetry from "./Telemetry.ts"

/** A store, as the lookup engine sees it. `K` is what it is asked, `B` what it answers. */
export interface Store<K, B, E extends ConnectorError, R = never> {
  readonly target: Telemetry.Target
  /** Keys in one call. */
  readonly maxKeys: number
  /** One call: one result for each key, in order. It must cancel the call when it is interrupted. */
  readonly lookup: (keys: Arr.NonEmptyReadonlyArray<K>) => Effect.Effect<ReadonlyArray<Result.Result<B, E>>, E, R>
  /** Keys of one identity have one answer. The whole key has to be in it. `undefined`: never shared. */
  readonly identity: (key: K) => string | undefined
  /** Keys of different groups go out in different calls, for instance those of different namespaces. */
  readonly group?: ((key: K) => string) | undefined
  /**
   * What the store's own limit of concurrency counts: its calls, or the keys in them.
   *
   * @default "calls"
   */
  readonly counts?: "calls" | "keys" | undefined
  /** May an answer be cached? Not one that another moment would give otherwise. Default: each may. */
  readonly keeps?: ((answer: B) => boolean) | undefined
  /** How calls are paced, by their group. Default: they are not. */
  readonly paced?: Pacing.Paced<E> | undefined
  /** The error of a row that was not answered within {@link Options.deadline}. */
  readonly late: (reason: TimedOut) => E
}

export interface Options {
  /**
   * Elements that one call may serve. Never more than the store allows. More in a call cost the processor less each, and
   * all of them wait for the slowest (`npm run bench -- --suite batch-size`).
   *
   * @default 100
   */
  readonly maxBatch?: number | undefined
  /**
   * How long an element may wait for others to share its call.
   *
   * @default "5 millis"
   */
  readonly linger?: Duration.Input | undefined
  /**
   * Calls in flight; or keys in flight, for a store that counts those. With answers after some 20 ms, twice as many give
   * nearly twice the throughput up to about 8 and less and less beyond, and an answer takes longer
   * (`npm run bench -- --suite concurrency`).
   *
   * @default 8
   */
  readonly concurrency?: number | undefined
  /**
   * Time for all rows together, from the start of the stream. Calls in flight at its end are cancelled; their rows, and
   * all that come after, are failed rows with `TimedOut`, in their places. No row waits longer for others. Default: none.
   */
  readonly deadline?: Duration.Input | undefined
  /** When a call is repeated. */
  readonly retry?: Retry.Policy | undefined
  /** Keeps answers for a time. Default: no cache. */
  readonly cache?:
    | {
        /** Answers kept; the least lately used goes first. */
        readonly capacity: number
        readonly timeToLive: Duration.Input
      }
    | undefined
}

/**
 * Pairs each element with the result of its lookup.
 *
 * The stream fails only with the source's own error or one that stops all progress; a `Result` carries
 * every other failure.
 */
export const results =
  <A, K, B, E extends ConnectorError, R>(
    store: Store<K, B, E, R>,
    key: (element: A) => Result.Result<K, E>,
    options: Options = {}
  ) =>
  <E2, R2>(self: Stream.Stream<A, E2, R2>): Stream.Stream<[A, Result.Result<B, E>], E | E2, R | R2> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { concurrency = 8 } = options
        // Of half a place there would be half a call that never leaves.
        if (!(concurrency >= 1 && (concurrency === Infinity || Number.isInteger(concurrency)))) {
          return yield* Effect.die(new Error(`concurrency is ${concurrency}; it is a whole number, 1 or more`))
        }
        const { answered, begun } = yield* makeLookup(store, options)
        return self.pipe(
          Batch.batched({
            maxRecords: Math.min(
              options.maxBatch ?? 100,
              store.maxKeys,
              // A larger call would be more than may be in flight.
              store.counts === "keys" ? concurrency : Infinity
            ),
            linger: Duration.min(
              Duration.fromInputUnsafe(options.linger ?? "5 millis"),
              Duration.fromInputUnsafe(options.deadline ?? Duration.infinity)
            )
          }),
          // Rows that there is no room for wait in the batcher, where their batch grows.
          Stream.mapEffect(({ records }) => begun(records, key)),
          Stream.mapEffect(answered, { concurrency }),
          Stream.flattenArray
        )
      })
    )

/** {@link results} that fails at the first row that could not be looked up. */
export const rows =
  <A, K, B, E extends ConnectorError, R>(
    store: Store<K, B, E, R>,
    key: (element: A) => Result.Result<K, E>,
    options: Options = {}
  ) =>
  <E2, R2>(self: Stream.Stream<A, E2, R2>): Stream.Stream<[A, B], E | E2, R | R2> =>
    results(store, key, options)(self).pipe(requireFound)

/** Fails at the first failed row. */
export const requireFound = <A, B, E, E2, R>(
  self: Stream.Stream<[A, Result.Result<B, E>], E2, R>
): Stream.Stream<[A, B], E | E2, R> =>
  Stream.mapArrayEffect(self, (pairs) => {
    const found: Array<[A, B]> = []
    for (const [element, result] of pairs) {
      if (Result.isFailure(result)) return Effect.fail(result.failure)
      found.push([element, result.success])
    }
    return Arr.isReadonlyArrayNonEmpty(found) ? Effect.succeed(found) : Effect.die("a chunk had no rows")
  })

/** The keys of one call on their way to the store. */
interface Flight<K, in out Answer, in out E> {
  readonly asked: Array<Seat<K, Answer, E>>
  readonly landed: Deferred.Deferred<ReadonlyArray<Answer>, E>
  /** Of a flight that has landed well. */
  answers: ReadonlyArray<Answer>
}

/** Where a row's answer will be. A class, since it is told from an answer once a row. */
class Seat<K, in out Answer, in out E> {
  readonly flight: Flight<K, Answer, E>
  readonly at: number
  readonly key: K
  readonly identity: string | undefined
  constructor(flight: Flight<K, Answer, E>, key: K, identity: string | undefined) {
    this.flight = flight
    this.at = flight.asked.length
    this.key = key
    this.identity = identity
  }
}

/** A time that begins now and runs out. */
interface Time {
  /** What `effect` gives while there is time; it is not begun when there is none, and given up when it runs out. */
  readonly inTime: <A, E, R>(effect: Effect.Effect<A, E, R>, orElse: (late: TimedOut) => A) => Effect.Effect<A, E, R>
}

const timeFromNow = (deadline: Duration.Input | undefined): Effect.Effect<Time> =>
  Effect.map(Clock.currentTimeMillis, (start) => {
    const afterMillis = deadline === undefined ? Infinity : Duration.toMillis(Duration.fromInputUnsafe(deadline))
    if (afterMillis === Infinity) return { inTime: (effect) => effect }
    const left = Effect.map(Clock.currentTimeMillis, (now) => Math.max(0, start + afterMillis - now))
    const late = <A>(orElse: (late: TimedOut) => A) => Effect.sync(() => orElse(new TimedOut({ afterMillis })))
    return {
      inTime: (effect, orElse) =>
        Effect.flatMap(left, (duration) =>
          duration > 0 ? Effect.timeoutOrElse(effect, { duration, orElse: () => late(orElse) }) : late(orElse)
        )
    }
  })

/** Rows whose keys are on their way, or need not be sent. */
interface Begun<A, K, in out Answer, in out E> {
  readonly elements: Arr.NonEmptyReadonlyArray<A>
  /** Of each element its answer, or where that will be. */
  readonly places: ReadonlyArray<Answer | Seat<K, Answer, E>>
  /** Those to be flown for these rows. */
  readonly flights: ReadonlyArray<Flight<K, Answer, E>>
  /** Those of other rows that hold a seat of one of these. */
  readonly others: ReadonlySet<Flight<K, Answer, E>>
  /** Why they can not fly: there was no time left to wait for room. */
  readonly late: TimedOut | undefined
}

const makeLookup = <K, B, E extends ConnectorError, R>(store: Store<K, B, E, R>, options: Options) =>
  Effect.gen(function* () {
    const telemetry = Telemetry.make(store.target)
    type Answer = Result.Result<B, E>
    const concurrency = options.concurrency ?? 8
    const room = Room.make(concurrency)
    const { inTime } = yield* timeFromNow(options.deadline)
    const allLate = (keys: ReadonlyArray<unknown>) => (late: TimedOut) =>
      keys.map((): Answer => Result.fail(store.late(late)))
    const seats = new Map<string, Seat<K, Answer, E>>()
    const cache =
      options.cache === undefined
        ? undefined
        : yield* Cache.make<string, Answer>({
            ...options.cache,
            lookup: () => Effect.die("the cache is only read and set")
          })

    const { paced } = store
    const callOf = (keys: Arr.NonEmptyReadonlyArray<K>): Pacing.Call => ({
      operation: store.target.operation,
      key: store.group?.(keys[0]) ?? "",
      bytes: 0,
      records: keys.length
    })

    /**
     * One call with its retries. A call that is refused for its content is halved, so that good keys get answers; what
     * one half was answered in time it keeps.
     */
    const ask = (keys: Arr.NonEmptyReadonlyArray<K>): Effect.Effect<ReadonlyArray<Answer>, E, R> => {
      const call = Effect.tap(store.lookup(keys), (answers) =>
        answers.length === keys.length
          ? Effect.void
          : Effect.die(new Error(`a lookup gave ${answers.length} answers for ${keys.length} keys`))
      )
      const pace = paced === undefined ? undefined : { ...paced, call: callOf(keys) }
      return inTime(withRetries(call, { telemetry, retry: options.retry, pace }), allLate(keys)).pipe(
        Effect.catch(({ error }) => {
          if (error.reason.isFatal) return Effect.fail(error)
          const [first, second] = Arr.splitAt(keys, keys.length >> 1)
          return error.reason.blamesRecords && Arr.isArrayNonEmpty(first) && Arr.isArrayNonEmpty(second)
            ? Effect.zipWith(ask(first), ask(second), (a, b) => a.concat(b))
            : Effect.succeed(Arr.map(keys, (): Answer => Result.fail(error)))
        })
      )
    }

    type Keys = Arr.NonEmptyReadonlyArray<Seat<K, Answer, E>>

    /** Asks in one call. */
    const call = (asked: Keys) =>
      telemetry.measured(ask(Arr.map(asked, ({ key }) => key))).pipe(
        Telemetry.spanned(store.target, store.group?.(asked[0].key), asked.length),
        Effect.tap((answers) =>
          cache === undefined
            ? Effect.void
            : Effect.forEach(
                asked,
                ({ identity }, i) => {
                  const answer = answers[i]!
                  return identity !== undefined && Result.isSuccess(answer) && store.keeps?.(answer.success) !== false
                    ? Cache.set(cache, identity, answer)
                    : Effect.void
                },
                { discard: true }
              )
        )
      )

    /** However a flight ends, interruption included, no one may wait for it any longer. */
    const land = (flight: Flight<K, Answer, E>, exit: Exit.Exit<ReadonlyArray<Answer>, E>) => {
      for (const { identity } of flight.asked) if (identity !== undefined) seats.delete(identity)
      if (Exit.isSuccess(exit)) flight.answers = exit.value
      Deferred.doneUnsafe(flight.landed, exit)
    }

    /** Asks in one call. Who waits for an answer learns of a failure by it. */
    const fly = (flight: Flight<K, Answer, E>) =>
      Effect.suspend(() => (Arr.isArrayNonEmpty(flight.asked) ? call(flight.asked) : Effect.succeed([]))).pipe(
        Effect.onExit((exit) => Effect.sync(() => land(flight, exit))),
        Effect.exit
      )

    /** Asks in one call for each flight, as many at a time as there is room for, and gives the room back. */
    const flyAll = (flights: ReadonlyArray<Flight<K, Answer, E>>) => {
      const byKeys = store.counts === "keys"
      const atOnce = byKeys ? flights.length : Math.min(concurrency, flights.length)
      let waiting = flights.length - atOnce
      const leave = ({ asked }: Flight<K, Answer, E>) =>
        Effect.suspend(() => (waiting-- > 0 ? Effect.void : room.leave(byKeys ? asked.length : 1)))
      return Effect.forEach(flights, (flight) => Effect.ensuring(fly(flight), leave(flight)), {
        concurrency: atOnce,
        discard: true
      })
    }

    /** Finds places for rows, one after the other. */
    const makePlaces = () => {
      const own = new Map<string | undefined, Flight<K, Answer, E>>()
      const others = new Set<Flight<K, Answer, E>>()
      const places: Array<Answer | Seat<K, Answer, E>> = []
      const from = { cache: 0, store: 0, flight: 0 }
      const flightOf = (key: K): Flight<K, Answer, E> => {
        const group = store.group?.(key)
        const known = own.get(group)
        if (known !== undefined) return known
        const flight = { asked: [], landed: Deferred.makeUnsafe<ReadonlyArray<Answer>, E>(), answers: [] }
        own.set(group, flight)
        return flight
      }
      return {
        places,
        others,
        from,
        flights: () => Array.from(own.values()),
        fail: (failure: E) => {
          places.push(Result.fail(failure))
        },
        keep: (answer: Answer) => {
          from.cache++
          places.push(answer)
        },
        seat: (key: K, identity: string | undefined) => {
          const taken = identity === undefined ? undefined : seats.get(identity)
          if (taken !== undefined) {
            from.flight++
            others.add(taken.flight)
            places.push(taken)
            return
          }
          from.store++
          const flight = flightOf(key)
          const seat = new Seat(flight, key, identity)
          flight.asked.push(seat)
          if (identity !== undefined) seats.set(identity, seat)
          places.push(seat)
        }
      }
    }

    /** Finds places for rows and waits until there is room for the calls that they need. */
    const begun = Effect.fnUntraced(function* <A>(
      elements: Arr.NonEmptyReadonlyArray<A>,
      keyOf: (element: A) => Result.Result<K, E>
    ): Effect.fn.Return<Begun<A, K, Answer, E>> {
      const { fail, flights: ownFlights, from, keep, others, places, seat } = makePlaces()
      for (const element of elements) {
        const key = keyOf(element)
        if (Result.isFailure(key)) {
          fail(key.failure)
          continue
        }
        const identity = store.identity(key.success)
        if (identity !== undefined && cache !== undefined) {
          const known = yield* Cache.getSuccess(cache, identity)
          if (Option.isSome(known)) {
            keep(known.value)
            continue
          }
        }
        seat(key.success, identity)
      }
      yield* telemetry.lookups(from)
      const flights = ownFlights()
      const wanted = Math.min(concurrency, store.counts === "keys" ? from.store : flights.length)
      const late =
        wanted === 0
          ? undefined
          : yield* inTime<TimedOut | undefined, never, never>(Effect.as(room.enter(wanted), undefined), (late) => late)
      for (const flight of flights) others.delete(flight)
      return { elements, places, flights, others, late }
    })

    /** Flies, and pairs the rows with their answers. */
    const answered = Effect.fnUntraced(function* <A>({
      elements,
      flights,
      late,
      others,
      places
    }: Begun<A, K, Answer, E>): Effect.fn.Return<Arr.NonEmptyReadonlyArray<[A, Answer]>, E, R> {
      if (late === undefined) {
        yield* flyAll(flights)
      } else {
        for (const flight of flights) land(flight, Exit.succeed(allLate(flight.asked)(late)))
      }
      for (const { landed } of flights) yield* Deferred.await(landed)
      for (const { landed } of others) yield* Deferred.await(landed)
      return Arr.map(elements, (element, i): [A, Answer] => {
        const place = places[i]!
        return [element, place instanceof Seat ? place.flight.answers[place.at]! : place]
      })
    })
    return { begun, answered }
  })

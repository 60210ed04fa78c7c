/**
 * The write engine: a stream of records in, one {@link Outcome.Outcome} for each of them out.
 *
 * Records are checked and encoded a chunk at a time, batched by count, bytes and time, and sent with
 * bounded concurrency. A call that failed for a reason time can cure is repeated; a call that was
 * refused for its content is halved until the bad record stands alone, so that the others are written.
 *
 * What stops all progress (a bad key, a missing index) ends the source: calls in flight are answered,
 * what was taken in and not sent is `Rejected`, and then the stream fails. So even then there is one
 * outcome for each record taken in.
 *
 * A store's package plugs in a {@link Destination}; its users see the {@link Options}.
 */
import * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import * as Batch from "./Batch.ts"
import type { ConnectorError } from "./ConnectorError.ts"
import * as Drain from "./Drain.ts"
import { withRetries } from "./internal/call.ts"
import * as InOrder from "./internal/inOrder.ts"
import * as SideBySide from "./internal/sideBySide.ts"
import * as Outcome from "./Outcome.ts"
import type * as Pacing from "./Pacing.ts"
import type * as Retry from "./Retry.ts"
import * as Telemetry from "./Telemetry.ts"

/** A record that was checked and encoded. */
export interface Ready<out A, out I> {
  readonly _tag: "Ready"
  readonly input: A
  /** What {@link Destination.send} takes. */
  readonly item: I
  /** Records of one key travel together, for instance those of a namespace. */
  readonly key: string
  /**
   * Two records with one id (and key, or {@link Destination.scope}) are the same thing to the store; without it neither
   * order nor duplicates are looked at.
   */
  readonly id: string | undefined
  /** Bytes it adds to a call. */
  readonly bytes: number
}

/** A record that can not be sent. */
export interface Refused<out A, out E> {
  readonly _tag: "Refused"
  readonly input: A
  readonly error: E
}

/** A store, as the write engine sees it. */
export interface Destination<A, I, E extends ConnectorError, R = never> {
  readonly target: Telemetry.Target
  readonly limits: {
    /** Records of a call, one number for all keys or one for each. */
    readonly maxRecords: number | ((key: string) => number)
    readonly maxBytes: number
    /** Bytes of a call beside its records. */
    readonly envelopeBytes: (key: string) => number
  }
  /**
   * What ids of a key are unique in. A destination that writes one thing in calls of several keys says so here: order
   * is then kept across keys. Spans show it as the namespace. Default: the key.
   */
  readonly scope?: ((key: string) => string) | undefined
  /** Each time it completes, what is under construction is sent. Default: never. */
  readonly flush?: Effect.Effect<unknown> | undefined
  /** Checks and encodes a chunk: one result for each record, in order. */
  readonly prepare: (records: Arr.NonEmptyReadonlyArray<A>) => Arr.NonEmptyReadonlyArray<Ready<A, I> | Refused<A, E>>
  /** Sends one call. It must cancel the call when it is interrupted. */
  readonly send: (key: string, items: Arr.NonEmptyReadonlyArray<I>) => Effect.Effect<unknown, E, R>
  /** How calls are paced, by their operation and scope. Default: they are not. */
  readonly paced?: Pacing.Paced<E> | undefined
  /** The operation that the calls of a key are to the store. Default: that of the target. */
  readonly operation?: ((key: string) => string) | undefined
  /** The error of a record that alone is larger than a whole call. */
  readonly tooLarge: (record: Ready<A, I>, maxBytes: number) => E
}

export interface Options {
  /**
   * Records in a batch. Never more than the store allows. A record alone in its call costs the processor tens of times
   * what it costs among 100; beyond, throughput still grows by up to two times while a call takes several times as long
   * (`npm run bench -- --suite batch-size`).
   *
   * @default 100
   */
  readonly maxRecords?: number | undefined
  /** Bytes of a batch as encoded. Never more than the store allows. Default: what the store allows. */
  readonly maxBytes?: number | undefined
  /**
   * Bytes of all batches under construction together, for streams of many keys; beyond it the oldest leaves.
   *
   * @default 64_000_000
   */
  readonly maxOpenBytes?: number | undefined
  /**
   * How long a batch may wait for more, from its first record. Only a slow source ever waits that long.
   *
   * @default "1 second"
   */
  readonly linger?: Duration.Input | undefined
  /**
   * Batches in flight. With answers after some 20 ms, throughput stops growing at about 8 over REST and 16 over gRPC, where
   * the program's processor is busy, and calls only wait longer; a slower store wants more, up to what it takes at once
   * (`npm run bench -- --suite concurrency`). The outcomes of as many batches may wait beside until they are taken.
   *
   * @default 8
   */
  readonly concurrency?: number | undefined
  /** When a call is repeated. */
  readonly retry?: Retry.Policy | undefined
  /**
   * Write the records of one id in the order they came: a batch waits for an earlier one that shares
   * an id with it. Without it, of two batches in flight either may land last.
   *
   * @default true
   */
  readonly ordered?: boolean | undefined
  /**
   * What to do with records of one id in one batch. `"lastWins"` sends the last of them only, and the
   * earlier ones share its outcome, as if each had been overwritten; should the last be refused for
   * its content, the one before it is sent. `"sendAll"` leaves it to the store.
   *
   * @default "lastWins"
   */
  readonly duplicates?: "lastWins" | "sendAll" | undefined
}

/** What became of one record of a call. */
type Verdict<E> =
  | { readonly _tag: "Written" }
  | {
      readonly _tag: "Rejected" | "Unknown"
      readonly error: E
      readonly attempts: number
    }

const acknowledged: Verdict<never> = { _tag: "Written" }

const toOutcome = <A, E>(input: A, verdict: Verdict<E>): Outcome.Outcome<A, E> =>
  verdict._tag === "Written" ? Outcome.written(input) : { ...verdict, input }

/** Records checked and encoded at a time: enough to keep chunks, few enough to bound what is encoded ahead. */
const slice = 128

/**
 * Writes a stream, giving outcomes as values. They come as batches are answered, not in input order.
 *
 * The result fails only with the source's own error, after what was taken in is sent and answered, or
 * with an error that stops all progress.
 */
export const outcomes =
  <A, I, E extends ConnectorError, R>(destination: Destination<A, I, E, R>, options: Options = {}) =>
  <E2, R2>(self: Stream.Stream<A, E2, R2>): Stream.Stream<Outcome.Outcome<A, E>, E | E2, R | R2> =>
    Stream.suspend(() => {
      const { concurrency = 8 } = options
      if (!(concurrency >= 1)) return Stream.die(new Error(`concurrency is ${concurrency}; it is 1 or more`))
      const { scope } = destination
      const { maxRecords } = destination.limits
      const envelopeBytes = forLast(destination.limits.envelopeBytes)
      const atMost = options.maxRecords ?? 100
      const maxOf = typeof maxRecords === "number" ? Math.min(atMost, maxRecords) : maxRecords
      const maxBytes = Math.min(options.maxBytes ?? Infinity, destination.limits.maxBytes)
      const telemetry = Telemetry.make(destination.target)
      const writer = makeWriter(destination, telemetry, options)

      const prepare = (records: Arr.NonEmptyReadonlyArray<A>) =>
        Arr.map(destination.prepare(records), (prepared): Ready<A, I> | Refused<A, E> =>
          prepared._tag === "Ready" && prepared.bytes + envelopeBytes(prepared.key) > maxBytes
            ? { _tag: "Refused", input: prepared.input, error: destination.tooLarge(prepared, maxBytes) }
            : prepared
        )

      return self.pipe(
        Drain.endWhen(writer.stopped),
        Batch.sliced(typeof maxOf === "number" ? Math.min(slice, maxOf) : slice),
        Stream.mapArray(prepare),
        // Refused records travel in batches of their own key, so that their outcomes too come by the batch.
        Batch.batchedBy((prepared) => (prepared._tag === "Ready" ? prepared.key : undefined), {
          maxRecords:
            typeof maxOf === "number"
              ? maxOf
              : (key) => (key === undefined ? Math.min(atMost, slice) : Math.min(atMost, maxOf(key))),
          maxBytes,
          maxOpenBytes: options.maxOpenBytes ?? 64_000_000,
          bytes: (prepared) => (prepared._tag === "Ready" ? prepared.bytes : 0),
          envelopeBytes: (key) => (key === undefined ? 0 : envelopeBytes(key)),
          linger: options.linger ?? "1 second",
          identity:
            scope === undefined || options.ordered === false
              ? undefined
              : (prepared) => (prepared._tag === "Ready" ? identityOf(prepared, scope) : undefined),
          flush: destination.flush
        }),
        Stream.map(writer.enqueue),
        SideBySide.mapUnordered(writer.write, concurrency),
        Stream.onEnd(
          Effect.suspend(() => {
            const fatal = writer.fatal()
            return fatal === undefined ? Effect.void : Effect.fail(fatal)
          })
        )
      )
    })

/**
 * Writes a stream and lets the written records pass. When a record was rejected or unknown the result
 * fails at its end with {@link Outcome.RecordsNotWritten}, so draining it can hide nothing.
 */
export const written =
  <A, I, E extends ConnectorError, R>(destination: Destination<A, I, E, R>, options: Options = {}) =>
  <E2, R2>(
    self: Stream.Stream<A, E2, R2>
  ): Stream.Stream<Outcome.Written<A>, E | E2 | Outcome.RecordsNotWritten, R | R2> =>
    Outcome.requireWritten(outcomes(destination, options)(self))

/** Asked for the same key again, it knows the answer: records of one key come one after the other. */
const forLast = (f: (key: string) => number): ((key: string) => number) => {
  let last: { readonly key: string; readonly value: number } | undefined
  return (key) => {
    if (last?.key !== key) last = { key, value: f(key) }
    return last.value
  }
}

const makeWriter = <A, I, E extends ConnectorError, R>(
  destination: Destination<A, I, E, R>,
  telemetry: Telemetry.Telemetry,
  options: Options
) => {
  const { target } = destination
  const scopeOf = destination.scope ?? ((key: string) => key)
  const inOrder = InOrder.make()
  const ordered = options.ordered ?? true
  const lastWins = (options.duplicates ?? "lastWins") === "lastWins"
  const { paced } = destination
  const stopped = Latch.makeUnsafe(false)
  let fatal: E | undefined
  const stop = Effect.flatMap(stopped.await, () => (fatal === undefined ? Effect.never : Effect.succeed(fatal)))

  const callOf = (key: string, records: ReadonlyArray<Ready<A, I>>): Pacing.Call => ({
    operation: destination.operation?.(key) ?? target.operation,
    key: scopeOf(key),
    bytes: records.reduce((sum, { bytes }) => sum + bytes, destination.limits.envelopeBytes(key)),
    records: records.length
  })

  /** One call with its retries. */
  const call = (key: string, records: Arr.NonEmptyReadonlyArray<Ready<A, I>>, before: number) =>
    Effect.suspend((): Effect.Effect<Verdict<E>, never, R> => {
      if (fatal !== undefined) return Effect.succeed({ _tag: "Rejected", error: fatal, attempts: before })
      const sent = destination.send(
        key,
        Arr.map(records, (record) => record.item)
      )
      const pace = paced === undefined ? undefined : { ...paced, call: callOf(key, records) }
      return Effect.match(withRetries(sent, { telemetry, retry: options.retry, pace, stop }), {
        onSuccess: () => acknowledged,
        onFailure: ({ error, attempts, mayBeApplied }): Verdict<E> => {
          if (error.reason.isFatal && fatal === undefined) {
            fatal = error
            stopped.openUnsafe()
          }
          const lost = mayBeApplied && !error.reason.blamesRecords
          return { _tag: lost ? "Unknown" : "Rejected", error, attempts: before + attempts }
        }
      })
    })

  /**
   * Sends records; a call refused for its content is halved until the bad record stands alone. When
   * the first half of a refused call is accepted, the second must hold what was refused and is halved
   * without sending it whole.
   */
  const send = Effect.fnUntraced(function* (
    key: string,
    records: Arr.NonEmptyReadonlyArray<Ready<A, I>>,
    before: number,
    knownBad: boolean
  ): Effect.fn.Return<ReadonlyArray<Verdict<E>>, never, R> {
    let sent = before
    if (!knownBad || records.length === 1) {
      const verdict = yield* call(key, records, before)
      if (verdict._tag === "Written" || records.length === 1 || !verdict.error.reason.blamesRecords) {
        return Arr.map(records, () => verdict)
      }
      sent = verdict.attempts
    }
    const half = records.length >> 1
    const first = records.slice(0, half)
    const second = records.slice(half)
    const verdicts: Array<Verdict<E>> = []
    if (Arr.isReadonlyArrayNonEmpty(first)) verdicts.push(...(yield* send(key, first, sent, false)))
    const firstIsGood = verdicts.every((verdict) => verdict._tag === "Written")
    if (Arr.isReadonlyArrayNonEmpty(second)) verdicts.push(...(yield* send(key, second, sent, firstIsGood)))
    return verdicts
  })

  /** {@link send} for records of which several may have one id: only the last of an id is sent. */
  const sendLast = Effect.fnUntraced(function* (
    key: string,
    records: Arr.NonEmptyReadonlyArray<Ready<A, I>>
  ): Effect.fn.Return<ReadonlyArray<Outcome.Outcome<A, E>>, never, R> {
    const last = new Map<string, Ready<A, I>>()
    for (const record of records) if (record.id !== undefined) last.set(record.id, record)
    const winners = records.filter((record) => record.id === undefined || last.get(record.id) === record)
    if (!Arr.isReadonlyArrayNonEmpty(winners)) return []
    const verdicts = yield* send(key, winners, 0, false)
    const all = winners.map((winner, i) => toOutcome(winner.input, verdicts[i]!))
    if (winners.length === records.length) return all
    const verdictOf = new Map(winners.map((winner, i) => [winner.id, verdicts[i]!]))
    const again: Array<Ready<A, I>> = []
    for (const record of records) {
      if (record.id === undefined || last.get(record.id) === record) continue
      const verdict = verdictOf.get(record.id)!
      if (verdict._tag === "Rejected" && verdict.error.reason.blamesRecords) again.push(record)
      else all.push(toOutcome(record.input, verdict))
    }
    return Arr.isReadonlyArrayNonEmpty(again) ? all.concat(yield* sendLast(key, again)) : all
  })

  const sendAll = (key: string, records: Arr.NonEmptyReadonlyArray<Ready<A, I>>) =>
    Effect.map(send(key, records, 0, false), (verdicts) =>
      records.map((record, i) => toOutcome(record.input, verdicts[i]!))
    )

  type Prepared = Batch.Batch<Ready<A, I> | Refused<A, E>, string | undefined>

  const report = (outcomes: ReadonlyArray<Outcome.Outcome<A, E>>) =>
    Effect.as(telemetry.outcomes(Outcome.countAll(outcomes)), outcomes)

  /** Sends a batch and counts what became of it. */
  const sendBatch = Effect.fnUntraced(function* (
    batch: Prepared,
    ready: Arr.NonEmptyReadonlyArray<Ready<A, I>>,
    mayRepeat: boolean
  ) {
    yield* telemetry.batch(batch)
    const outcomes = yield* telemetry.measured((mayRepeat ? sendLast : sendAll)(ready[0].key, ready))
    const failed = outcomes.find(Outcome.isNotWritten)
    if (failed !== undefined) yield* Effect.annotateCurrentSpan("error.type", failed.error.reason._tag)
    return yield* report(outcomes)
  })

  return {
    stopped: stopped.await,
    fatal: () => fatal,
    /** Takes the batch's place in the order of its ids; has to happen in the order of batches. */
    enqueue: (batch: Prepared) => {
      const ready: Array<Ready<A, I>> = []
      const refused: Array<Outcome.Outcome<A, E>> = []
      for (const prepared of batch.records) {
        if (prepared._tag === "Ready") ready.push(prepared)
        else refused.push(Outcome.rejected(prepared.input, prepared.error, 0))
      }
      const ticket = ordered && Arr.isArrayNonEmpty(ready) ? inOrder.ticket(scopeOf(ready[0].key), ready) : undefined
      return { batch, ready, refused, ticket }
    },
    write: ({
      batch,
      ready,
      refused,
      ticket
    }: {
      readonly batch: Prepared
      readonly ready: ReadonlyArray<Ready<A, I>>
      readonly refused: ReadonlyArray<Outcome.Outcome<A, E>>
      readonly ticket: InOrder.Ticket | undefined
    }): Effect.Effect<Arr.NonEmptyReadonlyArray<Outcome.Outcome<A, E>>, never, R> => {
      if (!Arr.isReadonlyArrayNonEmpty(ready)) return asNonEmpty(report(refused))
      const sent = Telemetry.spanned(
        target,
        scopeOf(ready[0].key),
        ready.length
      )(sendBatch(batch, ready, lastWins && ticket?.repeats !== false))
      // What waited while the stream was stopped is never sent.
      const written = Effect.suspend(() => {
        const error = fatal
        return error === undefined ? sent : report(ready.map(({ input }) => Outcome.rejected(input, error, 0)))
      })
      return asNonEmpty(
        ticket === undefined ? written : Effect.ensuring(Effect.andThen(ticket.turn, written), ticket.done)
      )
    }
  }
}

const identityOf = ({ id, key }: Ready<unknown, unknown>, scope: (key: string) => string): string | undefined =>
  id === undefined ? undefined : `${scope(key)}\u0000${id}`

/** A batch is never empty, and so neither are its outcomes. */
const asNonEmpty = <A, R>(
  effect: Effect.Effect<ReadonlyArray<A>, never, R>
): Effect.Effect<Arr.NonEmptyReadonlyArray<A>, never, R> =>
  Effect.flatMap(effect, (array) =>
    Arr.isReadonlyArrayNonEmpty(array) ? Effect.succeed(array) : Effect.die("a batch had no outcome")
  )

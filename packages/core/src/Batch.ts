/**
 * Groups a stream into batches by count, by bytes and by the time since a batch's first record, one
 * building batch per key.
 *
 * The batcher pulls, it is not pushed: a batch leaves when the consumer asks for one, and while the
 * consumer is busy a batch whose time is up keeps growing up to its limits. So at most one batch per
 * key is held here, and never more than `maxKeys`.
 *
 * It costs well under a microsecond a record (`npm run bench -- --suite core`).
 */
import type * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Latch from "effect/Latch"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"

/**
 * Why a batch left: a limit was reached, its time was up, too much was under construction, something later has to come
 * after it, or the source ended.
 */
export type FlushReason = "count" | "bytes" | "linger" | "room" | "order" | "end"

/** Records of one key that travel together. */
export interface Batch<out A, out K = string> {
  readonly key: K
  readonly records: Arr.NonEmptyReadonlyArray<A>
  /** The sum of the records' sizes and the envelope. */
  readonly bytes: number
  readonly flushedBy: FlushReason
}

export interface Options<A, K> {
  /** Records in a batch, at least 1; one number for all keys, or one for each. */
  readonly maxRecords: number | ((key: K) => number)
  /**
   * Bytes in a batch, envelope included. A record that is over it by itself leaves in a batch of its
   * own: set such records aside before batching.
   *
   * @default Infinity
   */
  readonly maxBytes?: number | undefined
  /** The size of a record in bytes; asked once per record. Default: 0. */
  readonly bytes?: ((record: A) => number) | undefined
  /** Bytes of a batch beside its records. Default: 0. */
  readonly envelopeBytes?: ((key: K) => number) | undefined
  /**
   * How long a batch may wait for more, from its first record.
   *
   * @default Duration.infinity
   */
  readonly linger?: Duration.Input | undefined
  /**
   * Batches under construction at a time; one more key makes the oldest leave.
   *
   * @default 1000
   */
  readonly maxKeys?: number | undefined
  /**
   * Bytes of all batches under construction together; beyond it the oldest leaves.
   *
   * @default Infinity
   */
  readonly maxOpenBytes?: number | undefined
  /**
   * What a record is about, `undefined` for nothing. Records about one thing leave in the order they came also when
   * their keys differ: before such a record is placed, the batch that holds the one before it is made to leave.
   * Default: order is kept within a key only, and nothing is spent on it.
   */
  readonly identity?: ((record: A) => string | undefined) | undefined
  /** Each time it completes, the batches under construction leave. It must wait in between. Default: never. */
  readonly flush?: Effect.Effect<unknown> | undefined
}

interface Building<A, K> {
  readonly key: K
  readonly records: [A, ...Array<A>]
  readonly deadline: number
  readonly maxRecords: number
  bytes: number
  /** Set when the batch may leave. */
  due: FlushReason | undefined
}

/**
 * Batches a stream, a building batch for each key that `key` gives.
 *
 * Nothing is lost and nothing is reordered within a key, nor within an `identity`; when the source ends or fails, the
 * batches under construction leave first.
 *
 * @example
 * ```ts
 * import { Batch } from "@effect-connectors/core"
 * import * as Stream from "effect/Stream"
 *
 * const batches = Stream.range(1, 1000).pipe(
 *   Batch.batchedBy((n) => (n % 2 === 0 ? "even" : "odd"), { maxRecords: 100, linger: "1 second" })
 * )
 * ```
 */
export const batchedBy: {
  <A, K>(
    key: (record: A) => K,
    options: Options<A, K>
  ): <E, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<Batch<A, K>, E, R>
  <A, E, R, K>(
    self: Stream.Stream<A, E, R>,
    key: (record: A) => K,
    options: Options<A, K>
  ): Stream.Stream<Batch<A, K>, E, R>
} = dual(
  3,
  <A, E, R, K>(
    self: Stream.Stream<A, E, R>,
    key: (record: A) => K,
    options: Options<A, K>
  ): Stream.Stream<Batch<A, K>, E, R> =>
    Stream.transformPull(self, (upstream, scope) =>
      Effect.gen(function* () {
        const clock = yield* Clock.Clock
        const building = makeBuilding<A, K, E>(key, options, clock)
        const pump = upstream.pipe(
          Effect.flatMap(building.add),
          Effect.forever({ disableYield: true }),
          Effect.onExit((exit) => building.end(exit)),
          Effect.exit
        )
        yield* Effect.forkIn(pump, scope)
        if (building.lingers) yield* Effect.forkIn(building.watchTime, scope)
        if (options.flush !== undefined) {
          yield* Effect.forkIn(Effect.forever(Effect.andThen(options.flush, building.flush)), scope)
        }
        return building.take
      })
    )
)

/** {@link batchedBy} with a single key. */
export const batched: {
  <A>(options: Options<A, "">): <E, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<Batch<A, "">, E, R>
  <A, E, R>(self: Stream.Stream<A, E, R>, options: Options<A, "">): Stream.Stream<Batch<A, "">, E, R>
} = dual(2, <A, E, R>(self: Stream.Stream<A, E, R>, options: Options<A, "">): Stream.Stream<Batch<A, "">, E, R> =>
  batchedBy(self, (): "" => "", options)
)

/**
 * Cuts the chunks of a stream to at most `size` elements without ever waiting for more: unlike
 * `Stream.rechunk`, which gathers elements until a chunk is full.
 */
export const sliced: {
  (size: number): <A, E, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<A, E, R>
  <A, E, R>(self: Stream.Stream<A, E, R>, size: number): Stream.Stream<A, E, R>
} = dual(2, <A, E, R>(self: Stream.Stream<A, E, R>, size: number): Stream.Stream<A, E, R> =>
  Stream.transformPull(self, (upstream) =>
    Effect.sync(() => {
      let chunk: Arr.NonEmptyReadonlyArray<A> | undefined
      let from = 0
      const next = (): Arr.NonEmptyReadonlyArray<A> | undefined => {
        if (chunk === undefined || from >= chunk.length) return undefined
        const slice = from === 0 && chunk.length <= size ? chunk : chunk.slice(from, from + size)
        from += size
        return isNonEmpty(slice) ? slice : undefined
      }
      const refill = Effect.map(upstream, (full) => {
        chunk = full
        from = 0
        return next() ?? full
      })
      return Effect.suspend(() => {
        const slice = next()
        return slice === undefined ? refill : Effect.succeed(slice)
      })
    })
  )
)

const isNonEmpty = <A>(array: ReadonlyArray<A>): array is Arr.NonEmptyReadonlyArray<A> => array.length > 0

const makeBuilding = <A, K, E>(key: (record: A) => K, options: Options<A, K>, clock: Clock.Clock) => {
  const { identity, maxRecords } = options
  const maxRecordsOf = typeof maxRecords === "number" ? () => maxRecords : maxRecords
  const maxBytes = options.maxBytes ?? Infinity
  const maxKeys = Math.max(1, options.maxKeys ?? 1000)
  const maxOpenBytes = options.maxOpenBytes ?? Infinity
  const bytesOf = options.bytes ?? (() => 0)
  const envelopeOf = options.envelopeBytes ?? (() => 0)
  const linger = Duration.toMillis(Duration.fromInputUnsafe(options.linger ?? Duration.infinity))
  const lingers = linger !== Infinity

  // Insertion order is the order of deadlines, as every batch waits equally long.
  const open = new Map<K, Building<A, K>>()
  const due: Array<Building<A, K>> = []
  // Where the last record about a thing is. Only with `identity`.
  const holders = new Map<string, Building<A, K>>()
  let openBytes = 0
  // The part of a chunk that still waits for room.
  let rest: { readonly chunk: Arr.NonEmptyReadonlyArray<A>; from: number; bytes: number | undefined } | undefined
  let ended: Exit.Exit<never, E | Cause.Done<void>> | undefined

  const anyDue = Latch.makeUnsafe(false)
  const anyTaken = Latch.makeUnsafe(false)
  const anyOpen = Latch.makeUnsafe(false)

  const markDue = (batch: Building<A, K>, reason: FlushReason) => {
    // A limit that was reached while the batch waited to be taken says more than why it was due.
    if (batch.due === undefined) due.push(batch)
    else if (reason !== "count" && reason !== "bytes") return
    batch.due = reason
    anyDue.openUnsafe()
  }

  const start = (key: K, record: A, bytes: number) => {
    const batch: Building<A, K> = {
      key,
      records: [record],
      bytes: envelopeOf(key) + bytes,
      deadline: lingers ? clock.currentTimeMillisUnsafe() + linger : Infinity,
      maxRecords: Math.max(1, maxRecordsOf(key)),
      due: undefined
    }
    open.set(key, batch)
    openBytes += batch.bytes
    anyOpen.openUnsafe()
    return batch
  }

  /** Puts a record into its batch; `false` when there is no room until a batch was taken. */
  const place = (record: A, bytes: number): boolean => {
    const k = key(record)
    let batch = open.get(k)
    if (openBytes + bytes > maxOpenBytes || (batch === undefined && open.size >= maxKeys)) {
      const [oldest] = open.values()
      if (oldest !== undefined) {
        markDue(oldest, "room")
        return false
      }
    }
    if (batch === undefined) {
      batch = start(k, record, bytes)
    } else if (batch.records.length >= batch.maxRecords) {
      return false
    } else if (batch.bytes + bytes > maxBytes) {
      markDue(batch, "bytes")
      return false
    } else {
      batch.records.push(record)
      batch.bytes += bytes
      openBytes += bytes
    }
    if (batch.records.length >= batch.maxRecords) markDue(batch, "count")
    else if (batch.bytes >= maxBytes) markDue(batch, "bytes")
    return true
  }

  /** {@link place} for a record about something, whose batch has to leave after the one before. */
  const placeAfter = (record: A, bytes: number, about: string): boolean => {
    const k = key(record)
    const batch = open.get(k)
    const before = holders.get(about)
    if (before !== undefined && before !== batch) {
      markDue(before, "order")
      // A batch that is due already may leave before it; one that becomes due later leaves after it.
      if (batch?.due !== undefined) return false
    }
    if (!place(record, bytes)) return false
    const holder = open.get(k)
    if (holder !== undefined) holders.set(about, holder)
    return true
  }

  /** Places what is left of the chunk; `false` when a batch has to be taken first. */
  const placeRest = (): boolean => {
    if (rest === undefined) return true
    for (; rest.from < rest.chunk.length; rest.from++) {
      const record = rest.chunk[rest.from]!
      const bytes = rest.bytes ?? bytesOf(record)
      const about = identity === undefined ? undefined : identity(record)
      if (!(about === undefined ? place(record, bytes) : placeAfter(record, bytes, about))) {
        rest.bytes = bytes
        return false
      }
      rest.bytes = undefined
    }
    rest = undefined
    return true
  }

  /** What has left is ahead of all that comes. */
  const forget = (batch: Building<A, K>, identity: (record: A) => string | undefined) => {
    for (const record of batch.records) {
      const about = identity(record)
      if (about !== undefined && holders.get(about) === batch) holders.delete(about)
    }
  }

  // Opening a latch resumes its waiter at once, so a latch is closed before the state is looked at:
  // closed after, it would hide what the waiter did in between.
  const settle: Effect.Effect<void> = Effect.suspend(() => {
    anyTaken.closeUnsafe()
    if (placeRest()) return Effect.void
    return Effect.flatMap(anyTaken.await, () => settle)
  })

  const take: Pull.Pull<Arr.NonEmptyReadonlyArray<Batch<A, K>>, E> = Effect.suspend(() => {
    anyDue.closeUnsafe()
    if (due.length === 0 && ended !== undefined) {
      for (const batch of open.values()) markDue(batch, "end")
      if (due.length === 0) return ended
    }
    const batch = due.shift()
    if (batch !== undefined) {
      open.delete(batch.key)
      openBytes -= batch.bytes
      if (identity !== undefined) forget(batch, identity)
      anyTaken.openUnsafe()
      return Effect.succeed<Arr.NonEmptyReadonlyArray<Batch<A, K>>>([
        { key: batch.key, records: batch.records, bytes: batch.bytes, flushedBy: batch.due ?? "end" }
      ])
    }
    return Effect.flatMap(anyDue.await, () => take)
  })

  return {
    lingers,
    take,
    add: (chunk: Arr.NonEmptyReadonlyArray<A>) => {
      rest = { chunk, from: 0, bytes: undefined }
      return settle
    },
    end: (exit: Exit.Exit<never, E | Cause.Done<void>>) =>
      Effect.sync(() => {
        ended = exit
        anyDue.openUnsafe()
      }),
    flush: Effect.sync(() => {
      for (const batch of open.values()) markDue(batch, "order")
    }),
    /** Wakes at the earliest deadline; a batch that left before it costs one needless wake-up. */
    watchTime: Effect.suspend(() => {
      anyOpen.closeUnsafe()
      let earliest = Infinity
      const now = clock.currentTimeMillisUnsafe()
      for (const batch of open.values()) {
        if (batch.due !== undefined) continue
        if (batch.deadline <= now) {
          markDue(batch, "linger")
          continue
        }
        earliest = batch.deadline
        break
      }
      return earliest === Infinity ? anyOpen.await : Effect.sleep(earliest - now)
    }).pipe(Effect.forever({ disableYield: true }))
  }
}

/**
 * The scan engine: everything a store lists, page by page, as a stream.
 *
 * A scan is cut into splits (prefixes, namespaces, key ranges) that are read side by side; within a
 * split pages follow each other by their cursor. Records are emitted as pages arrive.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { ConnectorError } from "./ConnectorError.ts"
import { withRetries } from "./internal/call.ts"
import type * as Pacing from "./Pacing.ts"
import type * as Retry from "./Retry.ts"
import * as Telemetry from "./Telemetry.ts"

/** What one call gave, and where the next one starts; no `next` on the last page. */
export interface Page<out A, out C> {
  readonly items: ReadonlyArray<A>
  readonly next: C | undefined
}

/** A store, as the scan engine sees it. `S` is a split, `C` a cursor in it. */
export interface Source<S, A, C, E extends ConnectorError, R = never> {
  readonly target: Telemetry.Target
  /** How calls are paced, by their key. Default: they are not. */
  readonly paced?: Pacing.Paced<E> | undefined
  /** What the store limits that the calls of a split count against, for instance its namespace. Default: one key for all. */
  readonly key?: ((split: S) => string) | undefined
  /** One call. Without a cursor it reads the first page of the split. */
  readonly page: (split: S, cursor: C | undefined) => Effect.Effect<Page<A, C>, E, R>
}

/** How a store is scanned. */
export interface Options {
  /**
   * Splits read side by side.
   *
   * @default 4
   */
  readonly concurrency?: number | undefined
  /** When a call is repeated. */
  readonly retry?: Retry.Policy | undefined
}

/** A page with its place: its split, the cursor it was read by (none for the first), and the one of the page after it. */
export interface PageOf<out S, out A, out C> extends Page<A, C> {
  readonly split: S
  readonly cursor: C | undefined
}

/** Options of {@link pages}. */
export interface PagesOptions<in S, out C> extends Options {
  /** The cursor to begin a split at, for instance `next` of the last page of an earlier run. Default: the first page. */
  readonly from?: ((split: S) => C | undefined) | undefined
}

/**
 * Reads all splits page by page. Order is kept within a split. A page knows where it was and where the next one is, so
 * that reading can go on from there another time; a split without records has one empty page.
 *
 * @example
 * ```ts
 * import { Scan } from "@effect-connectors/core"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const pages = Scan.pages({
 *   target: { system: "memory", operation: "list", collection: "numbers" },
 *   page: (start: number, at: number = start) =>
 *     Effect.succeed({ items: [at, at + 1], next: at + 2 < start + 10 ? at + 2 : undefined })
 * }, [0, 100], { from: (start) => start + 4 })
 *
 * const program = Stream.runForEach(pages, ({ cursor, next }) => Effect.log(`from ${cursor}, then ${next}`))
 * ```
 */
export const pages = <S, A, C, E extends ConnectorError, R>(
  source: Source<S, A, C, E, R>,
  splits: Iterable<S>,
  options: PagesOptions<S, C> = {}
): Stream.Stream<PageOf<S, A, C>, E, R> =>
  Stream.suspend(() => {
    const telemetry = Telemetry.make(source.target)
    const pagesOf = (split: S): Stream.Stream<PageOf<S, A, C>, E, R> => {
      const call: Pacing.Call = {
        operation: source.target.operation,
        key: source.key?.(split) ?? "",
        bytes: 0,
        records: 0
      }
      const pace = source.paced === undefined ? undefined : { ...source.paced, call }
      return Stream.paginate(options.from?.(split), (cursor: C | undefined) =>
        telemetry.measured(withRetries(source.page(split, cursor), { telemetry, retry: options.retry, pace })).pipe(
          Effect.mapError(({ error }) => error),
          Effect.tap(telemetry.page),
          Effect.map(({ items, next }) => {
            const page: PageOf<S, A, C> = { split, cursor, items, next }
            return [[page], next === undefined ? Option.none() : Option.some(next)] as const
          }),
          Telemetry.spanned(source.target, undefined, 1)
        )
      )
    }
    return Stream.flatMap(Stream.fromIterable(splits), pagesOf, { concurrency: options.concurrency ?? 4 })
  })

/**
 * Reads all records of all splits. Order is kept within a split.
 *
 * @example
 * ```ts
 * import { Scan } from "@effect-connectors/core"
 * import * as Effect from "effect/Effect"
 *
 * const numbers = Scan.scan({
 *   target: { system: "memory", operation: "list", collection: "numbers" },
 *   page: (start: number, at: number = start) =>
 *     Effect.succeed({ items: [at, at + 1], next: at + 2 < start + 10 ? at + 2 : undefined })
 * }, [0, 100])
 * ```
 */
export const scan = <S, A, C, E extends ConnectorError, R>(
  source: Source<S, A, C, E, R>,
  splits: Iterable<S>,
  options: Options = {}
): Stream.Stream<A, E, R> =>
  pages(source, splits, options).pipe(
    Stream.map(({ items }) => items),
    Stream.flattenIterable
  )

/** A record with the number of the page it was on; the first one is 0. */
export interface Item<out A> {
  readonly page: number
  readonly value: A
}

/** A page and what became of its records, in the order in which that was known. */
export interface Settled<out P, out O> {
  readonly page: P
  readonly outcomes: ReadonlyArray<O>
}

/** Options of {@link settled}. */
export interface SettledOptions<in P, A, O, E = never, R = never, E2 = never, R2 = never> {
  /** The records of a page. */
  readonly records: (page: P) => ReadonlyArray<A>
  /** The step that writes them, with one outcome for each, in any order. */
  readonly through: (items: Stream.Stream<Item<A>, E, R>) => Stream.Stream<O, E2, R2>
  /**
   * Pages that are read and not settled. Reading waits for the first of them, so this is also what is written again,
   * at most, after a crash. The step has to send what it holds without waiting for more.
   *
   * @default 100
   */
  readonly maxOpen?: number | undefined
}

/**
 * Sends the records of pages through a step and tells, in the order of the pages, of each one that is dealt with: all
 * outcomes of it and of the pages before it are in, whatever they say. `acknowledge` runs before the next page may be read in place of
 * these; it is where a checkpoint is stored.
 *
 * @example
 * ```ts
 * import { Outcome, Scan } from "@effect-connectors/core"
 * import { PineconeSink, PineconeSource } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const copied = PineconeSource.scanPages({ namespaces: ["articles"] }).pipe(
 *   Scan.settled(
 *     {
 *       records: (page: PineconeSource.ScannedPage) => page.records,
 *       through: PineconeSink.upsertOutcomes({
 *         namespace: "copy",
 *         record: ({ value }: Scan.Item<PineconeSource.Scanned>) => value
 *       })
 *     },
 *     (pages) => Effect.log(`go on from`, pages.at(-1)?.page.next)
 *   ),
 *   Stream.map(({ outcomes }) => outcomes),
 *   Stream.flattenIterable,
 *   Stream.run(Outcome.count)
 * )
 * ```
 */
export const settled =
  <P, A, O extends { readonly input: Item<A> }, E, R, E2, R2, E3, R3>(
    options: SettledOptions<P, A, O, E, R, E2, R2>,
    acknowledge: (pages: Arr.NonEmptyReadonlyArray<Settled<P, O>>) => Effect.Effect<void, E3, R3>
  ) =>
  (pages: Stream.Stream<P, E, R>): Stream.Stream<Settled<P, O>, E2 | E3, R2 | R3> =>
    Stream.suspend(() => {
      const { maxOpen = 100, records, through } = options
      if (!(maxOpen >= 1)) return Stream.die(new Error(`maxOpen is ${maxOpen}; it is 1 or more`))
      const permits = Semaphore.makeUnsafe(maxOpen)
      /** Pages that are read and not settled, and the number of the first of them. */
      const open: Array<{ readonly page: P; readonly outcomes: Array<O>; readonly size: number }> = []
      let first = 0

      const items = pages.pipe(
        // One without records is settled with the page before it.
        Stream.tap((page) => (records(page).length === 0 ? Effect.void : permits.take(1))),
        Stream.map((page) => {
          const values = records(page)
          const number = first + open.push({ page, outcomes: [], size: values.length }) - 1
          return values.map((value): Item<A> => ({ page: number, value }))
        }),
        Stream.flattenIterable
      )

      const settle = (outcomes: ReadonlyArray<O>) =>
        Effect.suspend(() => {
          for (const outcome of outcomes) open[outcome.input.page - first]?.outcomes.push(outcome)
          const unfinished = open.findIndex((page) => page.outcomes.length < page.size)
          const done = open.splice(0, unfinished === -1 ? open.length : unfinished)
          first += done.length
          return Arr.isArrayNonEmpty(done)
            ? Effect.as(
                Effect.andThen(acknowledge(done), permits.release(done.filter(({ size }) => size > 0).length)),
                done
              )
            : Effect.succeed(done)
        })

      return through(items).pipe(
        Stream.mapArrayEffect((outcomes) => Effect.map(settle(outcomes), (done) => Arr.of(done))),
        Stream.concat(Stream.fromEffect(settle([]))),
        Stream.onEnd(
          Effect.suspend(() => {
            const left = open.reduce((sum, { outcomes, size }) => sum + size - outcomes.length, 0)
            return left === 0
              ? Effect.void
              : Effect.die(new Error(`a step ended and gave no outcome for ${left} records`))
          })
        ),
        Stream.flattenIterable,
        Stream.map(({ outcomes, page }) => ({ page, outcomes }))
      )
    })

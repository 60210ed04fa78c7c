/**
 * The scan engine: everything a store lists, page by page, as a stream.
 *
 * A scan is cut into splits (prefixes, namespaces, key ranges) that are read side by side; within a
 * split pages follow each other by their cursor. Records are emitted as pages arrive.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ConnectorError } from "./ConnectorError.ts"
import { measured, withRetries } from "./internal/call.ts"
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
  /** One call. Without a cursor it reads the first page of the split. */
  readonly page: (split: S, cursor: C | undefined) => Effect.Effect<Page<A, C>, E, R>
}

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
    const pagesOf = (split: S): Stream.Stream<PageOf<S, A, C>, E, R> =>
      Stream.paginate(options.from?.(split), (cursor: C | undefined) =>
        measured(withRetries(source.page(split, cursor), telemetry, options.retry), telemetry).pipe(
          Effect.mapError(({ error }) => error),
          Effect.tap(telemetry.page),
          Effect.map(({ items, next }) => {
            const page: PageOf<S, A, C> = { split, cursor, items, next }
            return [[page], next === undefined ? Option.none() : Option.some(next)] as const
          }),
          Effect.withSpan(`${source.target.operation} ${source.target.collection}`, {
            kind: "client",
            attributes: Telemetry.spanAttributes(source.target, undefined, 1)
          })
        )
      )
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

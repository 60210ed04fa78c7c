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
  /** How calls are paced; they are of one key. Default: they are not. */
  readonly paced?: Pacing.Paced<E> | undefined
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

/**
 * Reads all pages of all splits. Order is kept within a split.
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
  Stream.suspend(() => {
    const telemetry = Telemetry.make(source.target)
    const call: Pacing.Call = { operation: source.target.operation, key: "", bytes: 0, records: 0 }
    const pace = source.paced === undefined ? undefined : { ...source.paced, call }
    const pages = (split: S): Stream.Stream<A, E, R> =>
      Stream.paginate<C | undefined, A, E, R>(undefined, (cursor) =>
        measured(withRetries(source.page(split, cursor), { telemetry, retry: options.retry, pace }), telemetry).pipe(
          Effect.mapError(({ error }) => error),
          Effect.tap(telemetry.page),
          Effect.map(({ items, next }) => [items, next === undefined ? Option.none() : Option.some(next)] as const),
          Effect.withSpan(`${source.target.operation} ${source.target.collection}`, {
            kind: "client",
            attributes: Telemetry.spanAttributes(source.target, undefined, 1)
          })
        )
      )
    return Stream.flatMap(Stream.fromIterable(splits), pages, { concurrency: options.concurrency ?? 4 })
  })

/** Reading whole namespaces: the records of each page of ids, and the count that tells whether all were seen. */
import { IncompleteScan, InvalidOption, NotFound } from "@effect-connectors/core/ConnectorError"
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Retry from "@effect-connectors/core/Retry"
import * as Scan from "@effect-connectors/core/Scan"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Service } from "../PineconeApi.ts"
import type { PineconeError } from "../PineconeError.ts"
import type { Position, Scanned, ScannedPage, ScanOptions, Split } from "../PineconeSource.ts"
import type { VectorRecord } from "../VectorRecord.ts"
import { compareBytes } from "./byteOrder.ts"
import { checkRange, failure } from "./common.ts"
import { namespaceName } from "./namespace.ts"
import * as reads from "./reads.ts"
import type { Place } from "./recordChecks.ts"

/** No prefixes read nothing, and a prefix of a prefix reads its records twice. */
const checkPrefixes = (prefixes: ReadonlyArray<string> | undefined): Effect.Effect<void, PineconeError> => {
  const refuse = (issue: string) =>
    Effect.fail(failure("scan", undefined, new InvalidOption({ option: "prefixes", issue })))
  if (prefixes?.length === 0) return refuse("is empty; leave it out to read everything")
  const [first, second] =
    prefixes
      ?.toSorted()
      .flatMap((prefix, i, sorted) => (i > 0 && prefix.startsWith(sorted[i - 1]!) ? [sorted[i - 1]!, prefix] : [])) ??
    []
  return first === undefined
    ? Effect.void
    : refuse(
        `has ${JSON.stringify(first)}, which ${JSON.stringify(second)} starts with; records of both would come twice`
      )
}

export const checkOptions = (options: ScanOptions): Effect.Effect<void, PineconeError> =>
  Effect.gen(function* () {
    yield* checkRange("scan", "concurrency", options.concurrency)
    yield* checkRange("scan", "fetchBatch", options.fetchBatch, 1000)
    yield* checkRange("scan", "fetchConcurrency", options.fetchConcurrency)
    yield* checkPrefixes(options.prefixes)
  })

/** What scans ask an index for, whichever plane it is of. */
export type Listed = Pick<Service, "name" | "host" | "namespace" | "pacing" | "list" | "namespaces" | "stats">

/** Every namespace of an index. */
export const listNamespaces = (
  index: Listed,
  options: Omit<Scan.Options, "concurrency"> & { readonly prefix?: string | undefined }
) => Scan.scan(reads.namespacePages(index), [options.prefix], options)

/** The names of the namespaces to read, each once, in bytewise order when it is all of the index. */
export const namesOf = (index: Listed, options: ScanOptions): Effect.Effect<ReadonlyArray<string>, PineconeError> =>
  options.namespaces === "all"
    ? Effect.map(Stream.runCollect(listNamespaces(index, { retry: options.retry })), (all) =>
        all.map(({ name }) => name).sort(compareBytes)
      )
    : Effect.succeed(Arr.dedupe((options.namespaces ?? [index.namespace]).map(namespaceName)))

/** Records by namespace, as the index counts them. */
export const countsOf = (index: Listed, retry: Retry.Policy | undefined) =>
  Effect.map(Retry.retry(index.stats, retry), (stats) => stats.namespaces)

/** Fails when a named namespace does not exist. */
export const checkNames = (
  options: ScanOptions,
  names: ReadonlyArray<string>,
  counts: ReadonlyMap<string, number>
): Effect.Effect<void, PineconeError> => {
  const unknown = Array.isArray(options.namespaces) ? names.find((name) => !counts.has(name)) : undefined
  if (unknown !== undefined) {
    return Effect.fail(failure("scan", unknown, new NotFound({ resource: "namespace", called: unknown })))
  }
  const isForgotten =
    options.namespaces === undefined &&
    names.every((name) => !counts.has(name)) &&
    Array.from(counts.values()).some((n) => n > 0)
  return isForgotten
    ? Effect.logWarning(
        `Nothing is read: namespace ${names.join()} is empty and ${counts.size} others are not; name them in ` +
          'the option `namespaces`, or say "all"'
      )
    : Effect.void
}

/** Fails when the records seen are fewer, or more, than the index counted before and after. */
export const checkSeen = (
  namespace: string,
  seen: number,
  before: number,
  after: number
): Effect.Effect<void, PineconeError> =>
  seen >= Math.min(before, after) && seen <= Math.max(before, after)
    ? Effect.void
    : Effect.fail(
        failure("scan", namespace, new IncompleteScan({ scope: `namespace ${namespace}`, seen, expected: after }))
      )

const positionOf = (token: string | undefined, otherwise: "start" | "end"): Position =>
  token === undefined ? otherwise : { token }

/** What tells an index from all others, for a ledger: names are unique in a project only. */
export const placeOf = ({ host, name }: Listed): string =>
  host === undefined ? name : `${name} at ${host.replace(/^https?:\/\//, "")}`

/** How records are read by their keys, and what a scan makes of one. */
export interface Read<R, S> {
  readonly store: Lookup.Store<Place, Option.Option<R>, PineconeError>
  readonly toScanned: (namespace: string, record: R) => S
}

/**
 * Pages of ids with their records. Ids of several pages share fetches, and fetches overlap with listing; both keep
 * order, so a page is whole when as many ids have come back as it had.
 */
export const pagesOf = <R, S>(
  index: Listed,
  { store, toScanned }: Read<R, S>,
  names: ReadonlyArray<string>,
  options: ScanOptions & { readonly from?: ((split: Split) => Position) | undefined }
): Stream.Stream<ScannedPage<S>, PineconeError> =>
  Stream.suspend(() => {
    const starts = new Map<Split, string | undefined>()
    for (const namespace of names) {
      for (const prefix of options.prefixes ?? [undefined]) {
        const split: Split = { namespace, prefix }
        const position = options.from?.(split) ?? "start"
        if (position !== "end") starts.set(split, position === "start" ? undefined : position.token)
      }
    }

    // Pages whose ids are being fetched, in order, and how far the first of them has come.
    const waiting: Array<Scan.PageOf<Split, Place, string>> = []
    let seen = 0
    let records: Array<S> = []

    const emptied = (whole: Array<ScannedPage<S>>) => {
      for (let [page] = waiting; page !== undefined && seen === page.items.length; [page] = waiting) {
        const { cursor, next, split } = page
        whole.push({
          namespace: split.namespace,
          prefix: split.prefix,
          position: positionOf(cursor, "start"),
          records,
          next: positionOf(next, "end")
        })
        waiting.shift()
        seen = 0
        records = []
      }
      return whole
    }

    const found = (rows: ReadonlyArray<[Place, Option.Option<R>]>) => {
      const whole: Array<ScannedPage<S>> = []
      for (const [{ namespace }, record] of rows) {
        emptied(whole)
        seen++
        if (Option.isSome(record)) records.push(toScanned(namespace, record.value))
      }
      return Arr.of(emptied(whole))
    }

    return Scan.pages(reads.keyPages(index), starts.keys(), {
      concurrency: options.concurrency,
      retry: options.retry,
      from: (split) => starts.get(split)
    }).pipe(
      Stream.map((page) => {
        waiting.push(page)
        return page.items
      }),
      Stream.flattenIterable,
      Lookup.rows(store, Result.succeed, {
        maxBatch: options.fetchBatch,
        concurrency: options.fetchConcurrency,
        retry: options.retry
      }),
      Stream.mapArray(found),
      Stream.flattenIterable,
      Stream.concat(Stream.suspend(() => Stream.fromIterable(emptied([]))))
    )
  })

/** {@link pagesOf} a vector index. */
export const pages = (
  index: Service,
  names: ReadonlyArray<string>,
  options: ScanOptions & { readonly from?: ((split: Split) => Position) | undefined }
): Stream.Stream<ScannedPage, PineconeError> => pagesOf(index, vectors(index), names, options)

const vectors = (index: Service): Read<VectorRecord, Scanned> => ({
  store: reads.records(index),
  toScanned: (namespace, record) => ({ namespace, ...record })
})

/** The records of namespaces of a vector index; at the end their counts are compared with the index's own. */
export const records = (
  index: Service,
  names: ReadonlyArray<string>,
  options: ScanOptions
): Stream.Stream<Scanned, PineconeError> => recordsOf(index, vectors(index), names, options)

/** The records of namespaces; at the end their counts are compared with the index's own. */
export const recordsOf = <R, S>(
  index: Listed,
  read: Read<R, S>,
  names: ReadonlyArray<string>,
  options: ScanOptions
): Stream.Stream<S, PineconeError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const found = pagesOf(index, read, names, options)
      if (options.verify === false) return flat(found)
      const before = yield* countsOf(index, options.retry)
      yield* checkNames(options, names, before)
      const seen = new Map<string, number>()
      const counted = Stream.tap(found, ({ namespace, records }) =>
        Effect.sync(() => {
          seen.set(namespace, (seen.get(namespace) ?? 0) + records.length)
        })
      )
      const verify = Effect.flatMap(countsOf(index, options.retry), (after) =>
        Effect.forEach(
          names,
          (name) => checkSeen(name, seen.get(name) ?? 0, before.get(name) ?? 0, after.get(name) ?? 0),
          { discard: true }
        )
      )
      return Stream.onEnd(flat(counted), verify)
    })
  )

const flat = <S>(pages: Stream.Stream<ScannedPage<S>, PineconeError>): Stream.Stream<S, PineconeError> =>
  pages.pipe(
    Stream.map((page) => page.records),
    Stream.flattenIterable
  )

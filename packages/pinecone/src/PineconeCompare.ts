/**
 * Two indexes, namespaces or exports held against each other: which ids are missing, which are too many, and which
 * records differ.
 *
 * Both sides come sorted by namespace and id, as Pinecone lists them and `PineconeExport` writes them, and are read side
 * by side: memory does not grow with them, and nothing is asked for by id.
 */
import { clip, InvalidOption, OutOfOrder } from "@effect-connectors/core/ConnectorError"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Pull from "effect/Pull"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { compareBytes } from "./internal/byteOrder.ts"
import { failure } from "./internal/common.ts"
import { namespaceName } from "./internal/namespace.ts"
import { differingParts } from "./internal/sameRecord.ts"
import * as scans from "./internal/scans.ts"
import type { Service } from "./PineconeApi.ts"
import type { PineconeError } from "./PineconeError.ts"
import type { Scanned, ScanOptions } from "./PineconeSource.ts"

/** Records sorted by namespace and id, bytewise: {@link index}, `PineconeExport.read`, or any other stream of them. */
export type Side<E = PineconeError, R = never> = Stream.Stream<Scanned, E, R>

const place = { namespace: Schema.String, id: Schema.String }

/**
 * One finding: a record of the first side that the second one has not (`Missing`), one that only the second has
 * (`Extra`), one whose `parts` are not the same in both (`Different`), and one that stands again in its `side`
 * (`Repeated`; only the first of them is compared).
 */
export const Difference = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("Missing"), ...place }),
  Schema.Struct({ _tag: Schema.tag("Extra"), ...place }),
  Schema.Struct({
    _tag: Schema.tag("Different"),
    ...place,
    parts: Schema.Array(Schema.Literals(["values", "sparseValues", "metadata"]))
  }),
  Schema.Struct({ _tag: Schema.tag("Repeated"), ...place, side: Schema.Literals(["first", "second"]) })
])

/** @see {@link Difference} */
export type Difference = typeof Difference.Type

/** How two sides compare. */
export const Summary = Schema.Struct({
  /** Ids that one side has or both have. */
  compared: Schema.Int,
  same: Schema.Int,
  missing: Schema.Int,
  extra: Schema.Int,
  different: Schema.Int,
  repeated: Schema.Int,
  /** The first differences, at most {@link listed}. */
  first: Schema.Array(Difference)
})

/** @see {@link Summary} */
export type Summary = typeof Summary.Type

/** How many differences a {@link Summary} holds; the others are only counted. */
export const listed = 100

/** Options of {@link compare} and {@link summarize}. */
export interface Options {
  /**
   * How far two numbers of a vector may lie apart and be the same. They are rounded to float32 first, since that is what
   * Pinecone stores. For vectors that went through text of fewer digits.
   *
   * @default 0
   */
  readonly tolerance?: number | undefined
  /** Sees each difference that {@link summarize} counts, for instance to tell those that are expected. */
  readonly onDifference?: ((difference: Difference) => void) | undefined
}

/** Options of {@link index}. */
export interface IndexOptions extends Omit<ScanOptions, "prefixes" | "concurrency"> {
  /** The name a namespace is compared under. Default: its own. */
  readonly as?: ((namespace: string) => string) | undefined
  /** Only ids that start with it. Counts are of whole namespaces, so they are not verified then. */
  readonly prefix?: string | undefined
}

/**
 * An index as a side: its namespaces one after the other, ids listed and records fetched at the same time. Counts are
 * verified as by `PineconeSource.scan`, so a list that was cut short does not pass for missing records.
 *
 * @example
 * ```ts
 * import { PineconeCompare, PineconeIndex } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const apiKey = Redacted.make("pcsk_...")
 *
 * const program = Effect.gen(function*() {
 *   const before = yield* Effect.provide(PineconeIndex, PineconeIndex.layer({ apiKey, index: "articles" }))
 *   const after = yield* Effect.provide(PineconeIndex, PineconeIndex.layer({ apiKey, index: "articles-v2" }))
 *   return yield* PineconeCompare.summarize(
 *     PineconeCompare.index(before, { namespaces: "all" }),
 *     PineconeCompare.index(after, { namespaces: "all" })
 *   )
 * })
 * ```
 */
export const index = (service: Service, options: IndexOptions = {}): Side =>
  Stream.unwrap(
    Effect.gen(function* () {
      const as = options.as ?? ((namespace: string) => namespace)
      const { prefix } = options
      yield* scans.checkOptions(options)
      const names = yield* scans.namesOf(service, options)
      const sorted = names.toSorted((a, b) => compareBytes(as(a), as(b)))
      return scans
        .records(service, sorted, {
          ...options,
          ...(prefix === undefined ? {} : { prefixes: [prefix], verify: false }),
          concurrency: 1
        })
        .pipe(Stream.map((record): Scanned => ({ ...record, namespace: as(record.namespace) })))
    })
  )

/** What one step along both sides found. */
interface Found {
  same: number
  readonly differences: Array<Difference>
}

/** One side as far as it was read: what is left of its last chunk, and the last record that it had. */
interface Reader {
  readonly side: "first" | "second"
  rest: Array<Scanned>
  at: number
  last: Scanned | undefined
  ended: boolean
}

const reader = (side: Reader["side"]): Reader => ({ side, rest: [], at: 0, last: undefined, ended: false })

const order = (a: Scanned, b: Scanned): number => compareBytes(a.namespace, b.namespace) || compareBytes(a.id, b.id)

const describe = ({ id, namespace }: Scanned): string =>
  `${JSON.stringify(clip(id, 64))} of namespace ${JSON.stringify(clip(namespace, 64))}`

/** Takes in a chunk of a side. What is out of order would be found missing and too many. */
const take = (self: Reader, chunk: ReadonlyArray<Scanned>, found: Found): PineconeError | undefined => {
  self.rest = []
  self.at = 0
  for (const each of chunk) {
    const record = each.namespace === "" ? { ...each, namespace: namespaceName("") } : each
    const { last, side } = self
    const position = last === undefined ? 1 : order(record, last)
    if (last !== undefined && position < 0) {
      return failure(
        "compare",
        record.namespace,
        new OutOfOrder({
          scope: `the ${side} side`,
          previous: describe(last),
          found: describe(record),
          hint: "sort it bytewise by namespace, then id (docs/migrate.md says how)"
        })
      )
    }
    if (position === 0) {
      found.differences.push({ _tag: "Repeated", namespace: record.namespace, id: record.id, side })
      continue
    }
    self.rest.push(record)
    self.last = record
  }
  return undefined
}

/** Reads on when nothing is left of what was read. */
const fill = <E>(self: Reader, pull: Pull.Pull<ReadonlyArray<Scanned>, E>, found: Found) =>
  self.ended || self.at < self.rest.length
    ? Effect.void
    : Effect.flatMap(
        Pull.catchDone(pull, () => Effect.undefined),
        (chunk) => {
          if (chunk === undefined) self.ended = true
          const wrong = take(self, chunk ?? [], found)
          return wrong === undefined ? Effect.void : Effect.fail(wrong)
        }
      )

/** Goes along both sides until one has to be read on. */
const walk = (first: Reader, second: Reader, tolerance: number, found: Found): void => {
  for (;;) {
    const a = first.rest[first.at]
    const b = second.rest[second.at]
    if ((a === undefined && !first.ended) || (b === undefined && !second.ended)) return
    const missing = a === undefined ? undefined : b === undefined ? a : order(a, b) < 0 ? a : undefined
    if (missing !== undefined) {
      found.differences.push({ _tag: "Missing", namespace: missing.namespace, id: missing.id })
      first.at++
    } else if (b === undefined) {
      return
    } else if (a === undefined || order(a, b) > 0) {
      found.differences.push({ _tag: "Extra", namespace: b.namespace, id: b.id })
      second.at++
    } else {
      const parts = differingParts(a, b, tolerance)
      if (parts.length === 0) found.same++
      else found.differences.push({ _tag: "Different", namespace: a.namespace, id: a.id, parts })
      first.at++
      second.at++
    }
  }
}

const steps = <E, R, E2, R2>(
  first: Side<E, R>,
  second: Side<E2, R2>,
  { tolerance = 0 }: Options
): Stream.Stream<Found, E | E2 | PineconeError, R | R2> =>
  tolerance >= 0 && tolerance < Infinity
    ? Stream.combineArray(
        first,
        second,
        () => [reader("first"), reader("second")] as const,
        Effect.fnUntraced(function* (readers, pullFirst, pullSecond) {
          const [a, b] = readers
          const found: Found = { same: 0, differences: [] }
          yield* fill(a, pullFirst, found)
          yield* fill(b, pullSecond, found)
          walk(a, b, tolerance, found)
          const isOver = a.ended && b.ended && found.same === 0 && found.differences.length === 0
          return isOver ? yield* Cause.done() : ([Arr.of(found), readers] as const)
        })
      )
    : Stream.fail(
        failure("compare", undefined, new InvalidOption({ option: "tolerance", issue: "must be a number, 0 or more" }))
      )

/**
 * Emits what differs between two sides, in their order.
 *
 * Fails with `OutOfOrder` when a side is not sorted. When others write to a side meanwhile, their writes may be found as
 * differences.
 *
 * @example
 * ```ts
 * import { PineconeCompare, PineconeExport, type PineconeIndex } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * declare const index: PineconeIndex["Service"]
 *
 * const lost = PineconeCompare.compare(
 *   PineconeExport.read("articles.ndjson"),
 *   PineconeCompare.index(index, { namespaces: "all" })
 * ).pipe(
 *   Stream.filter((difference) => difference._tag === "Missing"),
 *   Stream.runForEach(({ namespace, id }) => Effect.logWarning(`${namespace}/${id} is gone`))
 * )
 * ```
 */
export const compare: {
  <E2, R2>(
    second: Side<E2, R2>,
    options?: Options
  ): <E, R>(first: Side<E, R>) => Stream.Stream<Difference, E | E2 | PineconeError, R | R2>
  <E, R, E2, R2>(
    first: Side<E, R>,
    second: Side<E2, R2>,
    options?: Options
  ): Stream.Stream<Difference, E | E2 | PineconeError, R | R2>
} = dual(
  (args) => Stream.isStream(args[1]),
  <E, R, E2, R2>(first: Side<E, R>, second: Side<E2, R2>, options: Options = {}) =>
    steps(first, second, options).pipe(
      Stream.map(({ differences }) => differences),
      Stream.flattenIterable
    )
)

/** Nothing compared yet. */
export const empty: Summary = {
  compared: 0,
  same: 0,
  missing: 0,
  extra: 0,
  different: 0,
  repeated: 0,
  first: []
}

/** Both sides hold the same, as far as they were compared. */
export const isSame = ({ different, extra, missing, repeated }: Summary): boolean =>
  missing + extra + different + repeated === 0

const add = (summary: Summary, { differences, same }: Found): Summary => {
  const counts = { missing: 0, extra: 0, different: 0, repeated: 0 }
  for (const { _tag } of differences) {
    if (_tag === "Missing") counts.missing++
    else if (_tag === "Extra") counts.extra++
    else if (_tag === "Different") counts.different++
    else counts.repeated++
  }
  return combine(summary, {
    ...counts,
    compared: same + counts.missing + counts.extra + counts.different,
    same,
    first: differences.slice(0, listed)
  })
}

/** The summary of two comparisons together. */
export const combine = (a: Summary, b: Summary): Summary => ({
  compared: a.compared + b.compared,
  same: a.same + b.same,
  missing: a.missing + b.missing,
  extra: a.extra + b.extra,
  different: a.different + b.different,
  repeated: a.repeated + b.repeated,
  first: b.first.length === 0 || a.first.length >= listed ? a.first : [...a.first, ...b.first].slice(0, listed)
})

/** {@link compare}, counted. */
export const summarize: {
  <E2, R2>(
    second: Side<E2, R2>,
    options?: Options
  ): <E, R>(first: Side<E, R>) => Effect.Effect<Summary, E | E2 | PineconeError, R | R2>
  <E, R, E2, R2>(
    first: Side<E, R>,
    second: Side<E2, R2>,
    options?: Options
  ): Effect.Effect<Summary, E | E2 | PineconeError, R | R2>
} = dual(
  (args) => Stream.isStream(args[1]),
  <E, R, E2, R2>(first: Side<E, R>, second: Side<E2, R2>, options: Options = {}) =>
    Stream.runFold(
      steps(first, second, options),
      () => empty,
      (summary, found) => {
        if (options.onDifference !== undefined) found.differences.forEach(options.onDifference)
        return add(summary, found)
      }
    )
)

/**
 * One index copied into another, or one namespace into another: read page by page, written, and in the end compared.
 *
 * How far each namespace has come is kept in a `Ledger`. A page is acknowledged when its records are written, and what
 * was not written is kept there by its id, so that a rerun sends that again and goes on where the last one stopped.
 */
import { clip, InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Ledger from "@effect-connectors/core/Ledger"
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Scan from "@effect-connectors/core/Scan"
import type * as Write from "@effect-connectors/core/Write"
import type * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { checkDuration, checkRange, failure } from "./internal/common.ts"
import type { KeyValueStore } from "./internal/files.ts"
import { namespaceName } from "./internal/namespace.ts"
import * as reads from "./internal/reads.ts"
import * as scans from "./internal/scans.ts"
import type { Service } from "./PineconeApi.ts"
import * as PineconeCompare from "./PineconeCompare.ts"
import type { PineconeError } from "./PineconeError.ts"
import { PineconeIndex } from "./PineconeIndex.ts"
import * as PineconeSink from "./PineconeSink.ts"
import * as PineconeSource from "./PineconeSource.ts"

/** A record on its way. */
export type Item = Scan.Item<PineconeSource.Scanned>

/** What becomes of a record. */
export type ItemOutcome = Outcome.Outcome<Item, PineconeError>

/** A record that was not written and is kept elsewhere. */
export interface Kept {
  readonly _tag: "DeadLettered"
  readonly input: Item
}

/** Options of {@link migrate}. */
export interface Options<E = never, R = never> {
  readonly from: Service
  readonly to: Service
  /**
   * Which time it is copied: a rerun of the same `run` goes on where that stopped. To copy again what has changed since,
   * name another one.
   */
  readonly run: string
  /** The namespaces to copy, or all of the index. Default: that of `from`. */
  readonly namespaces?: ReadonlyArray<string> | "all" | undefined
  /** Only ids that start with it: a part of a migration, with a ledger of its own. Default: all. */
  readonly prefix?: string | undefined
  /** The name a namespace has in `to`. Default: its own. */
  readonly rename?: ((namespace: string) => string) | undefined
  /**
   * Namespaces copied side by side.
   *
   * @default 4
   */
  readonly concurrency?: number | undefined
  /** How to read: see `PineconeSource.scan`. */
  readonly read?: Pick<PineconeSource.ScanOptions, "fetchBatch" | "fetchConcurrency" | "retry"> | undefined
  /** How to write: see `PineconeSink.upsert`. It is said for each namespace. */
  readonly write?: Omit<Write.Options, "linger"> | undefined
  /**
   * Pages of 100 records that are read and not yet written, for each namespace: what a rerun writes again, at most.
   *
   * @default 100
   */
  readonly maxOpen?: number | undefined
  /**
   * Stores what was not written, for instance `DeadLetter.divert`, and is then done with it. Without it such records stay
   * in the ledger, by their ids, and a rerun sends them again.
   */
  readonly deadLetters?:
    | ((outcomes: Stream.Stream<ItemOutcome, PineconeError>) => Stream.Stream<ItemOutcome | Kept, E, R>)
    | undefined
  /**
   * Records of one namespace that may stay unwritten, those kept as dead letters included. With more the migration stops,
   * since its ledger holds their ids.
   *
   * @default 10_000
   */
  readonly maxNotWritten?: number | undefined
  /**
   * Compare both sides in the end.
   *
   * @default true
   */
  readonly verify?: boolean | undefined
  /**
   * Time for writes to become visible: while records that were written are missing in the comparison, it is repeated.
   *
   * @default "1 minute"
   */
  readonly settleWithin?: Duration.Input | undefined
}

/** How a migration ended. */
export const Report = Schema.Struct({
  /** Records read and dealt with by this run and those it went on with: written, dead-lettered or not written. */
  records: Schema.Int,
  /** Those of earlier runs among them. */
  recordsBefore: Schema.Int,
  /** Outcomes of this run. */
  written: Schema.Int,
  rejected: Schema.Int,
  unknown: Schema.Int,
  /** Records that are kept as dead letters, of earlier runs as well. */
  deadLettered: Schema.Int,
  /** Records that are not in `to` and nowhere else: a rerun sends them again. */
  notWritten: Schema.Int,
  /** The first errors of records that were not written, as text. */
  errors: Schema.Array(Schema.String),
  /** What the comparison found, unless it was turned off. */
  comparison: Schema.optionalKey(PineconeCompare.Summary)
})

/** @see {@link Report} */
export type Report = typeof Report.Type

/** The copy is not whole: records were not written, or the comparison misses some. */
export class NotMigrated extends Schema.TaggedError<NotMigrated>()("NotMigrated", { report: Report }) {
  override get message(): string {
    const { comparison, errors, notWritten } = this.report
    const compared =
      comparison === undefined
        ? []
        : [`the comparison finds ${comparison.missing} missing and ${comparison.different} different`]
    return [`${notWritten} records were not written`, ...compared, ...errors.slice(0, 3)].join("; ")
  }
}

const Checkpoint = Schema.Struct({
  next: PineconeSource.Position,
  records: Schema.Int,
  /** Ids of records before `next` that are kept elsewhere. */
  deadLettered: Schema.Array(Schema.String),
  /** Ids of records before `next` that are not written. */
  notWritten: Schema.Array(Schema.String)
})

type Checkpoint = typeof Checkpoint.Type

const initial: Checkpoint = { next: "start", records: 0, deadLettered: [], notWritten: [] }

/** What is read at a time: a page, or what an earlier run could not write. */
interface Page {
  readonly records: ReadonlyArray<PineconeSource.Scanned>
  readonly next: PineconeSource.Position
  readonly again: boolean
}

/** How the copy of one namespace ended. */
interface Part {
  readonly namespace: string
  readonly target: string
  readonly before: Checkpoint
  readonly now: Checkpoint
  readonly counts: Outcome.Counts
  readonly errors: ReadonlyArray<string>
  readonly ledger: Ledger.Ledger<Checkpoint>
}

/** Ids of lost records that a rerun sends again; what is lost beyond them is found by its comparison. */
const maxLost = 10_000

const notCompared: Compared = { summary: PineconeCompare.empty, lost: [], lostCount: 0 }

/** How many errors a {@link Report} holds. */
const listed = 10

/** Ids are asked for as they are: what was refused may be the id. */
const again = (
  from: Service,
  namespace: string,
  { next, notWritten }: Checkpoint,
  read: Options["read"]
): Stream.Stream<Page, PineconeError> =>
  notWritten.length === 0
    ? Stream.empty
    : Stream.fromIterable(notWritten.map((id) => ({ namespace, id }))).pipe(
        Lookup.rows(reads.records(from), Result.succeed, { retry: read?.retry }),
        Stream.runCollect,
        Effect.map((rows) => ({
          records: rows.flatMap(([, record]) => (Option.isSome(record) ? [{ namespace, ...record.value }] : [])),
          next,
          again: true
        })),
        Stream.fromEffect
      )

const copy = Effect.fnUntraced(function* <E, R>(
  options: Options<E, R>,
  namespace: string,
  target: string
): Effect.fn.Return<Part, E | PineconeError | Ledger.LedgerError, R | KeyValueStore> {
  const { deadLetters, from, maxNotWritten = 10_000, prefix, read, to } = options
  const ledger = yield* Ledger.open({
    job: {
      kind: "migrate",
      index: scans.placeOf(to),
      namespace: target,
      split: prefix === undefined ? namespace : `${namespace} ids ${prefix}*`,
      run: options.run,
      input: `index ${scans.placeOf(from)}`
    },
    checkpoint: Checkpoint,
    initial
  })
  const before = ledger.current
  let now = before
  let counts = Outcome.noCounts
  const errors: Array<string> = []

  const pages = again(from, namespace, before, read).pipe(
    Stream.concat(
      scans
        .pages(from, [namespace], {
          ...read,
          ...(prefix === undefined ? {} : { prefixes: [prefix] }),
          from: () => before.next
        })
        .pipe(Stream.map(({ next, records }): Page => ({ records, next, again: false })))
    )
  )

  const through = (
    items: Stream.Stream<Item, PineconeError>
  ): Stream.Stream<ItemOutcome | Kept, E | PineconeError, R> => {
    const outcomes = items.pipe(
      PineconeSink.upsertOutcomes({ ...options.write, namespace: target, record: ({ value }: Item) => value }),
      Stream.provideService(PineconeIndex, to)
    )
    return deadLetters === undefined ? outcomes : deadLetters(outcomes)
  }

  let lastError: PineconeError | undefined
  const tooMany = Effect.logError(
    `The migration stops: more than ${maxNotWritten} records of namespace ${JSON.stringify(namespace)} were not written ` +
      "(option maxNotWritten). Its error is that of the last one"
  )
  const gaps = { key: ledger.key, reason: new Ledger.TooManyGaps({ max: maxNotWritten }) }

  const acknowledge = (settled: Arr.NonEmptyReadonlyArray<Scan.Settled<Page, ItemOutcome | Kept>>) =>
    Effect.suspend(() => {
      for (const { outcomes, page } of settled) {
        const told: Array<ItemOutcome> = []
        const kept: Array<string> = []
        for (const outcome of outcomes) {
          if (outcome._tag === "DeadLettered") kept.push(outcome.input.value.id)
          else told.push(outcome)
        }
        const refused = told.filter(Outcome.isNotWritten)
        counts = Outcome.add(counts, told)
        lastError = refused.at(-1)?.error ?? lastError
        for (const { error } of refused.slice(0, listed - errors.length)) errors.push(clip(error.message))
        const before = page.again ? [] : now.notWritten
        now = {
          next: page.next,
          records: now.records + (page.again ? 0 : page.records.length),
          deadLettered: kept.length === 0 ? now.deadLettered : Array.from(new Set([...now.deadLettered, ...kept])),
          notWritten: refused.length === 0 ? before : [...before, ...refused.map(({ input }) => input.value.id)]
        }
      }
      const saved = ledger.save(now)
      return now.notWritten.length + now.deadLettered.length <= maxNotWritten
        ? saved
        : Effect.andThen(Effect.andThen(saved, tooMany), Effect.fail(lastError ?? new Ledger.LedgerError(gaps)))
    })

  if (!ledger.isFinished || before.notWritten.length > 0) {
    yield* pages.pipe(
      Scan.settled({ records: (page: Page) => page.records, through, maxOpen: options.maxOpen }, acknowledge),
      Stream.runDrain
    )
  }
  return { namespace, target, before, now, counts, errors, ledger }
})

/** A comparison, and the ids of records that are not in the copy as they should be, though they were written. */
interface Compared {
  readonly summary: PineconeCompare.Summary
  readonly lost: ReadonlyArray<string>
  readonly lostCount: number
}

/** Compares one namespace with its copy, again while records that were written can not be seen. */
const comparePart = <E, R>(
  { from, prefix, read, settleWithin = "1 minute", to }: Options<E, R>,
  { namespace, now, target }: Part
): Effect.Effect<Compared, PineconeError> => {
  const known = new Set([...now.notWritten, ...now.deadLettered])
  // A namespace that is empty may not exist for the service.
  const orEmpty = (side: PineconeCompare.Side) =>
    Stream.catchIf(
      side,
      ({ reason }) => reason._tag === "NotFound" && reason.resource === "namespace",
      () => Stream.empty
    )
  const original = orEmpty(PineconeCompare.index(from, { ...read, prefix, namespaces: [namespace] }))
  // The counts of the copy may lag as its records do, and what is not there is found missing.
  const copied = orEmpty(
    PineconeCompare.index(to, { ...read, prefix, namespaces: [target], as: () => namespace, verify: false })
  )
  const compare = Effect.suspend(() => {
    const lost: Array<string> = []
    let lostCount = 0
    const onDifference = ({ _tag, id }: PineconeCompare.Difference) => {
      if ((_tag !== "Missing" && _tag !== "Different") || known.has(id)) return
      lostCount++
      if (lost.length < maxLost) lost.push(id)
    }
    return Effect.map(PineconeCompare.summarize(original, copied, { onDifference }), (summary) => ({
      summary,
      lost,
      lostCount
    }))
  })
  return Effect.repeat(compare, {
    while: ({ lostCount }) => lostCount > 0,
    schedule: Schedule.spaced("5 seconds").pipe(Schedule.upTo({ duration: settleWithin }))
  })
}

/** A copy that is whole is done with. What is lost of another one a rerun sends again. */
const close = ({ ledger, now }: Part, lost: ReadonlyArray<string>) => {
  if (lost.length > 0) return ledger.save({ ...now, notWritten: [...now.notWritten, ...lost] })
  return now.notWritten.length === 0 && now.next === "end" ? ledger.finish : Effect.void
}

const namesOf = <E, R>(options: Options<E, R>) =>
  Effect.gen(function* () {
    const { from, read, rename = (namespace: string) => namespace, to } = options
    const names = yield* scans.namesOf(from, options)
    yield* scans.checkNames(options, names, yield* scans.countsOf(from, read?.retry))
    const pairs = names.map((namespace) => [namespace, namespaceName(rename(namespace))] as const)
    const refuse = (option: string, issue: string) =>
      failure("migrate", undefined, new InvalidOption({ option, issue }))
    const itself = pairs.find(([namespace, target]) => from === to && namespace === target)
    if (itself !== undefined) {
      return yield* refuse("rename", `leaves namespace ${JSON.stringify(itself[0])} where it is, in the same index`)
    }
    const targets = new Set<string>()
    const taken = pairs.find(([, target]) => targets.size === targets.add(target).size)
    if (taken !== undefined) {
      return yield* refuse("rename", `gives two namespaces the name ${JSON.stringify(taken[1])}`)
    }
    return pairs
  })

/**
 * Copies namespaces of one index into another, goes on where an earlier run of the same name stopped, and compares both
 * in the end. Fails with `NotMigrated`, which holds the report, when records were not written or are not there.
 *
 * Records that `to` has and `from` has not are left alone; the comparison counts them as `extra`.
 *
 * @example
 * ```ts
 * import { PineconeIndex, PineconeMigrate } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const apiKey = Redacted.make("pcsk_...")
 *
 * const program = Effect.gen(function*() {
 *   const from = yield* Effect.provide(PineconeIndex, PineconeIndex.layer({ apiKey, index: "articles" }))
 *   const to = yield* Effect.provide(PineconeIndex, PineconeIndex.layer({ apiKey, index: "articles-v2" }))
 *   const { records } = yield* PineconeMigrate.migrate({ from, to, namespaces: "all", run: "2026-11-26" })
 *   yield* Effect.log(`${records} records are in both`)
 * })
 * ```
 */
export const migrate = <E = never, R = never>(
  options: Options<E, R>
): Effect.Effect<Report, E | PineconeError | Ledger.LedgerError | NotMigrated, R | KeyValueStore> =>
  Effect.gen(function* () {
    const { concurrency = 4, maxNotWritten, maxOpen, settleWithin } = options
    yield* checkRange("migrate", "concurrency", concurrency)
    yield* checkRange("migrate", "maxOpen", maxOpen)
    yield* checkRange("migrate", "maxNotWritten", maxNotWritten)
    yield* checkDuration("migrate", "settleWithin", settleWithin)
    yield* scans.checkOptions(options.read ?? {})
    const pairs = yield* namesOf(options)
    const parts = yield* Effect.forEach(pairs, ([namespace, target]) => copy(options, namespace, target), {
      concurrency
    })
    const compared = yield* Effect.forEach(
      parts,
      (part) =>
        Effect.gen(function* () {
          const found = options.verify === false ? notCompared : yield* comparePart(options, part)
          yield* close(part, found.lost)
          return found
        }),
      { concurrency }
    )
    const comparison =
      options.verify === false
        ? undefined
        : compared.reduce((all, { summary }) => PineconeCompare.combine(all, summary), PineconeCompare.empty)
    const sum = (of: (part: Part) => number) => parts.reduce((total, part) => total + of(part), 0)
    const report: Report = {
      records: sum(({ now }) => now.records),
      recordsBefore: sum(({ before }) => before.records),
      written: sum(({ counts }) => counts.written),
      rejected: sum(({ counts }) => counts.rejected),
      unknown: sum(({ counts }) => counts.unknown),
      deadLettered: sum(({ now }) => now.deadLettered.length),
      notWritten: sum(({ now }) => now.notWritten.length),
      errors: parts.flatMap(({ errors }) => errors).slice(0, listed),
      ...(comparison === undefined ? {} : { comparison })
    }
    const isLost = compared.some(({ lostCount }) => lostCount > 0)
    return report.notWritten > 0 || isLost ? yield* new NotMigrated({ report }) : report
  })

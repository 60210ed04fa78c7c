/**
 * How far a job has come, kept in Effect's `KeyValueStore`, so that a job that was killed goes on where it stopped.
 *
 * A ledger holds one checkpoint, a value the job understands, of one part of one job. It is never behind by more than
 * the save under way: a save alternates between two slots, so a process killed in the middle of one leaves the other
 * whole, and what can not be read is never taken for a fresh start.
 *
 * Loads use it through `Resume`. Provide `KeyValueStore.layerFileSystem(directory)` for files, `KeyValueStore.layerSql`
 * for a database, `KeyValueStore.layerMemory` for tests.
 */
import * as Effect from "effect/Effect"
import * as Hash from "effect/Hash"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { clip } from "./ConnectorError.ts"
import { KeyValueStore, type KeyValueStoreError } from "./internal/persistence.ts"

/** What a ledger is about. Two parts of work share a ledger when all but `kind` and `input` are the same. */
export const Job = Schema.Struct({
  /** What is done: `load`, `export`, `migrate`, ... */
  kind: Schema.String,
  /** Where the store is. A name and a password in it, and what follows `?`, are not kept. */
  host: Schema.optionalKey(Schema.String),
  /** The index, workspace or table. */
  index: Schema.String,
  namespace: Schema.optionalKey(Schema.String),
  /** The part of the job, for instance a file or a prefix of ids. */
  split: Schema.optionalKey(Schema.String),
  /** Which time the job is run: a rerun of the same `run` continues, another one starts from the beginning. */
  run: Schema.String,
  /** What is read, so that another input is noticed: a file's name and size, a checksum, the source index. */
  input: Schema.optionalKey(Schema.String)
})

/** @see {@link Job} */
export type Job = typeof Job.Type

/** The store of ledgers failed. */
export class StoreFailed extends Schema.TaggedError<StoreFailed>()("StoreFailed", {
  detail: Schema.String
}) {
  override get message(): string {
    return `its store failed: ${this.detail}`
  }
}

/** The ledger was written by a job of another kind, or that reads another input. */
export class LedgerOfAnotherJob extends Schema.TaggedError<LedgerOfAnotherJob>()("LedgerOfAnotherJob", {
  found: Job,
  asked: Job
}) {
  override get message(): string {
    return `it belongs to the job ${describe(this.found)}, and this is ${describe(this.asked)}; name another run, or clear the ledger`
  }
}

/** What is stored is no ledger, though something is. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", {
  detail: Schema.String
}) {
  override get message(): string {
    return `what is stored can not be read: ${this.detail}; clear the ledger to start from the beginning`
  }
}

/** The ledger was written by a later version of this package. */
export class NewerFormat extends Schema.TaggedError<NewerFormat>()("NewerFormat", {
  format: Schema.Finite
}) {
  override get message(): string {
    return `it has format ${this.format}, of a later version of this package than this one`
  }
}

/** A load has more gaps than its ledger may hold: see `Resume.Options`. */
export class TooManyGaps extends Schema.TaggedError<TooManyGaps>()("TooManyGaps", {
  maxGaps: Schema.Finite
}) {
  override get message(): string {
    return `more than ${this.maxGaps} runs of records were neither written nor kept; mend what refuses them, or keep them with DeadLetter.divert`
  }
}

/**
 * A ledger could not be opened or saved.
 *
 * @example
 * ```ts
 * import { Ledger } from "@effect-connectors/core"
 * import * as Effect from "effect/Effect"
 *
 * declare const load: Effect.Effect<void, Ledger.LedgerError>
 *
 * const program = load.pipe(
 *   Effect.catchReason("LedgerError", "LedgerOfAnotherJob", ({ found }) => Effect.logError(`stopped: ${found.run} is in use`))
 * )
 * ```
 */
export class LedgerError extends Schema.TaggedError<LedgerError>()("LedgerError", {
  /** What the ledger is stored under. */
  key: Schema.String,
  reason: Schema.Union([StoreFailed, LedgerOfAnotherJob, Unreadable, NewerFormat, TooManyGaps])
}) {
  override get message(): string {
    return `ledger ${this.key}: ${this.reason.message}`
  }
}

/** The progress of one part of a job. */
export interface Ledger<S> {
  readonly job: Job
  /** What it is stored under. */
  readonly key: string
  /** The checkpoint as it was found; the initial one in a new ledger. */
  readonly found: S
  /** Nothing was saved before. */
  readonly isNew: boolean
  /** The part was finished before. */
  readonly wasFinished: boolean
  /**
   * Completes when this checkpoint, or a later one, is stored. Of checkpoints that come while one is being written only
   * the last is.
   */
  readonly save: (checkpoint: S) => Effect.Effect<void, LedgerError>
  /** Saves the last checkpoint, and that the part is done: who opens the ledger again finds `wasFinished`. */
  readonly finish: (checkpoint: S) => Effect.Effect<void, LedgerError>
}

export interface Options<S> {
  readonly job: Job
  /** The schema of a checkpoint; it is stored as JSON. */
  readonly checkpoint: Schema.Codec<S, unknown>
  /** The checkpoint of a job that has not begun. */
  readonly initial: S
}

const format = 1

/** What every format starts with. */
const Head = Schema.fromJsonString(Schema.Struct({ format: Schema.Finite }))
const decodeHead = Schema.decodeUnknownOption(Head)

const Saved = <S>(checkpoint: Schema.Codec<S, unknown>) =>
  Schema.fromJsonString(
    Schema.Struct({
      format: Schema.Literal(format),
      /** Of two slots the one with the larger number is the newer. */
      sequence: Schema.Int,
      job: Job,
      finished: Schema.Boolean,
      checkpoint: Schema.toCodecJson(checkpoint)
    })
  )

/**
 * Opens a ledger, or begins one. Fails when it belongs to another job, or when something is stored that is no ledger.
 *
 * One process at a time may use a ledger; that is not checked.
 *
 * @example
 * ```ts
 * import { Ledger } from "@effect-connectors/core"
 * import * as Effect from "effect/Effect"
 * import * as KeyValueStore from "effect/persistence/KeyValueStore"
 * import * as Schema from "effect/Schema"
 *
 * const program = Effect.gen(function*() {
 *   const ledger = yield* Ledger.open({
 *     job: { kind: "copy", index: "articles", run: "2026-11" },
 *     checkpoint: Schema.Struct({ page: Schema.Int }),
 *     initial: { page: 0 }
 *   })
 *   for (let page = ledger.found.page; page < 10; page++) {
 *     // ... copy the page, and when that is done:
 *     yield* ledger.save({ page: page + 1 })
 *   }
 * }).pipe(Effect.provide(KeyValueStore.layerMemory))
 * ```
 */
export const open = Effect.fnUntraced(function* <S>(
  options: Options<S>
): Effect.fn.Return<Ledger<S>, LedgerError, KeyValueStore> {
  const store = yield* KeyValueStore
  const job = withoutSecrets(options.job)
  const key = keyOf(job)
  const schema = Saved(options.checkpoint)
  const decode = Schema.decodeUnknownResult(schema)
  const encode = Schema.encodeEffect(schema)
  const slots = [`${key}.0`, `${key}.1`] as const
  const failed = (reason: LedgerError["reason"]) => new LedgerError({ key, reason })
  const storeFailed = ({ message }: KeyValueStoreError) => failed(new StoreFailed({ detail: clip(message) }))

  const texts = yield* Effect.mapError(Effect.all(slots.map(store.get)), storeFailed)
  for (const text of texts) {
    const head = decodeHead(text)
    if (Option.isSome(head) && head.value.format > format) {
      return yield* failed(new NewerFormat({ format: head.value.format }))
    }
  }
  const read = texts.map((text) => (text === undefined ? undefined : decode(text)))
  const [last] = read
    .flatMap((result) => (result?._tag === "Success" ? [result.success] : []))
    .toSorted((a, b) => b.sequence - a.sequence)
  if (last === undefined) {
    // The very first save was cut short: nothing can have been acknowledged. Anything else that is unreadable was.
    const torn = texts[0] === undefined && isTorn(texts[1])
    const bad = read.find((result) => result?._tag === "Failure")
    if (!torn && bad?._tag === "Failure") {
      return yield* failed(new Unreadable({ detail: clip(bad.failure.message) }))
    }
  } else if (!isSame(last.job, job)) {
    return yield* failed(new LedgerOfAnotherJob({ found: last.job, asked: job }))
  }

  let sequence = last?.sequence ?? 0
  let asked = 0
  let stored = 0
  let newest: { readonly checkpoint: S; readonly finished: boolean }
  const one = Semaphore.makeUnsafe(1)
  const write = Effect.suspend(() => {
    const covers = asked
    const next = sequence + 1
    return encode({ format, sequence: next, job, ...newest }).pipe(
      Effect.mapError(({ message }) => failed(new StoreFailed({ detail: clip(message) }))),
      Effect.flatMap((text) => Effect.mapError(store.set(slots[next % 2 === 0 ? 0 : 1], text), storeFailed)),
      Effect.andThen(
        Effect.sync(() => {
          sequence = next
          stored = covers
        })
      ),
      Effect.uninterruptible
    )
  })
  const save = (checkpoint: S, finished: boolean) =>
    Effect.suspend(() => {
      newest = { checkpoint, finished }
      const mine = ++asked
      return one.withPermits(1)(Effect.suspend(() => (stored >= mine ? Effect.void : write)))
    })

  return {
    job,
    key,
    found: last === undefined ? options.initial : last.checkpoint,
    isNew: last === undefined,
    wasFinished: last?.finished ?? false,
    save: (checkpoint) => save(checkpoint, false),
    finish: (checkpoint) => save(checkpoint, true)
  }
})

/** Forgets a job's progress, whatever is stored: the next run starts from the beginning. */
export const clear = Effect.fnUntraced(function* (
  of: Omit<Job, "kind" | "input">
): Effect.fn.Return<void, LedgerError, KeyValueStore> {
  const store = yield* KeyValueStore
  const key = keyOf(withoutSecrets({ kind: "", ...of }))
  yield* Effect.mapError(
    Effect.forEach([`${key}.0`, `${key}.1`], store.remove, { discard: true }),
    ({ message }) => new LedgerError({ key, reason: new StoreFailed({ detail: clip(message) }) })
  )
})

/** The start of a ledger's text, and no more. */
const isTorn = (text: string | undefined): boolean =>
  text !== undefined && text.startsWith('{"format"'.slice(0, text.length)) && Option.isNone(parse(text))

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const withoutSecrets = (job: Job): Job =>
  job.host === undefined
    ? job
    : { ...job, host: job.host.replace(/[?#].*$/s, "").replace(/^([a-z+.-]+:\/\/)?[^/]*@/i, "$1") }

const placeOf = ({ host, index, namespace, run, split }: Job) => [host, index, namespace, split, run]

const isSame = (a: Job, b: Job): boolean =>
  JSON.stringify([a.kind, a.input, placeOf(a)]) === JSON.stringify([b.kind, b.input, placeOf(b)])

/**
 * Readable, and short enough for the name of a file however long the parts are. Jobs whose long names share a key by
 * chance are told apart by what is stored.
 */
const keyOf = (job: Job): string => {
  const place = JSON.stringify(placeOf(job))
  const readable = placeOf(job)
    .flatMap((part) => (part ? [part.replace(/[^A-Za-z0-9.-]+/g, "_")] : []))
    .join("_")
  return `ledger_${readable.slice(0, 120)}_${hex(Hash.string(place))}${hex(Hash.string([...place].toReversed().join("")))}`
}

const hex = (hash: number): string => (hash >>> 0).toString(16).padStart(8, "0")

const describe = ({ index, input, kind, namespace, run, split }: Job): string =>
  [
    `${kind} of ${clip(index, 64)}`,
    ...(namespace === undefined ? [] : [`namespace ${clip(namespace, 64)}`]),
    ...(split === undefined ? [] : [`part ${clip(split, 64)}`]),
    `run ${clip(run, 64)}`,
    ...(input === undefined ? [] : [`reading ${clip(input, 200)}`])
  ].join(", ")

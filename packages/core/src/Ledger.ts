/**
 * How far a job has come, kept where it outlives the process: a checkpoint of any shape in Effect's `KeyValueStore`
 * (memory, files, SQL).
 *
 * A ledger belongs to one job: what is done (`kind`), where (`host`, `index`, `namespace`, `split`), which `run` of it, and
 * over which `input`. Opened by another job it is refused, so that nobody goes on where somebody else stopped.
 *
 * Stores need not write all or nothing: a process that is killed while `KeyValueStore.layerFileSystem` writes leaves half a
 * file. So a ledger has two places and writes them in turn, and what is damaged in one is read from the other.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { clip } from "./ConnectorError.ts"
import { digest } from "./internal/digest.ts"
import { KeyValueStore, type KeyValueStoreError } from "./internal/persistence.ts"
import { slug } from "./internal/slot.ts"

/** Whose progress a ledger holds. Nothing in it may be secret: it is stored and printed as it is. */
export const Job = Schema.Struct({
  /** What is done: `load`, `scan`, `export`, `migrate`, ... */
  kind: Schema.String,
  /** Of a URL only the host and port are kept. */
  host: Schema.optionalKey(Schema.String),
  index: Schema.String,
  namespace: Schema.optionalKey(Schema.String),
  /** The part of the job that has this ledger, when several are worked on side by side. */
  split: Schema.optionalKey(Schema.String),
  /** Tells this run of the job from others: a date, a version, a number. */
  run: Schema.String,
  /** What is read, said so that another content is said differently: a name with a size or a digest. */
  input: Schema.optionalKey(Schema.String)
})

/** @see {@link Job} */
export type Job = typeof Job.Type

/** The store under the ledger failed. */
export class StoreFailed extends Schema.TaggedError<StoreFailed>()("StoreFailed", {
  during: Schema.Literals(["read", "write", "remove"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `its store failed to ${this.during} it: ${this.detail}`
  }
}

/** Another kind of job, or one over another input, has this ledger. */
export class LedgerOfAnotherJob extends Schema.TaggedError<LedgerOfAnotherJob>()("LedgerOfAnotherJob", {
  stored: Job,
  asked: Job
}) {
  override get message(): string {
    const [stored, asked] = [describe(this.stored), describe(this.asked)]
    return `it belongs to ${stored}, and this is ${asked}; give this job a run of its own, or clear the ledger`
  }
}

/** What is stored is damaged, or does not fit the schema of the checkpoint. Nothing is guessed: clear it to start over. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", {
  detail: Schema.String
}) {
  override get message(): string {
    return `what is stored can not be read: ${this.detail}; clear the ledger to start over`
  }
}

/** A later version of this package wrote it. */
export class NewerFormat extends Schema.TaggedError<NewerFormat>()("NewerFormat", {
  format: Schema.Int,
  known: Schema.Int
}) {
  override get message(): string {
    return `it has format ${this.format} and this version knows ${this.known}; a newer version can go on with it`
  }
}

/** Too much was left undone on the way for the ledger to remember each place. */
export class TooManyGaps extends Schema.TaggedError<TooManyGaps>()("TooManyGaps", {
  max: Schema.Int
}) {
  override get message(): string {
    return (
      `what is done lies in more than ${this.max} ranges, as so many records between were not written; ` +
      `mend what is wrong with them, or divert them to a dead-letter store`
    )
  }
}

/** A ledger can not be opened or saved. */
export class LedgerError extends Schema.TaggedError<LedgerError>()("LedgerError", {
  key: Schema.String,
  reason: Schema.Union([StoreFailed, LedgerOfAnotherJob, Unreadable, NewerFormat, TooManyGaps])
}) {
  override get message(): string {
    return `ledger ${this.key}: ${this.reason.message}`
  }
}

/** The progress of one job, or of one split of it. */
export interface Ledger<S> {
  readonly job: Job
  /** Its name in the store. */
  readonly key: string
  /** Nobody had saved anything. */
  readonly isNew: boolean
  /** The job was finished before: there is nothing left to do. */
  readonly isFinished: boolean
  /** The checkpoint as it was found. */
  readonly current: S
  /**
   * Stores a checkpoint; completes when it, or one given later, is stored. Of those given while one is being written only
   * the last is written, so saving often costs no more than the store can take.
   */
  readonly save: (checkpoint: S) => Effect.Effect<void, LedgerError>
  /** Marks the job as finished, with the last checkpoint given. */
  readonly finish: Effect.Effect<void, LedgerError>
}

const format = 1
const magic = "effect-connectors/ledger"

/** Progress of one job beside the checkpoint, as stored. */
const Stored = Schema.Struct({
  sequence: Schema.Int,
  finished: Schema.Boolean,
  job: Job,
  checkpoint: Schema.Json
})

const StoredJson = Schema.fromJsonString(Stored)
const encodeStored = Schema.encodeEffect(StoredJson)
const decodeStored = Schema.decodeUnknownOption(StoredJson)

/** One of the two places. */
type Found =
  | { readonly _tag: "Absent" | "Damaged" }
  | { readonly _tag: "Newer"; readonly format: number }
  | { readonly _tag: "Good"; readonly stored: typeof Stored.Type }

const read = (text: string | undefined): Found => {
  if (text === undefined) return { _tag: "Absent" }
  const end = text.indexOf("\n")
  const [name, version, sum] = text.slice(0, Math.max(0, end)).split(" ")
  const body = text.slice(end + 1)
  if (name !== magic) return { _tag: "Damaged" }
  const found = Number(version)
  if (found > format) return Number.isSafeInteger(found) ? { _tag: "Newer", format: found } : { _tag: "Damaged" }
  if (sum !== digest(body)) return { _tag: "Damaged" }
  return Option.match(decodeStored(body), {
    onNone: (): Found => ({ _tag: "Damaged" }),
    onSome: (stored): Found => ({ _tag: "Good", stored })
  })
}

const places = ["a", "b"] as const
type Place = (typeof places)[number]

const other = (place: Place): Place => (place === "a" ? "b" : "a")

/**
 * Opens the ledger of a job, and makes it the job's own if nobody had it. Between two processes there is no lock: one job
 * is run by one process at a time.
 *
 * @example
 * ```ts
 * import { Ledger } from "@effect-connectors/core"
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 *
 * const program = Effect.gen(function*() {
 *   const ledger = yield* Ledger.open({
 *     job: { kind: "scan", index: "articles", namespace: "en", run: "2026-11-26" },
 *     checkpoint: Schema.Struct({ token: Schema.optionalKey(Schema.String), seen: Schema.Int }),
 *     initial: { seen: 0 }
 *   })
 *   if (ledger.isFinished) return
 *   yield* ledger.save({ token: "next", seen: ledger.current.seen + 100 })
 *   yield* ledger.finish
 * })
 * ```
 */
export const open = Effect.fnUntraced(function* <S>(options: {
  readonly job: Job
  /** What is saved; JSON is made of it by `Schema.toCodecJson`. */
  readonly checkpoint: Schema.Codec<S, unknown>
  /** Where the job starts. */
  readonly initial: S
}): Effect.fn.Return<Ledger<S>, LedgerError, KeyValueStore> {
  const store = yield* KeyValueStore
  const job = cleaned(options.job)
  const key = keyOf(job)
  const fail = (reason: LedgerError["reason"]) => new LedgerError({ key, reason })
  const failed = (during: StoreFailed["during"]) => (error: KeyValueStoreError) => fail(storeFailed(during, error))
  const codec = Schema.toCodecJson(options.checkpoint)
  const encode = Schema.encodeEffect(codec)
  const decode = Schema.decodeUnknownEffect(codec)

  const found = (place: Place) =>
    Effect.mapBoth(store.get(`${key}.${place}`), { onFailure: failed("read"), onSuccess: read })
  const a = yield* found("a")
  const b = yield* found("b")
  for (const slot of [a, b]) {
    if (slot._tag === "Newer") return yield* fail(new NewerFormat({ format: slot.format, known: format }))
  }
  const newest = newestOf(a, b)
  // The first write of all goes to `a` and says only whose the ledger is, so half of it is as good as nothing.
  if (newest === undefined && b._tag !== "Absent") {
    return yield* fail(new Unreadable({ detail: "both places are damaged" }))
  }
  if (newest !== undefined && !isSameJob(newest.stored.job, job)) {
    return yield* fail(new LedgerOfAnotherJob({ stored: newest.stored.job, asked: job }))
  }
  const current =
    newest === undefined
      ? options.initial
      : yield* Effect.mapError(decode(newest.stored.checkpoint), ({ message }) =>
          fail(new Unreadable({ detail: clip(message) }))
        )

  let good: Place = newest?.place ?? "b"
  let sequence = newest?.stored.sequence ?? 0
  let latest = current
  let finished = newest?.stored.finished ?? false
  let asked = 0
  let written = 0
  const oneAtATime = yield* Semaphore.make(1)

  // To be stopped half-way would leave a damaged place behind for no reason.
  const write = Effect.uninterruptible(
    Effect.gen(function* () {
      const [upTo, place, next] = [asked, other(good), sequence + 1]
      const checkpoint = yield* encode(latest)
      const body = yield* encodeStored({ sequence: next, finished, job, checkpoint })
      const text = `${magic} ${format} ${digest(body)}\n${body}`
      yield* Effect.mapError(store.set(`${key}.${place}`, text), failed("write"))
      good = place
      sequence = next
      written = upTo
    })
  ).pipe(
    Effect.catchTag("SchemaError", ({ message }) =>
      Effect.fail(fail(new StoreFailed({ during: "write", detail: clip(message) })))
    )
  )

  const request = Effect.suspend(() => {
    const mine = ++asked
    return oneAtATime.withPermit(Effect.suspend(() => (mine <= written ? Effect.void : write)))
  })

  if (newest === undefined) yield* request
  return {
    job,
    key,
    isNew: newest === undefined,
    isFinished: finished,
    current,
    save: (checkpoint) =>
      Effect.suspend(() => {
        latest = checkpoint
        return request
      }),
    finish: Effect.suspend(() => {
      finished = true
      return request
    })
  }
})

/** Removes the ledger of a job, whoever has it: the next one to open it starts at the beginning. */
export const clear = Effect.fnUntraced(function* (job: Job): Effect.fn.Return<void, LedgerError, KeyValueStore> {
  const store = yield* KeyValueStore
  const key = keyOf(cleaned(job))
  for (const place of places) {
    yield* Effect.mapError(
      store.remove(`${key}.${place}`),
      (error) => new LedgerError({ key, reason: storeFailed("remove", error) })
    )
  }
})

/**
 * The name of a job's ledger: for people its index and run, and a digest that tells apart everything it is made of. Short,
 * and the same in capitals and small letters, as files and databases want it.
 */
const keyOf = ({ host, index, namespace, run, split }: Job): string => {
  const whole = JSON.stringify([host ?? null, index, namespace ?? null, split ?? null, run])
  return `ledger.${slug(index)}.${slug(run)}.${digest(whole)}`
}

const cleaned = (job: Job): Job => (job.host === undefined ? job : { ...job, host: hostOf(job.host) })

/** Host and port: what is beside them in a URL may be secret. */
const hostOf = (host: string): string => {
  const url = URL.parse(host.includes("://") ? host : `https://${host}`)
  return url === null || url.host === "" ? host.replace(/^.*@/s, "").replace(/[/?#].*$/s, "") : url.host
}

const newestOf = (a: Found, b: Found): { readonly place: Place; readonly stored: typeof Stored.Type } | undefined => {
  const [inA, inB] = [a, b].map((found) => (found._tag === "Good" ? found.stored : undefined))
  if (inA === undefined) return inB === undefined ? undefined : { place: "b", stored: inB }
  return inB === undefined || inA.sequence > inB.sequence ? { place: "a", stored: inA } : { place: "b", stored: inB }
}

const isSameJob = Schema.toEquivalence(Job)

const describe = (job: Job): string => {
  const { input, kind, ...place } = job
  const where = Object.entries(place).map(([name, value]) => `${name} ${JSON.stringify(clip(value, 200))}`)
  return `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind} of ${where.join(", ")}${input === undefined ? "" : ` from ${clip(input, 200)}`}`
}

const storeFailed = (during: StoreFailed["during"], { cause, message }: KeyValueStoreError): StoreFailed =>
  new StoreFailed({ during, detail: clip(cause instanceof Error ? `${message}: ${cause.message}` : message) })

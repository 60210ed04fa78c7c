import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type * as Arr from "effect/Array"
import { clip, type ConnectorError, Reason } from "../ConnectorError.ts"
import type { NotWritten } from "../Outcome.ts"

/** Why a record was not written, as data: the name and message of the reason, and its fields. */
export interface LetterReason {
  readonly _tag: string
  readonly message: string
  readonly [field: string]: Schema.Json
}

/** What is known of a record that was not written, beside the record. */
export interface Verdict {
  /** Tells letters of one store apart. */
  readonly id: string
  /** `Rejected`: not applied, and as it is never will be. `Unknown`: sent, and the answer lost. */
  readonly outcome: "Rejected" | "Unknown"
  /** The error's name, for instance `PineconeError`. */
  readonly error: string
  /** During which call, when the error tells. */
  readonly operation: string | undefined
  readonly reason: LetterReason
  /** How often requests that held the record were sent, all tries together. */
  readonly attempts: number
  /** When it was last tried, in ISO 8601. */
  readonly time: string
}

/** A record that was not written, why, and how often it was tried. */
export interface DeadLetter<out A> extends Verdict {
  readonly _tag: "DeadLetter"
  readonly record: A
}

/** A letter whose record is not what the store's schema describes, so that it can be read and not redriven. */
export interface Unfit extends Verdict {
  readonly _tag: "Unfit"
  readonly record: Schema.Json
}

/** Where letters go. */
export interface Writer<in A, out E = DeadLetterError, out R = never> {
  /** Completes when all are stored. A letter with an id that is there already takes its place. */
  readonly write: (letters: Arr.NonEmptyReadonlyArray<DeadLetter<A>>) => Effect.Effect<void, E, R>
}

/** Where letters go, and can be read back from. */
export interface Store<in out A> extends Writer<A> {
  /** The letters that are there when it starts, and no later ones. */
  readonly letters: Stream.Stream<DeadLetter<A> | Unfit, DeadLetterError>
  /** Completes when all are removed; ids that are not there are passed over. */
  readonly remove: (ids: Arr.NonEmptyReadonlyArray<string>) => Effect.Effect<void, DeadLetterError>
}

/** What is under a store of letters failed. */
export class StoreFailed extends Schema.TaggedError<StoreFailed>()("StoreFailed", {
  during: Schema.Literals(["open", "read", "write", "remove"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `can not ${this.during}: ${this.detail}`
  }
}

/** So many letters that something else must be wrong. */
export class StoreFull extends Schema.TaggedError<StoreFull>()("StoreFull", {
  max: Schema.Int
}) {
  override get message(): string {
    return `it holds ${this.max} letters, the most it takes; redrive them, or find out why so many are refused`
  }
}

/** A letter over the size limit of its store. */
export class LetterTooLarge extends Schema.TaggedError<LetterTooLarge>()("LetterTooLarge", {
  id: Schema.String,
  bytes: Schema.Int,
  max: Schema.Int
}) {
  override get message(): string {
    return `letter ${clip(this.id, 64)} takes ${this.bytes} bytes and may take ${this.max}`
  }
}

/** Letters can not be stored, read or removed. */
export class DeadLetterError extends Schema.TaggedError<DeadLetterError>()("DeadLetterError", {
  store: Schema.String,
  reason: Schema.Union([StoreFailed, StoreFull, LetterTooLarge])
}) {
  override get message(): string {
    return `dead letters ${this.store}: ${this.reason.message}`
  }
}

/** An error of what is under the store, said as ours. */
export const storeFailed =
  (store: string, during: StoreFailed["during"]) =>
  (error: { readonly message: string; readonly cause?: unknown }): DeadLetterError => {
    const detail = error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
    return new DeadLetterError({ store, reason: new StoreFailed({ during, detail: clip(detail) }) })
  }

const StoredReason = Schema.StructWithRest(Schema.Struct({ _tag: Schema.String, message: Schema.String }), [
  Schema.Record(Schema.String, Schema.Json)
])

/** The record of a letter, which comes from text that was JSON: its numbers are not looked at one by one. */
const AnyJson = Schema.declare((u: unknown): u is Schema.Json => u !== undefined)

/** A letter as JSON. */
export const Stored = Schema.Struct({
  id: Schema.String,
  outcome: Schema.Literals(["Rejected", "Unknown"]),
  error: Schema.String,
  operation: Schema.optionalKey(Schema.String),
  reason: StoredReason,
  attempts: Schema.Int,
  time: Schema.String,
  /** The record could not be encoded by its schema, and is stored as JSON makes it. */
  unfit: Schema.optionalKey(Schema.Literal(true)),
  record: AnyJson
})

/** @see {@link Stored} */
export type Stored = typeof Stored.Type

export interface Codec<A> {
  readonly encode: (letter: DeadLetter<A>) => Stored
  readonly decode: (stored: Stored) => DeadLetter<A> | Unfit
}

/**
 * Letters are of records that something is wrong with. So checks are left out, both ways: a record that only breaks a rule
 * comes back as it was, and whoever writes it again checks it again.
 */
export const makeCodec = <A>(record: Schema.Codec<A, unknown>): Codec<A> => {
  const json = Schema.toCodecJson(record)
  const encodeRecord = guarded(Schema.encodeUnknownResult(json, { disableChecks: true }))
  const decodeRecord = guarded(Schema.decodeUnknownResult(json, { disableChecks: true }))
  const known = ({ attempts, error, id, operation, outcome, reason, time }: Verdict) => ({
    id,
    outcome,
    error,
    ...(operation === undefined ? {} : { operation }),
    reason,
    attempts,
    time
  })
  return {
    encode: (letter) =>
      Result.match(encodeRecord(letter.record), {
        onSuccess: (record): Stored => ({ ...known(letter), record }),
        onFailure: (): Stored => ({ ...known(letter), unfit: true, record: anyJson(letter.record) })
      }),
    decode: ({ operation, record, unfit, ...verdict }) => {
      const asIs: Unfit = { _tag: "Unfit", ...verdict, operation, record }
      return unfit === true
        ? asIs
        : Result.match(decodeRecord(record), {
            onSuccess: (record): DeadLetter<A> | Unfit => ({ _tag: "DeadLetter", ...verdict, operation, record }),
            onFailure: () => asIs
          })
    }
  }
}

/** What is nested deeper than the stack reaches throws; that is a failure as another. */
const guarded =
  <A, B, E>(f: (a: A) => Result.Result<B, E>) =>
  (a: A): Result.Result<B, unknown> =>
    Result.flatMap(
      Result.try(() => f(a)),
      (result): Result.Result<B, unknown> => result
    )

const parseAny = Schema.decodeUnknownOption(Schema.fromJsonString(AnyJson))

const isTypedArray = (value: unknown): value is Iterable<unknown> =>
  ArrayBuffer.isView(value) && Symbol.iterator in value

/** JSON of anything, as near as it gets. */
const anyJson = (value: unknown): Schema.Json => {
  const plain = (_: string, value: unknown): unknown => {
    if (typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))) return String(value)
    return isTypedArray(value) ? Array.from(value) : value
  }
  const text = Result.try(() => JSON.stringify(value, plain))
  const json = Result.isSuccess(text) ? parseAny(text.success) : Option.none()
  return Option.getOrElse(json, () => shown(value))
}

const shown = (value: unknown): string =>
  Result.getOrElse(
    Result.try(() => clip(String(value))),
    () => "a value that can not be shown"
  )

const encodeReason = Schema.encodeUnknownOption(Schema.toCodecJson(Reason))
const asFields = Schema.decodeUnknownOption(Schema.Record(Schema.String, Schema.Json))

/** The letter of an outcome. */
export const of = <A, B>(
  outcome: NotWritten<A, ConnectorError>,
  record: B,
  id: string,
  time: string,
  before = 0
): DeadLetter<B> => {
  const { _tag, attempts, error } = outcome
  const fields = Option.flatMap(encodeReason(error.reason), asFields)
  return {
    _tag: "DeadLetter",
    id,
    outcome: _tag,
    error: error._tag,
    operation: "operation" in error && typeof error.operation === "string" ? error.operation : undefined,
    reason: { ...Option.getOrElse(fields, () => ({})), _tag: error.reason._tag, message: clip(error.message, 2_000) },
    attempts: before + attempts,
    time,
    record
  }
}

export const now: Effect.Effect<string> = Effect.map(Clock.currentTimeMillis, (millis) =>
  DateTime.formatIso(DateTime.makeUnsafe(millis))
)

/**
 * What can go wrong between a program and a store, said the same way for every store.
 *
 * A package has one tagged error (`PineconeError`, `TectonError`, ...) whose `reason` is one of the
 * classes below. The engines never look at a store's error beyond the four questions every reason
 * answers ({@link Answers}); programs match on `reason._tag`, for instance with `Effect.catchReason`.
 *
 * No reason holds a request header, so none can hold a key.
 */
import * as Schema from "effect/Schema"

/** The four questions the engines ask of a failure. */
export interface Answers {
  /** Can the same call succeed if it is sent again later? */
  readonly isRetryable: boolean
  /** Does it stop all progress (bad key, missing index), so that the stream must fail? */
  readonly isFatal: boolean
  /** Is it about the content of the call, so that a smaller call without the bad record can succeed? */
  readonly blamesRecords: boolean
  /** Can the store have applied the call although it failed (the answer was lost)? */
  readonly mayHaveApplied: boolean
}

/**
 * The shape of every package's error, and all that the engines need of it.
 *
 * @example
 * ```ts
 * import type { ConnectorError } from "@effect-connectors/core"
 *
 * const describe = (error: ConnectorError.ConnectorError): string =>
 *   error.reason.isRetryable ? `will try again: ${error.message}` : error.message
 * ```
 */
export interface ConnectorError {
  readonly _tag: string
  /** One sentence: what failed, on what, and what to do about it. */
  readonly message: string
  readonly reason: Reason
}

/** What the wire said, when a store answered: HTTP status, gRPC code, the store's id of the request. */
export const Wire = Schema.Struct({
  status: Schema.optionalKey(Schema.Int),
  grpcCode: Schema.optionalKey(Schema.Int),
  requestId: Schema.optionalKey(Schema.String)
})

/** @see {@link Wire} */
export type Wire = typeof Wire.Type

const wire = Schema.optionalKey(Wire)

/** A record that breaks a documented rule of the store; found before anything was sent. */
export class InvalidRecord
  extends Schema.TaggedError<InvalidRecord>()("InvalidRecord", {
    /** The record's id, when it has one that can be printed. */
    id: Schema.optionalKey(Schema.String),
    field: Schema.String,
    issue: Schema.String
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = false
  readonly blamesRecords = true
  readonly mayHaveApplied = false
  override get message(): string {
    return `${this.id === undefined ? "" : `record ${JSON.stringify(clip(this.id, 64))}: `}${this.field} ${this.issue}`
  }
}

/** A record that alone is over the size of a whole request; set aside before anything was sent. */
export class RecordTooLarge
  extends Schema.TaggedError<RecordTooLarge>()("RecordTooLarge", {
    id: Schema.optionalKey(Schema.String),
    bytes: Schema.Int,
    maxBytes: Schema.Int
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = false
  readonly blamesRecords = true
  readonly mayHaveApplied = false
  override get message(): string {
    const who = this.id === undefined ? "a record" : `record ${JSON.stringify(clip(this.id, 64))}`
    return `${who} takes ${this.bytes} bytes on the wire and a request may hold ${this.maxBytes}; make its values or metadata smaller`
  }
}

/** An option of a call or a layer that cannot work; nothing was sent. */
export class InvalidOption
  extends Schema.TaggedError<InvalidOption>()("InvalidOption", {
    option: Schema.String,
    issue: Schema.String
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = true
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    return `option ${this.option} ${this.issue}`
  }
}

/** The store understood the call and refuses what is in it (HTTP 400, 412, 422). */
export class RequestRefused
  extends Schema.TaggedError<RequestRefused>()("RequestRefused", {
    detail: Schema.String,
    wire
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = false
  readonly blamesRecords = true
  readonly mayHaveApplied = false
  override get message(): string {
    return `the store refused it: ${this.detail}`
  }
}

/** The call as a whole is over a size limit (HTTP 413, or found before sending). */
export class RequestTooLarge
  extends Schema.TaggedError<RequestTooLarge>()("RequestTooLarge", {
    detail: Schema.String,
    wire
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = false
  readonly blamesRecords = true
  readonly mayHaveApplied = false
  override get message(): string {
    return `the request is too large: ${this.detail}`
  }
}

/** The key is missing, wrong or not allowed here (HTTP 401). */
export class Unauthorized
  extends Schema.TaggedError<Unauthorized>()("Unauthorized", {
    detail: Schema.String,
    wire
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = true
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    return `not authorized: ${this.detail}; check the key and what it belongs to`
  }
}

/**
 * The key is good, but this is not allowed: deletion protection, a plan's quota of things (HTTP 402, 403). It stops
 * everything unless it concerns only the namespace of the call.
 */
export class Forbidden
  extends Schema.TaggedError<Forbidden>()("Forbidden", {
    detail: Schema.String,
    scope: Schema.optionalKey(Schema.Literals(["index", "namespace"])),
    wire
  })
  implements Answers
{
  readonly isRetryable = false
  get isFatal(): boolean {
    return this.scope !== "namespace"
  }
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    return `not allowed: ${this.detail}`
  }
}

/**
 * What the call is about does not exist (HTTP 404). A missing namespace concerns only the records meant for it;
 * anything else that is missing stops everything.
 */
export class NotFound
  extends Schema.TaggedError<NotFound>()("NotFound", {
    /** What kind of thing: `index`, `namespace`, `feature service`, ...; `other` for what has no name. */
    resource: Schema.String,
    /** What the caller called it. */
    called: Schema.String,
    detail: Schema.optionalKey(Schema.String),
    wire
  })
  implements Answers
{
  readonly isRetryable = false
  get isFatal(): boolean {
    return this.resource !== "namespace"
  }
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    const what =
      this.resource === "other" ? JSON.stringify(this.called) : `${this.resource} ${JSON.stringify(this.called)}`
    return `${what} does not exist; check its spelling and what the key belongs to${
      this.detail === undefined ? "" : ` (${this.detail})`
    }`
  }
}

/** The store asks to slow down (HTTP 429). The call was not applied. */
export class RateLimited
  extends Schema.TaggedError<RateLimited>()("RateLimited", {
    detail: Schema.String,
    /** The wait the store asked for, in milliseconds. */
    retryAfterMillis: Schema.optionalKey(Schema.Finite),
    wire
  })
  implements Answers
{
  readonly isRetryable = true
  readonly isFatal = false
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    return `the store asks to slow down: ${this.detail}`
  }
}

/** A monthly or plan quota is used up. It also arrives as HTTP 429, but waiting does not cure it. */
export class QuotaExhausted
  extends Schema.TaggedError<QuotaExhausted>()("QuotaExhausted", {
    detail: Schema.String,
    wire
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = true
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    return `a quota is used up and retrying will not help: ${this.detail}`
  }
}

/** The store failed on its side (HTTP 5xx). Whether the call was applied is not known. */
export class Unavailable
  extends Schema.TaggedError<Unavailable>()("Unavailable", {
    detail: Schema.String,
    retryAfterMillis: Schema.optionalKey(Schema.Finite),
    wire
  })
  implements Answers
{
  readonly isRetryable = true
  readonly isFatal = false
  readonly blamesRecords = false
  readonly mayHaveApplied = true
  override get message(): string {
    return `the store is not available: ${this.detail}`
  }
}

/** The connection failed: name not found, refused, reset. `sent` tells whether the call can have reached the store. */
export class ConnectionFailed
  extends Schema.TaggedError<ConnectionFailed>()("ConnectionFailed", {
    detail: Schema.String,
    sent: Schema.Boolean
  })
  implements Answers
{
  readonly isRetryable = true
  readonly isFatal = false
  readonly blamesRecords = false
  get mayHaveApplied(): boolean {
    return this.sent
  }
  override get message(): string {
    return `the connection failed: ${this.detail}`
  }
}

/** No answer in time (our own limit, or HTTP 408 and 504). Whether the call was applied is not known. */
export class TimedOut
  extends Schema.TaggedError<TimedOut>()("TimedOut", {
    afterMillis: Schema.optionalKey(Schema.Finite),
    /** What the store said, when it was the store that gave up. */
    detail: Schema.optionalKey(Schema.String),
    wire
  })
  implements Answers
{
  readonly isRetryable = true
  readonly isFatal = false
  readonly blamesRecords = false
  readonly mayHaveApplied = true
  override get message(): string {
    const what =
      this.afterMillis === undefined ? "the store gave no answer in time" : `no answer within ${this.afterMillis} ms`
    return this.detail === undefined ? what : `${what}: ${this.detail}`
  }
}

/** The store answered with something that is not what it documents. The call may have been applied. */
export class InvalidResponse
  extends Schema.TaggedError<InvalidResponse>()("InvalidResponse", {
    detail: Schema.String,
    wire
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = false
  readonly blamesRecords = false
  readonly mayHaveApplied = true
  override get message(): string {
    return `the answer could not be understood: ${this.detail}`
  }
}

/** The service was down for longer than the pacing's `giveUpAfter`: calls were held back, and are given up. */
export class CircuitOpen
  extends Schema.TaggedError<CircuitOpen>()("CircuitOpen", {
    service: Schema.String,
    /** How long it has been down, in milliseconds. */
    downMillis: Schema.Finite,
    /** The last failure of a call that was sent. */
    detail: Schema.String
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = true
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    return `${this.service} has not answered for ${Math.round(this.downMillis / 1000)} s; check its address and its status, and run again (last failure: ${this.detail})`
  }
}

/** A value that was read is not of the type it should have; the rest of the answer is as it should be. */
export class InvalidValue
  extends Schema.TaggedError<InvalidValue>()("InvalidValue", {
    /** What the value belongs to, for instance a feature. */
    field: Schema.String,
    issue: Schema.String
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = false
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    return `${this.field} ${this.issue}`
  }
}

/** One way in which a store's schema is not what a program declares. */
export const Drift = Schema.Struct({
  kind: Schema.Literals(["renamed", "retyped", "added", "missing"]),
  /** What it is a part of: `feature`, `join key`, ... */
  part: Schema.String,
  /** As the program calls it; of what was added, as the store does. */
  name: Schema.String,
  declared: Schema.optionalKey(Schema.String),
  found: Schema.optionalKey(Schema.String)
})

/** @see {@link Drift} */
export type Drift = typeof Drift.Type

const describeDrift = (drift: Drift): string => {
  const { kind, part } = drift
  // A type can be as long as a schema is; a store may send anything.
  const [name, declared, found] = [drift.name, drift.declared, drift.found].map((text) => clip(text ?? "", 300))
  switch (kind) {
    case "renamed":
      return `${part} ${name} seems to be called ${found} now`
    case "retyped":
      return `${part} ${name} is declared as ${declared} and is ${found}`
    case "added":
      return `${part} ${name} (${found}) is there and not declared`
    case "missing":
      return `${part} ${name} (${declared}) is not there`
  }
}

/** The store's schema is not what the program declares: every difference at once. */
export class SchemaDrift
  extends Schema.TaggedError<SchemaDrift>()("SchemaDrift", {
    /** What was compared. */
    subject: Schema.String,
    drifts: Schema.Array(Drift)
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = true
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    // What is there besides is seldom the trouble, and may be much.
    const added = this.drifts.filter(({ kind }) => kind === "added")
    const others = this.drifts.filter(({ kind }) => kind !== "added")
    const more = added.length > 3 ? [`and ${added.length - 3} more that are not declared`] : []
    const said = [...others, ...added.slice(0, 3)].map(describeDrift)
    return `${this.subject} is not what the program declares: ${[...said, ...more].join("; ")}`
  }
}

/** A scan ended with another number of records than the store says it holds. */
export class IncompleteScan
  extends Schema.TaggedError<IncompleteScan>()("IncompleteScan", {
    scope: Schema.String,
    seen: Schema.Int,
    expected: Schema.Int
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = true
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    return (
      `the scan of ${this.scope} saw ${this.seen} records where the store counts ${this.expected}; ` +
      `if others write to it at the same time, or its counts lag, set verify: false`
    )
  }
}

/** Records that have to come sorted did not. */
export class OutOfOrder
  extends Schema.TaggedError<OutOfOrder>()("OutOfOrder", {
    /** What was read. */
    scope: Schema.String,
    /** The record that came before. */
    previous: Schema.String,
    /** The record that should have come earlier. */
    found: Schema.String,
    /** What to do. */
    hint: Schema.String
  })
  implements Answers
{
  readonly isRetryable = false
  readonly isFatal = true
  readonly blamesRecords = false
  readonly mayHaveApplied = false
  override get message(): string {
    return `${this.scope} is not sorted: ${this.found} comes after ${this.previous}; ${this.hint}`
  }
}

/** Every reason a connector can give. */
export const Reason = Schema.Union([
  InvalidRecord,
  RecordTooLarge,
  InvalidOption,
  RequestRefused,
  RequestTooLarge,
  Unauthorized,
  Forbidden,
  NotFound,
  RateLimited,
  QuotaExhausted,
  Unavailable,
  ConnectionFailed,
  TimedOut,
  InvalidResponse,
  CircuitOpen,
  InvalidValue,
  SchemaDrift,
  IncompleteScan,
  OutOfOrder
])

/** @see {@link Reason} */
export type Reason = typeof Reason.Type

/**
 * The wait a store asked for before the next attempt, in milliseconds; `0` when it asked for none.
 */
export const retryAfterMillis = (reason: Reason): number =>
  "retryAfterMillis" in reason && reason.retryAfterMillis !== undefined ? reason.retryAfterMillis : 0

/** Cuts text from outside to a length fit for an error message. */
export const clip = (text: string, max = 500): string => (text.length <= max ? text : `${text.slice(0, max)}...`)

/**
 * What goes wrong, scripted: which calls of an emulator fail, and how.
 *
 * A plan is a plain value, and the same value as JSON. It holds rules; each rule says which calls it looks at, which of
 * those it strikes, and what becomes of a call that is struck. The emulator counts how often each rule struck, so that
 * a test can assert that what it is about did happen.
 *
 * The same plan strikes the same calls each time: a rule counts its own calls in the order they arrive, whatever the
 * rules before it do, and chance comes from the seed of the plan and the name of the rule alone. Where several rules
 * would strike one call the first of the plan does.
 *
 * @example
 * ```ts
 * import { FaultPlan } from "@effect-connectors/testkit"
 *
 * const plan = FaultPlan.make([
 *   {
 *     name: "busy",
 *     operations: ["upsert"],
 *     when: FaultPlan.every(10),
 *     fault: FaultPlan.throttle({ retryAfter: "1 second" })
 *   },
 *   { name: "lost", operations: ["upsert"], when: FaultPlan.nth(3), fault: FaultPlan.loseAnswer },
 *   { name: "flaky", when: FaultPlan.probability(0.01), fault: FaultPlan.reset("before"), times: 5 }
 * ], { seed: 7 })
 * ```
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** Which of the calls a rule looks at it strikes. */
export type When =
  /** Every call. */
  | { readonly _tag: "Always" }
  /** The calls of these numbers; the first call is 1. */
  | { readonly _tag: "Nth"; readonly calls: ReadonlyArray<number> }
  /** Each `every`-th call: with 3 these are the calls 3, 6, 9, ... */
  | { readonly _tag: "Every"; readonly every: number }
  /** Each call with this probability, from 0 to 1. */
  | { readonly _tag: "Probability"; readonly probability: number }

/** The call is answered by this and not applied. */
export interface Answer {
  readonly _tag: "Answer"
  /** 400 to 599: an answer that says the call was not applied. */
  readonly status: number
  /** @default the standard words of the status: "Service Unavailable" */
  readonly message?: string | undefined
  /**
   * `"json"` is the error envelope of the API the call is for, `"text"` the message alone, as the service's gateway
   * answers; with a `message` that is HTML it is the page of a proxy.
   * @default "json"
   */
  readonly format?: "json" | "text" | undefined
  /** Seconds of a `Retry-After` header. @default no header */
  readonly retryAfter?: number | undefined
  /** How the header says it: as a number of seconds or as an HTTP date. @default "seconds" */
  readonly retryAfterAs?: "seconds" | "date" | undefined
}

/**
 * The connection is reset:
 * - `"before"`: the call is not applied;
 * - `"headers"`: the call is applied, only the head of the answer is sent;
 * - `"body"`: the call is applied, the head and half of the body are sent;
 * - `"after"`: the call is applied, nothing of the answer is sent.
 */
export interface Reset {
  readonly _tag: "Reset"
  readonly at: "before" | "headers" | "body" | "after"
}

/** The call is applied and never answered; the connection stays open until the client or the emulator closes it. */
export interface LoseAnswer {
  readonly _tag: "LoseAnswer"
}

/** The call is applied and answered late. It is not applied at all when the client leaves before that. */
export interface Stall {
  readonly _tag: "Stall"
  readonly millis: number
}

/** The call is applied at once, and the body of the answer arrives in `pieces` spread over a time. */
export interface SlowBody {
  readonly _tag: "SlowBody"
  readonly millis: number
  /** @default 10 */
  readonly pieces?: number | undefined
}

/** The call is applied; half of the body is sent and the connection closed, though `content-length` said more. */
export interface TruncatedBody {
  readonly _tag: "TruncatedBody"
}

/** What becomes of a call. */
export type Fault = Answer | Reset | LoseAnswer | Stall | SlowBody | TruncatedBody

/** Which calls fail, and how. */
export interface Rule {
  /** What its counter is called; no two rules of a plan share one. */
  readonly name: string
  /**
   * Names of operations. Of Pinecone: `upsert`, `query`, `fetch`, `createIndex`, ...; of Tecton: `getFeatures`,
   * `getFeaturesBatch`, `queryFeatures`, `metadata`, `ingest`, `token`.
   *
   * @default every call to an index; of Tecton every one but `token`
   */
  readonly operations?: ReadonlyArray<string> | undefined
  /** Only calls to this index; of Tecton to this feature service or stream source. @default any */
  readonly index?: string | undefined
  /** Only calls to this namespace, of which `""` is `"__default__"`; of Tecton to this workspace. @default any */
  readonly namespace?: string | undefined
  readonly when: When
  readonly fault: Fault
  /** How often it strikes at most. @default no limit */
  readonly times?: number | undefined
}

/** Rules, and where their chance comes from. */
export interface FaultPlan {
  readonly rules: ReadonlyArray<Rule>
  /** @default 0 */
  readonly seed?: number | undefined
}

const Count = Schema.Int.check(Schema.isGreaterThan(0))
const Seconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 31_536_000 }))
/** At most a day. */
const Millis = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 86_400_000 }))

const When: Schema.Codec<When> = Schema.Union([
  Schema.TaggedStruct("Always", {}),
  Schema.TaggedStruct("Nth", { calls: Schema.NonEmptyArray(Count) }),
  Schema.TaggedStruct("Every", { every: Count }),
  Schema.TaggedStruct("Probability", {
    probability: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
  })
])

const Fault: Schema.Codec<Fault> = Schema.Union([
  Schema.TaggedStruct("Answer", {
    status: Schema.Int.check(Schema.isBetween({ minimum: 400, maximum: 599 })),
    message: Schema.optional(Schema.String),
    format: Schema.optional(Schema.Literals(["json", "text"])),
    retryAfter: Schema.optional(Seconds),
    retryAfterAs: Schema.optional(Schema.Literals(["seconds", "date"]))
  }),
  Schema.TaggedStruct("Reset", { at: Schema.Literals(["before", "headers", "body", "after"]) }),
  Schema.TaggedStruct("LoseAnswer", {}),
  Schema.TaggedStruct("Stall", { millis: Millis }),
  Schema.TaggedStruct("SlowBody", { millis: Millis, pieces: Schema.optional(Count) }),
  Schema.TaggedStruct("TruncatedBody", {})
])

const Rule: Schema.Codec<Rule> = Schema.Struct({
  name: Schema.NonEmptyString,
  operations: Schema.optional(Schema.NonEmptyArray(Schema.NonEmptyString)),
  index: Schema.optional(Schema.String),
  namespace: Schema.optional(Schema.String),
  when: When,
  fault: Fault,
  times: Schema.optional(Count)
})

const checkNames = (rules: ReadonlyArray<Rule>): string | undefined => {
  const names = rules.map((rule) => rule.name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  return twice === undefined ? undefined : `has two rules named ${twice}; each needs a name of its own`
}

/** Schema of {@link FaultPlan}, whose encoded form is the same value. */
export const FaultPlan: Schema.Codec<FaultPlan> = Schema.Struct({
  rules: Schema.Array(Rule).check(Schema.makeFilter(checkNames)),
  seed: Schema.optional(Schema.Int)
})

const decode = Schema.decodeUnknownSync(FaultPlan, { onExcessProperty: "error" })

/**
 * A plan of these rules. Throws a `SchemaError` that says what is wrong for numbers out of range and for two rules of
 * one name: these are mistakes of the program.
 */
export const make = (rules: ReadonlyArray<Rule>, options?: { readonly seed?: number | undefined }): FaultPlan =>
  decode({ rules, seed: options?.seed ?? 0 })

/** Nothing goes wrong. */
export const none: FaultPlan = make([])

/** Every call. */
export const always: When = { _tag: "Always" }

/** The calls of these numbers; the first call is 1. */
export const nth = (...calls: ReadonlyArray<number>): When => ({ _tag: "Nth", calls })

/** Each `every`-th call: `every(3)` strikes the calls 3, 6, 9, ... */
export const every = (every: number): When => ({ _tag: "Every", every })

/** Each call with a probability from 0 to 1. */
export const probability = (probability: number): When => ({ _tag: "Probability", probability })

export interface StatusOptions extends Pick<Answer, "message" | "format" | "retryAfterAs"> {
  /** What the `Retry-After` header says, rounded up to whole seconds. @default no header */
  readonly retryAfter?: Duration.Input | undefined
}

/** Answers with a status from 400 to 599 and an error message, without applying the call. */
export const status = (status: number, options: StatusOptions = {}): Answer => {
  const { retryAfter, ...rest } = options
  return retryAfter === undefined
    ? { _tag: "Answer", status, ...rest }
    : { _tag: "Answer", status, ...rest, retryAfter: Math.ceil(Duration.toSeconds(retryAfter)) }
}

/** Answers 429: slow down. Without a `message` it says so in Pinecone's words. */
export const throttle = (options: StatusOptions = {}): Answer =>
  status(429, { message: "Request failed. You've reached the request limit. Pace your requests.", ...options })

/**
 * Answers 429 because the month's read or write units are used up, in the service's words: no retry helps.
 *
 * @param units default `"read"`
 */
export const monthlyQuota = (units: "read" | "write" = "read"): Answer =>
  status(429, {
    message: `Request failed. You've reached your ${units} unit limit for the current month. To continue, upgrade your plan.`
  })

/** Resets the connection, see {@link Reset}. */
export const reset = (at: Reset["at"]): Reset => ({ _tag: "Reset", at })

/** Applies the call and never answers, see {@link LoseAnswer}. */
export const loseAnswer: LoseAnswer = { _tag: "LoseAnswer" }

/** Applies and answers the call only after `duration`, at most a day. */
export const stall = (duration: Duration.Input): Stall => ({ _tag: "Stall", millis: Duration.toMillis(duration) })

/** Sends the body of the answer in `pieces` (default 10) spread over `duration`, at most a day. */
export const slowBody = (duration: Duration.Input, options?: Pick<SlowBody, "pieces">): SlowBody => ({
  _tag: "SlowBody",
  millis: Duration.toMillis(duration),
  ...options
})

/** Sends half of the body and closes the connection, see {@link TruncatedBody}. */
export const truncatedBody: TruncatedBody = { _tag: "TruncatedBody" }

/**
 * What Tecton does not document, or documents twice. Each is a guess in one place, and a setting where a program could
 * come to depend on it. Other guesses, which are no settings, are said where they are made: how windows end in
 * `aggregateView.ts`, what the texts of refusals are in `refusal.ts`.
 */
import * as Schema from "effect/Schema"

/** How the emulated Tecton behaves where the real one's behaviour is not known. */
export interface Assumptions {
  /** HTTP status of an ingest call that has bad records. @default 400 */
  readonly recordErrorsStatus: number
  /** What a call with bad records leaves behind: nothing, or its good records. @default "nothing" */
  readonly refusedIngest: "nothing" | "good records"
  /** Is an int64 taken as text in a record that is ingested? @default true */
  readonly int64AsText: boolean
  /** A field of a record that its source's schema does not have. @default "refuse" */
  readonly extraFields: "refuse" | "ignore"
  /** A join key that no view of the feature service has. @default "refuse" */
  readonly extraJoinKeys: "refuse" | "ignore"
  /** HTTP status for a feature service that is not there; its gRPC code is 5. Seen: 400, and 404 in older texts. @default 400 */
  readonly unknownServiceStatus: number
  /** HTTP status for a response over the online store's limit; its gRPC code is 9. @default 400 */
  readonly failedPreconditionStatus: number
  /**
   * Does an ingest call have to say `dry_run`? The documentation says yes, one of its samples does not. `"optional"`
   * takes its absence for false.
   *
   * @default "required"
   */
  readonly dryRun: "required" | "optional"
  /** HTTP status of an ingest call that comes with a bearer token. @default 401 */
  readonly bearerIngestStatus: number
  /**
   * Whether a view with an aggregation interval counts events of the interval that has not ended: it is documented that
   * what was ingested can be read at once, and that full intervals are served.
   *
   * @default "count"
   */
  readonly openInterval: "count" | "wait"
  /** Rows of one batch of lookups. @default 10 */
  readonly maxBatchRows: number
  /** Bytes of a read's body; documented as "4 MB". @default 4_194_304 */
  readonly maxRequestBytes: number
  /** Bytes of the values of one reply; documented as "2 MiB" of the online store. @default 2_097_152 */
  readonly maxReplyBytes: number
}

export const defaults: Assumptions = {
  recordErrorsStatus: 400,
  refusedIngest: "nothing",
  int64AsText: true,
  extraFields: "refuse",
  extraJoinKeys: "refuse",
  unknownServiceStatus: 400,
  failedPreconditionStatus: 400,
  dryRun: "required",
  bearerIngestStatus: 401,
  openInterval: "count",
  maxBatchRows: 10,
  maxRequestBytes: 4_194_304,
  maxReplyBytes: 2_097_152
}

const Status = Schema.Int.check(Schema.isBetween({ minimum: 400, maximum: 599 }))
const Count = Schema.Int.check(Schema.isGreaterThan(0))

/** Some assumptions, from outside. */
export const AssumptionsInput: Schema.Codec<Partial<Assumptions>> = Schema.Struct({
  recordErrorsStatus: Schema.optionalKey(Status),
  refusedIngest: Schema.optionalKey(Schema.Literals(["nothing", "good records"])),
  int64AsText: Schema.optionalKey(Schema.Boolean),
  extraFields: Schema.optionalKey(Schema.Literals(["refuse", "ignore"])),
  extraJoinKeys: Schema.optionalKey(Schema.Literals(["refuse", "ignore"])),
  unknownServiceStatus: Schema.optionalKey(Status),
  failedPreconditionStatus: Schema.optionalKey(Status),
  dryRun: Schema.optionalKey(Schema.Literals(["required", "optional"])),
  bearerIngestStatus: Schema.optionalKey(Status),
  openInterval: Schema.optionalKey(Schema.Literals(["count", "wait"])),
  maxBatchRows: Schema.optionalKey(Count),
  maxRequestBytes: Schema.optionalKey(Count),
  maxReplyBytes: Schema.optionalKey(Count)
} satisfies { readonly [Name in keyof Assumptions]: Schema.Top })

/**
 * The calls of Tecton's HTTP APIs for one workspace: what they take and what they give. Every layer of `TectonClient`
 * has them.
 */
import type * as Pacing from "@effect-connectors/core/Pacing"
import type * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Result from "effect/Result"
import type { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import type { DataType, Field } from "./DataType.ts"
import type { TectonError } from "./TectonError.ts"
import type { Timestamp } from "./Timestamp.ts"

/** The value of a join key. Numbers are whole. `null` is a value; `undefined` is not sent. */
export type JoinKeyValue = string | number | bigint | null

/** A value of the request context. A `number` is a float64, a `bigint` an int64. */
export type ContextValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Timestamp
  | ReadonlyArray<ContextValue>
  | { readonly [field: string]: ContextValue | undefined }

/** Which features to ask for: those of these keys in this context. */
export interface Lookup {
  readonly joinKeys?: { readonly [key: string]: JoinKeyValue | undefined } | undefined
  readonly requestContext?: { readonly [key: string]: ContextValue | undefined } | undefined
}

/** What a reply tells beside the values. Whatever is left out is not asked for. */
export interface Include {
  readonly names?: boolean | undefined
  readonly dataTypes?: boolean | undefined
  readonly effectiveTimes?: boolean | undefined
  readonly servingStatus?: boolean | undefined
  readonly sloInfo?: boolean | undefined
  readonly descriptions?: boolean | undefined
  readonly tags?: boolean | undefined
}

/** How the feature server answers. Fields that are not known here are sent as they are. */
export interface RequestOptions {
  /** @default true, the server's */
  readonly readFromCache?: boolean | undefined
  /** @default true, the server's */
  readonly writeToCache?: boolean | undefined
  /** Features that take longer are null with the status `TIME_OUT`. Tecton advises 100 to 2,000. */
  readonly latencyBudgetMs?: number | undefined
  /** Without it a key of the request context that no feature needs is an error. */
  readonly ignoreExtraRequestContextFields?: boolean | undefined
  /** Where windows of aggregates end: at the newest event or at the time of the read. The exact names are a guess. */
  readonly aggregationLeadingEdge?: "LATEST_EVENT_TIME" | "WALL_CLOCK_TIME" | (string & {}) | undefined
  /** A timestamp as RFC 3339 text; what it does is not documented. */
  readonly highWatermarkOverride?: string | undefined
  /** Counts of nothing are 0 in place of null. Seen in a client of Tecton's, not in its documentation. */
  readonly coerceNullCountsToZero?: boolean | undefined
  readonly [option: string]: string | number | boolean | undefined
}

interface Request {
  /** The feature service. */
  readonly service: string
  readonly include?: Include | undefined
  readonly requestOptions?: RequestOptions | undefined
  /**
   * What fits is answered when the online store's limit of a response is hit, instead of an error; the reply says so.
   *
   * @default false
   */
  readonly allowPartialResults?: boolean | undefined
}

/** A lookup in a feature service. */
export interface FeaturesRequest extends Request, Lookup {}

/** Lookups in a feature service, in one call. */
export interface FeaturesBatchRequest extends Request {
  readonly lookups: Arr.NonEmptyReadonlyArray<Lookup>
}

/** What Tecton knows of a value. More may be added by the service. */
export type Status =
  | "PRESENT"
  | "MISSING_DATA"
  | "UNKNOWN_STATUS"
  | "UNKNOWN"
  | "CACHED_UNKNOWN"
  | "CACHED_MISSING_DATA"
  | "CACHED_PRESENT"
  | "TIME_OUT"
  | (string & {})

/** One feature of a reply, for all its rows. */
export interface Column {
  /** `view.feature` */
  readonly name?: string | undefined
  readonly dataType?: DataType | undefined
  /** Features computed at the request have none. */
  readonly effectiveTime?: Timestamp | undefined
  readonly description?: string | undefined
  readonly tags?: { readonly [tag: string]: string } | undefined
}

/** How a request was served. */
export interface SloInfo {
  readonly sloEligible?: boolean | undefined
  readonly sloServerTimeSeconds?: number | undefined
  readonly serverTimeSeconds?: number | undefined
  readonly storeMaxLatency?: number | undefined
  readonly storeResponseSizeBytes?: number | undefined
  readonly dynamodbResponseSizeBytes?: number | undefined
  readonly sloIneligibilityReasons?: ReadonlyArray<string> | undefined
}

/** The values of one lookup, as they are on the wire: `FeatureValue.decode` reads them. */
export interface Row {
  readonly values: ReadonlyArray<unknown>
  /** One for each value, when they were asked for. */
  readonly statuses?: ReadonlyArray<Status> | undefined
  /** Of a wildcard service: the keys that were not given. */
  readonly joinKeys?: ReadonlyArray<unknown> | undefined
  readonly sloInfo?: SloInfo | undefined
}

/** Vectors of features: the columns say what the values of each row are. */
export interface FeaturesReply {
  /** Without a column for each value, for a request that asked for none, values can not be read. */
  readonly columns: ReadonlyArray<Column>
  /** Of a wildcard service. */
  readonly joinKeyColumns: ReadonlyArray<Column>
  readonly rows: ReadonlyArray<Row>
  /** Of all rows of a batch together. */
  readonly batchSloInfo?: SloInfo | undefined
  /** Is something left out because of the online store's limit? */
  readonly partialResults?: boolean | undefined
}

/** What metadata are asked of. */
export interface MetadataRequest {
  /** The feature service. */
  readonly service: string
}

/** What a feature service takes and gives. */
export interface Metadata {
  /** A wildcard service is asked by some of its join keys; `queryFeatures` reads it. */
  readonly type: "DEFAULT" | "WILDCARD" | (string & {})
  readonly joinKeys: ReadonlyArray<Field>
  readonly requestContext: ReadonlyArray<Field>
  /** The join keys that a wildcard service gives. */
  readonly outputJoinKeys: ReadonlyArray<Field>
  /** In the order of the vectors. */
  readonly features: ReadonlyArray<Field>
}

/** A value of a record that is ingested. A struct and a map are objects. */
export type IngestValue = ContextValue

/** A record of a stream source, by the names of its schema. */
export interface IngestRecord {
  readonly [field: string]: IngestValue | undefined
}

/** A record made ready for the wire, once. */
export interface EncodedRecord {
  readonly json: string
  /** Bytes it adds to a request, separator included. */
  readonly bytes: number
}

export interface IngestRequest {
  /** Records by the name of their stream source. */
  readonly records: ReadonlyMap<string, Arr.NonEmptyReadonlyArray<EncodedRecord>>
  /**
   * Validates and transforms, and writes nothing.
   *
   * @default false
   */
  readonly dryRun?: boolean | undefined
}

/** How many records reached which feature view. */
export interface IngestReply {
  readonly featureViews: ReadonlyArray<{
    readonly name: string
    readonly online?: bigint | undefined
    readonly offline?: bigint | undefined
  }>
}

/** The limits of requests, as the layer measures them. */
export interface Limits {
  /** Bytes of one request body. */
  readonly maxRequestBytes: number
  /** Bytes of an ingest body beside its records. */
  readonly ingestEnvelopeBytes: (source: string) => number
}

/** The calls of one workspace. */
export interface Service {
  /** The host, for telemetry and messages. */
  readonly name: string
  readonly workspace: string
  readonly limits: Limits
  /** How fast sinks and sources send calls; those that a program makes by itself are sent at once. Default: at once. */
  readonly pacing?: Pacing.Pacing | undefined
  /** The features of one lookup; the reply has one row. */
  readonly getFeatures: (request: FeaturesRequest) => Effect.Effect<FeaturesReply, TectonError>
  /** The features of several lookups; a row for each, in order. */
  readonly getFeaturesBatch: (request: FeaturesBatchRequest) => Effect.Effect<FeaturesReply, TectonError>
  /** The features of all keys of a wildcard service that agree with those given; a row for each. */
  readonly queryFeatures: (request: FeaturesRequest) => Effect.Effect<FeaturesReply, TectonError>
  readonly metadata: (request: MetadataRequest) => Effect.Effect<Metadata, TectonError>
  /** Makes a record ready for this layer's wire, or says why it can not be. */
  readonly encode: (record: IngestRecord) => Result.Result<EncodedRecord, InvalidRecord>
  /** Writes records. When it succeeds they can be read. */
  readonly ingest: (request: IngestRequest) => Effect.Effect<IngestReply, TectonError>
}

/** Credentials for reads that are exchanged for a token. Ingest takes an API key only. */
export interface OAuth {
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted<string>
  /**
   * Where the token is: the base of `/oauth2/default/v1/token`.
   *
   * @default the option `url`
   */
  readonly url?: string | undefined
}

/** Where Tecton is and how to call it. */
export interface Options {
  /** The base address of the feature server: of `/api/v1/...` and `/api/v2/...`. It is never computed from anything. */
  readonly url: string
  /**
   * The base address of the Stream Ingest API, of `/ingest`; on AWS it is another host than `url`, with the prefix
   * `preview.`, on GCP it is not. Without it ingest fails with `InvalidOption`.
   */
  readonly ingestUrl?: string | undefined
  readonly workspace: string
  /** Key of a service account. Reads use it unless there is `oauth`; ingest always does. */
  readonly apiKey?: Redacted.Redacted<string> | undefined
  readonly oauth?: OAuth | undefined
  /**
   * The paths of reads and metadata. `"v2"` are those of Feature Server Groups.
   *
   * @default "v1"
   */
  readonly api?: "v1" | "v2" | undefined
  /**
   * The path of ingest: `"v1"` is `/ingest` with names in snake case, `"v2"` is `/v2/ingest` with names in camel case.
   *
   * @default "v1"
   */
  readonly ingestApi?: "v1" | "v2" | undefined
  /**
   * Time for one read, from sending to the last byte of the answer, and for fetching a token. The server itself gives up
   * after 2 seconds.
   *
   * @default "5 seconds"
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * Time for one ingest call.
   *
   * @default "30 seconds"
   */
  readonly ingestTimeout?: Duration.Input | undefined
  /**
   * Bytes of one request body; a call over it fails with `RequestTooLarge` and is not sent. Tecton documents 4 MB for
   * the data of a read, and nothing for ingest.
   *
   * @default 4_000_000
   */
  readonly maxRequestBytes?: number | undefined
  /**
   * Rows that reads of this layer may have in flight altogether, whatever steps and streams they are of; a batch of N has
   * N. What is over it waits. Set it to your cluster's limit of concurrency, or your share of it.
   *
   * @default no limit
   */
  readonly maxRowsInFlight?: number | undefined
  /**
   * How sinks and sources on this layer are slowed down when Tecton asks for it, and held back while it is down; it
   * documents no rates. Options, a pacing that layers or processes share, or `false` for neither.
   *
   * @default { system: "tecton" }
   */
  readonly pacing?: Pacing.Pacing | Pacing.Options | false | undefined
  /**
   * What becomes of an ingested int64 beyond 2^53. Tecton documents numbers and not what reads them: a double would
   * lose digits unseen. `"number"` and `"string"` send all digits in that form.
   *
   * @default "refuse"
   */
  readonly largeInt64?: "refuse" | "number" | "string" | undefined
  /**
   * Headers sent with every call to `url` and `ingestUrl`, and with none for a token. Not `Authorization`.
   *
   * @default {}
   */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * What sends requests, for instance through a proxy; `globalThis.fetch` goes by what the process has set up for it.
   * Without it the layer sends them on connections of its own, for a third of the processor time of a call by `fetch`.
   */
  readonly fetch?: typeof globalThis.fetch | undefined
}

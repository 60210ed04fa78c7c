/**
 * Messages of Tecton's feature output stream: each time a stream feature view has new values of a key, Tecton writes one
 * to a Kafka or Kinesis topic of yours. Keys and values in it are text.
 */
import { clip, InvalidValue } from "@effect-connectors/core/ConnectorError"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { TectonError } from "./TectonError.ts"
import * as Timestamp from "./Timestamp.ts"

/** Text by name, as messages have keys. */
export type Texts = { readonly [name: string]: string }

/** Text by name, as messages have values. */
export type Values = { readonly [name: string]: string | null }

/**
 * New values of a key. On the wire a message is
 * `{"version":"1","producer":"tecton","job_type":"stream","feature_view_name":"...","feature_view_id":"...",`
 * `"feature_timestamp":"...","entity_keys":{...},"feature_values":{...}}`. `K` are the entity's keys, `V` the values of the view's features. */
export interface FeatureMessage<out K = Texts, out V = Values> {
  readonly version: string
  readonly jobType: string
  readonly featureViewName: string
  readonly featureViewId: string
  /** When the values became true. A read that is to agree has an effective time of this or later. */
  readonly featureTimestamp: Timestamp.Timestamp
  readonly entityKeys: K
  /** Absent when the message says only that there are new values. */
  readonly featureValues?: V | undefined
}

/** Schemas of what messages hold; their encoded side is text by name. */
export interface Options<K, V> {
  /** @default text by name */
  readonly entityKeys?: Schema.Codec<K, Texts> | undefined
  /** @default text by name */
  readonly featureValues?: Schema.Codec<V, Values> | undefined
}

const AnyTexts: Schema.Codec<Texts> = Schema.Record(Schema.String, Schema.String)
const AnyValues: Schema.Codec<Values> = Schema.Record(Schema.String, Schema.NullOr(Schema.String))

const fields = <K, V>(keys: Schema.Codec<K, Texts>, values: Schema.Codec<V, Values>) =>
  Schema.Struct({
    version: Schema.String,
    job_type: Schema.String,
    feature_view_name: Schema.String,
    feature_view_id: Schema.String,
    feature_timestamp: Schema.String,
    entity_keys: keys,
    feature_values: Schema.optionalKey(Schema.NullOr(values))
  })

const utf8 = new TextDecoder("utf-8", { fatal: true })

const toText = (message: string | Uint8Array): Result.Result<string, string> =>
  typeof message === "string"
    ? Result.succeed(message)
    : Result.try({ try: () => utf8.decode(message), catch: () => "is not UTF-8" })

/** Reads messages of one kind. To be made once for many. */
export function decoder(): (message: string | Uint8Array) => Result.Result<FeatureMessage, TectonError>
export function decoder<K = Texts, V = Values>(
  options: Options<K, V>
): (message: string | Uint8Array) => Result.Result<FeatureMessage<K, V>, TectonError>
export function decoder(
  options: Options<unknown, unknown> = {}
): (message: string | Uint8Array) => Result.Result<FeatureMessage<unknown, unknown>, TectonError> {
  const decode = Schema.decodeUnknownResult(
    Schema.fromJsonString(fields(options.entityKeys ?? AnyTexts, options.featureValues ?? AnyValues))
  )
  const failure = (issue: string) =>
    new TectonError({ operation: "outputStream", reason: new InvalidValue({ field: "message", issue: clip(issue) }) })
  return (message) =>
    Result.flatMap(Result.mapError(toText(message), failure), (text) =>
      Result.flatMap(
        Result.mapError(decode(text), ({ issue }) => {
          const { message, path } = firstIssue(issue)
          return failure(path.length === 0 ? message : `has a ${path.join(".")} that ${message}`)
        }),
        (wire) => {
          const time = Result.fromOption(Timestamp.parse(wire.feature_timestamp), () =>
            failure(`has a feature_timestamp that is ${JSON.stringify(wire.feature_timestamp)} and not a timestamp`)
          )
          const values = wire.feature_values ?? undefined
          return Result.map(time, (featureTimestamp) => ({
            version: wire.version,
            jobType: wire.job_type,
            featureViewName: wire.feature_view_name,
            featureViewId: wire.feature_view_id,
            featureTimestamp,
            entityKeys: wire.entity_keys,
            ...(values === undefined ? {} : { featureValues: values })
          }))
        }
      )
    )
}

/**
 * Messages of Tecton's feature output stream: each time a stream feature view has new values of a key, Tecton writes one
 * to a Kafka or Kinesis topic of yours. Keys and values in it are text.
 */
import { clip, InvalidResponse } from "@effect-connectors/core/ConnectorError"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { TectonError } from "./TectonError.ts"
import * as Timestamp from "./Timestamp.ts"

/** Text by name, as messages have keys and values. */
export type Texts = { readonly [name: string]: string }

/** New values of a key. `K` are the entity's keys, `V` the values of the view's features. */
export interface FeatureMessage<out K = Texts, out V = Texts> {
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
  readonly featureValues?: Schema.Codec<V, Texts> | undefined
}

const AnyTexts: Schema.Codec<Texts> = Schema.Record(Schema.String, Schema.String)

const fields = <K, V>(keys: Schema.Codec<K, Texts>, values: Schema.Codec<V, Texts>) =>
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
    : Result.try({ try: () => utf8.decode(message), catch: () => "it is not UTF-8" })

/** Reads messages of one kind. To be made once for many. */
export function decoder(): (message: string | Uint8Array) => Result.Result<FeatureMessage, TectonError>
export function decoder<K = Texts, V = Texts>(
  options: Options<K, V>
): (message: string | Uint8Array) => Result.Result<FeatureMessage<K, V>, TectonError>
export function decoder(
  options: Options<unknown, unknown> = {}
): (message: string | Uint8Array) => Result.Result<FeatureMessage<unknown, unknown>, TectonError> {
  const decode = Schema.decodeUnknownResult(
    Schema.fromJsonString(fields(options.entityKeys ?? AnyTexts, options.featureValues ?? AnyTexts))
  )
  const failure = (detail: string) =>
    new TectonError({ operation: "outputStream", reason: new InvalidResponse({ detail: clip(detail) }) })
  return (message) =>
    Result.gen(function* () {
      const text = yield* Result.mapError(toText(message), failure)
      const wire = yield* Result.mapError(decode(text), ({ issue }) => {
        const { message, path } = firstIssue(issue)
        return failure([path.join("."), message].filter((part) => part !== "").join(" "))
      })
      const featureTimestamp = yield* Result.fromOption(Timestamp.parse(wire.feature_timestamp), () =>
        failure(`feature_timestamp is ${JSON.stringify(wire.feature_timestamp)} and not a timestamp`)
      )
      const values = wire.feature_values ?? undefined
      return {
        version: wire.version,
        jobType: wire.job_type,
        featureViewName: wire.feature_view_name,
        featureViewId: wire.feature_view_id,
        featureTimestamp,
        entityKeys: wire.entity_keys,
        ...(values === undefined ? {} : { featureValues: values })
      }
    })
}

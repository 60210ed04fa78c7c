/**
 * The replies and how they become ours. Fields the service adds later are ignored, lists that are empty may be left
 * out, and what is null is as good as absent.
 */
import * as ExactJson from "@effect-connectors/core/ExactJson"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as DataType from "../DataType.ts"
import type { Column, FeaturesReply, IngestReply, Metadata, Row, SloInfo, Status } from "../TectonApi.ts"
import * as Timestamp from "../Timestamp.ts"
import { ofHtml, refusal } from "./classify.ts"

/** A 2xx answer that says no. */
export interface Refusal {
  readonly refused: string
}

/** Reads the body of a 2xx answer, or says in one line why it can not be. */
export type Reply<A> = (body: string) => Result.Result<A, string | Refusal>

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const List = Schema.Array(Schema.Unknown)

/** How a request was served. One that is odd is as good as absent: it is only advice. */
const Slo = Schema.Struct({
  sloEligible: optional(Schema.Boolean),
  sloServerTimeSeconds: optional(Schema.Number),
  serverTimeSeconds: optional(Schema.Number),
  storeMaxLatency: optional(Schema.Number),
  storeResponseSizeBytes: optional(Schema.Number),
  dynamodbResponseSizeBytes: optional(Schema.Number),
  sloIneligibilityReasons: optional(Schema.Array(Schema.String))
})

/** What is told of a feature. What is odd in it is as good as absent: no value is to be lost for what is said beside it. */
const Item = Schema.Struct({
  name: optional(Schema.String),
  dataType: Schema.optionalKey(Schema.Unknown),
  effectiveTime: Schema.optionalKey(Schema.Unknown),
  status: Schema.optionalKey(Schema.Unknown),
  description: Schema.optionalKey(Schema.Unknown),
  tags: Schema.optionalKey(Schema.Unknown)
})
type Item = typeof Item.Type

const Vector = Schema.Struct({ features: optional(List), joinKeys: optional(List) })
type Vector = typeof Vector.Type

const Vectors = Schema.Struct({
  result: optional(Schema.Union([Schema.Array(Vector), Vector])),
  results: optional(Schema.Array(Vector)),
  metadata: optional(
    Schema.Struct({
      features: optional(Schema.Array(Item)),
      joinKeys: optional(Schema.Array(Item)),
      sloInfo: Schema.optionalKey(Schema.Unknown),
      batchSloInfo: Schema.optionalKey(Schema.Unknown),
      partialResults: Schema.optionalKey(Schema.Unknown)
    })
  )
})

/** A reader of bodies of one schema. Whole numbers keep their digits. */
const reads = <S extends Schema.ConstraintDecoder<unknown>, A>(
  schema: S,
  toReply: (wire: S["Type"]) => Result.Result<A, string | Refusal>
): Reply<A> => {
  const decode = decoder(schema)
  return (body) => Result.flatMap(Result.flatMap(parse(body, ExactJson.parse), decode), toReply)
}

const decoder = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) => {
  const decode = Schema.decodeUnknownResult(schema)
  return (json: unknown): Result.Result<S["Type"], string> =>
    Result.mapError(decode(json), ({ issue }) => {
      const { message, path } = firstIssue(issue)
      return path.length === 0 ? message : `${path.join(".")}: ${message}`
    })
}

const parse = (body: string, parseJson: (text: string) => unknown): Result.Result<unknown, string> => {
  if (body.trim() === "") return Result.fail("it is empty")
  return Result.try({
    try: () => parseJson(body),
    // What the parser says quotes a piece of the body, which may be a piece of a secret.
    catch: () => (body.trimStart().startsWith("<") ? `it is ${ofHtml(body)}` : "it is no JSON that can be read")
  })
}

type Fields = { readonly [name: string]: unknown }

const isObject = (u: unknown): u is Fields => Predicate.isReadonlyObject(u) && !Array.isArray(u)
const isObjects = (u: unknown): u is ReadonlyArray<Fields> => Array.isArray(u) && u.every(isObject)
const isList = (u: unknown): boolean => Predicate.isNullish(u) || Array.isArray(u)

const isVector = ({ features, joinKeys }: Fields): boolean => isList(features) && isList(joinKeys)
const isVectors = (u: unknown): boolean => Predicate.isNullish(u) || (isObjects(u) && u.every(isVector))
const isItem = ({ name }: Fields): boolean => Predicate.isNullish(name) || Predicate.isString(name)
const isItemsOf = (u: unknown): boolean => Predicate.isNullish(u) || (isObjects(u) && u.every(isItem))

/** The form of {@link Vectors}, by a look: their schema would take each value for itself. */
const isWire = (json: unknown): json is typeof Vectors.Type => {
  if (!isObject(json)) return false
  const { metadata, result, results } = json
  const isDescribed =
    Predicate.isNullish(metadata) ||
    (isObject(metadata) && isItemsOf(metadata["features"]) && isItemsOf(metadata["joinKeys"]))
  return isDescribed && (isObject(result) ? isVector(result) : isVectors(result)) && isVectors(results)
}

/** Is there a whole number in a value that no double can be trusted with? No type is nested deeper than `levels`. */
const hasLong = (value: unknown, levels = DataType.maxDepth): boolean => {
  if (typeof value === "string") return false
  if (typeof value === "number") {
    return (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) && Number.isInteger(value)
  }
  if (typeof value !== "object" || value === null || levels === 0) return false
  if (!Array.isArray(value)) return hasLong(Object.values(value), levels)
  for (let i = 0; i < value.length; i++) if (hasLong(value[i], levels - 1)) return true
  return false
}

const isItems = (value: Vector | ReadonlyArray<Vector>): value is ReadonlyArray<Vector> => Array.isArray(value)

const decodeSlo = Schema.decodeUnknownOption(Slo)

const toSlo = (wire: unknown): SloInfo | undefined =>
  wire === undefined
    ? undefined
    : Option.match(decodeSlo(wire), {
        onNone: () => undefined,
        onSome: (slo) => Object.fromEntries(Object.entries(slo).filter(([, value]) => value !== null))
      })

const toTags = (wire: unknown): Column["tags"] =>
  Predicate.isReadonlyObject(wire)
    ? Object.fromEntries(Object.entries(wire).filter((tag): tag is [string, string] => Predicate.isString(tag[1])))
    : undefined

/** Reads times of which many are the same: those of one feature view are. */
const timeReader = () => {
  let last: { readonly text: string; readonly time: Timestamp.Timestamp | undefined } | undefined
  return (text: string) => {
    if (last?.text !== text) last = { text, time: Option.getOrUndefined(Timestamp.parse(text)) }
    return last.time
  }
}

const toColumns = (items: ReadonlyArray<Item> | null | undefined): ReadonlyArray<Column> => {
  const timeOf = timeReader()
  return (items ?? []).map(({ dataType, description, effectiveTime, name, tags }) => ({
    name: name ?? undefined,
    dataType: Predicate.isNullish(dataType) ? undefined : DataType.fromWire(dataType),
    effectiveTime: Predicate.isString(effectiveTime) ? timeOf(effectiveTime) : undefined,
    description: Predicate.isString(description) ? description : undefined,
    tags: toTags(tags)
  }))
}

/** The statuses of each row, when there are any: a batch has a list of them for each feature. */
const statusesOf = (items: ReadonlyArray<Item>) => {
  if (items.every(({ status }) => Predicate.isNullish(status))) return () => undefined
  const statuses = items.map(({ status }) => status)
  return (row: number): ReadonlyArray<Status> =>
    statuses.map((status) => {
      const own: unknown = Array.isArray(status) ? status[row] : status
      return typeof own === "string" ? own : "UNKNOWN_STATUS"
    })
}

const vectorsOf = ({ result, results }: typeof Vectors.Type): ReadonlyArray<Vector> | undefined => {
  const found = results ?? result ?? undefined
  return found === undefined || isItems(found) ? found : [found]
}

const toReply = (wire: typeof Vectors.Type): Result.Result<FeaturesReply, string> => {
  const vectors = vectorsOf(wire)
  if (vectors === undefined) return Result.fail("it has no result")
  const { batchSloInfo, features, joinKeys, partialResults, sloInfo } = wire.metadata ?? {}
  const items = features ?? []
  const short = vectors.find((vector) => items.length > 0 && (vector.features ?? []).length !== items.length)
  if (short !== undefined) {
    return Result.fail(
      `its metadata describes ${items.length} features and a vector has ${(short.features ?? []).length}`
    )
  }
  const slos: ReadonlyArray<unknown> = Array.isArray(sloInfo) ? sloInfo : [sloInfo]
  const statuses = statusesOf(items)
  return Result.succeed({
    columns: toColumns(items),
    joinKeyColumns: toColumns(joinKeys),
    rows: vectors.map((vector, row): Row => ({
      values: vector.features ?? [],
      statuses: statuses(row),
      joinKeys: vector.joinKeys ?? undefined,
      sloInfo: toSlo(slos[row])
    })),
    batchSloInfo: toSlo(batchSloInfo),
    partialResults: Predicate.isBoolean(partialResults) ? partialResults : undefined
  })
}

const decodeVectors = decoder(Vectors)

const toWire = (json: unknown): Result.Result<typeof Vectors.Type, string> =>
  isWire(json) ? Result.succeed(json) : decodeVectors(json)

const isExact = ({ features, joinKeys }: Vector): boolean => !hasLong(features) && !hasLong(joinKeys)

/**
 * Vectors of any of the three reads. A long number has to be looked for: among the values that were read, since a search
 * of the text takes a quarter of the time of reading it.
 */
export const features: Reply<FeaturesReply> = (body) => {
  const wire = Result.flatMap(parse(body, JSON.parse), toWire)
  if (Result.isFailure(wire)) return Result.fail(wire.failure)
  return (vectorsOf(wire.success) ?? []).every(isExact)
    ? toReply(wire.success)
    : Result.flatMap(Result.flatMap(parse(body, ExactJson.parse), toWire), toReply)
}

/** {@link features} of so many rows. */
export const featuresOf =
  (rows: number): Reply<FeaturesReply> =>
  (body) =>
    Result.filterOrFail(
      features(body),
      (reply) => reply.rows.length === rows,
      (reply) => `it has ${reply.rows.length} vectors for ${rows} lookups`
    )

const Named = Schema.Struct({ name: Schema.String, dataType: optional(Schema.Unknown), type: optional(Schema.String) })

const toFields = (named: ReadonlyArray<typeof Named.Type> | null | undefined): ReadonlyArray<DataType.Field> =>
  (named ?? []).map(({ dataType, name, type }) => ({ name, dataType: DataType.fromWire(dataType ?? { type }) }))

export const metadata: Reply<Metadata> = reads(
  Schema.Struct({
    featureServiceType: optional(Schema.String),
    inputJoinKeys: optional(Schema.Array(Named)),
    inputRequestContextKeys: optional(Schema.Array(Named)),
    outputJoinKeys: optional(Schema.Array(Named)),
    featureValues: optional(Schema.Array(Named))
  }),
  (wire) =>
    Result.succeed({
      type: wire.featureServiceType ?? "DEFAULT",
      joinKeys: toFields(wire.inputJoinKeys),
      requestContext: toFields(wire.inputRequestContextKeys),
      outputJoinKeys: toFields(wire.outputJoinKeys),
      features: toFields(wire.featureValues)
    })
)

const Count = Schema.Union([Schema.String, Schema.Number, Schema.BigInt])

const toCount = (wire: string | number | bigint | null | undefined): bigint | undefined =>
  !Predicate.isNullish(wire) && /^\d+$/.test(String(wire)) ? BigInt(wire) : undefined

/** An ingest that was taken; one that was not may have come with a 2xx status too. */
export const ingested: Reply<IngestReply> = reads(
  Schema.Struct({
    requestError: Schema.optionalKey(Schema.Unknown),
    recordErrors: Schema.optionalKey(Schema.Unknown),
    ingestMetrics: optional(
      Schema.Struct({
        featureViewIngestMetrics: optional(
          Schema.Array(
            Schema.Struct({
              featureViewName: Schema.String,
              onlineRecordIngestCount: optional(Count),
              offlineRecordIngestCount: optional(Count)
            })
          )
        )
      })
    )
  }),
  (wire): Result.Result<IngestReply, Refusal> => {
    const refused = refusal(wire)
    if (refused !== undefined) return Result.fail({ refused })
    return Result.succeed({
      featureViews: (wire.ingestMetrics?.featureViewIngestMetrics ?? []).map((view) => ({
        name: view.featureViewName,
        online: toCount(view.onlineRecordIngestCount),
        offline: toCount(view.offlineRecordIngestCount)
      }))
    })
  }
)

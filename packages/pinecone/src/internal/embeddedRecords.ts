/**
 * `PineconeRecordIndex` on a vector index and an embedding model: texts are embedded here, and stored as vectors with their
 * fields as metadata. A record keeps its vector while its call is repeated or halved, so no text is embedded twice for that.
 */
import { InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Telemetry from "@effect-connectors/core/Telemetry"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { EmbeddingModel } from "./ai.ts"
import type { Match, Service as VectorService } from "../PineconeApi.ts"
import type { PineconeError } from "../PineconeError.ts"
import { PineconeIndex } from "../PineconeIndex.ts"
import type { EmbeddingOptions } from "../PineconeRecordIndex.ts"
import type { Hit, SearchRecordsRequest, Service, SizedTextRecord, TextRecord } from "../RecordsApi.ts"
import type { Values, VectorRecord } from "../VectorRecord.ts"
import { checkRange, failure } from "./common.ts"
import { embedCounted, targetOf } from "./embedAll.ts"
import { namespaceName } from "./namespace.ts"
import { checkSearch, checkTextRecord, vectorParts } from "./textRecords.ts"
import { maxTextRecords } from "./sdkRecords.ts"

/** Bytes of a number of a vector as JSON, about. */
const numberBytes = 17

/** A record that remembers its vector. */
class EmbeddedRecord implements SizedTextRecord {
  readonly record: TextRecord
  readonly bytes: number
  vector: Values | undefined

  constructor(record: TextRecord, dimension: number) {
    this.record = record
    this.bytes = Buffer.byteLength(JSON.stringify(record)) + numberBytes * dimension
  }
}

const toVectorRecord = ({ record: { _id, ...metadata } }: EmbeddedRecord, values: Values): VectorRecord => ({
  id: _id,
  values,
  metadata
})

const toHit =
  (fields: ReadonlyArray<string> | undefined) =>
  ({ id, metadata = {}, score }: Match): Hit => ({
    _id: id,
    _score: score,
    fields:
      fields === undefined
        ? metadata
        : Object.fromEntries(Object.entries(metadata).filter(([name]) => fields.includes(name)))
  })

const textOf = ({ record }: EmbeddedRecord, textField: string): string => String(record[textField])

const isSized = (record: TextRecord | SizedTextRecord): record is SizedTextRecord => !("_id" in record)

const unsupported = ({ matchTerms, rerank }: SearchRecordsRequest): InvalidOption | undefined => {
  const option = rerank !== undefined ? "rerank" : matchTerms !== undefined ? "matchTerms" : undefined
  return option === undefined
    ? undefined
    : new InvalidOption({
        option,
        issue: "needs an index that embeds by itself; leave it out, or use PineconeRecordIndex.layer"
      })
}

const makeService = (index: VectorService, model: EmbeddingModel, options: EmbeddingOptions): Service => {
  const { textField } = options
  const dimension = index.dimension ?? 1536
  const telemetry = Telemetry.make(targetOf("model"))
  const encode = (record: TextRecord) => new EmbeddedRecord(record, dimension)
  const nameOf = (namespace: string | undefined) => namespaceName(namespace ?? index.namespace)

  const toEncoded = (record: TextRecord | SizedTextRecord, namespace: string) => {
    if (record instanceof EmbeddedRecord) return Effect.succeed(record)
    return Effect.fromResult(checkTextRecord(isSized(record) ? record.record : record, textField)).pipe(
      Effect.map(encode),
      Effect.mapError((reason) => failure("upsert", namespace, reason))
    )
  }

  const embed = (records: ReadonlyArray<EmbeddedRecord>, namespace: string): Effect.Effect<void, PineconeError> => {
    const missing = records.filter(({ vector }) => vector === undefined)
    if (missing.length === 0) return Effect.void
    return Effect.map(
      embedCounted(
        model,
        telemetry,
        missing.map((record) => textOf(record, textField)),
        namespace
      ),
      (vectors) =>
        missing.forEach((record, i) => {
          record.vector = vectors[i]
        })
    )
  }

  return {
    name: index.name,
    host: index.host,
    namespace: index.namespace,
    textField,
    limits: {
      ...index.limits,
      maxRecords: Math.min(options.maxRecords ?? maxTextRecords, index.limits.maxRecords)
    },
    pacing: index.pacing,
    encode,
    upsert: Effect.fnUntraced(function* ({ namespace, records }) {
      const name = nameOf(namespace)
      const encoded = yield* Effect.forEach(records, (record) => toEncoded(record, name))
      yield* embed(encoded, name)
      const vectors = encoded.flatMap((record) =>
        record.vector === undefined ? [] : [toVectorRecord(record, record.vector)]
      )
      return Arr.isReadonlyArrayNonEmpty(vectors) ? yield* index.upsert({ namespace: name, records: vectors }) : {}
    }),
    search: Effect.fnUntraced(function* (request) {
      const { by, fields, filter, topK } = request
      const namespace = nameOf(request.namespace)
      const wrong = unsupported(request)
      if (wrong !== undefined) return yield* failure("search", namespace, wrong)
      yield* Effect.mapError(Effect.fromResult(checkSearch(request)), (reason) => failure("search", namespace, reason))
      const [vector] = "text" in by ? yield* embedCounted(model, telemetry, [by.text], namespace) : []
      const parts = vectorParts(by, filter)
      const { matches, ...told } = yield* index.query({
        ...parts,
        vector: vector ?? parts.vector,
        namespace,
        topK,
        includeMetadata: true
      })
      return { ...told, hits: matches.map(toHit(fields)) }
    })
  }
}

/** The service, its options checked. */
export const make = Effect.fnUntraced(function* (options: EmbeddingOptions) {
  yield* checkRange("layer", "maxRecords", options.maxRecords)
  if (options.textField === "") {
    return yield* failure(
      "layer",
      undefined,
      new InvalidOption({ option: "textField", issue: "is empty; name the field" })
    )
  }
  return makeService(yield* PineconeIndex, yield* EmbeddingModel, options)
})

/**
 * An index of records with text in memory: layers of `PineconeRecordIndex` and of the `PineconeIndex` beside it, with the
 * service's semantics and limits, for tests, demos and small searches, with no account and no network.
 *
 * There is no model: what stands for it hashes words and the trigrams of their letters, unless `embed` is given. It is
 * the store of the emulator, whose guide says what Pinecone does not document.
 */
import type { InvalidRecord, RequestRefused, Unavailable } from "@effect-connectors/core/ConnectorError"
import { InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Filter from "@effect-connectors/pinecone/Filter"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { PineconeRecordIndex } from "@effect-connectors/pinecone/PineconeRecordIndex"
import type { SearchRecordsRequest, SizedTextRecord, TextRecord } from "@effect-connectors/pinecone/RecordsApi"
import { Buffer } from "node:buffer"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Result from "effect/Result"
import { defaultLimits, type Limits } from "./internal/limits.ts"
import * as MemoryCalls from "./internal/memoryCalls.ts"
import * as MemoryIndex from "./internal/memoryIndex.ts"
import * as Embedder from "./internal/records/embedder.ts"
import { dimensionOf, type Embed, type EmbeddingModel, embeddingModel, maxTexts } from "./internal/records/embedding.ts"
import * as RecordStore from "./internal/records/recordStore.ts"
import type { Refusal } from "./internal/refusals.ts"
import * as VectorStore from "./internal/vectorStore.ts"

export type { Limits } from "./internal/limits.ts"
export type { Embed, EmbedRequest } from "./internal/records/embedding.ts"

export interface Options {
  /**
   * What the index is made for: `llama-text-embed-v2`, `multilingual-e5-large` or `pinecone-sparse-english-v0`.
   *
   * @default "llama-text-embed-v2"
   */
  readonly model?: string | undefined
  /** The field of a record that is embedded. @default "text" */
  readonly textField?: string | undefined
  /** One that the model has. @default the model's */
  readonly dimension?: number | undefined
  /**
   * Makes the dense vectors of texts, also to compare them in a rerank; sparse ones stay hashed. When it fails, so does the
   * call, with `Unavailable`.
   *
   * @default words and letters, hashed: texts that share words are near each other, whatever they mean
   */
  readonly embed?: Embed | undefined
  /** The namespace of calls that name none. @default "__default__" */
  readonly namespace?: string | undefined
  /** The index's name, for telemetry and messages. @default "memory" */
  readonly name?: string | undefined
  /** How long until reads see a write, as at the service. @default 0 */
  readonly visibleAfter?: Duration.Input | undefined
  /** Other limits than the service's. */
  readonly limits?: Partial<Limits> | undefined
}

/**
 * An index made for a model, empty each time the layer is built. A model or a dimension that there is not is an
 * `InvalidOption`.
 *
 * @example
 * ```ts
 * import { PineconeRecords } from "@effect-connectors/pinecone"
 * import { PineconeRecordMemory } from "@effect-connectors/testkit"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const stored = Stream.make({ _id: "a", note: "Rain again" }).pipe(
 *   PineconeRecords.upsert(),
 *   Stream.runDrain,
 *   Effect.provide(PineconeRecordMemory.layerWith({ textField: "note" }))
 * )
 * ```
 */
export const layerWith = (options: Options): Layer.Layer<PineconeRecordIndex | PineconeIndex, PineconeError> =>
  Layer.effectContext(Effect.suspend(() => make(options)))

/** An index for `llama-text-embed-v2`, of the field `text`. */
export const layer: Layer.Layer<PineconeRecordIndex | PineconeIndex, PineconeError> = layerWith({})

const make = (options: Options) =>
  Effect.gen(function* () {
    const { model: modelName = "llama-text-embed-v2", name = "memory", textField = "text" } = options
    const model = yield* given("model", embeddingModel(modelName))
    const dimension = yield* given("dimension", dimensionOf(modelName, model, options.dimension))
    const calls = MemoryCalls.make(options.namespace)
    const store = storeOf(options, model, dimension, calls.now)
    const records = RecordStore.make({
      store,
      limits: store.limits,
      model: { model: modelName, field: textField },
      dimension,
      embedder: Embedder.make(options.embed),
      ask: (question) => calls.atTime(() => Effect.fromResult(question()))
    })

    const inNamespace =
      <Request extends { readonly namespace?: string | undefined }, A>(
        operation: string,
        answer: (namespace: string, request: Request) => Effect.Effect<A, Refusal | Unavailable | InvalidRecord>
      ) =>
      (request: Request): Effect.Effect<A, PineconeError> => {
        const namespace = request.namespace ?? calls.own
        return Effect.andThen(
          Effect.yieldNow,
          Effect.mapError(answer(namespace, request), (reason) => new PineconeError({ operation, namespace, reason }))
        )
      }

    const index = MemoryIndex.make({ name, dimension, store, calls })
    const service: typeof PineconeRecordIndex.Service = {
      name,
      namespace: calls.own,
      textField,
      limits: { maxRecords: maxTexts, maxBytes: store.limits.maxRequestBytes, envelopeBytes: () => 0 },
      encode: sized,
      upsert: inNamespace("upsert", (namespace, request) => {
        const given = request.records.map((record) => (isSized(record) ? record : sized(record)))
        const bytes = given.reduce((sum, record) => sum + record.bytes, 0)
        const upsert = records.upsert({ namespace, records: given.map(({ record }) => record), bytes })
        return Effect.map(upsert, ({ lsn }) => ({ count: given.length, lsn }))
      }),
      search: inNamespace("search", (namespace, request) =>
        Effect.gen(function* () {
          const { filter } = request
          // The real client refuses such a filter before it asks, too.
          if (filter !== undefined) {
            yield* Effect.fromResult(Filter.toWire(filter))
          }
          const { hits, ...reply } = yield* records.search({ ...searchOf(request), namespace })
          return {
            ...reply,
            hits: hits.map(({ fields, id, score }) => ({ _id: id, _score: score, fields }))
          }
        })
      )
    }
    return Context.make(PineconeRecordIndex, service).pipe(Context.add(PineconeIndex, index))
  })

const storeOf = (options: Options, model: EmbeddingModel, dimension: number | undefined, now: () => number) =>
  VectorStore.make({
    vectorType: model.vectorType,
    metric: model.metrics[0],
    dimension,
    takesSparse: model.vectorType === "sparse",
    limits: { ...defaultLimits, ...options.limits },
    visibleAfter: Duration.toMillis(Duration.fromInputUnsafe(options.visibleAfter ?? 0)),
    now
  })

const searchOf = ({ by, fields, filter, matchTerms, rerank, topK }: SearchRecordsRequest) => ({
  topK,
  text: "text" in by ? by.text : undefined,
  vector: "vector" in by ? by.vector : undefined,
  sparseVector: "sparseVector" in by ? by.sparseVector : undefined,
  id: "id" in by ? by.id : undefined,
  filter,
  terms: matchTerms?.terms,
  fields,
  rerank
})

const given = <A>(option: string, answer: Result.Result<A, RequestRefused>): Effect.Effect<A, PineconeError> =>
  Effect.mapError(
    Effect.fromResult(answer),
    ({ detail }) => new PineconeError({ operation: "layer", reason: new InvalidOption({ option, issue: detail }) })
  )

/** A record with the bytes of its line. */
const sized = (record: TextRecord): SizedTextRecord => ({
  record,
  bytes: Buffer.byteLength(JSON.stringify(record)) + 1
})

const isSized = (record: TextRecord | SizedTextRecord): record is SizedTextRecord => !("_id" in record)

/**
 * An index of documents in memory: a layer of `PineconeDocumentIndex` with the service's semantics and limits, for tests,
 * demos and small searches, with no account and no network.
 *
 * It is the store of the emulator, and scores as that does: text by BM25, vectors exactly. What Pinecone does not document
 * is said in the emulator's guide. Requests are measured as JSON.
 */
import type * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import { createSchema } from "@effect-connectors/pinecone/DocumentIndex"
import type { DescribedField, Document, SizedDocument } from "@effect-connectors/pinecone/DocumentsApi"
import * as Filter from "@effect-connectors/pinecone/Filter"
import * as Freshness from "@effect-connectors/pinecone/Freshness"
import { PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as DocumentStore from "./internal/documents/documentStore.ts"
import { readGiven } from "./internal/documents/givenSchema.ts"
import type { Field } from "./internal/documents/schema.ts"
import { defaultLimits, type Limits } from "./internal/limits.ts"
import * as MemoryCalls from "./internal/memoryCalls.ts"

export type { Limits } from "./internal/limits.ts"

export interface Options {
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
 * An index made as it is declared, empty each time the layer is built. A declaration that can be no index is an
 * `InvalidOption`.
 *
 * @example
 * ```ts
 * import { DocumentIndex, PineconeDocuments } from "@effect-connectors/pinecone"
 * import { PineconeDocumentMemory } from "@effect-connectors/testkit"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const notes = DocumentIndex.make({ text: DocumentIndex.text() })
 *
 * const found = Effect.gen(function*() {
 *   yield* Stream.make({ _id: "a", text: "Rain again" }).pipe(PineconeDocuments.upsert(notes), Stream.runDrain)
 *   return yield* Stream.make("rain").pipe(
 *     PineconeDocuments.search(notes, { scoreBy: (word) => notes.score.text("text", word), topK: 3 }),
 *     Stream.runCollect
 *   )
 * }).pipe(Effect.provide(PineconeDocumentMemory.layer(notes)))
 * ```
 */
export const layer = <F extends DocumentIndex.Fields>(
  index: DocumentIndex.DocumentIndex<F>,
  options: Options = {}
): Layer.Layer<PineconeDocumentIndex, PineconeError> =>
  Layer.effect(
    PineconeDocumentIndex,
    Effect.gen(function* () {
      const given = yield* createSchema(index)
      const schema = yield* Effect.mapError(
        Effect.fromResult(readGiven(given)),
        (reason) => new PineconeError({ operation: "layer", reason })
      )
      return make(schema, options)
    })
  )

const make = (schema: DocumentStore.DocumentStoreOptions["schema"], options: Options) => {
  const limits: Limits = { ...defaultLimits, ...options.limits }
  const { atTime, call, namespaces, now, own, reads } = MemoryCalls.make(options.namespace)
  const name = options.name ?? "memory"
  const store = DocumentStore.make({
    schema,
    limits,
    visibleAfter: Duration.toMillis(Duration.fromInputUnsafe(options.visibleAfter ?? 0)),
    now
  })
  const read = reads(store)

  return Freshness.trackedDocuments({
    name,
    namespace: own,
    limits: { maxRecords: limits.maxRecords, maxBytes: limits.maxRequestBytes, envelopeBytes: () => envelopeBytes },
    textLimits: {
      maxBytes: limits.maxTextBytes,
      maxTokens: limits.maxTextTokens,
      maxTokenBytes: limits.maxTokenBytes
    },
    encode: sized,
    describe: Effect.succeed({
      name,
      fields: new Map(Object.entries(schema.fields).map(([field, given]) => [field, described(given)]))
    }),
    upsert: call("upsert", ({ documents, namespace }) =>
      Result.map(store.upsert(requestOf(namespace, documents)), ({ lsn }) => ({ count: documents.length, lsn }))
    ),
    search: read("search", ({ filter, includeFields, namespace, scoreBy, topK }) =>
      Result.gen(function* () {
        // The real client refuses such a filter before it asks, too.
        if (filter !== undefined) yield* Filter.toWire(filter)
        const { matches, readUnits } = yield* store.search({ namespace, scoreBy, topK, filter, includeFields })
        return {
          matches: matches.map(({ fields, id, score }) => ({ ...fields, _id: id, _score: score })),
          readUnits
        }
      })
    ),
    fetch: read("fetch", (request) =>
      Result.gen(function* () {
        if ("filter" in request) yield* Filter.toWire(request.filter)
        const { documents, next, readUnits } = yield* store.fetch(request)
        const all = Array.from(documents, ([id, fields]): [string, Document] => [id, { ...fields, _id: id }])
        return { documents: new Map(all), next, readUnits }
      })
    ),
    list: read("list", store.list),
    update: call("update", (request) =>
      "documents" in request
        ? Result.map(store.update(requestOf(request.namespace, request.documents)), ({ lsn }) => ({ lsn }))
        : Result.gen(function* () {
            const { filter, namespace, removeFields = [], setFields = {} } = request
            yield* Filter.toWire(filter)
            return countOf(yield* store.updateByFilter({ namespace, filter, setFields, removeFields }))
          })
    ),
    delete: call("delete", (request) =>
      Result.gen(function* () {
        if ("filter" in request) yield* Filter.toWire(request.filter)
        return countOf(yield* store.delete(request))
      })
    ),
    stats: atTime(() => Effect.sync(store.stats)),
    ...namespaces(store)
  })
}

const countOf = ({ lsn, matched }: DocumentStore.WriteReply) => ({ lsn, count: matched })

/** Of `{"documents":[]}`. */
const envelopeBytes = 16

/** A document with the bytes of its JSON and of a comma. */
const sized = (document: Document): SizedDocument => ({
  document,
  bytes: 1 + DocumentStore.jsonBytes(document)
})

const isSized = (document: Document | SizedDocument): document is SizedDocument => !("_id" in document)

const requestOf = (namespace: string | undefined, given: ReadonlyArray<Document | SizedDocument>) => {
  const documents = given.map((document) => (isSized(document) ? document : sized(document)))
  return {
    namespace,
    documents: documents.map(({ document }) => document),
    bytes: documents.reduce((sum, { bytes }) => sum + bytes, envelopeBytes)
  }
}

const described = (field: Field): DescribedField => {
  switch (field.type) {
    case "dense_vector":
      return { type: field.type, dimension: field.dimension, metric: field.metric }
    case "sparse_vector":
      return { type: field.type }
    case "string": {
      const { language, ngram, stemming, stop_words } = field.full_text_search
      return {
        type: field.type,
        fullText: {
          language,
          stemming,
          stopWords: stop_words,
          ...(ngram && { ngram: { minGram: ngram.min_gram, maxGram: ngram.max_gram, prefixOnly: ngram.prefix_only } })
        }
      }
    }
  }
}

/**
 * The replies of the documents plane and how they become ours. A field that is null is as good as absent; one of a kind
 * that is not known makes the whole reply an invalid one, since leaving it out would lose data unseen.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type {
  DescribedField,
  Description,
  Document,
  DocumentMatch,
  DocumentValue,
  FetchDocumentsReply,
  SearchReply
} from "../DocumentsApi.ts"
import type { ListReply } from "../PineconeApi.ts"
import { isDocumentValue } from "./documentRules.ts"
import { nextOf, pagination, reads, readsOrEmpty, type Reply } from "./sdkReplies.ts"

type Wire = { readonly [field: string]: DocumentValue | null }

const isWire = (u: unknown): u is Wire =>
  Predicate.isReadonlyObject(u) && Object.values(u).every((value) => value === null || isDocumentValue(value))

const WireDocument = Schema.declare(
  (u: unknown): u is Wire & { readonly _id: string } => isWire(u) && Predicate.isString(u["_id"]),
  { expected: "a document with fields that are text, numbers, booleans, lists of strings or vectors" }
)
const WireMatch = Schema.declare(
  (u: unknown): u is Wire & { readonly _id: string; readonly _score?: number | null } =>
    isWire(u) &&
    Predicate.isString(u["_id"]) &&
    (u["_score"] === undefined || u["_score"] === null || typeof u["_score"] === "number"),
  { expected: "a match with its _id, its _score and fields" }
)

const isField = (field: [string, DocumentValue | null]): field is [string, DocumentValue] => field[1] !== null

const toDocument = (wire: typeof WireDocument.Type): Document => ({
  ...Object.fromEntries(Object.entries(wire).filter(isField)),
  _id: wire._id
})

const toMatch = ({ _score = null, ...wire }: typeof WireMatch.Type): DocumentMatch => ({ ...toDocument(wire), _score })

const usage = Schema.optionalKey(Schema.Struct({ read_units: Schema.optionalKey(Schema.Finite) }))

/** The count of documents the service took. */
export const upserted = reads(
  Schema.Struct({ upserted_count: Schema.optionalKey(Schema.Int) }),
  ({ upserted_count }) => upserted_count
)

/** The count of documents that a filter selected; by ids there is none, and docs say that the body is empty then. */
export const changed = readsOrEmpty(
  reads(Schema.Struct({ matched_records: Schema.optionalKey(Schema.Int) }), ({ matched_records }) => matched_records)
)

export const found: Reply<SearchReply> = reads(
  Schema.Struct({ matches: Schema.Array(WireMatch), usage }),
  ({ matches, usage }) => ({ matches: matches.map(toMatch), readUnits: usage?.read_units })
)

export const fetched: Reply<FetchDocumentsReply> = reads(
  Schema.Struct({ documents: Schema.Record(Schema.String, WireDocument), pagination, usage }),
  (wire) => ({
    documents: new Map(Object.entries(wire.documents).map(([id, document]) => [id, toDocument(document)])),
    next: nextOf(wire),
    readUnits: wire.usage?.read_units
  })
)

export const listed: Reply<ListReply> = reads(
  Schema.Struct({ documents: Schema.Array(Schema.Struct({ _id: Schema.String })), pagination, usage }),
  (wire) => ({
    ids: wire.documents.map(({ _id }) => _id),
    next: nextOf(wire),
    readUnits: wire.usage?.read_units
  })
)

const nullable = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const WireField = Schema.Struct({
  type: Schema.optionalKey(Schema.String),
  dimension: nullable(Schema.Int),
  metric: nullable(Schema.String),
  full_text_search: nullable(
    Schema.Struct({
      language: nullable(Schema.String),
      stemming: nullable(Schema.Boolean),
      stop_words: nullable(Schema.Boolean),
      ngram: nullable(
        Schema.Struct({ min_gram: Schema.Int, max_gram: Schema.Int, prefix_only: nullable(Schema.Boolean) })
      )
    })
  )
})

const isMetric = Schema.is(Schema.Literals(["cosine", "dotproduct", "euclidean"]))

const toField = ({ dimension, full_text_search: text, metric, type }: typeof WireField.Type): DescribedField => {
  if (type === "dense_vector" && typeof dimension === "number" && isMetric(metric)) return { type, dimension, metric }
  if (type === "sparse_vector") return { type }
  if (type === "string" && text) {
    const { ngram } = text
    return {
      type,
      fullText: {
        language: text.language ?? "en",
        stemming: text.stemming ?? false,
        stopWords: text.stop_words ?? false,
        ...(ngram
          ? { ngram: { minGram: ngram.min_gram, maxGram: ngram.max_gram, prefixOnly: ngram.prefix_only ?? false } }
          : {})
      }
    }
  }
  return { type: "other", called: type ?? "metadata" }
}

/** What the control plane tells of an index's fields; before 2026-07 it told nothing. */
export const description: Reply<Description> = reads(
  Schema.Struct({
    name: Schema.String,
    schema: nullable(Schema.Struct({ fields: Schema.Record(Schema.String, WireField) }))
  }),
  ({ name, schema }) => ({
    name,
    fields: new Map(Object.entries(schema?.fields ?? {}).map(([field, wire]) => [field, toField(wire)]))
  })
)

/**
 * The fields of a document index, declared once: what it is made with, the documents that go in and come out, what they
 * are searched and filtered by.
 *
 * Fields that the index is searched by are made here ({@link dense}, {@link sparse}, {@link text}); every other field is a
 * schema of its own, stored with the document and filtered by.
 */
import { SchemaDrift } from "@effect-connectors/core/ConnectorError"
import * as Retry from "@effect-connectors/core/Retry"
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as DocumentFilter from "./DocumentFilter.ts"
import type * as Api from "./DocumentsApi.ts"
import { failure } from "./internal/common.ts"
import { compareFields } from "./internal/documentDrift.ts"
import { declarationIssue } from "./internal/documentDeclared.ts"
import type { PineconeError } from "./PineconeError.ts"
import { PineconeDocumentIndex } from "./PineconeDocumentIndex.ts"
import type { Metadata, MetadataValue } from "./VectorRecord.ts"
import { SparseValues, Values } from "./VectorRecord.ts"

/** What a field is searched by. */
export type Kind = "dense" | "sparse" | "text"

/** A schema of what a field holds, in the form `DocumentValue` on the wire. */
export type FieldSchema = Schema.Codec<unknown, Api.DocumentValue>

/** A field that the index is searched by. */
export interface Indexed<out K extends Kind, out S extends FieldSchema> {
  readonly kind: K
  readonly schema: S
  /** As an index is made with it. */
  readonly field: Api.IndexField
}

/** A field: one that is searched by, or a schema of one that is filtered by. */
export type Field = Indexed<Kind, FieldSchema> | Schema.Codec<unknown, MetadataValue>

/** Fields by name. */
export interface Fields {
  readonly [name: string]: Field
}

type Schemas<F> = { readonly [K in keyof F]: SchemaOf<F[K]> }
type SchemaOf<X> = X extends Indexed<Kind, infer S> ? S : X extends Schema.Constraint ? X : never

type NamesOf<F, K extends Kind> = string extends keyof F
  ? string
  : { [N in keyof F]: F[N] extends Indexed<K, FieldSchema> ? N : never }[keyof F] & string

/** The names of dense fields; an index has one at most. */
export type DenseNames<F> = NamesOf<F, "dense">
/** The names of sparse fields; an index has one at most. */
export type SparseNames<F> = NamesOf<F, "sparse">
/** The names of fields with full text search. */
export type TextNames<F> = NamesOf<F, "text">
/** The names of all fields. */
export type Names<F> = keyof F & string
/** The names of all fields that hold no vector. */
export type PlainNames<F> = string extends keyof F ? string : Exclude<Names<F>, DenseNames<F> | SparseNames<F>>

type FilterNames<F> = Exclude<Names<F>, NamesOf<F, Kind>>

/** Metadata as it is stored, which filters compare with. */
export type Stored<F> = string extends keyof F
  ? Metadata
  : Schema.Struct.Encoded<{ readonly [K in FilterNames<F>]: SchemaOf<F[K]> }>

/** A document with fields `F`. */
export type Document<F> = string extends keyof F
  ? Api.Document
  : Schema.Struct.Type<{ readonly _id: Schema.String } & Schemas<F>>

/** A change of a stored document: fields that are given replace the stored ones, the others stay. */
export type Change<F> = string extends keyof F
  ? Api.DocumentChange
  : { readonly _id: string; readonly _remove_fields?: ReadonlyArray<Names<F>> } & Partial<Omit<Document<F>, "_id">>

/** A document that was read, with the fields `N` of it. */
export type Part<F, N extends string> = string extends keyof F
  ? Api.Document
  : Pick<Document<F>, Extract<N | "_id", keyof Document<F>>>

/** A document that a search found, with the fields `N` of it. */
export type Match<F, N extends string> = string extends keyof F
  ? Api.DocumentMatch
  : Part<F, N> & {
      /** Null when it is no finite number. */
      readonly _score: number | null
    }

/** A filter over documents with fields `F`. */
export type Filter<F> = DocumentFilter.DocumentFilter<Stored<F>, TextNames<F>>

type Ranked<S, N extends string> = Omit<S, "fields"> & { readonly fields: ReadonlyArray<N> }

/** A score by words, which goes together with others of its kind. */
export type WordScore<F> =
  | Ranked<Extract<Api.Score, { readonly type: "text" }>, TextNames<F>>
  | Extract<Api.Score, { readonly type: "query_string" }>

/** What documents with fields `F` are ranked by. */
export type Score<F> =
  | WordScore<F>
  | Ranked<Extract<Api.Score, { readonly type: "dense_vector" }>, DenseNames<F>>
  | Ranked<Extract<Api.Score, { readonly type: "sparse_vector" }>, SparseNames<F>>

/** One score, or several by words. */
export type ScoreBy<F> = Score<F> | Arr.NonEmptyReadonlyArray<WordScore<F>>

/** Functions that make scores of an index's fields. */
export interface Scores<F> {
  /** By how near a dense vector is. */
  readonly dense: (field: DenseNames<F>, values: Values) => Score<F>
  /** By how near a sparse vector is. */
  readonly sparse: (field: SparseNames<F>, values: SparseValues) => Score<F>
  /** By the words of texts. */
  readonly text: (fields: TextNames<F> | ReadonlyArray<TextNames<F>>, query: string) => WordScore<F>
  /** By an expression over texts, like `title:(vector AND database)`: the syntax is Pinecone's. */
  readonly queryString: (query: string) => WordScore<F>
}

/** A declared index. */
export interface DocumentIndex<F extends Fields> {
  /** None of an index whose fields are not known: see {@link any}. */
  readonly fields: F | undefined
  /** Builds filters over its fields. */
  readonly filter: DocumentFilter.Builder<Stored<F>, TextNames<F>>
  /** Builds what documents are ranked by. */
  readonly score: Scores<F>
}

/** The documents of a declared index. */
export type DocumentOf<I> = I extends DocumentIndex<infer F> ? Document<F> : never

/**
 * A dense vector field; an index has one at most.
 *
 * @example
 * ```ts
 * import { DocumentIndex } from "@effect-connectors/pinecone"
 *
 * const embedding = DocumentIndex.dense({ dimension: 384, metric: "cosine" })
 * ```
 */
export const dense = (options: {
  readonly dimension: number
  readonly metric: Api.DenseField["metric"]
}): Indexed<"dense", Schema.Codec<Values>> => ({
  kind: "dense",
  schema: Values.check(
    Schema.makeFilter((values) =>
      values.length === options.dimension
        ? undefined
        : `has ${values.length} numbers and the field has dimension ${options.dimension}; use the model the index was made for`
    )
  ),
  field: { type: "dense_vector", ...options }
})

/** A sparse vector field; an index has one at most. */
export const sparse = (): Indexed<"sparse", Schema.Codec<SparseValues>> => ({
  kind: "sparse",
  schema: SparseValues,
  field: { type: "sparse_vector" }
})

/**
 * A text field that is searched by its words; an index has 100 at most.
 *
 * @example
 * ```ts
 * import { DocumentIndex } from "@effect-connectors/pinecone"
 *
 * const title = DocumentIndex.text({ language: "en", stemming: true })
 * ```
 */
export const text = (options: Api.FullText = {}): Indexed<"text", Schema.String> => ({
  kind: "text",
  schema: Schema.String,
  field: { type: "string", fullText: options }
})

/** A field that documents may leave out. Of a field that is a schema it is `Schema.optionalKey`. */
export const optional = <K extends Kind, S extends FieldSchema>(
  field: Indexed<K, S>
): Indexed<K, Schema.optionalKey<S>> => ({ ...field, schema: Schema.optionalKey(field.schema) })

type IsUnion<T, U = T> = [T] extends [never] ? false : T extends U ? ([U] extends [T] ? false : true) : false

/** Compiles to nothing that a field could be when there are two of a kind. */
type OneVectorOfAKind<F> = [IsUnion<DenseNames<F>> | IsUnion<SparseNames<F>>] extends [false]
  ? unknown
  : "an index has at most one dense and one sparse field"

const scores: Scores<Fields> = {
  dense: (field, values) => ({ type: "dense_vector", fields: [field], values }),
  sparse: (field, sparseValues) => ({ type: "sparse_vector", fields: [field], sparseValues }),
  text: (fields, query) => ({ type: "text", fields: typeof fields === "string" ? [fields] : fields, query }),
  queryString: (query) => ({ type: "query_string", query })
}

/**
 * Declares an index by its fields. What can be in no index (a name that starts with `_`, two dense fields, ...) is an
 * `InvalidOption` of every step that uses it.
 *
 * @example
 * ```ts
 * import { DocumentIndex } from "@effect-connectors/pinecone"
 * import * as Schema from "effect/Schema"
 *
 * const articles = DocumentIndex.make({
 *   title: DocumentIndex.text({ stemming: true }),
 *   body: DocumentIndex.text({ stemming: true }),
 *   embedding: DocumentIndex.optional(DocumentIndex.dense({ dimension: 384, metric: "cosine" })),
 *   year: Schema.Int,
 *   tags: Schema.optionalKey(Schema.Array(Schema.String))
 * })
 *
 * type Article = DocumentIndex.DocumentOf<typeof articles>
 *
 * const recent = articles.filter.and(articles.filter.gte("year", 2020), articles.filter.matchAny("body", "vector index"))
 * ```
 */
export function make<const F extends Fields>(fields: F & OneVectorOfAKind<F>): DocumentIndex<F>
export function make(fields: Fields): unknown {
  return { fields, filter: DocumentFilter.make(), score: scores }
}

/**
 * An index whose fields only Pinecone knows: documents of any fields go in and come out as they are.
 *
 * @example
 * ```ts
 * import { DocumentIndex, PineconeDocuments } from "@effect-connectors/pinecone"
 *
 * const everything = PineconeDocuments.scan(DocumentIndex.any)
 * ```
 */
export const any: DocumentIndex<Fields> = { fields: undefined, filter: DocumentFilter.make(), score: scores }

/** A field of {@link CreateSchema}. */
export type CreateField =
  | Api.DenseField
  | Api.SparseField
  | {
      readonly type: "string"
      readonly fullTextSearch: {
        readonly language?: string
        readonly stemming?: boolean
        readonly stopWords?: boolean
        readonly ngram?: { readonly minGram: number; readonly maxGram: number; readonly prefixOnly?: boolean }
      }
    }

/** What an index is made with, as the official SDK takes it. */
export interface CreateSchema {
  readonly fields: { readonly [name: string]: CreateField }
}

/** The declared fields, if they can be those of an index. */
const fieldsOf = (
  operation: string,
  { fields }: { readonly fields: Fields | undefined }
): Effect.Effect<Fields, PineconeError> => {
  const wrong = declarationIssue(fields)
  return wrong === undefined ? Effect.succeed(fields ?? {}) : Effect.fail(failure(operation, undefined, wrong))
}

const toCreate = (field: Api.IndexField): CreateField => {
  if (field.type !== "string") return field
  const { language, ngram, stemming, stopWords } = field.fullText
  return {
    type: "string",
    // The SDK's types know no undefined.
    fullTextSearch: {
      ...(language === undefined ? {} : { language }),
      ...(stemming === undefined ? {} : { stemming }),
      ...(stopWords === undefined ? {} : { stopWords }),
      ...(ngram === undefined
        ? {}
        : {
            ngram: {
              minGram: ngram.minGram,
              maxGram: ngram.maxGram,
              ...(ngram.prefixOnly === undefined ? {} : { prefixOnly: ngram.prefixOnly })
            }
          })
    }
  }
}

/**
 * The schema to make the index with, by the SDK's `indexes.create`. Only fields that are searched by are in it: Pinecone
 * indexes the others from the documents.
 *
 * @example
 * ```ts
 * import { DocumentIndex } from "@effect-connectors/pinecone"
 * import { Pinecone } from "@pinecone-database/pinecone"
 * import * as Effect from "effect/Effect"
 *
 * const notes = DocumentIndex.make({ text: DocumentIndex.text() })
 *
 * const created = Effect.gen(function*() {
 *   const schema = yield* DocumentIndex.createSchema(notes)
 *   const pinecone = new Pinecone({ apiKey: "pcsk_..." })
 *   return yield* Effect.promise(() => pinecone.indexes.create({ name: "notes", schema, waitUntilReady: true }))
 * })
 * ```
 */
export const createSchema = <F extends Fields>(index: DocumentIndex<F>): Effect.Effect<CreateSchema, PineconeError> =>
  Effect.map(fieldsOf("createSchema", index), (fields) => ({
    fields: Object.fromEntries(
      Object.entries(fields).flatMap(([name, field]) => ("kind" in field ? [[name, toCreate(field.field)]] : []))
    )
  }))

/** How an index is compared. */
export interface CheckOptions {
  /**
   * Whether fields that the index is searched by and that are not declared are a difference that fails. They are reported
   * in any case when something else does.
   *
   * @default "allow"
   */
  readonly added?: "allow" | "refuse" | undefined
  /** When the call that describes the index is repeated. */
  readonly retry?: Retry.Policy | undefined
}

/**
 * Compares the declaration with what the control plane tells of the index. Fails with one `SchemaDrift` that lists every
 * field which is missing, of another type, or seems to have another name. The layer must know the index by its name.
 *
 * @example
 * ```ts
 * import { DocumentIndex } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 *
 * const notes = DocumentIndex.make({ text: DocumentIndex.text() })
 *
 * const program = DocumentIndex.check(notes).pipe(Effect.andThen(Effect.log("as declared")))
 * ```
 */
export const check = <F extends Fields>(
  index: DocumentIndex<F>,
  options: CheckOptions = {}
): Effect.Effect<void, PineconeError, PineconeDocumentIndex> =>
  Effect.gen(function* () {
    const fields = yield* fieldsOf("describe", index)
    const service = yield* PineconeDocumentIndex
    const described = yield* Retry.retry(service.describe, options.retry)
    const drifts = compareFields(fields, described.fields)
    const allowed = options.added === "refuse" ? [] : drifts.filter(({ kind }) => kind === "added")
    if (drifts.length === allowed.length) return
    return yield* failure("describe", undefined, new SchemaDrift({ subject: `index ${described.name}`, drifts }))
  })

/**
 * A document index seen as a vector index: its dense and sparse field are a record's vectors, all its other fields the
 * record's metadata. So whatever works on `PineconeIndex` works on it too, and vectors are moved to documents by
 * `PineconeMigrate.migrate`, which goes on where it was stopped, and compares both in the end.
 */
import { InvalidOption, InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as DocumentsApi from "./DocumentsApi.ts"
import { failure } from "./internal/common.ts"
import { checkDocument, checkDocumentChange } from "./internal/documentRules.ts"
import { isMetadataValue } from "./internal/recordRules.ts"
import type { QueryRequest, Service, SizedRecord, UpdateRequest } from "./PineconeApi.ts"
import type { Metadata, MetadataValue, SparseValues, Values, VectorRecord } from "./VectorRecord.ts"

/** The fields that hold a record's vectors; a record with a vector that no field is for is refused. */
export interface Fields {
  readonly dense?: string | undefined
  readonly sparse?: string | undefined
}

type Parts = Pick<UpdateRequest, "id" | "values" | "sparseValues" | "metadata">

const invalid = (id: string, field: string, issue: string) => Result.fail(new InvalidRecord({ id, field, issue }))

/** The fields of a record, or why they can not be those of a document. */
const toFields = (
  { id, metadata = {}, sparseValues, values }: Parts,
  { dense, sparse }: Fields
): Result.Result<DocumentsApi.Document, InvalidRecord> => {
  const taken = [dense, sparse].find((name) => name !== undefined && Object.hasOwn(metadata, name))
  if (taken !== undefined) {
    return invalid(id, `metadata.${taken}`, "has the name of the field for the vector; name that field otherwise")
  }
  const vector = values?.length === 0 ? undefined : values
  if (vector !== undefined && dense === undefined) {
    return invalid(id, "values", "has no field to go to; name one in `dense`")
  }
  if (sparseValues !== undefined && sparse === undefined) {
    return invalid(id, "sparseValues", "has no field to go to; name one in `sparse`")
  }
  return Result.succeed({
    ...metadata,
    ...(vector === undefined || dense === undefined ? {} : { [dense]: vector }),
    ...(sparseValues === undefined || sparse === undefined ? {} : { [sparse]: sparseValues }),
    _id: id
  })
}

/** A record together with the document that it is sent as, or why there is none. */
class DocumentRecord implements SizedRecord {
  readonly id: string
  readonly values: Values | undefined
  readonly sparseValues: SparseValues | undefined
  readonly metadata: Metadata | undefined
  readonly bytes: number
  readonly document: Result.Result<DocumentsApi.SizedDocument, InvalidRecord>

  constructor(
    { id, metadata, sparseValues, values }: VectorRecord,
    fields: Fields,
    encode: DocumentsApi.Service["encode"]
  ) {
    this.id = id
    this.values = values
    this.sparseValues = sparseValues
    this.metadata = metadata
    this.document = Result.map(
      Result.flatMap(toFields({ id, values, sparseValues, metadata }, fields), checkDocument),
      encode
    )
    this.bytes = Result.isSuccess(this.document) ? this.document.success.bytes : 0
  }
}

const isDense = (value: unknown): value is Values =>
  value instanceof Float32Array || (Array.isArray(value) && value.every(Predicate.isNumber))

const isSparse = (value: unknown): value is SparseValues => Predicate.isObject(value) && "indices" in value

const isField = (field: [string, unknown]): field is [string, MetadataValue] => isMetadataValue(field[1])

const toRecord = ({ _id, ...all }: DocumentsApi.Document, { dense, sparse }: Fields): VectorRecord => {
  const values = dense === undefined ? undefined : all[dense]
  const sparseValues = sparse === undefined ? undefined : all[sparse]
  const metadata = Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => name !== dense && name !== sparse)
      .filter(isField)
  )
  return {
    id: _id,
    values: isDense(values) ? values : undefined,
    sparseValues: isSparse(sparseValues) ? sparseValues : undefined,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata
  }
}

/** Why a stored document can be no record: a field of it would be lost. */
const lostField = ({ _id, ...all }: DocumentsApi.Document, { dense, sparse }: Fields): InvalidOption | undefined => {
  const lost = Object.entries(all).find(([name, value]) =>
    name === dense ? !isDense(value) : name === sparse ? !isSparse(value) : !isMetadataValue(value)
  )
  const issue = `leave out field ${JSON.stringify(lost?.[0])} of document ${JSON.stringify(_id)}; name every vector field in \`dense\` or \`sparse\`, and no other`
  return lost === undefined ? undefined : new InvalidOption({ option: "fields", issue })
}

/** What a query ranks by, or why documents can not be ranked by that. */
const scoreOf = (
  { id, sparseVector, vector }: QueryRequest,
  { dense, sparse }: Fields
): Result.Result<DocumentsApi.Score, InvalidOption> => {
  if (vector !== undefined && sparseVector === undefined && dense !== undefined) {
    return Result.succeed({ type: "dense_vector", fields: [dense], values: vector })
  }
  if (sparseVector !== undefined && vector === undefined && sparse !== undefined) {
    return Result.succeed({ type: "sparse_vector", fields: [sparse], sparseValues: sparseVector })
  }
  const asked = id === undefined ? "both vectors, or one without a field" : "the id of a record"
  return Result.fail(
    new InvalidOption({
      option: "query",
      issue: `asks with ${asked}; documents are ranked by one vector that has a field`
    })
  )
}

/**
 * The service of a document index as that of a vector index. Filters are those of metadata; a query asks with one vector.
 *
 * @example
 * ```ts
 * import { DocumentVectors, PineconeDocumentIndex, PineconeIndex, PineconeMigrate } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const apiKey = Redacted.make("pcsk_...")
 *
 * const program = Effect.gen(function*() {
 *   const from = yield* Effect.provide(PineconeIndex, PineconeIndex.layer({ apiKey, index: "articles" }))
 *   const documents = yield* Effect.provide(
 *     PineconeDocumentIndex,
 *     PineconeDocumentIndex.layer({ apiKey, index: "articles-documents" })
 *   )
 *   const to = DocumentVectors.make(documents, { dense: "embedding" })
 *   return yield* PineconeMigrate.migrate({ from, to, namespaces: "all", run: "to-documents" })
 * })
 * ```
 */
export const make = (documents: DocumentsApi.Service, fields: Fields): Service => {
  const encode = (record: VectorRecord): DocumentRecord => new DocumentRecord(record, fields, documents.encode)
  const nameOf = (namespace: string | undefined) => namespace ?? documents.namespace

  return {
    name: documents.name,
    host: documents.host,
    namespace: documents.namespace,
    limits: documents.limits,
    pacing: documents.pacing,
    encode,
    upsert: ({ namespace, records }) =>
      Effect.forEach(records, (record) =>
        Effect.fromResult((record instanceof DocumentRecord ? record : encode(record)).document)
      ).pipe(
        Effect.mapError((reason) => failure("upsert", nameOf(namespace), reason)),
        Effect.flatMap((sized) =>
          Arr.isReadonlyArrayNonEmpty(sized) ? documents.upsert({ namespace, documents: sized }) : Effect.succeed({})
        )
      ),
    query: (request) =>
      Effect.fromResult(scoreOf(request, fields)).pipe(
        Effect.mapError((reason) => failure("query", nameOf(request.namespace), reason)),
        Effect.flatMap((score) =>
          documents.search({
            namespace: request.namespace,
            scoreBy: [score],
            topK: request.topK,
            filter: request.filter,
            includeFields: request.includeValues === true || request.includeMetadata === true ? ["*"] : undefined
          })
        ),
        Effect.map(({ matches, ...told }) => ({
          ...told,
          matches: matches.flatMap((match) => {
            // A vector index has no match without a score.
            if (match._score === null) return []
            const { id, metadata, sparseValues, values } = toRecord(toDocument(match), fields)
            return [
              {
                id,
                score: match._score,
                ...(request.includeValues === true ? { values, sparseValues } : {}),
                ...(request.includeMetadata === true ? { metadata } : {})
              }
            ]
          })
        }))
      ),
    fetch: ({ ids, namespace }) =>
      Effect.flatMap(documents.fetch({ ids, namespace }), ({ documents: found, readUnits, indexedLsn }) => {
        for (const document of found.values()) {
          const lost = lostField(document, fields)
          if (lost !== undefined) return Effect.fail(failure("fetch", nameOf(namespace), lost))
        }
        const records = new Map(Array.from(found, ([id, document]) => [id, toRecord(document, fields)]))
        return Effect.succeed({ records, readUnits, indexedLsn })
      }),
    list: documents.list,
    update: ({ namespace, ...change }) =>
      Effect.fromResult(Result.flatMap(toFields(change, fields), checkDocumentChange)).pipe(
        Effect.mapError((reason) => failure("update", nameOf(namespace), reason)),
        Effect.flatMap((checked) => documents.update({ namespace, documents: [checked] }))
      ),
    delete: documents.delete,
    stats: documents.stats,
    namespaces: documents.namespaces,
    deleteNamespace: documents.deleteNamespace,
    written: documents.written
  }
}

const isThere = (field: [string, DocumentsApi.DocumentValue | null]): field is [string, DocumentsApi.DocumentValue] =>
  field[1] !== null

const toDocument = ({ _id, _score, ...fields }: DocumentsApi.DocumentMatch): DocumentsApi.Document => ({
  ...Object.fromEntries(Object.entries(fields).filter(isThere)),
  _id
})

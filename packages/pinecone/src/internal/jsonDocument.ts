/**
 * Documents as JSON. That of a document is made once: it is measured when batches are built and joined when they are
 * sent.
 */
import type { Document, DocumentChange, DocumentValue, Score, SearchRequest, SizedDocument } from "../DocumentsApi.ts"
import type { SparseValues, Values } from "../VectorRecord.ts"
import { toBytes } from "./float32Json.ts"
import { toNumbers } from "./jsonRecord.ts"
import type { Body } from "./sdkTransport.ts"

type Parts = ReadonlyArray<string | Values>

const isDense = (value: DocumentValue | ReadonlyArray<number>): value is Values =>
  value instanceof Float32Array || (Array.isArray(value) && typeof value[0] === "number")

const sparseParts = ({ indices, values }: SparseValues): Parts => [
  `{"indices":${JSON.stringify(toNumbers(indices))},"values":`,
  values,
  "}"
]

const valueParts = (value: DocumentValue): Parts => {
  if (isDense(value)) return [value]
  return typeof value === "object" && "indices" in value ? sparseParts(value) : [JSON.stringify(value)]
}

const documentParts = (document: Document): Parts => {
  const parts: Array<string | Values> = [`{"_id":${JSON.stringify(document._id)}`]
  for (const field in document) {
    if (field !== "_id") parts.push(`,${JSON.stringify(field)}:`, ...valueParts(document[field]!))
  }
  parts.push("},")
  return parts
}

/** A document together with its JSON, which is what the document was when it was encoded. */
export class JsonDocument implements SizedDocument {
  readonly document: Document
  /** The bytes of its JSON and of a comma. */
  readonly json: Uint8Array
  readonly bytes: number

  constructor(document: Document) {
    this.document = document
    this.json = toBytes(documentParts(document))
    this.bytes = this.json.length
  }
}

const open = `{"documents":[`
const close = `]}`

/** Bytes of a body beside its documents; the namespace is in the address. */
export const documentsEnvelope = (): number => open.length + close.length

/** The body of an upsert or an update. */
export const documentsBody = (documents: ReadonlyArray<JsonDocument>): Body => {
  const size = documents.reduce((sum, { bytes }) => sum + bytes, documentsEnvelope())
  const body = Buffer.allocUnsafeSlow(size)
  let at = body.write(open)
  for (const { json } of documents) {
    body.set(json, at)
    at += json.length
  }
  // The last document has no comma behind it.
  if (documents.length > 0) at--
  return body.subarray(0, at + body.write(close, at))
}

/** The body of an update of what a filter selects; `filter` as it goes on the wire. */
export const filteredUpdateBody = (
  filter: object,
  setFields: Omit<DocumentChange, "_id"> | undefined,
  removeFields: ReadonlyArray<string> | undefined
): Body => {
  const rest = JSON.stringify({ filter, remove_fields: removeFields })
  const set = Object.entries(setFields ?? {}).flatMap(([field, value], i): Parts =>
    value === undefined ? [] : [`${i === 0 ? "" : ","}${JSON.stringify(field)}:`, ...valueParts(value)]
  )
  return toBytes([rest.slice(0, -1), ...(set.length === 0 ? [] : [`,"set_fields":{`, ...set, "}"]), "}"])
}

const scoreParts = (score: Score): Parts => {
  switch (score.type) {
    case "dense_vector":
      return [`{"type":"dense_vector","fields":${JSON.stringify(score.fields)},"values":`, score.values, "}"]
    case "sparse_vector":
      return [
        `{"type":"sparse_vector","fields":${JSON.stringify(score.fields)},"sparse_values":`,
        ...sparseParts(score.sparseValues),
        "}"
      ]
    case "text":
      return [JSON.stringify({ type: "text", fields: score.fields, query: score.query })]
    case "query_string":
      return [JSON.stringify({ type: "query_string", query: score.query })]
  }
}

/** The body of a search; `filter` as it goes on the wire. */
export const searchBody = ({ includeFields, scoreBy, topK }: SearchRequest, filter: object | undefined): Body => {
  const rest = JSON.stringify({ top_k: topK, include_fields: includeFields, filter })
  const scores = scoreBy.flatMap((score, i) => (i === 0 ? scoreParts(score) : [",", ...scoreParts(score)]))
  return toBytes([rest.slice(0, -1), `,"score_by":[`, ...scores, "]}"])
}

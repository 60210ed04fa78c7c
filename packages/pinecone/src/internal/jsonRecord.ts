/**
 * Vectors as JSON. That of a record is made once: it is measured when batches are built and joined when they are sent.
 */
import { toBytes } from "./float32Json.ts"
import type { QueryRequest, SizedRecord, UpdateRequest } from "../PineconeApi.ts"
import type { Metadata, SparseValues, Values, VectorRecord } from "../VectorRecord.ts"
import type { Body } from "./sdkTransport.ts"

/** `JSON.stringify` makes an object of a typed array. */
export const toNumbers = (values: Values | Uint32Array | undefined): ReadonlyArray<number> | undefined =>
  values === undefined || Array.isArray(values) ? values : Array.from(values)

export const toSparse = (sparse: SparseValues | undefined) =>
  sparse === undefined ? undefined : { indices: toNumbers(sparse.indices), values: toNumbers(sparse.values) }

type Parts = ReadonlyArray<string | Values>

/** The field of a dense vector, with the comma before it. */
const dense = (name: string, values: Values | undefined): Parts => (values === undefined ? [] : [`,"${name}":`, values])

const sparse = (name: string, found: SparseValues | undefined): Parts =>
  found === undefined
    ? []
    : [`,"${name}":{"indices":${JSON.stringify(toNumbers(found.indices))},"values":`, found.values, "}"]

/** A record together with its JSON, which is what the record was when it was encoded. */
export class JsonRecord implements SizedRecord {
  readonly id: string
  readonly values: Values | undefined
  readonly sparseValues: SparseValues | undefined
  readonly metadata: Metadata | undefined
  /** The bytes of its JSON and of a comma. */
  readonly json: Uint8Array
  readonly bytes: number

  constructor({ id, metadata, sparseValues, values }: VectorRecord) {
    this.id = id
    this.values = values
    this.sparseValues = sparseValues
    this.metadata = metadata
    this.json = toBytes([
      `{"id":${JSON.stringify(id)}`,
      ...dense("values", values),
      ...sparse("sparseValues", sparseValues),
      metadata === undefined ? "}," : `,"metadata":${JSON.stringify(metadata)}},`
    ])
    this.bytes = this.json.length
  }
}

const open = `{"vectors":[`
const close = (namespace: string): string => `],"namespace":${JSON.stringify(namespace)}}`

/** Bytes of an upsert's body beside its records. */
export const envelopeBytes = (namespace: string): number => open.length + Buffer.byteLength(close(namespace))

/** The body of an upsert. */
export const upsertBody = (records: ReadonlyArray<JsonRecord>, namespace: string): Body => {
  const size = records.reduce((sum, { bytes }) => sum + bytes, envelopeBytes(namespace))
  const body = Buffer.allocUnsafeSlow(size)
  let at = body.write(open)
  for (const { json } of records) {
    body.set(json, at)
    at += json.length
  }
  // The last record has no comma behind it.
  if (records.length > 0) at--
  return body.subarray(0, at + body.write(close(namespace), at))
}

/** The body of a query; `filter` as it goes on the wire. */
export const queryBody = (request: QueryRequest, namespace: string, filter: object | undefined): Body => {
  const { id, includeMetadata, includeValues, sparseVector, topK, vector } = request
  const rest = JSON.stringify({ namespace, topK, filter, includeValues, includeMetadata, id })
  return toBytes([rest.slice(0, -1), ...dense("vector", vector), ...sparse("sparseVector", sparseVector), "}"])
}

/** The body of an update of one record. */
export const updateBody = ({ id, metadata, sparseValues, values }: UpdateRequest, namespace: string): Body => {
  const rest = JSON.stringify({ id, setMetadata: metadata, namespace })
  return toBytes([rest.slice(0, -1), ...dense("values", values), ...sparse("sparseValues", sparseValues), "}"])
}

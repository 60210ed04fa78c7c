/**
 * Vectors as JSON. A record's text is made once: it is measured when batches are built and joined when they are sent.
 */
import type { QueryRequest, SizedRecord, UpdateRequest } from "../PineconeApi.ts"
import type { Metadata, SparseValues, Values, VectorRecord } from "../VectorRecord.ts"

/** `JSON.stringify` makes an object of a typed array. */
export const toNumbers = (values: Values | Uint32Array | undefined): ReadonlyArray<number> | undefined =>
  values === undefined || Array.isArray(values) ? values : Array.from(values)

export const toSparse = (sparse: SparseValues | undefined) =>
  sparse === undefined ? undefined : { indices: toNumbers(sparse.indices), values: toNumbers(sparse.values) }

/** A record together with its JSON. */
export class JsonRecord implements SizedRecord {
  readonly id: string
  readonly values: Values | undefined
  readonly sparseValues: SparseValues | undefined
  readonly metadata: Metadata | undefined
  readonly text: string
  readonly bytes: number

  constructor(record: VectorRecord) {
    this.id = record.id
    this.values = record.values
    this.sparseValues = record.sparseValues
    this.metadata = record.metadata
    this.text = JSON.stringify({
      id: record.id,
      values: toNumbers(record.values),
      sparseValues: toSparse(record.sparseValues),
      metadata: record.metadata
    })
    this.bytes = Buffer.byteLength(this.text) + 1
  }
}

const open = `{"vectors":[`
const close = (namespace: string): string => `],"namespace":${JSON.stringify(namespace)}}`

/** Bytes of an upsert's body beside its records. */
export const envelopeBytes = (namespace: string): number => open.length + Buffer.byteLength(close(namespace))

/** The body of an upsert. */
export const upsertBody = (records: ReadonlyArray<JsonRecord>, namespace: string): string =>
  open + records.map((record) => record.text).join(",") + close(namespace)

/** The body of a query; `filter` as it goes on the wire. */
export const queryBody = (request: QueryRequest, namespace: string, filter: object | undefined): string =>
  JSON.stringify({
    namespace,
    topK: request.topK,
    filter,
    includeValues: request.includeValues,
    includeMetadata: request.includeMetadata,
    id: request.id,
    vector: toNumbers(request.vector),
    sparseVector: toSparse(request.sparseVector)
  })

/** The body of an update of one record. */
export const updateBody = (request: UpdateRequest, namespace: string): string =>
  JSON.stringify({
    id: request.id,
    values: toNumbers(request.values),
    sparseValues: toSparse(request.sparseValues),
    setMetadata: request.metadata,
    namespace
  })

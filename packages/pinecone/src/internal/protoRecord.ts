/**
 * Vectors as protobuf. A record's bytes are made once: they are measured when batches are built and joined when they are
 * sent. They are a copy, so a program may use its arrays again.
 */
import type { SizedRecord } from "../PineconeApi.ts"
import type { Metadata, SparseValues, Values, VectorRecord } from "../VectorRecord.ts"
import { MessageWriter } from "./messageWriter.ts"
import { defaultNamespace } from "./namespace.ts"
import { writeStruct } from "./protobuf.ts"

const writer = new MessageWriter()

/** The bytes of a message. Messages are written one at a time. */
export const message = (fill: (writer: MessageWriter) => void): Buffer => {
  try {
    fill(writer)
  } catch (error) {
    writer.drop()
    throw error
  }
  return writer.take()
}

/** Writes text; an empty one is what the field has when it is not there. */
export const writeText = (writer: MessageWriter, field: number, text: string): void => {
  if (text !== "") writer.text(field, text)
}

/** Writes a vector; an empty one is none. */
export const writeVector = (writer: MessageWriter, field: number, values: Values | undefined): void => {
  if (values !== undefined && values.length > 0) writer.vector(field, values)
}

export const writeSparse = (writer: MessageWriter, field: number, sparse: SparseValues | undefined): void => {
  if (sparse === undefined) return
  writer.message(field, 8 * sparse.indices.length, () => {
    writer.numbers(1, sparse.indices)
    writeVector(writer, 2, sparse.values)
  })
}

export const writeMetadata = (writer: MessageWriter, field: number, metadata: Metadata | undefined): void => {
  if (metadata !== undefined) writer.message(field, 128, () => writeStruct(writer, metadata))
}

/** Bytes that a record takes beside its dense vector, mostly. */
const besideValues = 128

const encode = ({ id, metadata, sparseValues, values }: VectorRecord): Buffer =>
  message((writer) =>
    writer.message(1, 4 * (values?.length ?? 0) + besideValues, () => {
      writer.text(1, id)
      writeVector(writer, 2, values)
      writeMetadata(writer, 3, metadata)
      writeSparse(writer, 4, sparseValues)
    })
  )

/** A record together with its protobuf: the field of an upsert that holds it. */
export class ProtoRecord implements SizedRecord {
  readonly id: string
  readonly values: Values | undefined
  readonly sparseValues: SparseValues | undefined
  readonly metadata: Metadata | undefined
  readonly field: Uint8Array
  readonly bytes: number

  constructor(record: VectorRecord) {
    this.id = record.id
    this.values = record.values
    this.sparseValues = record.sparseValues
    this.metadata = record.metadata
    this.field = encode(record)
    this.bytes = this.field.length
  }
}

/** The default namespace is what a message without one is for, in every version of the service. */
export const writeNamespace = (writer: MessageWriter, field: number, namespace: string): void =>
  writeText(writer, field, namespace === defaultNamespace ? "" : namespace)

const namespaceField = (namespace: string): Uint8Array => message((writer) => writeNamespace(writer, 2, namespace))

/** Bytes of an upsert beside its records. */
export const envelopeBytes = (namespace: string): number => namespaceField(namespace).length

/** An upsert. */
export const upsertMessage = (records: ReadonlyArray<ProtoRecord>, namespace: string): Uint8Array =>
  Buffer.concat([...records.map(({ field }) => field), namespaceField(namespace)])

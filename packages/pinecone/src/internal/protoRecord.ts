/**
 * Vectors as protobuf. A record is written when it is measured for a batch, and joined with others when it is sent; only ids and
 * plain arrays of numbers go straight into the message of their call.
 */
import type { SizedRecord } from "../PineconeApi.ts"
import type { Metadata, SparseValues, Values, VectorRecord } from "../VectorRecord.ts"
import { MessageWriter, varintBytes } from "./messageWriter.ts"
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

/** Bytes of a field whose content has so many; an empty one is not written. */
const fieldBytes = (bytes: number): number => (bytes === 0 ? 0 : 1 + varintBytes(bytes) + bytes)

export const writeSparse = (writer: MessageWriter, field: number, sparse: SparseValues | undefined): void => {
  if (sparse === undefined) return
  writer.begin(field, 8 * sparse.indices.length)
  writer.numbers(1, sparse.indices)
  writeVector(writer, 2, sparse.values)
  writer.end()
}

export const writeMetadata = (writer: MessageWriter, field: number, metadata: Metadata | undefined): void => {
  if (metadata === undefined) return
  writer.begin(field, 128)
  writeStruct(writer, metadata)
  writer.end()
}

/**
 * A record with its protobuf, but for its id and for numbers that are still to become float32. A typed array is copied at
 * once, since programs use theirs again, and models lend a part of their memory.
 */
export class ProtoRecord implements SizedRecord {
  readonly id: string
  readonly values: Values | undefined
  readonly sparseValues: SparseValues | undefined
  readonly metadata: Metadata | undefined
  /** Bytes of the field of an upsert that holds the record. */
  readonly bytes: number
  /** Numbers to be written before the rest of the fields. */
  private readonly numbers: Values | undefined
  private readonly rest: Uint8Array
  private readonly length: number

  constructor({ id, metadata, sparseValues, values }: VectorRecord) {
    this.id = id
    this.values = values
    this.sparseValues = sparseValues
    this.metadata = metadata
    const isTyped = values instanceof Float32Array
    this.numbers = isTyped ? undefined : values
    this.rest = message((writer) => {
      if (isTyped) writeVector(writer, 2, values)
      writeMetadata(writer, 3, metadata)
      writeSparse(writer, 4, sparseValues)
    })
    this.length = fieldBytes(Buffer.byteLength(id)) + fieldBytes(4 * (this.numbers?.length ?? 0)) + this.rest.length
    this.bytes = 1 + varintBytes(this.length) + this.length
  }

  write(writer: MessageWriter): void {
    writer.begin(1, this.length)
    writeText(writer, 1, this.id)
    writeVector(writer, 2, this.numbers)
    writer.fields(this.rest)
    writer.end()
  }
}

/** The default namespace is what a message without one is for, in every version of the service. */
export const writeNamespace = (writer: MessageWriter, field: number, namespace: string): void =>
  writeText(writer, field, namespace === defaultNamespace ? "" : namespace)

const namespaceField = (namespace: string): Uint8Array => message((writer) => writeNamespace(writer, 2, namespace))

/** Bytes of an upsert beside its records. */
export const envelopeBytes = (namespace: string): number => namespaceField(namespace).length

/** Writes an upsert. */
export const writeUpsert = (writer: MessageWriter, records: ReadonlyArray<ProtoRecord>, namespace: string): void => {
  writer.reserve(records.reduce((sum, { bytes }) => sum + bytes, envelopeBytes(namespace)))
  for (const record of records) record.write(writer)
  writeNamespace(writer, 2, namespace)
}

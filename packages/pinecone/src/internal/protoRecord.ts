/**
 * Vectors as protobuf. A record's bytes are made once: they are measured when batches are built and joined when they are
 * sent. They are a copy, so a program may use its arrays again.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire"
import type { SizedRecord } from "../PineconeApi.ts"
import type { Metadata, SparseValues, Values, VectorRecord } from "../VectorRecord.ts"
import { defaultNamespace } from "./namespace.ts"
import { writeFloats, writeMessage, writeStruct, writeText } from "./protobuf.ts"

/** Used again for each message, as it keeps its buffer. */
const writer = new BinaryWriter()

/** The bytes of a message. Messages are written one at a time. */
export const message = (fill: (writer: BinaryWriter) => void): Uint8Array => {
  fill(writer)
  return writer.finish()
}

export const writeSparse = (writer: BinaryWriter, field: number, sparse: SparseValues | undefined): void => {
  if (sparse === undefined) return
  writeMessage(writer, field, () => {
    writeMessage(writer, 1, () => {
      for (const index of sparse.indices) writer.uint32(index)
    })
    writeFloats(writer, 2, sparse.values)
  })
}

export const writeMetadata = (writer: BinaryWriter, field: number, metadata: Metadata | undefined): void => {
  if (metadata !== undefined) writeMessage(writer, field, () => writeStruct(writer, metadata))
}

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
    this.field = message((writer) =>
      writeMessage(writer, 1, () => {
        writeText(writer, 1, record.id)
        writeFloats(writer, 2, record.values)
        writeMetadata(writer, 3, record.metadata)
        writeSparse(writer, 4, record.sparseValues)
      })
    )
    this.bytes = this.field.length
  }
}

/** The default namespace is what a message without one is for, in every version of the service. */
export const writeNamespace = (writer: BinaryWriter, field: number, namespace: string): void =>
  writeText(writer, field, namespace === defaultNamespace ? "" : namespace)

const namespaceField = (namespace: string): Uint8Array => message((writer) => writeNamespace(writer, 2, namespace))

/** Bytes of an upsert beside its records. */
export const envelopeBytes = (namespace: string): number => namespaceField(namespace).length

/** An upsert. */
export const upsertMessage = (records: ReadonlyArray<ProtoRecord>, namespace: string): Uint8Array =>
  Buffer.concat([...records.map(({ field }) => field), namespaceField(namespace)])

/**
 * Vectors as protobuf. A record's bytes are made once: they are measured when batches are built and joined when they are
 * sent. They are a copy, so a program may use its arrays again.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import type { SizedRecord } from "../PineconeApi.ts"
import type { Metadata, SparseValues, Values, VectorRecord } from "../VectorRecord.ts"
import { defaultNamespace } from "./namespace.ts"
import { bytesOf, writeFloats, writeMessage, writeStruct, writeText } from "./protobuf.ts"

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

/** Encoded records lie side by side in slabs of this many bytes: an allocation for each would cost more than its copy. */
const slabBytes = 262_144

let slab = Buffer.allocUnsafe(0)
let used = 0

const room = (bytes: number): Buffer => {
  if (used + bytes > slab.length) {
    slab = Buffer.allocUnsafe(Math.max(slabBytes, bytes))
    used = 0
  }
  used += bytes
  return slab.subarray(used - bytes, used)
}

const varintSize = (n: number): number => (n < 128 ? 1 : n < 16_384 ? 2 : n < 2_097_152 ? 3 : 4)

/** Writes a field's number and its length, and gives the place after them. */
const writeHead = (target: Buffer, at: number, field: number, length: number): number => {
  target[at++] = (field << 3) | WireType.LengthDelimited
  for (; length > 127; length >>>= 7) target[at++] = (length & 127) | 128
  target[at++] = length
  return at
}

const headSize = (length: number): number => 1 + varintSize(length)

/** A record as the field of an upsert that holds it. All but its id and its values are made by the library. */
const encode = ({ id, metadata, sparseValues, values }: VectorRecord): Buffer => {
  const rest = message((writer) => {
    writeMetadata(writer, 3, metadata)
    writeSparse(writer, 4, sparseValues)
  })
  const idBytes = Buffer.byteLength(id)
  const valueBytes = 4 * (values?.length ?? 0)
  const content = headSize(idBytes) + idBytes + (valueBytes === 0 ? 0 : headSize(valueBytes) + valueBytes) + rest.length
  const field = room(headSize(content) + content)
  let at = writeHead(field, 0, 1, content)
  at = writeHead(field, at, 1, idBytes)
  at += field.write(id, at)
  if (values !== undefined && valueBytes > 0) {
    at = writeHead(field, at, 2, valueBytes)
    field.set(bytesOf(values), at)
    at += valueBytes
  }
  field.set(rest, at)
  return field
}

/** A record together with its protobuf. */
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
export const writeNamespace = (writer: BinaryWriter, field: number, namespace: string): void =>
  writeText(writer, field, namespace === defaultNamespace ? "" : namespace)

const namespaceField = (namespace: string): Uint8Array => message((writer) => writeNamespace(writer, 2, namespace))

/** Bytes of an upsert beside its records. */
export const envelopeBytes = (namespace: string): number => namespaceField(namespace).length

/** An upsert. */
export const upsertMessage = (records: ReadonlyArray<ProtoRecord>, namespace: string): Uint8Array =>
  Buffer.concat([...records.map(({ field }) => field), namespaceField(namespace)])

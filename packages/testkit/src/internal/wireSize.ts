/**
 * Sizes of messages in their protobuf form (`db_data.proto` of the service), computed without encoding them.
 * All field numbers involved are below 16, so every tag takes one byte.
 */
import type { Metadata, MetadataValue, SparseValues, VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { Buffer } from "node:buffer"

/** Bytes a record adds to an upsert request, its own tag and length included. */
export const recordSize = (record: VectorRecord): number =>
  field(
    text(record.id) +
      floats(record.values?.length ?? 0) +
      (record.metadata === undefined ? 0 : field(metadataSize(record.metadata))) +
      (record.sparseValues === undefined ? 0 : field(sparseSize(record.sparseValues)))
  )

/** Bytes of an upsert request beside its records. */
export const envelopeSize = (namespace: string): number => text(namespace)

const varint = (n: number): number => (n < 128 ? 1 : n < 16_384 ? 2 : n < 2_097_152 ? 3 : n < 268_435_456 ? 4 : 5)

const field = (length: number): number => 1 + varint(length) + length

const text = (content: string): number => field(Buffer.byteLength(content))

const floats = (count: number): number => (count === 0 ? 0 : field(4 * count))

const sparseSize = (sparse: SparseValues): number => {
  let indices = 0
  for (const index of sparse.indices) indices += varint(index)
  return (indices === 0 ? 0 : field(indices)) + floats(sparse.values.length)
}

const metadataSize = (metadata: Metadata): number => {
  let size = 0
  for (const [key, value] of Object.entries(metadata)) size += field(text(key) + field(valueSize(value)))
  return size
}

const valueSize = (value: MetadataValue): number => {
  if (typeof value === "string") return text(value)
  if (typeof value === "number") return 9
  if (!Array.isArray(value)) return 2
  let items = 0
  for (const item of value) items += field(valueSize(item))
  return field(items)
}

/**
 * The replies of the data plane as protobuf, and how they become ours. They throw when the bytes are no such message, or
 * hold metadata that Pinecone does not have: leaving it out would lose data unseen.
 */
import { type BinaryReader, WireType } from "@bufbuild/protobuf/wire"
import * as Predicate from "effect/Predicate"
import type { FetchReply, ListReply, Match, NamespacesReply, QueryReply, Stats } from "../PineconeApi.ts"
import type { Metadata, MetadataValue, SparseValues, VectorRecord } from "../VectorRecord.ts"
import { namespaceName } from "./namespace.ts"
import { readEntry, readFloats, readMessage, readStruct } from "./protobuf.ts"

const { Bit32, LengthDelimited, Varint } = WireType

const isMetadataField = (field: [string, unknown]): field is [string, MetadataValue] => {
  const value = field[1]
  return (
    typeof value === "string" ||
    typeof value === "number" ||
    typeof value === "boolean" ||
    (Array.isArray(value) && value.every(Predicate.isString))
  )
}

/** Fields that are null are as good as absent. */
const readMetadata = (bytes: Uint8Array): Metadata => {
  const fields: Array<[string, MetadataValue]> = []
  for (const field of Object.entries(readStruct(bytes))) {
    if (isMetadataField(field)) fields.push(field)
    else if (field[1] !== null) throw new TypeError(`the metadata has a nested value in field ${field[0]}`)
  }
  return Object.fromEntries(fields)
}

const readSparse = (bytes: Uint8Array): SparseValues | undefined => {
  const indices: Array<number> = []
  let values: Float32Array | undefined
  readMessage(bytes, (field, wireType, reader) => {
    if (field === 1 && wireType === Varint) indices.push(reader.uint32())
    else if (field === 1 && wireType === LengthDelimited) {
      for (const end = reader.uint32() + reader.pos; reader.pos < end;) indices.push(reader.uint32())
    } else if (field === 2 && isFloats(wireType)) values = readFloats(reader, wireType, values)
    else return false
    return true
  })
  return indices.length === 0
    ? undefined
    : { indices: Uint32Array.from(indices), values: values ?? new Float32Array(0) }
}

const isFloats = (wireType: WireType): boolean => wireType === LengthDelimited || wireType === Bit32

/** The fields of `Vector`, which `ScoredVector` has too, after its score, under other numbers. */
const readRecord = (bytes: Uint8Array, scored: boolean): Match => {
  const shift = scored ? 1 : 0
  let id = ""
  let score = 0
  let values: Float32Array | undefined
  let sparseValues: SparseValues | undefined
  let metadata: Metadata | undefined
  readMessage(bytes, (field, wireType, reader) => {
    if (field === 1 && wireType === LengthDelimited) id = reader.string(true)
    else if (scored && field === 2 && wireType === Bit32) score = reader.float()
    else if (field === 2 + shift && isFloats(wireType)) values = readFloats(reader, wireType, values)
    else if (field === 3 + shift && wireType === LengthDelimited) metadata = readMetadata(reader.bytes())
    else if (field === 4 + shift && wireType === LengthDelimited) sparseValues = readSparse(reader.bytes())
    else return false
    return true
  })
  if (!Number.isFinite(score)) throw new TypeError(`the score of ${JSON.stringify(id)} is ${score}`)
  return { id, score, values, sparseValues, metadata }
}

const toRecord = ({ id, metadata, sparseValues, values }: Match): VectorRecord => ({
  id,
  values,
  sparseValues,
  metadata
})

const readUsage = (reader: BinaryReader): number | undefined => firstNumber(reader.bytes())

/** The first field of a message that has one number. */
const firstNumber = (bytes: Uint8Array): number => {
  let value = 0
  readMessage(bytes, (field, wireType, reader) => {
    if (field !== 1 || wireType !== Varint) return false
    value = reader.uint32()
    return true
  })
  return value
}

/** The first field of a message that has one text. */
const firstText = (bytes: Uint8Array): string => {
  let text = ""
  readMessage(bytes, (field, wireType, reader) => {
    if (field !== 1 || wireType !== LengthDelimited) return false
    text = reader.string(true)
    return true
  })
  return text
}

/** The count of records the service took; one that is not there is zero. */
export const upserted = firstNumber

/** The count of records an update matched, where the service tells it. */
export const updated = (bytes: Uint8Array): number | undefined => firstNumber(bytes) || undefined

/** Nothing but that it was done. */
export const done = (): undefined => undefined

export const query = (bytes: Uint8Array): QueryReply => {
  const matches: Array<Match> = []
  let readUnits: number | undefined
  readMessage(bytes, (field, wireType, reader) => {
    if (wireType !== LengthDelimited) return false
    if (field === 2) matches.push(readRecord(reader.bytes(), true))
    else if (field === 4) readUnits = readUsage(reader)
    else return false
    return true
  })
  return { matches, readUnits }
}

export const fetched = (bytes: Uint8Array): FetchReply => {
  const records = new Map<string, VectorRecord>()
  let readUnits: number | undefined
  readMessage(bytes, (field, wireType, reader) => {
    if (wireType !== LengthDelimited) return false
    if (field === 1) {
      const [id, record] = readEntry(reader.bytes(), (vector) => readRecord(vector, false))
      records.set(id, toRecord(record))
    } else if (field === 3) readUnits = readUsage(reader)
    else return false
    return true
  })
  return { records, readUnits }
}

export const listed = (bytes: Uint8Array): ListReply => {
  const ids: Array<string> = []
  let next: string | undefined
  let readUnits: number | undefined
  readMessage(bytes, (field, wireType, reader) => {
    if (wireType !== LengthDelimited) return false
    if (field === 1) ids.push(firstText(reader.bytes()))
    // An empty token means the same as none: there is no next page.
    else if (field === 2) next = firstText(reader.bytes()) || undefined
    else if (field === 4) readUnits = readUsage(reader)
    else return false
    return true
  })
  return { ids, next, readUnits }
}

export const stats = (bytes: Uint8Array): Stats => {
  const namespaces = new Map<string, number>()
  let dimension: number | undefined
  let metric: string | undefined
  let totalRecords: number | undefined
  readMessage(bytes, (field, wireType, reader) => {
    if (field === 1 && wireType === LengthDelimited) {
      const [name, count] = readEntry(reader.bytes(), firstNumber)
      namespaces.set(namespaceName(name), count)
    } else if (field === 2 && wireType === Varint) dimension = reader.uint32() || undefined
    else if (field === 4 && wireType === Varint) totalRecords = reader.uint32()
    else if (field === 5 && wireType === LengthDelimited) metric = reader.string(true) || undefined
    else return false
    return true
  })
  return {
    dimension,
    metric,
    totalRecords: totalRecords ?? Array.from(namespaces.values()).reduce((sum, count) => sum + count, 0),
    namespaces
  }
}

const readNamespace = (bytes: Uint8Array): NamespacesReply["namespaces"][number] => {
  let name = ""
  let records = 0
  readMessage(bytes, (field, wireType, reader) => {
    if (field === 1 && wireType === LengthDelimited) name = reader.string(true)
    else if (field === 2 && wireType === Varint) records = Number(reader.uint64())
    else return false
    return true
  })
  return { name: namespaceName(name), records }
}

export const namespaces = (bytes: Uint8Array): NamespacesReply => {
  const found: Array<NamespacesReply["namespaces"][number]> = []
  let next: string | undefined
  readMessage(bytes, (field, wireType, reader) => {
    if (wireType !== LengthDelimited) return false
    if (field === 1) found.push(readNamespace(reader.bytes()))
    else if (field === 2) next = firstText(reader.bytes()) || undefined
    else return false
    return true
  })
  return { namespaces: found, next }
}

/**
 * The replies of the data plane as protobuf, and how they become ours. They throw when the bytes are no such message, or
 * hold metadata that Pinecone does not have: leaving it out would lose data unseen.
 */
import { type BinaryReader, WireType } from "@bufbuild/protobuf/wire"
import * as Predicate from "effect/Predicate"
import type { FetchReply, ListReply, Match, NamespacesReply, QueryReply, Stats } from "../PineconeApi.ts"
import type { Metadata, MetadataValue, SparseValues, VectorRecord } from "../VectorRecord.ts"
import { namespaceName } from "./namespace.ts"
import { type Read, readEntry, readFields, readFloats, readInside, readStruct, readWhole } from "./protobuf.ts"

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
const readMetadata: Read<Metadata> = (reader, end) => {
  const fields: Array<[string, MetadataValue]> = []
  for (const field of Object.entries(readStruct(reader, end))) {
    if (isMetadataField(field)) fields.push(field)
    else if (field[1] !== null) throw new TypeError(`the metadata has a nested value in field ${field[0]}`)
  }
  return Object.fromEntries(fields)
}

const readSparse: Read<SparseValues | undefined> = (reader, end) => {
  const indices: Array<number> = []
  let values: Float32Array | undefined
  readFields(reader, end, (field, wireType) => {
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
const readRecord = (reader: BinaryReader, end: number, scored: boolean): Match => {
  const shift = scored ? 1 : 0
  let id = ""
  let score = 0
  let values: Float32Array | undefined
  let sparseValues: SparseValues | undefined
  let metadata: Metadata | undefined
  readFields(reader, end, (field, wireType) => {
    if (field === 1 && wireType === LengthDelimited) id = reader.string(true)
    else if (scored && field === 2 && wireType === Bit32) score = reader.float()
    else if (field === 2 + shift && isFloats(wireType)) values = readFloats(reader, wireType, values)
    else if (field === 3 + shift && wireType === LengthDelimited) metadata = readInside(reader, readMetadata)
    else if (field === 4 + shift && wireType === LengthDelimited) sparseValues = readInside(reader, readSparse)
    else return false
    return true
  })
  if (!Number.isFinite(score)) throw new TypeError(`the score of ${JSON.stringify(id)} is ${score}`)
  return { id, score, values, sparseValues, metadata }
}

const readMatch: Read<Match> = (reader, end) => readRecord(reader, end, true)

/** By its id. */
const readStored = readEntry((reader, end) => readRecord(reader, end, false))

const toRecord = ({ id, metadata, sparseValues, values }: Match): VectorRecord => ({
  id,
  values,
  sparseValues,
  metadata
})

/** The first field of a message that has one number. */
const firstNumber: Read<number> = (reader, end) => {
  let value = 0
  readFields(reader, end, (field, wireType) => {
    if (field !== 1 || wireType !== Varint) return false
    value = reader.uint32()
    return true
  })
  return value
}

/** The first field of a message that has one text. */
const firstText: Read<string> = (reader, end) => {
  let text = ""
  readFields(reader, end, (field, wireType) => {
    if (field !== 1 || wireType !== LengthDelimited) return false
    text = reader.string(true)
    return true
  })
  return text
}

/** The count of records the service took; one that is not there is zero. */
export const upserted = readWhole(firstNumber)

/** The count of records an update matched, where the service tells it. */
export const updated = readWhole((reader, end) => firstNumber(reader, end) || undefined)

/** Nothing but that it was done. */
export const done = (): undefined => undefined

export const query = readWhole((reader, end): QueryReply => {
  const matches: Array<Match> = []
  let readUnits: number | undefined
  readFields(reader, end, (field, wireType) => {
    if (wireType !== LengthDelimited) return false
    if (field === 2) matches.push(readInside(reader, readMatch))
    else if (field === 4) readUnits = readInside(reader, firstNumber)
    else return false
    return true
  })
  return { matches, readUnits }
})

export const fetched = readWhole((reader, end): FetchReply => {
  const records = new Map<string, VectorRecord>()
  let readUnits: number | undefined
  readFields(reader, end, (field, wireType) => {
    if (wireType !== LengthDelimited) return false
    if (field === 1) {
      const [id, record] = readInside(reader, readStored)
      records.set(id, toRecord(record))
    } else if (field === 3) readUnits = readInside(reader, firstNumber)
    else return false
    return true
  })
  return { records, readUnits }
})

export const listed = readWhole((reader, end): ListReply => {
  const ids: Array<string> = []
  let next: string | undefined
  let readUnits: number | undefined
  readFields(reader, end, (field, wireType) => {
    if (wireType !== LengthDelimited) return false
    if (field === 1) ids.push(readInside(reader, firstText))
    // An empty token means the same as none: there is no next page.
    else if (field === 2) next = readInside(reader, firstText) || undefined
    else if (field === 4) readUnits = readInside(reader, firstNumber)
    else return false
    return true
  })
  return { ids, next, readUnits }
})

export const stats = readWhole((reader, end): Stats => {
  const namespaces = new Map<string, number>()
  let dimension: number | undefined
  let metric: string | undefined
  let totalRecords: number | undefined
  readFields(reader, end, (field, wireType) => {
    if (field === 1 && wireType === LengthDelimited) {
      const [name, count] = readInside(reader, readEntry(firstNumber))
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
})

const readNamespace: Read<NamespacesReply["namespaces"][number]> = (reader, end) => {
  let name = ""
  let records = 0
  readFields(reader, end, (field, wireType) => {
    if (field === 1 && wireType === LengthDelimited) name = reader.string(true)
    else if (field === 2 && wireType === Varint) records = Number(reader.uint64())
    else return false
    return true
  })
  return { name: namespaceName(name), records }
}

export const namespaces = readWhole((reader, end): NamespacesReply => {
  const found: Array<NamespacesReply["namespaces"][number]> = []
  let next: string | undefined
  readFields(reader, end, (field, wireType) => {
    if (wireType !== LengthDelimited) return false
    if (field === 1) found.push(readInside(reader, readNamespace))
    else if (field === 2) next = readInside(reader, firstText) || undefined
    else return false
    return true
  })
  return { namespaces: found, next }
})

/**
 * Protobuf as the data plane uses it, on top of a library's fields: floats as bytes, and `google.protobuf.Struct`, which
 * metadata and filters are.
 */
import { BinaryReader, type BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import * as Predicate from "effect/Predicate"
import type { Values } from "../VectorRecord.ts"

const { Bit32, Bit64, LengthDelimited, Varint } = WireType

/** Floats are little-endian on the wire, and in a typed array as the processor has them. */
const isBigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0

const asWire = (bytes: Buffer): Buffer => (isBigEndian ? bytes.swap32() : bytes)

/** What plain numbers become float32 in before their bytes are taken; grown when a longer vector comes. */
let scratch = new Float32Array(2048)

/** The bytes of a vector. They are good until the next call. */
export const bytesOf = (values: Values): Uint8Array => {
  if (values instanceof Float32Array && !isBigEndian) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  }
  if (values.length > scratch.length) scratch = new Float32Array(values.length)
  scratch.set(values)
  return asWire(Buffer.from(scratch.buffer, 0, 4 * values.length))
}

/** Writes a vector that is not empty as packed floats: one copy, whatever its length. */
export const writeFloats = (writer: BinaryWriter, field: number, values: Values | undefined): void => {
  if (values !== undefined && values.length > 0) writer.tag(field, LengthDelimited).bytes(bytesOf(values))
}

/** Writes text; an empty one is what the field has when it is not there. */
export const writeText = (writer: BinaryWriter, field: number, text: string): void => {
  if (text !== "") writer.tag(field, LengthDelimited).string(text)
}

/** Writes a message inside another. */
export const writeMessage = (writer: BinaryWriter, field: number, fill: () => void): void => {
  writer.tag(field, LengthDelimited).fork()
  fill()
  writer.join()
}

/** Writes the fields of a `Struct`. The object must be plain JSON. */
export const writeStruct = (writer: BinaryWriter, object: Readonly<Record<string, unknown>>): void => {
  for (const [key, value] of Object.entries(object)) {
    writeMessage(writer, 1, () => {
      writer.tag(1, LengthDelimited).string(key)
      writeMessage(writer, 2, () => writeValue(writer, value))
    })
  }
}

const writeValue = (writer: BinaryWriter, value: unknown): void => {
  if (typeof value === "string") writer.tag(3, LengthDelimited).string(value)
  else if (typeof value === "number") writer.tag(2, Bit64).double(value)
  else if (typeof value === "boolean") writer.tag(4, Varint).bool(value)
  else if (Array.isArray(value)) {
    writeMessage(writer, 6, () => {
      for (const element of value) writeMessage(writer, 1, () => writeValue(writer, element))
    })
  } else if (Predicate.isReadonlyObject(value)) writeMessage(writer, 5, () => writeStruct(writer, { ...value }))
  else writer.tag(1, Varint).int32(0)
}

/** Takes a field it knows, and says whether it did. */
type TakeField = (field: number, wireType: WireType, reader: BinaryReader) => boolean

/** Reads a message field by field; what nobody takes is skipped. Throws when the bytes are no message. */
export const readMessage = (bytes: Uint8Array, take: TakeField): void => {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (!take(field, wireType, reader)) reader.skip(wireType, field)
  }
}

/** The numbers of a float field that has come so far: servers may pack them, in one run or several, or not. */
export const readFloats = (
  reader: BinaryReader,
  wireType: WireType,
  before: Float32Array | undefined
): Float32Array => {
  if (wireType === Bit32) return joined(before, Float32Array.of(reader.float()))
  const bytes = reader.bytes()
  if (bytes.byteLength % 4 !== 0) throw new RangeError(`${bytes.byteLength} bytes of floats`)
  // A copy of the vector's own: the message's bytes need not be aligned, and would be kept alive as a whole.
  const copy = new Float32Array(bytes.byteLength / 4)
  const target = Buffer.from(copy.buffer)
  target.set(bytes)
  asWire(target)
  return joined(before, copy)
}

const joined = (before: Float32Array | undefined, values: Float32Array): Float32Array => {
  if (before === undefined || before.length === 0) return values
  const all = new Float32Array(before.length + values.length)
  all.set(before)
  all.set(values, before.length)
  return all
}

/** Levels that values of a `Struct` may be nested; a reply that goes deeper is refused. */
const maxDepth = 100

/** Reads a `Struct` as a plain object. */
export const readStruct = (bytes: Uint8Array, depth = maxDepth): Record<string, unknown> => {
  const entries: Array<[string, unknown]> = []
  readMessage(bytes, (field, _, reader) => {
    if (field !== 1) return false
    entries.push(readEntry(reader.bytes(), (value) => readValue(value, depth - 1)))
    return true
  })
  // An assignment would lose a field called __proto__.
  return Object.fromEntries(entries)
}

/** Reads the entry of a map with keys of text. */
export const readEntry = <A>(bytes: Uint8Array, readBytes: (value: Uint8Array) => A): [string, A] => {
  let key = ""
  let value: Uint8Array = new Uint8Array(0)
  readMessage(bytes, (field, wireType, reader) => {
    if (wireType !== LengthDelimited) return false
    if (field === 1) key = reader.string(true)
    else if (field === 2) value = reader.bytes()
    else return false
    return true
  })
  return [key, readBytes(value)]
}

const readValue = (bytes: Uint8Array, depth: number): unknown => {
  if (depth < 0) throw new RangeError("a value is nested too deeply")
  let value: unknown = null
  readMessage(bytes, (field, wireType, reader) => {
    if (field === 2 && wireType === Bit64) value = reader.double()
    else if (field === 3 && wireType === LengthDelimited) value = reader.string(true)
    else if (field === 4 && wireType === Varint) value = reader.bool()
    else if (field === 5 && wireType === LengthDelimited) value = readStruct(reader.bytes(), depth)
    else if (field === 6 && wireType === LengthDelimited) value = readList(reader.bytes(), depth)
    else return false
    return true
  })
  return value
}

const readList = (bytes: Uint8Array, depth: number): Array<unknown> => {
  const list: Array<unknown> = []
  readMessage(bytes, (field, wireType, reader) => {
    if (field !== 1 || wireType !== LengthDelimited) return false
    list.push(readValue(reader.bytes(), depth - 1))
    return true
  })
  return list
}

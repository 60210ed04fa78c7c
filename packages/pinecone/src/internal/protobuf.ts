/**
 * Protobuf as the data plane uses it: floats as bytes, and `google.protobuf.Struct`, which metadata and filters are. Fields
 * are read by a library and written by {@link MessageWriter}.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire"
import * as Predicate from "effect/Predicate"
import { isBigEndian, type MessageWriter } from "./messageWriter.ts"

const { Bit32, Bit64, LengthDelimited, Varint } = WireType

/** About what a field of a `Struct` takes beside its texts. */
const fieldBytes = 8

/** Writes the fields of a `Struct`. The object must be plain JSON. */
export const writeStruct = (writer: MessageWriter, object: Readonly<Record<string, unknown>>): void => {
  for (const key of Object.keys(object)) {
    const value = object[key]
    const valueBytes = fieldBytes + (typeof value === "string" ? value.length : 0)
    writer.message(1, valueBytes + key.length, () => {
      writer.text(1, key)
      writer.message(2, valueBytes - fieldBytes, () => writeValue(writer, value))
    })
  }
}

const writeValue = (writer: MessageWriter, value: unknown): void => {
  if (typeof value === "string") writer.text(3, value)
  else if (typeof value === "number") writer.double(2, value)
  else if (typeof value === "boolean") writer.flag(4, value)
  else if (Array.isArray(value)) {
    writer.message(6, 0, () => {
      for (const element of value) writer.message(1, 0, () => writeValue(writer, element))
    })
  } else if (Predicate.isReadonlyObject(value)) writer.message(5, 0, () => writeStruct(writer, { ...value }))
  else writer.number(1, 0)
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
  if (isBigEndian) target.swap32()
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

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
    writer.begin(1, valueBytes + key.length)
    writer.text(1, key)
    writer.begin(2, valueBytes - fieldBytes)
    writeValue(writer, value)
    writer.end()
    writer.end()
  }
}

const writeValue = (writer: MessageWriter, value: unknown): void => {
  if (typeof value === "string") writer.text(3, value)
  else if (typeof value === "number") writer.double(2, value)
  else if (typeof value === "boolean") writer.flag(4, value)
  else if (Array.isArray(value)) {
    writer.begin(6, 0)
    for (const element of value) {
      writer.begin(1, 0)
      writeValue(writer, element)
      writer.end()
    }
    writer.end()
  } else if (Predicate.isReadonlyObject(value)) {
    writer.begin(5, 0)
    writeStruct(writer, { ...value })
    writer.end()
  } else writer.number(1, 0)
}

/** Takes a field it knows, and says whether it did. */
type TakeField = (field: number, wireType: WireType) => boolean

/** Reads a message whose last byte is before `end`. */
export type Read<A> = (reader: BinaryReader, end: number) => A

/** Reads a message field by field; what nobody takes is skipped. Throws when the bytes are no message. */
export const readFields = (reader: BinaryReader, end: number, take: TakeField): void => {
  while (reader.pos < end) {
    const [field, wireType] = reader.tag()
    if (!take(field, wireType)) reader.skip(wireType, field)
  }
  if (reader.pos !== end) throw new RangeError("a field is longer than its message")
}

/** Reads bytes that are one message. */
export const readWhole =
  <A>(read: Read<A>) =>
  (bytes: Uint8Array): A =>
    read(new BinaryReader(bytes), bytes.length)

/** Reads a field that is a message, in place: a reader of its own would cost as much as a small message. */
export const readInside = <A>(reader: BinaryReader, read: Read<A>): A => {
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > reader.len) throw new RangeError("a message is longer than what it is in")
  return read(reader, end)
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
export const readStruct: Read<Record<string, unknown>> = (reader, end) => readObject(reader, end, maxDepth)

const readObject = (reader: BinaryReader, end: number, depth: number): Record<string, unknown> => {
  const entries: Array<[string, unknown]> = []
  readFields(reader, end, (field, wireType) => {
    if (field !== 1 || wireType !== LengthDelimited) return false
    entries.push(
      readInside(
        reader,
        readEntry((value, end) => readValue(value, end, depth - 1))
      )
    )
    return true
  })
  // An assignment would lose a field called __proto__.
  return Object.fromEntries(entries)
}

/** Reads the entry of a map with keys of text. An entry without a value has one that is empty. */
export const readEntry =
  <A>(read: Read<A>): Read<[string, A]> =>
  (reader, end) => {
    let key = ""
    let value: { readonly read: A } | undefined
    readFields(reader, end, (field, wireType) => {
      if (wireType !== LengthDelimited) return false
      if (field === 1) key = reader.string(true)
      else if (field === 2) value = { read: readInside(reader, read) }
      else return false
      return true
    })
    return [key, value === undefined ? readWhole(read)(new Uint8Array(0)) : value.read]
  }

const readValue = (reader: BinaryReader, end: number, depth: number): unknown => {
  if (depth < 0) throw new RangeError("a value is nested too deeply")
  let value: unknown = null
  readFields(reader, end, (field, wireType) => {
    if (field === 2 && wireType === Bit64) value = reader.double()
    else if (field === 3 && wireType === LengthDelimited) value = reader.string(true)
    else if (field === 4 && wireType === Varint) value = reader.bool()
    else if (field === 5 && wireType === LengthDelimited)
      value = readInside(reader, (_, end) => readObject(reader, end, depth))
    else if (field === 6 && wireType === LengthDelimited)
      value = readInside(reader, (_, end) => readList(reader, end, depth))
    else return false
    return true
  })
  return value
}

const readList = (reader: BinaryReader, end: number, depth: number): Array<unknown> => {
  const list: Array<unknown> = []
  readFields(reader, end, (field, wireType) => {
    if (field !== 1 || wireType !== LengthDelimited) return false
    list.push(readInside(reader, (_, end) => readValue(reader, end, depth - 1)))
    return true
  })
  return list
}

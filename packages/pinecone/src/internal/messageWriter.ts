/**
 * Writes protobuf messages. They lie side by side in slabs: to allocate for each record would cost more than to write it.
 *
 * A message inside another has its length before it, which is known when it is written. Room for it is left as its
 * `expected` length needs, and what was written is moved when that was wrong.
 */
import type { Values } from "../VectorRecord.ts"

const slabBytes = 65_536

/** Floats are little-endian on the wire, and in a typed array as the processor has them. */
export const isBigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0

const varintBytes = (n: number): number => (n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x20_0000 ? 3 : n < 0x1000_0000 ? 4 : 5)

/** Texts up to this are written letter by letter, which is faster than to ask for more than a few. */
const shortText = 32

const varint = 0
const bit64 = 1
const lengthDelimited = 2

export class MessageWriter {
  private slab = Buffer.allocUnsafeSlow(slabBytes)
  /** Where the message begins, and where the next byte goes. */
  private start = 0
  private at = 0
  /** What plain numbers become float32 in before their bytes are taken; grown when a longer vector comes. */
  private floats = new Float32Array(2048)

  /** The message that was written. The next one begins behind it. */
  take(): Buffer {
    const message = this.slab.subarray(this.start, this.at)
    this.start = this.at
    return message
  }

  /** Forgets a message that could not be written to its end. */
  drop(): void {
    this.at = this.start
  }

  /** An unsigned number of 32 bits. */
  number(field: number, value: number): void {
    this.head(field, varint)
    this.varint(value)
  }

  flag(field: number, value: boolean): void {
    this.number(field, value ? 1 : 0)
  }

  double(field: number, value: number): void {
    this.head(field, bit64)
    this.room(8)
    this.slab.writeDoubleLE(value, this.at)
    this.at += 8
  }

  text(field: number, text: string): void {
    this.head(field, lengthDelimited)
    const { length } = text
    this.room(3 * length + 5)
    if (length <= shortText && this.ascii(text)) return
    const bytes = Buffer.byteLength(text)
    this.varint(bytes)
    this.at += this.slab.write(text, this.at)
  }

  /** Packed floats: one copy, whatever their number. */
  vector(field: number, values: Values): void {
    this.head(field, lengthDelimited)
    const bytes = 4 * values.length
    this.room(bytes + 5)
    this.varint(bytes)
    this.slab.set(this.bytesOf(values), this.at)
    this.at += bytes
  }

  /** Packed numbers of 32 bits. */
  numbers(field: number, values: ArrayLike<number>): void {
    this.message(field, values.length, () => {
      for (let i = 0; i < values.length; i++) this.varint(values[i]!)
    })
  }

  /** A message inside; `fill` writes its fields. */
  message(field: number, expected: number, fill: () => void): void {
    this.head(field, lengthDelimited)
    const left = varintBytes(expected)
    this.room(5)
    this.at += left
    // Counted from the start, which moves with the message when that needs a larger slab.
    const from = this.at - this.start
    fill()
    const begin = this.start + from
    const length = this.at - begin
    const needed = varintBytes(length)
    if (needed !== left) {
      this.room(5)
      this.slab.copyWithin(this.start + from + needed - left, this.start + from, this.at)
    }
    this.at = this.start + from - left
    this.varint(length)
    this.at += length
  }

  private head(field: number, wireType: number): void {
    this.varint((field << 3) | wireType)
  }

  private varint(value: number): void {
    this.room(5)
    let rest = value
    while (rest > 0x7f) {
      this.slab[this.at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.slab[this.at++] = rest
  }

  /** Writes a short text and its length, unless it is not ASCII. */
  private ascii(text: string): boolean {
    const { slab } = this
    let at = this.at
    slab[at++] = text.length
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      slab[at++] = code
    }
    this.at = at
    return true
  }

  private bytesOf(values: Values): Uint8Array {
    if (values instanceof Float32Array && !isBigEndian) {
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    }
    if (values.length > this.floats.length) this.floats = new Float32Array(values.length)
    this.floats.set(values)
    const bytes = Buffer.from(this.floats.buffer, 0, 4 * values.length)
    return isBigEndian ? bytes.swap32() : bytes
  }

  /** Makes room for more bytes; a message that has begun moves to a slab of its own. */
  private room(bytes: number): void {
    if (this.at + bytes <= this.slab.length) return
    const written = this.at - this.start
    const slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, 2 * (written + bytes)))
    this.slab.copy(slab, 0, this.start, this.at)
    this.slab = slab
    this.start = 0
    this.at = written
  }
}

/**
 * Writes protobuf messages. Small ones lie side by side in slabs: to allocate for each would cost more than to write it.
 *
 * A message inside another has its length before it, which is known when it is written. Room for it is left as its
 * expected length needs, and what was written is moved when that was wrong.
 */
import type { Values } from "../VectorRecord.ts"

const slabBytes = 65_536

/** Floats are little-endian on the wire, and in a typed array as the processor has them. */
export const isBigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0

export const varintBytes = (n: number): number =>
  n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x20_0000 ? 3 : n < 0x1000_0000 ? 4 : 5

/** Texts up to this length are written letter by letter: a call into native code pays only for longer ones. */
const shortText = 24

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
  private floatBytes = Buffer.from(this.floats.buffer)
  /** Of the messages inside that are being written: where each begins, from the start, and the bytes left for its length. */
  private readonly open: Array<number> = []

  /** The message that was written. The next one begins behind it. */
  take(): Buffer {
    const message = this.slab.subarray(this.start, this.at)
    this.start = this.at
    return message
  }

  /** What was written of a message, until {@link drop} or the next field. */
  written(): Buffer {
    return this.slab.subarray(this.start, this.at)
  }

  /** Forgets a message: it is not wanted, or could not be written to its end. */
  drop(): void {
    this.at = this.start
    this.open.length = 0
  }

  /** Makes room for a message, so that it is not moved while it grows. */
  reserve(bytes: number): void {
    this.room(bytes)
  }

  /** Fields that were written before. */
  fields(bytes: Uint8Array): void {
    this.room(bytes.length)
    this.slab.set(bytes, this.at)
    this.at += bytes.length
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
    const from = this.at - this.start
    const left = varintBytes(length)
    this.at += left
    this.at += this.slab.write(text, this.at)
    this.setLength(from, left)
  }

  /** Packed floats: one copy, whatever their number. */
  vector(field: number, values: Values): void {
    this.head(field, lengthDelimited)
    const bytes = 4 * values.length
    this.room(bytes + 5)
    this.varint(bytes)
    if (values instanceof Float32Array && !isBigEndian) {
      this.slab.set(new Uint8Array(values.buffer, values.byteOffset, bytes), this.at)
    } else {
      this.convert(values)
      this.floatBytes.copy(this.slab, this.at, 0, bytes)
    }
    this.at += bytes
  }

  /** Packed numbers of 32 bits. */
  numbers(field: number, values: ArrayLike<number>): void {
    this.begin(field, values.length)
    for (let i = 0; i < values.length; i++) this.varint(values[i]!)
    this.end()
  }

  /** Begins a message inside, of about so many bytes: what is written up to its {@link end} are its fields. */
  begin(field: number, expected: number): void {
    this.head(field, lengthDelimited)
    const left = varintBytes(expected)
    this.room(5)
    // From the start, which moves with the message when that needs a larger slab.
    this.open.push(this.at - this.start, left)
    this.at += left
  }

  /** Ends the message inside that was begun last. */
  end(): void {
    const left = this.open.pop()!
    this.setLength(this.open.pop()!, left)
  }

  /** Writes the length of what was written since `from`, where so many bytes were left for it. */
  private setLength(from: number, left: number): void {
    const length = this.at - this.start - from - left
    const needed = varintBytes(length)
    if (needed !== left) {
      this.room(5)
      const at = this.start + from
      this.slab.copyWithin(at + needed, at + left, this.at)
    }
    this.at = this.start + from
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

  /** Puts numbers into {@link floats}. A loop is faster than `set` for an array of numbers. */
  private convert(values: Values): void {
    const { length } = values
    if (length > this.floats.length) {
      this.floats = new Float32Array(length)
      this.floatBytes = Buffer.from(this.floats.buffer)
    }
    const { floats } = this
    for (let i = 0; i < length; i++) floats[i] = values[i]!
    if (isBigEndian) this.floatBytes.subarray(0, 4 * length).swap32()
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

/**
 * JSON as bytes, with vectors in the digits that float32 has and no more. `JSON.stringify` writes what tells two float64
 * apart, up to 17 digits. Pinecone stores float32, for which 9 are enough and mostly 7 or 8; what is written here reads as
 * the same float32.
 *
 * A number is scaled to 9 digits before the point. Half the distance to the next float32 is then between 2.9 and 60, so the
 * nearest whole number will do, and often the nearest whose last one or two digits are zeros. Scaling is done in float64
 * and is wrong by less than a millionth, which is kept away from the border (`slack`).
 */
import type { Values } from "../VectorRecord.ts"

const slack = 1e-6

const mantissaBits = 0x7fffff

// Numbers of one exponent have their point in one place, or from some mantissa on in the next: two rows an exponent.
const borders = new Int32Array(255)
/** What a number is multiplied by. */
const scales = new Float64Array(510)
/** Half the distance to the next number, scaled. */
const halves = new Float64Array(510)
/** Where the point stands in the digits: 0 is before the first, 2 behind the second. */
const places = new Int32Array(510)
for (let exponent = 1; exponent < 255; exponent++) {
  const smallest = 2 ** (exponent - 127)
  const place = Math.floor(Math.log10(smallest)) + 1
  borders[exponent] = Math.min(mantissaBits + 1, Math.ceil((Number(`1e${place}`) / smallest - 1) * 2 ** 23))
  for (const row of [0, 1]) {
    const scale = Number(`1e${9 - place - row}`)
    scales[2 * exponent + row] = scale
    halves[2 * exponent + row] = 2 ** (exponent - 151) * scale - slack
    places[2 * exponent + row] = place + row
  }
}

/** Three digits as a little-endian word. */
const triples = new Uint32Array(1000)
for (let n = 0; n < 1000; n++) {
  const digit = (place: number) => 48 + (Math.floor(n / place) % 10)
  triples[n] = digit(100) | (digit(10) << 8) | (digit(1) << 16)
}

const code = (character: string): number => character.charCodeAt(0)
const minus = code("-")
const point = code(".")
const comma = code(",")
const zero = code("0")
const e = code("e")
/** `0.00` and `0000` as little-endian words. */
const zeroPoint = 0x30302e30
const zeros = 0x30303030

// A vector is written in pieces, so that this room is of one size: that is a fifth faster than room that may change.
const pieceLength = 1024
const floats = new Float32Array(pieceLength)
const bits = new Int32Array(floats.buffer)
/** The longest number is `-0.00000123456789,`; digits are written by the three, also those that are not kept. */
const piece = Buffer.allocUnsafeSlow(18 * pieceLength + 16)
const view = new DataView(piece.buffer)

/** Writes the 9 digits of `n`. */
const writeDigits = (at: number, n: number): void => {
  const high = (n / 1_000_000) | 0
  const rest = n - high * 1_000_000
  const middle = (rest / 1000) | 0
  view.setUint32(at, triples[high]!, true)
  view.setUint32(at + 3, triples[middle]!, true)
  view.setUint32(at + 6, triples[rest - middle * 1000]!, true)
}

/** Where digits end without the zeros at their end. */
const withoutZeros = (end: number): number => {
  let at = end
  while (piece[at - 1] === zero) at--
  return at
}

/** Writes `digits` of the 9 digits of `n` and the point behind `place` of them, or an exponent. */
const writeLarge = (at: number, n: number, digits: number, place: number): number => {
  const whole = place > 0 && place <= 9 ? place : 1
  writeDigits(at, n)
  let end = Math.max(at + whole, withoutZeros(at + digits))
  if (end > at + whole) {
    for (let i = end; i > at + whole; i--) piece[i] = piece[i - 1]!
    piece[at + whole] = point
    end++
  }
  return whole === place ? end : writeExponent(end, place - 1)
}

const writeExponent = (start: number, exponent: number): number => {
  let at = start
  piece[at++] = e
  if (exponent < 0) piece[at++] = minus
  const size = Math.abs(exponent)
  if (size > 9) piece[at++] = zero + Math.floor(size / 10)
  piece[at++] = zero + (size % 10)
  return at
}

/** Zeros, and what is below 1.2e-38 and has fewer digits. What JSON has no number for is `null`, as `JSON.stringify` has it. */
const rare = (x: number): string => {
  if (x === 0) return Object.is(x, -0) ? "-0" : "0"
  return Number.isFinite(x) ? String(Number(x.toPrecision(9))) : "null"
}

/** Writes numbers with a comma behind each. */
const writePiece = (values: Values): number => {
  floats.set(values)
  let at = 0
  for (let i = 0; i < values.length; i++) {
    const word = bits[i]!
    const exponent = (word >>> 23) & 255
    if (exponent === 0 || exponent === 255) {
      at += piece.write(rare(floats[i]!), at)
      piece[at++] = comma
      continue
    }
    piece[at] = minus
    at += word >>> 31
    const mantissa = word & mantissaBits
    const row = 2 * exponent + (mantissa >= borders[exponent]! ? 1 : 0)
    const scaled = Math.abs(floats[i]!) * scales[row]!
    // Below a power of two numbers are twice as dense.
    const half = mantissa === 0 ? halves[row]! / 2 : halves[row]!
    let place = places[row]!
    let digits = 7
    let n = ((scaled * 0.01 + 0.5) | 0) * 100
    if (Math.abs(n - scaled) >= half) {
      digits = 8
      n = ((scaled * 0.1 + 0.5) | 0) * 10
      if (Math.abs(n - scaled) >= half) {
        digits = 9
        n = (scaled + 0.5) | 0
      }
    }
    if (n === 1_000_000_000) {
      n = 100_000_000
      place++
    }
    if (place <= 0 && place > -6) {
      view.setUint32(at, zeroPoint, true)
      view.setUint32(at + 4, zeros, true)
      at += 2 - place
      writeDigits(at, n)
      at = withoutZeros(at + digits)
    } else {
      at = writeLarge(at, n, digits, place)
    }
    piece[at++] = comma
  }
  return at
}

let text = Buffer.allocUnsafeSlow(64 * 1024)

/** Makes room for `more` bytes behind `size`. */
const reserve = (size: number, more: number): void => {
  if (size + more <= text.length) return
  const larger = Buffer.allocUnsafeSlow(2 * (size + more))
  text.copy(larger, 0, 0, size)
  text = larger
}

const appendText = (size: number, part: string): number => {
  reserve(size, 3 * part.length)
  return size + text.write(part, size)
}

const appendVector = (start: number, values: Values): number => {
  let size = appendText(start, "[")
  for (let from = 0; from < values.length; from += pieceLength) {
    const all = from === 0 && values.length <= pieceLength
    const length = writePiece(all ? values : values.slice(from, from + pieceLength))
    reserve(size, length)
    piece.copy(text, size, 0, length)
    size += length
  }
  // In place of the last comma.
  return appendText(values.length === 0 ? size : size - 1, "]")
}

/** Bytes of JSON that is given in parts: what is text as it stands, vectors as lists of numbers. */
export const toBytes = (parts: ReadonlyArray<string | Values>): Buffer<ArrayBuffer> => {
  let size = 0
  for (const part of parts) size = typeof part === "string" ? appendText(size, part) : appendVector(size, part)
  return Buffer.from(text.subarray(0, size))
}

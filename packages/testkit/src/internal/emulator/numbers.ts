/**
 * Floats as the service prints them: float32 with 6 significant digits where these give the same float32 again, with
 * 9 where they do not (9 always do). A tie of the ninth digit goes to the even one, as C's `%.9g` has it; the sixth
 * has none, since no such cut gives the float again.
 *
 * Digits are cut by arithmetic, because `toPrecision` for every float would be the slowest part of a reply. What
 * JSON prints of the result are then exactly those digits.
 */
import type { Values } from "@effect-connectors/pinecone/VectorRecord"

/** Powers of ten that are exact as a double. */
const powers = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

/** The number whose shortest form has the digits to print. `value` must be a float32. */
export const short = (value: number): number => {
  const size = Math.abs(value)
  // in these bounds the scale of 9 digits is an exact power of ten; beyond them no float32 is a tie
  if (!(size >= 1e-12 && size < 1e7)) return value === 0 ? 0 : shortByText(value)
  const exponent = Math.floor(Math.log10(size))
  const cut = exponent > 5 ? Number(size.toPrecision(6)) : toSix(size, powers[5 - exponent]!)
  return Math.sign(value) * (Math.fround(cut) === size ? cut : toNine(size, powers[8 - exponent]!))
}

/** A vector to print. */
export const shortValues = (values: Values): Array<number> => Array.from(values, short)

const toSix = (size: number, scale: number): number => Math.round(size * scale) / scale

const toNine = (size: number, scale: number): number => {
  const scaled = size * scale
  const up = Math.round(scaled)
  return (up - scaled === 0.5 && up % 2 === 1 ? up - 1 : up) / scale
}

const shortByText = (value: number): number => {
  const cut = Number(value.toPrecision(6))
  return Math.fround(cut) === value ? cut : Number(value.toPrecision(9))
}

/**
 * Floats as the service prints them: float32 with 6 significant digits where these give the same float32 again, with
 * 9 where they do not (9 always do).
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
  // in these bounds both scales are exact powers of ten
  if (!(size >= 1e-12 && size < 1e5)) return value === 0 ? 0 : shortByText(value)
  const exponent = Math.floor(Math.log10(size))
  const scale = powers[5 - exponent]!
  const cut = Math.round(size * scale) / scale
  return Math.sign(value) * (Math.fround(cut) === size ? cut : rounded(size, powers[8 - exponent]!))
}

/** A vector to print. */
export const shortValues = (values: Values): Array<number> => Array.from(values, short)

const rounded = (size: number, scale: number): number => Math.round(size * scale) / scale

const shortByText = (value: number): number => {
  const cut = Number(value.toPrecision(6))
  return Math.fround(cut) === value ? cut : Number(value.toPrecision(9))
}

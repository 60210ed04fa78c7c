/** What is said of several measurements of one thing. */
import type { Spread } from "./result.ts"

/** The value under which the share `q` of the values lies, between neighbours in proportion. */
export const quantile = (values: ReadonlyArray<number>, q: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = q * (sorted.length - 1)
  const below = sorted[Math.floor(at)]
  const above = sorted[Math.ceil(at)]
  if (below === undefined || above === undefined) return NaN
  return below + (above - below) * (at - Math.floor(at))
}

export const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5)

/** Four digits tell more than rounds differ by. */
export const rounded = (value: number): number => Number(value.toPrecision(4))

/** Median and extremes; nothing of no values. */
export const spread = (values: ReadonlyArray<number>): Spread | undefined =>
  values.length === 0
    ? undefined
    : { median: rounded(median(values)), min: rounded(Math.min(...values)), max: rounded(Math.max(...values)) }

/**
 * Each value over the other of its round. What slows a machine down for a while slows both of a pair, so pairs say more
 * than a quotient of medians.
 */
export const ratios = (
  values: ReadonlyArray<number | undefined>,
  others: ReadonlyArray<number | undefined>
): ReadonlyArray<number> =>
  values.flatMap((value, round) => {
    const other = others[round]
    return value === undefined || other === undefined || other === 0 ? [] : [value / other]
  })

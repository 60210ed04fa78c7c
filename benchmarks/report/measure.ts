/** What a row says of its contender, by name and unit. */
import type { Row, Spread } from "../result.ts"

export interface Measure {
  /** As the title of a figure. */
  readonly title: string
  readonly unit: string
  /** As the head of a column. */
  readonly column: string
  readonly of: (row: Row) => Spread | undefined
  /** Where the baseline is 1. */
  readonly relative?: boolean
}

const scaled = (spread: Spread | undefined, by: number): Spread | undefined =>
  spread && { median: spread.median * by, min: spread.min * by, max: spread.max * by }

export const perSecond: Measure = {
  title: "Records a second",
  unit: "records/s",
  column: "records/s",
  of: (row) => row.perSecond
}

export const ratio: Measure = {
  title: "Speed beside the baseline",
  unit: "times the baseline",
  column: "times the baseline",
  of: (row) => (row.baseline && row.perSecond !== undefined ? { median: 1, min: 1, max: 1 } : row.ratio),
  relative: true
}

export const cpu: Measure = {
  title: "Processor time of a record",
  unit: "µs a record",
  column: "CPU µs/record",
  of: (row) => row.cpuMicros
}

export const memory: Measure = {
  title: "Peak of resident memory",
  unit: "MB",
  column: "peak MB",
  of: (row) => scaled(row.peakBytes, 1e-6)
}

export const p50: Measure = {
  title: "Time of a call, median",
  unit: "ms",
  column: "p50 ms",
  of: (row) => row.p50Millis
}

export const p99: Measure = {
  title: "Time of a call, 99th percentile",
  unit: "ms",
  column: "p99 ms",
  of: (row) => row.p99Millis
}

export const known: ReadonlyArray<Measure> = [perSecond, ratio, cpu, memory, p50, p99]

/** What only some suites measure: `refusedCalls` is told as "refused calls". */
export const extra = (name: string): Measure => {
  const words = name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)
  return {
    title: words.charAt(0).toUpperCase() + words.slice(1),
    unit: "",
    column: words,
    of: (row) => row.extra?.[name]
  }
}

/** All that rows have, in the order of columns. */
export const measuresOf = (rows: ReadonlyArray<Row>): ReadonlyArray<Measure> => [
  ...known.filter((measure) => rows.some((row) => !row.baseline && measure.of(row) !== undefined)),
  ...[...new Set(rows.flatMap((row) => Object.keys(row.extra ?? {})))].map(extra)
]

/** Of the suite that samples it while it loads. */
export const resident: Measure = { ...extra("residentMegabytes"), title: "Resident memory, the most", unit: "MB" }

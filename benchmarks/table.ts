/** The rows and bars of a suite as text. */
import type { Bar, Result, Row, Spread } from "./result.ts"

const pad = (cells: ReadonlyArray<string>, widths: ReadonlyArray<number>): string =>
  cells
    .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
    .join("  ")
    .trimEnd()

const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): Array<string> => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows.map((row) => pad(row, widths))
}

/** Large numbers whole, small ones to three digits. */
const figure = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)))

const median = (values: Spread | undefined, scale = 1): string =>
  values === undefined ? "" : figure(values.median * scale)

const withRange = (values: Spread | undefined): string =>
  values === undefined ? "" : `${figure(values.median)} (${figure(values.min)} to ${figure(values.max)})`

const known = {
  "per second": ({ perSecond }: Row) => median(perSecond),
  "ratio (range)": ({ baseline, ratio }: Row) => (baseline ? "1" : withRange(ratio)),
  "CPU us": ({ cpuMicros }: Row) => median(cpuMicros),
  "peak MB": ({ peakBytes }: Row) => median(peakBytes, 1e-6),
  "p50 ms": ({ p50Millis }: Row) => median(p50Millis),
  "p99 ms": ({ p99Millis }: Row) => median(p99Millis)
}

const barLine = ({ bar, name, ok, ratio, sense }: Bar): string => {
  const word = sense === "atLeast" ? "at least" : "at most"
  const missed = ok ? "" : `: missed by ${figure(Math.abs(ratio - bar))}`
  return `${ok ? "ok    " : "MISSED"}  ${name}: ${figure(ratio)}, ${word} ${figure(bar)}${missed}`
}

export const table = ({ bars, rows, seconds, smoke, suite, title }: Result): string => {
  const settings = [...new Set(rows.flatMap(({ point }) => Object.keys(point)))]
  const extras = [...new Set(rows.flatMap(({ extra }) => Object.keys(extra ?? {})))]
  const figures = Object.entries(known).filter(([, cell]) => rows.some((row) => cell(row) !== ""))
  const noted = rows.some(({ note }) => note !== undefined)
  const head = ["contender", ...settings, ...figures.map(([name]) => name), ...extras, ...(noted ? ["note"] : [])]
  const lines = rows.map((row) => [
    row.contender,
    ...settings.map((name) => String(row.point[name] ?? "")),
    ...figures.map(([, cell]) => cell(row)),
    ...extras.map((name) => median(row.extra?.[name])),
    ...(noted ? [row.note ?? ""] : [])
  ])
  return [
    `${suite}: ${title} (${figure(seconds)} s${smoke ? ", a smoke run: its numbers say nothing" : ""})`,
    ...columns([head, ...lines]),
    ...(smoke ? [] : bars.map(barLine)),
    ""
  ].join("\n")
}

/** How numbers and settings are written for people. */
import type { Bar, Row, Spread } from "../result.ts"

/** Three digits: rounds differ by more than the fourth. */
export const figure = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 12 })

/** The median, and between which values the rounds were. */
export const withRange = ({ max, median, min }: Spread): string =>
  min === max ? figure(median) : `${figure(median)} (${figure(min)} to ${figure(max)})`

/** A setting of a point, before its value and as the name of an axis. */
const settings: Readonly<Record<string, { readonly axis: string; readonly at: (value: string) => string }>> = {
  dimension: { axis: "numbers in a vector", at: (value) => `${value.replace(",", "")}-d` },
  batch: { axis: "records in a call", at: (value) => `batch ${value}` },
  concurrency: { axis: "calls in flight", at: (value) => `${value} in flight` },
  latencyMillis: { axis: "latency of a call, ms", at: (value) => `${value} ms latency` },
  records: { axis: "records", at: (value) => `${value} records` },
  chunk: { axis: "records in a chunk of the source", at: (value) => `chunks of ${value}` },
  features: { axis: "features of a row", at: (value) => `${value} features` },
  upsertsPerSecond: { axis: "upserts a second allowed", at: (value) => `${value} upserts/s allowed` },
  operation: { axis: "operation", at: (value) => value }
}

export const axisName = (setting: string): string => settings[setting]?.axis ?? setting

export const valueText = (value: string | number): string =>
  typeof value === "number" ? value.toLocaleString("en") : value

/** A setting with its value, for instance `batch 100`. */
export const settingText = (setting: string, value: string | number): string =>
  settings[setting]?.at(valueText(value)) ?? `${setting} ${valueText(value)}`

/** The value alone, where an axis or a column has the setting's name. */
export const pointValue = ({ point }: Row, setting: string): string => {
  const value = point[setting]
  return value === undefined ? "" : valueText(value)
}

/** Whether a bar holds, and by how much it does not. */
export const verdict = ({ bar, ok, ratio }: Bar): string =>
  ok ? "ok" : `missed by ${figure(Math.abs(ratio - bar))} (${figure(Math.abs(ratio / bar - 1) * 100)} %)`

export const barText = ({ bar, sense }: Bar): string => `${sense === "atLeast" ? "at least" : "at most"} ${figure(bar)}`

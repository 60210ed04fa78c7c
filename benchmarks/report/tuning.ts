/** What the curves of batch size and concurrency say: from where on more of a setting gains little. */
import type { Result, Row } from "../result.ts"
import { variesWithin } from "./figures.ts"
import { figure, pointValue, settingText } from "./text.ts"

/** The share of the fastest that is taken for enough: the rest is bought with calls that take longer. */
export const enough = 0.9

export interface Advice {
  readonly what: string
  readonly fastest: Row
  /** The smallest value of the setting that is fast enough. */
  readonly smallest: Row
  readonly setting: string
}

/** Each contender's curve at each other setting. */
export const adviceOf = ({ rows }: Result, setting: string): ReadonlyArray<Advice> => {
  const curves = Map.groupBy(
    rows.filter(({ perSecond, point }) => perSecond !== undefined && typeof point[setting] === "number"),
    ({ contender, point }) => {
      const others = Object.entries(point).filter(([name]) => name !== setting && variesWithin(rows, name))
      return [contender, ...others.map(([name, value]) => settingText(name, value))].join(", ")
    }
  )
  return [...curves].flatMap(([what, curve]) => {
    const ascending = curve.toSorted((a, b) => Number(a.point[setting]) - Number(b.point[setting]))
    const speed = (row: Row): number => row.perSecond?.median ?? 0
    const [fastest] = ascending.toSorted((a, b) => speed(b) - speed(a))
    const smallest = ascending.find((row) => speed(row) >= enough * speed(fastest ?? row))
    return fastest === undefined || smallest === undefined || curve.length < 2
      ? []
      : [{ what, fastest, smallest, setting }]
  })
}

export const adviceHead = (setting: string): ReadonlyArray<string> => [
  "what",
  `${setting} that is enough`,
  "records/s",
  "p99 ms",
  `fastest ${setting}`,
  "records/s",
  "p99 ms"
]

export const adviceCells = ({ fastest, setting, smallest, what }: Advice): ReadonlyArray<string> => [
  what,
  ...[smallest, fastest].flatMap((row) => [
    pointValue(row, setting),
    figure(row.perSecond?.median ?? 0),
    row.p99Millis === undefined ? "" : figure(row.p99Millis.median)
  ])
]

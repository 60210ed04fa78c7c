/** What is drawn of a suite: a measure along one setting, a figure for each value of the others. */
import type { Result, Row, Spread } from "../result.ts"
import { cpu, extra, type Measure, p99, perSecond, ratio, resident } from "./measure.ts"
import { axisName, figure, pointValue, settingText, valueText } from "./text.ts"

export interface Series {
  readonly name: string
  /** The colour, the same for a contender in every figure of its suite. */
  readonly colour: number
  /** One for each category. */
  readonly values: ReadonlyArray<Spread | undefined>
}

export interface Figure {
  readonly title: string
  /** What it shows, in a sentence. */
  readonly says: string
  readonly kind: "bars" | "lines"
  readonly measure: Measure
  /** What the categories are. */
  readonly along: string
  readonly categories: ReadonlyArray<string>
  readonly series: ReadonlyArray<Series>
}

interface View {
  readonly measure: Measure
  /** Of the rows that are drawn. */
  readonly where?: Readonly<Record<string, string | number>>
  readonly title?: string
}

/** The point at which contenders are compared first. */
export const headline = { batch: 100, concurrency: 8, latencyMillis: 0 }

/** The figure that the report begins with. */
export const first: View = {
  measure: ratio,
  where: headline,
  title: "Upserts a second, as a multiple of the official client"
}

const views: Readonly<Record<string, ReadonlyArray<View>>> = {
  overhead: [
    { measure: perSecond, where: headline, title: "Vectors a second (batch 100, 8 in flight, no latency)" },
    { measure: cpu, where: headline, title: "Processor time of a vector (batch 100, 8 in flight, no latency)" }
  ],
  peers: [{ measure: perSecond }, { measure: cpu }],
  features: [
    {
      measure: perSecond,
      where: { batch: 10, concurrency: 8, latencyMillis: 0, types: "bound" },
      title: "Rows a second (10 rows a call, 8 in flight, no latency, types bound)"
    }
  ],
  scale: [{ measure: cpu }, { measure: resident }],
  goodput: [{ measure: perSecond, title: "Records written a second" }, { measure: extra("refusedCalls") }],
  core: [{ measure: cpu }]
}

const usual: ReadonlyArray<View> = [{ measure: perSecond }, { measure: p99 }]

export const figuresOf = (result: Result): ReadonlyArray<Figure> =>
  (views[result.suite] ?? usual).flatMap((view) => draw(result, view))

/** A setting with so many values is a knob, and gets a line. */
const knobValues = 5

/** A grid of more is told by tables, or by a view that takes a part of it. */
const mostFigures = 6

/** The figures of a view: none when nothing of it was measured. Rows whose settings are of other kinds are not compared. */
export const draw = (result: Result, { measure, title, where = {} }: View): ReadonlyArray<Figure> => {
  const rows = result.rows.filter(
    (row) =>
      measure.of(row) !== undefined && Object.entries(where).every(([setting, value]) => row.point[setting] === value)
  )
  const along = settingsOf(rows)
    .filter(({ name }) => variesWithin(rows, name))
    .toSorted((a, b) => Number(b.numeric) - Number(a.numeric) || b.values.size - a.values.size)
  const [main, ...others] = along
  const byKind = Map.groupBy(rows, ({ point }) => Object.keys(point).toSorted().join())
  const colours = coloursOf(result)
  const drawn = [...byKind.values()].flatMap((alike) => {
    const facets = Map.groupBy(alike, (row) =>
      others.map(({ name }) => settingText(name, row.point[name] ?? "")).join(", ")
    )
    return [...facets].map(([facet, rows]) => {
      const who = byKind.size > 1 ? [...new Set(rows.map(({ contender }) => contender))].join(" / ") : ""
      const of = [who, facet].filter((part) => part !== "").join("; ")
      const name = `${title ?? measure.title}${of === "" ? "" : `: ${of}`}`
      return main === undefined
        ? byContender(name, measure, rows, colours)
        : bySetting(name, measure, rows, main, colours)
    })
  })
  return drawn.length > mostFigures ? [] : drawn
}

/** What differs between contenders alone is a part of what they are. */
export const variesWithin = (rows: ReadonlyArray<Row>, setting: string): boolean =>
  [...Map.groupBy(rows, ({ contender }) => contender).values()].some(
    (own) => new Set(own.map(({ point }) => point[setting])).size > 1
  )

interface Setting {
  readonly name: string
  readonly values: ReadonlySet<string | number>
  readonly numeric: boolean
}

const settingsOf = (rows: ReadonlyArray<Row>): ReadonlyArray<Setting> =>
  [...new Set(rows.flatMap(({ point }) => Object.keys(point)))].map((name) => {
    const values = new Set(rows.flatMap(({ point }) => point[name] ?? []))
    return { name, values, numeric: [...values].every((value) => typeof value === "number") }
  })

/** A bar for each contender. */
const byContender = (title: string, measure: Measure, rows: ReadonlyArray<Row>, colours: Colours): Figure => ({
  title,
  says: extremes(measure, rows, []),
  kind: "bars",
  measure,
  along: "contender",
  categories: rows.map(({ contender }) => contender),
  series: rows.map((row, at) => ({
    name: row.contender,
    colour: colours.get(row.contender) ?? 0,
    values: rows.map((_, other) => (other === at ? measure.of(row) : undefined))
  }))
})

/** A line, or a bar in each group, for each contender. */
const bySetting = (
  title: string,
  measure: Measure,
  rows: ReadonlyArray<Row>,
  { name, numeric }: Setting,
  colours: Colours
): Figure => {
  const values = new Set(rows.flatMap(({ point }) => point[name] ?? []))
  const ticks = numeric ? [...values].toSorted((a, b) => Number(a) - Number(b)) : [...values]
  const contenders = [...new Set(rows.map(({ contender }) => contender))]
  const kind = numeric && values.size >= knobValues ? "lines" : "bars"
  return {
    title,
    says: extremes(measure, rows, [name]),
    kind,
    measure,
    along: axisName(name),
    // An axis of lines has its name below it, bars have none.
    categories: ticks.map((tick) => (kind === "lines" ? valueText(tick) : settingText(name, tick))),
    series: contenders.map((contender) => ({
      name: contender,
      colour: colours.get(contender) ?? 0,
      values: ticks.map((tick) => {
        const row = rows.find((row) => row.contender === contender && row.point[name] === tick)
        return row && measure.of(row)
      })
    }))
  }
}

const extremes = (measure: Measure, rows: ReadonlyArray<Row>, settings: ReadonlyArray<string>): string => {
  const sorted = rows
    .flatMap((row) => {
      const spread = measure.of(row)
      return spread === undefined ? [] : [{ row, median: spread.median }]
    })
    .toSorted((a, b) => b.median - a.median)
  const text = (one: (typeof sorted)[number] | undefined): string => {
    if (one === undefined) return "nothing"
    const at = settings.map((name) => `${axisName(name)}: ${pointValue(one.row, name)}`)
    return `${figure(one.median)} ${measure.unit}`.trim() + ` (${[one.row.contender, ...at].join("; ")})`
  }
  return `From ${text(sorted.at(-1))} to ${text(sorted[0])}.`
}

type Colours = ReadonlyMap<string, number>

/** These two keep their colours through the whole report. */
const ours: Readonly<Record<string, number>> = { "SDK layer": 1, "gRPC layer": 2 }

const coloursOf = ({ rows }: Result): Colours => {
  const colours = new Map<string, number>()
  const named = new Set(rows.map(({ contender }) => contender))
  const taken = [...named].flatMap((name) => ours[name] ?? [])
  let next = 1
  for (const { baseline, contender } of rows) {
    if (colours.has(contender)) continue
    if (baseline) colours.set(contender, 0)
    else if (ours[contender] !== undefined) colours.set(contender, ours[contender])
    else {
      while (taken.includes(next)) next++
      colours.set(contender, next++)
    }
  }
  return colours
}

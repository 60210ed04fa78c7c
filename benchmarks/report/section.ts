/** A suite in the report: its figures, each with its table, and every row. */
import type { Result, Row } from "../result.ts"
import { charts, colour } from "./chart.ts"
import { type Figure, figuresOf } from "./figures.ts"
import { type Cell, escape, table } from "./html.ts"
import { type Measure, measuresOf } from "./measure.ts"
import { axisName, barText, figure, pointValue, settingText, verdict, withRange } from "./text.ts"

export const section = (result: Result): string => {
  const { method, rows, suite, title } = result
  return [
    `<section id="${escape(suite)}" aria-labelledby="${escape(suite)}-h">`,
    `<h2 id="${escape(suite)}-h">${escape(title)}</h2>`,
    `<p class="method">${escape(method)}</p>`,
    ...figuresOf(result).map((drawn, at) => figureHtml(drawn, `${suite}-${at}`)),
    ...grids(result),
    notes(rows),
    `<details><summary>All ${rows.length} rows</summary>`,
    rowTable(`Every row of ${suite}: medians of the rounds, and their range`, rows),
    "</details>",
    "</section>"
  ].join("\n")
}

/** A chart with its legend and its table. */
export const figureHtml = (drawn: Figure, id: string): string =>
  [
    "<figure>",
    `<figcaption>${escape(drawn.title)}</figcaption>`,
    legend(drawn),
    charts(drawn, id),
    "<details><summary>As a table</summary>",
    figureTable(drawn),
    "</details>",
    "</figure>"
  ].join("\n")

/** Shapes as `chart.ts` has them on its lines. */
const shapes = [
  '<circle cx="6" cy="6" r="5"/>',
  '<path d="M1 1h10v10h-10z"/>',
  '<path d="M6 1l5 10h-10z"/>',
  '<path d="M6 0l6 6l-6 6l-6-6z"/>'
]

/** Where each bar has its contender beside it nothing is left to say. */
const legend = ({ along, kind, series }: Figure): string => {
  if (along === "contender") return ""
  const items = series.map((one) => {
    const shape = shapes[kind === "lines" ? one.colour % shapes.length : 1]
    return `<li><svg class="key" viewBox="0 0 12 12" aria-hidden="true" fill="${colour(one.colour)}">${shape}</svg>${escape(one.name)}</li>`
  })
  return `<ul class="legend">${items.join("")}</ul>`
}

const number = (text: string, mark?: string): Cell => ({ text, number: true, mark })

const figureTable = ({ along, categories, measure, series, title }: Figure): string => {
  const unit = measure.unit === "" ? "" : ` (${measure.unit})`
  if (along === "contender") {
    const rows = categories.map((name, at) => {
      const value = series[at]?.values[at]
      return [{ text: name }, number(value === undefined ? "" : withRange(value))]
    })
    return table(`${title}${unit}`, [along, measure.unit], rows)
  }
  const rows = categories.map((category, at) => [
    { text: category },
    ...series.map(({ values }) => number(values[at] === undefined ? "" : withRange(values[at])))
  ])
  return table(`${title}${unit}`, [along, ...series.map(({ name }) => name)], rows)
}

/** The bars of all suites, missed ones first. */
export const barTable = (results: ReadonlyArray<Result>): string => {
  const bars = results.flatMap(({ bars, suite }) => bars.map((bar) => ({ bar, suite })))
  return table(
    "What must hold, and what was measured",
    ["what must hold", "", "measured", "bar", "suite"],
    bars
      .toSorted((a, b) => Number(a.bar.ok) - Number(b.bar.ok))
      .map(({ bar, suite }) => [
        { text: bar.name },
        { text: verdict(bar), mark: bar.ok ? "ok" : "missed" },
        number(figure(bar.ratio)),
        number(barText(bar)),
        { text: suite }
      ])
  )
}

const settingsOf = (rows: ReadonlyArray<Row>): ReadonlyArray<string> => [
  ...new Set(rows.flatMap(({ point }) => Object.keys(point)))
]

const rowTable = (caption: string, rows: ReadonlyArray<Row>): string => {
  const settings = settingsOf(rows)
  const measures = measuresOf(rows)
  const noted = rows.some(({ note }) => note !== undefined)
  return table(
    caption,
    ["contender", ...settings.map(axisName), ...measures.map(({ column }) => column), ...(noted ? ["note"] : [])],
    rows.map((row) => [
      { text: row.contender },
      ...settings.map((name) => number(pointValue(row, name))),
      ...measures.map((measure) => measured(measure, row)),
      ...(noted ? [{ text: row.note ?? "" }] : [])
    ])
  )
}

const measured = (measure: Measure, row: Row): Cell => {
  const value = measure.of(row)
  return number(
    value === undefined ? "" : withRange(value),
    measure.relative === true ? lost(value?.median) : undefined
  )
}

/** Slower than the baseline. */
const lost = (ratio: number | undefined): string | undefined => (ratio !== undefined && ratio < 1 ? "lost" : undefined)

/** Contenders that could not run, and what else there is to know. */
const notes = (rows: ReadonlyArray<Row>): string => {
  const noted = rows.flatMap(({ contender, note }) => (note === undefined ? [] : [`${contender}: ${note}`]))
  if (noted.length === 0) return ""
  return `<ul class="notes">${[...new Set(noted)].map((note) => `<li>${escape(note)}</li>`).join("")}</ul>`
}

/** From so many points on a figure for each would say less than one table. */
const gridPoints = 12

/** Beside the baseline, at every point of a large grid: a column for each contender and calls in flight. */
const grids = ({ rows, suite }: Result): ReadonlyArray<string> => {
  const others = rows.filter(({ baseline, ratio }) => !baseline && ratio !== undefined)
  const across = "concurrency"
  if (new Set(others.map(({ point }) => JSON.stringify(point))).size < gridPoints) return []
  if (!others.every(({ point }) => point[across] !== undefined)) return []
  const down = settingsOf(others).filter((name) => name !== across)
  const columns = [
    ...new Map(others.map((row) => [`${row.contender} ${row.point[across]}`, row] as const)).values()
  ].toSorted((a, b) => a.contender.localeCompare(b.contender) || Number(a.point[across]) - Number(b.point[across]))
  const lines = Map.groupBy(
    others.toSorted((a, b) => compareBy(down, a, b)),
    ({ point }) => JSON.stringify(down.map((name) => point[name]))
  )
  const body = [...lines.values()].map((line) => [
    ...down.map((name) => number(line[0] === undefined ? "" : pointValue(line[0], name))),
    ...columns.map(({ contender, point }) => {
      const row = line.find((one) => one.contender === contender && one.point[across] === point[across])
      return number(row?.ratio === undefined ? "" : figure(row.ratio.median), lost(row?.ratio?.median))
    })
  ])
  const head = columns.map(({ contender, point }) => `${contender}, ${settingText(across, point[across] ?? "")}`)
  return [
    "<h3>At every point: times the baseline</h3>",
    table(`Times the baseline at every point of ${suite}; under 1 is slower`, [...down.map(axisName), ...head], body)
  ]
}

const compareBy = (settings: ReadonlyArray<string>, a: Row, b: Row): number => {
  for (const name of settings) {
    const [one, other] = [a.point[name] ?? "", b.point[name] ?? ""]
    if (one === other) continue
    return typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other))
  }
  return 0
}

/**
 * Draws a figure as SVG, without a browser. Colours and sizes of text are those of the page (CSS variables), so that one
 * drawing serves light and dark; it is drawn for wide and for narrow screens, since text that shrinks with its chart can
 * not be read on a phone.
 */
import { BarChart, CustomChart, LineChart } from "echarts/charts"
import { GridComponent, MarkLineComponent } from "echarts/components"
import * as echarts from "echarts/core"
import type { EChartsCoreOption } from "echarts/core"
import { SVGRenderer } from "echarts/renderers"
import type { Figure } from "./figures.ts"
import { escape } from "./html.ts"
import { figure } from "./text.ts"

echarts.use([BarChart, CustomChart, LineChart, GridComponent, MarkLineComponent, SVGRenderer])

interface Form {
  readonly name: "wide" | "narrow"
  readonly width: number
  /** The most that names beside bars may take: longer ones are broken into lines. */
  readonly labels: number
}

const forms: ReadonlyArray<Form> = [
  { name: "wide", width: 840, labels: 230 },
  { name: "narrow", width: 350, labels: 96 }
]

/** Both drawings of a figure; the page shows the one that fits. */
export const charts = (drawn: Figure, id: string): string => forms.map((form) => draw(drawn, form, id)).join("\n")

export const colour = (at: number): string => `var(--c${at % 8})`

const ink = "var(--ink)"
const faint = "var(--line)"
const fontSize = 13
const text = { color: ink, fontSize, fontFamily: "inherit" }

const draw = (drawn: Figure, form: Form, id: string): string => {
  const height = drawn.kind === "lines" ? (form.name === "wide" ? 320 : 260) : barsHeight(drawn)
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: form.width, height })
  chart.setOption({
    animation: false,
    textStyle: text,
    ...(drawn.kind === "lines" ? lines(drawn, form) : bars(drawn, form))
  })
  const svg = chart.renderToSVGString({ useViewBox: true })
  chart.dispose()
  const key = `${id}-${form.name}`
  const begin =
    `<svg class="${form.name}" viewBox="0 0 ${form.width} ${height}" role="img" aria-labelledby="${key}-t ${key}-d">` +
    `<title id="${key}-t">${escape(drawn.title)}</title><desc id="${key}-d">${escape(drawn.says)}</desc>`
  return begin + slim(svg.slice(svg.indexOf(">") + 1))
}

/** Without what only the library's own scripts would use: there are none on the page. */
const slim = (svg: string): string =>
  svg
    .replace(/<style[\s\S]*?<\/style>/g, "")
    .replace(/ (ecmeta_\w+|class|pointer-events)="[^"]*"/g, "")
    .replace(/<rect [^>]*fill="none"><\/rect>/, "")
    .replace(/\n+/g, "\n")

const barWidth = 16
const barGap = 3
const groupGap = 16
const axisHeight = 46

/** Of how many bars a category is: where each contender is a category, of one. */
const barsOf = ({ categories, series }: Figure): number =>
  Math.max(...categories.map((_, at) => series.filter(({ values }) => values[at] !== undefined).length))

/** Series that share no category lie on one another. */
const overlaid = (drawn: Figure): boolean => barsOf(drawn) === 1

const bandHeight = (drawn: Figure): number => barsOf(drawn) * (barWidth + barGap) + groupGap

const barsHeight = (drawn: Figure): number => drawn.categories.length * bandHeight(drawn) + axisHeight + 8

const valueAxis = (drawn: Figure, name: string) => ({
  type: "value",
  min: 0,
  name,
  nameLocation: "middle",
  nameGap: 28,
  nameTextStyle: text,
  axisLabel: { ...text, formatter: figure, hideOverlap: true },
  splitLine: { lineStyle: { color: faint } },
  splitNumber: drawn.kind === "bars" ? 4 : 5
})

const categoryAxis = (categories: ReadonlyArray<string>) => ({
  type: "category",
  data: categories,
  axisTick: { show: false },
  axisLine: { lineStyle: { color: faint } }
})

/** About what a letter of the axes takes, and a little more: there is no browser to ask. */
const letter = 7.8

/** Broken between words, into lines of a width. */
const wrap = (text: string, width: number): string => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    const longer = `${last} ${word}`
    if (last !== undefined && longer.length * letter <= width) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines.join("\n")
}

const bars = (drawn: Figure, { labels: most, name, width }: Form): EChartsCoreOption => {
  const { categories, measure, series } = drawn
  const longest = (texts: ReadonlyArray<string>): number => letter * Math.max(...texts.map(({ length }) => length))
  const words = longest(categories.flatMap((category) => category.split(" ")))
  const labels = 16 + Math.max(words, Math.min(most, longest(categories)))
  return {
    grid: { left: labels, right: name === "wide" ? 64 : 48, top: 4, bottom: axisHeight },
    xAxis: { ...valueAxis(drawn, measure.unit), splitNumber: width < 500 ? 3 : 5 },
    yAxis: {
      ...categoryAxis(categories),
      inverse: true,
      axisLabel: { ...text, formatter: (category: string) => wrap(category, labels - 16), interval: 0 }
    },
    series: series.flatMap((one, at) => [
      {
        type: "bar",
        name: one.name,
        data: one.values.map((spread) => spread?.median ?? "-"),
        barWidth,
        barGap: overlaid(drawn) ? "-100%" : `${(barGap / barWidth) * 100}%`,
        itemStyle: { color: colour(one.colour) },
        silent: true,
        clip: false,
        ...(measure.relative === true && at === 0 ? { markLine: unity } : {})
      },
      ranges(drawn, at)
    ])
  }
}

const unity = {
  symbol: "none",
  silent: true,
  label: { show: false },
  lineStyle: { color: ink, type: "dashed", width: 1 },
  data: [{ xAxis: 1 }]
}

/** From the least to the most of the rounds, with the median as text behind it. */
const ranges = (drawn: Figure, at: number) => {
  const one = drawn.series[at]
  const shift = overlaid(drawn) ? 0 : (at - (drawn.series.length - 1) / 2) * (barWidth + barGap)
  const data = (one?.values ?? []).flatMap((spread, category) =>
    spread === undefined ? [] : [[spread.min, category, spread.max, spread.median]]
  )
  return {
    type: "custom",
    data,
    silent: true,
    clip: false,
    z: 5,
    encode: { x: [0, 2], y: 1 },
    renderItem: (_: unknown, api: { value: (at: number) => number; coord: (at: Array<number>) => Array<number> }) => {
      const [from = 0, y = 0] = api.coord([api.value(0), api.value(1)])
      const [to = 0] = api.coord([api.value(2), api.value(1)])
      const middle = y + shift
      const shape = { x1: from, x2: to, y1: middle, y2: middle }
      return {
        type: "group",
        children: [
          { type: "line", shape, style: { stroke: ink, lineWidth: 1.5 } },
          {
            type: "text",
            x: to + 5,
            y: middle,
            style: {
              text: figure(api.value(3)),
              fill: ink,
              fontSize: 12,
              fontFamily: "inherit",
              verticalAlign: "middle"
            }
          }
        ]
      }
    }
  }
}

export const symbols = ["circle", "rect", "triangle", "diamond"]

/** So much apart, and the least of a linear axis could not be told from nothing. */
const farApart = 30

const lines = (drawn: Figure, { name }: Form): EChartsCoreOption => {
  const medians = drawn.series.flatMap(({ values }) => values.flatMap((spread) => spread?.median ?? []))
  const least = Math.min(...medians)
  const log = least > 0 && Math.max(...medians) / least > farApart
  const { min: _, ...axis } = valueAxis(drawn, "")
  return {
    grid: { left: 62, right: 14, top: 10, bottom: axisHeight },
    xAxis: {
      ...categoryAxis(drawn.categories),
      name: drawn.along,
      nameLocation: "middle",
      nameGap: 28,
      nameTextStyle: text,
      axisLabel: { ...text, hideOverlap: true, interval: name === "wide" ? 0 : "auto" }
    },
    yAxis: { ...axis, ...(log ? { type: "log" } : { min: 0 }) },
    series: drawn.series.map((one) => ({
      type: "line",
      name: one.name,
      data: one.values.map((spread) => spread?.median ?? "-"),
      symbol: symbols[one.colour % symbols.length],
      symbolSize: 8,
      // Not every contender was at every value.
      connectNulls: true,
      lineStyle: { color: colour(one.colour), width: 2 },
      itemStyle: { color: colour(one.colour) },
      silent: true,
      clip: false
    }))
  }
}

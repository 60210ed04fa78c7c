/** The main figures, as a part of a page of the documentation. */
import type { Result } from "../result.ts"
import { headlineOf, rowOf, sentence } from "./headline.ts"
import { machineText } from "./page.ts"
import { barText, figure, verdict } from "./text.ts"

const line = (cells: ReadonlyArray<string>): string =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => [
  line(head),
  `|${head.map(() => "---").join("|")}|`,
  ...rows.map(line)
]

export const figures = (results: ReadonlyArray<Result>): string => {
  const bars = results.flatMap(({ bars, suite }) => bars.map((bar) => ({ bar, suite })))
  const when = new Set(results.map(({ measuredAt }) => measuredAt.slice(0, 10)))
  const where = new Set(results.map(({ machine }) => `${machineText(machine)}, Node ${machine.versions["node"] ?? ""}`))
  return [
    ...upserts(results),
    ...table(
      ["suite", "what must hold", "measured", "bar", ""],
      bars.map(({ bar, suite }) => [
        suite,
        bar.name,
        figure(bar.ratio),
        barText(bar),
        bar.ok ? "ok" : `**${verdict(bar)}**`
      ])
    ),
    "",
    `Measured ${[...when].join(", ")} on ${[...where].join("; ")}.`
  ].join("\n")
}

const upserts = (results: ReadonlyArray<Result>): ReadonlyArray<string> => {
  const found = headlineOf(results)
  if (found === undefined) return []
  const baseline = found.rows.find((row) => row.baseline)?.contender ?? "the baseline"
  return [
    sentence(found),
    "",
    `Vectors a second, and how often that is what ${baseline} does; batch 100, 8 in flight, no latency:`,
    "",
    ...table(
      ["", ...found.dimensions.map((dimension) => `${dimension}-d`)],
      found.contenders.map((contender) => [
        contender,
        ...found.dimensions.map((dimension) => {
          const row = rowOf(found, contender, dimension)
          const times = row?.ratio === undefined || row.baseline ? "" : ` (${figure(row.ratio.median)} x)`
          return row?.perSecond === undefined ? "" : `${figure(row.perSecond.median)}${times}`
        })
      ])
    ),
    ""
  ]
}

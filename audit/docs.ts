/** The figures of a run, as a part of a page. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as os from "node:os"
import { writeBetween } from "../scripts/marks.ts"
import type { CaseReport, Report } from "./report.ts"

const begin = "<!-- figures: written by `npm run audit -- --write-docs docs/reliability.md` -->"
const end = "<!-- end of figures -->"

/** Puts the figures between the two marks of a page. */
export const writeDocs = (file: string, report: Report): Effect.Effect<void> =>
  Effect.map(DateTime.now, (now) => {
    writeBetween(file, begin, end, figures(report, DateTime.formatIsoDate(now)))
  })

const figures = (report: Report, date: string): string => {
  const { cases, form, seed } = report
  return [
    `${date}, ${machine()}. Form: ${form}, seed ${seed}.`,
    "",
    "| case | records | lost | wrong | unexplained | re-sent | faults that struck | seconds | |",
    "|---|---|---|---|---|---|---|---|---|",
    ...cases.map(row),
    "",
    "| case | measured |",
    "|---|---|",
    ...cases.map(({ measured, name }) => `| ${name} | ${list(measured)} |`)
  ].join("\n")
}

const row = ({ faultsFired, lost, name, ok, records, resent, seconds, unexplained, wrong }: CaseReport): string => {
  const struck = Object.values(faultsFired).reduce((sum, count) => sum + count, 0)
  const cells = [name, records, lost, wrong, unexplained, resent, struck, seconds].map((cell) =>
    typeof cell === "number" ? cell.toLocaleString("en") : cell
  )
  return `| ${cells.join(" | ")} | ${ok ? "ok" : "**failed**"} |`
}

const list = (values: Readonly<Record<string, number | string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}: ${typeof value === "number" ? value.toLocaleString("en") : value}`)
    .join("<br>")

const machine = (): string => {
  const [cpu] = os.cpus()
  const memory = Math.round(os.totalmem() / 2 ** 30)
  return `${os.cpus().length} cores (${cpu?.model.trim()}), ${memory} GB, ${os.type()} ${os.release()}, Node ${process.versions.node}`
}

/** The main figures: upserts where contenders are compared first. */
import type { Result, Row } from "../result.ts"
import { headline } from "./figures.ts"
import { figure } from "./text.ts"

export interface Headline {
  /** One contender at one dimension. */
  readonly rows: ReadonlyArray<Row>
  readonly dimensions: ReadonlyArray<number>
  readonly contenders: ReadonlyArray<string>
  /** The fastest, beside the baseline, at the dimension where that is most. */
  readonly best: Row
}

export const headlineOf = (results: ReadonlyArray<Result>): Headline | undefined => {
  const rows = (results.find(({ suite }) => suite === "overhead")?.rows ?? []).filter(
    ({ perSecond, point }) =>
      perSecond !== undefined && Object.entries(headline).every(([setting, value]) => point[setting] === value)
  )
  const [best] = rows
    .filter(({ baseline, ratio }) => !baseline && ratio !== undefined)
    .toSorted((a, b) => (b.ratio?.median ?? 0) - (a.ratio?.median ?? 0))
  if (best === undefined) return undefined
  return {
    rows,
    dimensions: [...new Set(rows.map(({ point }) => Number(point["dimension"])))].toSorted((a, b) => a - b),
    contenders: [...new Set(rows.map(({ contender }) => contender))],
    best
  }
}

export const rowOf = ({ rows }: Headline, contender: string, dimension: number): Row | undefined =>
  rows.find((row) => row.contender === contender && row.point["dimension"] === dimension)

/** The answer to "how fast?" in a sentence. */
export const sentence = (found: Headline): string => {
  const { best, rows } = found
  const baseline = rows.find((row) => row.baseline && row.point["dimension"] === best.point["dimension"])
  const beside =
    baseline?.perSecond === undefined ? "" : ` (${baseline.contender}: ${figure(baseline.perSecond.median)})`
  return (
    `${best.contender}: ${figure(best.perSecond?.median ?? 0)} vectors of ${best.point["dimension"]} numbers a second ` +
    `from one process, ${figure(best.ratio?.median ?? 0)} times the official client${beside}.`
  )
}

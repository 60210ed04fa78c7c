/**
 * The result of the demo, and how people read it.
 */
import type { Outcome } from "@effect-connectors/core"

/** What `--json` prints. */
export interface Report {
  readonly store: "memory" | "emulator" | "pinecone"
  readonly corpus: string
  readonly encoder: string
  readonly dimension: number
  readonly records: number
  readonly outcomes: Outcome.Counts
  readonly questions: ReadonlyArray<{
    readonly question: string
    readonly matches: ReadonlyArray<{
      readonly id: string
      readonly score: number
      readonly name: string
      readonly text: string
    }>
  }>
  /** The part of `loadSeconds` that the model worked: its time in all threads, divided by their number. */
  readonly embedSeconds: number
  /** From the first text to the last outcome. Embedding and writing overlap. */
  readonly loadSeconds: number
  readonly recordsPerSecond: number
  /** The share of the 5 nearest of all vectors, by brute force, that the store found, over all questions. */
  readonly recallAt5: number
  /** How often the answer a person expects is among the first 5, over the questions with one known answer. */
  readonly rightAnswerInFirst5: { readonly found: number; readonly of: number; readonly share: number }
}

/** How to print: the columns of the terminal, and whether it shows colours. */
export interface Style {
  readonly columns: number
  readonly color: boolean
}

/** A number with separators: `117,791`. */
export const count = (n: number): string => Math.round(n).toLocaleString("en-US")

const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, Math.max(0, length - 3))}...`

const nameWidth = 24

const exactness: Record<Report["store"], string> = {
  memory: " (in memory the search is exact)",
  emulator: " (the emulator's search is exact)",
  pinecone: ""
}

const recallLine = (store: Report["store"], recall: number): string =>
  `recall at 5    ${recall.toFixed(3)}: the share of the true 5 nearest vectors that the index found${exactness[store]}`

const modelLine = ({ rightAnswerInFirst5: { found, of, share } }: Report): string =>
  of === 0
    ? "the model      is not rated: the texts that were expected are not among those loaded"
    : `the model      put the expected text among its first 5 for ${found} of ${of} questions ` +
      `(${Math.round(share * 100)} %); that rates the model, not the index`

/** The report as text. */
export const print = (report: Report, { color, columns }: Style): string => {
  const style = (code: number) => (text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text)
  const [bold, dim] = [style(1), style(2)]
  const textWidth = columns - nameWidth - 12
  const questions = report.questions.flatMap(({ matches, question }) => [
    bold(question),
    ...matches.map(({ name, score, text }) =>
      `  ${score.toFixed(3)}  ${shorten(name, nameWidth).padEnd(nameWidth)}  ${dim(shorten(text, textWidth))}`.trimEnd()
    ),
    ""
  ])
  const { rejected, unknown, written } = report.outcomes
  return [
    ...questions,
    `written        ${count(written)} of ${count(report.records)} records, ${rejected} rejected, ${unknown} unknown`,
    `time           ${report.loadSeconds.toFixed(1)} s, of which the model ${report.embedSeconds.toFixed(1)} s: ${count(report.recordsPerSecond)} records/s`,
    recallLine(report.store, report.recallAt5),
    modelLine(report)
  ].join("\n")
}

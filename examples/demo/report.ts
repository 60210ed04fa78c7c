/**
 * The result of the demo, and how people read it.
 */
import type { Outcome } from "@effect-connectors/core"

/** How many of some questions found their answer. */
export interface Share {
  readonly found: number
  readonly of: number
  readonly share: number
}

export const shareOf = (found: number, of: number): Share => ({ found, of, share: of === 0 ? 0 : found / of })

/** What is told of either plane. */
export interface Loaded {
  readonly store: "memory" | "emulator" | "pinecone"
  readonly corpus: string
  readonly encoder: string
  readonly dimension: number
  readonly records: number
  readonly outcomes: Outcome.Counts
  /** The part of `loadSeconds` that the model worked: its time in all threads, divided by their number. */
  readonly embedSeconds: number
  /** From the first text to the last outcome. Embedding and writing overlap. */
  readonly loadSeconds: number
  readonly recordsPerSecond: number
  /** The share of the 5 nearest of all vectors, by brute force, that the store found, over all questions. */
  readonly recallAt5: number
}

/** What `--json` prints. */
export interface Report extends Loaded {
  readonly questions: ReadonlyArray<{
    readonly question: string
    readonly matches: ReadonlyArray<{
      readonly id: string
      readonly score: number
      readonly name: string
      readonly text: string
    }>
  }>
  /** How often the answer a person expects is among the first 5, over the questions with one known answer. */
  readonly rightAnswerInFirst5: Share
}

/** How to print: the columns of the terminal, and whether it shows colours. */
export interface Style {
  readonly columns: number
  readonly color: boolean
}

/** A number with separators: `117,791`. */
export const count = (n: number): string => Math.round(n).toLocaleString("en-US")

/** A text cut to `length` characters, with dots for what is left out. */
export const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, Math.max(0, length - 3))}...`

const nameWidth = 24

const exactness: Record<Report["store"], string> = {
  memory: " (in memory the search is exact)",
  emulator: " (the emulator's search is exact)",
  pinecone: ""
}

/** What was written, how long it took and how exact the search is, a line each. */
export const loadedLines = ({
  embedSeconds,
  loadSeconds,
  outcomes: { rejected, unknown, written },
  recallAt5,
  records,
  recordsPerSecond,
  store
}: Loaded): ReadonlyArray<string> => [
  `written        ${count(written)} of ${count(records)} records, ${rejected} rejected, ${unknown} unknown`,
  `time           ${loadSeconds.toFixed(1)} s, of which the model ${embedSeconds.toFixed(1)} s: ${count(recordsPerSecond)} records/s`,
  `recall at 5    ${recallAt5.toFixed(3)}: the share of the true 5 nearest vectors that the index found${exactness[store]}`
]

const modelLine = ({ rightAnswerInFirst5: { found, of, share } }: Report): string =>
  of === 0
    ? "the model      is not rated: the texts that were expected are not among those loaded"
    : `the model      put the expected text among its first 5 for ${found} of ${of} questions ` +
      `(${Math.round(share * 100)} %); that rates the model, not the index`

/** How a style marks text. */
export const marksOf = ({ color }: Style) => {
  const style = (code: number) => (text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text)
  return { bold: style(1), dim: style(2) }
}

/** The report as text. */
export const print = (report: Report, style: Style): string => {
  const { bold, dim } = marksOf(style)
  const textWidth = style.columns - nameWidth - 12
  const questions = report.questions.flatMap(({ matches, question }) => [
    bold(question),
    ...matches.map(({ name, score, text }) =>
      `  ${score.toFixed(3)}  ${shorten(name, nameWidth).padEnd(nameWidth)}  ${dim(shorten(text, textWidth))}`.trimEnd()
    ),
    ""
  ])
  return [...questions, ...loadedLines(report), modelLine(report)].join("\n")
}

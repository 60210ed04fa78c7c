/**
 * The result of the demo, and how people read it.
 */
import type { Outcome } from "@effect-connectors/core"
import type { Match } from "@effect-connectors/pinecone/PineconeIndex"

/** A question with its vector, and what the index found. */
export type Answer = readonly [{ readonly text: string; readonly vector: Float32Array }, ReadonlyArray<Match>]

/** What `--json` prints. */
export interface Report {
  readonly records: number
  readonly outcomes: Outcome.Counts
  readonly questions: ReadonlyArray<{
    readonly question: string
    readonly matches: ReadonlyArray<{ readonly id: string; readonly score: number; readonly text: string }>
  }>
  /** From the first text to the last outcome, embedding included. */
  readonly loadSeconds: number
  readonly recordsPerSecond: number
  /** The share of answers that are among the 5 nearest of all vectors, by brute force. */
  readonly recallAt5: number
  /** How often the answer a person expects is among the first 5, over questions with one known answer. */
  readonly rightAnswerInFirst5: { readonly found: number; readonly of: number; readonly share: number }
  readonly corpus: string
  readonly encoder: string
  readonly store: string
}

const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 3)}...`

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** The report as text. */
export const print = (report: Report): string => {
  const questions = report.questions.flatMap(({ matches, question }) => [
    "",
    question,
    ...matches.map(
      ({ id, score, text }) => `  ${score.toFixed(3)}  ${shorten(id, 24).padEnd(24)}  ${shorten(text, 72)}`
    )
  ])
  const { rejected, unknown, written } = report.outcomes
  const { found, of, share } = report.rightAnswerInFirst5
  return [
    ...questions,
    "",
    `records             ${report.records}: ${written} written, ${rejected} rejected, ${unknown} unknown`,
    `loaded in           ${report.loadSeconds.toFixed(1)} s, embedding included: ${report.recordsPerSecond.toFixed(0)} records/s`,
    `recall at 5         ${report.recallAt5.toFixed(4)} against brute force over the same vectors`,
    `expected answer     among the first 5 for ${found} of ${of} questions (${percent(share)}): that is the model, not the store`
  ].join("\n")
}

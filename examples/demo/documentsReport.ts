/**
 * The result of the demo on documents, and how people read it: three rankings side by side.
 */
import { loadedLines, type Loaded, marksOf, type Share, shorten, type Style } from "./report.ts"

/** A document that was found. */
export interface Found {
  readonly id: string
  /** BM25 by words, cosine by meaning, reciprocal ranks by both: they do not compare. */
  readonly score: number | null
  readonly name: string
  readonly text: string
}

/** The first 5 by each, best first. */
export interface Rankings {
  readonly words: ReadonlyArray<Found>
  readonly meaning: ReadonlyArray<Found>
  readonly both: ReadonlyArray<Found>
}

/** What `--plane documents --json` prints. */
export interface DocumentsReport extends Loaded {
  readonly plane: "documents"
  readonly questions: ReadonlyArray<
    Rankings & {
      readonly question: string
      /** The answer that a person expects, when it is known and among the texts. */
      readonly expected?: { readonly id: string; readonly name: string }
    }
  >
  /** How many of the first by words and by meaning were merged. */
  readonly mergedFirst: number
  /** Questions whose words the store did not take as a query: they found nothing by words. */
  readonly refusedQueries: number
  /** How often the answer a person expects is among the first 5, over the questions with one known answer. */
  readonly rightAnswerInFirst5: { readonly [ranking in keyof Rankings]: Share }
}

/** The rankings in the order they are shown. */
export const rankings = ["words", "meaning", "both"] as const satisfies ReadonlyArray<keyof Rankings>

/** Terminals narrower than this get the rankings one below the other. */
const narrow = 60
const gap = 2
const widest = 40

/** Text in lines of at most `columns` characters, cut between words; those after the first are indented. */
const wrap = (text: string, columns: number, indent: number): ReadonlyArray<string> => {
  if (text.length <= columns) return [text]
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = " ".repeat(indent) + word
    } else {
      line = line === "" ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

type Question = DocumentsReport["questions"][number]

interface Cell {
  readonly text: string
  readonly isExpected: boolean
}

const noCell: Cell = { text: "", isExpected: false }

/** A ranking as cells: names behind the sign of the expected answer, or of none. */
const cells = (question: Question, ranking: keyof Rankings): ReadonlyArray<Cell> =>
  question[ranking].length === 0
    ? [{ text: "  (nothing)", isExpected: false }]
    : question[ranking].map(({ id, name }) => {
        const isExpected = id === question.expected?.id
        return { text: `${isExpected ? "*" : " "} ${name}`, isExpected }
      })

const table = (question: Question, style: Style): ReadonlyArray<string> => {
  const { bold, dim } = marksOf(style)
  const columns = rankings.map((ranking) => ({ head: `  ${ranking}`, cells: cells(question, ranking) }))
  const show = ({ isExpected, text }: Cell, width: number) => {
    const fit = shorten(text, width).padEnd(width)
    return isExpected ? bold(fit) : fit
  }
  if (style.columns < narrow) {
    return columns.flatMap(({ cells, head }) => [
      dim(head),
      ...cells.map((cell) => `  ${show(cell, style.columns - 2)}`.trimEnd())
    ])
  }
  const width = Math.min(widest, Math.floor((style.columns - (columns.length - 1) * gap) / columns.length))
  const row = (texts: ReadonlyArray<string>) => texts.join(" ".repeat(gap)).trimEnd()
  const height = Math.max(...columns.map(({ cells }) => cells.length))
  return [
    dim(row(columns.map(({ head }) => head.padEnd(width)))),
    ...Array.from({ length: height }, (_, i) => row(columns.map(({ cells }) => show(cells[i] ?? noCell, width))))
  ]
}

const rates = ({ rightAnswerInFirst5: shares }: DocumentsReport): ReadonlyArray<string> => {
  const { of } = shares.both
  if (of === 0) return ["not rated: the texts that were expected are not among those loaded"]
  return [
    `expected answer (*) among the first 5, of ${of} questions:`,
    ...rankings.map((ranking) => {
      const { found, share } = shares[ranking]
      return `  ${ranking.padEnd(13)}${String(found).padStart(String(of).length)}  ${String(Math.round(share * 100)).padStart(3)} %`
    })
  ]
}

const explanation = ({ mergedFirst }: DocumentsReport): string =>
  `Pinecone ranks by one thing at a time: "both" is made by this program, of the first ${mergedFirst} by words and the first ${mergedFirst} by meaning (reciprocal rank fusion).`

/** The report as text, in lines that fit the terminal. */
export const print = (report: DocumentsReport, style: Style): string => {
  const { bold, dim } = marksOf(style)
  const fit = (text: string, indent: number) => wrap(text, style.columns, indent)
  return [
    ...report.questions.flatMap((question) => [
      ...fit(question.question, 0).map(bold),
      ...(question.expected === undefined ? [] : fit(`expected: ${question.expected.name}`, 2).map(dim)),
      ...table(question, style),
      ""
    ]),
    ...loadedLines(report).flatMap((line) => fit(line, 15)),
    "",
    ...rates(report).flatMap((line) => fit(line, 2)),
    "",
    ...fit(explanation(report), 0)
  ].join("\n")
}

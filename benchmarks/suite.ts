/**
 * What a suite is: groups of contenders that do the same in turn, at some points, and what must hold of the rows.
 *
 * A suite only says what runs; `run.ts` starts the processes and makes the rows.
 */
import type { Bar, Row } from "./result.ts"

/** Settings as they go to another process and into the results. */
export type Settings = Readonly<Record<string, string | number>>

/** A program of `servers/`, or another by its absolute path, in a process of its own. */
export interface Server {
  readonly program: string
  readonly settings?: Settings | undefined
  /**
   * Start it anew for each contender and round, for servers that keep what they are sent.
   *
   * @default false
   */
  readonly fresh?: boolean | undefined
}

/** A program of `contenders/`, in a process of its own each round. */
export interface Contender {
  /** As the results and the report call it. */
  readonly name: string
  readonly program: string
  readonly settings?: Settings | undefined
  /** The one that the others of its group are compared with. */
  readonly baseline?: boolean | undefined
}

/** How many records a contender handles at a point. */
export interface Amount {
  /** Before the timing, so that its code is compiled and its connections are open. */
  readonly warmUp: number
  readonly timed: number
}

/** One point of a suite's grid. */
export interface Point {
  readonly at: Settings
  readonly amount: Amount | ((contender: Contender) => Amount)
}

/** Contenders that take turns. A process runs all points of its group, one after the other. */
export interface Group {
  /** For the progress that is printed. */
  readonly label: string
  readonly server?: Server | undefined
  readonly contenders: ReadonlyArray<Contender>
  readonly points: ReadonlyArray<Point>
}

export interface Plan {
  /** Profiles are taken of the first one. */
  readonly groups: ReadonlyArray<Group>
  readonly bars: (rows: ReadonlyArray<Row>) => ReadonlyArray<Bar>
}

export interface Suite {
  readonly name: string
  readonly title: string
  /** What is compared and how, for the reader of the report. */
  readonly method: string
  /** `smoke`: everything runs, as shortly as it can. */
  readonly plan: (options: { readonly smoke: boolean }) => Plan
}

/** What the ratio of a row, or another figure of it, must reach. */
export const atLeast = (name: string, bar: number, ratio: number): Bar => ({
  name,
  bar,
  ratio,
  sense: "atLeast",
  ok: ratio >= bar
})

/** What it may not exceed. */
export const atMost = (name: string, bar: number, ratio: number): Bar => ({
  name,
  bar,
  ratio,
  sense: "atMost",
  ok: ratio <= bar
})

/** Whether a row is of the contender and at the settings given. */
export const isAt =
  (contender: string, at: Settings) =>
  (row: Row): boolean =>
    row.contender === contender && Object.entries(at).every(([name, value]) => row.point[name] === value)

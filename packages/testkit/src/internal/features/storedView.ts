/** What attribute views and aggregate views have in common: they hold what was ingested, by join keys. */
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"
import type { Keys } from "./keyedTable.ts"

/** The columns of a record, as values. */
export type Columns = ReadonlyMap<string, FeatureValue>

/** A feature of one row. Times are nanoseconds since the epoch. */
export interface Cell {
  readonly value: FeatureValue
  readonly effectiveTime: bigint | undefined
}

export const missing: Cell = { value: null, effectiveTime: undefined }

/** When a read happens, and where windows end: at the clock, at the newest event of the view, or at a given time. */
export interface When {
  readonly now: bigint
  readonly edge: "clock" | "newest event" | bigint
}

export interface StoredView {
  /** The oldest time of an event that is still served: events at it or before it can not be ingested. */
  readonly servedSince: (now: bigint) => bigint
  readonly write: (keys: Keys, at: bigint, columns: Columns, now: bigint) => void
  /** The features of a key, by their place in the view. */
  readonly read: (keys: Keys, when: When) => (feature: number) => Cell
  /** The keys of what it holds that have the given values; `undefined` is any. */
  readonly like: (given: ReadonlyArray<string | undefined>) => ReadonlyArray<Keys>
}

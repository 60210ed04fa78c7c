/** Rows that the feature server works on at a time: a batch of N counts as N. */
export interface Concurrency {
  /** Takes the places of rows, unless they would be too many. */
  readonly enter: (rows: number) => boolean
  readonly leave: (rows: number) => void
  readonly inFlight: () => number
  /** The most there were. */
  readonly peak: () => number
  /** Calls that were refused. */
  readonly refused: () => number
}

export const make = (limit: number): Concurrency => {
  let inFlight = 0
  let peak = 0
  let refused = 0
  return {
    enter: (rows) => {
      if (inFlight + rows > limit) {
        refused++
        return false
      }
      inFlight += rows
      peak = Math.max(peak, inFlight)
      return true
    },
    leave: (rows) => {
      inFlight -= rows
    },
    inFlight: () => inFlight,
    peak: () => peak,
    refused: () => refused
  }
}

/** Positions from `from` up to and without `to`. */
export type Range = readonly [from: number, to: number]

/** A set of positions as the ranges they make: sorted, apart from each other, none empty. */
export interface Ranges {
  readonly has: (position: number) => boolean
  /** Adds a position; those that come in order, or next to each other, cost least. */
  readonly add: (position: number) => void
  /** How many positions from 0 on are all in it. */
  readonly watermark: () => number
  /** How many ranges there are. */
  readonly count: () => number
  readonly toArray: () => ReadonlyArray<Range>
}

export const make = (initial: ReadonlyArray<Range> = []): Ranges => {
  const starts = initial.map(([from]) => from)
  const ends = initial.map(([, to]) => to)

  /** The place of the last range that starts at or before `position`; -1 when there is none. */
  const at = (position: number): number => {
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (starts[middle]! <= position) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  return {
    has: (position) => {
      const place = at(position)
      return place >= 0 && position < ends[place]!
    },
    add: (position) => {
      const place = at(position)
      const end = place < 0 ? -1 : ends[place]!
      if (position < end) return
      const touchesNext = starts[place + 1] === position + 1
      if (position === end) {
        ends[place] = position + 1
        if (!touchesNext) return
        ends[place] = ends[place + 1]!
        starts.splice(place + 1, 1)
        ends.splice(place + 1, 1)
      } else if (touchesNext) {
        starts[place + 1] = position
      } else {
        starts.splice(place + 1, 0, position)
        ends.splice(place + 1, 0, position + 1)
      }
    },
    watermark: () => (starts[0] === 0 ? ends[0]! : 0),
    count: () => starts.length,
    toArray: () => starts.map((from, i) => [from, ends[i]!])
  }
}

/** What is wrong with a list of ranges, if anything is. */
export const issue = (ranges: ReadonlyArray<Range>): string | undefined => {
  let last = -1
  for (const [from, to] of ranges) {
    if (from <= last || to <= from) return `holds [${from}, ${to}] after ${last}; ranges must be in order and apart`
    last = to
  }
  return undefined
}

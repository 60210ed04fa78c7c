/**
 * An aggregate view keeps the events of each key and computes when it is read. An event of the same key and time
 * replaces the one before it, so what is sent twice counts once; a late event counts.
 *
 * Guesses. A continuous window ends with the moment of the read and is open at its start: `(now - window, now]`. The
 * clock has milliseconds where events have nanoseconds, so the whole millisecond of a read counts: what was acknowledged
 * within it can be read. A view with an interval has windows of whole intervals, `[start, end)`, the last of which is
 * the one that has not ended (`Assumptions.openInterval`). Nulls count for nothing: a window that has nothing else gives
 * null. A sum beyond int64 wraps. The effective time of a window is where its last full interval ends.
 */
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"
import { aggregate } from "./aggregation.ts"
import type { Assumptions } from "./assumptions.ts"
import { KeyedTable } from "./keyedTable.ts"
import type { AggregateFeature, AggregateModel } from "./model.ts"
import { missing, type Columns, type StoredView, type When } from "./storedView.ts"

interface Event {
  readonly at: bigint
  readonly columns: Columns
}

const dayNanos = 86_400_000_000_000n
const millisecond = 1_000_000n

/** Events from the oldest to the newest, no two of one time. */
type Events = Array<Event>

interface Edges {
  readonly from: bigint
  readonly end: bigint
  readonly effectiveTime: bigint
}

/** The place of the first event that is not before a time. */
const placeOf = (events: Events, at: bigint): number => {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (events[middle]!.at < at) low = middle + 1
    else high = middle
  }
  return low
}

const floor = (at: bigint, interval: bigint): bigint => {
  const rest = at % interval
  return at - (rest < 0n ? rest + interval : rest)
}

export const make = (model: AggregateModel, { openInterval }: Pick<Assumptions, "openInterval">): StoredView => {
  const { features, interval } = model
  const held = new KeyedTable<Events>()
  let newest: bigint | undefined

  const longest = features.reduce((most, { window }) => (window > most ? window : most), 0n)
  /** As documented: the aggregation interval, the longest window and 7 days. */
  const kept = (interval ?? 0n) + longest + 7n * dayNanos
  const used = [...new Set(features.map(({ aggregation }) => aggregation.column))]

  /** What windows are counted back from, and where they end; that moment itself belongs to none. */
  const edgesOf = ({ edge, now }: When): Edges => {
    const at = edge === "clock" ? now : edge === "newest event" ? (newest ?? now) : edge
    const last = edge === "clock" ? now + millisecond - 1n : at
    if (interval === undefined) return { from: at + 1n, end: last + 1n, effectiveTime: at }
    const started = floor(last, interval)
    const end = openInterval === "count" ? started + interval : started
    return { from: end, end, effectiveTime: started }
  }

  const valuesIn = (events: Events, { end, from }: Edges, { aggregation, window }: AggregateFeature) =>
    events
      .slice(placeOf(events, from - window), placeOf(events, end))
      .flatMap(({ columns }): ReadonlyArray<NonNullable<FeatureValue>> => {
        const value = columns.get(aggregation.column) ?? null
        return value === null ? [] : [value]
      })

  return {
    servedSince: (now) => now - kept,
    write: (keys, at, columns, now) => {
      const reach = now - kept
      const isOver = (old: Events): boolean => placeOf(old, reach) === old.length
      const events = held.getOrMake(keys, (): Events => [], isOver)
      // What no window can reach any more goes, so that a key costs no more than its windows.
      const first = placeOf(events, reach)
      if (first > 0) events.splice(0, first)
      const event = { at, columns: new Map(used.map((column) => [column, columns.get(column) ?? null])) }
      const place = placeOf(events, at)
      events.splice(place, events[place]?.at === at ? 1 : 0, event)
      if (newest === undefined || at > newest) newest = at
    },
    read: (keys, when) => {
      const events = held.get(keys)
      if (events === undefined) return () => missing
      const edges = edgesOf(when)
      return (at) => {
        const feature = features[at]!
        const values = valuesIn(events, edges, feature)
        return values.length === 0 ? missing : { value: aggregate(feature, values), effectiveTime: edges.effectiveTime }
      }
    },
    like: held.like.bind(held)
  }
}

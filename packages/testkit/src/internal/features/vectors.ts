/** Computes the vectors of a service: the cells of each row, and from them a reply in the form of the wire. */
import type * as DataType from "@effect-connectors/tecton/DataType"
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"
import type { Column, FeaturesReply, Include, Row, SloInfo, Status } from "@effect-connectors/tecton/TectonApi"
import { Timestamp } from "@effect-connectors/tecton/Timestamp"
import * as Result from "effect/Result"
import type { Keys } from "./keyedTable.ts"
import type { ReadLookup } from "./lookup.ts"
import type { Place, RealtimeModel, ServiceModel, ViewModel } from "./model.ts"
import { bad, type Refusal } from "./refusal.ts"
import { type Cell, missing, type StoredView, type When } from "./storedView.ts"
import { Mismatch, reader, sizeOf, toWire } from "./wireValue.ts"

/** How rows are read. */
export interface Reading {
  readonly when: When
  /** Is a count of nothing 0? */
  readonly coerceNullCountsToZero: boolean
  /** Stored features that did not arrive in time are null. */
  readonly timedOut: boolean
}

/** A feature of a row, with what is told of it. */
export interface Told extends Cell {
  readonly status: Status
}

export type Views = (name: string) => StoredView | undefined

/** The features of one row. `joinKeys` has every join key of the service. */
export const rowOf = (
  service: ServiceModel,
  lookup: ReadLookup,
  views: Views,
  reading: Reading
): Result.Result<ReadonlyArray<Told>, Refusal> =>
  Result.gen(function* () {
    const readers = new Map<string, (at: number) => Told>()
    const row: Array<Told> = []
    for (const { at, view } of service.places) {
      let read = readers.get(view.name)
      if (read === undefined) {
        read = yield* view.type === "realtime"
          ? realtime(view, lookup.requestContext, reading.when.now)
          : Result.succeed(stored(view, lookup.joinKeys, views, reading))
        readers.set(view.name, read)
      }
      row.push(read(at))
    }
    return row
  })

const stored = (
  view: Exclude<ViewModel, RealtimeModel>,
  joinKeys: ReadLookup["joinKeys"],
  views: Views,
  { coerceNullCountsToZero, timedOut, when }: Reading
): ((at: number) => Told) => {
  if (timedOut) return () => ({ ...missing, status: "TIME_OUT" })
  const keys = keysOf(view, joinKeys)
  const read = keys && views(view.name)?.read(keys, when)
  return (at) => {
    const cell = read?.(at) ?? missing
    if (cell.value !== null) return { ...cell, status: "PRESENT" }
    const isCount = view.type === "aggregate" && view.features[at]?.aggregation.function === "count"
    return isCount && coerceNullCountsToZero
      ? { ...cell, value: 0n, status: "PRESENT" }
      : { ...cell, status: "MISSING_DATA" }
  }
}

/** The keys of a view in its order; a null among them has nothing to be found by. */
const keysOf = ({ joinKeys }: { readonly joinKeys: ReadonlyArray<DataType.Field> }, given: ReadLookup["joinKeys"]) => {
  const keys: Array<string> = []
  for (const { name } of joinKeys) {
    const key = given.get(name)
    if (key === null || key === undefined) return undefined
    keys.push(key)
  }
  return keys
}

const fromProgram = { int64AsText: true, fromProgram: true }

/**
 * A realtime feature is always present, also when it is null. That a computation that fails is a bad request is a
 * guess.
 */
const realtime = (
  view: RealtimeModel,
  given: ReadLookup["requestContext"],
  now: bigint
): Result.Result<(at: number) => Told, Refusal> => {
  const context = Object.fromEntries(
    view.requestContext.map(({ name }): [string, FeatureValue] => [name, given.get(name) ?? null])
  )
  const computed = Result.try({
    try: () => view.compute?.({ requestContext: context, now: Number(now / 1_000_000n) }) ?? context,
    catch: (error) =>
      bad(`The realtime view ${view.name} failed: ${error instanceof Error ? error.message : String(error)}`)
  })
  return Result.gen(function* () {
    const values = new Map(Object.entries(yield* computed))
    const cells: Array<Told> = []
    for (const { dataType, name } of view.features) {
      const value = reader(dataType, fromProgram)(values.get(name))
      if (value instanceof Mismatch) {
        return yield* Result.fail(bad(`The realtime view ${view.name} gave a ${name} that ${value.issue}`))
      }
      cells.push({ value, effectiveTime: undefined, status: "PRESENT" })
    }
    return (at) => cells[at] ?? { ...missing, status: "PRESENT" }
  })
}

/** The keys that a lookup leaves open, of which anything is served, in the order of their texts (a guess). */
export const openKeys = (service: ServiceModel, lookup: ReadLookup, views: Views, when: When): ReadonlyArray<Keys> => {
  const found = new Map<string, Keys>()
  const wild = new Set(service.places.map(({ view }) => view))
  for (const view of wild) {
    if (view.type === "realtime" || view.wildcards.length === 0) continue
    const table = views(view.name)
    const isOpen = new Set(view.wildcards.map(({ name }) => name))
    // A null finds nothing.
    if (view.joinKeys.some(({ name }) => !isOpen.has(name) && lookup.joinKeys.get(name) === null)) continue
    const given = view.joinKeys.map(({ name }) => lookup.joinKeys.get(name) ?? undefined)
    for (const keys of table?.like(given) ?? []) {
      const read = table?.read(keys, when)
      if (view.features.every((_, at) => read?.(at).value === null)) continue
      const open = keys.filter((_, at) => isOpen.has(view.joinKeys[at]?.name ?? ""))
      found.set(JSON.stringify(open), open)
    }
  }
  return Array.from(found)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, keys]) => keys)
}

/** A row and the keys it gives. */
export interface Answered {
  readonly cells: ReadonlyArray<Told>
  readonly joinKeys: Keys | undefined
}

export const bytesOf = ({ cells }: Answered): number => cells.reduce((sum, { value }) => sum + sizeOf(value), 0)

export interface ReplyOptions {
  readonly include: Include
  readonly isBatch: boolean
  /** How long it took. */
  readonly seconds: number
  /** Told only to those who allow it. */
  readonly partialResults: boolean | undefined
}

/** The reply of rows. What was not asked for is not there. */
export const replyOf = (service: ServiceModel, rows: ReadonlyArray<Answered>, options: ReplyOptions): FeaturesReply => {
  const { include, isBatch, partialResults, seconds } = options
  const sizes = rows.map(bytesOf)
  const slo = (bytes: number): SloInfo => ({
    sloEligible: true,
    sloServerTimeSeconds: seconds,
    serverTimeSeconds: seconds,
    storeMaxLatency: seconds,
    dynamodbResponseSizeBytes: bytes
  })
  const tellsColumns =
    include.names ||
    include.dataTypes ||
    include.effectiveTimes ||
    include.servingStatus ||
    include.descriptions ||
    include.tags
  return {
    columns: tellsColumns ? service.places.map((place, at) => columnOf(place, at, rows, include)) : [],
    joinKeyColumns: tellsColumns ? service.wildcards.map((key) => keyColumn(key, include)) : [],
    rows: rows.map(({ cells, joinKeys }, row): Row => ({
      values: cells.map(({ value }, at) => toWire(service.places[at]!.feature.dataType, value)),
      ...(include.servingStatus ? { statuses: cells.map(({ status }) => status) } : {}),
      ...(joinKeys === undefined ? {} : { joinKeys }),
      ...(include.sloInfo ? { sloInfo: slo(sizes[row] ?? 0) } : {})
    })),
    ...(include.sloInfo && isBatch ? { batchSloInfo: slo(sizes.reduce((sum, bytes) => sum + bytes, 0)) } : {}),
    ...(partialResults === undefined ? {} : { partialResults })
  }
}

/** Rows share one effective time. Which it is of several is a guess: the oldest, so that no row is older than it says. */
const columnOf = (
  { feature: { about, dataType }, name }: Place,
  at: number,
  rows: ReadonlyArray<Answered>,
  include: Include
): Column => {
  const times = rows.flatMap(({ cells }) => cells[at]?.effectiveTime ?? [])
  const oldest = times.reduce(
    (least: bigint | undefined, time) => (least === undefined || time < least ? time : least),
    undefined
  )
  return {
    ...(include.names ? { name } : {}),
    ...(include.dataTypes ? { dataType } : {}),
    ...(include.effectiveTimes && oldest !== undefined
      ? { effectiveTime: new Timestamp({ epochNanoseconds: oldest }) }
      : {}),
    ...(include.descriptions && about?.description !== undefined ? { description: about.description } : {}),
    ...(include.tags && about?.tags !== undefined ? { tags: about.tags } : {})
  }
}

const keyColumn = ({ dataType, name }: DataType.Field, include: Include): Column => ({
  ...(include.names ? { name } : {}),
  ...(include.dataTypes ? { dataType } : {})
})

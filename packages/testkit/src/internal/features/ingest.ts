/**
 * Checks the records of an ingest call, all before the first is written.
 *
 * Guesses: a field that a record does not have is null; a join key that is null is an error, as one that is missing; an
 * event may lie in the future; what is wrong with a record is told once for each view that subscribes to its source.
 */
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"
import { Timestamp } from "@effect-connectors/tecton/Timestamp"
import * as Predicate from "effect/Predicate"
import type { Assumptions } from "./assumptions.ts"
import { keyOf, type Keys } from "./keyedTable.ts"
import type { AggregateModel, AttributeModel, SourceModel } from "./model.ts"
import type { RecordError } from "./refusal.ts"
import type { Columns, StoredView } from "./storedView.ts"
import { Mismatch, reader, type Reader } from "./wireValue.ts"

/** A view that takes the records of a source. */
export interface Subscriber {
  readonly model: AttributeModel | AggregateModel
  readonly view: StoredView
}

/** A source, and what its records go to. */
export interface Feed {
  readonly source: SourceModel
  readonly subscribers: ReadonlyArray<Subscriber>
  readonly readers: ReadonlyMap<string, Reader>
}

export const feed = (
  source: SourceModel,
  subscribers: ReadonlyArray<Subscriber>,
  { int64AsText }: Pick<Assumptions, "int64AsText">
): Feed => ({
  source,
  subscribers,
  readers: new Map(
    Array.from(source.columns, ([name, dataType]): [string, Reader] => [name, reader(dataType, { int64AsText })])
  )
})

/** A record on its way into a view. */
export interface Write {
  readonly view: StoredView
  readonly keys: Keys
  readonly at: bigint
  readonly columns: Columns
}

export interface Checked {
  readonly writes: ReadonlyArray<Write>
  readonly errors: ReadonlyArray<RecordError>
}

const objectError = "TectonObjectValidationError"

/** Checks records of one source. `now` is in nanoseconds. */
export const check = (
  { readers, source, subscribers }: Feed,
  records: ReadonlyArray<unknown>,
  now: bigint,
  { extraFields }: Pick<Assumptions, "extraFields">
): Checked => {
  const writes: Array<Write> = []
  const errors: Array<RecordError> = []
  const wrong = (errorMessage: string, featureViewName?: string) =>
    errors.push({
      ...(featureViewName === undefined ? {} : { featureViewName }),
      pushSourceName: source.name,
      errorType: objectError,
      errorMessage
    })

  for (const record of records) {
    const columns = readRecord(record, source, readers, extraFields)
    if (typeof columns === "string") {
      if (subscribers.length === 0) wrong(columns)
      for (const { model } of subscribers) wrong(columns, model.name)
      continue
    }
    for (const { model, view } of subscribers) {
      const write = toWrite(model, view, columns, source.timestamp, now)
      if (typeof write === "string") wrong(write, model.name)
      else writes.push(write)
    }
  }
  return { writes, errors }
}

/** The columns of a record, or what is wrong with it. */
const readRecord = (
  record: unknown,
  source: SourceModel,
  readers: ReadonlyMap<string, Reader>,
  extraFields: Assumptions["extraFields"]
): Columns | string => {
  if (!Predicate.isReadonlyObject(record) || Array.isArray(record)) return "The record is no object"
  const given = new Map(Object.entries(record))
  const columns = new Map<string, FeatureValue>()
  for (const [name, read] of readers) {
    const value = read(given.get(name))
    if (value instanceof Mismatch) return `The field ${name} ${value.issue}`
    columns.set(name, value)
  }
  if (columns.get(source.timestamp) === null) return `The record has no timestamp: ${source.timestamp}`
  if (extraFields === "refuse") {
    const extra = [...given.keys()].find((name) => !columns.has(name))
    if (extra !== undefined) return `The field ${JSON.stringify(extra.slice(0, 64))} is not in the schema of the source`
  }
  return columns
}

const toWrite = (
  model: Subscriber["model"],
  view: StoredView,
  columns: Columns,
  timestamp: string,
  now: bigint
): Write | string => {
  const keys: Array<string> = []
  for (const { name } of model.joinKeys) {
    const key = keyOf(columns.get(name) ?? null)
    if (key === null) return `The record has no join key: ${name}`
    keys.push(key)
  }
  const time = columns.get(timestamp)
  if (!(time instanceof Timestamp)) return `The record has no timestamp: ${timestamp}`
  const at = time.epochNanoseconds
  return at <= view.servedSince(now)
    ? `The event time ${time.toString()} is outside of the view's serving ttl`
    : { view, keys, at, columns }
}

/**
 * Reads the vectors of a service out of replies: each value by its type in Tecton, then a whole reply at once by the
 * schemas of the service. A row that is not what they say fails alone, and its error names the feature.
 */
import { InvalidResponse, InvalidValue, type Reason, SchemaDrift } from "@effect-connectors/core/ConnectorError"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as DataType from "../DataType.ts"
import type { FeatureService, Feature, Vector } from "../FeatureService.ts"
import type { FeatureValue } from "../FeatureValue.ts"
import type { Column, FeaturesReply, Include, Row, Status } from "../TectonApi.ts"
import type { Timestamp } from "../Timestamp.ts"
import { columnDecoder } from "./columns.ts"
import { compare } from "./drift.ts"
import { setField } from "./record.ts"
import * as Values from "./values.ts"

/** What to ask for beside names and types. */
export interface Wanted {
  readonly statuses: boolean
  readonly effectiveTimes: boolean
}

/** What a reply has to tell so that the vectors of a service can be read. */
export const includeFor = ({ binding }: FeatureService<unknown, unknown, unknown>, wanted: Wanted): Include => ({
  names: binding?.names ?? true,
  dataTypes: binding === undefined,
  servingStatus: wanted.statuses,
  effectiveTimes: wanted.effectiveTimes
})

/** A feature's place in the vectors, and how to read its value. */
interface Place {
  readonly name: string
  readonly at: number
  readonly read: Values.Read
}

const place = (fields: ReadonlyArray<DataType.Field>, wanted: ReadonlySet<string> | undefined): ReadonlyArray<Place> =>
  fields.flatMap(({ dataType, name }, at) =>
    wanted === undefined || wanted.has(name) ? [{ name, at, read: Values.reader(dataType) }] : []
  )

/** Is one of the features that are wanted in no place? A reply may name another twice. */
const lacks = (wanted: ReadonlySet<string>, places: ReadonlyArray<Place>): boolean =>
  new Set(places.map(({ name }) => name)).size < wanted.size

const invalid = (detail: string): Reason => new InvalidResponse({ detail })

/** The features as a reply names them. */
const fieldsOf = (columns: ReadonlyArray<Column>): Result.Result<ReadonlyArray<DataType.Field>, Reason> => {
  const fields: Array<DataType.Field> = []
  for (const { dataType, name } of columns) {
    if (name === undefined || dataType === undefined) {
      return Result.fail(
        invalid("its metadata lacks the name or the type of a feature; bind the service to read without")
      )
    }
    fields.push({ name, dataType })
  }
  return Result.succeed(fields)
}

/** Does a reply name its features, and otherwise than the service did when it was bound? */
const renamed = (bound: ReadonlyArray<DataType.Field>, columns: ReadonlyArray<Column>): boolean =>
  columns.some(({ name }) => name !== undefined) &&
  (columns.length !== bound.length || columns.some(({ name }, at) => name !== bound[at]?.name))

/** What a reply that names no types has: those of a feature that is not known from before are not told. */
const untold: DataType.DataType = { type: "unsupported", name: "of a type that is not told" }

/** How the vectors of a service are read. To be made once for many replies. */
export const reader = <K, C, F>(service: FeatureService<K, C, F>) => {
  const { binding, features, name: subject, types } = service
  const declared = features === undefined ? undefined : new Set(Object.keys(features))
  const boundPlaces = binding === undefined ? undefined : place(binding.features, declared)
  const boundTypes = new Map(binding?.features.map(({ dataType, name }) => [name, dataType]))

  const drifted = (found: ReadonlyArray<DataType.Field>): Reason =>
    new SchemaDrift({
      subject: `feature service ${subject}`,
      drifts: compare({ part: "feature", declared: features === undefined ? boundFields : types.features, found })
    })
  const boundFields = binding?.features ?? []

  /** Of the last reply: those of one service hardly ever differ. */
  let last: { readonly fields: ReadonlyArray<DataType.Field>; readonly found: ReadonlyArray<Place> } | undefined
  const placed = (fields: ReadonlyArray<DataType.Field>, wanted: ReadonlySet<string> | undefined) => {
    if (last === undefined || !sameFields(last.fields, fields)) last = { fields, found: place(fields, wanted) }
    return last.found
  }

  /** Features of a bound service by their names in a reply, wherever they stand in it now. */
  const byName = (columns: ReadonlyArray<Column>): Result.Result<ReadonlyArray<Place>, Reason> => {
    const fields = columns.map(({ name = "" }) => ({ name, dataType: boundTypes.get(name) ?? untold }))
    const wanted = declared ?? new Set(boundTypes.keys())
    const found = placed(fields, wanted)
    return lacks(wanted, found) ? Result.fail(drifted(fields)) : Result.succeed(found)
  }

  /** Where the features of a reply are. */
  const places = ({ columns, rows }: FeaturesReply): Result.Result<ReadonlyArray<Place>, Reason> => {
    if (boundPlaces !== undefined) {
      if (renamed(boundFields, columns)) return byName(columns)
      return rows.every(({ values }) => values.length === boundFields.length)
        ? Result.succeed(boundPlaces)
        : Result.fail(invalid("the vectors are not those of the service as it was when it was bound; bind it again"))
    }
    if (columns.length === 0 && (declared?.size ?? 1) > 0) {
      return Result.fail(
        invalid("it does not say which features its values are; bind the service to read such vectors")
      )
    }
    return Result.flatMap(fieldsOf(columns), (fields) => {
      const found = placed(fields, declared)
      return declared !== undefined && lacks(declared, found) ? Result.fail(drifted(fields)) : Result.succeed(found)
    })
  }

  const decoders = Object.entries(features ?? {}).map(([name, schema]) => ({
    name,
    decode: columnDecoder(name, schema)
  }))

  /** One vector for each row. */
  return (reply: FeaturesReply): Result.Result<ReadonlyArray<Result.Result<Vector<F>, Reason>>, Reason> =>
    Result.map(places(reply), (found) => {
      const { columns, rows } = reply
      const wrong: Array<Reason | undefined> = rows.map(() => undefined)
      const read = found.map((place) => readColumn(place, rows, wrong))
      const values: Array<ReadonlyArray<unknown>> = [...read]
      for (const { decode, name } of decoders) {
        const at = found.findLastIndex((place) => place.name === name)
        values[at] = decode(read[at]!, wrong)
      }
      const vectors = toVectors(found, values, rows, columns)
      if (!areVectorsOf(service, vectors, found))
        return rows.map(() => Result.fail(invalid("a vector lacks a feature")))
      return vectors.map((vector, row) => {
        const reason = wrong[row]
        return reason === undefined ? Result.succeed(vector) : Result.fail(reason)
      })
    })
}

const sameFields = (a: ReadonlyArray<DataType.Field>, b: ReadonlyArray<DataType.Field>): boolean =>
  a.length === b.length &&
  a.every(({ dataType, name }, i) => {
    const other = b[i]
    return name === other?.name && (dataType === other.dataType || DataType.equals(dataType, other.dataType))
  })

/** The values of a feature in all rows by its type in Tecton. What is wrong with a row is noted, and null in its place. */
const readColumn = (
  { at, name, read }: Place,
  rows: ReadonlyArray<Row>,
  wrong: Array<Reason | undefined>
): ReadonlyArray<FeatureValue> =>
  rows.map(({ values }, row) => {
    const value = read(values[at])
    if (!(value instanceof Values.Wrong)) return value
    wrong[row] ??= new InvalidValue({ field: `feature ${name}${value.path}`, issue: value.issue })
    return null
  })

const toVectors = (
  places: ReadonlyArray<Place>,
  values: ReadonlyArray<ReadonlyArray<unknown>>,
  rows: ReadonlyArray<Row>,
  columns: ReadonlyArray<Column>
): ReadonlyArray<{ readonly [name: string]: Feature<unknown> }> =>
  rows.map(({ statuses }, row) => {
    const vector: { [name: string]: Feature<unknown> } = {}
    for (let i = 0; i < places.length; i++) {
      const { at, name } = places[i]!
      setField(vector, name, toFeature(values[i]![row], statuses?.[at], columns[at]?.effectiveTime))
    }
    return vector
  })

/** What was not asked for is no field of it. */
const toFeature = (value: unknown, status: Status | undefined, effectiveTime: Timestamp | undefined) => {
  if (status === undefined) return effectiveTime === undefined ? { value } : { value, effectiveTime }
  return effectiveTime === undefined ? { value, status } : { value, status, effectiveTime }
}

/** Their values were decoded by the schemas; what is left to see is that none is missing: all are of the same places. */
const areVectorsOf = <K, C, F>(
  service: FeatureService<K, C, F>,
  vectors: ReadonlyArray<unknown>,
  places: ReadonlyArray<Place>
): vectors is ReadonlyArray<Vector<F>> => {
  const names = new Set(places.map(({ name }) => name))
  return (
    vectors.every(Predicate.isReadonlyObject) && Object.keys(service.features ?? {}).every((name) => names.has(name))
  )
}

/** The join keys that a wildcard service gives with each row. */
export const joinKeysOf = (
  { joinKeyColumns }: FeaturesReply,
  row: Row
): Result.Result<{ readonly [key: string]: FeatureValue }, Reason> =>
  Result.gen(function* () {
    const fields = yield* fieldsOf(joinKeyColumns)
    const entries: Array<[string, FeatureValue]> = []
    for (const [at, { dataType, name }] of fields.entries()) {
      const value = Values.reader(dataType)(row.joinKeys?.[at])
      if (value instanceof Values.Wrong) {
        return yield* Result.fail(new InvalidValue({ field: `join key ${name}${value.path}`, issue: value.issue }))
      }
      entries.push([name, value])
    }
    return Object.fromEntries(entries)
  })

/**
 * Reads the vectors of a service out of replies: each value by its type in Tecton, then a whole reply at once by the
 * schemas of the service. A row that is not what they say fails alone, and its error names the feature.
 */
import { InvalidResponse, InvalidValue, type Reason, SchemaDrift } from "@effect-connectors/core/ConnectorError"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as DataType from "../DataType.ts"
import type { FeatureService, Feature, Vector } from "../FeatureService.ts"
import * as FeatureValue from "../FeatureValue.ts"
import type { Column, FeaturesReply, Include, Row } from "../TectonApi.ts"
import { compare } from "./drift.ts"

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
  readonly read: ReturnType<typeof FeatureValue.decoder>
}

const place = (fields: ReadonlyArray<DataType.Field>, wanted: ReadonlySet<string> | undefined): ReadonlyArray<Place> =>
  fields.flatMap(({ dataType, name }, at) =>
    wanted === undefined || wanted.has(name) ? [{ name, at, read: FeatureValue.decoder(dataType) }] : []
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

  /** Features of a bound service by their names in a reply, wherever they stand in it now. */
  const byName = (columns: ReadonlyArray<Column>): Result.Result<ReadonlyArray<Place>, Reason> => {
    const fields = columns.map(({ name = "" }) => ({ name, dataType: boundTypes.get(name) ?? untold }))
    const wanted = declared ?? new Set(boundTypes.keys())
    const found = place(fields, wanted)
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
      const found = place(fields, declared)
      return declared !== undefined && lacks(declared, found) ? Result.fail(drifted(fields)) : Result.succeed(found)
    })
  }

  const decodeRow = makeDecode(features)

  /** One vector for each row. */
  return (reply: FeaturesReply): Result.Result<ReadonlyArray<Result.Result<Vector<F>, Reason>>, Reason> =>
    Result.map(places(reply), (found) => {
      const decoded = decodeRow(reply.rows.map((row) => readRow(row, found)))
      return reply.rows.map((row, i) =>
        Result.flatMap(decoded[i]!, (values) => {
          const vector = toVector(values, row, found, reply.columns)
          return isVectorOf(service, vector) ? Result.succeed(vector) : Result.fail(invalid("a vector lacks a feature"))
        })
      )
    })
}

type Values = { readonly [name: string]: unknown }

/** The values of a row by their types in Tecton. */
const readRow = ({ values }: Row, places: ReadonlyArray<Place>): Result.Result<Values, Reason> => {
  const entries: Array<[string, FeatureValue.FeatureValue]> = []
  for (const { at, name, read } of places) {
    const value = read(values[at])
    if (Result.isFailure(value)) {
      const { issue, path } = value.failure
      return Result.fail(new InvalidValue({ field: `feature ${name}${path}`, issue }))
    }
    entries.push([name, value.success])
  }
  return Result.succeed(Object.fromEntries(entries))
}

/** Decodes rows by the schemas of a service: all at once, and only when that fails one by one. */
const makeDecode = (features: FeatureService<unknown, unknown, unknown>["features"]) => {
  if (features === undefined) return (rows: ReadonlyArray<Result.Result<Values, Reason>>) => rows
  const schema = Schema.Struct(
    // A null is what Tecton says, whatever a schema would make of it.
    Object.fromEntries(Object.entries(features).map(([name, schema]) => [name, Schema.Union([Schema.Null, schema])]))
  )
  const one = Schema.decodeUnknownResult(schema)
  const all = Schema.decodeUnknownResult(Schema.Array(schema))
  return (rows: ReadonlyArray<Result.Result<Values, Reason>>): ReadonlyArray<Result.Result<Values, Reason>> => {
    const together = Result.flatMap(Result.all(rows), (values) => all(values))
    if (Result.isSuccess(together)) return together.success.map((values) => Result.succeed(values))
    return rows.map(
      Result.flatMap((values) =>
        Result.mapError(one(values), ({ issue }): Reason => {
          const { message, path } = firstIssue(issue)
          const isNull = path.length > 1 && valueAt(values, path) === null
          return new InvalidValue({
            field: `feature ${path.join(".")}`,
            issue: isNull ? "is null; declare it with Schema.NullOr" : `is not what the program declares: it ${message}`
          })
        })
      )
    )
  }
}

const valueAt = (value: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce((inner: unknown, key) => (Predicate.hasProperty(inner, key) ? inner[key] : undefined), value)

const toVector = (
  values: Values,
  { statuses }: Row,
  places: ReadonlyArray<Place>,
  columns: ReadonlyArray<Column>
): { readonly [name: string]: Feature<unknown> } => {
  const entries: Array<[string, Feature<unknown>]> = []
  for (const { at, name } of places) {
    const status = statuses?.[at]
    const effectiveTime = columns[at]?.effectiveTime
    entries.push([
      name,
      {
        value: values[name],
        ...(status === undefined ? {} : { status }),
        ...(effectiveTime === undefined ? {} : { effectiveTime })
      }
    ])
  }
  return Object.fromEntries(entries)
}

/** Its values were decoded by the schemas; what is left to see is that none is missing. */
const isVectorOf = <K, C, F>(service: FeatureService<K, C, F>, vector: unknown): vector is Vector<F> =>
  Predicate.isReadonlyObject(vector) && Object.keys(service.features ?? {}).every((name) => name in vector)

/** The join keys that a wildcard service gives with each row. */
export const joinKeysOf = (
  { joinKeyColumns }: FeaturesReply,
  row: Row
): Result.Result<{ readonly [key: string]: FeatureValue.FeatureValue }, Reason> =>
  Result.gen(function* () {
    const fields = yield* fieldsOf(joinKeyColumns)
    const entries: Array<[string, FeatureValue.FeatureValue]> = []
    for (const [at, { dataType, name }] of fields.entries()) {
      const value = yield* Result.mapError(
        FeatureValue.decode(dataType, row.joinKeys?.[at]),
        ({ issue, path }): Reason => new InvalidValue({ field: `join key ${name}${path}`, issue })
      )
      entries.push([name, value])
    }
    return Object.fromEntries(entries)
  })

/**
 * Reads the vectors of a service out of replies: each value by its type in Tecton, and a whole column at once by the
 * schema of the feature, where the type does not settle it. A row that is not what they say fails alone, and its error names the feature.
 */
import { InvalidResponse, InvalidValue, type Reason, SchemaDrift } from "@effect-connectors/core/ConnectorError"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as DataType from "../DataType.ts"
import type { FeatureService, Feature, Vector } from "../FeatureService.ts"
import type { FeatureValue } from "../FeatureValue.ts"
import type { Column, FeaturesReply, Include, Row, Status } from "../TectonApi.ts"
import { fromMillis, type Timestamp } from "../Timestamp.ts"
import { columnDecoder, type DecodeColumn } from "./columns.ts"
import { compare } from "./drift.ts"
import { isSettled } from "./plainly.ts"
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

/** A place whose values are not yet those of the declared schema. */
interface DecodedPlace extends Place {
  readonly decode: DecodeColumn
}

/** Where the features are that are wanted. To be made once for many replies. */
interface Layout {
  /** Those whose values are done when they are read, row by row. */
  readonly plain: ReadonlyArray<Place>
  /** Those that are decoded, a column at a time. */
  readonly decoded: ReadonlyArray<DecodedPlace>
  readonly names: ReadonlySet<string>
  /** A vector without values: to fill a copy of it takes half the time of adding field after field. */
  readonly empty: { readonly [name: string]: Feature<unknown> }
}

/** With more fields a copy takes longer than adding them. */
const mostCopied = 128

const emptyOf = (names: ReadonlySet<string>): Layout["empty"] => {
  const empty: { [name: string]: Feature<unknown> } = {}
  if (names.size <= mostCopied) for (const name of names) setField(empty, name, { value: null })
  return empty
}

const layoutOf = <K, C, F>(
  { features }: FeatureService<K, C, F>,
  fields: ReadonlyArray<DataType.Field>,
  decoders: ReadonlyMap<string, DecodeColumn>,
  wanted: ReadonlySet<string> | undefined
): Layout => {
  const schemas: { readonly [name: string]: Schema.Codec<unknown, FeatureValue> } = features ?? {}
  // Of a name that a reply has twice the last counts.
  const last = new Map(fields.map(({ name }, at) => [name, at]))
  const plain: Array<Place> = []
  const decoded: Array<DecodedPlace> = []
  const names = new Set<string>()
  for (const [at, { dataType, name }] of fields.entries()) {
    if (last.get(name) !== at || (wanted !== undefined && !wanted.has(name))) continue
    names.add(name)
    const place = { name, at, read: Values.reader(dataType) }
    const decode = decoders.get(name)
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined
    if (decode === undefined || (schema !== undefined && isSettled(schema.ast, dataType))) plain.push(place)
    else decoded.push({ ...place, decode })
  }
  return { plain, decoded, names, empty: emptyOf(names) }
}

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

/** How the vectors of a service are read. To be made once for many replies. `toError` is for what is wrong with one row. */
export const reader = <K, C, F, E>(service: FeatureService<K, C, F>, toError: (reason: Reason) => E) => {
  const { binding, features, name: subject, types } = service
  const declared = features === undefined ? undefined : new Set(Object.keys(features))
  const decoders = new Map(
    Object.entries(features ?? {}).map(([name, schema]) => [name, columnDecoder(name, schema)] as const)
  )
  const boundFields = binding?.features ?? []
  const boundLayout = binding === undefined ? undefined : layoutOf(service, boundFields, decoders, declared)
  const boundTypes = new Map(boundFields.map(({ dataType, name }) => [name, dataType]))

  const drifted = (found: ReadonlyArray<DataType.Field>): Reason =>
    new SchemaDrift({
      subject: `feature service ${subject}`,
      drifts: compare({ part: "feature", declared: features === undefined ? boundFields : types.features, found })
    })

  /** Of the last reply: those of one service hardly ever differ. */
  let last: { readonly fields: ReadonlyArray<DataType.Field>; readonly layout: Layout } | undefined
  const laidOut = (fields: ReadonlyArray<DataType.Field>, wanted: ReadonlySet<string> | undefined) => {
    if (last === undefined || !sameFields(last.fields, fields)) {
      last = { fields, layout: layoutOf(service, fields, decoders, wanted) }
    }
    return last.layout
  }

  /** Features of a bound service by their names in a reply, wherever they stand in it now. */
  const byName = (columns: ReadonlyArray<Column>): Result.Result<Layout, Reason> => {
    const fields = columns.map(({ name = "" }) => ({ name, dataType: boundTypes.get(name) ?? untold }))
    const wanted = declared ?? new Set(boundTypes.keys())
    const layout = laidOut(fields, wanted)
    return layout.names.size < wanted.size ? Result.fail(drifted(fields)) : Result.succeed(layout)
  }

  /** Where the features of a reply are. */
  const layoutFor = ({ columns, rows }: FeaturesReply): Result.Result<Layout, Reason> => {
    if (boundLayout !== undefined) {
      if (renamed(boundFields, columns)) return byName(columns)
      return rows.every(({ values }) => values.length === boundFields.length)
        ? Result.succeed(boundLayout)
        : Result.fail(invalid("the vectors are not those of the service as it was when it was bound; bind it again"))
    }
    if (columns.length === 0 && (declared?.size ?? 1) > 0) {
      return Result.fail(
        invalid("it does not say which features its values are; bind the service to read such vectors")
      )
    }
    return Result.flatMap(fieldsOf(columns), (fields) => {
      const layout = laidOut(fields, declared)
      return declared !== undefined && layout.names.size < declared.size
        ? Result.fail(drifted(fields))
        : Result.succeed(layout)
    })
  }

  /** One vector for each row. */
  return (reply: FeaturesReply): Result.Result<ReadonlyArray<Result.Result<Vector<F>, E>>, Reason> =>
    Result.map(layoutFor(reply), (layout) => {
      const wrong: Array<Reason | undefined> = reply.rows.map(() => undefined)
      const vectors = toVectors(layout, reply, wrong)
      if (!areVectorsOf(service, vectors, layout))
        return vectors.map(() => Result.fail(toError(invalid("a vector lacks a feature"))))
      return vectors.map((vector, row) => {
        const reason = wrong[row]
        return reason === undefined ? Result.succeed(vector) : Result.fail(toError(reason))
      })
    })
}

const sameFields = (a: ReadonlyArray<DataType.Field>, b: ReadonlyArray<DataType.Field>): boolean =>
  a.length === b.length &&
  a.every(({ dataType, name }, i) => {
    const other = b[i]
    return name === other?.name && (dataType === other.dataType || DataType.equals(dataType, other.dataType))
  })

/** The value at a place by its type in Tecton. What is wrong with a row is noted, and null in its place. */
const readAt = ({ at, name, read }: Place, rows: ReadonlyArray<Row>, row: number, wrong: Array<Reason | undefined>) => {
  const value = read(rows[row]!.values[at])
  if (!(value instanceof Values.Wrong)) return value
  wrong[row] ??= new InvalidValue({ field: `feature ${name}${value.path}`, issue: value.issue })
  return null
}

const toVectors = (
  { decoded, empty, plain }: Layout,
  { columns, rows }: FeaturesReply,
  wrong: Array<Reason | undefined>
): ReadonlyArray<{ readonly [name: string]: Feature<unknown> }> => {
  const times = plain.map(({ at }) => columns[at]?.effectiveTime)
  const vectors = rows.map(({ statuses }, row) => {
    const vector: { [name: string]: Feature<unknown> } = { ...empty }
    for (let i = 0; i < plain.length; i++) {
      const place = plain[i]!
      const value = readAt(place, rows, row, wrong)
      setField(vector, place.name, toFeature(value, statuses?.[place.at], times[i]))
    }
    return vector
  })
  for (const place of decoded) {
    const values = place.decode(
      rows.map((_, row) => readAt(place, rows, row, wrong)),
      wrong
    )
    for (let row = 0; row < rows.length; row++) {
      const feature = toFeature(values[row], rows[row]!.statuses?.[place.at], columns[place.at]?.effectiveTime)
      setField(vectors[row]!, place.name, feature)
    }
  }
  return vectors
}

/** A feature that is being filled. */
interface Cell {
  value: unknown
  status?: Status
  effectiveTime?: Timestamp
}

const noTime = fromMillis(0)
const bare: Cell = { value: null }
const withStatus: Cell = { value: null, status: "" }
const withTime: Cell = { value: null, effectiveTime: noTime }
const withBoth: Cell = { value: null, status: "", effectiveTime: noTime }

/**
 * What was not asked for is no field of it. It is a copy that is filled: V8 decides from the first thousand objects of a literal
 * whether they live long. At that moment those of the batch at work are all still alive, so from then on millions would be left to
 * the full collections.
 */
const toFeature = (
  value: unknown,
  status: Status | undefined,
  effectiveTime: Timestamp | undefined
): Feature<unknown> => {
  const empty =
    status === undefined
      ? effectiveTime === undefined
        ? bare
        : withTime
      : effectiveTime === undefined
        ? withStatus
        : withBoth
  const cell: Cell = { ...empty }
  cell.value = value
  if (status !== undefined) cell.status = status
  if (effectiveTime !== undefined) cell.effectiveTime = effectiveTime
  return cell
}

/** Their values are those of the schemas; what is left to see is that none is missing: all are of the same layout. */
const areVectorsOf = <K, C, F>(
  { features }: FeatureService<K, C, F>,
  _vectors: ReadonlyArray<{ readonly [name: string]: Feature<unknown> }>,
  { names }: Layout
): _vectors is ReadonlyArray<{ readonly [name: string]: Feature<unknown> } & Vector<F>> =>
  Object.keys(features ?? {}).every((name) => names.has(name))

/** The join keys that a wildcard service gives with each row. */
export const joinKeysOf = (
  { joinKeyColumns }: FeaturesReply,
  row: Row
): Result.Result<{ readonly [key: string]: FeatureValue }, Reason> => {
  const fields = fieldsOf(joinKeyColumns)
  if (Result.isFailure(fields)) return Result.fail(fields.failure)
  const entries: Array<[string, FeatureValue]> = []
  for (const [at, { dataType, name }] of fields.success.entries()) {
    const value = Values.reader(dataType)(row.joinKeys?.[at])
    if (value instanceof Values.Wrong) {
      return Result.fail(new InvalidValue({ field: `join key ${name}${value.path}`, issue: value.issue }))
    }
    entries.push([name, value])
  }
  return Result.succeed(Object.fromEntries(entries))
}

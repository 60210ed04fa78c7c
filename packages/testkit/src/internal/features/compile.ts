/** Reads the definition of a workspace, or says what in it does not fit together. */
import * as DataType from "@effect-connectors/tecton/DataType"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import type {
  About,
  Aggregation,
  AggregateView,
  AttributeView,
  RealtimeView,
  Source,
  TectonWorkspace,
  TypeInput,
  Types,
  View
} from "./definition.ts"
import type {
  AggregateFeature,
  AggregateModel,
  AttributeModel,
  Feature,
  RealtimeModel,
  SourceModel,
  ViewModel,
  WorkspaceModel
} from "./model.ts"
import { compileService } from "./compileService.ts"
import { parse } from "./typeText.ts"

/** A part of the definition, or what is wrong with it. */
export type Compiled<A> = Result.Result<A, string>

/** Reads the whole definition. */
export const compile = (definition: TectonWorkspace): Compiled<WorkspaceModel> =>
  Result.gen(function* () {
    const { entities = {}, live = true, services = {}, sources = {}, views = {} } = definition
    const keys = yield* each(entities, (entity, types) => compileEntity(`entity ${entity}`, types))
    const compiledSources = yield* each(sources, compileSource)
    const compiledViews = yield* each(views, (name, view) => compileView(name, view, compiledSources, keys))
    const compiledServices = yield* each(services, (name, service) => compileService(name, service, compiledViews))
    return { live, sources: compiledSources, views: compiledViews, services: compiledServices }
  })

/** Reads each of the named parts. */
const each = <A, B>(
  parts: { readonly [name: string]: A },
  read: (name: string, part: A) => Compiled<B>
): Compiled<ReadonlyMap<string, B>> =>
  Result.gen(function* () {
    const compiled = new Map<string, B>()
    for (const [name, part] of Object.entries(parts)) {
      compiled.set(yield* checkName(name), yield* read(name, part))
    }
    return compiled
  })

/** A dot separates views from features, and some names mean more to JavaScript than to us. */
const checkName = (name: string): Compiled<string> =>
  /^[A-Za-z0-9_][\w-]*$/.test(name) && name !== "__proto__"
    ? Result.succeed(name)
    : Result.fail(`the name ${JSON.stringify(name)} is none: it takes letters, digits, _ and -`)

const compileType = (what: string, type: TypeInput): Compiled<DataType.DataType> => {
  const dataType = typeof type === "string" ? parse(type) : type
  return dataType === undefined
    ? Result.fail(
        `${what} has the type ${JSON.stringify(type)}, which is none; write it like "int64" or "array<string>"`
      )
    : Result.succeed(dataType)
}

const compileTypes = (what: string, types: Types): Compiled<ReadonlyArray<DataType.Field>> =>
  Result.all(
    Object.entries(types).map(([name, type]) =>
      Result.flatMap(checkName(name), () =>
        Result.map(compileType(`${what}.${name}`, type), (dataType) => ({ name, dataType }))
      )
    )
  )

const compileEntity = (what: string, types: Types): Compiled<ReadonlyArray<DataType.Field>> =>
  Result.flatMap(compileTypes(what, types), (fields) => {
    const wrong = fields.find(({ dataType: { type } }) => type !== "string" && type !== "int64")
    return wrong === undefined
      ? Result.succeed(fields)
      : Result.fail(`${what}.${wrong.name} is of type ${wrong.dataType.type}; a join key is a string or an int64`)
  })

const compileSource = (name: string, source: Source): Compiled<SourceModel> =>
  Result.gen(function* () {
    const fields = yield* compileTypes(`source ${name}`, source.schema)
    const columns = new Map(fields.map((field) => [field.name, field.dataType]))
    const time = columns.get(source.timestamp)
    return time?.type === "timestamp"
      ? { name, columns, timestamp: source.timestamp }
      : yield* Result.fail(
          `source ${name} has no column ${JSON.stringify(source.timestamp)} of type timestamp, which \`timestamp\` names`
        )
  })

type Sources = ReadonlyMap<string, SourceModel>
type Entities = ReadonlyMap<string, ReadonlyArray<DataType.Field>>

const compileView = (name: string, view: View, sources: Sources, entities: Entities): Compiled<ViewModel> => {
  if (view.type === "realtime") return compileRealtime(name, view)
  return Result.gen(function* () {
    const source = sources.get(view.source)
    if (source === undefined) {
      return yield* Result.fail(`view ${name} reads the source ${JSON.stringify(view.source)}, which is not defined`)
    }
    const keyed = { name, source: view.source, ...(yield* compileKeys(name, view, source, entities)) }
    return view.type === "attribute"
      ? yield* compileAttribute(view, keyed, source)
      : yield* compileAggregate(view, keyed, source)
  })
}

type Keyed = Pick<AttributeModel, "name" | "source" | "joinKeys" | "wildcards">

const compileKeys = (
  name: string,
  view: AttributeView | AggregateView,
  source: SourceModel,
  entities: Entities
): Compiled<Pick<Keyed, "joinKeys" | "wildcards">> =>
  Result.gen(function* () {
    const joinKeys = new Map<string, DataType.Field>()
    for (const entity of view.entities) {
      const keys = entities.get(entity)
      if (keys === undefined) {
        return yield* Result.fail(`view ${name} is of the entity ${JSON.stringify(entity)}, which is not defined`)
      }
      for (const key of keys) {
        const column = yield* columnOf(`view ${name}`, source, key.name)
        if (!DataType.equals(column, key.dataType)) {
          return yield* Result.fail(
            `the join key ${key.name} of entity ${entity} is of type ${DataType.format(key.dataType)}, ` +
              `and in source ${source.name} of type ${DataType.format(column)}`
          )
        }
        joinKeys.set(key.name, key)
      }
    }
    const index = view.onlineServingIndex ?? [...joinKeys.keys()]
    const unknown = index.find((key) => !joinKeys.has(key))
    if (unknown !== undefined) {
      return yield* Result.fail(
        `view ${name} has ${JSON.stringify(unknown)} in its onlineServingIndex and no such join key`
      )
    }
    const all = [...joinKeys.values()]
    return { joinKeys: all, wildcards: all.filter((key) => !index.includes(key.name)) }
  })

const columnOf = (what: string, source: SourceModel, column: string): Compiled<DataType.DataType> => {
  const dataType = source.columns.get(column)
  return dataType === undefined
    ? Result.fail(`${what} uses the column ${JSON.stringify(column)}, which source ${source.name} does not have`)
    : Result.succeed(dataType)
}

const compileAttribute = (view: AttributeView, keyed: Keyed, source: SourceModel): Compiled<AttributeModel> =>
  Result.gen(function* () {
    const features: Array<Feature> = []
    for (const name of new Set(view.features)) {
      const dataType = yield* columnOf(`view ${keyed.name}`, source, name)
      features.push({ name, dataType, about: aboutOf(view, name) })
    }
    return { ...keyed, type: "attribute", features, ttl: view.ttl === undefined ? undefined : nanosOf(view.ttl) }
  })

/** Names of features are anybody's choice: `constructor` is one. */
const aboutOf = (view: View, feature: string): About | undefined =>
  new Map(Object.entries(view.about ?? {})).get(feature)

const nanosOf = (duration: Duration.Input): bigint => Duration.toNanosUnsafe(duration)

const compileAggregate = (view: AggregateView, keyed: Keyed, source: SourceModel): Compiled<AggregateModel> =>
  Result.gen(function* () {
    const interval = view.interval === undefined ? undefined : nanosOf(view.interval)
    const features: Array<AggregateFeature> = []
    for (const [name, aggregation] of Object.entries(view.features)) {
      const what = `feature ${keyed.name}.${yield* checkName(name)}`
      const columnType = yield* columnOf(what, source, aggregation.column)
      const dataType = yield* compileAggregation(what, aggregation, columnType)
      const window = nanosOf(aggregation.window)
      if (interval !== undefined && window % interval !== 0n) {
        return yield* Result.fail(`${what} has a window that is no multiple of the view's interval`)
      }
      features.push({ name, dataType, about: aboutOf(view, name), aggregation, columnType, window })
    }
    return { ...keyed, type: "aggregate", features, interval }
  })

const numeric: ReadonlySet<string> = new Set(["int64", "float32", "float64"])
const ordered: ReadonlySet<string> = new Set([...numeric, "string", "timestamp"])

const compileAggregation = (
  what: string,
  aggregation: Aggregation,
  column: DataType.DataType
): Compiled<DataType.DataType> => {
  const of = (allowed: ReadonlySet<string>, dataType: DataType.DataType): Compiled<DataType.DataType> =>
    allowed.has(column.type)
      ? Result.succeed(dataType)
      : Result.fail(`${what} is the ${aggregation.function} of a column of type ${DataType.format(column)}`)
  switch (aggregation.function) {
    case "count":
      return Result.succeed(DataType.int64)
    case "sum":
      return of(numeric, column.type === "int64" ? DataType.int64 : DataType.float64)
    case "mean":
      return of(numeric, DataType.float64)
    case "min":
    case "max":
      return of(ordered, column)
    case "last_n":
      return Result.succeed(DataType.array(column))
  }
}

const compileRealtime = (name: string, view: RealtimeView): Compiled<RealtimeModel> =>
  Result.gen(function* () {
    const requestContext = yield* compileTypes(`view ${name}`, view.requestContext)
    const fields = yield* compileTypes(`view ${name}`, view.features)
    const types = new Map(requestContext.map((key) => [key.name, key.dataType]))
    for (const field of view.compute === undefined ? fields : []) {
      const type = types.get(field.name)
      if (type === undefined || !DataType.equals(type, field.dataType)) {
        return yield* Result.fail(
          `feature ${name}.${field.name} is passed through from the request context, ` +
            `which has no ${field.name} of type ${DataType.format(field.dataType)}; give the view a \`compute\``
        )
      }
    }
    const features = fields.map((field) => ({ ...field, about: aboutOf(view, field.name) }))
    return { type: "realtime", name, requestContext, features, compute: view.compute }
  })

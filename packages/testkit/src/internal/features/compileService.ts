/** Puts the features of a service together: their order, and what is to be given to read them. */
import * as DataType from "@effect-connectors/tecton/DataType"
import * as Result from "effect/Result"
import type { Compiled } from "./compile.ts"
import type { FeatureService } from "./definition.ts"
import type { Place, ServiceModel, ViewModel } from "./model.ts"

export const compileService = (
  name: string,
  service: FeatureService,
  views: ReadonlyMap<string, ViewModel>
): Compiled<ServiceModel> =>
  Result.gen(function* () {
    const chosen = new Map<string, Place>()
    for (const reference of service.features) {
      for (const place of yield* find(name, reference, views)) chosen.set(place.name, place)
    }
    const places = [...chosen.values()].sort(byOrder)
    const used = new Set(places.map(({ view }) => view))
    const stored = [...used].filter((view) => view.type !== "realtime")
    const open = stored.filter(({ wildcards }) => wildcards.length > 0)
    const wildcards = open[0]?.wildcards ?? []
    const other = open.find((view) => namesOf(view.wildcards) !== namesOf(wildcards))
    if (other !== undefined) {
      return yield* Result.fail(
        `the wildcard views ${open[0]?.name} and ${other.name} of service ${name} leave different join keys open`
      )
    }
    const isOpen = new Set(wildcards.map((key) => key.name))
    const keys = yield* merge(
      `service ${name}`,
      stored.flatMap(({ joinKeys }) => joinKeys)
    )
    const context = [...used].flatMap((view) => (view.type === "realtime" ? view.requestContext : []))
    return {
      name,
      type: wildcards.length > 0 ? "WILDCARD" : "DEFAULT",
      joinKeys: keys.filter((key) => !isOpen.has(key.name)),
      wildcards,
      requestContext: yield* merge(`service ${name}`, context),
      places
    }
  })

/** The features that a view's name, or `view.feature`, stands for. */
const find = (
  service: string,
  reference: string,
  views: ReadonlyMap<string, ViewModel>
): Compiled<ReadonlyArray<Place>> => {
  const [viewName = "", featureName] = reference.split(".", 2)
  const view = views.get(viewName)
  if (view === undefined) {
    return Result.fail(`service ${service} has the view ${JSON.stringify(viewName)}, which is not defined`)
  }
  const all = view.features.map((feature, at): Place => ({ name: `${viewName}.${feature.name}`, view, at, feature }))
  const found = featureName === undefined ? all : all.filter(({ feature }) => feature.name === featureName)
  return found.length === 0
    ? Result.fail(`service ${service} has the feature ${JSON.stringify(reference)}, which is not defined`)
    : Result.succeed(found)
}

/**
 * Realtime views come first, each with its features as they are declared; then the others, with theirs by name. Names
 * are compared by their UTF-16 units, whatever the language of the machine.
 */
const byOrder = (a: Place, b: Place): number =>
  rank(a) - rank(b) ||
  compareText(a.view.name, b.view.name) ||
  (a.view.type === "realtime" ? a.at - b.at : compareText(a.feature.name, b.feature.name))

const rank = ({ view }: Place): number => (view.type === "realtime" ? 0 : 1)

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const namesOf = (keys: ReadonlyArray<DataType.Field>): string => keys.map(({ name }) => name).join()

/** Fields of several views, each once; views have to agree on types. */
const merge = (what: string, fields: ReadonlyArray<DataType.Field>): Compiled<ReadonlyArray<DataType.Field>> => {
  const merged = new Map<string, DataType.Field>()
  for (const field of fields) {
    const known = merged.get(field.name)
    if (known !== undefined && !DataType.equals(known.dataType, field.dataType)) {
      const types = `${DataType.format(known.dataType)} and ${DataType.format(field.dataType)}`
      return Result.fail(`the views of ${what} have ${field.name} as ${types}`)
    }
    merged.set(field.name, known ?? field)
  }
  return Result.succeed([...merged.values()])
}

/** How the schema of a feature service differs from what a program declares. */
import type { Drift } from "@effect-connectors/core/ConnectorError"
import * as DataType from "../DataType.ts"
import * as Declared from "./declared.ts"

/** What is declared and what is there of one part: the features, the join keys, ... */
export interface Compared {
  readonly part: string
  readonly declared: ReadonlyArray<DataType.Field>
  readonly found: ReadonlyArray<DataType.Field>
  /** Can what is declared be used for what is there? */
  readonly fits?: ((declared: DataType.DataType, found: DataType.DataType) => boolean) | undefined
}

const { format } = DataType

/** The part of a feature's name before the first dot, and the part after it. */
const split = (name: string): readonly [view: string, feature: string] => {
  const dot = name.indexOf(".")
  return dot < 0 ? ["", name] : [name.slice(0, dot), name.slice(dot + 1)]
}

/**
 * What a feature that is gone may be called now: of the new ones that fit its type, one of the same view or the same
 * name in another, when there is no second such.
 */
const renamed = (gone: DataType.Field, added: Iterable<DataType.Field>): DataType.Field | undefined => {
  const [view, feature] = split(gone.name)
  const candidates = Array.from(added).filter(({ dataType, name }) => {
    const [otherView, otherFeature] = split(name)
    return Declared.fits(gone.dataType, dataType) && (otherView === view || otherFeature === feature)
  })
  return candidates.length === 1 ? candidates[0] : undefined
}

/** Every difference: what seems renamed, what has another type, what is missing, what was added. */
export const compare = ({ declared, fits = Declared.fits, found, part }: Compared): ReadonlyArray<Drift> => {
  const there = new Map(found.map((field) => [field.name, field]))
  const names = new Set(declared.map(({ name }) => name))
  const added = new Map(found.filter(({ name }) => !names.has(name)).map((field) => [field.name, field]))
  const drifts: Array<Drift> = []
  for (const field of declared) {
    const same = there.get(field.name)
    const declaredAs = format(field.dataType)
    if (same !== undefined) {
      if (fits(field.dataType, same.dataType)) continue
      drifts.push({ kind: "retyped", part, name: field.name, declared: declaredAs, found: format(same.dataType) })
      continue
    }
    const now = renamed(field, added.values())
    if (now === undefined) {
      drifts.push({ kind: "missing", part, name: field.name, declared: declaredAs })
    } else {
      added.delete(now.name)
      drifts.push({ kind: "renamed", part, name: field.name, declared: declaredAs, found: now.name })
    }
  }
  for (const { dataType, name } of added.values()) drifts.push({ kind: "added", part, name, found: format(dataType) })
  return drifts
}

/**
 * An attribute view keeps, of each key, the record with the newest event. A record of the same time replaces the one
 * before it, an older one changes nothing. A value is served until its event is as old as the ttl; then it may be
 * forgotten, so a clock that is set back does not find it again.
 */
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"
import { KeyedTable } from "./keyedTable.ts"
import type { AttributeModel } from "./model.ts"
import { missing, type StoredView } from "./storedView.ts"

interface Held {
  at: bigint
  values: ReadonlyArray<FeatureValue>
}

/** Before every event there can be. */
export const always = -(2n ** 127n)

export const make = (model: AttributeModel): StoredView => {
  const held = new KeyedTable<Held>()
  const servedSince = (now: bigint): bigint => (model.ttl === undefined ? always : now - model.ttl)
  return {
    servedSince,
    write: (keys, at, columns, now) => {
      const since = servedSince(now)
      const one = held.getOrMake(
        keys,
        (): Held => ({ at: always, values: [] }),
        (old) => old.at <= since
      )
      if (at < one.at) return
      one.at = at
      one.values = model.features.map(({ name }) => columns.get(name) ?? null)
    },
    read: (keys, { now }) => {
      const one = held.get(keys)
      if (one === undefined || one.at <= servedSince(now)) return () => missing
      return (feature) => {
        const value = one.values[feature] ?? null
        return value === null ? missing : { value, effectiveTime: one.at }
      }
    },
    like: held.like.bind(held)
  }
}

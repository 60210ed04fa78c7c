/** Values by join keys. Keys are compared by value, so the int64 `007` is the key `7`. */
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"

/** The value of each join key of a view, in its order; an int64 in decimal. */
export type Keys = ReadonlyArray<string>

/** The value of a join key, which is a string or an int64, as a key; null is none. */
export const keyOf = (value: FeatureValue): string | null =>
  typeof value === "bigint" ? String(value) : typeof value === "string" ? value : null

const textOf = (keys: Keys): string => JSON.stringify(keys)

/** Below it there is nothing worth sweeping. */
const leastSize = 64

export class KeyedTable<A> {
  private readonly entries = new Map<string, { readonly keys: Keys; readonly value: A }>()
  private sweepAt = leastSize

  get(keys: Keys): A | undefined {
    return this.entries.get(textOf(keys))?.value
  }

  /**
   * The value of a key; a new key gets one of `make`. So that keys that never come again do not pile up, those whose
   * value `isOver` go each time the table has doubled since: a small constant share of work for each new key.
   */
  getOrMake(keys: Keys, make: () => A, isOver: (value: A) => boolean): A {
    const text = textOf(keys)
    const found = this.entries.get(text)
    if (found !== undefined) return found.value
    if (this.entries.size >= this.sweepAt) {
      for (const [old, { value }] of this.entries) if (isOver(value)) this.entries.delete(old)
      this.sweepAt = Math.max(leastSize, 2 * this.entries.size)
    }
    const value = make()
    this.entries.set(text, { keys, value })
    return value
  }

  /** The keys that have the given values; `undefined` is any. */
  like(given: ReadonlyArray<string | undefined>): ReadonlyArray<Keys> {
    return Array.from(this.entries.values(), ({ keys }) => keys).filter((keys) =>
      given.every((value, at) => value === undefined || value === keys[at])
    )
  }
}

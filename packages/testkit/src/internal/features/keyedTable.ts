/** Values by join keys. Keys are compared by value, so the int64 `007` is the key `7`. */
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"

/** The value of each join key of a view, in its order; an int64 in decimal. */
export type Keys = ReadonlyArray<string>

/** The value of a join key, which is a string or an int64, as a key; null is none. */
export const keyOf = (value: FeatureValue): string | null =>
  typeof value === "bigint" ? String(value) : typeof value === "string" ? value : null

const textOf = (keys: Keys): string => JSON.stringify(keys)

export class KeyedTable<A> {
  private readonly entries = new Map<string, { readonly keys: Keys; readonly value: A }>()

  get(keys: Keys): A | undefined {
    return this.entries.get(textOf(keys))?.value
  }

  getOrMake(keys: Keys, make: () => A): A {
    const text = textOf(keys)
    const found = this.entries.get(text)
    if (found !== undefined) return found.value
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

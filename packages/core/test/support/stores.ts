import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"

interface Options {
  /** Every call fails. */
  readonly failing?: boolean
  /** Runs before each write. */
  readonly before?: Effect.Effect<void>
}

/** A store of text that a test can look into, and that can be killed in the middle of a write. */
export const mapStore = ({ before = Effect.void, failing = false }: Options = {}) => {
  const map = new Map<string, string>()
  let writes = 0
  let torn: number | undefined
  const call = <A>(method: string, f: () => A) =>
    failing
      ? Effect.fail(new KeyValueStore.KeyValueStoreError({ method, message: "the disk is full" }))
      : Effect.sync(f)
  const store = KeyValueStore.makeStringOnly({
    get: (key) => call("get", () => map.get(key)),
    set: (key, value) =>
      Effect.andThen(
        before,
        Effect.suspend(() => {
          writes++
          if (torn === undefined) return call("set", () => void map.set(key, value))
          map.set(key, value.slice(0, torn))
          torn = undefined
          return Effect.die(new Error("killed"))
        })
      ),
    remove: (key) => call("remove", () => void map.delete(key)),
    clear: call("clear", () => map.clear()),
    size: call("size", () => map.size),
    keys: call("keys", () => [...map.keys()])
  })
  return {
    map,
    layer: Layer.succeed(KeyValueStore.KeyValueStore, store),
    writes: () => writes,
    /** The next write stores the first `length` characters of its text and never returns. */
    tearNext: (length: number) => {
      torn = length
    }
  }
}

/** The one place of this package that knows `effect/persistence`, which Effect tags unstable. */
export { KeyValueStore } from "effect/persistence/KeyValueStore"
export type { KeyValueStoreError } from "effect/persistence/KeyValueStore"

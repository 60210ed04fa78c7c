/** The one place of this package that knows `effect/FileSystem` and `effect/persistence`, which Effect tags unstable. */
export { FileSystem } from "effect/FileSystem"
export type { PlatformError } from "effect/PlatformError"
export type { KeyValueStore } from "effect/persistence/KeyValueStore"

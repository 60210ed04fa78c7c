/** The one place that knows `effect/FileSystem`, which Effect tags unstable. */
export { FileSystem } from "effect/FileSystem"
export type { PlatformError } from "effect/PlatformError"

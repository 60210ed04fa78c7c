/**
 * The one door to what Effect tags unstable (`effect/persistence`, files, secure randomness): if it moves, this file follows.
 */
export { uuidV4Unsafe as uuid } from "effect/crypto/SecureRandom"
export { FileSystem } from "effect/FileSystem"
export * as CircuitBreaker from "effect/persistence/CircuitBreaker"
export { KeyValueStore, type KeyValueStoreError } from "effect/persistence/KeyValueStore"
export {
  make as makeQueue,
  type PersistedQueue,
  type PersistedQueueError,
  type PersistedQueueFactory
} from "effect/persistence/PersistedQueue"
export * as RateLimiter from "effect/persistence/RateLimiter"
export type { PlatformError } from "effect/PlatformError"

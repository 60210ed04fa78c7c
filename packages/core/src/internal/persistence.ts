/** The one place of this package that knows `effect/persistence`, which Effect tags unstable. */
export * as CircuitBreaker from "effect/persistence/CircuitBreaker"
export { KeyValueStore, type KeyValueStoreError } from "effect/persistence/KeyValueStore"
export * as RateLimiter from "effect/persistence/RateLimiter"

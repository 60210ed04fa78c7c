/**
 * The one door to `effect/persistence`, whose modules Effect tags unstable: if they move, this file follows.
 */
export { KeyValueStore, type KeyValueStoreError } from "effect/persistence/KeyValueStore"
export { make as makeQueue, type PersistedQueueError, PersistedQueueFactory } from "effect/persistence/PersistedQueue"

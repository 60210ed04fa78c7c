/**
 * The ledgers of one attempt at a partition, as the key-value store that `Ledger` and `Resume` write to. A storage that fails
 * is asked again: a partition would not fare better by failing, and what it has in flight would be sent twice. What the storage
 * can not keep fails the partition.
 */
import * as Effect from "effect/Effect"
import { KeyValueStore } from "./effectCluster.ts"
import type { StorageFailed } from "../JobError.ts"
import type { Attempt, JobStore } from "./jobStore.ts"
import { untilAnswered } from "./persistently.ts"

export const make = ({ ledger }: JobStore, attempt: Attempt): KeyValueStore.KeyValueStore => {
  const superseded = (key: string) =>
    new KeyValueStore.KeyValueStoreError({
      method: "set",
      key,
      message: "another runner has taken this partition over, or the job was cancelled"
    })
  const asked = <A>(method: string, effect: Effect.Effect<A, StorageFailed>, key?: string) =>
    Effect.mapError(
      untilAnswered(effect),
      (cause) =>
        new KeyValueStore.KeyValueStoreError({
          method,
          message: cause.message,
          cause,
          ...(key !== undefined && { key })
        })
    )
  const names = asked("keys", ledger.names(attempt))
  return KeyValueStore.makeStringOnly({
    get: (key) => asked("get", ledger.get(attempt, key), key),
    set: (key, value) =>
      Effect.flatMap(asked("set", ledger.set(attempt, key, value), key), (isLast) =>
        isLast ? Effect.void : Effect.fail(superseded(key))
      ),
    remove: (key) => Effect.asVoid(asked("remove", ledger.remove(attempt, key), key)),
    keys: names,
    clear: Effect.asVoid(asked("clear", ledger.remove(attempt, undefined))),
    size: Effect.map(names, ({ length }) => length)
  })
}

/** The ledgers of one attempt at a partition, as the key-value store that `Ledger` and `Resume` write to. */
import * as Effect from "effect/Effect"
import type { StorageFailed } from "../JobError.ts"
import { KeyValueStore } from "./effectCluster.ts"
import type { Attempt, JobStore } from "./jobStore.ts"

export const make = ({ ledger }: JobStore, attempt: Attempt): KeyValueStore.KeyValueStore => {
  const refused = (method: string, key?: string) => (error: StorageFailed) =>
    new KeyValueStore.KeyValueStoreError({ method, message: error.detail, ...(key === undefined ? {} : { key }) })
  const superseded = (key: string) =>
    new KeyValueStore.KeyValueStoreError({
      method: "set",
      key,
      message: "another runner has taken this partition over, or the job was cancelled"
    })
  const names = Effect.mapError(ledger.names(attempt), refused("keys"))
  return KeyValueStore.makeStringOnly({
    get: (key) => Effect.mapError(ledger.get(attempt, key), refused("get", key)),
    set: (key, value) =>
      Effect.flatMap(Effect.mapError(ledger.set(attempt, key, value), refused("set", key)), (isLast) =>
        isLast ? Effect.void : Effect.fail(superseded(key))
      ),
    remove: (key) => Effect.asVoid(Effect.mapError(ledger.remove(attempt, key), refused("remove", key))),
    keys: names,
    clear: Effect.asVoid(Effect.mapError(ledger.remove(attempt, undefined), refused("clear"))),
    size: Effect.map(names, ({ length }) => length)
  })
}

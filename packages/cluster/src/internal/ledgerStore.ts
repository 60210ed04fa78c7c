/**
 * The ledgers of one attempt at a partition, as the key-value store that `Ledger` and `Resume` write to. A storage that fails
 * is asked again: a partition would not fare better by failing, and what it has in flight would be sent twice.
 */
import * as Effect from "effect/Effect"
import { KeyValueStore } from "./effectCluster.ts"
import type { Attempt, JobStore } from "./jobStore.ts"
import { persistently } from "./persistently.ts"

export const make = ({ ledger }: JobStore, attempt: Attempt): KeyValueStore.KeyValueStore => {
  const superseded = (key: string) =>
    new KeyValueStore.KeyValueStoreError({
      method: "set",
      key,
      message: "another runner has taken this partition over, or the job was cancelled"
    })
  const names = persistently(ledger.names(attempt))
  return KeyValueStore.makeStringOnly({
    get: (key) => persistently(ledger.get(attempt, key)),
    set: (key, value) =>
      Effect.flatMap(persistently(ledger.set(attempt, key, value)), (isLast) =>
        isLast ? Effect.void : Effect.fail(superseded(key))
      ),
    remove: (key) => Effect.asVoid(persistently(ledger.remove(attempt, key))),
    keys: names,
    clear: Effect.asVoid(persistently(ledger.remove(attempt, undefined))),
    size: Effect.map(names, ({ length }) => length)
  })
}

/** Works on one partition: begins an attempt, runs the job's program on it, and notes how it ended. */
import { clip } from "@effect-connectors/core/ConnectorError"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Service } from "../JobEngine.ts"
import { Partition } from "../Partition.ts"
import { KeyValueStore } from "./effectCluster.ts"
import type { Attempt, Counts, PartitionKey } from "./jobStore.ts"
import * as LedgerStore from "./ledgerStore.ts"
import { persistently } from "./persistently.ts"

/** What a job's program finds when it works on a partition. */
export type Provided = Partition | KeyValueStore.KeyValueStore | Scope.Scope

export interface Program<R> {
  readonly retries: number
  /** Runs the program on a partition as it is stored. A value that can not be read fails. */
  readonly run: (value: string) => Effect.Effect<unknown, unknown, R | Provided>
}

/** Pause before a partition is tried again, doubled each time. */
const pause = 1_000

const describe = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return clip(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
}

export const make = <R>(
  engine: Service,
  program: Program<R>,
  context: Context.Context<R>
): ((key: PartitionKey) => Effect.Effect<"settled" | "stale">) => {
  const { store } = engine

  /** One attempt; `undefined` when it failed and another one may follow. */
  const attempt = Effect.fnUntraced(function* (key: PartitionKey, isLastTry: boolean) {
    const begun = yield* persistently(store.begin(key, engine.runner))
    if (begun._tag === "Settled") return "settled" as const
    const mine: Attempt = { ...key, attempt: begun.attempt }
    const sent = { Written: 0, Rejected: 0, Unknown: 0, DeadLettered: 0 }
    let before = Effect.succeed(0)
    const counts = Effect.map(
      Effect.suspend(() => before),
      (before): Counts => ({
        before,
        written: sent.Written,
        rejected: sent.Rejected,
        unknown: sent.Unknown,
        deadLettered: sent.DeadLettered
      })
    )
    const stopped = yield* Deferred.make<"settled" | "stale">()
    yield* engine.follow({ key: mine, counts, stop: (verdict) => Deferred.succeed(stopped, verdict) })
    const provided = context.pipe(
      Context.add(KeyValueStore.KeyValueStore, LedgerStore.make(store, mine)),
      Context.add(Partition, {
        job: key.job,
        id: key.id,
        key: key.partition,
        attempt: begun.attempt,
        count: (outcomes) => {
          for (const { _tag } of outcomes) sent[_tag]++
        },
        countBefore: (records) => {
          before = records
        }
      })
    )
    const ended = yield* Effect.scoped(program.run(begun.value)).pipe(
      Effect.provideContext(provided),
      Effect.exit,
      Effect.raceFirst(Deferred.await(stopped))
    )
    if (!Exit.isExit(ended)) return ended
    if (Exit.isSuccess(ended)) return yield* persistently(store.finish(mine, "completed", yield* counts, null))
    // Who has lost its partition fails as well, by its ledger, and may not begin it again.
    const [verdict = "go on"] = yield* persistently(store.report([[mine, yield* counts]]))
    if (verdict !== "go on") return verdict
    const error = describe(ended.cause)
    yield* Effect.logWarning(`Attempt ${begun.attempt} at partition ${clip(key.partition, 64)} failed: ${error}`)
    return isLastTry ? yield* persistently(store.finish(mine, "failed", yield* counts, error)) : undefined
  }, Effect.scoped)

  return Effect.fnUntraced(
    function* (key: PartitionKey) {
      for (let tries = 0; ; tries++) {
        const ended = yield* attempt(key, tries >= program.retries)
        if (ended !== undefined) return ended
        yield* Effect.sleep(pause * 2 ** tries)
      }
    },
    (effect, { id, job, partition }) => Effect.annotateLogs(effect, { job, id, partition: clip(partition, 64) })
  )
}

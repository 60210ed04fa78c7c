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

/** A runner reports each second. One that was silent for so many milliseconds does not work on its partitions any more. */
const quiet = 3_000

const describe = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  // PostgreSQL keeps no text with a NUL.
  return clip(
    (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).replaceAll("\u0000", "\uFFFD")
  )
}

export const make = <R>(
  engine: Service,
  program: Program<R>,
  context: Context.Context<R>
): ((key: PartitionKey) => Effect.Effect<void>) => {
  const { store } = engine

  /** One attempt; `stale` when another runner has the partition, `failed` when another attempt may follow. */
  const attempt = Effect.fnUntraced(function* (key: PartitionKey, isLastTry: boolean) {
    const begun = yield* persistently(store.begin(key, engine.runner, quiet))
    if (begun._tag === "Settled") return "settled" as const
    if (begun._tag === "Taken") return "stale" as const
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
      Effect.raceFirst(Deferred.await(stopped)),
      // The next runner need not wait until this one was silent for long enough.
      Effect.onInterrupt(() =>
        Effect.flatMap(counts, (counts) => store.release(mine, counts)).pipe(
          Effect.timeout("1 second"),
          Effect.interruptible,
          Effect.ignoreCause
        )
      )
    )
    if (!Exit.isExit(ended)) return ended
    if (Exit.isSuccess(ended)) return yield* persistently(store.finish(mine, "completed", yield* counts, null))
    // Who has lost its partition fails as well, by its ledger, which is no failed try.
    const [verdict = "go on"] = yield* persistently(store.report([[mine, yield* counts]]))
    if (verdict !== "go on") return verdict
    const error = describe(ended.cause)
    yield* Effect.logWarning(`Attempt ${begun.attempt} at partition ${clip(key.partition, 64)} failed: ${error}`)
    return isLastTry ? yield* persistently(store.finish(mine, "failed", yield* counts, error)) : ("failed" as const)
  }, Effect.scoped)

  return Effect.fnUntraced(
    function* (key: PartitionKey) {
      let tries = 0
      while (true) {
        const ended = yield* engine.inRoom(attempt(key, tries >= program.retries))
        if (ended === "settled") return
        // Who has taken the partition over may be gone and not have ended it, and the engine may tell nobody else to.
        yield* Effect.sleep(ended === "failed" ? pause * 2 ** tries++ : pause)
      }
    },
    (effect, { id, job, partition }) => Effect.annotateLogs(effect, { job, id, partition: clip(partition, 64) })
  )
}

/** Waits until reads see what was written, by sequence numbers, or by ids where the service sends none. */
import { InvalidOption, TimedOut } from "@effect-connectors/core/ConnectorError"
import * as Retry from "@effect-connectors/core/Retry"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Service } from "../PineconeApi.ts"
import type { PineconeError } from "../PineconeError.ts"
import { PineconeIndex } from "../PineconeIndex.ts"
import type { AwaitReadableOptions } from "../PineconeSink.ts"
import { checkDuration, failure } from "./common.ts"
import { namespaceName } from "./namespace.ts"
import { invalidNamespace } from "./recordChecks.ts"

const operation = "awaitReadable"

/** What a look at the index told: nothing when all is there. */
type Look = Effect.Effect<string | undefined, PineconeError>

const maxFetchIds = 1000

/** The ids of a list that are stored, so many a call. */
const countStored = (index: Service, namespace: string, ids: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    let found = 0
    for (const some of Arr.chunksOf(ids, maxFetchIds)) {
      if (Arr.isReadonlyArrayNonEmpty(some)) found += (yield* index.fetch({ namespace, ids: some })).records.size
    }
    return found
  })

const lookByIds = (index: Service, namespace: string, options: AwaitReadableOptions): Look => {
  const stored = Arr.dedupe(options.stored ?? [])
  const gone = Arr.dedupe(options.gone ?? [])
  return Effect.gen(function* () {
    const missing = stored.length - (yield* countStored(index, namespace, stored))
    const left = yield* countStored(index, namespace, gone)
    return missing + left === 0
      ? undefined
      : `${missing} of ${stored.length} records can not be read yet, and ${left} of ${gone.length} still can`
  })
}

/** Asks for no record in particular: the cheapest query there is, of whatever kind the index is. */
const lookByNumber = (index: Service, namespace: string, lsn: number, otherwise: Look): Look =>
  Effect.flatMap(index.query({ namespace, id: "-", topK: 1 }), ({ indexedLsn }) => {
    if (indexedLsn === undefined) return otherwise
    return Effect.succeed(
      indexedLsn >= lsn ? undefined : `reads see writes up to number ${indexedLsn}, and the last one has ${lsn}`
    )
  })

export const awaitReadable = (options: AwaitReadableOptions = {}): Effect.Effect<void, PineconeError, PineconeIndex> =>
  Effect.gen(function* () {
    yield* checkDuration(operation, "timeout", options.timeout)
    yield* checkDuration(operation, "poll.base", options.poll?.base)
    yield* checkDuration(operation, "poll.cap", options.poll?.cap)
    const index = yield* PineconeIndex
    const namespace = namespaceName(options.namespace ?? index.namespace)
    const wrong = invalidNamespace(namespace)
    if (wrong !== undefined) return yield* failure(operation, namespace, wrong)

    const written = index.written(namespace)
    if (written === undefined) return
    const byIds =
      options.stored === undefined && options.gone === undefined ? undefined : lookByIds(index, namespace, options)
    if (written.lsn === undefined && byIds === undefined) {
      const issue =
        "is needed, or `gone`: the service gave the last write no sequence number, so only records can tell that it is readable"
      return yield* failure(operation, namespace, new InvalidOption({ option: "stored", issue }))
    }
    const unnumbered: Look = Effect.succeed(
      "reads tell no sequence number; name records in `stored` or `gone` to look for"
    )
    const look =
      written.lsn === undefined
        ? (byIds ?? unnumbered)
        : lookByNumber(index, namespace, written.lsn, byIds ?? unnumbered)

    let state = "no read was answered yet"
    const readable = Effect.map(Retry.retry(look, options.retry), (told) => {
      state = told ?? state
      return told === undefined
    })
    const timeout = Duration.fromInputUnsafe(options.timeout ?? "1 minute")
    yield* readable.pipe(
      Effect.repeat({
        until: (isReadable) => isReadable,
        schedule: Schedule.min([
          Schedule.exponential(options.poll?.base ?? "50 millis"),
          Schedule.spaced(options.poll?.cap ?? "2 seconds")
        ])
      }),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () =>
          Effect.suspend(() =>
            Effect.fail(
              failure(operation, namespace, new TimedOut({ afterMillis: Duration.toMillis(timeout), detail: state }))
            )
          )
      })
    )
  })

/** Waits until reads see what was written, by sequence numbers, or by ids where the service sends none. */
import { InvalidOption, TimedOut } from "@effect-connectors/core/ConnectorError"
import * as Retry from "@effect-connectors/core/Retry"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Service as DocumentService } from "../DocumentsApi.ts"
import type { LastWrite, Service } from "../PineconeApi.ts"
import { PineconeDocumentIndex } from "../PineconeDocumentIndex.ts"
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

/** What is asked of an index, whichever plane it is of. */
export interface Readable {
  /** The namespace of calls that name none. */
  readonly namespace: string
  readonly written: (namespace: string) => LastWrite | undefined
  /** Up to which write a read sees, where the service tells: the cheapest read there is. */
  readonly indexedLsn: (namespace: string) => Effect.Effect<number | undefined, PineconeError>
  /** How many of some ids are stored; a call takes 1,000. */
  readonly countOf: (namespace: string, ids: Arr.NonEmptyReadonlyArray<string>) => Effect.Effect<number, PineconeError>
}

const readableVectors = (index: Service): Readable => ({
  namespace: index.namespace,
  written: index.written,
  // Asks for no record in particular, since of a query it is known that it tells.
  indexedLsn: (namespace) => Effect.map(index.query({ namespace, id: "-", topK: 1 }), ({ indexedLsn }) => indexedLsn),
  countOf: (namespace, ids) => Effect.map(index.fetch({ namespace, ids }), ({ records }) => records.size)
})

/** That every read of documents tells as a query of vectors does, is an assumption. */
const readableDocuments = (index: DocumentService): Readable => ({
  namespace: index.namespace,
  written: index.written,
  indexedLsn: (namespace) => Effect.map(index.fetch({ namespace, ids: ["-"] }), ({ indexedLsn }) => indexedLsn),
  countOf: (namespace, ids) => Effect.map(index.fetch({ namespace, ids }), ({ documents }) => documents.size)
})

/** The ids of a list that are stored, so many a call. */
const countStored = (index: Readable, namespace: string, ids: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    let found = 0
    for (const some of Arr.chunksOf(ids, maxFetchIds)) {
      if (Arr.isReadonlyArrayNonEmpty(some)) found += yield* index.countOf(namespace, some)
    }
    return found
  })

const lookByIds = (index: Readable, namespace: string, options: AwaitReadableOptions): Look => {
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

const lookByNumber = (index: Readable, namespace: string, lsn: number, otherwise: Look): Look =>
  Effect.flatMap(index.indexedLsn(namespace), (indexedLsn) => {
    if (indexedLsn === undefined) return otherwise
    return Effect.succeed(
      indexedLsn >= lsn ? undefined : `reads see writes up to number ${indexedLsn}, and the last one has ${lsn}`
    )
  })

export const awaitReadable = (options: AwaitReadableOptions = {}): Effect.Effect<void, PineconeError, PineconeIndex> =>
  Effect.flatMap(PineconeIndex, (index) => awaitReads(readableVectors(index), options))

export const awaitDocuments = (
  options: AwaitReadableOptions = {}
): Effect.Effect<void, PineconeError, PineconeDocumentIndex> =>
  Effect.flatMap(PineconeDocumentIndex, (index) => awaitReads(readableDocuments(index), options))

const awaitReads = (index: Readable, options: AwaitReadableOptions): Effect.Effect<void, PineconeError> =>
  Effect.gen(function* () {
    yield* checkDuration(operation, "timeout", options.timeout)
    yield* checkDuration(operation, "poll.base", options.poll?.base)
    yield* checkDuration(operation, "poll.cap", options.poll?.cap)
    const namespace = namespaceName(options.namespace ?? index.namespace)
    const wrong = invalidNamespace(namespace)
    if (wrong !== undefined) return yield* failure(operation, namespace, wrong)

    const byIds =
      options.stored === undefined && options.gone === undefined ? undefined : lookByIds(index, namespace, options)
    const written = index.written(namespace)
    // Ids may have been written by another layer, for instance that of records.
    if (written === undefined && byIds === undefined) return
    const lsn = written?.lsn
    if (lsn === undefined && byIds === undefined) {
      const issue =
        "is needed, or `gone`: the service gave the last write no sequence number, so only records can tell that it is readable"
      return yield* failure(operation, namespace, new InvalidOption({ option: "stored", issue }))
    }
    const unnumbered: Look = Effect.succeed(
      "reads tell no sequence number; name records in `stored` or `gone` to look for"
    )
    const look = lsn === undefined ? (byIds ?? unnumbered) : lookByNumber(index, namespace, lsn, byIds ?? unnumbered)

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

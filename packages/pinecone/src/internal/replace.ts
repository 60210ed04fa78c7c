/**
 * Replacing documents by their chunks. The chunks of many documents go through one upsert engine; a document whose
 * chunks are all written has those of its ids listed and removed that it no longer has.
 */
import { InvalidOption, InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as Drain from "@effect-connectors/core/Drain"
import * as Outcome from "@effect-connectors/core/Outcome"
import * as Scan from "@effect-connectors/core/Scan"
import type * as Write from "@effect-connectors/core/Write"
import type * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Predicate from "effect/Predicate"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { Service, SizedRecord } from "../PineconeApi.ts"
import type { PineconeError } from "../PineconeError.ts"
import { PineconeIndex } from "../PineconeIndex.ts"
import { checkId } from "../VectorRecord.ts"
import { failure, namespaceOf } from "./common.ts"
import * as destinations from "./destinations.ts"
import * as reads from "./reads.ts"
import { type Check, invalidNamespace } from "./recordChecks.ts"

export interface Options<A> extends Omit<Write.Options, "ordered" | "duplicates"> {
  readonly parent: (element: A) => string
  readonly records: (element: A) => ReadonlyArray<unknown>
  readonly separator?: string | undefined
  readonly namespace?: string | ((element: A) => string) | undefined
}

/** A document on its way. */
interface Document<A> {
  readonly input: A
  readonly namespace: string
  readonly parent: string
  readonly ids: ReadonlySet<unknown>
  /** Opens when it is done with. */
  readonly done: Latch.Latch
  /** Chunks without an answer. */
  waiting: number
  /** Why it is not replaced. */
  failed: Outcome.NotWritten<A, PineconeError> | undefined
}

interface Chunk<A> {
  readonly document: Document<A>
  readonly record: unknown
}

const idIn = (record: unknown): unknown => (Predicate.isObject(record) ? record["id"] : undefined)

/**
 * An id belongs to the one document that is named before its last separator. So a document has no chunks of another,
 * also when the one's name starts with the other's.
 */
const belongs = (id: unknown, parent: string, separator: string): boolean =>
  Predicate.isString(id) && id.startsWith(parent + separator) && id.lastIndexOf(separator) === parent.length

/** What is wrong with a document, if anything is. */
const wrongDocument = (
  namespace: string,
  parent: unknown,
  ids: Iterable<unknown>,
  separator: string
): InvalidRecord | undefined => {
  if (!Predicate.isString(parent)) return new InvalidRecord({ field: "parent", issue: "must be text" })
  const prefix = parent + separator
  const issue = checkId(prefix)
  if (issue !== undefined) return new InvalidRecord({ field: "parent", issue })
  for (const id of ids) {
    if (belongs(id, parent, separator)) continue
    return new InvalidRecord({
      ...(Predicate.isString(id) ? { id } : {}),
      field: "id",
      issue: `must be ${JSON.stringify(prefix)} and what has no ${JSON.stringify(separator)} in it, to be of its document`
    })
  }
  return invalidNamespace(namespace)
}

/** What is refused stays refused; what is only unknown may be worse than that. */
const worse = <A>(
  before: Outcome.NotWritten<A, PineconeError> | undefined,
  after: Outcome.NotWritten<A, PineconeError>
): Outcome.NotWritten<A, PineconeError> =>
  before === undefined || (before._tag === "Unknown" && after._tag === "Rejected") ? after : before

const makeRun = <A>(
  index: Service,
  options: Options<A>,
  separator: string,
  direct: Queue.Queue<Document<A>, Cause.Done>
) => {
  const namespaceFor = namespaceOf(index, options.namespace)
  /** Taken in and without an outcome. */
  const pending = new Set<Document<A>>()
  /** The last document of each parent on its way. */
  const last = new Map<string, Document<A>>()
  const hurry = Latch.makeUnsafe(false)
  const stopped = Latch.makeUnsafe(false)
  let fatal: PineconeError | undefined

  const placeOf = ({ namespace, parent }: Document<A>): string => `${namespace}\u0000${parent}`

  const note = (document: Document<A>, outcome: Outcome.NotWritten<unknown, PineconeError>) => {
    document.failed = worse(document.failed, { ...outcome, input: document.input })
    if (!outcome.error.reason.isFatal) return
    fatal ??= outcome.error
    stopped.openUnsafe()
  }

  /** The ids that are stored for a document and are not in it any more. */
  const stale = (document: Document<A>) =>
    Effect.suspend(() => {
      const pages = reads.keyPages(index)
      let attempts = 0
      const counted: typeof pages = {
        ...pages,
        page: (split, cursor) =>
          Effect.suspend(() => {
            attempts++
            return Effect.tap(pages.page(split, cursor), () => Effect.sync(() => (attempts = 0)))
          })
      }
      const { ids, namespace, parent } = document
      return Scan.scan(counted, [{ namespace, prefix: parent + separator }], { retry: options.retry }).pipe(
        Stream.map(({ id }) => id),
        Stream.filter((id) => belongs(id, parent, separator) && !ids.has(id)),
        Stream.runCollect,
        Effect.catch((error) =>
          // In a namespace that is not there is nothing to remove.
          Effect.sync((): ReadonlyArray<string> => {
            const isAbsent = error.reason._tag === "NotFound" && !error.reason.isFatal
            if (!isAbsent) note(document, Outcome.rejected(document.input, error, attempts))
            return []
          })
        )
      )
    })

  const remove = (document: Document<A>, ids: ReadonlyArray<string>) =>
    Stream.fromIterable(ids).pipe(
      destinations.remove<string>({ namespace: document.namespace, retry: options.retry }),
      // What ends the stream is in its outcomes, too.
      Stream.catch(() => Stream.empty),
      Stream.runForEachArray((outcomes) =>
        Effect.sync(() => {
          for (const outcome of outcomes) if (Outcome.isNotWritten(outcome)) note(document, outcome)
        })
      ),
      Effect.provideService(PineconeIndex, index)
    )

  const outcomeOf = (document: Document<A>): Outcome.Outcome<A, PineconeError> =>
    document.failed ?? Outcome.written(document.input)

  const lastStep = Effect.fnUntraced(function* (document: Document<A>) {
    if (document.failed === undefined && fatal !== undefined) {
      document.failed = Outcome.rejected(document.input, fatal, 0)
    }
    if (document.failed === undefined) {
      const ids = yield* stale(document)
      if (ids.length > 0) yield* remove(document, ids)
    }
    pending.delete(document)
    return outcomeOf(document)
  })

  return {
    stopped: stopped.await,
    flush: Effect.andThen(
      hurry.await,
      Effect.sync(() => hurry.closeUnsafe())
    ),

    /** Takes a document in, when the one before of its parent is done with, and gives its chunks. */
    enter: (input: A): Effect.Effect<ReadonlyArray<Chunk<A>>> =>
      Effect.suspend(() => {
        const parent = options.parent(input)
        const records = options.records(input)
        const ids = new Set(records.map(idIn))
        const document: Document<A> = {
          input,
          namespace: namespaceFor(input),
          parent,
          ids,
          done: Latch.makeUnsafe(false),
          waiting: records.length,
          failed: undefined
        }
        pending.add(document)
        const wrong = wrongDocument(document.namespace, parent, ids, separator)
        if (wrong !== undefined) {
          document.failed = Outcome.rejected(input, failure("replace", document.namespace, wrong), 0)
          return Effect.as(Queue.offer(direct, document), [])
        }
        const before = last.get(placeOf(document))
        last.set(placeOf(document), document)
        // Its chunks may be in a batch that waits for more.
        const turn =
          before === undefined
            ? Effect.void
            : Effect.suspend(() => {
                hurry.openUnsafe()
                return before.done.await
              })
        return Effect.andThen(
          turn,
          records.length === 0
            ? Effect.as(Queue.offer(direct, document), [])
            : Effect.sync(() => records.map((record) => ({ document, record })))
        )
      }),

    /** Takes down the answers to chunks; gives the documents all of whose chunks are answered. */
    answered: (outcomes: Arr.NonEmptyReadonlyArray<Outcome.Outcome<Chunk<A>, PineconeError>>) => {
      const complete: Array<Document<A>> = []
      for (const outcome of outcomes) {
        const { document } = outcome.input
        document.waiting--
        if (Outcome.isNotWritten(outcome)) note(document, outcome)
        if (document.waiting === 0) complete.push(document)
      }
      return complete
    },

    /** The last step of a document. */
    finish: (document: Document<A>): Effect.Effect<Outcome.Outcome<A, PineconeError>> =>
      Effect.ensuring(
        lastStep(document),
        Effect.sync(() => {
          if (last.get(placeOf(document)) === document) last.delete(placeOf(document))
          document.done.openUnsafe()
        })
      ),

    /** What was taken in and could not be finished, since nothing could go on. */
    left: (): ReadonlyArray<Outcome.Outcome<A, PineconeError>> => {
      const error = fatal
      return error === undefined
        ? []
        : Array.from(pending, (document) => document.failed ?? Outcome.rejected(document.input, error, 0))
    },
    fatal: () => fatal
  }
}

/** Documents that need no upsert and wait for their last step. */
const maxDirect = 16

export const replace =
  <A>(options: Options<A>, check: Check) =>
  <E, R>(
    self: Stream.Stream<A, E, R>
  ): Stream.Stream<Outcome.Outcome<A, PineconeError>, E | PineconeError, R | PineconeIndex> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { separator = "#" } = options
        if (separator === "") {
          const issue = "is empty; a document's chunks could not be told from those of others"
          return yield* failure("replace", undefined, new InvalidOption({ option: "separator", issue }))
        }
        const index = yield* PineconeIndex
        const direct = yield* Queue.bounded<Document<A>, Cause.Done>(maxDirect)
        const run = makeRun(index, options, separator, direct)
        let cause: Cause.Cause<E | PineconeError> | undefined

        const upserted = self.pipe(
          Drain.endWhen(run.stopped),
          Stream.mapEffect(run.enter),
          Stream.flattenIterable,
          destinations.write<Chunk<A>, SizedRecord>("upsert", options, (index) => ({
            limits: index.limits,
            flush: run.flush,
            ...destinations.upsertCalls(
              index,
              { namespace: ({ document }) => document.namespace, record: ({ record }) => record },
              check
            )
          })),
          Stream.mapArray((outcomes) => [run.answered(outcomes)]),
          Stream.flattenIterable,
          // What is complete is finished first.
          Stream.catchCause((failed) => {
            cause = failed
            return Stream.empty
          }),
          Stream.onEnd(Queue.end(direct))
        )

        const ending = Stream.suspend((): Stream.Stream<Outcome.Outcome<A, PineconeError>, E | PineconeError> => {
          const fatal = run.fatal()
          const failed =
            cause !== undefined ? Stream.failCause(cause) : fatal !== undefined ? Stream.fail(fatal) : Stream.empty
          return Stream.concat(Stream.fromIterable(run.left()), failed)
        })

        return Stream.merge(upserted, Stream.fromQueue(direct)).pipe(
          Stream.mapEffect(run.finish, { concurrency: options.concurrency ?? 8, unordered: true }),
          Stream.concat(ending)
        )
      })
    )

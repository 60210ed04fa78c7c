/**
 * Steps that write a stream to a Pinecone index.
 *
 * Each comes in two forms. The plain one ({@link upsert}, {@link update}, `delete`, {@link operations}, {@link replace}) emits what was
 * written and fails at its end when a record was not. The other (`upsertOutcomes`, ...) emits one
 * outcome for each element, as a value, and goes on past refused records.
 *
 * Elements may be anything: an option tells which record to make of one. The element itself comes
 * back in its outcome, with all that travels with it.
 */
import * as Outcome from "@effect-connectors/core/Outcome"
import type * as Write from "@effect-connectors/core/Write"
import type * as Stream from "effect/Stream"
import type * as Retry from "@effect-connectors/core/Retry"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import { awaitReadable as awaitReadableOf } from "./internal/awaitReadable.ts"
import * as destinations from "./internal/destinations.ts"
import { operations as operationsOf } from "./internal/operations.ts"
import { replace as replaceOf } from "./internal/replace.ts"
import type { Change, Operation } from "./Operation.ts"
import type { PineconeError } from "./PineconeError.ts"
import type { PineconeIndex } from "./PineconeIndex.ts"
import { checkAny, checkChange } from "./internal/recordChecks.ts"
import type { Metadata, VectorRecord } from "./VectorRecord.ts"

/** What a write step makes of a stream: one outcome an element. */
export type Outcomes<A, E, R> = Stream.Stream<Outcome.Outcome<A, PineconeError>, E | PineconeError, R | PineconeIndex>

/** What the plain form of a write step makes of a stream: the written elements, or a failure at its end. */
export type Plain<A, E, R> = Stream.Stream<
  Outcome.Written<A>,
  E | PineconeError | Outcome.RecordsNotWritten,
  R | PineconeIndex
>

interface NamespaceOption<A> {
  /** One namespace for all, or one for each element. Default: the layer's namespace. */
  readonly namespace?: string | ((element: A) => string) | undefined
}

/**
 * What is made of an element, or why nothing could be: then that is its outcome, and nothing of it is sent. So what failed
 * before a sink, for instance embedding, ends where all else does.
 */
export type Made<D> = D | Result.Result<D, PineconeError>

/** `M` is the type of the metadata. */
export interface UpsertOptions<A, M = Metadata> extends Write.Options, NamespaceOption<A> {
  /** The record to write for an element, or why there is none. Default: the element is the record. */
  readonly record?: ((element: A) => Made<VectorRecord<M>>) | undefined
}

/** A change of one stored record: given parts replace the stored ones, metadata (`C`) is merged field by field. */
export type Update<C = Metadata> = Change<C>

/** Pinecone changes one record a call; its documented rate is 100 updates a second in a namespace. */
export interface UpdateOptions<A, C = Metadata>
  extends Omit<Write.Options, "maxRecords" | "maxBytes" | "maxOpenBytes" | "duplicates">, NamespaceOption<A> {
  /** The change to make for an element. Default: the element is the change. */
  readonly update?: ((element: A) => Update<C>) | undefined
}

/** `maxRecords` is 1,000 by default here, the most ids Pinecone takes in a call. */
export interface DeleteOptions<A> extends Write.Options, NamespaceOption<A> {
  /** The id to delete for an element. Default: the element is the id. */
  readonly id?: ((element: A) => string) | undefined
}

/**
 * `maxRecords` is of upserts (100 by default) and of deletes (1,000); Pinecone changes one record a call. Operations are
 * written in the order they came to an id, of whatever kind they are, unless `ordered` is off.
 */
export interface OperationsOptions<A, M = Metadata, C = M> extends Write.Options, NamespaceOption<A> {
  /** The operation to do for an element. Default: the element is the operation. */
  readonly operation?: ((element: A) => Operation<M, C>) | undefined
}

/** Elements are documents that are stored as several records, their chunks. `M` is the type of the chunks' metadata. */
export interface ReplaceOptions<A, M = Metadata>
  extends Omit<Write.Options, "ordered" | "duplicates">, NamespaceOption<A> {
  /** The document's own id, which the ids of its chunks start with. */
  readonly parent: (element: A) => string
  /** The document's chunks as they are now; none removes the document. Their ids are `${parent}${separator}...`. */
  readonly records: (element: A) => ReadonlyArray<VectorRecord<M>>
  /**
   * Stands between the document's id and the rest of a chunk's, and nowhere in that rest: so each id is of one document,
   * also when documents are called `a` and `a#b`.
   *
   * @default "#"
   */
  readonly separator?: string | undefined
}

/** {@link upsert}: of elements that are records, or of any with the option `record`. */
export interface Upsert<M = Metadata> {
  <A>(
    options: UpsertOptions<A, M> & { readonly record: (element: A) => Made<VectorRecord<M>> }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
  <A extends VectorRecord<M>>(options?: UpsertOptions<A, M>): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
}

/** {@link upsertOutcomes}: of elements that are records, or of any with the option `record`. */
export interface UpsertOutcomes<M = Metadata> {
  <A>(
    options: UpsertOptions<A, M> & { readonly record: (element: A) => Made<VectorRecord<M>> }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
  <A extends VectorRecord<M>>(options?: UpsertOptions<A, M>): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
}

/** {@link update}: of elements that are changes, or of any with the option `update`. */
export interface UpdateChanges<C = Metadata> {
  <A>(
    options: UpdateOptions<A, C> & { readonly update: (element: A) => Update<C> }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
  <A extends Update<C>>(options?: UpdateOptions<A, C>): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
}

/** {@link updateOutcomes}: of elements that are changes, or of any with the option `update`. */
export interface UpdateOutcomes<C = Metadata> {
  <A>(
    options: UpdateOptions<A, C> & { readonly update: (element: A) => Update<C> }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
  <A extends Update<C>>(options?: UpdateOptions<A, C>): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
}

/** `delete`: of ids, or of any elements with the option `id`. */
export interface Delete {
  <A>(
    options: DeleteOptions<A> & { readonly id: (element: A) => string }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
  <A extends string>(options?: DeleteOptions<A>): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
}

/** {@link deleteOutcomes}: of ids, or of any elements with the option `id`. */
export interface DeleteOutcomes {
  <A>(
    options: DeleteOptions<A> & { readonly id: (element: A) => string }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
  <A extends string>(options?: DeleteOptions<A>): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
}

/** {@link operations}: of elements that are operations, or of any with the option `operation`. */
export interface Operations<M = Metadata, C = M> {
  <A>(
    options: OperationsOptions<A, M, C> & { readonly operation: (element: A) => Operation<M, C> }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
  <A extends Operation<M, C>>(
    options?: OperationsOptions<A, M, C>
  ): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
}

/** {@link operationsOutcomes}: of elements that are operations, or of any with the option `operation`. */
export interface OperationsOutcomes<M = Metadata, C = M> {
  <A>(
    options: OperationsOptions<A, M, C> & { readonly operation: (element: A) => Operation<M, C> }
  ): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
  <A extends Operation<M, C>>(
    options?: OperationsOptions<A, M, C>
  ): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
}

/** {@link replace} */
export type Replace<M = Metadata> = <A>(
  options: ReplaceOptions<A, M>
) => <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>

/** {@link replaceOutcomes} */
export type ReplaceOutcomes<M = Metadata> = <A>(
  options: ReplaceOptions<A, M>
) => <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>

/**
 * Writes records, giving one outcome for each element as a value. Records of one id are written in the
 * order they came unless `ordered` is off. Of a call that the service counts fewer records of than it
 * was sent, every outcome is `Unknown`: it does not say which it took.
 *
 * @example
 * ```ts
 * import { Outcome } from "@effect-connectors/core"
 * import { PineconeSink } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * interface Page { readonly url: string; readonly offset: number; readonly embedding: Float32Array }
 * declare const pages: Stream.Stream<Page>
 *
 * const counts = pages.pipe(
 *   PineconeSink.upsertOutcomes({
 *     record: (page: Page) => ({ id: page.url, values: page.embedding })
 *   }),
 *   Stream.run(Outcome.count)
 * )
 * ```
 */
export const upsertOutcomes: UpsertOutcomes = <A>(options?: UpsertOptions<A>) =>
  destinations.upsert(options ?? {}, checkAny)

/**
 * Writes records. Emits those that were written and fails at its end with `RecordsNotWritten` when
 * one was rejected or its answer lost, so that `Stream.runDrain` can hide nothing.
 *
 * @example
 * ```ts
 * import { PineconeSink } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * const program = Stream.make(
 *   { id: "a", values: [0.1, 0.2], metadata: { title: "First" } },
 *   { id: "b", values: [0.3, 0.4], metadata: { title: "Second" } }
 * ).pipe(PineconeSink.upsert({ namespace: "articles" }), Stream.runDrain)
 * ```
 */
export const upsert: Upsert =
  <A>(options?: UpsertOptions<A>) =>
  <E, R>(self: Stream.Stream<A, E, R>) =>
    Outcome.requireWritten(destinations.upsert(options ?? {}, checkAny)(self))

/** Changes stored records, giving one outcome for each element. A missing id is not an error for Pinecone. */
export const updateOutcomes: UpdateOutcomes = <A>(options?: UpdateOptions<A>) =>
  destinations.update(options ?? {}, checkChange)

/**
 * Changes stored records; fails at its end when one was refused or its answer lost.
 *
 * @example
 * ```ts
 * import { PineconeSink } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * const program = Stream.make({ id: "a", metadata: { read: true } }).pipe(PineconeSink.update(), Stream.runDrain)
 * ```
 */
export const update: UpdateChanges =
  <A>(options?: UpdateOptions<A>) =>
  <E, R>(self: Stream.Stream<A, E, R>) =>
    Outcome.requireWritten(destinations.update(options ?? {}, checkChange)(self))

/** Deletes records by id, giving one outcome for each element. A missing id is not an error for Pinecone. */
export const deleteOutcomes: DeleteOutcomes = <A>(options?: DeleteOptions<A>) => destinations.remove(options ?? {})

const remove: Delete =
  <A>(options?: DeleteOptions<A>) =>
  <E, R>(self: Stream.Stream<A, E, R>) =>
    Outcome.requireWritten(destinations.remove(options ?? {})(self))

export {
  /**
   * Deletes records by id; fails at its end when a call was refused or its answer lost.
   *
   * @example
   * ```ts
   * import { PineconeSink } from "@effect-connectors/pinecone"
   * import * as Stream from "effect/Stream"
   *
   * const program = Stream.make("a", "b").pipe(PineconeSink.delete({ namespace: "articles" }), Stream.runDrain)
   * ```
   */
  remove as delete
}

const untyped = { record: checkAny, change: checkChange }

/**
 * Does operations of every kind, giving one outcome for each element. Of one id they are done in the order they came,
 * a later one after the answer to the one before, with all its retries; those of different ids travel together, in batches
 * of one kind. A refused operation does not stop those after it: they find what was stored before.
 */
export const operationsOutcomes: OperationsOutcomes = <A>(options?: OperationsOptions<A>) =>
  operationsOf(options ?? {}, untyped)

/**
 * Does operations of every kind, in the order they came to an id; fails at its end when one was refused or its answer
 * lost.
 *
 * @example
 * ```ts
 * import { Operation, PineconeSink } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * const program = Stream.make(
 *   Operation.upsert({ id: "a", values: [0.1, 0.2] }),
 *   Operation.update({ id: "a", metadata: { read: true } }),
 *   Operation.delete("b")
 * ).pipe(PineconeSink.operations({ namespace: "articles" }), Stream.runDrain)
 * ```
 */
export const operations: Operations =
  <A>(options?: OperationsOptions<A>) =>
  <E, R>(self: Stream.Stream<A, E, R>) =>
    Outcome.requireWritten(operationsOf(options ?? {}, untyped)(self))

/**
 * Replaces documents by their chunks, giving one outcome for each document. `Written`: all its chunks are stored, and
 * those of its ids that were listed and are no longer in it are removed. Otherwise nothing of it was removed, or not all,
 * and `error` is that of the chunk or call that failed: chunks that were accepted are stored, and doing it again is safe.
 *
 * Chunks of many documents share calls. Documents of one parent are replaced one after the other, as they came.
 *
 * **Gotchas**
 *
 * What was written a moment ago may not be listed yet, and then stays: see {@link awaitReadable}.
 */
export const replaceOutcomes: ReplaceOutcomes = (options) => replaceOf(options, checkAny)

/**
 * Writes the chunks of documents, then removes those of them that are no longer there. Fails at its end when a document
 * was not replaced.
 *
 * @example
 * ```ts
 * import { PineconeSink } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * interface Page { readonly url: string; readonly parts: ReadonlyArray<{ readonly embedding: Float32Array }> }
 * declare const pages: Stream.Stream<Page>
 *
 * const program = pages.pipe(
 *   PineconeSink.replace({
 *     parent: (page) => page.url,
 *     records: (page) => page.parts.map(({ embedding }, i) => ({ id: `${page.url}#${i}`, values: embedding }))
 *   }),
 *   Stream.runDrain
 * )
 * ```
 */
export const replace: Replace = (options) => (self) => Outcome.requireWritten(replaceOutcomes(options)(self))

/** Options of {@link awaitReadable}. */
export interface AwaitReadableOptions {
  /** Default: the layer's namespace. */
  readonly namespace?: string | undefined
  /**
   * Then it fails with `TimedOut`, and says how far reads are.
   *
   * @default "1 minute"
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * The delay between two looks: it doubles from `base` to `cap`.
   *
   * @default { base: "50 millis", cap: "2 seconds" }
   */
  readonly poll?: { readonly base?: Duration.Input | undefined; readonly cap?: Duration.Input | undefined } | undefined
  /**
   * Ids that were written, by this layer or another one. They are looked for where the service sends no sequence numbers. That
   * they are there says nothing of a record that was there before: it may be the old one.
   */
  readonly stored?: ReadonlyArray<string> | undefined
  /** Ids that were deleted, looked for like those in `stored`. */
  readonly gone?: ReadonlyArray<string> | undefined
  /** When a look that failed is repeated. */
  readonly retry?: Retry.Policy | undefined
}

/**
 * Waits until everything that this layer wrote to a namespace so far, and was answered, is seen by reads. Pinecone
 * numbers the writes of a namespace and tells with each query which it saw, so this asks it a small query until that
 * is enough. When nothing was written it waits for nothing.
 *
 * @example
 * ```ts
 * import { PineconeSink, PineconeSource } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const program = Effect.gen(function*() {
 *   yield* Stream.make({ id: "a", values: [0.1, 0.2] }).pipe(PineconeSink.upsert(), Stream.runDrain)
 *   yield* PineconeSink.awaitReadable({ timeout: "30 seconds" })
 *   return yield* Stream.make("a").pipe(PineconeSource.fetch(), Stream.runCollect)
 * })
 * ```
 */
export const awaitReadable: (options?: AwaitReadableOptions) => Effect.Effect<void, PineconeError, PineconeIndex> =
  awaitReadableOf

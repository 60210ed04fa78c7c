/**
 * Steps that write a stream to a document index of Pinecone, and steps that read it.
 *
 * They take the declaration of the index's fields, a `DocumentIndex`; which index it is is the layer's choice
 * (`PineconeDocumentIndex`). As with `PineconeSink`, the plain form of a write emits what was written and fails at its end
 * when something was not, the other (`upsertOutcomes`, ...) gives one outcome for each element; as with `PineconeSource`,
 * reads pair each element with its answer, in order.
 */
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Outcome from "@effect-connectors/core/Outcome"
import type * as Retry from "@effect-connectors/core/Retry"
import * as Scan from "@effect-connectors/core/Scan"
import type * as Write from "@effect-connectors/core/Write"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type {
  Change,
  Document,
  DocumentIndex,
  Fields,
  Filter,
  Match,
  Names,
  Part,
  PlainNames,
  ScoreBy
} from "./DocumentIndex.ts"
import { awaitDocuments } from "./internal/awaitReadable.ts"
import * as destinations from "./internal/documentDestinations.ts"
import * as rows from "./internal/documentRows.ts"
import { keyPages } from "./internal/reads.ts"
import { PineconeDocumentIndex } from "./PineconeDocumentIndex.ts"
import type { PineconeError } from "./PineconeError.ts"
import type { AwaitReadableOptions, Made } from "./PineconeSink.ts"
import type { ListOptions, ScanOptions } from "./PineconeSource.ts"

/** What a write step makes of a stream: one outcome an element. */
export type Outcomes<A, E, R> = Stream.Stream<
  Outcome.Outcome<A, PineconeError>,
  E | PineconeError,
  R | PineconeDocumentIndex
>

/** What the plain form of a write step makes of a stream: the written elements, or a failure at its end. */
export type Plain<A, E, R> = Stream.Stream<
  Outcome.Written<A>,
  E | PineconeError | Outcome.RecordsNotWritten,
  R | PineconeDocumentIndex
>

/** A step that pairs each element with its answer. */
export type Rows<A, B, E, R> = Stream.Stream<[A, B], E | PineconeError, R | PineconeDocumentIndex>

/** A step that pairs each element with its answer or with why there is none. */
export type Results<A, B, E, R> = Stream.Stream<
  [A, Result.Result<B, PineconeError>],
  E | PineconeError,
  R | PineconeDocumentIndex
>

interface NamespaceOption<A> {
  /** One namespace for all, or one for each element. Default: the layer's namespace. */
  readonly namespace?: string | ((element: A) => string) | undefined
}

/** `D` is the type of a document. */
export interface UpsertOptions<A, D> extends Write.Options, NamespaceOption<A> {
  /** The document to write for an element, or why there is none. Default: the element is the document. */
  readonly document?: ((element: A) => Made<D>) | undefined
}

/**
 * `C` is the type of a change. Changes of one id that come into one batch are sent as one change that does the same; should
 * it be refused, they are sent again each by itself.
 */
export interface UpdateOptions<A, C> extends Omit<Write.Options, "duplicates">, NamespaceOption<A> {
  /** The change to make for an element, or why there is none. Default: the element is the change. */
  readonly change?: ((element: A) => Made<C>) | undefined
}

/** `maxRecords` is 1,000 by default here. */
export interface DeleteOptions<A> extends Write.Options, NamespaceOption<A> {
  /** The id to delete for an element. Default: the element is the id. */
  readonly id?: ((element: A) => string) | undefined
}

/** What to ask for each element; `N` are the names of the fields to get. */
export interface SearchOptions<A, F extends Fields, N extends string> extends NamespaceOption<A> {
  /** What documents are ranked by, or why there is nothing to rank by: see `score` of the index. */
  readonly scoreBy: (element: A) => Made<ScoreBy<F>>
  /** How many documents, 1 to 10,000. */
  readonly topK: number
  /** One filter for all, or one for each element. */
  readonly filter?: Filter<F> | ((element: A) => Filter<F>) | undefined
  /** Fields of the matches to get. Default: all that hold no vector. */
  readonly fields?: ReadonlyArray<N> | undefined
  /**
   * Searches in flight: Pinecone answers one a call.
   *
   * @default 8
   */
  readonly concurrency?: number | undefined
  /** When a call is repeated. */
  readonly retry?: Retry.Policy | undefined
  /** Time for all searches together, from the start of the stream; see `Lookup.Options`. Default: none. */
  readonly deadline?: Lookup.Options["deadline"]
  /** Keeps the answers of equal searches for a time. Default: no cache. */
  readonly cache?: Lookup.Options["cache"]
}

export interface FetchOptions<A, N extends string> extends NamespaceOption<A>, Lookup.Options {
  /** The id to fetch for an element. Default: the element is the id. `maxBatch` may be up to 1,000. */
  readonly id?: ((element: A) => string) | undefined
  /** Fields to get. Default: all that are declared. */
  readonly fields?: ReadonlyArray<N> | undefined
}

/** Which documents to read; `N` are the names of the fields to get. */
export interface SelectOptions<F extends Fields, N extends string> extends Omit<Scan.Options, "concurrency"> {
  readonly filter: Filter<F>
  /** Default: the layer's namespace. */
  readonly namespace?: string | undefined
  /** Fields to get. Default: all that are declared. */
  readonly fields?: ReadonlyArray<N> | undefined
  /**
   * Documents of a page, 1 to 10,000. Pinecone's answers have 4 MB at most.
   *
   * @default 100
   */
  readonly pageSize?: number | undefined
}

export interface ScanDocumentsOptions<N extends string> extends ScanOptions {
  /** Fields to get. Default: all that are declared. */
  readonly fields?: ReadonlyArray<N> | undefined
}

/** A document of a {@link scan}, with the namespace it was read from. */
export interface Scanned<D> {
  readonly namespace: string
  readonly document: D
}

/**
 * Writes documents, giving one outcome for each element as a value. A stored document of the same id is replaced whole.
 * Documents of one id are written in the order they came unless `ordered` is off.
 *
 * @example
 * ```ts
 * import { Outcome } from "@effect-connectors/core"
 * import { DocumentIndex, PineconeDocuments } from "@effect-connectors/pinecone"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * const articles = DocumentIndex.make({ title: DocumentIndex.text(), year: Schema.Int })
 *
 * interface Page { readonly url: string; readonly heading: string; readonly offset: number }
 * declare const pages: Stream.Stream<Page>
 *
 * const counts = pages.pipe(
 *   PineconeDocuments.upsertOutcomes(articles, {
 *     document: (page: Page) => ({ _id: page.url, title: page.heading, year: 2026 })
 *   }),
 *   Stream.run(Outcome.count)
 * )
 * ```
 */
export function upsertOutcomes<F extends Fields, A>(
  index: DocumentIndex<F>,
  options: UpsertOptions<A, Document<F>> & { readonly document: (element: A) => Made<Document<F>> }
): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
export function upsertOutcomes<F extends Fields, A extends Document<F>>(
  index: DocumentIndex<F>,
  options?: UpsertOptions<A, Document<F>>
): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
export function upsertOutcomes<F extends Fields, A>(
  { fields }: DocumentIndex<F>,
  options: UpsertOptions<A, Document<F>> = {}
): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R> {
  return destinations.upsert(fields, options)
}

/**
 * Writes documents. Emits those that were written and fails at its end with `RecordsNotWritten` when one was rejected or its
 * answer lost.
 *
 * @example
 * ```ts
 * import { DocumentIndex, PineconeDocuments } from "@effect-connectors/pinecone"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * const articles = DocumentIndex.make({ title: DocumentIndex.text(), year: Schema.Int })
 *
 * const program = Stream.make(
 *   { _id: "a", title: "Vectors and words", year: 2025 },
 *   { _id: "b", title: "Only words", year: 2026 }
 * ).pipe(PineconeDocuments.upsert(articles, { namespace: "news" }), Stream.runDrain)
 * ```
 */
export function upsert<F extends Fields, A>(
  index: DocumentIndex<F>,
  options: UpsertOptions<A, Document<F>> & { readonly document: (element: A) => Made<Document<F>> }
): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
export function upsert<F extends Fields, A extends Document<F>>(
  index: DocumentIndex<F>,
  options?: UpsertOptions<A, Document<F>>
): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
export function upsert<F extends Fields, A>(
  { fields }: DocumentIndex<F>,
  options: UpsertOptions<A, Document<F>> = {}
): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R> {
  return (self) => Outcome.requireWritten(destinations.upsert(fields, options)(self))
}

/**
 * Changes stored documents, giving one outcome for each element. A missing id is not an error for Pinecone: the change is
 * accepted and does nothing.
 */
export function updateOutcomes<F extends Fields, A>(
  index: DocumentIndex<F>,
  options: UpdateOptions<A, Change<F>> & { readonly change: (element: A) => Made<Change<F>> }
): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
export function updateOutcomes<F extends Fields, A extends Change<F>>(
  index: DocumentIndex<F>,
  options?: UpdateOptions<A, Change<F>>
): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
export function updateOutcomes<F extends Fields, A>(
  { fields }: DocumentIndex<F>,
  options: UpdateOptions<A, Change<F>> = {}
): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R> {
  return destinations.update(fields, options)
}

/**
 * Changes stored documents: sets fields, removes those in `_remove_fields`, and leaves the others. Fails at its end when a
 * change was refused or its answer lost.
 *
 * @example
 * ```ts
 * import { DocumentIndex, PineconeDocuments } from "@effect-connectors/pinecone"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * const articles = DocumentIndex.make({ title: DocumentIndex.text(), draft: Schema.optionalKey(Schema.Boolean) })
 *
 * const program = Stream.make({ _id: "a", title: "Published", _remove_fields: ["draft" as const] }).pipe(
 *   PineconeDocuments.update(articles),
 *   Stream.runDrain
 * )
 * ```
 */
export function update<F extends Fields, A>(
  index: DocumentIndex<F>,
  options: UpdateOptions<A, Change<F>> & { readonly change: (element: A) => Made<Change<F>> }
): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
export function update<F extends Fields, A extends Change<F>>(
  index: DocumentIndex<F>,
  options?: UpdateOptions<A, Change<F>>
): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
export function update<F extends Fields, A>(
  { fields }: DocumentIndex<F>,
  options: UpdateOptions<A, Change<F>> = {}
): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R> {
  return (self) => Outcome.requireWritten(destinations.update(fields, options)(self))
}

/** Deletes documents by id, giving one outcome for each element. A missing id is not an error for Pinecone. */
export function deleteOutcomes<A>(
  options: DeleteOptions<A> & { readonly id: (element: A) => string }
): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
export function deleteOutcomes<A extends string>(
  options?: DeleteOptions<A>
): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R>
export function deleteOutcomes<A>(
  options: DeleteOptions<A> = {}
): <E, R>(self: Stream.Stream<A, E, R>) => Outcomes<A, E, R> {
  return destinations.remove(options)
}

function remove<A>(
  options: DeleteOptions<A> & { readonly id: (element: A) => string }
): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
function remove<A extends string>(options?: DeleteOptions<A>): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R>
function remove<A>(options: DeleteOptions<A> = {}): <E, R>(self: Stream.Stream<A, E, R>) => Plain<A, E, R> {
  return (self) => Outcome.requireWritten(destinations.remove(options)(self))
}

export {
  /**
   * Deletes documents by id; fails at its end when a call was refused or its answer lost.
   *
   * @example
   * ```ts
   * import { PineconeDocuments } from "@effect-connectors/pinecone"
   * import * as Stream from "effect/Stream"
   *
   * const program = Stream.make("a", "b").pipe(PineconeDocuments.delete({ namespace: "news" }), Stream.runDrain)
   * ```
   */
  remove as delete
}

/** {@link search} that gives a failed search as a `Result` in its row and goes on. */
export const searchResults: <F extends Fields, A, const N extends Names<F> = PlainNames<F>>(
  index: DocumentIndex<F>,
  options: SearchOptions<A, F, N>
) => <E, R>(self: Stream.Stream<A, E, R>) => Results<A, ReadonlyArray<Match<F, N>>, E, R> = rows.search

/**
 * Pairs each element with the documents that rank first, in order. Fails at the first search that can not be answered.
 *
 * @example
 * ```ts
 * import { DocumentIndex, PineconeDocuments } from "@effect-connectors/pinecone"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 *
 * const articles = DocumentIndex.make({
 *   title: DocumentIndex.text(),
 *   body: DocumentIndex.text(),
 *   year: Schema.Int
 * })
 *
 * declare const questions: Stream.Stream<string>
 *
 * const answers = questions.pipe(
 *   PineconeDocuments.search(articles, {
 *     scoreBy: (question: string) => articles.score.text(["title", "body"], question),
 *     topK: 5,
 *     filter: articles.filter.gte("year", 2020),
 *     fields: ["title"]
 *   }),
 *   Stream.map(([question, matches]) => `${question}: ${matches.map((match) => match.title).join(", ")}`)
 * )
 * ```
 */
export const search =
  <F extends Fields, A, const N extends Names<F> = PlainNames<F>>(
    index: DocumentIndex<F>,
    options: SearchOptions<A, F, N>
  ) =>
  <E, R>(self: Stream.Stream<A, E, R>): Rows<A, ReadonlyArray<Match<F, N>>, E, R> =>
    Lookup.requireFound(searchResults<F, A, N>(index, options)(self))

/** {@link fetch} that gives a failed lookup as a `Result` in its row and goes on. */
export function fetchResults<F extends Fields, A, const N extends Names<F> = Names<F>>(
  index: DocumentIndex<F>,
  options: FetchOptions<A, N> & { readonly id: (element: A) => string }
): <E, R>(self: Stream.Stream<A, E, R>) => Results<A, Option.Option<Part<F, N>>, E, R>
export function fetchResults<F extends Fields, A extends string, const N extends Names<F> = Names<F>>(
  index: DocumentIndex<F>,
  options?: FetchOptions<A, N>
): <E, R>(self: Stream.Stream<A, E, R>) => Results<A, Option.Option<Part<F, N>>, E, R>
export function fetchResults<F extends Fields, A, N extends string>(
  index: DocumentIndex<F>,
  options: FetchOptions<A, N> = {}
): <E, R>(self: Stream.Stream<A, E, R>) => Results<A, Option.Option<Part<F, N>>, E, R> {
  return rows.fetch<F, A, N>(index, options)
}

/**
 * Pairs each id with its document, in order; `None` for an id that is not stored. Calls take up to `maxBatch` ids; an id
 * asked for twice at a time is fetched once.
 *
 * @example
 * ```ts
 * import { DocumentIndex, PineconeDocuments } from "@effect-connectors/pinecone"
 * import * as Stream from "effect/Stream"
 *
 * const notes = DocumentIndex.make({ text: DocumentIndex.text() })
 *
 * const found = Stream.make("a", "b").pipe(PineconeDocuments.fetch(notes, { namespace: "news" }))
 * ```
 */
export function fetch<F extends Fields, A, const N extends Names<F> = Names<F>>(
  index: DocumentIndex<F>,
  options: FetchOptions<A, N> & { readonly id: (element: A) => string }
): <E, R>(self: Stream.Stream<A, E, R>) => Rows<A, Option.Option<Part<F, N>>, E, R>
export function fetch<F extends Fields, A extends string, const N extends Names<F> = Names<F>>(
  index: DocumentIndex<F>,
  options?: FetchOptions<A, N>
): <E, R>(self: Stream.Stream<A, E, R>) => Rows<A, Option.Option<Part<F, N>>, E, R>
export function fetch<F extends Fields, A, N extends string>(
  index: DocumentIndex<F>,
  options: FetchOptions<A, N> = {}
): <E, R>(self: Stream.Stream<A, E, R>) => Rows<A, Option.Option<Part<F, N>>, E, R> {
  return (self) => Lookup.requireFound(rows.fetch<F, A, N>(index, options)(self))
}

/**
 * The ids of a namespace, in bytewise order.
 *
 * @example
 * ```ts
 * import { PineconeDocuments } from "@effect-connectors/pinecone"
 *
 * const ids = PineconeDocuments.list({ prefix: "2026-" })
 * ```
 */
export const list = (options: ListOptions = {}): Stream.Stream<string, PineconeError, PineconeDocumentIndex> =>
  Stream.unwrap(
    Effect.map(PineconeDocumentIndex, (index) => {
      const split = { namespace: options.namespace ?? index.namespace, prefix: options.prefix }
      return Scan.scan(keyPages(index), [split], options).pipe(Stream.mapArray(Arr.map(({ id }) => id)))
    })
  )

/**
 * Every document of a namespace that a filter selects, in no order that is known. Fails at a document that is not what is
 * declared.
 *
 * @example
 * ```ts
 * import { DocumentIndex, PineconeDocuments } from "@effect-connectors/pinecone"
 * import * as Schema from "effect/Schema"
 *
 * const articles = DocumentIndex.make({ title: DocumentIndex.text(), year: Schema.Int })
 *
 * const recent = PineconeDocuments.select(articles, { filter: articles.filter.gte("year", 2025), fields: ["title"] })
 * ```
 */
export const select: <F extends Fields, const N extends Names<F> = Names<F>>(
  index: DocumentIndex<F>,
  options: SelectOptions<F, N>
) => Stream.Stream<Part<F, N>, PineconeError, PineconeDocumentIndex> = rows.select

/**
 * Every document of one namespace, of several or of all. Ids are listed and documents fetched at the same time, with bounded
 * concurrency. At the end the count is compared with the index's own unless `verify` is off. Fails at a document that is not
 * what is declared.
 *
 * @example
 * ```ts
 * import { DocumentIndex, PineconeDocuments } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const dump = PineconeDocuments.scan(DocumentIndex.any, { namespaces: "all" }).pipe(
 *   Stream.runForEach(({ document, namespace }) => Effect.log(`${namespace}/${document._id}`))
 * )
 * ```
 */
export const scan: <F extends Fields, const N extends Names<F> = Names<F>>(
  index: DocumentIndex<F>,
  options?: ScanDocumentsOptions<N>
) => Stream.Stream<Scanned<Part<F, N>>, PineconeError, PineconeDocumentIndex> = rows.scan

/**
 * Waits until everything that this layer wrote to a namespace so far, and was answered, is seen by reads: see
 * `PineconeSink.awaitReadable`. That reads of documents tell the numbers of writes as queries of vectors do is an assumption;
 * where they do not, name documents in `stored` or `gone`.
 */
export const awaitReadable: (
  options?: AwaitReadableOptions
) => Effect.Effect<void, PineconeError, PineconeDocumentIndex> = awaitDocuments

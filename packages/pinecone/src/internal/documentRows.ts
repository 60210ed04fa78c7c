/** Rows of documents: searched, fetched by id, scanned; each decoded as the index is declared. */
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Scan from "@effect-connectors/core/Scan"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as DocumentFilter from "../DocumentFilter.ts"
import type { DocumentIndex, Fields, Match, Names, Part, PlainNames } from "../DocumentIndex.ts"
import type { PineconeDocumentIndex } from "../PineconeDocumentIndex.ts"
import type {
  FetchOptions,
  Results,
  ScanDocumentsOptions,
  Scanned,
  SearchOptions,
  SelectOptions
} from "../PineconeDocuments.ts"
import type { PineconeError } from "../PineconeError.ts"
import { checkRange, failure, namespaceOf } from "./common.ts"
import { invalidFilter, matchReader, plainNames, reader } from "./documentChecks.ts"
import * as documentReads from "./documentReads.ts"
import { namespaceName } from "./namespace.ts"
import { recordKey } from "./reads.ts"
import { invalidNamespace } from "./recordChecks.ts"
import * as scans from "./scans.ts"

/** @see `PineconeDocuments.searchResults` */
export const search =
  <F extends Fields, A, const N extends Names<F> = PlainNames<F>>(
    index: DocumentIndex<F>,
    options: SearchOptions<A, F, N>
  ) =>
  <E, R>(self: Stream.Stream<A, E, R>): Results<A, ReadonlyArray<Match<F, N>>, E, R> =>
    Stream.unwrap(
      Effect.gen(function* () {
        yield* checkRange("search", "topK", options.topK, 10_000)
        yield* checkRange("search", "concurrency", options.concurrency)
        const service = yield* documentReads.serviceFor("search", index.fields, options.fields)
        const namespaceFor = namespaceOf(service, options.namespace)
        const includeFields = options.fields ?? (index.fields === undefined ? ["*"] : plainNames(index.fields))
        const read = matchReader<F, N>(index, options.fields)
        const { filter } = options
        const request = (element: A) => {
          const scores = options.scoreBy(element)
          const made = Result.isResult(scores) ? scores : Result.succeed(scores)
          return Result.flatMap(made, (scoreBy) =>
            documentReads.searchOf(index.fields, {
              namespace: namespaceFor(element),
              scoreBy: Arr.ensure(scoreBy),
              topK: options.topK,
              includeFields,
              filter:
                filter === undefined
                  ? undefined
                  : DocumentFilter.untyped(typeof filter === "function" ? filter(element) : filter)
            })
          )
        }
        const rows = Lookup.results(
          documentReads.searches(service, options.cache !== undefined),
          request,
          options
        )(self)
        return Stream.map(rows, ([element, result]): [A, Result.Result<ReadonlyArray<Match<F, N>>, PineconeError>] => [
          element,
          Result.flatMap(result, (matches) =>
            Result.mapError(Result.all(matches.map(read)), (reason) => failure("search", namespaceFor(element), reason))
          )
        ])
      })
    )

/** @see `PineconeDocuments.fetchResults` */
export const fetch =
  <F extends Fields, A, N extends string>(index: DocumentIndex<F>, options: FetchOptions<A, N> = {}) =>
  <E, R>(self: Stream.Stream<A, E, R>): Results<A, Option.Option<Part<F, N>>, E, R> =>
    Stream.unwrap(
      Effect.gen(function* () {
        yield* checkRange("fetch", "maxBatch", options.maxBatch, 1000)
        yield* checkRange("fetch", "concurrency", options.concurrency)
        const service = yield* documentReads.serviceFor("fetch", index.fields, options.fields)
        const namespaceFor = namespaceOf(service, options.namespace)
        const read = reader<F, N>(index, options.fields)
        const key = (element: A) =>
          recordKey(namespaceFor(element), options.id === undefined ? element : options.id(element))
        const store = documentReads.documents(service, includedOf(index, options.fields))
        return Stream.map(
          Lookup.results(store, key, options)(self),
          ([element, result]): [A, Result.Result<Option.Option<Part<F, N>>, PineconeError>] => [
            element,
            Result.flatMap(
              result,
              Option.match({
                onNone: () => Result.succeed(Option.none()),
                onSome: (document) =>
                  Result.mapBoth(read(document), {
                    onFailure: (reason) => failure("fetch", namespaceFor(element), reason),
                    onSuccess: Option.some
                  })
              })
            )
          ]
        )
      })
    )

/** The fields to ask for; an empty list would be all. */
const includedOf = (
  { fields }: { readonly fields: Fields | undefined },
  names: ReadonlyArray<string> | undefined
): ReadonlyArray<string> | undefined => names ?? (fields === undefined ? undefined : Object.keys(fields))

/** @see `PineconeDocuments.scan` */
export const scan = <F extends Fields, const N extends Names<F> = Names<F>>(
  index: DocumentIndex<F>,
  options: ScanDocumentsOptions<N> = {}
): Stream.Stream<Scanned<Part<F, N>>, PineconeError, PineconeDocumentIndex> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* scans.checkOptions(options)
      const service = yield* documentReads.serviceFor("scan", index.fields, options.fields)
      const names = yield* scans.namesOf(service, options)
      const read = reader<F, N>(index, options.fields)
      const found = scans.recordsOf(
        service,
        {
          store: documentReads.documents(service, includedOf(index, options.fields)),
          toScanned: (namespace, document) => ({ namespace, document })
        },
        names,
        options
      )
      return Stream.mapEffect(found, ({ document, namespace }) =>
        Effect.fromResult(
          Result.mapBoth(read(document), {
            onFailure: (reason) => failure("scan", namespace, reason),
            onSuccess: (document): Scanned<Part<F, N>> => ({ namespace, document })
          })
        )
      )
    })
  )

/** @see `PineconeDocuments.select` */
export const select = <F extends Fields, const N extends Names<F> = Names<F>>(
  index: DocumentIndex<F>,
  options: SelectOptions<F, N>
): Stream.Stream<Part<F, N>, PineconeError, PineconeDocumentIndex> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* checkRange("fetch", "pageSize", options.pageSize, 10_000)
      const service = yield* documentReads.serviceFor("fetch", index.fields, options.fields)
      const namespace = namespaceName(options.namespace ?? service.namespace)
      const filter = DocumentFilter.untyped(options.filter)
      const wrong = invalidNamespace(namespace) ?? invalidFilter(index.fields, filter)
      if (wrong !== undefined) return yield* failure("fetch", namespace, wrong)
      const read = reader<F, N>(index, options.fields)
      const pages = documentReads.selectedPages(service, {
        namespace,
        filter,
        includeFields: includedOf(index, options.fields),
        limit: options.pageSize
      })
      return Stream.mapEffect(Scan.scan(pages, [undefined], options), (document) =>
        Effect.mapError(Effect.fromResult(read(document)), (reason) => failure("fetch", namespace, reason))
      )
    })
  )

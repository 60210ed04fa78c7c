/** What the types of a declared document index promise; checked by the compiler, never run. */
import {
  DocumentIndex,
  PineconeDocuments,
  type PineconeDocumentIndex,
  type PineconeError
} from "@effect-connectors/pinecone"
import type { Document, DocumentMatch } from "@effect-connectors/pinecone/DocumentsApi"
import type { SparseValues, Values } from "@effect-connectors/pinecone/VectorRecord"
import type * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

const articles = DocumentIndex.make({
  title: DocumentIndex.text(),
  body: DocumentIndex.optional(DocumentIndex.text({ stemming: true })),
  embedding: DocumentIndex.dense({ dimension: 384, metric: "cosine" }),
  terms: DocumentIndex.optional(DocumentIndex.sparse()),
  at: Schema.DateFromString,
  year: Schema.optionalKey(Schema.Int),
  tags: Schema.Array(Schema.String)
})
type Article = DocumentIndex.DocumentOf<typeof articles>

// A document has its id and the fields, as the program has them.
expectTypeOf<Article>().toEqualTypeOf<{
  readonly _id: string
  readonly title: string
  readonly body?: string
  readonly embedding: Values
  readonly terms?: SparseValues
  readonly at: Date
  readonly year?: number
  readonly tags: ReadonlyArray<string>
}>()

// A declaration of what no index can have.
// @ts-expect-error: two dense fields
DocumentIndex.make({
  a: DocumentIndex.dense({ dimension: 2, metric: "cosine" }),
  b: DocumentIndex.dense({ dimension: 3, metric: "cosine" })
})
// @ts-expect-error: two sparse fields, one of them optional
DocumentIndex.make({ a: DocumentIndex.sparse(), b: DocumentIndex.optional(DocumentIndex.sparse()) })
// @ts-expect-error: no nesting
DocumentIndex.make({ title: DocumentIndex.text(), author: Schema.Struct({ name: Schema.String }) })
// @ts-expect-error: no null
DocumentIndex.make({ title: DocumentIndex.text(), year: Schema.NullOr(Schema.Int) })
// @ts-expect-error: no such metric
DocumentIndex.dense({ dimension: 2, metric: "manhattan" })

interface Page {
  readonly url: string
  readonly article: Article
}
declare const pages: Stream.Stream<Page, "broken">
declare const documents: Stream.Stream<Article>
declare const ids: Stream.Stream<string>

// In.
expectTypeOf(documents.pipe(PineconeDocuments.upsert(articles))).toEqualTypeOf<
  PineconeDocuments.Plain<Article, never, never>
>()
expectTypeOf(
  pages.pipe(PineconeDocuments.upsertOutcomes(articles, { document: (page: Page) => page.article, maxRecords: 10 }))
).toEqualTypeOf<PineconeDocuments.Outcomes<Page, "broken", never>>()
declare const failed: Result.Result<Article, PineconeError>
void pages.pipe(PineconeDocuments.upsert(articles, { document: () => failed }))
// @ts-expect-error: a page is no document
void pages.pipe(PineconeDocuments.upsert(articles))
// @ts-expect-error: a field is missing
void pages.pipe(PineconeDocuments.upsert(articles, { document: (page: Page) => ({ _id: page.url, title: "A" }) }))
const stored = (page: Page) => ({ ...page.article, at: "2020-01-01" })
// @ts-expect-error: not as it is stored
void pages.pipe(PineconeDocuments.upsert(articles, { document: stored }))
// @ts-expect-error: another failure than the outcome has
void pages.pipe(PineconeDocuments.upsert(articles, { document: () => Result.fail("no") }))

// Changes.
void ids.pipe(
  PineconeDocuments.update(articles, { change: (_id: string) => ({ _id, year: 1, _remove_fields: ["body"] }) })
)
// @ts-expect-error: a field that is not there
void ids.pipe(PineconeDocuments.update(articles, { change: (_id: string) => ({ _id, _remove_fields: ["writer"] }) }))
// @ts-expect-error: a value of another type
void ids.pipe(PineconeDocuments.update(articles, { change: (_id: string) => ({ _id, year: "1" }) }))
const change = (_id: string) => ({ _id, year: 1 })
// @ts-expect-error: the last change does not stand for the others
void ids.pipe(PineconeDocuments.update(articles, { change, duplicates: "lastWins" }))

expectTypeOf(ids.pipe(PineconeDocuments.delete())).toEqualTypeOf<PineconeDocuments.Plain<string, never, never>>()
// @ts-expect-error: a page is no id
void pages.pipe(PineconeDocuments.delete())

// Out: the fields that are asked for, by default all that hold no vector.
const { filter, score } = articles
const found = ids.pipe(
  PineconeDocuments.search(articles, { scoreBy: (text: string) => score.text("title", text), topK: 3 })
)
expectTypeOf(found).toExtend<
  Stream.Stream<
    [
      string,
      ReadonlyArray<{
        readonly _id: string
        readonly _score: number | null
        readonly title: string
        readonly body?: string
        readonly at: Date
        readonly year?: number
        readonly tags: ReadonlyArray<string>
      }>
    ],
    PineconeError,
    PineconeDocumentIndex
  >
>()
type Found = Stream.Success<typeof found>[1][number]
expectTypeOf<keyof Found>().toEqualTypeOf<"_id" | "_score" | "title" | "body" | "at" | "year" | "tags">()
const some = ids.pipe(
  PineconeDocuments.search(articles, {
    scoreBy: (text: string) => score.text("title", text),
    topK: 3,
    fields: ["at", "embedding"]
  })
)
expectTypeOf<keyof Stream.Success<typeof some>[1][number]>().toEqualTypeOf<"_id" | "_score" | "at" | "embedding">()
expectTypeOf(ids.pipe(PineconeDocuments.fetch(articles))).toExtend<
  Stream.Stream<[string, Option.Option<Article>], PineconeError, PineconeDocumentIndex>
>()
const dates = ids.pipe(PineconeDocuments.fetch(articles, { fields: ["at"] }))
expectTypeOf<Stream.Success<typeof dates>[1]>().toEqualTypeOf<
  Option.Option<{ readonly _id: string; readonly at: Date }>
>()
const scanned = PineconeDocuments.scan(articles, { fields: ["year"] })
expectTypeOf<Stream.Success<typeof scanned>["document"]>().toEqualTypeOf<{
  readonly _id: string
  readonly year?: number
}>()
// @ts-expect-error: a field that is not there
void ids.pipe(PineconeDocuments.fetch(articles, { fields: ["writer"] }))

// What documents are ranked by: fields of the kind, and several only by words.
void ids.pipe(
  PineconeDocuments.search(articles, {
    scoreBy: (text: string) => [score.text(["title", "body"], text), score.queryString("title:a")],
    topK: 1
  })
)
// @ts-expect-error: no dense field
score.dense("terms", [1])
// @ts-expect-error: no text
score.text(["title", "year"], "a")
const mixed = (text: string) => [score.text("title", text), score.dense("embedding", [1])] as const
// @ts-expect-error: a vector ranks alone
void ids.pipe(PineconeDocuments.search(articles, { scoreBy: mixed, topK: 1 }))
// @ts-expect-error: nothing to rank by
void ids.pipe(PineconeDocuments.search(articles, { scoreBy: () => [], topK: 1 }))

// Filters are over metadata as it is stored, and over the words of texts.
const typed = (filter: DocumentIndex.Filter<NonNullable<typeof articles.fields>>) => filter
typed({ at: "2020-01-01T00:00:00.000Z", tags: { $in: ["a"] }, title: { $match_any: "a b" } })
typed(filter.and(filter.gte("year", 2020), filter.not(filter.matchPhrase("body", "a b"))))
// @ts-expect-error: not as the program has it
typed({ at: new Date() })
// @ts-expect-error: a field that is not there
typed({ writer: "a" })
// @ts-expect-error: text with full text search has no equality
typed({ title: "a" })
// @ts-expect-error: no text with full text search
typed({ year: { $match_any: "a" } })
// @ts-expect-error: a vector is not compared
typed({ embedding: { $exists: true } })
// @ts-expect-error: no text with full text search
filter.matchAll("year", "a")
// @ts-expect-error: words have no order
filter.gt("title", 1)

// Of an index whose fields are not known everything is taken, and comes back, as it is.
void Stream.make({ _id: "a", anything: [1, 2], more: "b" }).pipe(PineconeDocuments.upsert(DocumentIndex.any))
// @ts-expect-error: no id
void Stream.make({ anything: 1 }).pipe(PineconeDocuments.upsert(DocumentIndex.any))
const everything = PineconeDocuments.scan(DocumentIndex.any)
expectTypeOf<Stream.Success<typeof everything>["document"]>().toEqualTypeOf<Document>()
const matches = ids.pipe(
  PineconeDocuments.search(DocumentIndex.any, {
    scoreBy: (text: string) => DocumentIndex.any.score.queryString(text),
    topK: 1
  })
)
expectTypeOf<Stream.Success<typeof matches>[1][number]>().toEqualTypeOf<DocumentMatch>()

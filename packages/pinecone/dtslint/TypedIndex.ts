/** What the types of an index with a metadata schema promise; checked by the compiler, never run. */
import {
  Operation,
  type PineconeError,
  type PineconeIndex,
  type PineconeSink,
  TypedIndex
} from "@effect-connectors/pinecone"
import type { Match } from "@effect-connectors/pinecone/PineconeIndex"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { expectTypeOf } from "vitest"

const Article = Schema.Struct({
  title: Schema.String,
  at: Schema.DateFromString,
  tags: Schema.Array(Schema.String),
  year: Schema.optionalKey(Schema.Int)
})
type Article = typeof Article.Type

const articles = TypedIndex.make(Article)

interface Page {
  readonly url: string
  readonly embedding: Float32Array
  readonly article: Article
}
declare const ids: Stream.Stream<string>
declare const pages: Stream.Stream<Page>
declare const records: Stream.Stream<VectorRecord<Article>, "broken">

// In: metadata as the program has it.
expectTypeOf(records.pipe(articles.upsert())).toEqualTypeOf<
  PineconeSink.Plain<VectorRecord<Article>, "broken", never>
>()
expectTypeOf(
  pages.pipe(
    articles.upsertOutcomes({ record: (page) => ({ id: page.url, values: page.embedding, metadata: page.article }) })
  )
).toEqualTypeOf<PineconeSink.Outcomes<Page, never, never>>()
// @ts-expect-error: not as it is stored
void Stream.make({ id: "a", values: [1], metadata: { title: "A", at: "2020-01-01", tags: [] } }).pipe(articles.upsert())
// @ts-expect-error: a field is missing
void Stream.make({ id: "a", values: [1], metadata: { title: "A", at: new Date() } }).pipe(articles.upsertOutcomes())
// @ts-expect-error: a page is no record
void pages.pipe(articles.upsert())
// @ts-expect-error: a field is missing
void pages.pipe(articles.upsert({ record: (page) => ({ id: page.url, metadata: { title: page.url } }) }))

// Out: metadata as the program has it.
const query = articles.query({ vector: (page: Page) => page.embedding, topK: 3 })
expectTypeOf(query(pages)).toEqualTypeOf<
  Stream.Stream<[Page, ReadonlyArray<Match<Article>>], PineconeError, PineconeIndex>
>()
expectTypeOf<Match<Article>["metadata"]>().toEqualTypeOf<Article | undefined>()
expectTypeOf(ids.pipe(articles.fetch())).toEqualTypeOf<
  Stream.Stream<[string, Option.Option<VectorRecord<Article>>], PineconeError, PineconeIndex>
>()
expectTypeOf(articles.scan()).toExtend<
  Stream.Stream<VectorRecord<Article> & { readonly namespace: string }, PineconeError, PineconeIndex>
>()
// @ts-expect-error: a page is no id
void pages.pipe(articles.fetch())

// Updates name all fields, or those that a schema of changes lets them.
expectTypeOf(
  ids.pipe(
    articles.update({ update: (id) => ({ id, metadata: { title: "A", at: new Date(), tags: [] } }), concurrency: 2 })
  )
).toEqualTypeOf<PineconeSink.Plain<string, never, never>>()
// @ts-expect-error: a field is missing, and no schema of changes was given
void ids.pipe(articles.update({ update: (id) => ({ id, metadata: { title: "A" } }) }))
const edited = TypedIndex.make(Article, Article.mapFields(Struct.map(Schema.optionalKey)))
void ids.pipe(edited.updateOutcomes({ update: (id) => ({ id, metadata: { at: new Date() } }) }))
void Stream.make({ id: "a", metadata: { year: 2 } }, { id: "b", values: [1] }).pipe(edited.update())
// @ts-expect-error: not as it is stored
void ids.pipe(edited.update({ update: (id) => ({ id, metadata: { at: "2020-01-01" } }) }))
// @ts-expect-error: a value of another type
void ids.pipe(edited.update({ update: (id) => ({ id, metadata: { title: 7 } }) }))
// @ts-expect-error: one call changes one record
void ids.pipe(edited.update({ update: (id) => ({ id, values: [1] }), maxRecords: 10 }))
// @ts-expect-error: changes are of the same fields
TypedIndex.make(Article, Schema.Struct({ title: Schema.FiniteFromString.pipe(Schema.flip) }))

// Operations are of both.
const record = { id: "a", values: [1], metadata: { title: "A", at: new Date(), tags: [] } }
void Stream.make(Operation.upsert(record), Operation.delete("a")).pipe(articles.operations())
void Stream.make(Operation.upsert(record), Operation.update({ id: "a", metadata: { at: new Date() } })).pipe(
  edited.operationsOutcomes()
)
// @ts-expect-error: a field is missing, and no schema of changes was given
void Stream.make(Operation.update({ id: "a", metadata: { at: new Date() } })).pipe(articles.operations())
const stored = Stream.make(Operation.upsert({ id: "a", metadata: { title: "A", at: "2020", tags: ["a"] } }))
// @ts-expect-error: not as it is stored
void stored.pipe(edited.operations())

// Chunks of documents have it too.
const parent = (page: Page) => page.url
void pages.pipe(articles.replace({ parent, records: (page) => [{ id: "a#0", metadata: page.article }] }))
// @ts-expect-error: a field is missing
void pages.pipe(articles.replace({ parent, records: (page) => [{ id: "a#0", metadata: { title: page.url } }] }))

// What has no metadata is here too.
expectTypeOf(ids.pipe(articles.delete())).toEqualTypeOf<PineconeSink.Plain<string, never, never>>()
expectTypeOf(articles.list({ prefix: "a" })).toEqualTypeOf<Stream.Stream<string, PineconeError, PineconeIndex>>()

// Filters are over the metadata as it is stored.
const vector = (page: Page) => page.embedding
void pages.pipe(articles.query({ vector, topK: 3, filter: { at: "2020-01-01T00:00:00.000Z", tags: { $in: ["a"] } } }))
void pages.pipe(articles.query({ vector, topK: 3, filter: (page) => ({ title: page.url, year: { $exists: true } }) }))
void pages.pipe(
  articles.queryResults({ vector, topK: 3, filter: articles.filter.and(articles.filter.gte("year", 2020)) })
)
// @ts-expect-error: not as the program has it
void pages.pipe(articles.query({ vector, topK: 3, filter: { at: new Date() } }))
// @ts-expect-error: a field that is not there
void pages.pipe(articles.query({ vector, topK: 3, filter: { titel: "A" } }))
// @ts-expect-error: a value of another type
void pages.pipe(articles.query({ vector, topK: 3, filter: (page) => ({ year: page.url }) }))
// @ts-expect-error: text has no order
articles.filter.gt("title", 1)
// @ts-expect-error: a field that is not there
articles.filter.eq("titel", "A")

// A schema has to encode to what Pinecone stores.
TypedIndex.make(Schema.Struct({ n: Schema.FiniteFromString, date: Schema.DateFromString }))
// @ts-expect-error: no nesting
TypedIndex.make(Schema.Struct({ author: Schema.Struct({ name: Schema.String }) }))
// @ts-expect-error: no null
TypedIndex.make(Schema.Struct({ title: Schema.NullOr(Schema.String) }))
// @ts-expect-error: no undefined: a field is left out
TypedIndex.make(Schema.Struct({ title: Schema.optional(Schema.String) }))
// @ts-expect-error: no dates
TypedIndex.make(Schema.Struct({ at: Schema.Date }))

/** What the types of the sinks promise; checked by the compiler, never run. */
import type { Outcome } from "@effect-connectors/core"
import { Operation, type PineconeError, PineconeIndex, PineconeSink } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

interface Point {
  readonly id: string
  readonly values: Float32Array
  readonly offset: number
}
interface Change {
  readonly id: string
  readonly metadata: { readonly read: boolean }
}
interface Page {
  readonly url: string
  readonly embedding: ReadonlyArray<number>
}

declare const points: Stream.Stream<Point, "broken", "Source">
declare const pages: Stream.Stream<Page>
declare const changes: Stream.Stream<Change>
declare const ids: Stream.Stream<string>

// Elements that are records need no option, and come back as what they are.
expectTypeOf(points.pipe(PineconeSink.upsertOutcomes())).toEqualTypeOf<
  Stream.Stream<Outcome.Outcome<Point, PineconeError>, "broken" | PineconeError, "Source" | PineconeIndex>
>()
expectTypeOf(points.pipe(PineconeSink.upsertOutcomes({ namespace: "n", maxRecords: 10 }))).toEqualTypeOf<
  PineconeSink.Outcomes<Point, "broken", "Source">
>()

// The plain form emits what was written, and fails with the rest.
expectTypeOf(points.pipe(PineconeSink.upsert())).toEqualTypeOf<
  Stream.Stream<Outcome.Written<Point>, "broken" | PineconeError | Outcome.RecordsNotWritten, "Source" | PineconeIndex>
>()

// With `record` any element will do; what it is comes from the stream.
expectTypeOf(
  pages.pipe(PineconeSink.upsertOutcomes({ record: (page) => ({ id: page.url, values: page.embedding }) }))
).toEqualTypeOf<PineconeSink.Outcomes<Page, never, never>>()
expectTypeOf(
  pages.pipe(
    PineconeSink.upsert({
      record: (page) => ({
        id: page.url,
        values: page.embedding,
        metadata: { url: page.url, tags: ["a"], n: 1, b: true }
      }),
      namespace: (page) => page.url
    })
  )
).toEqualTypeOf<PineconeSink.Plain<Page, never, never>>()

// Outside a pipe it comes from the option.
const step = PineconeSink.upsertOutcomes({ record: (page: Page) => ({ id: page.url, values: page.embedding }) })
expectTypeOf(step(pages)).toEqualTypeOf<PineconeSink.Outcomes<Page, never, never>>()
expectTypeOf(PineconeSink.upsert()(points)).toExtend<
  Stream.Stream<Outcome.Written<{ readonly id: string }>, unknown, unknown>
>()

// @ts-expect-error: a page is no record
void pages.pipe(PineconeSink.upsert())
// @ts-expect-error: nor with other options
void pages.pipe(PineconeSink.upsertOutcomes({ namespace: "n" }))
// @ts-expect-error: no id is made
void pages.pipe(PineconeSink.upsert({ record: (page) => ({ values: page.embedding }) }))
// @ts-expect-error: Pinecone has no null
void pages.pipe(PineconeSink.upsert({ record: (page) => ({ id: page.url, metadata: { title: null } }) }))
// @ts-expect-error: nor nesting
void pages.pipe(PineconeSink.upsert({ record: (page) => ({ id: page.url, metadata: { page: { url: page.url } } }) }))
// @ts-expect-error: nor lists of numbers
void Stream.make({ id: "a", values: [1], metadata: { list: [1, 2] } }).pipe(PineconeSink.upsert())
// @ts-expect-error: a namespace is text
void pages.pipe(PineconeSink.upsert({ namespace: 1 }))

// Updates: of changes, or of elements that a change is made of.
expectTypeOf(changes.pipe(PineconeSink.update())).toEqualTypeOf<PineconeSink.Plain<Change, never, never>>()
expectTypeOf(
  pages.pipe(PineconeSink.updateOutcomes({ update: (page) => ({ id: page.url, metadata: { seen: true } }) }))
).toEqualTypeOf<PineconeSink.Outcomes<Page, never, never>>()
// @ts-expect-error: a page is no change
void pages.pipe(PineconeSink.update())
// @ts-expect-error: a change is of an id
void pages.pipe(PineconeSink.updateOutcomes({ update: () => ({ metadata: { seen: true } }) }))

// Deletes: of ids, or of elements that have one.
expectTypeOf(ids.pipe(PineconeSink.delete())).toEqualTypeOf<PineconeSink.Plain<string, never, never>>()
expectTypeOf(pages.pipe(PineconeSink.deleteOutcomes({ id: (page) => page.url }))).toEqualTypeOf<
  PineconeSink.Outcomes<Page, never, never>
>()
// @ts-expect-error: a page is no id
void pages.pipe(PineconeSink.delete())
// @ts-expect-error: an id is text
void Stream.make(1).pipe(PineconeSink.deleteOutcomes())

// Operations: of elements that are some, or that one is made of.
declare const operations: Stream.Stream<Operation.Operation>
expectTypeOf(operations.pipe(PineconeSink.operationsOutcomes())).toEqualTypeOf<
  PineconeSink.Outcomes<Operation.Operation, never, never>
>()
expectTypeOf(
  ids.pipe(PineconeSink.operations({ operation: (id) => Operation.delete(id), namespace: (id) => id }))
).toEqualTypeOf<PineconeSink.Plain<string, never, never>>()
expectTypeOf(
  pages.pipe(
    PineconeSink.operations({
      operation: (page) =>
        page.url === "" ? Operation.delete("a") : Operation.upsert({ id: page.url, values: page.embedding })
    })
  )
).toEqualTypeOf<PineconeSink.Plain<Page, never, never>>()
// @ts-expect-error: a page is no operation
void pages.pipe(PineconeSink.operations())
// @ts-expect-error: nor is a record
void points.pipe(PineconeSink.operationsOutcomes())
// @ts-expect-error: Pinecone has no null
void pages.pipe(PineconeSink.operations({ operation: () => Operation.update({ id: "a", metadata: { title: null } }) }))

// Documents: of elements that a name and records are made of.
const documents = PineconeSink.replaceOutcomes({
  parent: (page: Page) => page.url,
  records: (page) => [{ id: `${page.url}#0`, values: page.embedding, metadata: { url: page.url } }]
})
expectTypeOf(documents(pages)).toEqualTypeOf<PineconeSink.Outcomes<Page, never, never>>()
expectTypeOf(
  pages.pipe(PineconeSink.replace({ parent: (page) => page.url, records: () => [], namespace: (page) => page.url }))
).toEqualTypeOf<PineconeSink.Plain<Page, never, never>>()
// @ts-expect-error: Pinecone has no null
void pages.pipe(PineconeSink.replace({ parent: () => "a", records: () => [{ id: "a#0", metadata: { title: null } }] }))
// @ts-expect-error: a document has a name
void pages.pipe(PineconeSink.replace({ records: () => [] }))

// Whichever layer is given, no requirement is left but the source's; the real one can fail to be built.
const program = Stream.runDrain(points.pipe(PineconeSink.upsert()))
expectTypeOf(program).toEqualTypeOf<
  Effect.Effect<void, "broken" | PineconeError | Outcome.RecordsNotWritten, "Source" | PineconeIndex>
>()
expectTypeOf(Effect.provide(program, PineconeMemory.layer)).toEqualTypeOf<
  Effect.Effect<void, "broken" | PineconeError | Outcome.RecordsNotWritten, "Source">
>()
const local = Stream.runDrain(pages.pipe(PineconeSink.upsertOutcomes({ record: (page) => ({ id: page.url }) })))
expectTypeOf(Effect.provide(local, PineconeMemory.layer)).toEqualTypeOf<Effect.Effect<void, PineconeError>>()
expectTypeOf(
  Effect.provide(local, PineconeIndex.layer({ apiKey: Redacted.make("k"), index: "articles" }))
).toEqualTypeOf<Effect.Effect<void, PineconeError>>()
// @ts-expect-error: a key is never plain text
PineconeIndex.layer({ apiKey: "k", index: "articles" })

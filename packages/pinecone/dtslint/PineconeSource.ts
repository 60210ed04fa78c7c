/** What the types of the sources promise; checked by the compiler, never run. */
import { type PineconeError, type PineconeIndex, PineconeSource, type VectorRecord } from "@effect-connectors/pinecone"
import type { Match } from "@effect-connectors/pinecone/PineconeIndex"
import type * as Option from "effect/Option"
import type * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

interface Question {
  readonly text: string
  readonly embedding: Float32Array
  readonly year: number
}

declare const ids: Stream.Stream<string>
declare const questions: Stream.Stream<Question, "broken", "Source">

// A row is the element, whole, with its answer.
expectTypeOf(questions.pipe(PineconeSource.query({ vector: (question) => question.embedding, topK: 5 }))).toEqualTypeOf<
  Stream.Stream<[Question, ReadonlyArray<Match>], "broken" | PineconeError, "Source" | PineconeIndex>
>()
expectTypeOf(
  questions.pipe(
    PineconeSource.queryResults({
      vector: (question) => question.embedding,
      sparseVector: (question) => ({ indices: [question.year], values: [1] }),
      namespace: (question) => question.text,
      filter: (question) => ({ year: { $gte: question.year } }),
      topK: 5
    })
  )
).toEqualTypeOf<
  Stream.Stream<
    [Question, Result.Result<ReadonlyArray<Match>, PineconeError>],
    "broken" | PineconeError,
    "Source" | PineconeIndex
  >
>()

// @ts-expect-error: how many is never left to a default
void questions.pipe(PineconeSource.query({ vector: (question) => question.embedding }))
// @ts-expect-error: nothing to ask with
void questions.pipe(PineconeSource.query({ topK: 5 }))
// @ts-expect-error: one or the other
void questions.pipe(PineconeSource.query({ id: ({ text }) => text, vector: (question) => question.embedding, topK: 5 }))
void questions.pipe(PineconeSource.query({ id: ({ text }) => text, topK: 5, filter: ({ year }) => ({ year }) }))
// @ts-expect-error: a text is no vector
void questions.pipe(PineconeSource.query({ vector: (question) => question.text, topK: 5 }))
// @ts-expect-error: a condition has operators
void questions.pipe(PineconeSource.query({ id: ({ text }) => text, topK: 5, filter: { year: { from: 1 } } }))

// Fetches: of ids, or of elements that have one.
expectTypeOf(ids.pipe(PineconeSource.fetch())).toEqualTypeOf<
  PineconeSource.Rows<string, Option.Option<VectorRecord.VectorRecord>, never, never>
>()
expectTypeOf(questions.pipe(PineconeSource.fetchResults({ id: (question) => question.text }))).toEqualTypeOf<
  PineconeSource.Results<Question, Option.Option<VectorRecord.VectorRecord>, "broken", "Source">
>()
// @ts-expect-error: a question is no id
void questions.pipe(PineconeSource.fetch())
// @ts-expect-error: an id is text
void questions.pipe(PineconeSource.fetchResults({ id: (question) => question.year }))

// Streams of their own.
expectTypeOf(PineconeSource.list({ prefix: "a#" })).toEqualTypeOf<Stream.Stream<string, PineconeError, PineconeIndex>>()
expectTypeOf(PineconeSource.scan({ namespaces: "all" })).toEqualTypeOf<
  Stream.Stream<PineconeSource.Scanned, PineconeError, PineconeIndex>
>()
expectTypeOf<PineconeSource.Scanned>().toExtend<VectorRecord.VectorRecord & { readonly namespace: string }>()
// @ts-expect-error: one list has no parts to read side by side
void PineconeSource.list({ concurrency: 2 })
// @ts-expect-error: nor has the list of namespaces
void PineconeSource.namespaces({ concurrency: 2 })
// @ts-expect-error: all of them, or a list
void PineconeSource.scan({ namespaces: "some" })

/** What the types of reranking promise; checked by the compiler, never run. */
import { type PineconeError, type PineconeReranker, PineconeSource, Reranking } from "@effect-connectors/pinecone"
import type { Match } from "@effect-connectors/pinecone/PineconeIndex"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

interface Question {
  readonly text: string
  readonly vector: ReadonlyArray<number>
}
interface Note {
  readonly id: number
  readonly text: string
}
declare const questions: Stream.Stream<Question>
declare const error: PineconeError
declare const notes: ReadonlyArray<Note>

const model = "bge-reranker-v2-m3"

// Documents come back as they were.
expectTypeOf(
  questions.pipe(Reranking.rerank({ model, query: ({ text }: Question) => text, documents: () => notes }))
).toEqualTypeOf<
  Stream.Stream<[Question, ReadonlyArray<Reranking.RankedDocument<Note>>], PineconeError, PineconeReranker>
>()

// What a search found is ranked; a search that failed is handed through.
const found = questions.pipe(
  PineconeSource.query({ vector: ({ vector }: Question) => vector, topK: 50, includeMetadata: true }),
  Reranking.rerankResults({
    model,
    query: ([{ text }]) => text,
    documents: ([, matches]) => (matches.length > 100 ? Result.fail(error) : matches),
    read: ({ metadata }) => ({ text: metadata?.["body"] })
  }),
  Stream.map(([, ranked]) => ranked)
)
expectTypeOf<Stream.Success<typeof found>>().toEqualTypeOf<
  Result.Result<ReadonlyArray<Reranking.RankedDocument<Match>>, PineconeError>
>()

// @ts-expect-error: a number is nothing that a model reads
void questions.pipe(Reranking.rerank({ model, query: ({ text }: Question) => text, documents: () => [1, 2] }))
void questions.pipe(
  Reranking.rerank({ model, query: ({ text }: Question) => text, documents: () => [1, 2], read: (n) => `${n}` })
)
// @ts-expect-error: no model
void questions.pipe(Reranking.rerank({ query: ({ text }: Question) => text, documents: () => notes }))
